"""Which words stand together, and when."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.media import AspectRatio, Word
from services.assembler.captions import BURNED_IN, LINGER, SUBTITLES, Layout, captions, plain, without_emoji
from tests.unit.assembler_material import words

LANDSCAPE = BURNED_IN[AspectRatio.LANDSCAPE]


def texts(text: str, layout: Layout = LANDSCAPE, *, emoji: bool = False) -> list[str]:
    return [caption.text for caption in captions([words(text, 10.0)], layout, emoji=emoji)]


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("two\nlines\r\nand\ttabs", "two lines and tabs"),
        ("line\u2028paragraph\u2029next\x85file\x1c", "line paragraph next file"),
        ("nul\x00 bell\x07 escape\x1b[31m", "nul bell escape[31m"),
        ("over\u202eride \u2066isolate\u2069 \ufeffbom", "override isolate bom"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("e\u0301", "é"),
        ("  ", ""),
        ("{\\an8} <b>&amp;</b>", "{\\an8} <b>&amp;</b>"),
    ],
)
def test_text_becomes_one_plain_line(hostile: str, harmless: str) -> None:
    assert plain(hostile) == harmless


@pytest.mark.parametrize(
    ("with_emoji", "without"),
    [
        ("fish 🐟 here", "fish here"),
        ("👨‍👩‍👧 family", "family"),
        ("👍🏽 flag 🇳🇴 heart ❤️", "flag heart"),
        ("می‌خواهم ™ © 5 €", "می‌خواهم ™ © 5 €"),
    ],
)
def test_emoji_go_and_text_stays(with_emoji: str, without: str) -> None:
    assert without_emoji(with_emoji) == without


def test_a_sentence_parts_at_its_commas_and_never_runs_into_the_next() -> None:
    assert texts("When the water grows too warm, the algae leave, and the reef turns white. It dies.") == [
        "When the water grows too warm,",
        "the algae leave,",
        "and the reef turns white.",
        "It dies.",
    ]


def test_an_abbreviation_ends_no_sentence() -> None:
    assert texts("Dr. Smith of the U.S. agrees.") == ["Dr. Smith of the U.S. agrees."]


def test_no_word_is_left_alone() -> None:
    assert texts("Nearly one quarter of all fish in the sea depend") == [
        "Nearly one quarter of all",
        "fish in the sea depend",
    ]


def test_scripts_without_spaces_are_parted_by_characters() -> None:
    shown = captions([words("珊瑚礁是由比指甲还小的生物建造的城市。每一个都是珊瑚虫。", 10.0)], LANDSCAPE, emoji=False)
    assert "".join(caption.text for caption in shown) == "珊瑚礁是由比指甲还小的生物建造的城市。每一个都是珊瑚虫。"
    assert all(len(caption.text) <= 19 for caption in shown)
    assert shown[-1].tokens[-1].text == "虫。"  # a full stop never begins a line
    assert [token.spaced for token in shown[0].tokens] == [True] + [False] * (len(shown[0].tokens) - 1)


def test_a_word_that_no_line_holds_is_cut() -> None:
    assert "".join(texts("x" * 100)) == "x" * 100
    assert max(map(len, texts("x" * 100))) <= LANDSCAPE.cells


def test_a_word_of_nothing_but_emoji_is_not_shown() -> None:
    assert texts("🐟 🐠") == []
    assert texts("fish 🐟", emoji=True) == ["fish 🐟"]


def test_a_caption_stays_until_the_next_but_not_through_a_pause() -> None:
    scenes = [
        [Word(text="One.", start=0, end=1), Word(text="Two.", start=1.2, end=2)],
        [Word(text="Three.", start=9, end=10)],
    ]
    shown = captions(scenes, LANDSCAPE, emoji=False)
    assert [(caption.start, caption.end) for caption in shown] == [(0, 1.2), (1.2, 2 + LINGER), (9, 10 + LINGER)]


@given(
    st.lists(st.lists(st.text(max_size=60), max_size=12), max_size=3), st.sampled_from([*BURNED_IN.values(), SUBTITLES])
)
def test_whatever_is_said_captions_fit_and_follow_each_other(scenes: list[list[str]], layout: Layout) -> None:
    timed = [
        [Word(text=text, start=100 * scene + at, end=100 * scene + at + 0.9) for at, text in enumerate(spoken)]
        for scene, spoken in enumerate(scenes)
    ]
    shown = captions(timed, layout, emoji=False)
    for caption in shown:
        assert caption.text == plain(caption.text)
        assert sum(token.cells for token in caption.tokens) <= layout.cells
        assert sum(token.spaced for token in caption.tokens) <= layout.words
        assert caption.start <= caption.tokens[-1].start <= caption.end
    for before, after in pairwise(shown):
        assert before.end <= after.start or before.end <= before.tokens[-1].end + LINGER
    assert "".join(c.text.replace(" ", "") for c in shown) == "".join(
        without_emoji(plain(word.text)).replace(" ", "") for spoken in timed for word in spoken
    )
