"""Kafka by FastStream and aiokafka: the only module that imports them.

What is chosen against the libraries' defaults, and why, stands in docs/adr/0002-in-place-retry.md and
in messaging's experiments: `NACK_ON_ERROR` with our own settling, a commit inside the hand, a drain
before partitions are given away, topics created by us alone.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, NoError, TopicAlreadyExistsError, for_code
from faststream.exceptions import FastStreamException
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage
from faststream.middlewares import AckPolicy

from runtime.errors import Unavailable
from runtime.hand import Doing, Hand
from runtime.records import Record
from schemas.envelope import Envelope
from schemas.topics import Topic

log = structlog.get_logger(__name__)

PUBLISH_TIMEOUT = 20.0
"""Seconds; an idempotent publish hangs while the broker is away."""

COMMIT_TIMEOUT = 20.0
BATCH_RECORDS = 500
TROUBLE_NAP = 2.0
SESSION_TIMEOUT_MS = 10_000
MAX_RECORD_BYTES = 1_048_576


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


class _Drain(ConsumerRebalanceListener):
    """Settles what is in hand before somebody else starts the same record."""

    def __init__(self, hand: Hand, drain: float, assigned: Callable[[], None]) -> None:
        self._hand, self._seconds, self._on_assigned = hand, drain, assigned

    async def on_partitions_revoked(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, revoked: Sequence[TopicPartition]
    ) -> None:
        if revoked and not await self._hand.drain(self._seconds):
            log.warning("record in hand not settled before its partition went", seconds=self._seconds)

    async def on_partitions_assigned(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, assigned: Sequence[TopicPartition]
    ) -> None:
        self._on_assigned()
        self._hand.reopen()


@dataclass
class Consumer:
    """One member of a consumer group, and what a health check wants to know of it."""

    subscription: Subscription
    hand: Hand
    _subscriber: Any = field(repr=False)

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


class KafkaLog:
    """A connection to the log: publishes, and runs the consumers that were declared before its start."""

    def __init__(self, bootstrap: str, client_id: str, *, graceful: float = 30.0) -> None:
        quiet = logging.getLogger("faststream")
        quiet.setLevel(logging.ERROR)
        self._broker = KafkaBroker(
            bootstrap,
            client_id=client_id,
            acks="all",
            enable_idempotence=True,
            allow_auto_create_topics=False,
            max_request_size=MAX_RECORD_BYTES,
            graceful_timeout=graceful,
            logger=quiet,
        )
        self.consumers: list[Consumer] = []

    async def publish(self, topic: Topic, envelope: Envelope) -> None:
        await self.publish_bytes(topic, key=envelope.subject.encode(), value=envelope.data, headers=envelope.headers())

    async def publish_bytes(self, topic: Topic, *, key: bytes | None, value: bytes, headers: Mapping[str, str]) -> None:
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT):
                await self._broker.publish(value, topic.name, key=key, headers=dict(headers))
        except (KafkaError, FastStreamException, TimeoutError, OSError) as error:
            raise Unavailable(f"Kafka does not take records ({type(error).__name__})", on="kafka") from error

    def consume(
        self,
        subscription: Subscription,
        hand: Hand,
        settle: Callable[[Record], Awaitable[bool]],
        assigned: Callable[[], None],
    ) -> Consumer:
        """Declares a consumer that has one record in hand at a time.

        `settle` says whether the record is done (its offset is committed) or is polled again.
        """

        async def on_record(message: KafkaMessage) -> None:
            hand.turn(Doing.WORK)
            try:
                await _close(message, hand, await settle(_record(message.raw_message)))
            finally:
                hand.turn(Doing.IDLE)

        return self._subscribe(subscription, hand, assigned, on_record, batch=False)

    def follow(self, subscription: Subscription, handle: Callable[[Sequence[Record]], Awaitable[None]]) -> Consumer:
        """Declares a consumer of batches; a batch that `handle` raises on is polled again."""
        hand = Hand()

        async def on_batch(message: KafkaMessage) -> None:
            hand.turn(Doing.WORK)
            try:
                records = [_record(raw) for raw in cast("tuple[Any, ...]", message.raw_message)]
                await _close(message, hand, await _handled(records, handle, hand))
            finally:
                hand.turn(Doing.IDLE)

        return self._subscribe(subscription, hand, lambda: None, on_batch, batch=True)

    def _subscribe(
        self,
        subscription: Subscription,
        hand: Hand,
        assigned: Callable[[], None],
        handler: Callable[[KafkaMessage], Awaitable[None]],
        *,
        batch: bool,
    ) -> Consumer:
        subscriber = self._broker.subscriber(
            *(topic.name for topic in subscription.topics),
            group_id=subscription.group,
            group_instance_id=subscription.static_id,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            listener=_Drain(hand, subscription.drain, assigned),
            max_poll_interval_ms=round(subscription.longest * 1000),
            rebalance_timeout_ms=round((subscription.drain + 5) * 1000),
            session_timeout_ms=SESSION_TIMEOUT_MS,
            parser=_parsed_batch if batch else _parsed,
            decoder=_undecoded,
            batch=batch,
            max_records=BATCH_RECORDS if batch else None,
        )
        subscriber(handler)
        consumer = Consumer(subscription, hand, subscriber)
        self.consumers.append(consumer)
        return consumer

    async def start(self) -> None:
        """Connects, joins the groups and begins to consume. Raises `Unavailable`."""
        try:
            await self._broker.start()
        except (KafkaError, OSError) as error:
            raise Unavailable(f"Kafka cannot be reached ({type(error).__name__})", on="kafka") from error

    async def reachable(self) -> bool:
        """Whether a broker answers within a few seconds."""
        return await self._broker.ping(timeout=5.0)

    async def stop(self) -> None:
        """Drains every consumer, then disconnects."""
        await asyncio.gather(*(consumer.stop() for consumer in self.consumers), return_exceptions=True)
        await self._broker.stop()


async def _handled(
    records: Sequence[Record], handle: Callable[[Sequence[Record]], Awaitable[None]], hand: Hand
) -> bool:
    try:
        await handle(records)
    except Exception as error:
        log.warning("batch not taken in; it is polled again", records=len(records), error=str(error), exc_info=True)
        with contextlib.suppress(Exception):
            await hand.nap(TROUBLE_NAP)
        return False
    return True


async def _close(message: KafkaMessage, hand: Hand, done: bool) -> None:
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


def _record(raw: Any) -> Record:
    return Record(raw.topic, raw.partition, raw.offset, raw.timestamp, tuple(raw.headers), raw.key, raw.value)


def _safe(raw: Any) -> Any:
    """FastStream's parser fails on a null header, and the record would be lost: it gets a readable copy."""
    headers = [(name, (value or b"").decode("utf-8", "replace").encode()) for name, value in raw.headers]
    return replace(raw, headers=headers)


