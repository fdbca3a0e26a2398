"""All that a stack leaves for others to read, as bytes to be searched."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from runtime.s3_objects import S3Objects
from schemas.topics import Topic

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


async def events(bootstrap: str, topics: Sequence[Topic]) -> bytes:
    """Every record of the topics as it lies in the log: key, headers and value."""
    reader: Any = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await reader.start()
    try:
        partitions = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]
        reader.assign(partitions)
        ends = {one: end for one, end in (await reader.end_offsets(partitions)).items() if end}
        told: list[bytes] = []
        while any([await reader.position(one) < end for one, end in ends.items()]):
            for records in (await reader.getmany(timeout_ms=200)).values():
                for record in records:
                    headers = [part for name, value in record.headers for part in (name.encode(), value)]
                    told += [record.key or b"", *headers, record.value or b""]
        return b"\n".join(told)
    finally:
        await reader.stop()


async def rows(database: str) -> bytes:
    """Every row of every table, as text."""
    connection = await asyncpg.connect(database)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        lines = [
            row["line"]
            for table in tables
            for row in await connection.fetch(f'SELECT t::text AS line FROM "{table["tablename"]}" t')  # noqa: S608
        ]
        return "\n".join(lines).encode()
    finally:
        await connection.close()


async def objects(connection: "S3Client", buckets: Sequence[str]) -> bytes:
    """Every object of the buckets, with its key."""
    told: list[bytes] = []
    for bucket in buckets:
        store = S3Objects(connection, bucket)
        async for entry in store.list(""):
            told += [entry.key.encode(), await store.get(entry.key)]
    return b"\n".join(told)
