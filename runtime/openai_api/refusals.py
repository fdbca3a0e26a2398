"""What the refusals of an OpenAI-compatible server mean, in the runtime's words.

Sources: OpenAI's guide to error codes, and the answers of Ollama, vLLM and LM Studio, whose `error`
may be a plain string.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx2
import openai

from runtime.errors import Permanent, StageError, Transient, Unavailable
from runtime.openai_api.settings import OPENAI_URL
from runtime.retry_after import LONGEST, retry_after

MAX_REASON_CHARACTERS = 200

_QUOTA = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_balance"})
_POLICY = frozenset({"content_policy_violation", "content_filter", "moderation_blocked", "invalid_prompt"})
_KEY = frozenset({"invalid_api_key", "invalid_authentication"})
_COUNTRY = "unsupported_country_region_territory"
_TOO_LONG = re.compile(
    r"context[ _]length|maximum context|too many tokens|prompt is too long|exceeds? the .{0,20}context"
)
_NO_MODEL = re.compile(
    r"\bmodel\b.{0,120}\b(?:not found|does not exist|not exist|not loaded|unknown)"
    r"|model_not_found|no models? (?:is |are )?loaded|(?:unknown|invalid|no such) model\b",
    re.DOTALL,
)
_SCOPES = "missing scopes"
_SECRET = re.compile(r"\b(?:sk|pk|key|bearer)[-_ ][\w*.\-]{4,}|https?://\S+", re.IGNORECASE)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Refused(Permanent):
    """The server does not take this request (400, 422, 501): another wording of it may be taken.

    Args:
        message: for the user.
        said: the parameter that the server names and all that it says, in lower case.
    """

    def __init__(self, message: str, said: str) -> None:
        super().__init__(message)
        self.said = said


class NoRoute(Unavailable):
    """The server knows no such address (404, 405)."""


class NoScope(Unavailable):
    """The key is known and lacks the right to this one route."""


@dataclass(frozen=True)
class Server:
    """A server, its key, and the variables of the environment that name them in messages."""

    base_url: str = OPENAI_URL
    key: str | None = field(default=None, repr=False)
    on: str = "openai"
    """The provider, as the status names it."""
    key_variable: str = "OPENAI_API_KEY"
    url_variable: str = "OPENAI_BASE_URL"
    model_variable: str = "OPENAI_MODEL"

    @property
    def is_openai(self) -> bool:
        """Whether this is OpenAI itself, which always wants a key."""
        return (urlsplit(self.base_url).hostname or "").endswith("api.openai.com")

    @property
    def name(self) -> str:
        """The server as a user knows it."""
        return "OpenAI" if self.is_openai else f"the server at {self.url_variable}"

    def clean(self, text: str) -> str:
        """What a server said, on one short line, without keys and addresses."""
        spoken = text.replace(self.key, "…") if self.key else text
        line = " ".join("".join(char if char.isprintable() else " " for char in _SECRET.sub("…", spoken)).split())
        return line if len(line) <= MAX_REASON_CHARACTERS else f"{line[: MAX_REASON_CHARACTERS - 1]}…"

    def unavailable(self, message: str, headers: Mapping[str, str] | None = None) -> Unavailable:
        """The server is away or limits us, with the time to wait that an answer's headers ask for."""
        return Unavailable(message, on=self.on, retry_after=asked_pause(headers or {}))

    def refusing(self, message: str, headers: Mapping[str, str] | None = None) -> Unavailable:
        """The server refuses us (key, quota, model, address) until somebody mends it."""
        return Unavailable(message, on=self.on, retry_after=asked_pause(headers or {}), refused=True)


def translated(error: openai.OpenAIError, server: Server) -> StageError:
    """The runtime's word for an error of the SDK; it is not to be chained, since the SDK's text may hold the key."""
    match error:
        case openai.APIStatusError():
            return _of_status(error, server)
        case openai.APIConnectionError():
            return _of_connection(error.__cause__, server)
        case _:
            return Transient(f"{server.name} sent an answer that cannot be read")


