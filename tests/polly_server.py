"""A stand-in for Amazon Polly on loopback: signatures verified, requests held against botocore's model, real sound.

A word is a tone as long as its letters, a sentence ends with a pause; speech marks count bytes. What
the voices are is told by a list that the moto project took from the service itself.
"""

import asyncio
import contextlib
import hmac
import json
import re
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.validate import ParamValidator

from tests.polly_voice import VOICES, Refused, billed, marks, sound, spoken

REGION = "eu-central-1"
ACCESS_KEY, SECRET_KEY = "AKIATESTONLYTESTONLY", "secret/Of+The/Stand-in/NotForAnyLog"
GENERATIVE = {"Joanna", "Matthew", "Ruth", "Amy"}
"""Voices that have the generative engine, which is younger than the list."""

_MODEL = botocore.session.get_session().get_service_model("polly")


@dataclass(frozen=True)
class Trouble:
    """How one request goes wrong; what is not set goes as it should.

    Args:
        on: the kind of request that it waits for: "audio", "marks", "voices", or any.
        status, code: of a refusal, in AWS's shape unless `body` is given.
        body: sent instead of what is due; None is what is due.
        hang: no answer at all.
        reset: the connection is reset, before the answer or in the middle of it.
        drip: the answer comes a byte at a time, without an end.
        keep: the share of the body that is sent, as though it were whole.
    """

    on: str = ""
    status: int = 200
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None
    hang: bool = False
    reset: str = ""
    drip: bool = False
    keep: float = 1.0


