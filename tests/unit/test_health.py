"""A process that is not live says so to whoever starts it again."""

import asyncio
from dataclasses import dataclass, field

from runtime.brake import Brake
from runtime.gate import Gate
from runtime.hand import Hand
from runtime.health import Health, Vitals


@dataclass
class Member:
    """A consumer, idle."""

    seconds_since_poll: float | None = 1.0
    partitions: int = 12
    hand: Hand = field(default_factory=Hand)


async def test_a_consumer_that_stays_stuck_ends_its_process_and_one_that_recovers_does_not() -> None:
    member = Member()
    health = Health([Vitals("images", member, Brake(1), Gate(), deadline=1.0)])
    ending = asyncio.create_task(health.until_not_live(3.0, pause=0.01))
    for _ in range(3):
        member.seconds_since_poll = 1000.0
        await asyncio.sleep(0.1)
        member.seconds_since_poll = 1.0
        await asyncio.sleep(0.05)
    assert not ending.done()
    member.seconds_since_poll = 1000.0
    [why] = await asyncio.wait_for(ending, 30)
    assert "stuck" in why
