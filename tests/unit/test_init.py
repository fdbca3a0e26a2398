"""The job before the first record: it waits for what is not up yet, and for nothing that must be mended."""

from datetime import UTC, datetime

import pytest

from runtime.errors import Unavailable
from runtime.init import PATIENCE, patiently

START = datetime(2030, 1, 1, tzinfo=UTC)


class Step:
    """Fails with each of the errors in turn, then succeeds; every try takes a quarter of the patience."""

    def __init__(self, *errors: Unavailable) -> None:
        self.errors = list(errors)
        self.tries = 0

    async def __call__(self) -> None:
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)

    def now(self) -> datetime:
        return START + self.tries * PATIENCE / 4


def away() -> Unavailable:
    return Unavailable("Kafka is away", on="kafka")


async def test_what_is_not_up_yet_is_waited_for() -> None:
    step = Step(away(), away())
    await patiently(step, pause=0, now=step.now)
    assert step.tries == 3


async def test_what_does_not_come_ends_it() -> None:
    step = Step(*(away() for _ in range(20)))
    with pytest.raises(Unavailable, match="away"):
        await patiently(step, pause=0, now=step.now)
    assert step.tries == 4


async def test_a_refusal_ends_it_at_once() -> None:
    step = Step(Unavailable("the key is refused", on="object store", refused=True))
    with pytest.raises(Unavailable, match="refused"):
        await patiently(step, pause=0, now=step.now)
    assert step.tries == 1
