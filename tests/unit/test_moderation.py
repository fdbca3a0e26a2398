"""Moderation: what each adapter refuses, and what it lets pass."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from runtime.errors import Permanent, Transient, Unavailable
from runtime.moderation import ModerationSettings, Moderator, moderator
from runtime.moderation.wordlist import WordList, fold
from services.script.samples import samples
from tests.openai_server import OpenAIServer, Reply, error, openai_server, told

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with openai_server() as running:
        yield running


def hosted(server: OpenAIServer) -> Moderator:
    return moderator(
        ModerationSettings(KEYFRAME_MODERATION="openai", OPENAI_BASE_URL=server.url, OPENAI_API_KEY="sk-m")
    )


def verdict(*categories: str) -> dict[str, Any]:
    known = dict.fromkeys(("hate", "violence", "sexual/minors", "illicit"), False) | dict.fromkeys(categories, True)
    return {"flagged": bool(categories), "categories": known, "category_scores": {}}


def verdicts(*results: dict[str, Any]) -> Reply:
    return told({"id": "modr-1", "model": "omni-moderation-latest", "results": list(results)})


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Tell them: go kill yourself", "self-harm"),
        ("How to build a PIPE  bomb, in ten steps", "instructions for violence"),
        ("h0w to m@ke a p1pe b0mb", "instructions for violence"),
        ("how-to-make a pipe\nbomb", "instructions for violence"),
        ("child\u200b pornography", "sexual content about minors"),
        ("c.h.i.l.d p_o_r_n", "sexual content about minors"),
        ("Hítler was right!", "hate"),
    ],
)
async def test_the_word_list_refuses_the_unmistakable(text: str, category: str) -> None:
    with pytest.raises(Permanent, match=f"refused by moderation: {category}"):
        await WordList().review(["A good text.", text])


@pytest.mark.parametrize(
    "text",
    [
        "The Trinity test showed how to make a bomb out of plutonium.",
        "Operation Wetback, Sieg Heil and the Holocaust are taught in history lessons.",
        "Scunthorpe, Essex, Niger and Nigeria; a chink in the armour; the Maine Coon; spick and span.",
        "Suicide prevention saves lives: call a helpline.",
        "In 1984, 50 Cent paid $5 @ 10:30, 100% of 3.14!",
        "Der Wolf und die sieben Geißlein.",
        "日本の橋の歴史",
    ],
)
async def test_the_word_list_lets_the_innocent_pass(text: str) -> None:
    await WordList().review([text])


async def test_all_samples_and_articles_pass() -> None:
    told_by_us = [repr(sample) for sample in samples().values()]
    articles = [path.read_text(encoding="utf-8") for path in sorted(DATA.glob("*.*")) if path.suffix in (".txt", ".md")]
    assert len(told_by_us) > 10
    assert len(articles) > 3
    await WordList().review(told_by_us + articles)


def test_numbers_stay_numbers() -> None:
    assert fold("1984 and w0rds") == "1984 and words"


async def test_nothing_is_refused_where_moderation_is_off(server: OpenAIServer) -> None:
    off = moderator(ModerationSettings(KEYFRAME_MODERATION="none", OPENAI_BASE_URL=server.url))
    await off.review(["go kill yourself"])
    assert server.asked == []


def test_the_word_list_is_the_default() -> None:
    assert isinstance(moderator(ModerationSettings()), WordList)


async def test_openai_sees_all_texts_in_one_request(server: OpenAIServer) -> None:
    server.replies["/v1/moderations"] = [verdicts(verdict(), verdict(), verdict())]
    await hosted(server).review(["a" * 9_000, " ", "b" * 9_000])
    (request,) = server.of("/moderations")
    assert request.body["model"] == "omni-moderation-latest"
    assert "".join(request.body["input"]) == "a" * 9_000 + "\n" + "b" * 9_000


async def test_nothing_to_look_at_is_not_sent(server: OpenAIServer) -> None:
    await hosted(server).review(["", "  "])
    assert server.asked == []


async def test_openais_categories_are_told_in_plain_words(server: OpenAIServer) -> None:
    server.replies["/v1/moderations"] = [verdicts(verdict("sexual/minors", "illicit", "brand-new"))]
    with pytest.raises(Permanent, match="sexual content about minors, instructions for crime, brand-new"):
        await hosted(server).review(["text"])


async def test_a_flag_without_a_category_refuses_too(server: OpenAIServer) -> None:
    server.replies["/v1/moderations"] = [verdicts({"flagged": True, "categories": {}})]
    with pytest.raises(Permanent, match="against the policy"):
        await hosted(server).review(["text"])


@pytest.mark.parametrize(
    "reply",
    [
        verdicts(),
        verdicts(verdict(), verdict()),
        verdicts({"flagged": "no", "categories": {}}),
        told([]),
        Reply(b"<html>", content_type="text/html"),
        error(500, "Oops"),
    ],
)
async def test_what_cannot_be_read_lets_nothing_pass(server: OpenAIServer, reply: Reply) -> None:
    server.replies["/v1/moderations"] = [reply]
    with pytest.raises(Transient):
        await hosted(server).review(["text"])


async def test_a_server_without_moderation_names_the_remedy(server: OpenAIServer) -> None:
    with pytest.raises(Unavailable, match="set KEYFRAME_MODERATION=wordlist"):
        await hosted(server).review(["text"])
