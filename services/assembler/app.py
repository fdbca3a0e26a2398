"""The assembler service, wired: settings in, adapters picked."""

import tempfile
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field
from pydantic_settings import SettingsConfigDict

from runtime.settings import StageSettings
from runtime.stage import Job, Stage
from schemas.events import VideoAssembled, VoiceRecorded
from schemas.topics import VIDEO_ASSEMBLED, VOICE_RECORDED, ServiceName
from services.assembler.ffmpeg import Ffmpeg, find_ffmpeg
from services.assembler.ffmpeg_renderer import FfmpegRenderer
from services.assembler.render import Preset
from services.assembler.service import Ports, assemble_video


class AssemblerSettings(StageSettings):
    """KEYFRAME_ASSEMBLER_*"""

    model_config = SettingsConfigDict(env_prefix="KEYFRAME_ASSEMBLER_")

    preset: Preset = "fast"
    """`fast`, or `small`: half as much work again for files some 15 % smaller."""
    short_side: Annotated[int, Field(ge=240, le=2160)] = 1080
    """The shorter side of the video in pixels."""
    threads: Annotated[int, Field(ge=0)] = 0
    """The encoder's threads; 0 takes what the machine has."""
    scratch: Path = Path(tempfile.gettempdir())
    """Where renders have their private folders; a minute of video takes some 50 MB."""
    stall: Annotated[float, Field(gt=0)] = 60.0
    """Seconds without progress after which ffmpeg is killed."""
    ffmpeg_path: Annotated[str | None, Field(validation_alias=AliasChoices("FFMPEG_PATH"))] = None
    """The ffmpeg to run, instead of the project's bin/ffmpeg, the packaged one or the one on the PATH."""


def build(settings: AssemblerSettings) -> Stage[VoiceRecorded, VideoAssembled, Ports]:
    """The stage with the adapters that the settings name."""

    def find() -> Ffmpeg:
        program = find_ffmpeg(settings.ffmpeg_path, Path.cwd())
        return Ffmpeg(program, cap=settings.deadline, stall=settings.stall)

    renderer = FfmpegRenderer(find, settings.preset, settings.threads, settings.short_side)

    def ports(job: Job) -> Ports:
        return Ports(renderer, job.store, job.progress, settings.scratch)

    return Stage(ServiceName.ASSEMBLER, VOICE_RECORDED, VIDEO_ASSEMBLED, assemble_video, ports, settings)
