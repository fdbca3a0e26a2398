"""Settings from the environment and `.env`: `KEYFRAME_<AREA>_<NAME>`, vendors' secrets by the vendors' names.

They are read in each service's `app.py` and nowhere else.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Positive = Annotated[float, Field(gt=0)]


ENV_FILE = "KEYFRAME_ENV_FILE"
"""Names the file to read instead of `.env`."""


class InvalidSetting(Exception):
    """A setting has a value that it cannot have; the message names it and never tells the value."""


class Settings(BaseSettings):
    """What every settings class has in common.

    Raises:
        InvalidSetting: the environment or `.env` says what cannot be.
    """

    model_config = SettingsConfigDict(env_prefix="KEYFRAME_", env_ignore_empty=True, extra="ignore", frozen=True)

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(_env_file=os.environ.get(ENV_FILE, ".env"), **given)
        except ValidationError as error:
            wrong = [
                f"{self._variable(part['loc'])}: {part['msg'].removeprefix('Value error, ')}" for part in error.errors()
            ]
            raise InvalidSetting("; ".join(wrong)) from None

    @classmethod
    def _variable(cls, path: tuple[int | str, ...]) -> str:
        """The variable of the environment that a field is read from; an alias stands for itself."""
        name = str(path[0]) if path else cls.__name__
        return f"{cls.model_config.get('env_prefix', '')}{name}".upper() if name in cls.model_fields else name


class CommonSettings(Settings):
    """What every service reads: where the log and the objects are, and how it reports."""

    kafka_bootstrap: str = "127.0.0.1:9092"
    """host:port of one broker or more, separated by commas."""
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ca_file: Path | None = None
    """The authority that signed the brokers' certificates, as PEM; those of the system where it is not set."""
    kafka_cert_file: Path | None = None
    kafka_key_file: Path | None = None
    """Our own certificate and its key, as PEM, where brokers ask for one."""
    storage_provider: Literal["folder", "s3"] = "folder"
    storage_folder: Path = Path("data/objects")
    job_budget_usd: Positive | None = None
    """US dollars that the paid calls of one job may cost; no limit where it is not set."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "text"] = "json"
    health_host: str = "127.0.0.1"
    health_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Where a stage answers /livez and /readyz; 0 takes a free port."""


class S3Settings(Settings):
    """An S3 server: R2 by its account, any other by its endpoint."""

    model_config = SettingsConfigDict(env_prefix="")

    r2_account_id: str | None = None
    s3_endpoint_url: str | None = None
    s3_access_key_id: str | None = None
    s3_secret_access_key: SecretStr | None = None
    s3_ca_file: Path | None = None
    """The authority that signed the server's certificate, as PEM; the usual ones where it is not set."""
    s3_region: str = "auto"
    s3_bucket: str = "keyframe"
    s3_public_bucket: str | None = None
    s3_public_url: str | None = None
    s3_sign_urls: bool = True
    """Whether browsers are sent to the server by signed addresses; where they cannot reach it, the gateway passes
    videos on."""


def _names(chain: object) -> object:
    return tuple(name.strip() for name in chain.split(",")) if isinstance(chain, str) else chain


def _each_once(chain: tuple[str, ...]) -> tuple[str, ...]:
    if not chain or not all(chain) or len(set(chain)) < len(chain):
        raise ValueError("one name or more, each once, separated by commas")
    return chain


Name = TypeVar("Name", bound=str)
ProviderChain = Annotated[tuple[Name, ...], NoDecode, BeforeValidator(_names), AfterValidator(_each_once)]
"""Providers in the order of preference, such as `nebius,offline`."""


class StageSettings(Settings):
    """What every stage can be told; a subclass sets the prefix `KEYFRAME_<STAGE>_`."""

    deadline: Positive = 600.0
    """Seconds that one try of a record may take."""
    attempts: Annotated[int, Field(ge=1)] = 4
    """Tries of a record that fails in a way that may pass, before it is parked."""
    patience: Positive = 3600.0
    """Seconds to wait for a provider or store that is away, before the record is parked."""
    drain: Positive = 660.0
    """Seconds to wait for the record in hand when the stage stops or gives partitions away; above the deadline."""
    brake: Annotated[int, Field(ge=1)] = 12
    """Unexpected errors in a row after which the stage stops taking records."""
    consumers: Annotated[int, Field(ge=1)] = 1
    """Records in hand at once in one process; scale by replicas first."""

    @field_validator("drain")
    @classmethod
    def _outlasts_a_try(cls, drain: float, known: ValidationInfo) -> float:
        """Whoever takes a partition before the try in hand has ended starts the same record."""
        deadline = known.data.get("deadline")
        if deadline is not None and drain <= deadline:
            raise ValueError(f"more seconds than {cls._variable(('deadline',))}, which is {deadline:g}")
        return drain


class ProviderSettings(StageSettings):
    """What every stage that calls a provider can be told."""

    fallback_after: Positive = 120.0
    """Seconds that a provider must have been unavailable before the next of the chain steps in."""
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Calls that one replica begins in any minute; no limit where it is not set."""
    at_once: Annotated[int, Field(ge=1, le=100)] = 4
    """Calls to the provider under way at once in one replica, of all videos."""
