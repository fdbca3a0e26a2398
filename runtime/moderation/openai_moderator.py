"""OpenAI's moderation, which is free of charge (platform.openai.com/docs/guides/moderation)."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runtime.errors import Permanent, Transient
from runtime.limits import Limiter
from runtime.moderation.ports import refusal
from runtime.openai_api.client import Client
from runtime.openai_api.models import check_served
from runtime.openai_api.refusals import NoRoute, Server

MODEL = "omni-moderation-latest"

MAX_CHARACTERS = 8_000
"""Of one input, so that a sentence in a long source is not lost in it."""

DEADLINE = 30.0

AT_ONCE = 4

_PLAIN = {
    "sexual/minors": "sexual content about minors",
    "sexual": "sexual content",
    "hate": "hate",
    "hate/threatening": "hate with threats",
    "harassment": "harassment",
    "harassment/threatening": "harassment with threats",
    "violence": "violence",
    "violence/graphic": "graphic violence",
    "illicit": "instructions for crime",
    "illicit/violent": "instructions for violence",
    "self-harm": "self-harm",
    "self-harm/intent": "self-harm",
    "self-harm/instructions": "self-harm",
}
"""OpenAI's categories in plain words; one that is new is told by its own name."""


class _Result(BaseModel):
    model_config = ConfigDict(strict=True)

    flagged: bool
    categories: Mapping[str, bool | None]


class _Answer(BaseModel):
    results: Annotated[tuple[_Result, ...], Field(min_length=1)]


class OpenAIModerator:
    """A `Moderator` and a `Preflight`. Its calls cost nothing, so they are on no bill."""

    def __init__(self, server: Server) -> None:
        self._client = Client(server, Limiter(per_minute=None, at_once=AT_ONCE), DEADLINE)

    async def review(self, texts: Sequence[str]) -> None:
        """Sends all texts in one request. Raises `Permanent` with the categories, and the other two errors."""
        whole = "\n".join(text for text in texts if text.strip())
        inputs = [whole[start : start + MAX_CHARACTERS] for start in range(0, len(whole), MAX_CHARACTERS)]
        if not inputs:
            return
        try:
            answer = await self._client.ask(
                lambda sdk: sdk.moderations.with_raw_response.create(model=MODEL, input=inputs)
            )
        except NoRoute as error:
            server = self._client.server
            raise server.refusing(f"{server.name} offers no moderation: set KEYFRAME_MODERATION=wordlist") from error
        flagged = _flagged(answer.text, len(inputs), self._client.server.name)
        if flagged:
            raise Permanent(refusal(flagged))

    async def preflight(self) -> None:
        """Raises `Unavailable` where the key is refused or the server cannot be reached."""
        await check_served(self._client, None)


def _flagged(text: str, count: int, name: str) -> list[str]:
    """The categories under which anything is flagged, in plain words, each once."""
    try:
        results = _Answer.model_validate_json(text).results
    except ValidationError:
        results = ()
    if len(results) != count:
        raise Transient(f"{name} sent a moderation that cannot be read")
    names = [name for result in results if result.flagged for name, is_in in result.categories.items() if is_in]
    plain = dict.fromkeys(_PLAIN.get(name, name[:40]) for name in names)
    return list(plain) or ["against the policy"] * any(result.flagged for result in results)
