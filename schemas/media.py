"""What a video is made of: frames, scenes, pictures, speech and files."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.base import Contract

FRAMES_PER_SECOND = 30

MAX_PROMPT_CHARACTERS = 2_000
MAX_SOURCE_CHARACTERS = 50_000
MIN_SCENES, DEFAULT_SCENES, MAX_SCENES = 3, 10, 20
MIN_TARGET_SECONDS, DEFAULT_TARGET_SECONDS, MAX_TARGET_SECONDS = 15, 60, 180

ObjectKey = Annotated[str, Field(min_length=1, max_length=512)]
Seconds = Annotated[float, Field(ge=0)]


class AspectRatio(StrEnum):
    """The shape of the picture, width to height."""

    LANDSCAPE = "16:9"
    PORTRAIT = "9:16"
    SQUARE = "1:1"

    @property
    def frame_size(self) -> tuple[int, int]:
        """(width, height) of the video in pixels."""
        return _FRAME_SIZES[self]

    @property
    def keyframe_size(self) -> tuple[int, int]:
        """(width, height) of the pictures that painters are asked for, in pixels.

        About one megapixel in multiples of 64, which Flux asks for; 1344x768 is cropped by a
        sixth of a per cent to 16:9.
        """
        return _KEYFRAME_SIZES[self]


_FRAME_SIZES = {
    AspectRatio.LANDSCAPE: (1920, 1080),
    AspectRatio.PORTRAIT: (1080, 1920),
    AspectRatio.SQUARE: (1080, 1080),
}
_KEYFRAME_SIZES = {
    AspectRatio.LANDSCAPE: (1344, 768),
    AspectRatio.PORTRAIT: (768, 1344),
    AspectRatio.SQUARE: (1024, 1024),
}


class Attribution(Contract):
    """Where facts or pictures come from, as their licence asks to be named."""

    title: str
    url: str
    licence: str


class Degraded(Contract):
    """Something that another provider made than the one that was asked for."""

    stage: str
    scene: Annotated[int, Field(ge=0)] | None = None
    """The scene's index; None where it is the whole of the stage's work."""
    reason: str


class Scene(Contract):
    """One scene as it is written: what is said, shown and captioned."""

    index: Annotated[int, Field(ge=0)]
    narration: Annotated[str, Field(min_length=1)]
    """What is spoken, as plain text."""
    image_prompt: Annotated[str, Field(min_length=1)]
    """What the keyframe shows."""
    caption: Annotated[str, Field(min_length=1)]
    """The narration as it is shown: one line of text, ready for captions."""


class Picture(Contract):
    """A keyframe in the object store."""

    key: ObjectKey
    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]
    content_type: str
    provider: str


class PaintedScene(Scene):
    """A scene with its keyframe."""

    picture: Picture


class Word(Contract):
    """A spoken word and when it sounds, in seconds from the start of its scene's speech."""

    text: str
    start: Seconds
    end: Seconds


class Speech(Contract):
    """A scene's narration as sound: mono 16-bit WAV in the object store."""

    key: ObjectKey
    duration: Seconds
    sample_rate: Annotated[int, Field(gt=0)]
    words: tuple[Word, ...]
    provider: str
    timings: Literal["measured", "aligned"] = "measured"
    """Whether the speaker said when each word sounds, or they were aligned to the sound's pauses afterwards."""


class SpokenScene(PaintedScene):
    """A scene with its keyframe and its narration."""

    speech: Speech


class File(Contract):
    """A finished file in the object store."""

    key: ObjectKey
    content_type: str
    size: Annotated[int, Field(ge=0)]
    """Bytes."""


class Files(Contract):
    """What a viewer gets: the video and what goes with it."""

    video: File
    thumbnail: File
    captions_vtt: File
    captions_srt: File


class PublishedFiles(Files):
    """The published files, with the manifest that says how they were made."""

    manifest: File
