"""One call to an OpenAI-compatible server: what each way of failing means, and that no key gets out."""

import asyncio
import gzip
import json
import logging
import socket
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace

import openai
import pytest

from runtime.errors import Permanent, StageError, Transient, Unavailable
from runtime.limits import Limiter
from runtime.openai_api.client import MAX_BYTES, Client
from runtime.openai_api.models import check_served
from runtime.openai_api.refusals import Refused, Server, asked_pause
from schemas.options import styles
from services.script.app import ScriptSettings
from services.script.openai_writer import OpenAIWriter
from services.script.ports import Brief
from tests.builders import unbilled
from tests.openai_server import OpenAIServer, Reply, error, openai_server, said, told
from tests.waiting import until

KEY = "sk-proj-Zq81secretXw"
BRIEF = Brief("How mills turn", styles()["Educational"], "en", 3)
HTML = b"<!doctype html><html><body>Bad gateway</body></html>"


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with openai_server() as running:
        yield running


def client(url: str, key: str | None = KEY, deadline: float = 10.0) -> Client:
    return Client(Server(url, key), Limiter(per_minute=None, at_once=2), deadline)


async def failure(reached: Client) -> StageError:
    """What writing a script fails with."""
    with pytest.raises(StageError) as caught:
        await OpenAIWriter(reached, "gpt-4o-mini", 2).write(BRIEF, unbilled())
    return caught.value


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.parametrize(
    ("reply", "remedy"),
    [
        (error(401, f"Incorrect API key provided: {KEY}.", code="invalid_api_key"), "the key: check OPENAI_API_KEY"),
        (error(400, "Please pass a valid API key", code="invalid_api_key"), "the key: check OPENAI_API_KEY"),
        (error(401, "You have insufficient permissions. Missing scopes: model.request"), "lacks a right"),
        (error(403, "No access"), "check the rights of the key in OPENAI_API_KEY"),
        (error(403, "Not here", code="unsupported_country_region_territory"), "the country"),
        (error(429, "You exceeded your quota", code="insufficient_quota"), "quota of .* is used up: add credit"),
        (told({"error": {"message": "Insufficient Balance"}}, status=402), "quota of .* is used up"),
        (error(404, "The model `gpt-4o-mini` does not exist", code="model_not_found"), "check OPENAI_MODEL"),
        (told({"error": {"message": 'model "x" not found, try pulling it first'}}, status=404), "check OPENAI_MODEL"),
        (told({"error": "No models loaded. Please load a model"}, status=400), "check OPENAI_MODEL"),
        (Reply(b"404 page not found", status=404, content_type="text/plain"), "check OPENAI_BASE_URL"),
        (Reply(HTML, status=405, content_type="text/html"), "check OPENAI_BASE_URL"),
        (Reply(b"", status=301, headers={"location": "https://elsewhere.example/v1"}), "check OPENAI_BASE_URL"),
    ],
)  # fmt: skip
async def test_a_refusal_of_ours_names_the_remedy(server: OpenAIServer, reply: Reply, remedy: str) -> None:
    server.chat(reply)
    refusal = await failure(client(server.url))
    assert isinstance(refusal, Unavailable)
    assert (refusal.on, refusal.refused) == ("openai", True)
    with pytest.raises(Unavailable, match=remedy):
        raise refusal
    assert len(server.chats) == 1


