"""A chain of providers: when the next one steps in, and who is named for it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from runtime.errors import Permanent, Unavailable
from runtime.fallback import Fallback
from tests.builders import NOON


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Provider:
    name: str
    away: bool = False
    used: int = 0

    async def serve(self) -> str:
        self.used += 1
        if self.away:
            raise Unavailable(f"{self.name} is away", on=self.name)
        return self.name


@dataclass
class House:
    first: Provider = field(default_factory=lambda: Provider("nebius"))
    second: Provider = field(default_factory=lambda: Provider("offline"))
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.fallback = Fallback([self.first, self.second], timedelta(seconds=120), self.clock)


async def test_the_first_serves_while_it_can() -> None:
    house = House()

    served = await house.fallback.chain().call(Provider.serve)

    assert (served.result, served.degraded) == ("nebius", None)


async def test_the_next_steps_in_after_the_time_and_does_the_rest_of_the_record() -> None:
    house = House(Provider("nebius", away=True))
    with pytest.raises(Unavailable):
        await house.fallback.chain().call(Provider.serve)
    house.clock.now += timedelta(seconds=121)
    chain = house.fallback.chain()

    first, second = await chain.call(Provider.serve), await chain.call(Provider.serve)

    assert (first.result, first.degraded) == ("offline", "nebius is away")
    assert (second.result, second.degraded) == ("offline", "nebius is away")
    assert house.first.used == 2


async def test_the_next_record_begins_with_the_first_again() -> None:
    house = House(Provider("nebius", away=True))
    with pytest.raises(Unavailable):
        await house.fallback.chain().call(Provider.serve)
    house.first.away = False
    house.clock.now += timedelta(seconds=500)

    served = await house.fallback.chain().call(Provider.serve)

    assert served.degraded is None
    house.first.away = True
    with pytest.raises(Unavailable):  # the time begins anew
        await house.fallback.chain().call(Provider.serve)


async def test_the_last_of_the_chain_is_waited_for() -> None:
    house = House(Provider("nebius", away=True), Provider("offline", away=True))
    for _ in range(2):
        with pytest.raises(Unavailable):
            await house.fallback.chain().call(Provider.serve)
        house.clock.now += timedelta(seconds=500)
    with pytest.raises(Unavailable, match="offline is away"):
        await house.fallback.chain().call(Provider.serve)


async def test_a_failure_of_the_record_is_nobodys_outage() -> None:
    house = House()

    async def refuse(provider: Provider) -> str:
        raise Permanent("refused by policy")

    with pytest.raises(Permanent):
        await house.fallback.chain().call(refuse)
    assert house.second.used == 0


async def test_a_long_retry_after_does_not_keep_the_next_from_stepping_in() -> None:
    house = House()

    async def limited(provider: Provider) -> str:
        raise Unavailable("come back tomorrow", on=provider.name, retry_after=86_400)

    with pytest.raises(Unavailable) as away:
        await house.fallback.chain().call(limited)
    assert away.value.retry_after == 120
    house.clock.now += timedelta(seconds=120)
    with pytest.raises(Unavailable) as away:  # the last of the chain: there is nobody to step in
        await house.fallback.chain().call(limited)
    assert (away.value.on, away.value.retry_after) == ("offline", 86_400)


async def test_an_outage_that_nobody_has_seen_for_long_is_forgotten() -> None:
    house = House(Provider("nebius", away=True))
    with pytest.raises(Unavailable):
        await house.fallback.chain().call(Provider.serve)
    house.clock.now += timedelta(hours=5)

    with pytest.raises(Unavailable):
        await house.fallback.chain().call(Provider.serve)
