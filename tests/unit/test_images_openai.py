"""The painter over image APIs in OpenAI's shape, against a server that speaks Nebius' protocol."""

import asyncio
import base64
import io
import json
import struct
import time
import zlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest
from PIL import Image

from runtime.bill import Bill, Budget
from runtime.errors import Permanent, StageError, Transient, Unavailable
from runtime.limits import Limiter
from schemas.prices import usd
from services.images.image_server import ImageServer
from services.images.openai_images_painter import OpenAIImagesPainter
from services.images.picture import check_picture
from services.images.ports import PictureRequest, Refused
from services.images.presets import presets
from services.images.refused_elsewhere import RefusedElsewhere
from tests.builders import unbilled
from tests.images_server import (
    FOREVER,
    KEY,
    MODEL,
    Answer,
    ImagesServer,
    error,
    images_server,
    json_answer,
    link,
    picture,
)
from tests.pictures import FakePainter, encoded

SIZE = (256, 256)
FOX = PictureRequest("A fox reads a book under a tree.", "storybook", *SIZE, seed=7)
PRICE = usd("nebius", MODEL, {"images": 1})


@pytest.fixture
async def server() -> AsyncIterator[ImagesServer]:
    async with images_server() as running:
        yield running


def painter(
    url: str, *, key: str = KEY, model: str = MODEL, deadline: float = 20.0, at_once: int = 4, **body: Any
) -> OpenAIImagesPainter:
    preset = presets()["nebius"]
    preset = preset.model_copy(update={"body": {**preset.body, **body}})
    server = ImageServer(url, key, "nebius", "NEBIUS_API_KEY", "NEBIUS_BASE_URL", "NEBIUS_MODEL")
    return OpenAIImagesPainter(preset, server, model, Limiter(per_minute=None, at_once=at_once), deadline)


