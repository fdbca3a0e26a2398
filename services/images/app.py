"""The images service, wired: settings in, adapters picked."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from runtime.fallback import Fallback
from runtime.limits import Limiter
from runtime.openai_api.settings import ApiKey, ApiUrl
from runtime.settings import InvalidSetting, Positive, ProviderChain, ProviderSettings
from runtime.stage import Job, Stage
from schemas.events import ImagesRendered, ScriptWritten
from schemas.topics import IMAGES_RENDERED, SCRIPT_WRITTEN, ServiceName
from services.images.offline_painter import OfflinePainter
from services.images.ports import Painter
from services.images.presets import Preset, presets
from services.images.refused_elsewhere import RefusedElsewhere
from services.images.service import Ports, render_images

OFFLINE = OfflinePainter.name


def _known(chain: tuple[str, ...]) -> tuple[str, ...]:
    known = (OFFLINE, *presets())
    if not set(chain) <= set(known):
        raise ValueError(f"one or more of {', '.join(known)}")
    return chain


Model = Annotated[str, Field(max_length=200, pattern=r"^[!-~]+$")]


class ImagesSettings(ProviderSettings):
    """KEYFRAME_IMAGES_*, and NEBIUS_* by the vendor's names."""

    model_config = SettingsConfigDict(env_prefix="KEYFRAME_IMAGES_")

    provider: Annotated[ProviderChain[str], AfterValidator(_known)] = (OFFLINE,)
    parallel: Annotated[int, Field(ge=1, le=20)] = 4
    """Pictures of one video painted at once."""
    call_deadline: Positive = 60.0
    """Seconds that one picture may take at a provider, fetching it included."""
    refused: Literal["fail", "offline"] = "fail"
    """What becomes of a scene that the provider's rules of content forbid: the video fails, or the offline
    painter paints that scene."""

    nebius_api_key: ApiKey = Field(default=None, validation_alias="NEBIUS_API_KEY")
    nebius_base_url: ApiUrl | None = Field(default=None, validation_alias="NEBIUS_BASE_URL")
    nebius_model: Model | None = Field(default=None, validation_alias="NEBIUS_MODEL")

    api_key: ApiKey = None
    """The key for any preset but `nebius`; so are the next two."""
    base_url: ApiUrl | None = None
    model: Model | None = None


def build(settings: ImagesSettings) -> Stage[ScriptWritten, ImagesRendered, Ports]:
    """The stage with the adapters that the settings name.

    Raises:
        InvalidSetting: a provider without an address or model of its own is given none.
    """
    chain = painters(settings)
    fallback = Fallback(chain, timedelta(seconds=settings.fallback_after))

    def ports(job: Job) -> Ports:
        return Ports(fallback.chain(), job.artefacts, job.progress, settings.parallel)

    return Stage(ServiceName.IMAGES, SCRIPT_WRITTEN, IMAGES_RENDERED, render_images, ports, settings, providers=chain)


def painters(settings: ImagesSettings) -> tuple[Painter, ...]:
    """The chain of painters. Raises `InvalidSetting`."""
    offline = OfflinePainter()

    def painter(name: str) -> Painter:
        if name == OFFLINE:
            return offline
        remote = _remote(settings, presets()[name])
        return RefusedElsewhere(remote, offline) if settings.refused == "offline" else remote

    return tuple(painter(name) for name in settings.provider)


def _remote(settings: ImagesSettings, preset: Preset) -> Painter:
    # Imported here: the SDK takes a second and 40 MB, which the offline painter does not need.
    from services.images.image_server import ImageServer  # noqa: PLC0415
    from services.images.openai_images_painter import OpenAIImagesPainter  # noqa: PLC0415

    if preset.name == "nebius":
        key, url, model = settings.nebius_api_key, settings.nebius_base_url, settings.nebius_model
    else:
        key, url, model = settings.api_key, settings.base_url, settings.model
    url, model, variables = url or preset.base_url, model or preset.model, preset.variables
    if url is None or model is None:
        raise InvalidSetting(f"{variables}BASE_URL, {variables}MODEL: {preset.name} has no address or model of its own")
    server = ImageServer(
        base_url=url,
        key=key.get_secret_value() if key else None,
        on=preset.name,
        key_variable=f"{variables}API_KEY",
        url_variable=f"{variables}BASE_URL",
        model_variable=f"{variables}MODEL",
    )
    limiter = Limiter(per_minute=settings.requests_per_minute, at_once=settings.at_once)
    return OpenAIImagesPainter(preset, server, model, limiter, settings.call_deadline)
