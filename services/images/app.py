"""The images service, wired: settings in, adapters picked."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from runtime.settings import StageSettings
from runtime.stage import Job, Stage
from schemas.events import ImagesRendered, ScriptWritten
from schemas.topics import IMAGES_RENDERED, SCRIPT_WRITTEN, ServiceName
from services.images.offline_painter import OfflinePainter
from services.images.service import Ports, render_images


class ImagesSettings(StageSettings):
    """KEYFRAME_IMAGES_*"""

    model_config = SettingsConfigDict(env_prefix="KEYFRAME_IMAGES_")

    provider: Literal["offline"] = "offline"
    parallel: Annotated[int, Field(ge=1, le=20)] = 4
    """Pictures of one video painted at once."""


def build(settings: ImagesSettings) -> Stage[ScriptWritten, ImagesRendered, Ports]:
    """The stage with the adapters that the settings name."""
    painter = OfflinePainter()

    def ports(job: Job) -> Ports:
        return Ports(painter, job.artefacts, job.progress, settings.parallel)

    return Stage(ServiceName.IMAGES, SCRIPT_WRITTEN, IMAGES_RENDERED, render_images, ports, settings)
