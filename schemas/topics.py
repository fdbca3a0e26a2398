"""The topics, as data: what travels on each, who writes it, who reads it, how long it is kept."""

from dataclasses import dataclass
from enum import StrEnum

from schemas.base import Contract
from schemas.events import (
    ImagesRendered,
    ScriptWritten,
    VideoAssembled,
    VideoPublished,
    VideoRequested,
    VoiceRecorded,
)
from schemas.jobs import JobCancelled, JobDiscarded, JobFailed, JobProgressed, JobRedriven

PARTITIONS = 12
"""The bound of a stage's parallelism: one consumer a partition at the most."""

FOREVER = -1


class ServiceName(StrEnum):
    """The six services, in the order of the chain; a stage's consumer group is `keyframe.<name>`."""

    GATEWAY = "gateway"
    SCRIPT = "script"
    IMAGES = "images"
    VOICE = "voice"
    ASSEMBLER = "assembler"
    STORAGE = "storage"


STAGES = tuple(name for name in ServiceName if name is not ServiceName.GATEWAY)
"""The five that work, in the order of the chain."""


@dataclass(frozen=True)
class Topic:
    """A Kafka topic. Its name is also the CloudEvents type of what travels on it."""

    name: str
    meaning: str
    event: type[Contract] | None
    """The data of its records; None for a dead-letter queue, which keeps bytes as they came."""
    producers: tuple[ServiceName, ...]
    consumers: tuple[ServiceName, ...]
    partitions: int = PARTITIONS
    retention_ms: int = FOREVER
    """Milliseconds; the status view is rebuilt from the topics alone, so nothing expires by default."""
    compacted: bool = False


def _chain(name: str, meaning: str, event: type[Contract], producer: ServiceName, stage: ServiceName | None) -> Topic:
    readers = (ServiceName.GATEWAY,) if stage is None else (stage, ServiceName.GATEWAY)
    return Topic(name, meaning, event, (producer,), readers)


def _job(name: str, event: type[Contract], meaning: str, *producers: ServiceName, compacted: bool = False) -> Topic:
    readers = (*STAGES, ServiceName.GATEWAY) if compacted else (ServiceName.GATEWAY,)
    return Topic(name, meaning, event, producers, readers, compacted=compacted)


VIDEO_REQUESTED = _chain(
    "keyframe.video.requested.v1", "A user asked for a video.", VideoRequested, ServiceName.GATEWAY, ServiceName.SCRIPT
)
SCRIPT_WRITTEN = _chain(
    "keyframe.script.written.v1", "The scenes are written.", ScriptWritten, ServiceName.SCRIPT, ServiceName.IMAGES
)
IMAGES_RENDERED = _chain(
    "keyframe.images.rendered.v1", "Every scene has a keyframe.", ImagesRendered, ServiceName.IMAGES, ServiceName.VOICE
)
VOICE_RECORDED = _chain(
    "keyframe.voice.recorded.v1", "Every scene is spoken.", VoiceRecorded, ServiceName.VOICE, ServiceName.ASSEMBLER
)
VIDEO_ASSEMBLED = _chain(
    "keyframe.video.assembled.v1", "The video is rendered.", VideoAssembled, ServiceName.ASSEMBLER, ServiceName.STORAGE
)
VIDEO_PUBLISHED = _chain(
    "keyframe.video.published.v1", "The video can be watched.", VideoPublished, ServiceName.STORAGE, None
)

JOB_PROGRESSED = _job("keyframe.job.progressed.v1", JobProgressed, "A stage did a step, or waits.", *STAGES)
JOB_FAILED = _job("keyframe.job.failed.v1", JobFailed, "A stage gave up; the record is parked.", *STAGES)
JOB_REDRIVEN = _job("keyframe.job.redriven.v1", JobRedriven, "A parked record was sent again.", ServiceName.GATEWAY)
JOB_DISCARDED = _job("keyframe.job.discarded.v1", JobDiscarded, "A parked record is given up.", ServiceName.GATEWAY)
JOB_CANCELLED = _job(
    "keyframe.job.cancelled.v1", JobCancelled, "The user stopped the job.", ServiceName.GATEWAY, compacted=True
)

CHAIN = (VIDEO_REQUESTED, SCRIPT_WRITTEN, IMAGES_RENDERED, VOICE_RECORDED, VIDEO_ASSEMBLED, VIDEO_PUBLISHED)
JOB_TOPICS = (JOB_PROGRESSED, JOB_FAILED, JOB_REDRIVEN, JOB_DISCARDED, JOB_CANCELLED)


def dead_letters(stage: str) -> Topic:
    """The dead-letter queue of a stage."""
    owner = ServiceName(stage)
    return Topic(
        f"keyframe.{stage}.dlq.v1", f"What {stage} gave up on, as it came.", None, (owner,), (ServiceName.GATEWAY,)
    )


DEAD_LETTERS = tuple(dead_letters(stage) for stage in STAGES)
TOPICS = (*CHAIN, *JOB_TOPICS, *DEAD_LETTERS)


def topic_of(event: Contract) -> Topic:
    """The topic that an event travels on."""
    return _BY_EVENT[type(event)]


_BY_EVENT = {topic.event: topic for topic in TOPICS if topic.event is not None}