def bomb() -> bytes:
    """A PNG of a few hundred bytes whose header promises ten gigapixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"><rect width="9" height="9"/></svg>'
WHOLE = picture(encoded(*SIZE, kind="PNG")).body


async def refusal(server: ImagesServer, answer: Answer, bill: Bill | None = None, **more: Any) -> StageError:
    """How the painter fails when the server answers so."""
    server.script = [answer]
    return await failing(painter(server.url, **more), bill)


async def failing(painter: OpenAIImagesPainter, bill: Bill | None = None) -> StageError:
    """How painting fails, by then a sentence without a secret all along its chain."""
    with pytest.raises(StageError) as caught:
        check_picture((await painter.paint(FOX, bill or unbilled())).data, *SIZE)
    told, at = "", caught.value
    while at is not None:
        told += f"{at!s}{at!r}"
        at = at.__cause__ or at.__context__
    assert KEY not in told
    assert "Bearer" not in told
    assert "\n" not in str(caught.value)
    return caught.value


async def test_it_asks_for_the_picture_as_the_api_wants_it(server: ImagesServer) -> None:
    painted = await painter(server.url).paint(FOX, bill := unbilled())
    check_picture(painted.data, *SIZE)
    assert (painted.provider, painted.degraded) == ("nebius", None)
    (asked,) = server.asked
    assert (asked.width, asked.height, asked.seed, asked.num_inference_steps) == (*SIZE, 7, 4)
    assert asked.prompt.startswith("A fox reads a book under a tree. layered paper-cut")
    assert asked.prompt.endswith("no text, letters or logos")
    (charge,) = bill.charges
    assert (charge.provider, charge.model, charge.units, charge.usd) == ("nebius", MODEL, {"images": 1}, PRICE)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("form", ["b64_json", "url"])
async def test_it_takes_every_format_as_base64_and_by_address(server: ImagesServer, kind: str, form: str) -> None:
    server.kind = kind
    painted = await painter(server.url, response_format=form).paint(FOX, unbilled())
    assert Image.open(io.BytesIO(painted.data)).format == kind
    assert server.paid == 1
    assert all("authorization" not in headers for headers in server.got)


async def test_an_expired_address_is_looked_at_twice_and_paid_once(server: ImagesServer) -> None:
    server.files["/expired"] = Answer(b"<Error>Request has expired</Error>", 403)
    wrong = await refusal(server, link(f"{server.origin}/expired"), bill := unbilled())
    assert isinstance(wrong, Transient)
    assert "expired" in str(wrong)
    assert (server.paid, len(server.got), len(bill.charges)) == (1, 2, 1)


async def test_openais_own_variables_are_not_told_to_others(
    server: ImagesServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_API_KEY", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "openai-s3cret")
    await painter(server.url).paint(FOX, unbilled())
    assert "openai-s3cret" not in str(server.callers)


async def test_a_picture_of_another_size_is_not_taken(server: ImagesServer) -> None:
    wrong = await refusal(server, picture(encoded(128, 128, kind="PNG")))
    assert isinstance(wrong, Transient)
    assert "128x128" in str(wrong)


UNUSABLE = {
    "svg": picture(SVG),
    "html picture": picture(b"<!doctype html><title>502</title>"),
    "bomb": picture(bomb()),
    "half a picture": picture(encoded(*SIZE, kind="PNG")[:2000]),
    "truncated base64": json_answer({"data": [{"b64_json": base64.b64encode(encoded(*SIZE)).decode()[:1001]}]}),
    "not base64": json_answer({"data": [{"b64_json": "pictures, pictures"}]}),
    "truncated json": Answer(WHOLE[:500]),
    "html": Answer(b"<html><body>Bad gateway</body></html>", headers={"content-type": "text/html"}),
    "not an object": json_answer([1, 2]),
    "no data": json_answer({"created": 1}),
    "no pictures": json_answer({"data": []}),
    "wrong types": json_answer({"data": [{"b64_json": 7, "url": ["x"]}]}),
    "data is a text": json_answer({"data": "picture"}),
    "nulls": json_answer({"data": [{"b64_json": None, "url": None}]}),
    "cut off": Answer(WHOLE[:2000], length=len(WHOLE)),
    "reset after the work": Answer(WHOLE[:2000], length=len(WHOLE), reset="after"),
    "compressed": Answer(zlib.compress(bytes(100)), headers={"content-encoding": "deflate"}),
    "endless": Answer(bytes(30_000_000)),
}


@pytest.mark.parametrize("answer", UNUSABLE.values(), ids=UNUSABLE.keys())
async def test_an_unusable_answer_is_tried_again_later_and_is_paid_for(server: ImagesServer, answer: Answer) -> None:
    wrong = await refusal(server, answer, bill := unbilled())
    assert isinstance(wrong, Transient)
    assert [charge.usd for charge in bill.charges] == ([] if answer.headers.get("content-encoding") else [PRICE])


TRANSIENT = {
    "500": error(500, "boom"),
    "502 in html": Answer(b"<h1>Bad gateway</h1>", 502),
    "504": error(504),
    "408": error(408),
    "wrong types": json_answer({"error": {"message": 7, "code": ["b"]}}, 500),
    "reset before the work": Answer(reset="before"),
}


@pytest.mark.parametrize("answer", TRANSIENT.values(), ids=TRANSIENT.keys())
async def test_a_failure_of_this_call_may_pass(server: ImagesServer, answer: Answer) -> None:
    wrong = await refusal(server, answer, bill := unbilled())
    assert isinstance(wrong, Transient)
    assert bill.charges == []


@pytest.mark.parametrize("answer", [Answer(delay=FOREVER), Answer(WHOLE, drip=0.05)], ids=["hang", "slow drip"])
async def test_the_deadline_holds_over_the_whole_call(server: ImagesServer, answer: Answer) -> None:
    began = time.monotonic()
    wrong = await refusal(server, answer, deadline=0.5)
    assert isinstance(wrong, Transient)
    assert "in time" in str(wrong)
    assert time.monotonic() - began < 10


REFUSED = {
    "401": (error(401, f"Incorrect API key provided: {KEY}"), "NEBIUS_API_KEY"),
    "403": (json_answer({"detail": "Forbidden"}, 403), "NEBIUS_API_KEY"),
    "402": (json_answer({"detail": "Payment required"}, 402), "credit"),
    "quota": (error(429, "You exceeded your current quota", "insufficient_quota"), "credit"),
    "no such model": (error(404, "The model `flux` does not exist", "model_not_found"), "NEBIUS_MODEL"),
    "no such model by 400": (error(400, "model flux does not exist"), "NEBIUS_MODEL"),
    "wrong path": (Answer(b"not found", 404), "NEBIUS_BASE_URL"),
    "redirect": (Answer(status=307, headers={"location": "http://10.0.0.1/v1/images/generations"}), "NEBIUS_BASE_URL"),
}


@pytest.mark.parametrize(("answer", "remedy"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_somebody_has_to_mend_names_the_remedy(server: ImagesServer, answer: Answer, remedy: str) -> None:
    wrong = await refusal(server, answer)
    assert isinstance(wrong, Unavailable)
    assert wrong.on == "nebius"
    assert remedy in str(wrong)


LIMITED = {
    "none said": (error(429), None),
    "seconds": (error(429, retry_after="7"), 7.0),
    "a date": (
        error(429, retry_after="Sun, 06 Nov 1994 08:49:47 GMT", date="Sun, 06 Nov 1994 08:49:37 GMT"),
        10.0,
    ),
    "milliseconds": (error(429, retry_after_ms="1500"), 1.5),
    "reset": (error(429, **{"x-ratelimit-reset-requests": "6m0s"}), 360.0),
    "nonsense": (error(429, retry_after="soon"), None),
    "503": (error(503, retry_after="3"), 3.0),
    "529": (error(529), None),
}


@pytest.mark.parametrize(("answer", "seconds"), LIMITED.values(), ids=LIMITED.keys())
async def test_a_limit_says_when_to_come_back(server: ImagesServer, answer: Answer, seconds: float | None) -> None:
    wrong = await refusal(server, answer)
    assert isinstance(wrong, Unavailable)
    assert wrong.retry_after == seconds


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1/", "http://no-such-host.invalid/v1/"])
async def test_an_address_where_nobody_is_names_the_setting(url: str) -> None:
    wrong = await failing(painter(url))
    assert isinstance(wrong, Unavailable)
    assert "NEBIUS_BASE_URL" in str(wrong)


POLICY = {
    "openai": error(400, "Your request was rejected by the safety system.", "moderation_blocked"),
    "old openai": error(400, "Rejected.", "content_policy_violation"),
    "fastapi": json_answer({"detail": "NSFW content detected in the prompt"}, 422),
    "forbidden": error(403, "The prompt was flagged by moderation."),
}


@pytest.mark.parametrize("answer", POLICY.values(), ids=POLICY.keys())
async def test_a_refusal_for_the_content_is_told_with_its_reason(server: ImagesServer, answer: Answer) -> None:
    wrong = await refusal(server, answer)
    assert isinstance(wrong, Refused)
    said = json.loads(answer.body)
    assert (said.get("detail") or said["error"]["message"]) in str(wrong)


async def test_the_reason_is_one_short_line_without_the_key_or_an_address(server: ImagesServer) -> None:
    wrong = await refusal(server, error(400, f"bad\n\x1b[31m{KEY} at https://u:p@10.0.0.1/x?sig=1 " + "x" * 900))
    assert isinstance(wrong, Permanent)
    assert "10.0.0.1" not in str(wrong)
    assert "\x1b" not in str(wrong)
    assert len(str(wrong)) < 300


async def test_what_one_painter_refuses_another_paints_and_it_shows(server: ImagesServer) -> None:
    server.refused = {"fox": POLICY["openai"]}
    other = FakePainter()
    both = RefusedElsewhere(painter(server.url), other)
    painted = await both.paint(FOX, unbilled())
    assert painted.provider == "offline"
    assert "safety system" in str(painted.degraded)
    untouched = await both.paint(PictureRequest("A hare.", "storybook", *SIZE, seed=8), unbilled())
    assert (untouched.provider, untouched.degraded) == ("nebius", None)
    assert other.asked == [FOX]


async def test_only_a_refusal_goes_elsewhere(server: ImagesServer) -> None:
    both = RefusedElsewhere(painter(server.url), FakePainter())
    with pytest.raises(Permanent, match="budget"):
        await both.paint(FOX, Bill(Budget(0.001)))
    assert server.asked == []


async def test_no_more_calls_are_under_way_than_the_limit_allows(server: ImagesServer) -> None:
    server.pause = 0.05
    one = painter(server.url, at_once=2)
    await asyncio.gather(*(one.paint(FOX, unbilled()) for _ in range(6)))
    assert (server.paid, server.most_at_work) == (6, 2)


async def test_a_preflight_that_passes_costs_nothing(server: ImagesServer) -> None:
    await painter(server.url).preflight()
    assert server.paid == 0


@pytest.mark.parametrize("models", [json_answer({"detail": "Not Found"}, 404), json_answer({"data": []})])
async def test_a_server_without_a_list_of_models_passes(server: ImagesServer, models: Answer) -> None:
    server.models = models
    await painter(server.url).preflight()


PREFLIGHT: dict[str, tuple[Callable[[str], OpenAIImagesPainter], str]] = {
    "key": (partial(painter, key="another"), "NEBIUS_API_KEY"),
    "model": (partial(painter, model="flux-2"), "NEBIUS_MODEL"),
    "address": (lambda _: painter("http://127.0.0.1:1/v1/"), "NEBIUS_BASE_URL"),
}


@pytest.mark.parametrize(("wrong", "remedy"), PREFLIGHT.values(), ids=PREFLIGHT.keys())
async def test_a_preflight_names_what_is_wrong(
    server: ImagesServer, wrong: Callable[[str], OpenAIImagesPainter], remedy: str
) -> None:
    with pytest.raises(Unavailable, match=remedy):
        await wrong(server.url).preflight()
    assert server.paid == 0


async def test_a_preflight_over_a_failing_server_is_unavailable(server: ImagesServer) -> None:
    server.models = error(500)
    with pytest.raises(Unavailable):
        await painter(server.url).preflight()
