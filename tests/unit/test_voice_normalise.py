"""What is written, as it is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.voice.kokoro.normalise import LONGEST_PIECE, spoken_words


def said(text: str) -> str:
    return " ".join(piece for pieces in spoken_words(text) for piece in pieces)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("In 1969, Apollo 11 flew 384,400 km.", "nineteen sixty nine, Apollo eleven flew three hundred eighty four"),
        ("$5 million, £3.50 and 20€", "five million dollars, three pounds and fifty pence and twenty euros"),
        ("$1.01 or -$3bn", "one dollar and one cent or minus three billion dollars"),
        ("12.5% of 50 %", "twelve point five percent of fifty percent"),
        ("5km, 1 km, 20°C, 90 km/h, 100 km²", "five kilometers, one kilometer, twenty degrees Celsius, ninety"),
        ("at 10:30 a.m. or 9:05pm or 7:00", "at ten thirty a.m. or nine oh five p.m. or seven o'clock"),
        ("1914–1918, pages 10-20, 1990s", "nineteen fourteen to nineteen eighteen, pages ten to twenty, nineteen nin"),
        ("July 4, the 22nd, 3/4, 2½", "July fourth, the twenty second, three quarters, two and one half"),
        ("Dr. Smith lives on Main St. in St. Louis", "Doctor Smith lives on Main street in Saint Louis"),
        ("cats, dogs, etc. Then No. 5 vs. fig. 3", "cats, dogs, et cetera. Then number five versus figure three"),
        ("J. R. Smith of the U.S. Navy", "J R Smith of the U.S. Navy"),
        ("R&D + 2 × 3 = 6, π", "R and D plus two times three equals six, pi"),
        ("COVID-19, F-16, H2O, #1, v3.11.2", "COVID nineteen, F sixteen, H two O, number one, three point eleven"),
        ("CO2 and MP3, a PhD, .5 or 0.5", "C.O. two and M.P. three, a P H D, zero point five or zero point five"),
        ("See https://www.example.com/a?b=c or a.b@c.org.", "See example dot com or"),
        ("“Naïve” café — Łódź…", '"Naive" cafe — Lodz…'),
        ("word—word - end.Next", "word — word — end . Next"),
    ],
)
def test_numbers_units_abbreviations_and_symbols_are_spelled_out(written: str, spoken: str) -> None:
    assert spoken in said(written)


@pytest.mark.parametrize(
    "unspeakable", ["🎉", "日本語", "привет", "مرحبا", "\x00", "\u200b", "👩‍👩‍👧", "ﷺ", "*", "_", "<br/>"]
)
def test_what_english_cannot_say_is_left_out(unspeakable: str) -> None:
    assert said(f"One {unspeakable} two{unspeakable} three.") == "One two three."


def test_a_sentence_ends_where_its_last_word_cannot_be_said() -> None:
    assert said("I love 🍕. You too.") == "I love . You too."


def test_wide_and_ornamental_letters_are_letters() -> None:
    assert said("ｆｕｌｌ １２ 𝐛𝐨𝐥𝐝 ﬁne") == "full twelve bold fine"


@pytest.mark.parametrize("monster", ["x" * 2000, "a-" * 1000, "9" * 2000, "a." * 1000, "'" * 2000, "$" * 2000])
def test_a_word_without_end_comes_in_pieces(monster: str) -> None:
    assert all(len(piece) <= LONGEST_PIECE + 2 for pieces in spoken_words(monster) for piece in pieces[:-1])


@given(st.text(max_size=200))
def test_any_text_gives_plain_pieces_for_every_word(text: str) -> None:
    words = spoken_words(text)
    assert len(words) == len(text.split())
    for piece in (piece for pieces in words for piece in pieces):
        assert piece
        assert not any(char.isspace() for char in piece)
        assert all(char.isascii() or char in "…—" for char in piece), piece
