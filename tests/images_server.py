"""A stand-in for Nebius' image API, on loopback: it checks what it is asked, paints, and misbehaves as told.

The request's shape is that of docs.tokenfactory.nebius.com/api-reference/inference/generate.
"""

import asyncio
import base64
import contextlib
import json
import socket
import ssl
import struct
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tests.pictures import encoded

KEY = "nebius-s3cret-k3y"
MODEL = "black-forest-labs/flux-schnell"
FOREVER = 3600.0


class Asked(BaseModel):
    """A request for a picture."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: Literal["black-forest-labs/flux-schnell"]
    prompt: Annotated[str, Field(min_length=1, max_length=2000)]
    width: Annotated[int, Field(ge=64, le=2048)]
    height: Annotated[int, Field(ge=64, le=2048)]
    num_inference_steps: Annotated[int, Field(ge=1, le=80)]
    seed: Annotated[int, Field(ge=-1)]
    response_extension: Literal["webp", "jpg", "png"]
    response_format: Literal["b64_json", "url"]


@dataclass(frozen=True)
class Answer:
    """What goes over the wire, and how."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    length: int | None = None
    """What Content-Length says, where it lies."""
    delay: float = 0.0
    """Seconds before the first byte."""
    drip: float = 0.0
    """Seconds between two bytes of the body."""
    reset: Literal["no", "before", "after"] = "no"
    """Whether the connection is reset, before the first byte or after the body."""


def json_answer(content: object, status: int = 200, **headers: str) -> Answer:
    """An answer in JSON; `retry_after` is the header Retry-After."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(json.dumps(content).encode(), status, {"content-type": "application/json", **named})


def error(status: int, message: str = "no", code: str | None = None, **headers: str) -> Answer:
    """An error in OpenAI's shape."""
    fields = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return json_answer({"error": fields}, status, **headers)


def picture(data: bytes) -> Answer:
    """An answer with the picture in base64."""
    return json_answer({"data": [{"b64_json": base64.b64encode(data).decode()}], "id": "text2img-1"})


def link(url: str) -> Answer:
    """An answer with the picture's address."""
    return json_answer({"data": [{"url": url}], "id": "text2img-1"})


@dataclass
class ImagesServer:
    """What it answers, and what it was asked."""

    port: int
    script: list[Answer] = field(default_factory=list[Answer])
    """The next answers; it paints when there are none left."""
    refused: Mapping[str, Answer] = field(default_factory=dict[str, Answer])
    """Answers to prompts that hold a word, each time."""
    models: Answer = field(default_factory=lambda: json_answer({"object": "list", "data": [{"id": MODEL}]}))
    files: dict[str, Answer] = field(default_factory=dict[str, Answer])
    """What lies at other paths."""
    kind: str = "PNG"
    pause: float = 0.0
    """Seconds that a picture takes."""
    asked: list[Asked] = field(default_factory=list[Asked])
    paid: int = 0
    """Pictures, or what was sold as such."""
    got: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    """The headers of requests for files."""
    callers: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    """The headers of calls to the API."""
    invalid: list[str] = field(default_factory=list[str])
    """What was wrong with requests."""
    at_work: int = 0
    most_at_work: int = 0

    @property
    def url(self) -> str:
        """The base URL."""
        return f"{self.origin}/v1/"

    @property
    def origin(self) -> str:
        """Where files lie."""
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What a request is answered with."""
        if path in self.files:
            self.got.append(headers)
            return self.files[path]
        self.callers.append(headers)
        if headers.get("authorization") != f"Bearer {KEY}":
            return error(401, f"Incorrect API key provided: {headers.get('authorization', '')}", "invalid_api_key")
        if (method, path) == ("GET", "/v1/models"):
            return self.models
        if (method, path) != ("POST", "/v1/images/generations"):
            return json_answer({"detail": "Not Found"}, 404)
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            await asyncio.sleep(self.pause)
            answer = self._painted(body)
        finally:
            self.at_work -= 1
        self.paid += answer.status == 200
        return answer

    def _painted(self, body: bytes) -> Answer:
        try:
            asked = Asked.model_validate_json(body)
        except ValidationError as wrong:
            self.invalid.append(str(wrong))
            return json_answer({"detail": json.loads(wrong.json(include_input=False))}, 422)
        self.asked.append(asked)
        for word, answer in self.refused.items():
            if word in asked.prompt:
                return answer
        if self.script:
            return self.script.pop(0)
        data = _drawn(asked.width, asked.height, self.kind)
        if asked.response_format == "b64_json":
            return picture(data)
        self.files[f"/files/{asked.seed}.png"] = Answer(data)
        return link(f"{self.origin}/files/{asked.seed}.png")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ")
            headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in head[1:])}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            await _send(writer, await self.answer(method, path, headers, body))
        writer.close()


@cache
def _drawn(width: int, height: int, kind: str) -> bytes:
    """One picture does for all: what tells them apart is what was asked."""
    return encoded(width, height, kind=kind)


async def _send(writer: asyncio.StreamWriter, answer: Answer) -> None:
    await asyncio.sleep(answer.delay)
    if answer.reset == "before":
        _reset(writer)
        return
    length = len(answer.body) if answer.length is None else answer.length
    headers = {"content-length": str(length), "connection": "close", **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} Said", *(f"{name}: {text}" for name, text in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode("latin-1"))
    if answer.drip:
        for byte in answer.body:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(answer.drip)
    else:
        writer.write(answer.body)
    await writer.drain()
    if answer.reset == "after":
        _reset(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Ends the connection with a reset instead of a farewell."""
    connection: Any = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.asynccontextmanager
async def images_server(tls: ssl.SSLContext | None = None) -> AsyncGenerator[ImagesServer]:
    """A running stand-in, stopped at the end."""
    connections: set[asyncio.Task[None]] = set()
    server = ImagesServer(port=0)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            await server.serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            connections.discard(task)

    listening = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await listening.wait_closed()
