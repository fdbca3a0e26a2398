"""What must hold once all has settled. Each check gives sentences that say what does not."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg

from runtime.kafka import Connection
from runtime.kafka.admin import lags
from runtime.kafka.reader import reader
from runtime.records import Record
from schemas.envelope import Envelope
from schemas.events import VideoPublished
from schemas.media import File
from schemas.topics import DEAD_LETTERS, VIDEO_PUBLISHED, Topic
from services.gateway.measures import GROUPS
from services.gateway.projector import FOLLOWED, Projector
from services.gateway.status_view import PostgresView
from services.gateway.unprojected import Unprojected
from tests.chaos.faults import Fault
from tests.chaos.load import SCENES, Fate, Job
from tests.chaos.providers import Till
from tests.chaos.world import BUCKETS, World

LAG_SECONDS = 120.0

EXPECTED_CALLS = 1 + SCENES + 2 * SCENES
"""A script; a picture, a recording and its speech marks for each scene."""

RESPOKEN_CALLS = 2 * SCENES
"""What a replay with another voice makes again."""

TABLES = ("jobs", "events", "dead_letters")

BUGS = ("unexpected error", "Traceback (most recent call last)")


@dataclass
class Found:
    """What the checks found: figures for people, and what is wrong."""

    figures: dict[str, str]
    wrong: list[str]


async def check(world: World, jobs: Sequence[Job], faults: Sequence[Fault]) -> Found:
    """Looks at everything."""
    found = Found({}, [])
    connection = Connection(world.broker.address)
    found.wrong += terminal(jobs, found.figures)
    found.wrong += await committed(connection, found.figures)
    found.wrong += await published(world, await read(connection, [VIDEO_PUBLISHED]), jobs, found.figures)
    found.wrong += paid(world.till, jobs, faults, found.figures)
    found.wrong += await rebuilt(world, connection, found.figures)
    found.wrong += logs(world, found.figures)
    return found


async def read(connection: Connection, topics: Sequence[Topic]) -> list[Record]:
    """All that the topics hold."""
    async with reader(connection) as log:
        start, end = await log.starts(topics), await log.ends(topics)
        return [record async for batch in log.read(start, end) for record in batch]


def terminal(jobs: Sequence[Job], figures: dict[str, str]) -> list[str]:
    """Every accepted job came to the end that it should."""
    figures["jobs"] = ", ".join(f"{count} {word}" for word, count in Counter(job.word for job in jobs).most_common())
    figures["of which were to be"] = str(dict(Counter(str(job.fate) for job in jobs)))
    return [
        f"job {job.number} ({job.id}, {job.fate}) is {job.word or 'unknown'} in {job.status.get('stage')}:"
        f" {job.status.get('error') or job.status.get('waiting_for')}"
        for job in jobs
        if not job.is_through
    ]


async def published(world: World, records: Iterable[Record], jobs: Sequence[Job], figures: dict[str, str]) -> list[str]:
    """One published video for each completed job and revision; its files are there, and as large as it says."""
    told: dict[tuple[str, int], dict[str, VideoPublished]] = defaultdict(dict)
    copies = 0
    for record in records:
        envelope = Envelope.from_kafka(record.headers, record.value)
        event = VideoPublished.model_validate_json(envelope.data)
        known = told[event.job_id, event.revision]
        copies += envelope.id in known
        known[envelope.id] = event
    figures["published videos"] = f"{len(told)}, of which {copies} were told of again under the same id"
    wrong = [f"{place} was published as {sorted(events)}" for place, events in told.items() if len(events) != 1]
    completed = {job.id for job in jobs if job.word == "completed"}
    missing, extra = completed - {job for job, _ in told}, {job for job, _ in told} - completed
    wrong += [f"job {job} is completed, and no video of it was published" for job in missing]
    wrong += [f"a video of job {job} was published, and it is not completed" for job in extra]
    for events in told.values():
        for event in events.values():
            wrong += await _files(world, event)
    return wrong


async def _files(world: World, event: VideoPublished) -> list[str]:
    store = world.objects[BUCKETS[1]]
    files = {name: value for name, value in event.published if isinstance(value, File)}
    wrong: list[str] = []
    for name, file in files.items():
        info = await store.head(file.key)
        if info is None or info.size != file.size:
            wrong.append(f"{name} of job {event.job_id} has {info.size if info else 'no'} bytes, not {file.size}")
    if not wrong and (await store.get(files["video"].key))[4:8] != b"ftyp":
        wrong.append(f"the video of job {event.job_id} is no MP4")
    return wrong


def paid(till: Till, jobs: Sequence[Job], faults: Sequence[Fault], figures: dict[str, str]) -> list[str]:
    """What was paid again was in flight when something was killed, or away for longer than a session."""
    repeated = till.repeated()
    distinct, flights = len(till.calls) - len(repeated), sum(len(fault.in_flight) for fault in faults)
    again_by_kind = Counter(first.what.split()[0] for first, _ in repeated)
    figures["paid calls"] = (
        f"{len(till.calls)}: {distinct} that were to be made, and {len(repeated)} again {dict(again_by_kind)};"
        f" {flights} were in flight at {sum(bool(fault.in_flight) for fault in faults)} faults"
    )
    wrong: list[str] = []
    most = EXPECTED_CALLS * len(jobs) + RESPOKEN_CALLS * sum(job.fate is Fate.REPLAYED for job in jobs)
    if distinct > most:
        wrong.append(f"{distinct} different calls were paid for, and {len(jobs)} jobs need {most} at the most")
    if len(till.calls) > distinct + flights:
        wrong.append(f"{len(repeated)} calls were paid again, and {flights} were in flight")
    excused = [call for fault in faults for call in fault.in_flight]
    for first, again in repeated:
        if first not in excused:
            wrong.append(
                f"{first.what!r} was paid by {first.replica} and {again.began - first.began:.1f} s later again by"
                f" {again.replica}, and nothing that happened to {first.replica} had it in flight"
            )
    return wrong


async def committed(connection: Connection, figures: dict[str, str]) -> list[str]:
    """Every group has committed every partition to its end."""
    deadline = time.monotonic() + LAG_SECONDS
    while True:
        behind = [each for each in await lags(connection, GROUPS) if each.records]
        if not behind or time.monotonic() > deadline:
            break
        await asyncio.sleep(1)
    figures["lag"] = f"{sum(each.records for each in behind)} records of {len(GROUPS)} groups"
    return [f"{one.group} has {one.records} records of {one.topic}/{one.partition} before it" for one in behind]


async def rebuilt(world: World, connection: Connection, figures: dict[str, str]) -> list[str]:
    """The view is what folding the whole log into an empty database makes, and what the gateway's rebuild makes."""
    wrong: list[str] = []
    live = await _rows(world.database.dsn)
    figures["rows of the view"] = ", ".join(f"{sum(rows.values())} {table}" for table, rows in live.items())
    wrong += _different("folding the log", live, await _folded(world, connection, figures))
    answer = await world.api.post("/api/v1/view/rebuild", json={}, timeout=LAG_SECONDS)
    if not answer.is_success or '"done"' not in answer.text.splitlines()[-1]:
        wrong.append(f"the gateway's rebuild answered {answer.status_code} {answer.text[-300:]}")
    wrong += _different("the gateway's rebuild", live, await _rows(world.database.dsn))
    return wrong


