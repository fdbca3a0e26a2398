"""The voice service, wired: settings in, adapters picked."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from runtime.settings import StageSettings
from runtime.stage import Job, Stage
from schemas.events import ImagesRendered, VoiceRecorded
from schemas.topics import IMAGES_RENDERED, VOICE_RECORDED, ServiceName
from services.voice.kokoro_speaker import KokoroSpeaker
from services.voice.service import Ports, record_voice


class VoiceSettings(StageSettings):
    """KEYFRAME_VOICE_*"""

    model_config = SettingsConfigDict(env_prefix="KEYFRAME_VOICE_")

    provider: Literal["offline"] = "offline"
    model_path: Path | None = None
    """The offline voice's model file, where it is not that of the installed packages. Its SHA-256 is checked too."""
    threads: Annotated[int, Field(ge=1, le=64)] = 2
    """Processors that the offline voice uses for one scene."""
    parallel: Annotated[int, Field(ge=1, le=20)] = 1
    """Scenes of one video spoken at once."""


def build(settings: VoiceSettings) -> Stage[ImagesRendered, VoiceRecorded, Ports]:
    """The stage with the adapters that the settings name."""
    speaker = KokoroSpeaker(settings.model_path, settings.threads)

    def ports(job: Job) -> Ports:
        return Ports(speaker, job.artefacts, job.progress, settings.parallel)

    return Stage(ServiceName.VOICE, IMAGES_RENDERED, VOICE_RECORDED, record_voice, ports, settings)
