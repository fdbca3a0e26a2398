"""The projection: what is known of a job, folded out of its events.

`evolve` is pure, and what it makes depends on the set of events alone: not on their order, since topics
overtake one another, and not on repetition. Every part of a `JobView` is therefore joined with what an
event says by a rule that commutes: the earliest time, the highest number, or the newest by a fixed order.
What the facts mean for the user is derived from them in `standing.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict

from schemas.events import ChainEvent, ImagesRendered, ScriptWritten, VideoAssembled, VideoPublished
from schemas.jobs import JobCancelled, JobEvent, JobFailed, JobProgressed, JobRedriven, Waiting
from schemas.media import AspectRatio, Attribution, PublishedFiles
from schemas.topics import CHAIN

Key = TypeVar("Key")

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


class Known(BaseModel):
    """A part of what is known. Fields of other versions are ignored, so that versions can run side by side."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Content(Known):
    """What the furthest event of a revision carries. The event has everything that those before it had."""

    position: int
    time: AwareDatetime
    id: str
    prompt: str
    style: str
    aspect_ratio: AspectRatio
    voice: str
    language: str
    scene_count: int
    title: str | None = None
    attributions: tuple[Attribution, ...] = ()
    pictures: Mapping[int, str] = {}
    """Scene index to object key."""
    duration: float | None = None
    """Seconds."""
    files: PublishedFiles | None = None

    @property
    def order(self) -> tuple[int, datetime, str]:
        return self.position, self.time, self.id


class Told(Known):
    """Something that a stage told, in its newest turn before any other."""

    turn: int
    """How often the stage's record had been redriven by then."""
    time: AwareDatetime
    id: str

    @property
    def order(self) -> tuple[int, datetime, str]:
        return self.turn, self.time, self.id


class Step(Told):
    """A step is done."""

    steps: int
    """Of how many."""
    artefact: str | None = None


class Note(Told):
    """What a stage does or waits for."""

    label: str
    waiting: Waiting | None = None


class Failure(Told):
    """A stage gave up."""

    code: str
    message: str


Ordered = TypeVar("Ordered", Content, Step, Note, Failure)


class StageView(Known):
    """What is known of a stage's work on a revision."""

    turn: int = 0
    """The newest turn: how often the stage's record has been redriven."""
    started_at: AwareDatetime | None = None
    note: Note | None = None
    failure: Failure | None = None
    done: Mapping[int, Step] = {}


class RevisionView(Known):
    """What is known of one run of a job."""

    content: Content | None = None
    emitted: Mapping[int, AwareDatetime] = {}
    """When each event of the chain was made, by its position."""
    stages: Mapping[str, StageView] = {}
    cancelled_at: AwareDatetime | None = None


class JobView(Known):
    """What is known of a job."""

    job_id: str
    created_at: AwareDatetime | None = None
    revisions: Mapping[int, RevisionView] = {}


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
        case JobCancelled():
            revision = _but(revision, cancelled_at=_earliest(revision.cancelled_at, fact.time))
        case JobProgressed() | JobFailed() | JobRedriven():
            revision = _with_stage(revision, event, fact)
        case _:
            pass
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
        **made,
    )


def _with_stage(revision: RevisionView, event: JobProgressed | JobFailed | JobRedriven, fact: Fact) -> RevisionView:
    stage = revision.stages.get(event.stage) or StageView()
    match event:
        case JobProgressed():
            stage = _progressed(stage, event, fact)
        case JobFailed():
            failure = Failure(turn=event.redrives, time=fact.time, id=fact.id, code=event.code, message=event.message)
            stage = _but(stage, turn=max(stage.turn, event.redrives), failure=_newest(stage.failure, failure))
        case JobRedriven():
            stage = _but(stage, turn=max(stage.turn, event.redrives))
    return _but(revision, stages=_with(revision.stages, event.stage, stage))


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