def asked_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by `retry-after-ms`, `Retry-After`, or the `x-ratelimit-reset-*` of what is used up."""
    plain = {name.lower(): value.strip() for name, value in headers.items()}
    try:
        milliseconds = float(plain.get("retry-after-ms", ""))
    except ValueError:
        milliseconds = -1.0
    if 0 <= milliseconds < float("inf"):
        return min(milliseconds / 1000, LONGEST)
    asked = retry_after(plain)
    if asked is not None:
        return asked
    resets = {kind: _span(plain.get(f"x-ratelimit-reset-{kind}", "")) for kind in ("requests", "tokens")}
    used_up = [kind for kind in resets if plain.get(f"x-ratelimit-remaining-{kind}") == "0"]
    spans = [span for kind, span in resets.items() if span is not None and kind in (used_up or resets)]
    return min(max(spans), LONGEST) if spans else None


def _span(text: str) -> float | None:
    """Seconds of a span as OpenAI writes it ("6m0s", "20ms"), or None."""
    if not re.fullmatch(rf"(?:{_SPAN.pattern})+", text):
        return None
    return sum(float(amount) * _SECONDS[unit] for amount, unit in _SPAN.findall(text))


def _of_connection(cause: BaseException | None, server: Server) -> StageError:
    match cause:
        case httpx2.ReadTimeout() | httpx2.WriteTimeout():
            return Transient(f"{server.name} did not answer in time")
        case httpx2.ReadError() | httpx2.WriteError() | httpx2.CloseError() | httpx2.RemoteProtocolError():
            return Transient(f"the connection to {server.name} broke off")
        case httpx2.DecodingError():
            return Transient(f"{server.name} sent an answer that cannot be read")
        case _:
            return server.unavailable(f"{server.name} cannot be reached: check {server.url_variable} and the network")


def _of_status(error: openai.APIStatusError, server: Server) -> StageError:
    status, headers = error.status_code, error.response.headers
    said = f"{error.param or ''} {error.code or ''} {error.type or ''} {error.body}".casefold()
    if {str(error.code), str(error.type)} & _QUOTA or status == HTTPStatus.PAYMENT_REQUIRED:
        remedy = f"add credit or raise the limit of the account behind {server.key_variable}"
        return server.refusing(f"the quota of {server.name} is used up: {remedy}", headers)
    if status in (401, 403) or error.code in _KEY:
        return _of_rights(error, said, server)
    if status in (400, 404) and _NO_MODEL.search(said):
        return server.refusing(f"{server.name} has no such model for this key: check {server.model_variable}")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return server.unavailable(f"{server.name} limits our requests", headers)
    if status < 400 or status in (404, 405):
        address = f"check {server.url_variable}, which usually ends in /v1"
        return NoRoute(f"{server.name} does not serve this API at its address: {address}", on=server.on, refused=True)
    if status in (408, 409, 425):
        return Transient(f"{server.name} dropped the request (status {status})")
    if status < 500 or status == HTTPStatus.NOT_IMPLEMENTED:
        return _of_request(error, said, server)
    if status in (503, 529) or "retry-after" in headers:
        return server.unavailable(f"{server.name} is overloaded (status {status})", headers)
    return Transient(f"{server.name} failed (status {status})")


def _of_rights(error: openai.APIStatusError, said: str, server: Server) -> Unavailable:
    if _SCOPES in said:
        needed = "give it the rights Models: read and Model capabilities: write"
        return NoScope(
            f"the key in {server.key_variable} lacks a right at {server.name}: {needed}", on=server.on, refused=True
        )
    if error.code == _COUNTRY:
        return server.refusing(f"{server.name} does not serve the country that this machine is in")
    if error.status_code == HTTPStatus.FORBIDDEN:
        remedy = f"check the rights of the key in {server.key_variable} and {server.model_variable}"
        return server.refusing(f"{server.name} denies access: {remedy}", error.response.headers)
    if server.key is None:
        return server.refusing(f"{server.name} asks for a key: set {server.key_variable}")
    return server.refusing(f"{server.name} refuses the key: check {server.key_variable}")


def _of_request(error: openai.APIStatusError, said: str, server: Server) -> Permanent:
    reason = server.clean(_reason(error.body))
    if {str(error.code), str(error.type)} & _POLICY:
        return Permanent(f"{server.name} refuses this for its content policy: {reason or 'it gives no reason'}")
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or _TOO_LONG.search(said):
        return Permanent("the text is too long for the model: shorten it, or choose a model with a longer context")
    return Refused(f"{server.name} refuses the request: {reason or f'status {error.status_code}'}", said)


def _reason(body: object) -> str:
    """What an error's body says in words: OpenAI's `message`, FastAPI's `detail`, or a plain string; never HTML."""
    match body:
        case {"message": str(text)} | {"detail": str(text)} | str(text):
            return "" if text.lstrip().startswith("<") else text
        case _:
            return ""
