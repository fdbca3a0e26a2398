"""Reading the log beside the consumer groups: fixed ranges and single records.

Nothing here joins a group or commits, so a stage never notices.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from runtime.errors import Unavailable
from runtime.kafka.admin import partitions_by_topic, translated
from runtime.kafka.connection import Connection
from runtime.kafka.parsing import record_of
from runtime.records import Record
from schemas.topics import Topic

BATCH_RECORDS = 2000
POLL_MS = 500
FETCH_WAIT_MS = 20
"""For how long a broker keeps a request that it has no records for; whatever else is asked waits behind it."""

READ_TIMEOUT = 30.0
"""Seconds without a record, where there must be more, after which Kafka counts as away."""


@dataclass(frozen=True, order=True)
class Location:
    """Where a record lies."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


Offsets = Mapping[tuple[str, int], int]
"""By topic and partition: the offset of a record, or of the one that will come next."""


@asynccontextmanager
async def reader(connection: Connection) -> AsyncGenerator["Reader"]:
    """A reader for as long as the context is open. Raises `Unavailable`."""
    partitions = await partitions_by_topic(connection)
    consumer = AIOKafkaConsumer(
        **connection.options,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=FETCH_WAIT_MS,
        fetch_max_bytes=16 * 1024 * 1024,
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    try:
        with translated():
            await consumer.start()
        yield Reader(consumer, partitions)
    finally:
        with contextlib.suppress(KafkaError, OSError, TimeoutError):
            await asyncio.wait_for(consumer.stop(), READ_TIMEOUT)


class Reader:
    """Reads topics by offset. Every method raises `Unavailable`; one reader reads one thing at a time."""

    def __init__(self, consumer: AIOKafkaConsumer, partitions: Mapping[str, Sequence[int]]) -> None:
        self._consumer: Any = consumer
        self._partitions = partitions
        """Of every topic of the cluster: they may have been made more than schemas/topics.py says."""

    async def starts(self, topics: Sequence[Topic]) -> Offsets:
        """The first offsets that are still there."""
        return await self._offsets(self._consumer.beginning_offsets, topics)

    async def ends(self, topics: Sequence[Topic]) -> Offsets:
        """The offsets after the last records: the fixed end of a range."""
        return await self._offsets(self._consumer.end_offsets, topics)

    async def at(self, topics: Sequence[Topic], time: datetime) -> Offsets:
        """The offsets of the first records that the log took at `time` or later; the ends where there are none."""
        ends = await self.ends(topics)
        asked = {TopicPartition(*place): round(time.timestamp() * 1000) for place in ends}
        with translated():
            found = await self._consumer.offsets_for_times(asked)
        return {
            place: each.offset if (each := found.get(TopicPartition(*place))) else end for place, end in ends.items()
        }

    async def read(self, start: Offsets, end: Offsets) -> AsyncGenerator[list[Record]]:
        """The records from `start` up to, and without, `end`, in batches; within a partition in their order."""
        left = {TopicPartition(*place): end[place] for place, offset in start.items() if offset < end[place]}
        if not left:
            return
        with translated():
            self._consumer.assign(list(left))
            for partition in left:
                self._consumer.seek(partition, start[partition.topic, partition.partition])
        silent_since = asyncio.get_running_loop().time()
        while left:
            with translated():
                batches = await self._consumer.getmany(*left, timeout_ms=POLL_MS, max_records=BATCH_RECORDS)
            records = [
                record_of(raw) for partition, raws in batches.items() for raw in raws if raw.offset < left[partition]
            ]
            # By position and not by the last record: a compacted topic may end in offsets that are no more.
            for partition in list(left):
                if await self._position(partition) >= left[partition]:
                    del left[partition]
            if records:
                yield records
                silent_since = asyncio.get_running_loop().time()  # whoever takes them may take long
            elif left and asyncio.get_running_loop().time() - silent_since > READ_TIMEOUT:
                raise Unavailable("Kafka gives no records", on="kafka")

    async def record(self, at: Location) -> Record | None:
        """The record that lies there; None where it is not there (any more)."""
        key = at.topic, at.partition
        if at.partition not in self._partitions.get(at.topic, ()):
            return None
        partition = TopicPartition(*key)
        with translated():
            start, end = (
                await self._consumer.beginning_offsets([partition]),
                await self._consumer.end_offsets([partition]),
            )
        if not start[partition] <= at.offset < end[partition]:
            return None
        async for records in self.read({key: at.offset}, {key: at.offset + 1}):
            for record in records:
                if record.offset == at.offset:
                    return record
        return None

    async def _offsets(self, ask: Callable[[list[Any]], Any], topics: Sequence[Topic]) -> Offsets:
        with translated():
            partitions = [
                TopicPartition(topic.name, number)
                for topic in topics
                for number in self._partitions.get(topic.name, ())
            ]
            found = cast("dict[Any, int]", await ask(partitions))
        return {(partition.topic, partition.partition): offset for partition, offset in found.items()}

    async def _position(self, partition: TopicPartition) -> int:
        with translated():
            return await self._consumer.position(partition)
