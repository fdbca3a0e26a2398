"""The manifest: what a person may want to know of how a video was made, published beside it.

It says nothing of when it was written, so that writing it again gives the same bytes.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from schemas.events import VideoAssembled
from schemas.media import AspectRatio, Attribution


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
    title: str
    description: str
    attributions: tuple[Attribution, ...]
    writer: str
    look: str
    duration: float
    """Seconds."""
    scenes: tuple[SceneMade, ...]
    files: Mapping[str, FilePublished]
    """By name."""


def manifest_of(video: VideoAssembled, files: Mapping[str, FilePublished], keyframe_version: str) -> bytes:
    """The manifest of a video as indented JSON; what the event and the manifest both name is carried over."""
    carried = (Manifest.model_fields.keys() & VideoAssembled.model_fields.keys()) - {"files"}
    manifest = Manifest.model_validate(
        {
            **{name: getattr(video, name) for name in carried},
            "files": files,
            "keyframe_version": keyframe_version,
        },
        from_attributes=True,
    )
    return manifest.model_dump_json(indent=2).encode()
