"""What every script writer does, over each way in which it writes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.errors import Permanent, StageError
from schemas.media import MAX_SCENES, MIN_SCENES, Attribution
from schemas.options import styles
from services.script.drafts import check_draft, cleaned, decode, encode
from services.script.offline_writer import OfflineWriter
from services.script.ports import Article, Brief, ScriptWriter
from tests.builders import unbilled

DATA = Path(__file__).parent.parent / "data"
ESSAY = (DATA / "article_essay.txt").read_text(encoding="utf-8")
SOURCE = Attribution(title="Tide mill", url="https://en.wikipedia.org/wiki/Tide_mill", licence="CC BY-SA 4.0")


class OneArticle:
    """An encyclopedia that knows one article."""

    async def find(self, topic: str, language: str) -> Article:
        if "tide" not in topic.casefold():
            raise Permanent(f"there is no article about {topic}")
        return Article(ESSAY, SOURCE)


def from_text() -> tuple[ScriptWriter, str, str | None]:
    return OfflineWriter(None), "The tide mill", ESSAY


def from_sample() -> tuple[ScriptWriter, str, str | None]:
    return OfflineWriter(None), "Why coral reefs matter", None


def from_article() -> tuple[ScriptWriter, str, str | None]:
    return OfflineWriter(OneArticle()), "How tide mills work", None


Way = Callable[[], tuple[ScriptWriter, str, str | None]]
WAYS: list[Way] = [from_text, from_sample, from_article]


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def way(request: pytest.FixtureRequest) -> tuple[ScriptWriter, str, str | None]:
    return request.param()


@pytest.mark.parametrize("style", styles())
@pytest.mark.parametrize("scene_count", [MIN_SCENES, 10, MAX_SCENES])
async def test_it_writes_as_many_scenes_as_asked_for(
    way: tuple[ScriptWriter, str, str | None], style: str, scene_count: int
) -> None:
    writer, prompt, source = way
    draft = await writer.write(Brief(prompt, styles()[style], "en", scene_count, source), unbilled())
    assert len(draft.scenes) == scene_count
    assert all(scene.narration.strip() and scene.image_prompt.strip() for scene in draft.scenes)
    check_draft(cleaned(draft), scene_count)


async def test_a_draft_survives_being_stored(way: tuple[ScriptWriter, str, str | None]) -> None:
    writer, prompt, source = way
    draft = await writer.write(Brief(prompt, styles()["Educational"], "en", 10, source), unbilled())
    assert decode(encode(draft)) == draft


async def test_what_is_not_the_users_own_is_attributed(way: tuple[ScriptWriter, str, str | None]) -> None:
    writer, prompt, source = way
    draft = await writer.write(Brief(prompt, styles()["Educational"], "en", 10, source), unbilled())
    assert bool(draft.attributions) is (source is None)
    assert all(one.url.startswith("https://") and one.title and one.licence for one in draft.attributions)


async def test_it_has_a_name_and_a_version(way: tuple[ScriptWriter, str, str | None]) -> None:
    writer = way[0]
    assert writer.name
    assert writer.model


async def test_what_cannot_be_written_is_one_of_the_three_errors(way: tuple[ScriptWriter, str, str | None]) -> None:
    writer = way[0]
    with pytest.raises(StageError) as caught:
        await writer.write(Brief("zyxwv qwrt", styles()["Educational"], "en", 10, "Two words."), unbilled())
    assert "\n" not in str(caught.value)
