"""The chain: what happened to a video, one event a stage, in order.

Each event carries everything that later stages need (event-carried state transfer), so that no
stage joins two topics. An event grows out of the one before it by `Contract.grown`.
"""

from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from schemas.base import Contract, JobId, Revision
from schemas.costs import StageCost
from schemas.media import (
    DEFAULT_TARGET_SECONDS,
    MAX_PROMPT_CHARACTERS,
    MAX_SCENES,
    MAX_SOURCE_CHARACTERS,
    MAX_TARGET_SECONDS,
    MIN_SCENES,
    MIN_TARGET_SECONDS,
    AspectRatio,
    Attribution,
    Degraded,
    Files,
    PaintedScene,
    PublishedFiles,
    Scene,
    Seconds,
    SpokenScene,
)


class ChainEvent(Contract):
    """What every event of the chain says: whose video it is and what was asked for."""

    job_id: JobId
    revision: Revision = 1
    """1 for the first run of a job; a replay publishes the next one."""
    requested_at: AwareDatetime
    prompt: Annotated[str, Field(max_length=MAX_PROMPT_CHARACTERS)]
    style: str
    """The name of a style in schemas/styles.toml."""
    aspect_ratio: AspectRatio = AspectRatio.LANDSCAPE
    voice: str
    """KeyFrame's name of a voice in schemas/voices.toml."""
    language: str = "en"
    """BCP 47."""
    scene_count: Annotated[int, Field(ge=MIN_SCENES, le=MAX_SCENES)]
    target_seconds: Annotated[int, Field(ge=MIN_TARGET_SECONDS, le=MAX_TARGET_SECONDS)] = DEFAULT_TARGET_SECONDS
    """How long the narration should be."""
    fresh: Revision | None = None
    """The newest revision whose artefacts were asked to be made anew: it enters their digests."""
    costs: tuple[StageCost, ...] = ()
    """What the stages so far have cost."""
    degraded: tuple[Degraded, ...] = ()
    """What a stand-in made, because the provider that was asked for did not serve."""


class VideoRequested(ChainEvent):
    """A user asked for a video."""

    source_text: Annotated[str, Field(max_length=MAX_SOURCE_CHARACTERS)] | None = None
    """An article or notes to tell, instead of what the writer knows of the prompt."""


class ScriptWritten(ChainEvent):
    """The title and the scenes are written."""

    drops: ClassVar[frozenset[str]] = frozenset({"source_text"})

    title: Annotated[str, Field(min_length=1)]
    description: str
    attributions: tuple[Attribution, ...] = ()
    writer: str
    """The provider that wrote it."""
    look: str
    """The name of the look that all pictures share, in services/images/looks.toml."""
    scenes: Annotated[tuple[Scene, ...], Field(min_length=1)]


class ImagesRendered(ScriptWritten):
    """Every scene has its keyframe."""

    scenes: Annotated[tuple[PaintedScene, ...], Field(min_length=1)]  # pyright: ignore[reportIncompatibleVariableOverride]


class VoiceRecorded(ImagesRendered):
    """Every scene has its narration."""

    scenes: Annotated[tuple[SpokenScene, ...], Field(min_length=1)]  # pyright: ignore[reportIncompatibleVariableOverride]


class VideoAssembled(VoiceRecorded):
    """The video and its captions are rendered."""

    duration: Seconds
    files: Files


class VideoPublished(VideoAssembled):
    """The video can be watched."""

    published: PublishedFiles
