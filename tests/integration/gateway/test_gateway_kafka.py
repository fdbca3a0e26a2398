"""The gateway as it is run: over a real Kafka, a real Postgres and real HTTP."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from runtime.folder_objects import FolderObjects
from runtime.kafka import Connection, KafkaLog
from schemas.base import Contract
from schemas.topics import topic_of
from services.gateway.app import GatewaySettings
from services.gateway.server import running_gateway
from tests.builders import envelope, images_rendered, script_written
from tests.gateways import BODY, problem


@asynccontextmanager
async def serving_gateway(kafka: str, dsn: str, folder: Path) -> AsyncGenerator[httpx.AsyncClient]:
    settings = GatewaySettings.model_construct(postgres_dsn=SecretStr(dsn), gateway_port=0)
    async with (
        running_gateway(settings, Connection(kafka), FolderObjects(folder), None) as address,
        httpx.AsyncClient(base_url=address) as client,
    ):
        yield client


@asynccontextmanager
async def stages(kafka: str) -> AsyncGenerator[KafkaLog]:
    """What speaks for the stages."""
    log = KafkaLog(Connection(kafka), "test-stages")
    await log.start()
    try:
        yield log
    finally:
        await log.stop()


async def says(log: KafkaLog, event: Contract) -> None:
    await log.publish(topic_of(event), envelope(event))


async def becomes(client: httpx.AsyncClient, path: str, **expected: Any) -> None:
    """Waits until the answer at this path has these values."""
    async with asyncio.timeout(60):
        while (answer := (await client.get(path)).json()) != answer | expected:  # noqa: ASYNC110 - HTTP has no event
            await asyncio.sleep(0.05)


async def test_a_job_is_followed_through_the_log_and_over_a_restart(kafka_bootstrap: str, tables: str, tmp_path: Path):
    async with serving_gateway(kafka_bootstrap, tables, tmp_path) as client:
        await becomes(client, "/readyz", status="ready")
        answer = await client.post("/api/v1/generate", json=BODY)
        assert answer.status_code == 202
        job, status = answer.json()["jobId"], answer.headers["location"]
        assert (await client.get(status)).json()["status"] == "queued"
        async with stages(kafka_bootstrap) as log:
            await says(log, script_written(job_id=job))
            await becomes(client, status, status="processing", stage="images", title="Coral reefs")
    async with stages(kafka_bootstrap) as log:
        await says(log, images_rendered(job_id=job))
    async with serving_gateway(kafka_bootstrap, tables, tmp_path) as client:
        await becomes(client, status, stage="voice", progress=50)


async def test_a_gateway_that_a_bug_keeps_from_the_log_ends(tables: str, tmp_path: Path):
    async with asyncio.timeout(60):
        with pytest.raises(ValueError, match="invalid literal"):
            async with serving_gateway("127.0.0.1:port", tables, tmp_path):
                await asyncio.Event().wait()


async def test_a_gateway_that_is_cancelled_is_no_bug(tables: str, tmp_path: Path):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1), serving_gateway("127.0.0.1:1", tables, tmp_path):
            await asyncio.Event().wait()


async def test_without_a_broker_it_serves_and_accepts_nothing(tables: str, tmp_path: Path):
    async with serving_gateway("127.0.0.1:1", tables, tmp_path) as client:
        problem(await client.post("/api/v1/generate", json=BODY), 503)
        problem(await client.get(f"/api/v1/status/{uuid4()}"), 404)
        problem(await client.get("/readyz"), 503)
