"""What a replay is to do, fixed before it does it, and what it makes of an event: pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from runtime.kafka import Location, Offsets
from schemas.envelope import Envelope, derive_id
from schemas.events import ChainEvent, ImagesRendered, VideoAssembled, VoiceRecorded
from schemas.media import Files
from schemas.topics import STAGES, ServiceName, Topic
from services.gateway.known import JobView
from services.gateway.parked import INPUTS
from services.gateway.replay_order import Changes
from services.gateway.standing import Status, standing


class Plan(BaseModel):
    """A replay. It is kept, so that one that was cut off goes on as it began."""

    model_config = ConfigDict(frozen=True)

    id: str
    stage: ServiceName
    """The first stage that works again."""
    asked: Mapping[str, Any]
    """The request."""
    set: Changes
    fresh: bool
    start: Mapping[int, int]
    """By partition of the stage's input: the offset of the first record of the range."""
    end: Mapping[int, int]
    """And after the last one."""
    jobs: Mapping[str, int] | None
    """The newest revision of each job that got as far as that; None where every job in the range is meant."""
    lacking: Mapping[str, str] = {}
    """Why other jobs that were asked for have no such input."""

    @property
    def topic(self) -> Topic:
        """The stage's input."""
        return INPUTS[self.stage]

    def offsets(self, by_partition: Mapping[int, int]) -> Offsets:
        """`start` or `end` as the log has them."""
        return {(self.topic.name, number): offset for number, offset in by_partition.items()}


@dataclass(frozen=True)
class Input:
    """The event that a job is replayed from."""

    revision: int
    at: Location


def taken(stage: ServiceName, jobs: Mapping[str, JobView | None]) -> tuple[dict[str, int], dict[str, str]]:
    """Of which of these jobs there is an input of the stage, in which revision; and why of the others there is none."""
    found, lacking = dict[str, int](), dict[str, str]()
    for job_id, job in jobs.items():
        revision = _newest_input(job, STAGES.index(stage)) if job else None
        if revision is not None:
            found[job_id] = revision
        else:
            lacking[job_id] = _why_not(job, stage) if job else "there is no such job"
    return found, lacking


def _newest_input(job: JobView, position: int) -> int | None:
    return max((number for number, known in job.revisions.items() if position in known.emitted), default=None)


def _why_not(job: JobView, stage: ServiceName) -> str:
    now = standing(job)
    if now.status is Status.FAILED:
        return f"it failed in {now.stage}, before {stage}"
    return f"it is {now.status}{f' in {now.stage}' if now.stage else ''}, and has not come to {stage}"


def made_at(stage: ServiceName, jobs: Mapping[str, JobView | None], revisions: Mapping[str, int]) -> Iterable[datetime]:
    """When these inputs of the stage were made."""
    for job_id, number in revisions.items():
        job = jobs[job_id]
        if job is not None:
            yield job.revisions[number].emitted[STAGES.index(stage)]


def newest_revision(job: JobView | None) -> int:
    """That is known of; 0 where none is."""
    return max((*job.revisions, job.cancelled)) if job else 0


def renewed_id(replay_id: str, event_id: str) -> str:
    """The id that an event gets by a replay: the same however often it is resumed."""
    return derive_id("replay", replay_id, event_id)


def renewed(plan: Plan, old: Envelope, revision: int, now: datetime) -> Envelope:
    """The event as it is published again. What this version does not know of it passes through."""
    fresh = {"fresh": revision} if plan.fresh else {}
    data = {**json.loads(old.data), **plan.set.given, "revision": revision, **fresh}
    return Envelope(
        id=renewed_id(plan.id, old.id),
        type=plan.topic.name,
        source=f"/keyframe/{ServiceName.GATEWAY}",
        subject=old.subject,
        time=now,
        data=json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode(),
        causation_id=old.id,
    )


def needed(event: ChainEvent) -> Iterable[tuple[ServiceName, str]]:
    """The objects that the stages behind an event read: which stage makes them, and their keys."""
    match event:
        case VideoAssembled():
            yield from ((ServiceName.ASSEMBLER, getattr(event.files, name).key) for name in Files.model_fields)
        case VoiceRecorded():
            yield from ((ServiceName.VOICE, scene.speech.key) for scene in event.scenes)
            yield from _pictures(event)
        case ImagesRendered():
            yield from _pictures(event)
        case _:
            return


def _pictures(event: ImagesRendered) -> Iterable[tuple[ServiceName, str]]:
    return ((ServiceName.IMAGES, scene.picture.key) for scene in event.scenes)
