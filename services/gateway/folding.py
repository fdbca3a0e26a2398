"""How facts come into the tables of the view. Whoever fills other tables of the same names calls the same code."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from runtime.kafka import Location
from schemas.events import ChainEvent
from schemas.jobs import JobCancelled, JobDiscarded, JobRedriven
from schemas.topics import JOB_CANCELLED, topic_of
from services.gateway.durations import observe
from services.gateway.known import JobView
from services.gateway.parked import QUEUES, DeadLetter, nobody, place
from services.gateway.projection import Fact, evolve
from services.gateway.queries import QUERIES
from services.gateway.standing import standing

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection | PoolConnectionProxy[asyncpg.Record]


REFUSED = (asyncpg.DataError, asyncpg.ProgramLimitExceededError)
"""What Postgres says of values that it cannot keep, however often they are brought to it."""


async def fold(connection: "Connection", facts: Sequence[Fact]) -> None:
    """Folds facts in, all or none, and drops those whose id it has seen."""
    async with connection.transaction():
        before, after = await folded(connection, facts)
    for job_id, job in after.items():
        observe(before[job_id], job)


async def apart(fold: Callable[[Sequence[Fact]], Awaitable[None]], facts: Sequence[Fact]) -> int:
    """Folds facts in, without those whose values Postgres refuses; how many these were.

    They are found by halving, so that which facts are in a table does not depend on the batches that they came in.
    """
    try:
        await fold(facts)
    except REFUSED:
        if len(facts) == 1:
            return 1
        half = len(facts) // 2
        return await apart(fold, facts[:half]) + await apart(fold, facts[half:])
    return 0


async def folded(
    connection: "Connection", facts: Sequence[Fact]
) -> tuple[dict[str, JobView | None], dict[str, JobView]]:
    """Folds facts in within a transaction of the caller's, and measures nothing.

    What was known before, and is known now, of the jobs that came to be known better.
    """
    unique = {fact.id: fact for fact in reversed(facts)}  # the first of an id counts
    telling = [fact for fact in unique.values() if _tells_of_a_job(fact)]
    ids = sorted({fact.event.job_id for fact in telling})
    await connection.execute(QUERIES["lock_new"], ids)
    rows = await connection.fetch(QUERIES["lock"], ids)
    before = {str(row["job_id"]): view_of(row) for row in rows}
    # Their topic is compacted: the newest of a job is all that a rebuild is sure to find.
    cancels = [fact for fact in facts if isinstance(fact.event, JobCancelled)]
    await _keep_newest(connection, cancels)
    others = [_event_row(fact) for fact in unique.values() if not isinstance(fact.event, JobCancelled)]
    recorded = await connection.fetch(QUERIES["record"], *_columns(others)) if others else []
    fresh = [unique[str(row["event_id"])] for row in recorded]
    await _told_first(connection, facts)
    await _settle(connection, facts)
    # In a thread, since a large batch takes a while, and there are others to serve.
    after, stored = await asyncio.to_thread(_evolved, before, (*filter(_tells_of_a_job, fresh), *cancels))
    if stored:
        await connection.execute(QUERIES["store"], *_columns(stored))
    return before, after


def _evolved(
    before: Mapping[str, JobView | None], facts: Iterable[Fact]
) -> tuple[dict[str, JobView], list[Sequence[Any]]]:
    """What the facts make of the jobs, and their rows."""
    after: dict[str, JobView] = {}
    for fact in facts:
        job_id = fact.event.job_id
        after[job_id] = evolve(after.get(job_id, before[job_id]), fact)
    return after, [_job_row(job) for job in after.values()]


def _tells_of_a_job(fact: Fact) -> bool:
    """Whether a job is known by this fact: one of bytes that name no job is not about any."""
    match fact.event:
        case JobDiscarded():
            return False
        case JobRedriven(parked=str(parked), job_id=job_id):
            return job_id != nobody(parked)
        case _:
            return True


async def park(connection: "Connection", letters: Iterable[DeadLetter]) -> None:
    """Notes parked records; one that is noted already is no error."""
    rows = {letter.at: _letter_row(letter) for letter in letters}
    if rows:  # in order, as all who write do: so nobody waits in a circle
        await connection.execute(QUERIES["park"], *_columns([rows[at] for at in sorted(rows)]))


async def _told_first(connection: "Connection", facts: Iterable[Fact]) -> None:
    """What an operator asked for again, after a crash, is one event with two times, of which either may come first."""
    earliest: dict[UUID, datetime] = {}
    for fact in facts:
        if isinstance(fact.event, JobRedriven | JobDiscarded):
            event_id = UUID(fact.id)
            earliest[event_id] = min(fact.time, earliest.get(event_id, fact.time))
    if earliest:
        ids = sorted(earliest)
        await connection.execute(QUERIES["told_first"], ids, [earliest[event_id] for event_id in ids])


async def _settle(connection: "Connection", facts: Iterable[Fact]) -> None:
    """Notes what became of parked records."""
    earliest: dict[Location, tuple[datetime, str]] = {}
    for fact in facts:
        match fact.event:
            case JobRedriven(parked=str(text)):
                word = fact.time, "redriven"
            case JobDiscarded(parked=text):
                word = fact.time, "discarded"
            case _:
                continue
        at = place(text)
        if at is not None:
            earliest[at] = min(word, earliest.get(at, word))
    if earliest:
        rows = [(at.topic, at.partition, at.offset, QUEUES[at.topic], *earliest[at][::-1]) for at in sorted(earliest)]
        await connection.execute(QUERIES["settle"], *_columns(rows))


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


def letter_of(row: Any) -> DeadLetter:
    """What a row of dead_letters says that is known."""
    return DeadLetter(
        at=Location(row["topic"], row["partition"], row["at_offset"]),
        job_id=str(row["job_id"]) if row["job_id"] else None,
        **{name: row[name] for name in ("revision", "event_id", "redrives", "code", "reason", "attempts", "parked_at")},
        settled=row["settled"],
        settled_at=row["settled_at"],
    )


def _letter_row(letter: DeadLetter) -> tuple[Any, ...]:
    at, job_id = letter.at, UUID(letter.job_id) if letter.job_id else None
    said = letter.event_id, letter.redrives, letter.code, letter.reason, letter.attempts, letter.parked_at
    return at.topic, at.partition, at.offset, letter.stage, job_id, letter.revision, *said


def view_of(row: Any) -> JobView | None:
    """What a row of jobs says that is known."""
    return JobView.model_validate_json(row["view"]) if row["view"] is not None else None


def _columns(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _event_row(fact: Fact) -> tuple[str, str, int, str, str | None, datetime, str | None]:
    event = fact.event
    chain = isinstance(event, ChainEvent)
    stage = None if chain else getattr(event, "stage", None)
    detail = None if chain else event.model_dump_json(exclude={"job_id", "revision", "stage"})
    name = topic_of(event).name
    return fact.id, event.job_id, event.revision, name, stage, fact.time, detail


def _job_row(job: JobView) -> tuple[UUID, str, str, str | None, datetime | None]:
    now = standing(job)
    shown = now.video or now.content
    return UUID(job.job_id), job.model_dump_json(), now.status, shown.style if shown else None, now.completed_at
