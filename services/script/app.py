"""The script service, wired: settings in, adapters picked."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from runtime.settings import Positive, StageSettings
from runtime.stage import Job, Stage
from schemas.events import ScriptWritten, VideoRequested
from schemas.topics import SCRIPT_WRITTEN, VIDEO_REQUESTED, ServiceName
from services.script.offline_writer import OfflineWriter
from services.script.service import Ports, write_script
from services.script.wikipedia import Wikipedia


class ScriptSettings(StageSettings):
    """KEYFRAME_SCRIPT_*"""

    model_config = SettingsConfigDict(env_prefix="KEYFRAME_SCRIPT_")

    provider: Literal["offline"] = "offline"
    wikipedia: bool = True
    """Whether the offline writer may look a topic up in Wikipedia."""
    wikipedia_contact: Annotated[str, Field(max_length=200, pattern=r"^[ -~]*$")] = ""
    """An address or page at which Wikipedia's operators reach whoever runs this, as their policy asks."""
    wikipedia_url: str = "https://{language}.wikipedia.org/w/api.php"
    """The action API of a language's edition."""
    wikipedia_deadline: Positive = 20.0
    """Seconds that looking up a topic may take in all."""


def build(settings: ScriptSettings) -> Stage[VideoRequested, ScriptWritten, Ports]:
    """The stage with the adapters that the settings name."""
    wikipedia = Wikipedia(settings.wikipedia_url, settings.wikipedia_contact, settings.wikipedia_deadline)
    writer = OfflineWriter(wikipedia if settings.wikipedia else None)

    def ports(job: Job) -> Ports:
        return Ports(writer, job.artefacts, job.progress)

    return Stage(ServiceName.SCRIPT, VIDEO_REQUESTED, SCRIPT_WRITTEN, write_script, ports, settings)
