"""A script out of a text: nothing that the text does not say, in its order, whatever the text is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.errors import Permanent
from services.script.clauses import halves, without_trailing_clause
from services.script.extractive import extract
from services.script.openers import Opener, opener, without_connective
from services.script.plain_text import plain, word_count

DATA = Path(__file__).parent.parent / "data"
ARTICLES = ["article_essay.txt", "article_news.txt", "biography.txt", "notes_meeting.md"]


def article(name: str) -> str:
    return (DATA / name).read_text(encoding="utf-8")


def spoken(text: str) -> list[str]:
    """The words of a text, so that capitals and punctuation make no difference."""
    return re.findall(r"[^\W_]+", plain(text).upper())


def stands_in(words: list[str], source: Iterator[str]) -> bool:
    return all(word in source for word in words)


def assert_told_in_order(scenes: tuple[str, ...], text: str) -> None:
    source = iter(spoken(text))
    for scene in scenes:
        assert stands_in(spoken(scene), source), f"not in the source, or not in its order: {scene}"


@pytest.mark.parametrize("name", ARTICLES)
@pytest.mark.parametrize("scene_count", [3, 5, 10, 14])
def test_an_article_becomes_as_many_scenes_as_asked_for_in_its_own_words(name: str, scene_count: int) -> None:
    scenes = extract(article(name), scene_count).scenes
    assert len(scenes) == scene_count
    assert_told_in_order(scenes, article(name))


@pytest.mark.parametrize(
    ("name", "most"), [("article_essay.txt", 175), ("article_news.txt", 175), ("biography.txt", 195)]
)
def test_ten_scenes_take_about_a_minute_to_say(name: str, most: int) -> None:
    assert 145 <= sum(map(word_count, extract(article(name), 10).scenes)) <= most


@pytest.mark.parametrize("name", ARTICLES)
def test_no_scene_opens_with_a_word_that_hangs_in_the_air(name: str) -> None:
    scenes = extract(article(name), 10).scenes
    assert opener(scenes[0]) is Opener.FREE
    assert not [scene for scene in scenes if scene.startswith(("However,", "And ", "But "))]


def test_what_is_told_names_its_subject_first() -> None:
    """Ada is named in a sentence that is too long to be told: what hangs on it gives way to what does not."""
    unnamed = "Ada was " + "very " * 60 + "busy. She wrote a program. She died in London."
    others = " ".join(f"The {noun} was built of brass and steel in that year." for noun in ("mill", "loom", "press"))
    assert not [
        scene for scene in extract(f"The engine was never built. {unnamed} {others}", 4).scenes if "She" in scene
    ]


def test_a_sentence_is_told_once() -> None:
    text = "The sea is very wide. " * 5 + "The sky is very high. The land is very old."
    assert len(extract(text, 10).scenes) == 3


def test_the_same_text_gives_the_same_script() -> None:
    text = article("article_news.txt")
    assert extract(text, 10) == extract(text, 10)


def test_the_title_is_the_first_heading() -> None:
    assert extract(article("notes_meeting.md"), 5).heading == "Project Harbour: review of the third quarter"
    assert extract("The sea is very wide. The sky is very high. The land is very old.", 3).heading is None


def test_clutter_is_not_told() -> None:
    told = " ".join(extract(article("article_news.txt"), 20).scenes)
    assert not re.search(r"example\.org|Read more|rights reserved|Jo Marsh|LEEDSBURY -", told)


def test_long_sentences_are_cut_at_clauses_to_reach_the_scenes() -> None:
    text = (
        "The keeper climbed the tower at dusk; the lamp was already warm. The storm came from the west, and it brought "
        "rain with it. Nobody slept that night in the village."
    )
    assert extract(text, 5).scenes == (
        "The keeper climbed the tower at dusk.",
        "The lamp was already warm.",
        "The storm came from the west.",
        "It brought rain with it.",
        "Nobody slept that night in the village.",
    )


def test_a_short_text_is_told_in_fewer_scenes() -> None:
    assert len(extract("The sea is very wide. The sky is very high. The land is very old.", 10).scenes) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "only 0 sentences"), ("The sea is very wide.", "only 1 sentence "), ("x " * 25_000, "only 0")],
)
def test_too_short_a_text_is_refused_with_its_count(text: str, message: str) -> None:
    with pytest.raises(Permanent, match=message):
        extract(text, 10)


HOSTILE = [
    "a" * 50_000,
    "word " * 10_000,
    "no sentence ends here " * 2_000,
    "It is a b c d. " * 3_300,
    "A cat sat there. " * 2_900,
    "(" * 50_000,
    "[" * 25_000 + "]" * 25_000,
    '"' * 50_000,
    "# " + "#a" * 25_000,
    " " * 50_000,
    "." * 50_000,
    "e.g. " * 10_000,
    "a\n" * 25_000,
    "*_`" * 16_000,
    ", which is a thing" * 2_700,
    "a; b c d e, and it f g h i" * 1_800,
    "{\\b1}\\N{\\pos(1,1)} Braces {are} here. " * 1_200,
    "\u202eThe text runs backwards here. \u200bZero width is here too. " * 800,
    "שלום לכולם כאן היום. " * 2_300,
    "珊瑚是海里的动物。" * 5_500,
    "🎉🎊 party time is now 🎉. " * 1_900,
    "\ud800 lone surrogate is here now. " * 1_500,
    "\x00\x07 control characters are here. " * 1_500,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_told_or_refused(text: str) -> None:
    try:
        scenes = extract(text[:50_000], 10).scenes
    except Permanent:
        return
    assert 3 <= len(scenes) <= 10
    assert_told_in_order(scenes, text[:50_000])


WORDS = st.sampled_from(
    [
        *("the", "it", "reef", "Coral", "However,", "(maybe)", "[1]", "and", ", and they", "; ", "Dr.", "3.5"),
        *("# ", "\n", "\n\n", "- ", "== See also ==", "。", "海", "which", ", which", "grows", "slowly.", "?"),
        *('"', "“", "”", "*b*", "{x}"),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=400), st.lists(WORDS, max_size=150).map(" ".join)), st.integers(3, 20))
def test_any_text_is_told_in_its_own_words_or_refused(text: str, scene_count: int) -> None:
    try:
        scenes = extract(text, scene_count).scenes
    except Permanent:
        return
    assert 3 <= len(scenes) <= scene_count
    assert all(any(char.isalnum() for char in scene) for scene in scenes)
    assert_told_in_order(scenes, text)


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("Coral reefs grow slowly.", Opener.FREE),
        ("It is known that reefs grow.", Opener.FREE),
        ("There are many reefs.", Opener.FREE),
        ("She found the first one.", Opener.SUBJECT),
        ("In 1905 he moved to Bern.", Opener.SUBJECT),
        ("However, they survived.", Opener.SUBJECT),
        ("Volunteers restored it later.", Opener.SUBJECT),
        ("Its barrage is long.", Opener.OWNER),
        ("This changed everything.", Opener.PREVIOUS),
        ("For all these reasons it failed.", Opener.PREVIOUS),
        ("Otherwise the ship sinks.", Opener.PREVIOUS),
        ('"They need a hole."', Opener.PREVIOUS),
    ],
)
def test_what_a_sentence_needs_before_it(sentence: str, kind: Opener) -> None:
    assert opener(sentence) is kind


def test_only_linking_words_are_taken_off() -> None:
    assert without_connective("However, the sea rose.") == "The sea rose."
    assert without_connective("And yet, it moves.") == "It moves."
    assert without_connective("So far the sea rose.") == "So far the sea rose."
    assert without_connective("Still water runs deep.") == "Still water runs deep."


def test_clauses_that_hang_together_are_not_cut() -> None:
    assert halves("If the sea rises by a metre, they will have to leave the coast.") is None
    assert halves("He said the sea would rise, and they all laughed at him.") is None
    assert halves("The finds were a long skull; two nearly complete skeletons; and a broken wing bone.") is None


def test_only_a_clause_that_adds_is_left_out() -> None:
    long = "The old mill was in use until 1957, when its oak shaft broke."
    assert without_trailing_clause(long) == "The old mill was in use until 1957."
    assert without_trailing_clause("The mill, which is old, was in use for years until 1957.") is None
