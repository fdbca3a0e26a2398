"""How facts come into the tables of the view. Whoever fills other tables of the same names calls the same code."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from schemas.events import ChainEvent
from schemas.jobs import JobCancelled, JobDiscarded
from schemas.topics import JOB_CANCELLED, topic_of
from services.gateway.durations import observe
from services.gateway.known import JobView
from services.gateway.projection import Fact, evolve
from services.gateway.queries import QUERIES
from services.gateway.standing import standing

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[asyncpg.Record]


async def fold(connection: "Connection", facts: Sequence[Fact]) -> None:
    """Folds facts in, all or none, and drops those whose id it has seen."""
    async with connection.transaction():
        before, after = await _folded(connection, facts)
    for job_id, job in after.items():
        observe(before[job_id], job)


async def _folded(
    connection: "Connection", facts: Sequence[Fact]
) -> tuple[dict[str, JobView | None], dict[str, JobView]]:
    """What was known before and is known now of the jobs that came to be known better."""
    unique = {fact.id: fact for fact in reversed(facts)}  # the first of an id counts
    telling = [fact for fact in unique.values() if _tells_of_a_job(fact)]
    ids = sorted({fact.event.job_id for fact in telling})
    await connection.execute(QUERIES["lock_new"], ids)
    rows = await connection.fetch(QUERIES["lock"], ids)
    before = {str(row["job_id"]): view_of(row) for row in rows}
    # Their topic is compacted: the newest of a job is all that a rebuild is sure to find.
    cancels = [fact for fact in telling if isinstance(fact.event, JobCancelled)]
    await _keep_newest(connection, cancels)
    others = [_event_row(fact) for fact in unique.values() if not isinstance(fact.event, JobCancelled)]
    recorded = await connection.fetch(QUERIES["record"], *_columns(others)) if others else []
    fresh = [unique[str(row["event_id"])] for row in recorded]
    after: dict[str, JobView] = {}
    for fact in (*filter(_tells_of_a_job, fresh), *cancels):
        job_id = fact.event.job_id
        after[job_id] = evolve(after.get(job_id, before[job_id]), fact)
    if after:
        await connection.execute(QUERIES["store"], *_columns([_job_row(job) for job in after.values()]))
    return before, after


def _tells_of_a_job(fact: Fact) -> bool:
    """Whether a job is known by this fact: one of bytes that name no job is not about any."""
    return not isinstance(fact.event, JobDiscarded)


async def _keep_newest(connection: "Connection", cancels: Iterable[Fact]) -> None:
    """Keeps one cancel of each job among the events: of the newest revision, the latest."""
    newest: dict[str, Fact] = {}
    for fact in sorted(cancels, key=lambda fact: (fact.event.revision, fact.time)):
        newest[fact.event.job_id] = fact
    if newest:
        rows = [_event_row(fact) for fact in newest.values()]
        jobs, revisions, times = ([row[column] for row in rows] for column in (1, 2, 5))
        await connection.execute(QUERIES["forget_older_cancels"], jobs, revisions, times, JOB_CANCELLED.name)
        await connection.execute(QUERIES["record_cancel"], *_columns(rows))


def view_of(row: Any) -> JobView | None:
    """What a row of jobs says that is known."""
    return JobView.model_validate_json(row["view"]) if row["view"] is not None else None


def _columns(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _event_row(fact: Fact) -> tuple[UUID, UUID, int, str, str | None, datetime, str | None]:
    event = fact.event
    chain = isinstance(event, ChainEvent)
    stage = None if chain else getattr(event, "stage", None)
    detail = None if chain else event.model_dump_json(exclude={"job_id", "revision", "stage"})
    name = topic_of(event).name
    return UUID(fact.id), UUID(event.job_id), event.revision, name, stage, fact.time, detail


def _job_row(job: JobView) -> tuple[UUID, str, str, str | None, datetime | None]:
    now = standing(job)
    shown = now.video or now.content
    return UUID(job.job_id), job.model_dump_json(), now.status, shown.style if shown else None, now.completed_at