async def _folded(world: World, connection: Connection, figures: dict[str, str]) -> dict[str, Counter[str]]:
    """The rows that the whole log makes in a database of its own."""
    server = await asyncpg.connect(world.database.dsn)
    try:
        await server.execute("CREATE DATABASE folded")
    finally:
        await server.close()
    dsn = urlsplit(world.database.dsn)._replace(path="/folded").geturl()
    view = PostgresView(dsn)
    await view.open()
    try:
        projector = Projector(view, Unprojected())
        records = await read(connection, list(FOLLOWED.values()))
        for first in range(0, len(records), 500):
            await projector.handle(records[first : first + 500])
    finally:
        await view.close()
    figures["events on the log"] = f"{len(records)}, of which {projector.skipped} are none"
    return await _rows(dsn)


def _different(by: str, live: dict[str, Counter[str]], other: dict[str, Counter[str]]) -> list[str]:
    return [
        f"{table}: {kind} {by}: {row[:400]}"
        for table in live.keys() | other.keys()
        for kind, rows in (
            ("not made by", live.get(table, Counter()) - other.get(table, Counter())),
            ("made only by", other.get(table, Counter()) - live.get(table, Counter())),
        )
        for row in rows
    ]


async def _rows(dsn: str) -> dict[str, Counter[str]]:
    """Every row, as text, of every table that a rebuild makes."""
    connection = await asyncpg.connect(dsn)
    try:
        return {
            table: Counter(row["row"] for row in await connection.fetch(f"SELECT t::text AS row FROM {table} t"))  # noqa: S608
            for table in TABLES
        }
    finally:
        await connection.close()


def logs(world: World, figures: dict[str, str]) -> list[str]:
    """No log holds a secret or tells of a bug, and no process ended that nobody killed."""
    wrong: list[str] = []
    for file in sorted((world.folder / "data" / "logs").glob("*.log")):
        text = file.read_text(errors="replace")
        wrong += [f"{file.name} holds a secret" for secret in world.secrets() if secret in text]
    for replica in world.replicas:
        text = replica.log.read_text(errors="replace")
        bugs = [line for line in text.splitlines() if any(sign in line for sign in BUGS)]
        wrong += [f"{replica.name} tells of a bug: {line[:600]}" for line in bugs]
        wrong += [f"{replica.name} {end}" for end in replica.ends]
    figures["processes that ended unasked"] = str(sum(len(replica.ends) for replica in world.replicas))
    return wrong


async def parked_on(world: World) -> Counter[str]:
    """How many records were parked, by stage and code."""
    records = await read(Connection(world.broker.address), DEAD_LETTERS)
    headers = [dict(record.headers) for record in records]
    return Counter(
        f"{(each.get('keyframe_stage') or b'').decode()} {(each.get('keyframe_code') or b'').decode()}"
        for each in headers
    )
