"""What every script writer does, over each way in which it writes."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from runtime.errors import Permanent, StageError
from schemas.media import MAX_SCENES, MIN_SCENES, Attribution
from schemas.options import styles
from services.script.app import ScriptSettings, writers
from services.script.drafts import check_draft, cleaned, decode, encode
from services.script.offline_writer import OfflineWriter
from services.script.ports import Article, Brief, ScriptWriter
from tests.builders import unbilled
from tests.openai_server import OpenAIServer, openai_server

DATA = Path(__file__).parent.parent / "data"
ESSAY = (DATA / "article_essay.txt").read_text(encoding="utf-8")
SOURCE = Attribution(title="Tide mill", url="https://en.wikipedia.org/wiki/Tide_mill", licence="CC BY-SA 4.0")


class OneArticle:
    """An encyclopedia that knows one article."""

    async def find(self, topic: str, language: str) -> Article:
        if "tide" not in topic.casefold():
            raise Permanent(f"there is no article about {topic}")
        return Article(ESSAY, SOURCE)


@dataclass(frozen=True)
class Way:
    """A writer, and something that it can write about."""

    writer: ScriptWriter
    prompt: str
    source: str | None = None
    is_attributed: bool = False


def from_text(server: OpenAIServer) -> Way:
    return Way(OfflineWriter(None), "The tide mill", ESSAY)


def from_sample(server: OpenAIServer) -> Way:
    return Way(OfflineWriter(None), "Why coral reefs matter", is_attributed=True)


def from_article(server: OpenAIServer) -> Way:
    return Way(OfflineWriter(OneArticle()), "How tide mills work", is_attributed=True)


def from_model(server: OpenAIServer) -> Way:
    settings = ScriptSettings(provider="openai", OPENAI_BASE_URL=server.url, OPENAI_API_KEY="sk-contract")
    return Way(writers(settings)[0], "How tide mills work")


def from_model_and_text(server: OpenAIServer) -> Way:
    return replace(from_model(server), source=ESSAY)


WAYS: list[Callable[[OpenAIServer], Way]] = [from_text, from_sample, from_article, from_model, from_model_and_text]


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with openai_server() as running:
        yield running


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def way(request: pytest.FixtureRequest, server: OpenAIServer) -> Way:
    return request.param(server)


@pytest.mark.parametrize("style", styles())
@pytest.mark.parametrize("scene_count", [MIN_SCENES, 10, MAX_SCENES])
async def test_it_writes_as_many_scenes_as_asked_for(way: Way, style: str, scene_count: int) -> None:
    draft = await way.writer.write(Brief(way.prompt, styles()[style], "en", scene_count, way.source), unbilled())
    assert len(draft.scenes) == scene_count
    assert all(scene.narration.strip() and scene.image_prompt.strip() for scene in draft.scenes)
    check_draft(cleaned(draft), scene_count)


async def test_a_draft_survives_being_stored(way: Way) -> None:
    draft = await way.writer.write(Brief(way.prompt, styles()["Educational"], "en", 10, way.source), unbilled())
    assert decode(encode(draft)) == draft


async def test_what_is_quoted_is_attributed(way: Way) -> None:
    draft = await way.writer.write(Brief(way.prompt, styles()["Educational"], "en", 10, way.source), unbilled())
    assert bool(draft.attributions) is way.is_attributed
    assert all(one.url.startswith("https://") and one.title and one.licence for one in draft.attributions)


async def test_it_has_a_name_and_a_version(way: Way) -> None:
    assert way.writer.name
    assert way.writer.model


async def test_what_cannot_be_written_is_one_of_the_three_errors(way: Way) -> None:
    with pytest.raises(StageError) as caught:
        await way.writer.write(Brief("zyxwv qwrt", styles()["Educational"], "en", 10, "Two words."), unbilled())
    assert "\n" not in str(caught.value)


async def test_its_preflight_passes_where_it_can_write(way: Way) -> None:
    await way.writer.preflight()
