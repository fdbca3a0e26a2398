"""The status view in a real Postgres: migrations, folding, the feed."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from shutil import copytree
from uuid import UUID

import asyncpg
import pytest

from runtime.errors import Unavailable
from schemas.envelope import derive_id
from schemas.events import ChainEvent
from schemas.jobs import JobEvent, JobFailed, JobProgressed
from services.gateway import migrate as migrations_module
from services.gateway.migrate import MigrationRefused, migrate, migrations
from services.gateway.ports import Claim, Place
from services.gateway.projection import Fact, evolve
from services.gateway.standing import standing
from services.gateway.status_view import PostgresView
from tests.builders import NOON, chain, job_id, video_published, video_requested


@pytest.fixture
async def view(tables: str) -> AsyncIterator[PostgresView]:
    view = PostgresView(tables)
    await view.open()
    yield view
    await view.close()


def noise(length: int) -> str:
    """Text that does not compress."""
    return random.Random(3).randbytes(length // 2).hex()  # noqa: S311 - seeded on purpose


async def opened(database: str) -> None:
    """Leaves the database as a gateway does that has been started."""
    view = PostgresView(database)
    await view.open()
    await view.close()


def facts_of(number: int, *, at: int = 0) -> list[Fact]:
    """A whole job's facts: its chain, and steps on the way."""
    job = job_id(number)
    steps = [
        JobProgressed(job_id=job, stage="images", step=step, steps=3, label="image", artefact=f"artefacts/{job}/{step}")
        for step in range(4)
    ]
    return [
        Fact(derive_id(job, place, at), NOON + timedelta(seconds=at + place), event)
        for place, event in enumerate([*chain(number), *steps])
        if isinstance(event, ChainEvent | JobEvent)
    ]