@pytest.mark.parametrize(
    ("reply", "pause"),
    [
        (error(429, "Slow down"), None),
        (error(429, "Slow down", retry_after="7"), 7),
        (error(429, "Slow down", retry_after_ms="1500", retry_after="2"), 1.5),
        (
            error(429, "Slow down", date="Sun, 01 Nov 2026 10:00:00 GMT", retry_after="Sun, 01 Nov 2026 10:00:30 GMT"),
            30,
        ),
        (error(503, "Overloaded", retry_after="3"), 3),
        (error(529, "Overloaded"), None),
        (error(500, "Wait", retry_after="4"), 4),
        (Reply(HTML, status=503, content_type="text/html"), None),
    ],
)
async def test_a_limit_is_waited_out(server: OpenAIServer, reply: Reply, pause: float | None) -> None:
    server.chat(reply)
    limit = await failure(client(server.url))
    assert isinstance(limit, Unavailable)
    assert (limit.retry_after, limit.refused) == (pause, False)
    assert len(server.chats) == 1


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-reset-requests": "1h2m3.5s", "x-ratelimit-reset-tokens": "20ms"}, 3723.5),
        (
            {
                "x-ratelimit-reset-requests": "8s",
                "x-ratelimit-reset-tokens": "20ms",
                "x-ratelimit-remaining-tokens": "0",
            },
            0.02,
        ),
        ({"x-ratelimit-reset-requests": "9999h"}, 86_400),
        ({"x-ratelimit-reset-requests": "soon"}, None),
        ({"retry-after-ms": "nan"}, None),
        ({"Retry-After-MS": "250"}, 0.25),
        ({}, None),
    ],
)
def test_the_pause_is_read_from_what_vendors_send(headers: dict[str, str], pause: float | None) -> None:
    assert asked_pause(headers) == pause


WHOLE = len(said("x").body)


@pytest.mark.parametrize(
    "reply",
    [
        error(500, "Oops"),
        error(502, "Oops"),
        Reply(HTML, status=500, content_type="text/html"),
        error(408, "Slow"),
        Reply(HTML, content_type="text/html"),
        Reply(HTML),
        Reply(said("x").body[:60]),
        Reply(b""),
        Reply(b"null"),
        Reply(b"[" * 100_000),
        Reply(b"\xff\xfe{"),
        told({"error": {"message": "as a success"}}),
        told({"choices": []}),
        told({"choices": "none"}),
        told({"choices": [{"message": {"content": 5}}]}),
        Reply(b" " * (MAX_BYTES + 1)),
        Reply(gzip.compress(b" " * (MAX_BYTES + 1)), headers={"content-encoding": "gzip"}),
        Reply(b"not gzip", headers={"content-encoding": "gzip"}),
        replace(said("x"), cut=0),
        replace(said("x"), cut=20),
        replace(said("x"), cut=WHOLE),
    ],
    ids=lambda reply: f"{reply.status}-{reply.body[:24]!r}-{reply.cut}",
)
async def test_a_broken_answer_may_be_whole_the_next_time(server: OpenAIServer, reply: Reply) -> None:
    server.chat(reply)
    assert isinstance(await failure(client(server.url)), Transient)
    assert len(server.chats) == 1


@pytest.mark.parametrize("reply", [Reply(hang=True), Reply(said("x").body, drip=0.02)], ids=["hang", "drip"])
async def test_no_call_outlasts_its_deadline(server: OpenAIServer, reply: Reply) -> None:
    server.chat(reply)
    late = await failure(client(server.url, deadline=0.3))
    assert isinstance(late, Transient)
    assert "did not answer" in str(late)


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
async def test_a_server_that_cannot_be_reached_is_away(host: str) -> None:
    away = await failure(client(f"http://{host}:{closed_port()}/v1"))
    assert isinstance(away, Unavailable)
    assert "cannot be reached: check OPENAI_BASE_URL" in str(away)


async def test_openai_without_a_key_is_not_called() -> None:
    unset = await failure(client("https://api.openai.com/v1", key=None))
    assert isinstance(unset, Unavailable)
    assert "set OPENAI_API_KEY" in str(unset)


async def test_a_server_of_ones_own_needs_no_key(server: OpenAIServer) -> None:
    await OpenAIWriter(client(server.url, key=None), "gpt-4o-mini", 2).write(BRIEF, unbilled())
    assert len(server.chats) == 1


