"""The voice service, wired: settings in, adapters picked."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from runtime.fallback import Fallback
from runtime.limits import Limiter
from runtime.settings import InvalidSetting, Positive, ProviderChain, ProviderSettings
from runtime.stage import Job, Stage
from schemas.events import ImagesRendered, VoiceRecorded
from schemas.topics import IMAGES_RENDERED, VOICE_RECORDED, ServiceName
from services.voice.kokoro_speaker import KokoroSpeaker
from services.voice.polly.catalogue import EngineName
from services.voice.polly.client import Account, PollyClient
from services.voice.polly_speaker import PollySpeaker
from services.voice.ports import Speaker
from services.voice.service import Ports, record_voice

_KEY = re.compile(r"[!-~]+")
"""A key travels in a header: printable ASCII without spaces."""
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-\d+")


class VoiceSettings(ProviderSettings):
    """KEYFRAME_VOICE_*, and AWS_* and POLLY_* by the vendor's names."""

    model_config = SettingsConfigDict(env_prefix="KEYFRAME_VOICE_")

    provider: ProviderChain[Literal["offline", "polly"]] = ("offline",)
    model_path: Path | None = None
    """The offline voice's model file, where it is not that of the installed packages. Its SHA-256 is checked too."""
    threads: Annotated[int, Field(ge=1, le=64)] = 2
    """Processors that the offline voice uses for one scene."""
    parallel: Annotated[int, Field(ge=1, le=20)] = 1
    """Scenes of one video spoken at once."""
    call_deadline: Positive = 60.0
    """Seconds that one call to a provider may take."""

    aws_access_key_id: SecretStr | None = Field(default=None, validation_alias="AWS_ACCESS_KEY_ID")
    aws_secret_access_key: SecretStr | None = Field(default=None, validation_alias="AWS_SECRET_ACCESS_KEY")
    aws_session_token: SecretStr | None = Field(default=None, validation_alias="AWS_SESSION_TOKEN")
    """Of temporary keys."""
    aws_region: str = Field(default="us-east-1", validation_alias="AWS_REGION")
    aws_endpoint_url_polly: str | None = Field(default=None, validation_alias="AWS_ENDPOINT_URL_POLLY")
    polly_engine: EngineName = Field(default="neural", validation_alias="POLLY_ENGINE")
    polly_voice: str | None = Field(default=None, validation_alias="POLLY_VOICE")
    """Speaks its languages in place of the voice that a request names."""


def build(settings: VoiceSettings) -> Stage[ImagesRendered, VoiceRecorded, Ports]:
    """The stage with the adapters that the settings name.

    Raises:
        InvalidSetting: a provider's key, region or address cannot be.
    """
    chain = speakers(settings)
    fallback = Fallback(chain, timedelta(seconds=settings.fallback_after))

    def ports(job: Job) -> Ports:
        return Ports(fallback.chain(), job.artefacts, job.progress, settings.parallel)

    return Stage(ServiceName.VOICE, IMAGES_RENDERED, VOICE_RECORDED, record_voice, ports, settings, providers=chain)


def speakers(settings: VoiceSettings) -> tuple[Speaker, ...]:
    """The chain of speakers. Raises `InvalidSetting`."""
    return tuple(
        KokoroSpeaker(settings.model_path, settings.threads) if name == "offline" else _polly(settings)
        for name in settings.provider
    )


def _polly(settings: VoiceSettings) -> PollySpeaker:
    region = settings.aws_region.strip()
    if not _REGION.fullmatch(region):
        raise InvalidSetting("AWS_REGION: a region such as us-east-1")
    endpoint = (settings.aws_endpoint_url_polly or "").strip()
    if endpoint and not re.fullmatch(r"https?://[^\s/@]+/?", endpoint):
        raise InvalidSetting("AWS_ENDPOINT_URL_POLLY: an address such as https://polly.us-east-1.amazonaws.com")
    account = Account(
        region=region,
        access_key=_key("AWS_ACCESS_KEY_ID", settings.aws_access_key_id),
        secret_key=_key("AWS_SECRET_ACCESS_KEY", settings.aws_secret_access_key),
        session_token=_key("AWS_SESSION_TOKEN", settings.aws_session_token),
        endpoint_url=endpoint or None,
    )
    if (account.access_key is None) != (account.secret_key is None):
        raise InvalidSetting("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: both, or neither")
    return PollySpeaker(
        PollyClient(account, at_once=settings.at_once, deadline=settings.call_deadline),
        Limiter(per_minute=settings.requests_per_minute, at_once=settings.at_once),
        engine=settings.polly_engine,
        voice=(settings.polly_voice or "").strip() or None,
    )


def _key(variable: str, secret: SecretStr | None) -> str | None:
    key = secret.get_secret_value().strip() if secret else ""
    if key and not _KEY.fullmatch(key):
        raise InvalidSetting(f"{variable}: letters, digits and signs without spaces")
    return key or None
