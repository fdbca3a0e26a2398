"""Where the OpenAI-compatible server is, under the names that its users know."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from runtime.settings import Settings

OPENAI_URL = "https://api.openai.com/v1"


def _trimmed(key: SecretStr | None) -> SecretStr | None:
    """A key that was read from a file often ends in a line break, which no header can hold."""
    value = key.get_secret_value().strip() if key else ""
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ValueError("a key has printable ASCII characters only")
    return SecretStr(value) if value else None


def _address(url: str) -> str:
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address begins with http:// or https:// and names a host")
    if parts.username or parts.password:
        raise ValueError("an address holds no user name and no password; a key has its own variable")
    return url.strip().rstrip("/")


ApiKey = Annotated[SecretStr | None, AfterValidator(_trimmed)]
"""A provider's key without the white space around it; None where it is empty."""

ApiUrl = Annotated[str, AfterValidator(_address)]
"""The address of an API, without credentials and without a slash at the end."""


class OpenAISettings(Settings):
    """OPENAI_*"""

    openai_api_key: ApiKey = Field(default=None, validation_alias="OPENAI_API_KEY")
    """Servers of one's own need none."""
    openai_base_url: ApiUrl = Field(default=OPENAI_URL, validation_alias="OPENAI_BASE_URL")
