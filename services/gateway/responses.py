"""What users get to see."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.base import JobId
from schemas.media import AspectRatio, Attribution
from schemas.topics import ServiceName
from services.gateway.standing import Status

EXAMPLE_ID = "3f0e3c5e-9d3c-4f6a-9a55-0d5be6c1f1aa"


class Answer(BaseModel):
    """What all answers have in common."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True, validate_by_name=True)


class Links(Answer):
    """Where to go on from here."""

    status: str
    video: str
    """Answers 404 until the video is published."""


class EstimatedCost(Answer):
    """What a video will cost, about, in US dollars and without what is asked for twice."""

    usd: Annotated[float | None, Field(examples=[0.0435])]
    """Null where the price of a part is not known."""
    by_stage: Annotated[
        dict[ServiceName, float | None], Field(examples=[{"script": 0.0007, "images": 0.013, "voice": 0.0298}])
    ]
    reason: str | None
    """Why it is not known."""


class Accepted(Answer):
    """A request that will be worked on."""

    job_id: Annotated[JobId, Field(alias="jobId", examples=[EXAMPLE_ID])]
    status: Status = Status.QUEUED
    estimate: EstimatedCost | None
    """Null where no paid provider is configured."""
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


class Costs(Answer):
    """What the paid calls for the newest revision cost so far, in US dollars."""

    usd: float
    by_stage: Annotated[dict[str, float], Field(examples=[{"script": 0.0007, "images": 0.013}])]
    complete: bool
    """False where the price of a call is not known: it is in no sum."""


class Degraded(Answer):
    """Something that a stand-in made, because the provider that was asked for did not serve."""

    scene: Annotated[int | None, Field(ge=1)]
    """1 is the first; null where it is the whole of the stage's work."""
    stage: str
    reason: str


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
    stages: Annotated[dict[ServiceName, int], Field(examples=[{"script": 100, "images": 40}])]
    """How far each stage is, in per cent; 100 says that its work is there."""
    title: Annotated[str | None, Field(examples=["The city under the waves"])]
    prompt: Annotated[str | None, Field(examples=["Why coral reefs matter"])]
    style: str | None
    aspect_ratio: AspectRatio | None
    voice: str | None
    language: str | None
    scene_count: int | None
    target_seconds: int | None
    """How long the narration should be."""
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
    costs: Costs
    degraded: list[Degraded]
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
    degraded: list[Degraded]


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
