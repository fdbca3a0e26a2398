"""What every painter does, over each of them."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from runtime.errors import Permanent
from schemas.media import AspectRatio
from services.images.app import ImagesSettings, painters
from services.images.looks import looks
from services.images.picture import check_picture, content_type
from services.images.ports import Painter, PictureRequest
from tests.builders import unbilled
from tests.images_server import KEY, ImagesServer, images_server


@asynccontextmanager
async def offline() -> AsyncGenerator[Painter]:
    yield painters(ImagesSettings(provider=("offline",)))[0]


@asynccontextmanager
async def nebius() -> AsyncGenerator[Painter]:
    async with images_server() as server:
        yield painters(ImagesSettings(provider=("nebius",), **account(server)))[0]
        assert server.invalid == []


def account(server: ImagesServer) -> dict[str, Any]:
    """The settings of an account at the stand-in, as they stand in the environment."""
    return {"NEBIUS_API_KEY": f"{KEY}\n", "NEBIUS_BASE_URL": server.url}


PAINTERS: Mapping[str, Callable[[], AbstractAsyncContextManager[Painter]]] = {"offline": offline, "nebius": nebius}

SMALL = (512, 512)

HOSTILE = {
    "emoji": "🎉🐙🚀 👩‍🚀",
    "right to left": "القطة تنام على السرير\u200e \u202eabc",
    "chinese": "从前有一只小狐狸住在森林边上。",
    "empty": " ",
    "zero width": "\u200b\u200b",
    "control characters": "a\x00cat\x07\x1b[31m",
    "markup": '"/></svg><image href="file:///etc/passwd"/><!--<![CDATA[ &amp; &#0; {\\fs200}',
    "half a surrogate": "a cat \ud83d",
    "long": "The cat sat on the mat. " * 420,
    "one long word": "x" * 10_000,
}


@pytest.fixture(params=PAINTERS)
async def painter(request: pytest.FixtureRequest) -> AsyncGenerator[Painter]:
    async with PAINTERS[request.param]() as one:
        yield one


def request(prompt: str, *, look: str = "storybook", size: tuple[int, int] = (1344, 768)) -> PictureRequest:
    return PictureRequest(prompt, look, *size, seed=7)


def test_it_says_who_paints(painter: Painter) -> None:
    assert painter.name
    assert painter.model


@pytest.mark.parametrize("ratio", list(AspectRatio))
@pytest.mark.parametrize("look", sorted(looks()))
async def test_it_paints_every_look_in_every_shape(painter: Painter, look: str, ratio: AspectRatio) -> None:
    size = ratio.keyframe_size
    painted = await painter.paint(request("A fox reads a book under a tree.", look=look, size=size), unbilled())
    check_picture(painted.data, *size)
    assert content_type(painted.data) in {"image/png", "image/jpeg", "image/webp"}
    assert (painted.provider, painted.degraded) == (painter.name, None)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_hostile_text_gives_a_picture(painter: Painter, text: str) -> None:
    painted = await painter.paint(request(text, size=SMALL), unbilled())
    check_picture(painted.data, *SMALL)


async def test_a_look_that_nobody_knows_is_a_permanent_failure(painter: Painter) -> None:
    with pytest.raises(Permanent, match="look"):
        await painter.paint(request("A fox.", look="oil on velvet"), unbilled())
