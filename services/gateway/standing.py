"""Where a job stands, as its user is told: derived from the facts in `projection.py`, and pure as they are.

The rules, for the job's newest revision:
- a published video is completed, whatever else was said: a cancel that came too late stopped nothing;
- else a cancelled job is cancelled, and neither progress nor a failure brings it back;
- else it has failed if the furthest stage that anything is known of gave up in its newest turn: a redrive
  begins a new turn, and any event of a later stage shows that the stage did its work after all;
- else it is processing, or queued if nothing but the request is known.
An older revision's video stays to be watched until a newer one is published.

What a stage has cost is what the event says that it emitted; as long as there is none, what its failure says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from schemas.jobs import Waiting
from schemas.topics import STAGES, ServiceName
from services.gateway.known import Content, Failure, JobView, RevisionView, Spent, StageView

Found = TypeVar("Found")

WEIGHTS: Mapping[ServiceName, int] = {
    ServiceName.SCRIPT: 10,
    ServiceName.IMAGES: 40,
    ServiceName.VOICE: 20,
    ServiceName.ASSEMBLER: 25,
    ServiceName.STORAGE: 5,
}
"""A stage's share of a job's progress, in per cent."""


class Status(StrEnum):
    """Where a job stands, in a word."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Timing:
    """When a stage worked on the newest revision."""

    started_at: datetime
    finished_at: datetime | None

    @property
    def seconds(self) -> float | None:
        """Never below zero: two machines' clocks differ."""
        return None if self.finished_at is None else max(0.0, (self.finished_at - self.started_at).total_seconds())


@dataclass(frozen=True)
class Standing:
    """Where a job stands."""

    revision: int
    status: Status
    stage: ServiceName | None
    """The stage that works on it, or will next; None once it is completed."""
    progress: int
    """Per cent; 100 is a published video and nothing else."""
    stages: Mapping[ServiceName, int]
    """How far each stage is, in per cent; 100 says that its work is there."""
    costs: Mapping[str, Spent]
    """By stage, of those that paid for anything."""
    waiting: Waiting | None
    failure: Failure | None
    timings: Mapping[ServiceName, Timing]
    content: Content | None
    """What is known of the newest revision, or of an older one as long as the newest has told nothing."""
    keyframes: Mapping[int, str]
    """Scene index to the object key of its picture."""
    video: Content | None
    """What is published: of the newest revision that got so far."""
    video_revision: int | None

    @property
    def completed_at(self) -> datetime | None:
        """When the video that can be watched was published."""
        return self.video.time if self.video else None


def standing(job: JobView) -> Standing:
    """Where the job stands by what is known of it."""
    number = max(job.revisions, default=1)
    revision = job.revisions.get(number) or RevisionView()
    position = _position(revision)
    stage = STAGES[position] if position < len(STAGES) else None
    view = revision.stages.get(stage) if stage else None
    failure = _failure(view)
    status = Status.CANCELLED if number <= job.cancelled and stage else _status(revision, stage, failure)
    video = _newest(job, _published)
    return Standing(
        revision=number,
        status=status,
        stage=stage,
        progress=_progress(revision, position),
        stages={name: _share(revision, position, place) for place, name in enumerate(STAGES)},
        costs=_costs(revision),
        waiting=_waiting(view) if status is Status.PROCESSING else None,
        failure=failure if status is Status.FAILED else None,
        timings=_timings(revision),
        content=_value(_newest(job, lambda known: known.content)),
        keyframes=_value(_newest(job, _keyframes)) or {},
        video=_value(video),
        video_revision=video[0] if video else None,
    )


def _position(revision: RevisionView) -> int:
    """How many stages are behind the furthest one that anything is known of; all five once it is published."""
    emitted = revision.content.position if revision.content else 0
    return max([emitted, *(STAGES.index(name) for name in STAGES if name in revision.stages)])


def _status(revision: RevisionView, stage: ServiceName | None, failure: Failure | None) -> Status:
    if stage is None:
        return Status.COMPLETED
    if failure is not None:
        return Status.FAILED
    only_requested = not revision.stages and (revision.content is None or revision.content.position == 0)
    return Status.QUEUED if only_requested else Status.PROCESSING


def _failure(view: StageView | None) -> Failure | None:
    """The failure of the newest turn: one that a redrive has not answered."""
    return view.failure if view and view.failure and view.failure.turn == view.turn else None


def _waiting(view: StageView | None) -> Waiting | None:
    """What the stage's last word in its newest turn says that it waits for."""
    return view.note.waiting if view and view.note and view.note.turn == view.turn else None


def _progress(revision: RevisionView, position: int) -> int:
    """It never falls within a revision: neither the stages behind nor the steps done become fewer."""
    behind = sum(WEIGHTS[name] for name in STAGES[:position])
    if position == len(STAGES):
        return behind
    return min(99, round(behind + WEIGHTS[STAGES[position]] * _done(revision, STAGES[position])))


def _share(revision: RevisionView, position: int, place: int) -> int:
    """How far the stage at a place of the chain is, in per cent."""
    if place < position:
        return 100
    return min(99, round(100 * _done(revision, STAGES[place]))) if place == position else 0


def _done(revision: RevisionView, stage: ServiceName) -> float:
    """The share of a stage's steps that are done."""
    view = revision.stages.get(stage) or StageView()
    return min(1.0, sum(1 / step.steps for step in view.done.values()))


def _costs(revision: RevisionView) -> Mapping[str, Spent]:
    emitted = revision.content.position if revision.content else 0
    failures = {name: view.failure for name, view in revision.stages.items() if name not in STAGES[:emitted]}
    failed = {name: failure.spent for name, failure in failures.items() if failure and failure.spent}
    return {**failed, **(revision.content.costs if revision.content else {})}


def _timings(revision: RevisionView) -> Mapping[ServiceName, Timing]:
    """Of the stages that worked on this revision: a replay repeats nothing before the stage it begins at."""
    timings: dict[ServiceName, Timing] = {}
    for position, name in enumerate(STAGES):
        finished = revision.emitted.get(position + 1)
        view = revision.stages.get(name)
        started = view.started_at if view else None
        if started is None and finished is not None:
            started = revision.emitted.get(position)
        if started is not None:
            timings[name] = Timing(started, finished)
    return timings


def _published(revision: RevisionView) -> Content | None:
    return revision.content if revision.content and revision.content.files else None


def _keyframes(revision: RevisionView) -> Mapping[int, str] | None:
    """The pictures as the images stage emitted them, over those that it has told of so far."""
    done = revision.stages.get(ServiceName.IMAGES, StageView()).done
    told = {step - 1: known.artefact for step, known in done.items() if known.artefact}
    return {**told, **(revision.content.pictures if revision.content else {})} or None


def _newest(job: JobView, pick: Callable[[RevisionView], Found | None]) -> tuple[int, Found] | None:
    """What the newest revision that has it has, with the number of that revision."""
    for number in sorted(job.revisions, reverse=True):
        found = pick(job.revisions[number])
        if found is not None:
            return number, found
    return None


def _value(found: tuple[int, Found] | None) -> Found | None:
    return found[1] if found else None
