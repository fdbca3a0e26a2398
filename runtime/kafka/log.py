"""The log: publishing, and the consumers of one process."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from faststream.exceptions import FastStreamException
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage
from faststream.middlewares import AckPolicy

from runtime.errors import Permanent, Unavailable
from runtime.hand import Doing, Hand
from runtime.kafka.admin import Lag, lags, retention
from runtime.kafka.connection import Connection
from runtime.kafka.consumer import SESSION_TIMEOUT, Assigned, Consumer, Drain, Subscription, close, handled, unawaited
from runtime.kafka.parsing import parse_batch, parse_record, record_of, undecoded
from runtime.kafka.reader import Reader, reader
from runtime.kafka.refusals import DENIED, denied
from runtime.kafka.tail import Tail
from runtime.kafka.writer import Writer, writer
from runtime.records import Record
from schemas.envelope import Envelope
from schemas.topics import Topic

PUBLISH_TIMEOUT = 20.0
"""Seconds; an idempotent publish hangs while the broker is away."""

DISCONNECT_TIMEOUT = 5.0
"""Seconds; the producer's flush hangs for minutes while the broker is away, for records that nobody waits for."""

BATCH_RECORDS = 500
MAX_RECORD_BYTES = 1_048_576


class KafkaLog:
    """A connection to the log: publishes, and runs the consumers that were declared before its start."""

    def __init__(self, connection: Connection, client_id: str, *, graceful: float = 30.0) -> None:
        self.connection = connection
        quiet = logging.getLogger("faststream")
        quiet.setLevel(logging.ERROR)
        quiet.addFilter(_is_error)
        self._broker = KafkaBroker(
            connection.bootstrap.split(","),
            security=connection.security,
            client_id=client_id,
            acks="all",
            enable_idempotence=True,
            allow_auto_create_topics=False,
            max_request_size=MAX_RECORD_BYTES,
            graceful_timeout=graceful,
            logger=quiet,
        )
        self.consumers: list[Consumer] = []
        self.unjoined: str | None = "not connected to Kafka yet"
        """Why its groups are not joined; None once they are."""
        self._tails: list[Tail] = []
        self._keeping_up: list[asyncio.Task[None]] = []

    async def publish(self, topic: Topic, envelope: Envelope) -> None:
        await self.publish_bytes(topic, key=envelope.subject.encode(), value=envelope.data, headers=envelope.headers())

    async def publish_bytes(self, topic: Topic, *, key: bytes | None, value: bytes, headers: Mapping[str, str]) -> None:
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT):
                await self._broker.publish(value, topic.name, key=key, headers=dict(headers))
        except MessageSizeTooLargeError as error:
            raise Permanent(f"an event of {len(value)} bytes is too large for Kafka") from error
        except DENIED as error:
            raise denied(f"write to {topic.name}") from error
        except (KafkaError, FastStreamException, TimeoutError, OSError) as error:
            raise Unavailable(f"Kafka does not take records ({type(error).__name__})", on="kafka") from error

    def consume(
        self,
        subscription: Subscription,
        hand: Hand,
        settle: Callable[[Record], Awaitable[bool]],
        assigned: Assigned,
    ) -> Consumer:
        """Declares a consumer that has one record in hand at a time.

        `settle` says whether the record is done (its offset is committed) or is polled again.
        """

        async def on_record(message: KafkaMessage) -> None:
            hand.turn(Doing.WORK)
            try:
                await close(message, hand, await settle(record_of(message.raw_message)))
            finally:
                hand.turn(Doing.IDLE)

        return self._subscribe(subscription, hand, assigned, on_record, batch=False)

    def follow(self, subscription: Subscription, handle: Callable[[Sequence[Record]], Awaitable[None]]) -> Consumer:
        """Declares a consumer of batches; a batch that `handle` raises on is polled again."""
        hand = Hand()

        async def on_batch(message: KafkaMessage) -> None:
            hand.turn(Doing.WORK)
            try:
                records = [record_of(raw) for raw in cast("tuple[Any, ...]", message.raw_message)]
                await close(message, hand, await handled(records, handle, hand))
            finally:
                hand.turn(Doing.IDLE)

        return self._subscribe(subscription, hand, lambda partitions: None, on_batch, batch=True)

    def tail(self, topic: Topic, handle: Callable[[Record], None]) -> Tail:
        """Declares that all of a topic is read without a group: to its end before any group is joined, then on."""
        tail = Tail(self.connection, topic, handle)
        self._tails.append(tail)
        return tail

    def _subscribe(
        self,
        subscription: Subscription,
        hand: Hand,
        assigned: Assigned,
        handler: Callable[[KafkaMessage], Awaitable[None]],
        *,
        batch: bool,
    ) -> Consumer:
        def joined(partitions: Collection[tuple[str, int]]) -> None:
            consumer.joined()
            assigned(partitions)

        subscriber = self._broker.subscriber(
            *(topic.name for topic in subscription.topics),
            group_id=subscription.group,
            group_instance_id=subscription.static_id,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            listener=Drain(hand, subscription.drain, joined),
            max_poll_interval_ms=round(subscription.longest * 1000),
            rebalance_timeout_ms=round((subscription.drain + 5) * 1000),
            session_timeout_ms=round(SESSION_TIMEOUT * 1000),
            parser=parse_batch if batch else parse_record,
            decoder=undecoded,
            batch=batch,
            max_records=BATCH_RECORDS if batch else None,
        )
        subscriber(handler)
        consumer = Consumer(subscription, hand, subscriber)
        self.consumers.append(consumer)
        return consumer

    async def start(self) -> None:
        """Connects, catches up with its tails, joins the groups and begins to consume. Raises `Unavailable`."""
        asyncio.get_running_loop().set_exception_handler(unawaited)
        for tail in self._tails:
            await tail.catch_up()
        try:
            await self._broker.start()
        except (KafkaError, OSError) as error:
            raise Unavailable(f"Kafka cannot be reached ({type(error).__name__})", on="kafka") from error
        self._keeping_up = [asyncio.create_task(tail.keep_up()) for tail in self._tails]

    async def reachable(self) -> bool:
        """Whether a broker answers within a few seconds."""
        return await self._broker.ping(timeout=5.0)

    def reading(self) -> AbstractAsyncContextManager[Reader]:
        """A reader beside the groups, for as long as its context is open. Raises `Unavailable`."""
        return reader(self.connection)

    def writing(self) -> AbstractAsyncContextManager[Writer]:
        """A writer of records as they are, for as long as its context is open. Raises `Unavailable`."""
        return writer(self.connection)

    async def lags(self, groups: Mapping[str, Iterable[Topic]]) -> list[Lag]:
        """How far each group is behind on each partition of the topics that it reads. Raises `Unavailable`."""
        return await lags(self.connection, groups)

    async def retention(self, topics: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
        """`retention.ms` and `cleanup.policy` of topics, as the brokers have them. Raises `Unavailable`."""
        return await retention(self.connection, topics)

    async def stop(self) -> None:
        """Drains every consumer, then disconnects."""
        await asyncio.gather(*(consumer.stop() for consumer in self.consumers), return_exceptions=True)
        for task in self._keeping_up:
            task.cancel()
        await asyncio.gather(*self._keeping_up, *(tail.stop() for tail in self._tails), return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DISCONNECT_TIMEOUT):
                await self._broker.stop()


def _is_error(entry: logging.LogRecord) -> bool:
    """Whether FastStream tells of an error; a record that our own stop cuts off is none, since it comes again."""
    return not (entry.exc_info and isinstance(entry.exc_info[1], asyncio.CancelledError))