async def test_a_keys_line_break_is_not_sent(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\r\n")
    key = ScriptSettings().openai_api_key
    assert key is not None
    await OpenAIWriter(client(server.url, key.get_secret_value()), "gpt-4o-mini", 2).write(BRIEF, unbilled())
    assert server.chats[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("reply", "said_of_it"),
    [
        (error(401, "Incorrect API key", code="invalid_api_key"), "refuses the key"),
        (error(500, "Oops"), "failed"),
        (error(429, "Slow down", retry_after="2"), "limits"),
        (told({"object": "list", "data": [{"id": "other"}]}), "does not offer the model gpt-4o-mini"),
        (Reply(HTML, content_type="text/html"), "no OpenAI-compatible API: check OPENAI_BASE_URL"),
        (Reply(b"{}"), "no OpenAI-compatible API"),
    ],
)  # fmt: skip
async def test_preflight_tells_what_is_wrong(server: OpenAIServer, reply: Reply, said_of_it: str) -> None:
    server.replies["/v1/models"] = [reply]
    with pytest.raises(Unavailable, match=said_of_it):
        await check_served(client(server.url), "gpt-4o-mini")
    assert server.chats == []


@pytest.mark.parametrize(
    "reply",
    [
        error(404, "Not found"),
        error(405, "Not allowed"),
        error(501, "No such thing"),
        error(403, "You have insufficient permissions for this operation. Missing scopes: api.model.read"),
        told({"object": "list", "data": []}),
    ],
)
async def test_preflight_passes_where_a_server_keeps_no_list(server: OpenAIServer, reply: Reply) -> None:
    server.replies["/v1/models"] = [reply]
    await check_served(client(server.url), "gpt-4o-mini")


async def test_preflight_misses_the_end_of_the_address(server: OpenAIServer) -> None:
    server.replies["/models"] = [error(404, "Not found")]
    with pytest.raises(Unavailable, match="ends in /v1"):
        await check_served(client(server.url.removesuffix("/v1")), "gpt-4o-mini")


async def test_preflight_of_nobody_names_the_address() -> None:
    with pytest.raises(Unavailable, match="check OPENAI_BASE_URL"):
        await check_served(client(f"http://127.0.0.1:{closed_port()}/v1"), "gpt-4o-mini")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 503])
async def test_no_key_gets_out(server: OpenAIServer, status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said_back = f"Bad key {KEY} (Bearer {KEY}) at http://me:{KEY}@host/"
    server.chat(error(status, said_back))
    reached = client(server.url)
    caught = await failure(reached)
    chain: list[BaseException | None] = [caught, caught.__cause__, caught.__context__]
    shown = [str(caught), repr(caught), repr(reached.server), *map(repr, chain), caplog.text]
    shown += traceback.TracebackException.from_exception(caught, capture_locals=False).format()
    assert KEY not in "\n".join(shown)
    assert not any(isinstance(one, openai.OpenAIError) for one in chain)
    assert "\n" not in str(caught)


async def test_a_reason_is_short_and_clean(server: OpenAIServer) -> None:
    server.chat(error(422, f"Bad\x00\n\tthing {'at length ' * 100}"))
    refused = await failure(client(server.url))
    assert isinstance(refused, Refused)
    assert isinstance(refused, Permanent)
    assert "Bad thing at length" in str(refused)
    assert len(str(refused)) < 300


async def test_calls_keep_to_the_limit(server: OpenAIServer) -> None:
    server.chat(Reply(json.dumps({"choices": [{"message": {"content": "x"}}]}).encode(), drip=0.001))
    reached = Client(Server(server.url, KEY), Limiter(per_minute=2, at_once=2), 10.0)
    writer = OpenAIWriter(reached, "gpt-4o-mini", 0)
    calls = [asyncio.create_task(failing(writer)) for _ in range(3)]
    await until(lambda: sum(call.done() for call in calls) == 2)
    assert len(server.chats) == 2
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


async def failing(writer: OpenAIWriter) -> None:
    with pytest.raises(Transient):
        await writer.write(BRIEF, unbilled())
