"""Where the embedded stack keeps its things, and the parts it is given instead of starting its own."""

from pathlib import Path

from pydantic import Field, SecretStr

from keyframe.embedded.folder import default_cache
from runtime.settings import Settings


class StackSettings(Settings):
    """What `keyframe up` reads beside the services' own settings."""

    data: Path = Path("data")
    """The folder of one stack's data."""
    cache: Path = Field(default_factory=default_cache)
    """The folder of downloads that all stacks share."""
    kafka_bootstrap: str | None = None
    """host:port of a Kafka to use instead of an embedded one."""
    postgres_dsn: SecretStr | None = None
    """The address of a Postgres database to use instead of an embedded one."""
