"""Rebuilding the view: the same rows, nobody disturbed, and all as it was where it is cut off."""

import asyncio
import gc
import json
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from runtime.dead_letters import Failure, parked_headers
from runtime.kafka import Connection, KafkaLog, ensure_topics
from runtime.records import Record
from schemas.jobs import JobCancelled, JobDiscarded, JobFailed, JobProgressed, JobRedriven
from schemas.topics import TOPICS, dead_letters, topic_of
from services.gateway.projector import FOLLOWED, Projector
from services.gateway.rebuild import rebuild
from services.gateway.shadow import DERIVED, LOCK, SCHEMA
from services.gateway.status_view import PostgresView
from services.gateway.unprojected import Unprojected
from tests.builders import NOON, chain, envelope, job_id, record, video_requested
from tests.gateways import BODY, FakeLog, GatewayUnderTest, problem
from tests.integration.gateway.test_gateway_kafka import becomes, serving_gateway
from tests.integration.gateway.test_gateway_topics import keyframe

KEPT = {"claims", "migrations", "revisions"}
SHADOW = f"select 1 from pg_namespace where nspname = '{SCHEMA}'"  # noqa: S608
JOBS = 12


async def query(dsn: str, sql: str) -> list[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def content(dsn: str) -> dict[str, list[Any]]:
    """Every row of the view."""
    return {
        table: await query(dsn, f"select to_jsonb(t) from {table} t order by 1")  # noqa: S608
        for table in DERIVED
    }


async def told(gateway: GatewayUnderTest, **body: Any) -> list[dict[str, Any]]:
    """The lines of a rebuild."""
    answer = await gateway.client.post("/api/v1/view/rebuild", json=body)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def parked(log: FakeLog, number: int) -> Record:
    """The parked script of a job."""
    came = record(chain(number)[1])
    headers = parked_headers(came, "images", Failure("permanent", "refused", 1))
    kept = tuple((name, text.encode()) for name, text in headers.items())
    at = came.timestamp + number
    return log.keep(Record(dead_letters("images").name, 0, 0, at, kept, came.key, came.value))[0]


def history(log: FakeLog, chance: random.Random) -> list[Record]:
    """What is on the log after a bad day: failures, redrives, discards, cancels, replays, repetitions and rubbish."""
    events: list[Any] = []
    for number in range(1, JOBS + 1):
        for revision in range(1, chance.randint(1, 3) + 1):
            later: dict[str, Any] = {"cause": f"revision {revision}", "time": NOON + timedelta(minutes=10 * revision)}
            run = [event.model_copy(update={"revision": revision}) for event in chain(number)]
            events += [envelope(event, **later) for event in run[: chance.randint(1, 6)]]
            about: dict[str, Any] = {"job_id": job_id(number), "revision": revision, "stage": "images"}
            steps = [JobProgressed(**about, step=step, steps=3, label="a step") for step in range(chance.randint(1, 3))]
            events += [envelope(step, cause=f"{revision} {step.step}", time=later["time"]) for step in steps]
            if number % 3 == 0:
                failed = JobFailed(**about, code="permanent", message="refused", attempts=1)
                at = str(parked(log, number).offset)
                where = f"{dead_letters('images').name}/0/{at}"
                settled = chance.choice(
                    [JobRedriven(**about, redrives=1, parked=where), JobDiscarded(**about, parked=where)]
                )
                events += [envelope(failed, **later), envelope(settled, **later)]
            if number % 4 == 0:
                events.append(envelope(JobCancelled(job_id=job_id(number), revision=revision), **later))
    chance.shuffle(events)
    records = log.keep(*events)
    again = [replace(each, headers=_later(each)) for each in chance.sample(records, 20)]  # the same ids, another time
    refused = record(video_requested(JOBS + 1).model_copy(update={"revision": 2**40}))
    rubbish = replace(record(video_requested(JOBS + 2)), value=b"{")
    log.keep(*again, refused, rubbish)
    return [each for lying in log.kept.values() for each in lying]


def _later(repeated: Record) -> tuple[tuple[str, bytes | None], ...]:
    return tuple((name, b"2027-01-01T00:00:00Z" if name == "ce_time" else value) for name, value in repeated.headers)


async def test_what_is_rebuilt_is_what_was_folded_row_by_row(gateway: GatewayUnderTest, tables: str):
    chance = random.Random(5)  # noqa: S311 - seeded on purpose
    await gateway.submit("a-key")
    records = history(gateway.log, chance)
    for topic_records in gateway.log.kept.values():  # a topic's records come in their order, the topics in any
        left = list(topic_records)
        while left:
            size = chance.randint(1, 40)
            batch, left = left[:size], left[size:]
            await gateway.log.deliver(*batch)
    live, claims = await content(tables), await query(tables, "select * from claims")
    assert all(live.values())
    assert claims
    indexes = "select tablename, indexdef from pg_indexes where schemaname = 'public' order by 1, 2"
    had = await query(tables, indexes)
    await query(tables, "delete from jobs where job_id in (select job_id from jobs limit 5) returning 1")
    await query(tables, "update events set type = 'wrong' returning 1")
    await query(tables, "delete from dead_letters returning 1")
    lines = await told(gateway)
    assert lines[0] == {"event": "started", "records": len(records), "expired": 0}
    done = lines[-1]
    assert (done["event"], done["done"], done["records"], done["skipped"]) == ("done", len(records), len(records), 2)
    assert await content(tables) == live
    assert await query(tables, "select * from claims") == claims
    assert await query(tables, indexes) == had
    assert (await told(gateway))[-1]["event"] == "done"  # what was put in place can be replaced
    assert await content(tables) == live


async def test_a_log_that_has_dropped_records_is_folded_only_where_that_is_meant(
    gateway: GatewayUnderTest, tables: str
):
    await gateway.log.deliver(*gateway.log.keep(*chain(1), *chain(2)))
    live = await content(tables)
    gateway.log.expired = 1

    details = problem(await gateway.client.post("/api/v1/view/rebuild", json={}), 409)

    assert details["detail"].startswith("The log has dropped its first 6 records")
    assert await content(tables) == live
    lines = await told(gateway, lossy=True)
    assert (lines[0]["expired"], lines[-1]["event"]) == (6, "done")
    assert len(live["jobs"]) == 2
    assert len((await content(tables))["jobs"]) == 1


async def test_every_table_is_rebuilt_or_kept(gateway: GatewayUnderTest, tables: str):
    there = {name for (name,) in await query(tables, "select tablename from pg_tables where schemaname = 'public'")}
    assert there == {*DERIVED} | KEPT


async def test_two_rebuilds_at_once_are_one_too_many(gateway: GatewayUnderTest, tables: str):
    async with aclosing(rebuild(gateway.log, gateway.view)) as lines:
        await anext(lines)
        problem(await gateway.client.post("/api/v1/view/rebuild", json={}), 409)
    assert (await told(gateway))[-1]["event"] == "done"


async def test_the_page_of_another_site_cannot_ask_for_it(gateway: GatewayUnderTest):
    for simple in ({}, {"content": "{}"}, {"content": "{}", "headers": {"Content-Type": "text/plain"}}):
        problem(await gateway.client.post("/api/v1/view/rebuild", **simple), 415)
    problem(await gateway.client.post("/api/v1/view/rebuild", json={"from": "earliest"}), 422, "#/from")


async def test_a_database_of_another_version_is_not_rebuilt(gateway: GatewayUnderTest, tables: str):
    await query(tables, "insert into migrations (name, checksum) values ('9999_newer', 'x') returning 1")
    try:
        problem(await gateway.client.post("/api/v1/view/rebuild", json={}), 409)
    finally:
        await query(tables, "delete from migrations where name = '9999_newer' returning 1")


async def test_what_is_away_ends_it_and_all_is_as_it_was(gateway: GatewayUnderTest, tables: str):
    await gateway.log.deliver(*gateway.log.keep(*chain(1)))
    live = await content(tables)
    gateway.log.away = True
    problem(await gateway.client.post("/api/v1/view/rebuild", json={}), 503)
    async with aclosing(rebuild(FakeLog(kept=gateway.log.kept), gateway.view)) as lines:  # and one that is cut off
        assert [(await anext(lines))["event"] for _ in range(2)] == ["started", "progress"]
    assert await content(tables) == live
    await comes(tables, SHADOW, False)


async def test_the_collector_is_as_it_was_after_a_rebuild(gateway: GatewayUnderTest, tables: str):
    await gateway.log.deliver(*gateway.log.keep(*chain(1)))
    usual = gc.get_threshold()
    assert (await told(gateway))[-1]["event"] == "done"
    assert gc.get_threshold() == usual
    async with aclosing(rebuild(gateway.log, gateway.view)) as lines:
        await anext(lines)
        assert gc.get_threshold() != usual
    assert gc.get_threshold() == usual


async def comes(dsn: str, sql: str, there: bool) -> None:
    """Waits until a query has rows, or has none."""
    async with asyncio.timeout(60):
        while bool(await query(dsn, sql)) is not there:  # noqa: ASYNC110 - SQL has no event
            await asyncio.sleep(0.01)


async def test_what_a_killed_rebuild_left_is_dropped_by_the_next_start(tables: str):
    other = await asyncpg.connect(tables)
    await other.execute(f"create schema {SCHEMA}; create table {SCHEMA}.jobs ()")
    await other.fetchval("select pg_advisory_lock($1)", LOCK)  # it is still at it

    async def opened() -> None:
        view = PostgresView(tables)
        await view.open()
        await view.close()

    await opened()
    assert await query(tables, SHADOW)
    await other.close()
    async with asyncio.timeout(30):
        while await query(tables, SHADOW):
            await opened()


async def test_a_backup_that_reads_for_long_holds_up_no_reader(gateway: GatewayUnderTest, tables: str):
    await gateway.log.deliver(*gateway.log.keep(*chain(1)))
    backup = await asyncpg.connect(tables)
    reading = backup.transaction()
    await reading.start()
    await backup.fetch("select * from jobs")
    rebuilding = asyncio.create_task(told(gateway))
    blocked = "select 1 from pg_locks where mode = 'AccessExclusiveLock' and not granted"
    await comes(tables, blocked, True)
    assert (await gateway.status(job_id()))["status"] == "completed"
    assert (await gateway.submit()).status_code == 202
    await reading.rollback()
    await backup.close()
    assert (await rebuilding)[-1]["event"] == "done"
    assert (await gateway.status(job_id()))["status"] == "completed"


async def keep_going(step: Callable[[int], Awaitable[object]], stop: asyncio.Event) -> int:
    """Does something again and again; how often."""
    times = 0
    while not stop.is_set():
        await step(times)
        times += 1
    return times


async def folded_anew(kafka: str, dsn: str) -> None:
    """Brings the whole log into another database, as a projector does."""
    view, log = PostgresView(dsn), KafkaLog(Connection(kafka), "test-other")
    await view.open()
    projector = Projector(view, Unprojected())
    async with log.reading() as reading:
        topics = tuple(FOLLOWED.values())
        async for records in reading.read(await reading.starts(topics), await reading.ends(topics)):
            await projector.handle(records)
    await view.close()


async def test_jobs_and_reads_go_on_while_a_view_is_rebuilt(
    kafka_bootstrap: str, tables: str, database: str, tmp_path: Path
):
    await ensure_topics(Connection(kafka_bootstrap), TOPICS)
    log, stop, jobs = KafkaLog(Connection(kafka_bootstrap), "test-stages"), asyncio.Event(), list[str]()
    await log.start()
    async with serving_gateway(kafka_bootstrap, tables, tmp_path) as client:
        await becomes(client, "/readyz", status="ready")

        async def makes(_: int) -> None:
            answer = await client.post("/api/v1/generate", json=BODY)
            assert answer.status_code in (202, 429), answer.text
            if answer.status_code == 202:
                jobs.append(answer.json()["jobId"])
                for event in (each.model_copy(update={"job_id": jobs[-1]}) for each in chain(1)[1:]):
                    await log.publish(topic_of(event), envelope(event))

        async def reads(_: int) -> None:
            for job in jobs[:1]:
                assert (await client.get(f"/api/v1/status/{job}")).status_code == 200
            assert (await client.get("/api/v1/feed")).status_code == 200

        going = [asyncio.create_task(keep_going(step, stop)) for step in (makes, reads, reads)]
        said = [await keyframe("view", "rebuild", "--url", str(client.base_url)) for _ in range(3)]
        stop.set()
        assert all(await asyncio.gather(*going))
        assert all("Rebuilt from " in each for each in said)
        await becomes(client, f"/api/v1/status/{jobs[-1]}", status="completed")
        await settled(client)
    await log.stop()
    await folded_anew(kafka_bootstrap, database)
    assert await content(tables) == await content(database)


async def settled(client: httpx.AsyncClient) -> None:
    """Waits until the gateway has folded all that is on the log."""
    async with asyncio.timeout(60):
        while True:
            topics = (await client.get("/api/v1/topics")).json()["topics"]
            if not any(topic["lag"].get("keyframe.gateway", 0) for topic in topics):
                return
