"""The projection: what is known of a job, folded out of its events.

`evolve` is pure, and what it makes depends on the set of events alone: not on their order, since topics
overtake one another, and not on repetition. Every part of a `JobView` is therefore joined with what an
event says by a rule that commutes: the earliest time, the highest number, or the newest by a fixed order.
What the facts mean for the user is derived from them in `standing.py`.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from schemas.costs import StageCost
from schemas.events import ChainEvent, ImagesRendered, ScriptWritten, VideoAssembled, VideoPublished
from schemas.jobs import JobCancelled, JobEvent, JobFailed, JobProgressed, JobRedriven
from schemas.topics import CHAIN
from services.gateway.known import Content, Failure, JobView, Known, Note, RevisionView, Spent, StageView, Step

Key = TypeVar("Key")
Ordered = TypeVar("Ordered", Content, Step, Note, Failure)

POSITIONS: Mapping[type[Any], int] = {topic.event: position for position, topic in enumerate(CHAIN) if topic.event}
"""How many stages have done their work once this event is there: 0 for a request, 5 for a published video."""


@dataclass(frozen=True)
class Fact:
    """An event as the projection takes it: its data, and what its envelope says of it."""

    id: str
    time: datetime
    event: ChainEvent | JobEvent
    redrives: int = 0
    """How often the record behind it had been taken out of a dead-letter queue."""


def evolve(job: JobView | None, fact: Fact) -> JobView:
    """The job with one more fact."""
    event = fact.event
    job = job or JobView(job_id=event.job_id)
    revision = job.revisions.get(event.revision) or RevisionView()
    created_at = job.created_at
    match event:
        case ChainEvent():
            revision = _with_output(revision, event, fact)
            created_at = _earliest(created_at, event.requested_at)
        case JobProgressed() | JobFailed() | JobRedriven():
            revision = _with_stage(revision, event, fact)
        case JobCancelled():  # of the revision nothing else is known by it: an older cancel may be gone from the log
            return _but(job, cancelled=max(job.cancelled, event.revision))
        case _:
            return job
    return _but(job, created_at=created_at, revisions=_with(job.revisions, event.revision, revision))


def _with_output(revision: RevisionView, event: ChainEvent, fact: Fact) -> RevisionView:
    content = _content(event, fact)
    emitted = _earliest(revision.emitted.get(content.position), fact.time)
    return _but(
        revision,
        content=_newest(revision.content, content),
        emitted=_with(revision.emitted, content.position, emitted),
    )


def _content(event: ChainEvent, fact: Fact) -> Content:
    made: dict[str, Any] = {}
    if isinstance(event, ScriptWritten):
        made |= {"title": event.title, "attributions": event.attributions}
    if isinstance(event, ImagesRendered):
        made["pictures"] = {scene.index: scene.picture.key for scene in event.scenes}
    if isinstance(event, VideoAssembled):
        made["duration"] = event.duration
    if isinstance(event, VideoPublished):
        made["files"] = event.published
    return Content(
        position=POSITIONS[type(event)],
        time=fact.time,
        id=fact.id,
        prompt=event.prompt,
        style=event.style,
        aspect_ratio=event.aspect_ratio,
        voice=event.voice,
        language=event.language,
        scene_count=event.scene_count,
        target_seconds=event.target_seconds,
        costs=_costs(event.costs),
        degraded=event.degraded,
        **made,
    )


def _costs(costs: Iterable[StageCost]) -> Mapping[str, Spent]:
    """Sums by stage; an amount that is no number is one that is not known."""
    by_stage: dict[str, Spent] = {}
    for cost in costs:
        before = by_stage.get(cost.stage, Spent())
        known = cost.usd is not None and math.isfinite(cost.usd)
        usd = before.usd + (cost.usd or 0.0 if known else 0.0)
        by_stage[cost.stage] = Spent(usd=usd, complete=before.complete and known)
    return by_stage


def _with_stage(revision: RevisionView, event: JobProgressed | JobFailed | JobRedriven, fact: Fact) -> RevisionView:
    stage = revision.stages.get(event.stage) or StageView()
    match event:
        case JobProgressed():
            stage = _progressed(stage, event, fact)
        case JobFailed():
            stage = _but(
                stage,
                turn=max(stage.turn, event.redrives),
                failure=_newest(stage.failure, _failure(event, fact)),
            )
        case JobRedriven():
            stage = _but(stage, turn=max(stage.turn, event.redrives))
    return _but(revision, stages=_with(revision.stages, event.stage, stage))


def _failure(event: JobFailed, fact: Fact) -> Failure:
    return Failure(
        turn=event.redrives,
        time=fact.time,
        id=fact.id,
        code=event.code,
        message=event.message,
        spent=_costs(event.costs).get(event.stage),
    )


def _progressed(stage: StageView, event: JobProgressed, fact: Fact) -> StageView:
    turn, time, done = fact.redrives, fact.time, stage.done
    if 1 <= event.step <= event.steps:
        step = Step(turn=turn, time=time, id=fact.id, steps=event.steps, artefact=event.artefact)
        done = _with(done, event.step, _newest(done.get(event.step), step))
    note = Note(turn=turn, time=time, id=fact.id, label=event.label, waiting=event.waiting)
    return _but(
        stage,
        turn=max(stage.turn, turn),
        started_at=_earliest(stage.started_at, fact.time),
        note=_newest(stage.note, note),
        done=done,
    )


Value = TypeVar("Value")
Part = TypeVar("Part", bound=Known)


def _newest(known: Ordered | None, said: Ordered) -> Ordered:
    return said if known is None or said.order > known.order else known


def _earliest(known: datetime | None, said: datetime) -> datetime:
    return said if known is None else min(known, said)


def _with(known: Mapping[Key, Value], key: Key, value: Value) -> Mapping[Key, Value]:
    return {**known, key: value}


def _but(part: Part, **changed: Any) -> Part:
    return part.model_copy(update=changed)