@dataclass
class PollyServer:
    """What goes wrong next, and what was asked for and billed."""

    url: str = ""
    troubles: deque[Trouble] = field(default_factory=deque[Trouble])
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    billed: int = 0
    """Characters."""
    connections: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer)
        try:
            while head := await _head(reader):
                body = await reader.readexactly(int(head[2].get("content-length", 0)))
                await self._answer(*head, body, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.connections.discard(writer)
            writer.close()

    async def _answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, writer: asyncio.StreamWriter
    ) -> None:
        try:
            _verify(method, self.url + target, headers, body)
            kind, sent, answered = self._due(method, target, body)
        except Refused as refusal:
            status, code, message = refusal.args
            kind, sent, answered = "", _error(code, message), {":status": str(status)}
        trouble = self._trouble(kind)
        if trouble.hang:
            await asyncio.Event().wait()
        if trouble.reset == "before":
            _reset(writer)
            raise ConnectionResetError
        if trouble.code:
            sent, answered = _error(trouble.code, "no"), {}
        sent = trouble.body if trouble.body is not None else sent
        sent = sent[: round(len(sent) * trouble.keep)]
        status = answered.pop(":status", str(trouble.status))
        answered = {**answered, **trouble.headers}
        writer.write(f"HTTP/1.1 {status} OK\r\n".encode())
        for name, value in answered.items():
            writer.write(f"{name}: {value}\r\n".encode())
        writer.write(b"transfer-encoding: chunked\r\n\r\n")
        if trouble.drip:
            while True:
                writer.write(b"1\r\n\0\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)
        if trouble.reset == "after":
            writer.write(b"%x\r\n%b" % (len(sent), sent[: len(sent) // 2]))
            await writer.drain()
            _reset(writer)
            raise ConnectionResetError
        if sent:
            writer.write(b"%x\r\n%b\r\n" % (len(sent), sent))
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    def _trouble(self, kind: str) -> Trouble:
        for trouble in self.troubles:
            if trouble.on in ("", kind):
                self.troubles.remove(trouble)
                return trouble
        return Trouble()

    def _due(self, method: str, target: str, body: bytes) -> tuple[str, bytes, dict[str, str]]:
        """What is asked for, the answer's body and its headers."""
        parts = urlsplit(target)
        if (method, parts.path) == ("GET", "/v1/voices"):
            _check("DescribeVoices", dict(parse_qsl(parts.query)))
            return "voices", json.dumps({"Voices": [_described(voice) for voice in VOICES]}).encode(), {}
        if (method, parts.path) != ("POST", "/v1/speech"):
            raise Refused(404, "UnknownOperationException", "")
        request = json.loads(body)
        self.asked.append(request)
        _check("SynthesizeSpeech", request)
        _check_voice(request)
        characters = billed(request)
        words, duration = spoken(request)
        self.billed += characters
        headers = {"x-amzn-requestcharacters": str(characters)}
        if request["OutputFormat"] == "json":
            return "marks", marks(request, words), {**headers, "content-type": "application/x-json-stream"}
        return "audio", sound(words, duration), {**headers, "content-type": "audio/pcm"}


@contextlib.asynccontextmanager
async def polly_server() -> AsyncIterator[PollyServer]:
    """A running stand-in, stopped at the end."""
    polly = PollyServer()
    server = await asyncio.start_server(polly.handle, "127.0.0.1", 0)
    polly.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield polly
    finally:
        server.close()
        for writer in list(polly.connections):
            writer.transport.abort()
        await asyncio.sleep(0)


def _check(operation: str, request: Mapping[str, Any]) -> None:
    """What the service refuses by its model: missing, unknown and mistyped fields, values that are none."""
    shape = _MODEL.operation_model(operation).input_shape
    assert shape is not None
    problems = ParamValidator().validate(request, shape)  # type: ignore[no-untyped-call]
    members: Mapping[str, Any] = shape.members
    unknown = request.keys() - members.keys()
    strange = [
        name
        for name, value in request.items()
        if getattr(members.get(name), "enum", None) and value not in members[name].enum
    ]
    if problems.has_errors() or unknown or strange:
        raise Refused(400, "ValidationException", f"validation errors: {problems.generate_report()} {strange}")
    if request.get("OutputFormat") == "pcm" and request.get("SampleRate") not in ("8000", "16000", None):
        raise Refused(400, "InvalidSampleRateException", "")
    if ("SpeechMarkTypes" in request) != (request.get("OutputFormat") == "json"):
        raise Refused(400, "MarksNotSupportedForFormatException", "")


def _check_voice(request: Mapping[str, Any]) -> None:
    voice, engine = _described(request["VoiceId"]), request.get("Engine", "standard")
    if engine not in voice["SupportedEngines"] or (engine == "generative" and request["OutputFormat"] == "json"):
        raise Refused(400, "EngineNotSupportedException", "This voice does not support the selected engine")
    codes = (voice["LanguageCode"], *(voice.get("AdditionalLanguageCodes") or ()))
    if request.get("LanguageCode", codes[0]) not in codes:
        raise Refused(400, "LanguageNotSupportedException", "")


def _described(name: str) -> dict[str, Any]:
    voice = VOICES[name]
    young = ["generative"] if name in GENERATIVE and "generative" not in voice["SupportedEngines"] else []
    return {**voice, "SupportedEngines": [*voice["SupportedEngines"], *young]}


def _verify(method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
    """Signs the request anew with the secret that the server knows (Signature Version 4)."""
    match = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
        r"SignedHeaders=(\S+), Signature=(\w+)",
        headers.get("authorization", ""),
    )
    if match is None:
        raise Refused(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
    access_key, _, region, service, signed, signature = match.groups()
    if access_key != ACCESS_KEY:
        raise Refused(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
    if (region, service) != (REGION, "polly"):
        raise Refused(403, "InvalidSignatureException", "Credential should be scoped to a valid region.")
    named = {name: headers[name] for name in signed.split(";")}
    request = AWSRequest(method=method, url=url, data=body, headers=named)
    request.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(Credentials(access_key, SECRET_KEY), service, region)
    expected = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    if not hmac.compare_digest(expected, signature) or "host" not in named:
        raise Refused(403, "InvalidSignatureException", "The request signature we calculated does not match.")


def _error(code: str, message: str) -> bytes:
    return json.dumps({"__type": code, "message": message}).encode()


async def _head(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str]] | None:
    """A request's method, target and headers, by their names in lower case; None at the end."""
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, target, _ = lines[0].split(" ")
    headers = (line.split(": ", 1) for line in lines[1:] if line)
    return method, target, {name.lower(): value for name, value in headers}


def _reset(writer: asyncio.StreamWriter) -> None:
    """Ends the connection with an RST."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
