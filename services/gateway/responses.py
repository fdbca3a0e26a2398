"""What users get to see."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.base import JobId
from schemas.media import AspectRatio, Attribution
from schemas.topics import ServiceName
from services.gateway.addresses import Addresses, FileName
from services.gateway.projection import Content, JobView
from services.gateway.standing import Standing, Status, standing

EXAMPLE_ID = "3f0e3c5e-9d3c-4f6a-9a55-0d5be6c1f1aa"


class Answer(BaseModel):
    """What all answers have in common."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True, validate_by_name=True)


class Links(Answer):
    """Where to go on from here."""

    status: str
    video: str
    """Answers 404 until the video is published."""


class Accepted(Answer):
    """A request that will be worked on."""

    job_id: Annotated[JobId, Field(alias="jobId", examples=[EXAMPLE_ID])]
    status: Status = Status.QUEUED
    links: Links


class WaitingFor(Answer):
    """Who a stage waits for, and until when."""

    on: str
    reason: str
    since: AwareDatetime
    next_try: AwareDatetime


class StageTiming(Answer):
    """When a stage worked on the newest revision."""

    started_at: AwareDatetime
    finished_at: AwareDatetime | None
    seconds: float | None


class JobError(Answer):
    """Why a job failed."""

    code: str
    message: str
    stage: ServiceName | None


class Captions(Answer):
    """The captions as files."""

    vtt: str
    srt: str


class Keyframe(Answer):
    """A painted scene."""

    scene: Annotated[int, Field(ge=1)]
    """1 is the first."""
    url: str


class JobStatus(Answer):
    """Where a job stands. What is not known yet is null."""

    job_id: Annotated[JobId, Field(alias="jobId", examples=[EXAMPLE_ID])]
    status: Annotated[Status, Field(examples=["processing"])]
    stage: ServiceName | None
    """The stage that works on it, or will next; null once it is completed."""
    waiting_for: WaitingFor | None
    progress: Annotated[int, Field(ge=0, le=100)]
    title: Annotated[str | None, Field(examples=["The city under the waves"])]
    prompt: Annotated[str | None, Field(examples=["Why coral reefs matter"])]
    style: str | None
    aspect_ratio: AspectRatio | None
    voice: str | None
    language: str | None
    scene_count: int | None
    created_at: AwareDatetime | None
    completed_at: AwareDatetime | None
    """When the video that can be watched was published."""
    video_url: Annotated[str | None, Field(examples=[f"/videos/{EXAMPLE_ID}/video.mp4"])]
    """While a newer revision is made, the video of the one before."""
    thumbnail_url: str | None
    captions: Captions | None
    keyframes: list[Keyframe]
    duration: float | None
    """Seconds."""
    timings: dict[ServiceName, StageTiming]
    revision: int
    """1, and one more for each replay."""
    video_revision: int | None
    """The revision that `video_url` shows."""
    error: JobError | None
    attributions: list[Attribution]
    links: Links


class FeedItem(Answer):
    """A video that can be watched."""

    job_id: Annotated[JobId, Field(alias="jobId", examples=[EXAMPLE_ID])]
    title: str | None
    style: str
    video_url: str
    thumbnail_url: str
    duration: float | None
    completed_at: AwareDatetime


class Feed(Answer):
    """A page of the newest videos."""

    items: list[FeedItem]
    next_cursor: str | None
    """What to send as `cursor` for the next page; null on the last."""


class StyleChoice(Answer):
    """A manner of telling."""

    name: str
    summary: str


class Styles(Answer):
    """What can be chosen as style."""

    styles: list[StyleChoice]


class VoiceChoice(Answer):
    """A voice, and whether a configured provider has it."""

    name: str
    language: str
    accent: str
    gender: str
    served: bool


class Voices(Answer):
    """What can be chosen as voice."""

    voices: list[VoiceChoice]


def accepted(job_id: str, addresses: Addresses) -> Accepted:
    """The answer to a request, the same however often it is sent."""
    return Accepted(job_id=job_id, links=_links(job_id, addresses))


def job_status(job: JobView, addresses: Addresses) -> JobStatus:
    """The job as its user sees it."""
    now = standing(job)
    content, video, failure = now.content, now.video, now.failure

    def published(name: FileName) -> str | None:
        return addresses.file(job.job_id, name) if video else None

    vtt, srt = published(FileName.CAPTIONS_VTT), published(FileName.CAPTIONS_SRT)
    return JobStatus(
        job_id=job.job_id,
        status=now.status,
        stage=now.stage,
        waiting_for=WaitingFor.model_validate(now.waiting, from_attributes=True) if now.waiting else None,
        progress=now.progress,
        title=_title(content, video),
        prompt=content.prompt if content else None,
        style=content.style if content else None,
        aspect_ratio=content.aspect_ratio if content else None,
        voice=content.voice if content else None,
        language=content.language if content else None,
        scene_count=content.scene_count if content else None,
        created_at=job.created_at,
        completed_at=now.completed_at,
        video_url=published(FileName.VIDEO),
        thumbnail_url=published(FileName.THUMBNAIL),
        captions=Captions(vtt=vtt, srt=srt) if vtt and srt else None,
        keyframes=[
            Keyframe(scene=index + 1, url=addresses.keyframe(job.job_id, index + 1)) for index in sorted(now.keyframes)
        ],
        duration=video.duration if video else None,
        timings=_timings(now),
        revision=now.revision,
        video_revision=now.video_revision,
        error=JobError(code=failure.code, message=failure.message, stage=now.stage) if failure else None,
        attributions=list(content.attributions if content else ()),
        links=_links(job.job_id, addresses),
    )


def feed_item(job: JobView, addresses: Addresses) -> FeedItem | None:
    """The job's published video, if there is one."""
    video = standing(job).video
    if video is None:
        return None
    return FeedItem(
        job_id=job.job_id,
        title=video.title,
        style=video.style,
        video_url=addresses.file(job.job_id, FileName.VIDEO),
        thumbnail_url=addresses.file(job.job_id, FileName.THUMBNAIL),
        duration=video.duration,
        completed_at=video.time,
    )


def _title(content: Content | None, video: Content | None) -> str | None:
    """A replay that has written no script yet goes by the title of the video that is there."""
    return (content.title if content else None) or (video.title if video else None)


def _timings(now: Standing) -> dict[ServiceName, StageTiming]:
    return {
        name: StageTiming(started_at=timing.started_at, finished_at=timing.finished_at, seconds=timing.seconds)
        for name, timing in now.timings.items()
    }


def _links(job_id: str, addresses: Addresses) -> Links:
    return Links(status=addresses.status(job_id), video=addresses.file(job_id, FileName.VIDEO))
