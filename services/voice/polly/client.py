"""Calls to Polly: boto3 in threads, each with a deadline over the whole of it."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any, Protocol, TypeVar, cast

from boto3.session import Session
from botocore.config import Config
from botocore.parsers import ResponseParserError

from runtime.errors import StageError, Transient
from services.voice.polly.refusals import translated

CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
LONGEST_ANSWER = 24 * 1024 * 1024
"""Bytes: more than ten minutes of PCM at 16 kHz."""
PAGES = 20
"""Of the list of voices; it has had one or two."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Account:
    """Whose Polly is called, and where.

    Without keys they are found as AWS's own tools do: a profile, or the role of the machine.
    """

    region: str
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    """Of temporary keys."""
    endpoint_url: str | None = field(default=None, repr=False)


class _Boto(Protocol):
    """What is used of boto3's client."""

    def synthesize_speech(self, **request: Any) -> Mapping[str, Any]: ...

    def describe_voices(self, **request: Any) -> Mapping[str, Any]: ...


@dataclass
class Answer:
    """What came back for one request, as far as it came."""

    opened: bool = False
    """Whether Polly took the request: it bills it then."""
    characters: int | None = None
    """That it bills."""
    content_type: str = ""
    data: bytes = field(default=b"", repr=False)


class PollyClient:
    """Polly's API.

    Args:
        at_once: calls under way at once.
        deadline: seconds that one call may take, up to the last byte of its answer.
    """

    def __init__(self, account: Account, *, at_once: int, deadline: float) -> None:
        self._account = account
        self._at_once = at_once
        self._deadline = deadline
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="polly")
        self._made: _Boto | None = None
        self._making = Lock()

    async def synthesise(self, request: Mapping[str, object], answer: Answer) -> None:
        """Fills the answer in. Raises the three errors; what `answer` holds by then is so all the same."""
        exchange = _Exchange(answer)
        await self._in_thread(lambda: exchange.run(self._boto().synthesize_speech, request), exchange.abandon)

    async def voices(self) -> list[Mapping[str, Any]]:
        """All voices of the region, as Polly describes them. It costs nothing. Raises the three errors."""
        given_up = Event()

        def listed() -> list[Mapping[str, Any]]:
            found: list[Mapping[str, Any]] = []
            token: dict[str, str] = {}
            for _ in range(PAGES):
                page = self._boto().describe_voices(**token)
                if "Voices" not in page:
                    raise ResponseParserError("no Voices in the answer")
                found += page["Voices"]
                if not page.get("NextToken") or given_up.is_set():
                    return found
                token = {"NextToken": page["NextToken"]}
            return found

        return await self._in_thread(listed, given_up.set)

    async def _in_thread(self, work: Callable[[], Result], give_up: Callable[[], None]) -> Result:
        """What `work` returns. A failure is raised outside of `except`: the error of boto3 is not kept with it."""
        failure: StageError
        try:
            async with asyncio.timeout(self._deadline):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except asyncio.CancelledError:
            give_up()
            raise
        except TimeoutError:
            give_up()
            failure = Transient(f"Amazon Polly did not finish within {self._deadline:g} s")
        except Exception as error:
            failure = translated(error)
        raise failure

    def _boto(self) -> _Boto:
        with self._making:
            if self._made is None:
                self._made = _client(self._account, self._at_once, min(READ_SECONDS, self._deadline))
            return self._made


class _Exchange:
    """One request in a thread, which ends soon after it is given up from outside."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._abandoned = Event()
        self._stop_reading: Callable[[], None] | None = None

    def run(self, send: Callable[..., Mapping[str, Any]], request: Mapping[str, object]) -> None:
        if self._abandoned.is_set():
            return
        response = send(**request)
        self._answer.opened = True
        self._answer.characters = response.get("RequestCharacters")
        self._answer.content_type = str(response.get("ContentType", ""))
        stream = response["AudioStream"]
        with stream as connection:
            self._stop_reading = connection.shutdown
            if not self._abandoned.is_set():
                self._answer.data = stream.read(LONGEST_ANSWER)

    def abandon(self) -> None:
        """Shuts the connection, on which the thread may wait for a byte."""
        self._abandoned.set()
        if self._stop_reading is not None:
            with contextlib.suppress(OSError, ValueError, RuntimeError):  # it has just been closed
                self._stop_reading()


def _client(account: Account, at_once: int, read_seconds: float) -> _Boto:
    """A client that never retries by itself: how often and how far apart is the runtime's to say."""
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        max_pool_connections=at_once,
    )
    connect = cast("Callable[..., _Boto]", Session().client)  # pyright: ignore[reportUnknownMemberType] - no stubs
    return connect(
        "polly",
        region_name=account.region,
        endpoint_url=account.endpoint_url,
        aws_access_key_id=account.access_key,
        aws_secret_access_key=account.secret_key,
        aws_session_token=account.session_token,
        config=config,
    )
