"""A stand-in for a server that speaks OpenAI's API, on loopback, down to its bytes: it can also break off.

What it is sent is checked against the SDK's own types; what it answers is scripted by the test.
"""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.moderation_create_params import ModerationCreateParams
from pydantic import TypeAdapter

_SENT = {
    "/v1/chat/completions": TypeAdapter(CompletionCreateParamsNonStreaming),
    "/v1/moderations": TypeAdapter(ModerationCreateParams),
}


@dataclass(frozen=True)
class Request:
    """What the server was sent."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def scene_count(self) -> int:
        """How many scenes the schema wants."""
        return self.body["response_format"]["json_schema"]["schema"]["properties"]["scenes"]["minItems"]

    @property
    def data(self) -> Mapping[str, Any]:
        """The user's own words."""
        return json.loads(self.body["messages"][1]["content"])


@dataclass(frozen=True)
class Reply:
    """How one request is answered."""

    body: bytes = b"{}"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content_type: str = "application/json"
    hang: bool = False
    """Nothing is ever answered."""
    drip: float | None = None
    """Seconds between two bytes of the body."""
    cut: int | None = None
    """The connection is reset after so many bytes of the answer, headers included."""


def told(value: object, **more: Any) -> Reply:
    """JSON as an answer."""
    return Reply(json.dumps(value).encode(), **more)


def error(status: int, message: str, *, code: str | None = None, param: str | None = None, **headers: str) -> Reply:
    """A refusal in OpenAI's form."""
    body = {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}
    return told(body, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def said(content: str | None, *, finish: str = "stop", refusal: str | None = None, usage: object = True) -> Reply:
    """A completion of the model, with usage unless it is taken away."""
    completion = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": content, "refusal": refusal},
            }
        ],
        "usage": {"prompt_tokens": 800, "completion_tokens": 600, "total_tokens": 1400} if usage is True else usage,
    }
    return told(completion)


def script(scenes: int = 3, words: int = 153, **changes: Any) -> dict[str, Any]:
    """A good answer of so many scenes and words in all."""
    shares = [words // scenes + (index < words % scenes) for index in range(scenes)]
    spoken = itertools.cycle(["the", "old", "mill", "turns", "slowly", "while", "water", "runs", "below", "it"])
    return {
        "title": "The Old Mill",
        "description": "How a mill turns.",
        "visual_bible": {
            "characters": [{"name": "Mara", "appearance": "a girl of ten, red braids, yellow raincoat"}],
            "palette": "moss green and rust",
            "light": "low morning sun",
            "era": "a river valley in 1890",
        },
        "scenes": [
            {
                "narration": " ".join(itertools.islice(spoken, share)).capitalize() + ".",
                "image_prompt": f"Mara stands by the wheel, step {index}" if index else "A wheel in the river, mist",
            }
            for index, share in enumerate(shares)
        ],
    } | changes


def models(*ids: str) -> Reply:
    """A list of models."""
    return told({"object": "list", "data": [{"id": one, "object": "model"} for one in ids]})


@dataclass
class OpenAIServer:
    """Answers each path by its replies in turn, the last one for ever."""

    url: str
    key: str | None = None
    """The one that it takes; any where it is not set."""
    replies: dict[str, Sequence[Reply]] = field(default_factory=dict[str, Sequence[Reply]])
    asked: list[Request] = field(default_factory=list[Request])

    def chat(self, *replies: Reply) -> None:
        """Scripts what the model says."""
        self.replies["/v1/chat/completions"] = replies

    def of(self, path: str) -> list[Request]:
        """What was asked at a path, without its /v1."""
        return [request for request in self.asked if request.path == f"/v1{path}"]

    @property
    def chats(self) -> list[Request]:
        """What the model was asked."""
        return self.of("/chat/completions")

    def answer(self, request: Request) -> Reply:
        """The next reply for the request's path; a good script, or a list of the usual model, by default."""
        if self.key is not None and request.headers.get("authorization") != f"Bearer {self.key}":
            wrong = request.headers.get("authorization", "").removeprefix("Bearer ")
            return error(401, f"Incorrect API key provided: {wrong}.", code="invalid_api_key")
        given = self.replies.get(request.path, ())
        if given:
            return given[min(len(self.of(request.path.removeprefix("/v1"))), len(given)) - 1]
        match request.path:
            case "/v1/chat/completions" if request.data.get("source") == "Two words.":
                return said(None, refusal="The source is too short to tell.")
            case "/v1/chat/completions":
                return said(json.dumps(script(request.scene_count)))
            case "/v1/models":
                return models("gpt-4o-mini", "gpt-4o")
            case _:
                return error(404, f"Invalid URL (POST {request.path})")

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await _read(reader)
            self.asked.append(request)
            await _send(self.answer(request), reader, writer)
        writer.close()


@contextlib.asynccontextmanager
async def openai_server() -> AsyncGenerator[OpenAIServer]:
    """A server for as long as the context is open."""
    server = OpenAIServer("")
    listener = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
    try:
        yield server
    finally:
        listener.close()
        await listener.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    path = head[0].split()[1]
    lines = [line.partition(": ") for line in head[1:] if line]
    headers = {name.lower(): value for name, _, value in lines}
    body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or b"{}")
    if path in _SENT:
        _SENT[path].validate_python(body)
    return Request(path, headers, body)


async def _send(reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if reply.hang:
        await reader.read()  # until the client gives up
        return
    headers = {"content-type": reply.content_type, "content-length": str(len(reply.body)), "connection": "close"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers | dict(reply.headers)).items())
    head = f"HTTP/1.1 {reply.status} Scripted\r\n{lines}\r\n".encode()
    if reply.cut is not None:
        writer.write((head + reply.body)[: reply.cut])
        await writer.drain()
        writer.transport.abort()
    elif reply.drip is not None:
        writer.write(head)
        for byte in reply.body:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(reply.drip)
    else:
        writer.write(head + reply.body)
        await writer.drain()
