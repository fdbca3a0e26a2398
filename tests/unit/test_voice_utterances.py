"""Texts cut into what the model can say at once."""

from hypothesis import given
from hypothesis import strategies as st

from services.voice.cutting import Boundary
from services.voice.kokoro.phonemes import Piece
from services.voice.kokoro.utterances import joined, utterances

LIMIT = 100


def pieces(text: str) -> list[Piece]:
    """Letters stand for their phonemes."""
    return [Piece(index, word) for index, word in enumerate(text.split())]


def spoken(text: str, limit: int = LIMIT) -> list[str]:
    return [joined(utterance) for utterance in utterances(pieces(text), limit)]


def test_a_text_that_fits_stays_whole() -> None:
    assert spoken("one two. three four.") == ["one two. three four."]


def test_a_cut_falls_after_the_last_sentence_that_fits() -> None:
    first, second, third = ("word " * 7 + "end.", "next " * 7 + "stop!", "more " * 7 + "done.")
    assert spoken(f"{first} {second} {third}") == [f"{first} {second}", third]


def test_a_long_sentence_is_cut_after_a_clause() -> None:
    assert spoken("a" * 60 + ", " + "b" * 20 + " " + "c" * 40) == ["a" * 60 + ",", "b" * 20 + " " + "c" * 40]


def test_without_punctuation_it_is_cut_between_words() -> None:
    assert spoken("abcdefghi " * 25) == [" ".join(["abcdefghi"] * 10)] * 2 + [" ".join(["abcdefghi"] * 5)]


def test_an_endless_word_is_cut_at_the_limit() -> None:
    assert [len(utterance) for utterance in spoken("x" * 250)] == [100, 100, 50]


def test_three_thousand_characters() -> None:
    sentence = "The quick brown fox, tired of the lazy dog, ran away over the hills and far beyond them. "
    cut = spoken(sentence * 34, limit=200)
    assert len(sentence * 34) > 3000
    assert all(len(utterance) <= 200 and utterance.endswith(".") for utterance in cut)
    assert " ".join(cut) == (sentence * 34).strip()


@given(st.lists(st.text("ab.,", min_size=1, max_size=30), max_size=60), st.integers(1, 40))
def test_nothing_is_lost_and_nothing_is_too_long(words: list[str], limit: int) -> None:
    cut = list(utterances([Piece(index, word) for index, word in enumerate(words)], limit))
    assert all(0 < len(joined(utterance)) <= limit for utterance in cut)
    said = [piece for utterance in cut for piece in utterance]
    assert ["".join(p.phonemes for p in said if p.word == index) for index in range(len(words))] == words
    assert [piece.word for piece in said] == sorted(piece.word for piece in said)


def test_punctuation_inside_quotation_marks_ends_a_sentence() -> None:
    ends = {mark: Piece(0, mark).boundary for mark in ("a.”", 'a!")', "a,”", "a”", "a")}
    assert list(ends.values()) == [
        Boundary.SENTENCE,
        Boundary.SENTENCE,
        Boundary.CLAUSE,
        Boundary.WORD,
        Boundary.WORD,
    ]
