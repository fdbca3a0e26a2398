"""The time from POST to published, with stages that take no time: the whole chain's own cost.

    python -m tests.bench.latency --alone 40 --crowd 400

A real Kafka, a real Postgres, a folder of objects and the gateway's real HTTP; the gateway and the five stages, with
functions that are instant, share one process. A job is published when its `video.published` can be read from the log.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from aiokafka import AIOKafkaConsumer
from pydantic import SecretStr

from runtime.folder_objects import FolderObjects
from runtime.kafka import Connection, KafkaLog
from runtime.process import attach, run_on_log
from schemas.topics import VIDEO_PUBLISHED
from services.gateway.app import GatewaySettings
from services.gateway.server import running_gateway
from tests.bench.instant import instant_stages
from tests.bench.own_parts import OwnParts, own_parts

CROWD = 200
BODY = {"prompt": "Why coral reefs matter", "style": "Educational"}


@dataclass
class Published:
    """When jobs were published."""

    waiting: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])

    def of(self, job_id: str) -> asyncio.Event:
        return self.waiting.setdefault(job_id, asyncio.Event())

    async def follow(self, bootstrap: str) -> None:
        consumer: Any = AIOKafkaConsumer(
            VIDEO_PUBLISHED.name, bootstrap_servers=bootstrap, auto_offset_reset="earliest"
        )
        async with consumer:
            async for record in consumer:
                self.of(str(UUID(record.key.decode()))).set()


@asynccontextmanager
async def running_chain(parts: OwnParts) -> AsyncGenerator[str]:
    """The gateway's address."""
    store, connection = FolderObjects(parts.folder), Connection(parts.bootstrap)
    settings = GatewaySettings(
        gateway_port=0, gateway_max_unfinished=10 * CROWD, postgres_dsn=SecretStr(parts.postgres_dsn)
    )
    logs = [KafkaLog(connection, "bench") for _ in instant_stages()]
    stopping, joined = asyncio.Event(), [asyncio.Event() for _ in logs]
    for stage, log in zip(instant_stages(), logs, strict=True):
        attach(stage, log, store)
    async with running_gateway(settings, connection, store, None) as address:
        working = [
            asyncio.create_task(run_on_log(log, stopping, joined=each.set))
            for log, each in zip(logs, joined, strict=True)
        ]
        await asyncio.gather(*(each.wait() for each in joined))
        try:
            yield address
        finally:
            stopping.set()
            await asyncio.gather(*working)


async def seconds_of(api: httpx.AsyncClient, published: Published, jobs: int, at_once: int) -> list[float]:
    """What each of so many jobs took, with `at_once` of them in flight."""
    left, taken = iter(range(jobs)), list[float]()

    async def customer() -> None:
        for _ in left:
            began = time.perf_counter()
            accepted = await api.post("/api/v1/generate", json=BODY)
            accepted.raise_for_status()
            await published.of(accepted.json()["jobId"]).wait()
            taken.append(time.perf_counter() - began)

    await asyncio.gather(*(customer() for _ in range(at_once)))
    return taken


async def measure(alone: int = 40, crowd: int = 3 * CROWD) -> dict[str, float]:
    """Seconds, p50 and p99: one job at a time, and 200 in flight; and jobs a second of the latter."""
    told: dict[str, float] = {}
    async with own_parts() as parts, running_chain(parts) as address:
        published = Published()
        following = asyncio.create_task(published.follow(parts.bootstrap))
        async with httpx.AsyncClient(base_url=address, timeout=120) as api:
            await seconds_of(api, published, 5, 1)  # whatever is only slow at first
            for name, jobs, at_once in (("alone", alone, 1), ("crowd", crowd, CROWD)):
                began = time.perf_counter()
                taken = await seconds_of(api, published, jobs, at_once)
                told[f"{name}_jobs"] = len(taken)
                told[f"{name}_p50_seconds"] = statistics.median(taken)
                told[f"{name}_p99_seconds"] = statistics.quantiles(taken, n=100)[98]
                told[f"{name}_jobs_per_second"] = len(taken) / (time.perf_counter() - began)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alone", type=int, default=40)
    parser.add_argument("--crowd", type=int, default=3 * CROWD)
    asked = parser.parse_args()
    for name, value in asyncio.run(measure(asked.alone, asked.crowd)).items():
        print(f"{name}: {value:,.3f}")


if __name__ == "__main__":
    main()
