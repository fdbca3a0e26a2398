"""One call to an OpenAI-compatible server: limited, with a deadline, bounded in size, never repeated by the SDK."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import httpx2
import openai

from runtime.errors import StageError, Transient
from runtime.limits import Limiter
from runtime.openai_api.refusals import Server, translated

MAX_BYTES = 4_000_000
"""Of an answer, unpacked: a hundred times the longest script."""

CONNECT_SECONDS = 10.0

_FRAMING = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that are true of the answer as it travelled and not of the bytes in hand."""


class RawAnswer(Protocol):
    """What the SDK's `with_raw_response` gives."""

    @property
    def text(self) -> str:
        """The body."""
        ...


Call = Callable[[openai.AsyncOpenAI], Awaitable[RawAnswer]]


@dataclass(frozen=True)
class Answer:
    """The body of a successful answer, and the seconds that it took."""

    text: str = field(repr=False)
    seconds: float


class Client:
    """Calls one server.

    The answers are given as text: the SDK does not check what it parses, and its callers do.

    Args:
        server: where it is.
        limiter: how often and how many at once.
        deadline: seconds that one call may take in all, so that a slow drip never holds a stage.
    """

    def __init__(self, server: Server, limiter: Limiter, deadline: float) -> None:
        self.server = server
        self._limiter = limiter
        self._deadline = deadline

    async def ask(self, call: Call) -> Answer:
        """Makes the call once. Raises the three errors; `Refused` where the server does not take its wording."""
        if self.server.key is None and self.server.is_openai:
            raise self.server.refusing(f"OpenAI asks for a key: set {self.server.key_variable}")
        async with self._limiter.call():
            begun = time.monotonic()
            answer = await self._answer(call)
        if isinstance(answer, StageError):
            raise answer  # here, outside of every handler: a chained error of the SDK may tell the key
        return Answer(answer, time.monotonic() - begun)

    async def _answer(self, call: Call) -> str | StageError:
        try:
            async with asyncio.timeout(self._deadline), self._sdk() as sdk:
                return (await call(sdk)).text
        except TimeoutError:
            return Transient(f"{self.server.name} did not answer within {self._deadline:g} s")
        except openai.OpenAIError as error:
            return translated(error, self.server)

    def _sdk(self) -> openai.AsyncOpenAI:
        """A client for one call: it leaves no connection behind, and a call takes seconds anyway."""
        timeout = httpx2.Timeout(self._deadline, connect=min(CONNECT_SECONDS, self._deadline))
        sdk = openai.AsyncOpenAI(
            api_key=self.server.key or "none",  # the SDK wants one, and servers of one's own do not look at it
            base_url=self.server.base_url,
            max_retries=0,
            timeout=timeout,
            http_client=_BoundedClient(timeout=timeout, verify=_trust(), follow_redirects=False),
        )
        if not self.server.is_openai:  # the SDK would tell anybody what the environment says of OpenAI's account
            sdk.organization = sdk.project = None
        return sdk


@cache
def _trust() -> ssl.SSLContext:
    """The certificates that are trusted: reading them takes 20 ms, so it is done once."""
    return httpx2.create_ssl_context()


class _BoundedClient(httpx2.AsyncClient):
    """Reads every answer to its end, and breaks off one that is larger than any could be."""

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        options["stream"] = True
        response = await super().send(request, **options)
        body = bytearray()
        try:
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MAX_BYTES:
                    raise httpx2.DecodingError("the answer is too large", request=request)
        finally:
            await response.aclose()
        headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _FRAMING]
        return httpx2.Response(response.status_code, headers=headers, content=bytes(body), request=request)
