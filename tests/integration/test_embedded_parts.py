"""The parts that the tests run on, through the libraries that the services use."""

from pathlib import Path

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from keyframe.embedded import maven
from keyframe.embedded.jars import TOTAL_BYTES, fetch, locked_jars
from keyframe.embedded.report import silent


async def test_kafka_gives_back_what_was_written(kafka_bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("embedded.parts", 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, enable_idempotence=True) as producer:
        await producer.send_and_wait("embedded.parts", b"written")
    async with AIOKafkaConsumer(
        "embedded.parts", bootstrap_servers=kafka_bootstrap, group_id="embedded.parts", auto_offset_reset="earliest"
    ) as consumer:
        assert (await consumer.getone()).value == b"written"


async def test_the_download_is_as_large_as_is_said(parts_cache: Path) -> None:
    sizes = [jar.stat().st_size for jar in await fetch(locked_jars(), parts_cache, maven.download, silent)]
    assert sum(sizes) == TOTAL_BYTES


async def test_each_test_has_a_database_of_its_own(database: str, postgres_dsn: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        assert await connection.fetchval("SELECT current_database()") != "keyframe"
        assert await connection.fetchval("SELECT upper('é')") == "É"
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    finally:
        await connection.close()