async def _parsed(raw: Any, original: Callable[[Any], Awaitable[Any]]) -> Any:
    message = await original(_safe(raw))
    message.raw_message = raw
    return message


async def _parsed_batch(raw: Any, original: Callable[[Any], Awaitable[Any]]) -> Any:
    message = await original(tuple(map(_safe, raw)))
    message.raw_message = raw
    return message


async def _undecoded(message: Any) -> Any:
    return message.body


async def ensure_topics(bootstrap: str, topics: Sequence[Topic]) -> None:
    """Creates the topics that are not there yet; those that are stay as they are. Raises `Unavailable`."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        there = set(await admin.list_topics())
        missing = [_new_topic(topic) for topic in topics if topic.name not in there]
        if missing:
            answer: Any = await admin.create_topics(missing)
            for _, code, *_ in answer.topic_errors:
                if code not in (NoError.errno, TopicAlreadyExistsError.errno):
                    raise for_code(code)
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka at {bootstrap} gives no topics ({type(error).__name__})", on="kafka") from error
    finally:
        with contextlib.suppress(KafkaError, OSError):
            await admin.close()


def _new_topic(topic: Topic) -> NewTopic:
    return NewTopic(
        name=topic.name,
        num_partitions=topic.partitions,
        replication_factor=-1,  # the cluster's default, which aiokafka takes only with an assignment
        replica_assignments={},
        topic_configs={
            "retention.ms": str(topic.retention_ms),
            "cleanup.policy": "compact" if topic.compacted else "delete",
        },
    )
