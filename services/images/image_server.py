"""A server of pictures in OpenAI's shape, and what its failures mean."""

import re
from dataclasses import dataclass

import httpx2
from openai import APIStatusError, OpenAIError

from runtime.errors import StageError, Transient
from runtime.openai_api.refusals import Server, translated
from services.images.ports import Refused

_POLICY = re.compile(
    r"content[ _-]?(?:policy|filter)|moderation|safety[ _](?:system|checker|filter|violation)|nsfw|flagged",
    re.IGNORECASE,
)
"""How a refusal for the content reads: OpenAI has codes for it, others only say so."""


@dataclass(frozen=True)
class ImageServer(Server):
    """A server that messages call by its preset's name."""

    @property
    def name(self) -> str:
        """As the user set it: "nebius"."""
        return self.on


def failure(error: Exception, server: ImageServer) -> StageError:
    """What an exception of the SDK, of its transport or of the clock means.

    It is not to be chained: the exception knows the key.
    """
    match error:
        case APIStatusError(status_code=status) if 400 <= status < 500 and _POLICY.search(str(error.body)):
            return Refused(f"{server.name} refuses to paint this: {server.clean(_reason(error.body))}")
        case OpenAIError():
            return translated(error, server)
        case TimeoutError():
            return Transient(f"{server.name} did not answer in time")
        case httpx2.DecodingError():
            return Transient(f"{server.name} sent an answer that cannot be read")
        case _:
            return Transient(f"the connection to {server.name} broke off")


def _reason(body: object) -> str:
    """OpenAI's `message` or FastAPI's `detail`."""
    match body:
        case {"message": str(text)} | {"detail": str(text)}:
            return text
        case _:
            return "it breaks its rules of content"
