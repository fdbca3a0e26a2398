"""The providers that the stages pay: stand-ins on loopback, outside every process that is killed, with one till.

They are the servers that the adapters are tested on, so the services run as they are; each replica has servers of its
own, so the till knows who called. A call is paid for as soon as it has arrived, and stands in a ledger before it is
answered.
"""

import asyncio
import contextlib
import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import images_server as nebius
from tests import openai_server as openai
from tests import polly_server as polly

FORBIDDEN = nebius.error(400, "Your prompt was flagged by our content policy.", "content_policy_violation")


@dataclass(eq=False)
class Call:
    """A paid call."""

    replica: str
    what: str
    began: float
    """On the monotonic clock, as is the next."""
    answered: float | None = None


@dataclass
class Till:
    """Counts every paid call in an append-only ledger."""

    ledger: Path
    rng: random.Random
    latency: tuple[float, float]
    """Seconds that a call takes, at the least and at the most."""
    calls: list[Call] = field(default_factory=list)
    forbidden: set[int] = field(default_factory=set)
    """The jobs whose pictures are refused for their content."""

    def __post_init__(self) -> None:
        self._file = os.open(self.ledger, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)

    async def sell(self, replica: str, what: str) -> None:
        call = Call(replica, what, time.monotonic())
        self.calls.append(call)
        os.write(self._file, json.dumps({"at": time.time(), "by": replica, "what": what}).encode() + b"\n")
        await asyncio.sleep(self.rng.uniform(*self.latency))
        call.answered = time.monotonic()

    def in_flight(self, replica: str, at_once: int) -> list[Call]:
        """The calls of a replica that may be paid and not kept: those without an answer, and as many of the last
        that were answered as it has hands to keep them with."""
        own = [call for call in self.calls if call.replica == replica]
        return own[-at_once:]

    def repeated(self) -> list[tuple[Call, Call]]:
        """Every call that was paid for again, with the one before it."""
        last: dict[str, Call] = {}
        pairs: list[tuple[Call, Call]] = []
        for call in self.calls:
            if call.what in last:
                pairs.append((last[call.what], call))
            last[call.what] = call
        return pairs

    def kinds(self) -> Counter[str]:
        return Counter(call.what.split()[0] for call in self.calls)


def job_of(text: str) -> int:
    """The job's number, which all its texts hold."""
    found = re.search(r"[Mm]ill (\d+)", text)
    assert found, text
    return int(found[1])


@dataclass
class Writer(openai.OpenAIServer):
    """Writes a script of three scenes, each naming its job."""

    replica: str = ""
    till: Till = field(default=None)  # type: ignore[assignment]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await openai._read(reader)
            if request.path == "/v1/chat/completions":
                await self.till.sell(self.replica, f"script {job_of(json.dumps(request.data))}")
            await openai._send(self.answer(request), reader, writer)
        writer.close()

    def answer(self, request: openai.Request) -> openai.Reply:
        if request.path != "/v1/chat/completions" or request.headers.get("authorization") != f"Bearer {self.key}":
            return super().answer(request)
        return openai.said(json.dumps(_story(job_of(json.dumps(request.data)), request.scene_count)))


def _story(job: int, scenes: int) -> Mapping[str, Any]:
    told = [
        {
            "narration": f"Mill {job} turns in scene {scene}, and water runs below its old wheel.",
            "image_prompt": f"The wheel of mill {job} at moment {scene}",
        }
        for scene in range(1, scenes + 1)
    ]
    return openai.script(scenes) | {"title": f"Mill {job}", "description": f"How mill {job} turns.", "scenes": told}


@dataclass
class Painter(nebius.ImagesServer):
    replica: str = ""
    till: Till = field(default=None)  # type: ignore[assignment]

    async def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> nebius.Answer:
        if method == "POST":
            asked = json.loads(body)
            if job_of(asked["prompt"]) in self.till.forbidden:
                return FORBIDDEN
            await self.till.sell(self.replica, f"picture {job_of(asked['prompt'])} {asked['seed']}")
        return await super().answer(method, path, headers, body)


@dataclass
class Speaker(polly.PollyServer):
    replica: str = ""
    till: Till = field(default=None)  # type: ignore[assignment]

    async def _answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, writer: asyncio.StreamWriter
    ) -> None:
        if method == "POST":
            asked = json.loads(body)
            kind = "sound" if asked["OutputFormat"] == "pcm" else "marks"
            await self.till.sell(self.replica, f"{kind} {asked['VoiceId']} {asked['Text']}")
        await super()._answer(method, target, headers, body, writer)


OPENAI_KEY = "sk-proj-chaos-s3cret-of-the-stand-in"
SECRETS = (OPENAI_KEY, nebius.KEY, polly.ACCESS_KEY, polly.SECRET_KEY)


@asynccontextmanager
async def providers(stage: str, replica: str, till: Till) -> AsyncIterator[Mapping[str, str]]:
    """The servers that a replica pays, and the settings by which it finds them."""
    server: Writer | Painter | Speaker
    match stage:
        case "script":
            server = Writer("", key=OPENAI_KEY, replica=replica, till=till)
            serve = server.handle
        case "images":
            server = Painter(0, kind="JPEG", replica=replica, till=till)
            serve = server.serve
        case "voice":
            server = Speaker(replica=replica, till=till)
            serve = server.handle
        case _:
            yield {}
            return
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(_listening(serve))
        yield _found(server, port)


def _found(server: Writer | Painter | Speaker, port: int) -> Mapping[str, str]:
    address = f"http://127.0.0.1:{port}"
    match server:
        case Writer():
            server.url = f"{address}/v1"
            return {"OPENAI_BASE_URL": server.url}
        case Painter():
            server.port = port
            return {"NEBIUS_BASE_URL": server.url}
        case Speaker():
            server.url = address
            return {"AWS_ENDPOINT_URL_POLLY": address}


@asynccontextmanager
async def _listening(serve: Any) -> AsyncIterator[int]:
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            await serve(reader, writer)
        except (asyncio.CancelledError, ConnectionError):
            writer.transport.abort()
        finally:
            connections.discard(task)

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


SETTINGS: Mapping[str, str] = {
    "KEYFRAME_SCRIPT_PROVIDER": "openai",
    "OPENAI_API_KEY": OPENAI_KEY,
    "KEYFRAME_IMAGES_PROVIDER": "nebius",
    "NEBIUS_API_KEY": nebius.KEY,
    "KEYFRAME_VOICE_PROVIDER": "polly",
    "AWS_ACCESS_KEY_ID": polly.ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": polly.SECRET_KEY,
    "AWS_REGION": polly.REGION,
}
