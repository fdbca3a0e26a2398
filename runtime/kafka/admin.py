"""What the brokers know of topics and groups."""

import contextlib
from collections.abc import AsyncGenerator, Generator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from runtime.errors import Unavailable
from runtime.kafka.connection import Connection
from runtime.kafka.refusals import DENIED, denied
from schemas.topics import Topic


@dataclass(frozen=True)
class Lag:
    """How far a consumer group is behind on one partition."""

    group: str
    topic: str
    partition: int
    committed: int | None
    """The offset that the group reads next; None where it has never committed one."""
    start: int
    """The first offset that is still there."""
    end: int
    """The offset after the last record."""

    @property
    def records(self) -> int:
        """Records that the group has not settled. A group that never committed has all of them before it."""
        return max(0, self.end - max(self.committed or 0, self.start))


@asynccontextmanager
async def admin(connection: Connection) -> AsyncGenerator[Any]:
    """A client of the brokers' administration for as long as the context is open. Raises `Unavailable`."""
    client = AIOKafkaAdminClient(**connection.options)
    try:
        with translated():
            await client.start()
            yield client
    finally:
        with contextlib.suppress(KafkaError, OSError):
            await client.close()


@contextlib.contextmanager
def translated() -> Generator[None]:
    """What aiokafka says of brokers that are away becomes `Unavailable`."""
    try:
        yield
    except DENIED as error:
        raise denied("read topics and groups") from error
    except (KafkaError, OSError, TimeoutError) as error:
        raise Unavailable(f"Kafka does not answer ({type(error).__name__})", on="kafka") from error


async def partitions_by_topic(connection: Connection) -> Mapping[str, Sequence[int]]:
    """The partitions of every topic that is there. Raises `Unavailable`."""
    async with admin(connection) as client:
        topics = cast("list[dict[str, Any]]", await client.describe_topics())
    return {topic["topic"]: sorted(each["partition"] for each in topic["partitions"]) for topic in topics}


async def lags(connection: Connection, groups: Mapping[str, Iterable[Topic]]) -> list[Lag]:
    """How far each group is behind on each partition of the topics that it reads. Raises `Unavailable`."""
    partitions = await partitions_by_topic(connection)
    reads = {
        group: [TopicPartition(topic.name, number) for topic in topics for number in partitions.get(topic.name, ())]
        for group, topics in groups.items()
    }
    every = list({place for places in reads.values() for place in places})
    async with admin(connection) as client:
        committed = {group: await client.list_consumer_group_offsets(group) for group in groups}
    consumer: Any = AIOKafkaConsumer(**connection.options, enable_auto_commit=False)
    try:
        with translated():
            await consumer.start()
            starts, ends = await consumer.beginning_offsets(every), await consumer.end_offsets(every)
    finally:
        with contextlib.suppress(KafkaError, OSError):
            await consumer.stop()
    return [
        Lag(
            group,
            place.topic,
            place.partition,
            committed[group][place].offset if place in committed[group] else None,
            starts[place],
            ends[place],
        )
        for group, places in reads.items()
        for place in places
    ]


async def retention(connection: Connection, topics: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    """`retention.ms` and `cleanup.policy` of topics, as the brokers have them. Raises `Unavailable`."""
    names = ("retention.ms", "cleanup.policy")
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic, dict.fromkeys(names)) for topic in topics]
    async with admin(connection) as client:
        answers = await client.describe_configs(asked)
    return {
        resource[3]: {entry[0]: entry[1] for entry in resource[4] if entry[0] in names}
        for answer in answers
        for resource in answer.resources
    }
