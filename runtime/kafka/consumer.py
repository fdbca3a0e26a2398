"""Members of consumer groups: what they may hold, when they give it back, how it is settled."""

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from faststream.kafka.annotations import KafkaMessage

from runtime.errors import StageError
from runtime.hand import Doing, GivenUp, Hand
from runtime.records import Record
from schemas.topics import Topic

log = structlog.get_logger(__name__)

COMMIT_TIMEOUT = 20.0
"""Seconds; a commit hangs while the broker is away."""

SESSION_TIMEOUT = 10.0
"""Seconds without a heartbeat after which the group gives a member's partitions to others."""

NO_GENERATION = -1
"""Of a member that is in no generation of its group: not yet, or not any more."""

TROUBLE_NAP = 2.0
"""Seconds before a batch that was not taken in is polled again."""


Assigned = Callable[[Collection[tuple[str, int]]], None]
"""Is told which partitions, by topic and number, are ours from now on, and that no others are."""


@dataclass(frozen=True)
class Subscription:
    """Who reads what, and how long a record may stay in hand."""

    group: str
    topics: tuple[Topic, ...]
    drain: float
    """Seconds to wait for the record in hand when partitions are given away."""
    longest: float
    """Seconds between two polls at the most: every try of a record, and one slice of a hold."""
    static_id: str | None = None
    """A static member: only where one process holds one lock, for it never leaves."""


class Drain(ConsumerRebalanceListener):
    """Settles what is in hand before somebody else starts the same record."""

    def __init__(self, hand: Hand, drain: float, assigned: Assigned) -> None:
        self._hand, self._seconds, self._on_assigned = hand, drain, assigned

    async def on_partitions_revoked(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, revoked: Sequence[TopicPartition]
    ) -> None:
        if revoked and not await self._hand.drain(self._seconds):
            log.warning("record in hand not settled before its partition went", seconds=self._seconds)

    async def on_partitions_assigned(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, assigned: Sequence[TopicPartition]
    ) -> None:
        self._on_assigned(assigned)
        self._hand.reopen()


@dataclass
class Consumer:
    """One member of a consumer group, and what a health check wants to know of it."""

    subscription: Subscription
    hand: Hand
    _subscriber: Any = field(repr=False)
    _heard: float = field(default=-math.inf, init=False)
    """When, by our own clock, what the group last answered was sent."""

    def __post_init__(self) -> None:
        self.hand.struck_off = self._is_struck_off
        self.hand.unheard = self._is_unheard

    def joined(self) -> None:
        """The group has taken us in; from now on its answers to heartbeats are noted."""
        self._heard = time.monotonic()
        coordinator = self._subscriber.consumer._coordinator  # noqa: SLF001 - aiokafka tells nobody of heartbeats
        if "_do_heartbeat" not in vars(coordinator):
            coordinator._do_heartbeat = self._noting(coordinator._do_heartbeat)  # noqa: SLF001

    def _noting(self, heartbeat: Callable[[], Awaitable[bool]]) -> Callable[[], Awaitable[bool]]:
        async def noted() -> bool:
            sent = time.monotonic()
            known = await heartbeat()
            if known:
                self._heard = sent
            return known

        return noted

    def _is_unheard(self) -> bool:
        """Counted from when a heartbeat was sent, so never later than the coordinator counts."""
        return time.monotonic() - self._heard > SESSION_TIMEOUT

    def _is_struck_off(self) -> bool:
        """Whether the coordinator does not know us any more. aiokafka has no public word for it."""
        consumer = self._subscriber.consumer
        return consumer is not None and consumer._coordinator.generation == NO_GENERATION  # noqa: SLF001

    @property
    def partitions(self) -> int:
        """How many partitions it has been given."""
        consumer = self._subscriber.consumer
        return len(consumer.assignment()) if consumer else 0

    @property
    def seconds_since_poll(self) -> float | None:
        """Since the broker last answered for one of its partitions; None while it has none."""
        consumer = self._subscriber.consumer
        polls = [consumer.last_poll_timestamp(each) for each in consumer.assignment()] if consumer else []
        latest = max((poll for poll in polls if poll), default=None)
        return None if latest is None else time.time() - latest / 1000

    async def stop(self) -> None:
        """Gives back what waits, finishes what is worked at, commits and leaves."""
        self.hand.close()
        await self._subscriber.stop()


async def close(message: KafkaMessage, hand: Hand, done: bool) -> None:
    """Commits, or seeks back; inside the hand, so that a drain returns only after the commit."""
    if done:
        hand.turn(Doing.COMMIT)
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT):
                await message.ack()
        except (KafkaError, TimeoutError) as error:
            # The record is delivered again and answered from memory.
            log.warning("offset not committed", error=type(error).__name__)
            await message.nack()
    else:
        await message.nack()


def unawaited(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A loop's exception handler: aiokafka goes on with a commit that was given up, and nobody asks how it ended."""
    if not isinstance(context.get("exception"), KafkaError):
        loop.default_exception_handler(context)


async def handled(records: Sequence[Record], handle: Callable[[Sequence[Record]], Awaitable[None]], hand: Hand) -> bool:
    try:
        await handle(records)
    except Exception as error:
        unexpected = not isinstance(error, StageError)
        log.warning(
            "batch not taken in; it is polled again", records=len(records), error=str(error), exc_info=unexpected
        )
        with contextlib.suppress(GivenUp):
            await hand.nap(TROUBLE_NAP)
        return False
    return True
