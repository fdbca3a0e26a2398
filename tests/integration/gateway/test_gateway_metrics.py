"""What the gateway measures: jobs, lag, requests, and how its projection is doing."""

import asyncio
import os
import random
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Receive, Scope, Send

from keyframe.embedded.ports import free_port
from runtime.errors import Unavailable
from runtime.kafka import Lag
from schemas.topics import CHAIN, STAGES
from services.gateway.counted import Counted
from services.gateway.measures import GROUPS, Measures
from tests import builders
from tests.gateways import BODY, GatewayUnderTest
from tests.measuring import Measured, samples

STATUS = "/api/v1/status/00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize("seed", range(3))
async def test_the_times_of_a_job_are_measured_once_in_whatever_order_its_events_come(
    gateway: GatewayUnderTest, seed: int
):
    ends = [builders.NOON + timedelta(seconds=at) for at in (0, 2, 5, 9, 14, 20)]
    events = [builders.envelope(event, time=end) for event, end in zip(builders.chain(), ends, strict=True)]
    random.Random(seed).shuffle(events)  # noqa: S311 - any order will do
    measured = Measured()

    for event in events:
        await gateway.log.deliver(event)
    await gateway.log.deliver(*events)

    for stage, seconds in zip(STAGES, (2, 3, 4, 5, 6), strict=True):
        assert measured("keyframe_job_stage_seconds_count", stage=stage) == 1
        assert measured("keyframe_job_stage_seconds_sum", stage=stage) == pytest.approx(seconds)
    assert measured("keyframe_job_seconds_count") == 1
    assert measured("keyframe_job_seconds_sum") == pytest.approx(20)


async def test_what_the_database_did_not_take_is_not_measured(gateway: GatewayUnderTest):
    measured = Measured()
    gateway.view.broken = True
    with pytest.raises(RuntimeError):
        await gateway.log.deliver(*builders.chain())
    assert measured("keyframe_job_seconds_count") == 0
    assert samples()["keyframe_projection_fault", frozenset()] == 1

    gateway.view.broken = False
    await gateway.log.deliver(*builders.chain(), builders.record(builders.video_requested(2), value=b"noise"))
    assert measured("keyframe_job_seconds_count") == 1
    assert samples()["keyframe_projection_fault", frozenset()] == 0
    assert measured("keyframe_projection_skipped_total") == 1


async def test_requests_are_counted_by_the_template_of_their_route(gateway: GatewayUnderTest):
    measured = Measured()
    for method, path in [
        ("GET", STATUS),
        ("GET", "/static/app.js"),
        ("GET", "/nothing/here"),
        ("BREW", "/healthz"),
        ("POST", "/api/v1/generate"),
    ]:
        await gateway.client.request(method, path)

    for route, method, status in [
        ("/api/v1/status/{jobId}", "GET", "404"),
        ("/static", "GET", "200"),
        ("none", "GET", "404"),
        ("/healthz", "none", "405"),
        ("/api/v1/generate", "POST", "415"),
    ]:
        assert measured("keyframe_http_requests_total", route=route, method=method, status=status) == 1, route
        assert measured("keyframe_http_request_seconds_count", route=route, method=method) == 1


async def test_what_a_client_takes_for_an_answer_is_not_measured():
    taking = 0.0

    async def answers(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal taking
        await send({"type": "http.response.start", "status": 200})
        began = time.monotonic()
        await asyncio.sleep(0.2)
        taking = time.monotonic() - began

    async def nothing(*_: Any) -> Any:
        """Nobody is on the other side."""

    measured, began = Measured(), time.monotonic()
    await Counted(answers, routes=[])({"type": "http", "method": "GET"}, nothing, nothing)
    rest = time.monotonic() - began - taking
    assert measured("keyframe_http_request_seconds_count", route="none", method="GET") == 1
    assert measured("keyframe_http_request_seconds_sum", route="none", method="GET") <= rest


async def test_what_cannot_be_looked_at_has_no_value_rather_than_an_old_one(gateway: GatewayUnderTest):
    answers: list[Exception | Sequence[Lag]] = [
        [Lag("keyframe.images", "t", partition, committed, 0, 10) for partition, committed in ((0, 4), (1, None))],
        Unavailable("no broker", on="kafka"),
    ]

    async def lags() -> Sequence[Lag]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    await gateway.submit()
    measures = Measures(gateway.view, lags)
    await measures.look()
    lag, queued = frozenset({("group", "keyframe.images"), ("topic", "t")}), frozenset({("status", "queued")})
    assert samples()["keyframe_consumer_lag_records", lag] == 16
    assert samples()["keyframe_jobs", queued] == 1

    gateway.view.away = True
    await measures.look()
    assert ("keyframe_consumer_lag_records", lag) not in samples()
    assert ("keyframe_jobs", queued) not in samples()


def test_every_group_is_looked_at():
    assert list(GROUPS) == [*(f"keyframe.{stage}" for stage in STAGES), "keyframe.gateway"]
    assert [GROUPS[f"keyframe.{stage}"] for stage in STAGES] == [[topic] for topic in CHAIN[:-1]]


async def test_a_gateway_serves_its_metrics_beside_its_public_port(kafka_bootstrap: str, tables: str, tmp_path: Path):
    public, private = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
    environment = os.environ | {
        "KEYFRAME_KAFKA_BOOTSTRAP": kafka_bootstrap,
        "KEYFRAME_POSTGRES_DSN": tables,
        "KEYFRAME_STORAGE_FOLDER": str(tmp_path),
        "KEYFRAME_GATEWAY_PORT": public.rpartition(":")[2],
        "KEYFRAME_HEALTH_PORT": private.rpartition(":")[2],
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.gateway", env=environment)
    try:
        async with asyncio.timeout(120), httpx.AsyncClient() as client:
            while "keyframe_consumer_lag_records" not in await told(client, f"{private}/metrics"):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            key = {"Idempotency-Key": uuid4().hex}
            assert (await client.post(f"{public}/api/v1/generate", json=BODY, headers=key)).status_code == 202
            seen = await told(client, f"{private}/metrics")
            assert seen["keyframe_http_requests_total"] >= 1
            assert (await client.get(f"{public}/metrics")).status_code == 404
    finally:
        process.terminate()
        await process.wait()
    assert process.returncode == 0


async def told(client: httpx.AsyncClient, address: str) -> dict[str, float]:
    """The sum of each metric's samples; nothing where nobody answers yet."""
    try:
        text = (await client.get(address)).text
    except httpx.TransportError:
        return {}
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    return sums
