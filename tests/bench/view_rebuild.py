"""Rebuilding the view in events a second, against a bare COPY of the same event rows and the live projector.

    python -m tests.bench.view_rebuild --events 100000

It starts a Kafka and a Postgres of its own, with fsync as in production, and fills the log with jobs as stages tell
of them: 100 at a time, ten scenes each, one in twenty failed and redriven. All three run on the same data, in turn.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import count, islice
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaProducer

from runtime.kafka import Connection, KafkaLog, Subscription, ensure_topics
from runtime.records import Record
from schemas.envelope import Envelope, derive_id
from schemas.jobs import JobFailed, JobProgressed, JobRedriven
from schemas.topics import STAGES, TOPICS
from services.gateway.app import DRAIN, LONGEST
from services.gateway.projector import FOLLOWED, GROUP, Projector
from services.gateway.rebuild import rebuild
from services.gateway.status_view import PostgresView
from services.gateway.unprojected import Unprojected
from tests.bench.own_parts import own_parts
from tests.builders import NOON, chain, envelope, job_id

SCENES = 10
AT_ONCE = 100
STEPS = {"script": 2, "images": SCENES, "voice": SCENES, "assembler": 5, "storage": 3}


def told_of_a_job(*, failed: bool) -> list[Envelope]:
    """What the stages tell of the first job, in order."""
    job = job_id(1)
    told = [envelope(event) for event in chain(1, SCENES)]
    story = [told[0]]
    for stage, output in zip(STAGES, told[1:], strict=True):
        steps = STEPS[stage]
        for step in range(steps + 1):
            label = f"step {step} of {steps}"
            progress = JobProgressed(job_id=job, stage=stage, step=step, steps=steps, label=label)
            story.append(envelope(progress, cause=f"{stage} {step}"))
        if failed and stage == "voice":
            failure = JobFailed(job_id=job, stage=stage, code="exhausted", message="no answer", attempts=4)
            story.append(envelope(failure, cause=stage))
            story.append(envelope(JobRedriven(job_id=job, stage=stage, redrives=1), cause=stage))
        story.append(output)
    return story


def story_of(number: int, template: Sequence[Envelope]) -> Iterator[tuple[int, Envelope]]:
    """A job's events with their times in milliseconds; `number` from 1."""
    job, first = str(UUID(derive_id("bench", number))), job_id(1)
    start = NOON + timedelta(seconds=(number // AT_ONCE) * 120)
    for at, told in enumerate(template):
        when = start + timedelta(seconds=at * 3)
        yield (
            round(when.timestamp() * 1000),
            Envelope(
                id=derive_id(told.id, number),
                type=told.type,
                source=told.source,
                subject=job,
                time=when,
                data=told.data.replace(first.encode(), job.encode()),
            ),
        )


def stories(events: int) -> Iterator[tuple[int, Envelope]]:
    """So many events, in the order that a log gets them."""
    plain, failed = told_of_a_job(failed=False), told_of_a_job(failed=True)

    def endless() -> Iterator[tuple[int, Envelope]]:
        for first in count(1, AT_ONCE):
            some = [
                event
                for number in range(first, first + AT_ONCE)
                for event in story_of(number, plain if number % 20 else failed)
            ]
            yield from sorted(some, key=lambda told: told[0])

    return islice(endless(), events)


async def fill(bootstrap: str, events: int) -> None:
    """Puts so many events on the log."""
    await ensure_topics(Connection(bootstrap), TOPICS)
    producer: Any = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=262_144)
    await producer.start()
    try:
        for timestamp, told in stories(events):
            headers = [(name, text.encode()) for name, text in told.headers().items()]
            await producer.send(
                told.type, told.data, key=told.subject.encode(), headers=headers, timestamp_ms=timestamp
            )
        await producer.flush()
    finally:
        await producer.stop()


async def rebuilt(bootstrap: str, dsn: str) -> tuple[int, float]:
    """Events, and the seconds that a rebuild took."""
    log, view = KafkaLog(Connection(bootstrap), "bench"), PostgresView(dsn)
    await view.open()
    last: Mapping[str, Any] = {}
    began = time.perf_counter()
    async for line in rebuild(log, view):
        last = line
    seconds = time.perf_counter() - began
    await view.close()
    assert last["event"] == "done"
    assert last["skipped"] == 0
    return last["done"], seconds


async def copied(dsn: str) -> float:
    """The seconds that a COPY of the rebuilt event rows into an empty table with the same indexes takes."""
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch("select * from events order by time")
    await connection.execute("create schema bare; create table bare.events (like events including all)")
    began = time.perf_counter()
    await connection.copy_records_to_table("events", schema_name="bare", records=map(tuple, rows))
    seconds = time.perf_counter() - began
    await connection.close()
    return seconds


async def projected(bootstrap: str, dsn: str, events: int) -> float:
    """The seconds that the live projector takes for the same log, with its commits."""
    view, done = PostgresView(dsn), asyncio.Event()
    await view.open()
    projector, left = Projector(view, Unprojected()), events

    async def handle(records: Sequence[Record]) -> None:
        nonlocal left
        await projector.handle(records)
        left -= len(records)
        if left <= 0:
            done.set()

    log = KafkaLog(Connection(bootstrap), "bench")
    log.follow(Subscription(GROUP, tuple(FOLLOWED.values()), drain=DRAIN, longest=LONGEST, static_id=None), handle)
    began = time.perf_counter()
    await log.start()
    await done.wait()
    seconds = time.perf_counter() - began
    await log.stop()
    await view.close()
    return seconds


async def measure(events: int = 100_000) -> dict[str, float]:
    """Events a second of a rebuild, of a bare COPY and of the live projector, and how often faster COPY is."""
    async with own_parts() as parts:
        bootstrap, dsn = parts.bootstrap, parts.postgres_dsn
        server = await asyncpg.connect(dsn)
        for name in ("rebuilt", "live"):
            await server.execute(f"create database {name}")
        await server.close()
        other = {name: urlsplit(dsn)._replace(path=f"/{name}").geturl() for name in ("rebuilt", "live")}
        await fill(bootstrap, events)
        records, seconds = await rebuilt(bootstrap, other["rebuilt"])
        bare = await copied(other["rebuilt"])
        live = await projected(bootstrap, other["live"], events)
    return {
        "events": records,
        "rebuild_per_second": records / seconds,
        "copy_per_second": records / bare,
        "projector_per_second": records / live,
        "copy_over_rebuild": seconds / bare,
        "rebuild_over_projector": live / seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    for name, value in asyncio.run(measure(parser.parse_args().events)).items():
        print(f"{name}: {value:,.1f}")


if __name__ == "__main__":
    main()
