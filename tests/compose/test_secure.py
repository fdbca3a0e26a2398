"""compose.secure.yml: the same videos where Kafka wants SASL over TLS and Postgres and S3 want TLS."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.compose.jobs import final, order
from tests.compose.stack import Stack, docker, running

pytestmark = pytest.mark.timeout(1800)

PLAIN = """
import asyncio, os
from http.client import HTTPConnection
from urllib.parse import urlsplit

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

async def kafka():
    admin = AIOKafkaAdminClient(bootstrap_servers="kafka:9092", request_timeout_ms=5000)
    try:
        await admin.start()
    finally:
        await admin.close()

async def postgres():
    await asyncpg.connect(urlsplit(os.environ["KEYFRAME_POSTGRES_DSN"])._replace(query="").geturl(), ssl=False)

async def s3():
    connection = HTTPConnection("s3", 7070, timeout=5)
    connection.request("GET", "/")
    if connection.getresponse().status != 200:
        raise OSError("refused")

for part in (kafka, postgres, s3):
    try:
        asyncio.run(asyncio.wait_for(part(), 60))
        print(part.__name__)
    except (OSError, KafkaError, asyncpg.InvalidAuthorizationSpecificationError):
        pass
"""
"""Says which parts talk to whoever comes without TLS."""


@pytest.fixture(scope="module")
async def stack(images: None) -> AsyncIterator[Stack]:
    """The stack with its override."""
    passwords = ("KAFKA_PASSWORD", "POSTGRES_PASSWORD", "S3_SECRET_ACCESS_KEY")
    settings = {name: f"{name.lower().replace('_', '')}9f3" for name in passwords}
    async with running(Stack(files=("docker-compose.yml", "compose.secure.yml"), settings=settings)) as stack:
        yield stack


async def test_a_video_is_made_and_nobody_is_served_in_the_clear(stack: Stack, api: httpx.AsyncClient) -> None:
    status = await final(api, await order(api, "Why coral reefs matter", scenes=3))

    video = await api.get(str(status["video_url"]))
    assert (video.status_code, video.content[4:8]) == (200, b"ftyp")
    gateway = (await stack.containers("gateway"))[0]["Id"]
    assert await docker("exec", gateway, "python", "-c", PLAIN) == ""
    logs = await stack.compose("logs")
    assert [secret for secret in stack.settings.values() if secret in logs] == []
