"""The script service, wired: settings in, adapters picked."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from runtime.fallback import Fallback
from runtime.limits import Limiter
from runtime.moderation import ModerationSettings, moderator
from runtime.settings import Positive, ProviderChain, ProviderSettings
from runtime.stage import Job, Stage
from schemas.events import ScriptWritten, VideoRequested
from schemas.topics import SCRIPT_WRITTEN, VIDEO_REQUESTED, ServiceName
from services.script.offline_writer import OfflineWriter
from services.script.ports import ScriptWriter
from services.script.service import Ports, write_script
from services.script.wikipedia import Wikipedia

Provider = Literal["offline", "openai"]


class ScriptSettings(ModerationSettings, ProviderSettings):
    """KEYFRAME_SCRIPT_*, OPENAI_* and KEYFRAME_MODERATION"""

    model_config = SettingsConfigDict(env_prefix="KEYFRAME_SCRIPT_")

    provider: ProviderChain[Provider] = ("offline",)
    """Who writes, and who writes instead while the one before is away."""
    openai_model: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")] = Field(
        default="gpt-4o-mini", validation_alias="OPENAI_MODEL"
    )
    repairs: Annotated[int, Field(ge=0, le=10)] = 2
    """How often an answer that is no usable script is asked for again in one try; each is paid for."""
    call_deadline: Positive = 120.0
    """Seconds that one call to the writing model may take."""

    wikipedia: bool = True
    """Whether the offline writer may look a topic up in Wikipedia."""
    wikipedia_contact: Annotated[str, Field(max_length=200, pattern=r"^[ -~]*$")] = ""
    """An address or page at which Wikipedia's operators reach whoever runs this, as their policy asks."""
    wikipedia_url: str = "https://{language}.wikipedia.org/w/api.php"
    """The action API of a language's edition."""
    wikipedia_deadline: Positive = 20.0
    """Seconds that looking up a topic may take in all."""


def writers(settings: ScriptSettings) -> tuple[ScriptWriter, ...]:
    """The chain of writers that the settings name, the first choice first."""
    return tuple(_WRITERS[name](settings) for name in settings.provider)


def build(settings: ScriptSettings) -> Stage[VideoRequested, ScriptWritten, Ports]:
    """The stage with the adapters that the settings name."""
    chain = writers(settings)
    fallback = Fallback(chain, timedelta(seconds=settings.fallback_after))
    reviewer = moderator(settings)

    def ports(job: Job) -> Ports:
        return Ports(fallback.chain(), reviewer, job.artefacts, job.progress)

    return Stage(
        ServiceName.SCRIPT,
        VIDEO_REQUESTED,
        SCRIPT_WRITTEN,
        write_script,
        ports,
        settings,
        required=(reviewer,),
        providers=chain,
    )


def _offline(settings: ScriptSettings) -> ScriptWriter:
    wikipedia = Wikipedia(settings.wikipedia_url, settings.wikipedia_contact, settings.wikipedia_deadline)
    return OfflineWriter(wikipedia if settings.wikipedia else None)


def _openai(settings: ScriptSettings) -> ScriptWriter:
    # Imported here: the SDK takes a second and 40 MB, which the offline writer does not need.
    from runtime.openai_api.client import Client  # noqa: PLC0415
    from runtime.openai_api.refusals import Server  # noqa: PLC0415
    from services.script.openai_writer import OpenAIWriter  # noqa: PLC0415

    key = settings.openai_api_key
    server = Server(settings.openai_base_url, key.get_secret_value() if key else None)
    limiter = Limiter(per_minute=settings.requests_per_minute, at_once=settings.at_once)
    return OpenAIWriter(Client(server, limiter, settings.call_deadline), settings.openai_model, settings.repairs)


_WRITERS: Mapping[Provider, Callable[[ScriptSettings], ScriptWriter]] = {"offline": _offline, "openai": _openai}
