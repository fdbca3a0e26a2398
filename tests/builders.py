"""Events and records for tests: valid unless a test says otherwise."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from runtime.bill import Bill, Budget
from runtime.records import Record
from schemas.base import Contract
from schemas.costs import StageCost
from schemas.envelope import Envelope, derive_id
from schemas.events import (
    ImagesRendered,
    ScriptWritten,
    VideoAssembled,
    VideoPublished,
    VideoRequested,
    VoiceRecorded,
)
from schemas.media import File, Files, PaintedScene, Picture, PublishedFiles, Scene, Speech, SpokenScene, Word
from schemas.topics import topic_of

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def unbilled() -> Bill:
    """A bill without a limit."""
    return Bill(Budget(None))


def job_id(number: int = 1) -> str:
    """The id of the `number`-th job."""
    return str(UUID(int=number))


def video_requested(number: int = 1, **changes: Any) -> VideoRequested:
    fields: dict[str, Any] = {
        "job_id": job_id(number),
        "requested_at": NOON,
        "prompt": "Why coral reefs matter",
        "style": "Educational",
        "voice": "aria",
        "scene_count": 3,
    }
    return VideoRequested(**(fields | changes))


def cost(stage: str, usd: float | None, model: str = "model") -> StageCost:
    """What a stage's calls to one model cost."""
    return StageCost(stage=stage, provider="vendor", model=model, calls=2, units={"calls": 2.0}, usd=usd, seconds=1.5)


def scene(index: int) -> Scene:
    text = f"Scene {index + 1} is about a reef."
    return Scene(index=index, narration=text, image_prompt=text, caption=text)


def script_written(number: int = 1, scenes: int = 3, **changes: Any) -> ScriptWritten:
    fields: dict[str, Any] = {
        "title": "Coral reefs",
        "description": "A short look at coral reefs.",
        "writer": "offline",
        "look": "storybook",
        "scenes": [scene(index) for index in range(scenes)],
    }
    return video_requested(number).grown(ScriptWritten, **(fields | changes))


def images_rendered(number: int = 1, scenes: int = 3, **changes: Any) -> ImagesRendered:
    script = script_written(number, scenes)
    painted = [
        one.grown(
            PaintedScene,
            picture=Picture(
                key=f"artefacts/{script.job_id}/picture{one.index}",
                width=1344,
                height=768,
                content_type="image/png",
                provider="offline",
            ),
        )
        for one in script.scenes
    ]
    return script.grown(ImagesRendered, **({"scenes": painted} | changes))


def voice_recorded(number: int = 1, scenes: int = 3, **changes: Any) -> VoiceRecorded:
    images = images_rendered(number, scenes)
    spoken = [
        one.grown(
            SpokenScene,
            speech=Speech(
                key=f"artefacts/{images.job_id}/speech{one.index}",
                duration=2.0,
                sample_rate=24_000,
                words=tuple(
                    Word(text=word, start=0.3 * at, end=0.3 * at + 0.25)
                    for at, word in enumerate(one.narration.split())
                ),
                provider="offline",
            ),
        )
        for one in images.scenes
    ]
    return images.grown(VoiceRecorded, **({"scenes": spoken} | changes))


def files(prefix: str, kind: type[Files] = Files, **more: File) -> Files:
    def named(name: str, content_type: str) -> File:
        return File(key=f"{prefix}{name}", content_type=content_type, size=1000)

    return kind(
        video=named("video.mp4", "video/mp4"),
        thumbnail=named("thumbnail.jpg", "image/jpeg"),
        captions_vtt=named("captions.vtt", "text/vtt"),
        captions_srt=named("captions.srt", "application/x-subrip"),
        **more,
    )


def video_assembled(number: int = 1, scenes: int = 3, **changes: Any) -> VideoAssembled:
    voice = voice_recorded(number, scenes)
    fields: dict[str, Any] = {"duration": 8.0, "files": files(f"scratch/{voice.job_id}/made/")}
    return voice.grown(VideoAssembled, **(fields | changes))


def video_published(number: int = 1, scenes: int = 3, **changes: Any) -> VideoPublished:
    video = video_assembled(number, scenes)
    prefix = f"published/{video.job_id}/{video.revision}/"
    manifest = File(key=f"{prefix}manifest.json", content_type="application/json", size=1000)
    return video.grown(VideoPublished, **({"published": files(prefix, PublishedFiles, manifest=manifest)} | changes))


def chain(number: int = 1, scenes: int = 3) -> Sequence[Contract]:
    """The six events of one video, in order."""
    builders = (video_requested, script_written, images_rendered, voice_recorded, video_assembled, video_published)
    return [video_requested(number), *(build(number, scenes) for build in builders[1:])]


def envelope(event: Contract, *, cause: str = "test", time: datetime = NOON, **changes: Any) -> Envelope:
    """The event in an envelope, as its producer would send it."""
    topic = topic_of(event)
    job = str(getattr(event, "job_id", ""))
    fields: dict[str, Any] = {
        "id": derive_id(topic.name, job, cause),
        "type": topic.name,
        "source": f"/keyframe/{topic.producers[0]}",
        "subject": job,
        "time": time,
        "data": event.model_dump_json().encode(),
    }
    return Envelope(**(fields | changes))


def record(event: Contract | Envelope, *, partition: int = 0, offset: int = 0, **changes: Any) -> Record:
    """The event as it comes from Kafka."""
    wrapped = event if isinstance(event, Envelope) else envelope(event)
    fields: dict[str, Any] = {
        "topic": wrapped.type,
        "partition": partition,
        "offset": offset,
        "timestamp": int(NOON.timestamp() * 1000),
        "headers": tuple((name, text.encode()) for name, text in wrapped.headers().items()),
        "key": wrapped.subject.encode(),
        "value": wrapped.data,
    }
    return Record(**(fields | changes))
