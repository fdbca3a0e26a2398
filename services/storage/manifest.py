"""The manifest: what a person may want to know of how a video was made, published beside it.

It says nothing of when it was written, so that writing it again gives the same bytes.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from schemas.costs import StageCost, total
from schemas.events import VideoAssembled
from schemas.media import AspectRatio, Attribution, Degraded


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class PictureMade(_Part):
    """A keyframe."""

    provider: str
    key: str
    width: int
    height: int
    content_type: str


class SpeechMade(_Part):
    """A scene's narration."""

    provider: str
    key: str
    duration: float
    """Seconds."""
    timings: str
    """Whether the words' times were measured by the voice, or aligned to the sound's pauses."""


class SceneMade(_Part):
    """A scene, and who made what of it."""

    index: int
    narration: str
    caption: str
    image_prompt: str
    picture: PictureMade
    speech: SpeechMade


class FilePublished(_Part):
    """A published file, as its bytes were read back."""

    content_type: str
    size: int
    """Bytes."""
    sha256: str


class Costs(_Part):
    """What the paid calls cost, in US dollars."""

    usd: float
    by_stage: Mapping[str, float]
    complete: bool
    """False where the price of a call was not known: it is in no sum."""
    calls: tuple[StageCost, ...]
    """By stage and model."""


class Manifest(_Part):
    """How a video was made."""

    manifest_version: Literal[1] = 1
    keyframe_version: str
    job_id: str
    revision: int
    requested_at: datetime
    prompt: str
    style: str
    language: str
    voice: str
    aspect_ratio: AspectRatio
    target_seconds: int
    """How long the narration should have been."""
    title: str
    description: str
    attributions: tuple[Attribution, ...]
    writer: str
    look: str
    duration: float
    """Seconds."""
    scenes: tuple[SceneMade, ...]
    costs: Costs
    degraded: tuple[Degraded, ...]
    """What a stand-in made, because the provider that was asked for did not serve; a `scene` is an index."""
    files: Mapping[str, FilePublished]
    """By name."""


def manifest_of(video: VideoAssembled, files: Mapping[str, FilePublished], keyframe_version: str) -> bytes:
    """The manifest of a video as indented JSON; what the event and the manifest both name is carried over."""
    carried = (Manifest.model_fields.keys() & VideoAssembled.model_fields.keys()) - {"files", "costs"}
    manifest = Manifest.model_validate(
        {
            **{name: getattr(video, name) for name in carried},
            "costs": _costs(video.costs),
            "files": files,
            "keyframe_version": keyframe_version,
        },
        from_attributes=True,
    )
    return manifest.model_dump_json(indent=2).encode()


def _costs(calls: tuple[StageCost, ...]) -> Costs:
    stages = dict.fromkeys(cost.stage for cost in calls)
    return Costs(
        usd=_rounded(total(calls)),
        by_stage={stage: _rounded(total(cost for cost in calls if cost.stage == stage)) for stage in stages},
        complete=all(cost.usd is not None for cost in calls),
        calls=calls,
    )


def _rounded(usd: float) -> float:
    """To a millionth of a dollar: what is beyond it comes of adding binary fractions."""
    return round(usd, 6)
