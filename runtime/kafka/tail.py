"""Following a topic without a group: every process reads all of it, from its start, and goes on."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from runtime.errors import Unavailable
from runtime.kafka.admin import partitions_by_topic, translated
from runtime.kafka.connection import Connection
from runtime.kafka.parsing import record_of
from runtime.records import Record
from schemas.topics import Topic

log = structlog.get_logger(__name__)

POLL_MS = 500
SILENCE = 30.0
"""Seconds without a record, where there must be more, after which Kafka counts as away."""

METADATA_MS = 60_000
"""How long it may take until partitions that were added are heard of."""

AGAIN_SECONDS = 2.0
STOP_TIMEOUT = 5.0


class Tail:
    """Hands every record of a topic to `handle`, each at least once, within a partition in their order."""

    def __init__(self, connection: Connection, topic: Topic, handle: Callable[[Record], None]) -> None:
        self._connection, self._topic, self._handle = connection, topic, handle
        self._consumer: Any = None
        self._partitions: list[TopicPartition] = []
        self._heard = time.time()

    @property
    def silent(self) -> float:
        """Seconds since the brokers last answered for every partition."""
        return time.time() - self._heard

    async def catch_up(self) -> None:
        """Reads from the start to what is the end now. Raises `Unavailable`."""
        await self.stop()
        numbers = (await partitions_by_topic(self._connection)).get(self._topic.name)
        if not numbers:
            raise Unavailable(f"Kafka has no topic {self._topic.name}", on="kafka")
        self._partitions = [TopicPartition(self._topic.name, number) for number in numbers]
        self._consumer = AIOKafkaConsumer(
            **self._connection.options,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            metadata_max_age_ms=METADATA_MS,
        )
        with translated():
            await self._consumer.start()
            self._consumer.assign(self._partitions)
            ends = await self._consumer.end_offsets(self._partitions)
            last = time.monotonic()
            while not await self._is_past(ends):
                if await self._read():
                    last = time.monotonic()
                elif time.monotonic() - last > SILENCE:
                    raise Unavailable(f"Kafka gives no records of {self._topic.name}", on="kafka")
        self._heard = time.time()

    async def keep_up(self) -> None:
        """Reads on until it is cancelled. With new partitions, or after any error, it begins again from the start."""
        while True:
            try:
                if self._consumer is None or self._has_grown():
                    await self.catch_up()
                await self._read()
            except Exception as error:
                log.warning("a topic is followed anew", topic=self._topic.name, error=repr(error))
                await self.stop()
                await asyncio.sleep(AGAIN_SECONDS)

    async def stop(self) -> None:
        """Lets go of the connection."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with contextlib.suppress(KafkaError, OSError, TimeoutError):
                await asyncio.wait_for(consumer.stop(), STOP_TIMEOUT)

    async def _read(self) -> bool:
        """Hands on what has come; says whether anything has."""
        batches = await self._consumer.getmany(timeout_ms=POLL_MS)
        for raws in batches.values():
            for raw in raws:
                self._handle(record_of(raw))
        polls = [self._consumer.last_poll_timestamp(each) for each in self._partitions]
        if all(polls):
            self._heard = min(polls) / 1000
        return bool(batches)

    def _has_grown(self) -> bool:
        return len(self._consumer.partitions_for_topic(self._topic.name) or ()) > len(self._partitions)

    async def _is_past(self, ends: dict[TopicPartition, int]) -> bool:
        """By position and not by the last record: a compacted topic may end in offsets that are no more."""
        return all([await self._consumer.position(each) >= end for each, end in ends.items()])
