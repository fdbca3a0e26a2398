"""What a server's refusals become, asked for once each: a server that answers as it is told."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from botocore.exceptions import ConnectTimeoutError, NoCredentialsError, ReadTimeoutError

from runtime.errors import Unavailable
from runtime.s3_errors import translated
from runtime.s3_objects import S3Objects, s3_client

SECRET = "not-to-be-told"


class Server:
    """Gives every request the same answer, and counts them."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self.requests = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.requests += 1
        writer.write(self._answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


def answer(status: str, body: str = "", *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", *headers, f"content-length: {len(body)}", "connection: close"])
    return f"{head}\r\n\r\n{body}".encode()


def refusal(status: str, code: str, *headers: str) -> bytes:
    return answer(status, f"<Error><Code>{code}</Code><Message>{SECRET}</Message></Error>", *headers)


@asynccontextmanager
async def served(content: bytes) -> AsyncGenerator[tuple[Server, S3Objects]]:
    server = Server(content)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        client = s3_client(endpoint_url=f"http://127.0.0.1:{port}", region="auto", access_key="key", secret_key=SECRET)
        yield server, S3Objects(client, "keyframe")
        client.close()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (refusal("403 Forbidden", "AccessDenied"), "denies access"),
        (refusal("403 Forbidden", "RequestTimeTooSkewed"), "clock"),
        (refusal("401 Unauthorized", "Unauthorized"), "S3_SECRET_ACCESS_KEY"),
        (refusal("400 Bad Request", "AuthorizationHeaderMalformed"), "S3_REGION"),
        (refusal("404 Not Found", "NoSuchBucket"), "S3_BUCKET"),
        (refusal("500 Internal Server Error", "InternalError"), "answers with an error"),
        (refusal("503 Service Unavailable", "SlowDown"), "limits our requests"),
        (answer("502 Bad Gateway", "<html>Bad gateway"), "answers with an error"),
        (answer("200 OK", "<!doctype html><p>A web site"), "answers with an error"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "cannot be reached"),
        (b"", "cannot be reached"),
    ],
)
async def test_a_refusal_is_one_request_and_one_sentence(content: bytes, message: str) -> None:
    async with served(content) as (server, store):
        with pytest.raises(Unavailable, match=message) as refused:
            await anext(store.list("artefacts/"))
    assert server.requests == 1
    assert refused.value.on == "object store"
    assert SECRET not in str(refused.value)


async def test_a_web_site_that_takes_anything_is_no_store() -> None:
    async with served(answer("200 OK", "<html>Welcome</html>")) as (_, store):
        for call in (
            store.put("a/b", b"", content_type="text/plain"),
            store.create("a/b", b"", content_type="text/plain"),
            store.head("a/b"),
            anext(store.list("a/")),
        ):
            with pytest.raises(Unavailable, match="no S3 server"):
                await call


async def test_an_address_that_knows_nothing_is_no_store() -> None:
    async with served(answer("404 Not Found")) as (_, store):
        for call in (
            store.preflight(),
            store.put("a/b", b"", content_type="text/plain"),
            store.create("a/b", b"", content_type="text/plain"),
            store.head("a/b"),
        ):
            with pytest.raises(Unavailable, match="no S3 server"):
                await call


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (("retry-after: 7",), 7.0),
        (("date: Sat, 01 Aug 2026 12:00:00 GMT", "retry-after: Sat, 01 Aug 2026 12:01:30 GMT"), 90.0),
        (("date: Sat, 01 Aug 2026 12:00:00 GMT", "retry-after: Sat, 01 Aug 2026 11:00:00 GMT"), 0.0),
        (("retry-after: soon",), None),
        (("retry-after: -1",), None),
        ((), None),
    ],
)
async def test_how_long_to_wait_is_the_servers_to_say(headers: tuple[str, ...], seconds: float | None) -> None:
    async with served(refusal("429 Too Many Requests", "TooManyRequests", *headers)) as (_, store):
        with pytest.raises(Unavailable, match="limits our requests") as refused:
            await store.get("artefacts/job/picture")
    assert refused.value.retry_after == seconds


async def test_a_body_that_ends_too_soon_is_no_object() -> None:
    cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\nhalf"
    async with served(cut) as (_, store):
        with pytest.raises(Unavailable):
            await store.get("artefacts/job/picture")
        with pytest.raises(Unavailable):
            _ = [piece async for piece in store.stream("artefacts/job/picture")]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ConnectTimeoutError(endpoint_url="http://127.0.0.1"), "does not answer in time"),
        (ReadTimeoutError(endpoint_url="http://127.0.0.1"), "does not answer in time"),
        (NoCredentialsError(), "needs a key: set S3_ACCESS_KEY_ID"),
        (OSError(28, "No space left on device"), "the disk of this machine is full"),
        (ConnectionResetError(), "cannot be reached"),
    ],
)
def test_an_error_of_the_connection_is_one_sentence(error: Exception, message: str) -> None:
    failure = translated(error, "artefacts/job/picture")
    assert isinstance(failure, Unavailable)
    assert message in str(failure)