async def rows(database: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(database)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


async def test_two_gateways_migrate_at_once_and_each_file_runs_once(database: str):
    views = [PostgresView(database) for _ in range(4)]
    await asyncio.gather(*(view.open() for view in views))
    await asyncio.gather(*(view.ping() for view in views))
    await asyncio.gather(*(view.close() for view in views))
    applied = await rows(database, "select name, checksum from migrations order by name")
    assert [(row["name"], row["checksum"]) for row in applied] == [(m.name, m.checksum) for m in migrations()]


async def test_a_changed_migration_is_refused(database: str, tmp_path: Path):
    await opened(database)
    folder = copytree(migrations_module.FOLDER, tmp_path / "migrations")
    first = min(folder.iterdir())
    first.write_text(first.read_text() + "-- changed\n")
    connection = await asyncpg.connect(database)
    with pytest.raises(MigrationRefused, match=first.stem):
        await migrate(connection, migrations(folder))
    await connection.close()


async def test_a_migration_that_fails_leaves_nothing_behind(database: str, tmp_path: Path):
    await opened(database)
    folder = copytree(migrations_module.FOLDER, tmp_path / "migrations")
    (folder / "0999_broken.sql").write_text("create table half (); select no_such_function();")
    connection = await asyncpg.connect(database)
    with pytest.raises(asyncpg.UndefinedFunctionError):
        await migrate(connection, migrations(folder))
    await connection.close()
    assert await rows(database, "select 1 from pg_tables where tablename = 'half'") == []


async def test_a_database_that_a_newer_version_migrated_is_left_alone(database: str):
    await opened(database)
    await rows(database, "insert into migrations (name, checksum) values ('9999_newer', 'x') returning 1")
    other = PostgresView(database)
    await other.open()
    await other.close()


async def test_a_database_that_is_away_is_unavailable():
    view = PostgresView("postgresql://keyframe@127.0.0.1:1/keyframe")
    with pytest.raises(Unavailable):
        await view.open()
    with pytest.raises(Unavailable):
        await view.find(job_id())
    await view.close()


async def test_the_view_is_what_evolve_makes_of_the_events_in_any_order_and_batch(view: PostgresView):
    chance = random.Random(7)  # noqa: S311 - seeded on purpose
    expected = None
    for one in facts_of(1):
        expected = evolve(expected, one)
    everything = [fact for number in range(1, 6) for fact in facts_of(number)] * 2
    chance.shuffle(everything)
    while everything:
        size = chance.randint(1, 9)
        batch, everything = everything[:size], everything[size:]
        await view.apply(batch)
    assert await view.find(job_id(1)) == expected


async def test_batches_over_the_same_jobs_at_once_neither_lose_nor_deadlock(view: PostgresView, tables: str):
    chance = random.Random(11)  # noqa: S311 - seeded on purpose
    everything = [fact for number in range(1, 13) for fact in facts_of(number)]
    chance.shuffle(everything)
    first, rest = everything[:24], everything[24:]
    await view.apply(first)
    batches = [rest[number::4] + chance.sample(rest, 20) for number in range(4)]
    await asyncio.gather(*(view.apply(batch) for batch in batches))
    for number in range(1, 13):
        expected = None
        for fact in facts_of(number):
            expected = evolve(expected, fact)
        assert await view.find(job_id(number)) == expected
    assert (await rows(tables, "select count(*) from events"))[0][0] == len(everything)


async def test_a_value_that_postgres_refuses_holds_up_no_other_job(view: PostgresView):
    too_large = Fact(derive_id("large"), NOON, video_requested(1).model_copy(update={"revision": 2**40}))
    too_long = Fact(derive_id("long"), NOON, video_published(3, style=noise(20_000)))
    good = Fact(derive_id("good"), NOON, video_requested(2))
    assert await view.apply([too_large, too_long, good]) == 2
    assert await view.find(job_id(1)) is None
    assert await view.find(job_id(2)) is not None


async def test_a_connection_that_was_cut_is_replaced(view: PostgresView, tables: str):
    await view.apply([Fact(derive_id(1), NOON, video_requested())])
    await rows(
        tables,
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
        " and datname = current_database()",
    )
    with suppress(Unavailable):
        await view.find(job_id())
    assert await view.find(job_id()) is not None


async def test_events_are_kept_as_a_timeline(view: PostgresView, tables: str):
    failure = JobFailed(job_id=job_id(), stage="voice", code="exhausted", message="too often", attempts=4)
    await view.apply([Fact(derive_id("x"), NOON, failure), Fact(derive_id("y"), NOON, video_requested())])
    kept = await rows(tables, "select type, stage, detail->>'message' as said from events order by stage")
    assert [(row["type"], row["stage"], row["said"]) for row in kept] == [
        ("keyframe.job.failed.v1", "voice", "too often"),
        ("keyframe.video.requested.v1", None, None),
    ]


async def test_the_feed_is_the_newest_videos_page_by_page(view: PostgresView):
    facts = [
        Fact(derive_id(number), NOON + timedelta(minutes=number // 2), video_published(number, style=style))
        for number in range(1, 9)
        for style in [("Meme", "Educational")[number % 2]]
    ]
    await view.apply([*facts, Fact(derive_id("unfinished"), NOON, video_requested(20))])
    whole = [job.job_id for job in await view.newest(50, style=None, after=None)]
    assert whole == [job_id(number) for number in (8, 7, 6, 5, 4, 3, 2, 1)]
    page = await view.newest(2, style=None, after=None)  # it ends between two of the same time
    last = page[-1]
    moment = standing(last).completed_at
    assert moment is not None
    rest = await view.newest(50, style=None, after=Place(moment, last.job_id))
    assert [job.job_id for job in page + rest] == whole
    assert [job.job_id for job in await view.newest(50, style="Meme", after=None)] == whole[::2]


async def test_unfinished_counts_what_is_under_way(view: PostgresView):
    failure = JobFailed(job_id=job_id(3), stage="voice", code="exhausted", message="", attempts=4)
    await view.apply(
        [
            Fact(derive_id(1), NOON, video_requested(1)),
            Fact(derive_id(2), NOON, video_published(2)),
            Fact(derive_id(3), NOON, failure),
        ]
    )
    assert await view.unfinished() == 1


async def test_the_first_claim_of_a_key_stands(view: PostgresView):
    claims = [Claim(f"digest {number}", NOON + timedelta(seconds=number)) for number in range(8)]
    stand = await asyncio.gather(*(view.claim(job_id(), claim) for claim in claims))
    assert len(set(stand)) == 1
    assert await view.claimed(job_id()) == stand[0]
    assert await view.claimed(str(UUID(int=99))) is None
