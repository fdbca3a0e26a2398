"""Words between known moments, and words aligned to pauses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.voice.alignment import aligned
from services.voice.timing import Cue, word_times

RATE = 16_000


def times(text: str, *cues: Cue, duration: float = 10.0) -> list[tuple[str, float, float]]:
    return [(word.text, word.start, word.end) for word in word_times(text, cues, duration)]


def test_a_word_lasts_until_the_next_one_begins() -> None:
    assert times("Bees fly", Cue(0, 0.1), Cue(5, 0.6), duration=1.0) == [("Bees", 0.1, 0.6), ("fly", 0.6, 1.0)]


def test_words_without_a_moment_of_their_own_share_the_time_by_their_letters() -> None:
    assert times("a four", Cue(0, 0.0), duration=7.0) == [("a", 0.0, 2.0), ("four", 2.0, 7.0)]


def test_what_is_not_said_stands_without_length_where_the_word_before_it_ends() -> None:
    assert times("“ Bees — fly 🐝", Cue(2, 0.5), Cue(9, 1.0), duration=2.0) == [
        ("“", 0.0, 0.0),
        ("Bees", 0.5, 1.0),
        ("—", 1.0, 1.0),
        ("fly", 1.0, 2.0),
        ("🐝", 2.0, 2.0),
    ]


def test_moments_inside_a_word_do_not_split_it() -> None:
    assert times("日本語 です", Cue(0, 0.0), Cue(1, 0.3), Cue(4, 0.9), duration=1.5) == [
        ("日本語", 0.0, 0.9),
        ("です", 0.9, 1.5),
    ]


@given(
    st.text("ab .—日🐝", min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(0, 80), st.floats(0, 20)), max_size=20),
    st.floats(0.01, 15),
)
def test_whatever_the_moments_every_word_has_its_time_in_order_and_within(
    text: str, moments: list[tuple[int, float]], duration: float
) -> None:
    words = word_times(text, [Cue(at, time) for at, time in moments], duration)
    assert [word.text for word in words] == text.split()
    flat = [time for word in words for time in (word.start, word.end)]
    assert flat == sorted(flat)
    assert not flat or flat[-1] <= duration + 0.001


def sound(*lengths: float) -> NDArray[np.float32]:
    """Tone and silence in turn, in seconds, beginning with silence."""
    pieces = [
        np.sin(np.arange(round(length * RATE)) * 0.1) * 0.3 if index % 2 else np.zeros(round(length * RATE))
        for index, length in enumerate(lengths)
    ]
    return np.concatenate(pieces).astype(np.float32)


def test_a_pause_of_the_sound_is_matched_with_the_punctuation_that_it_fits() -> None:
    text = "Four words are here. Two more."
    samples = sound(0.2, 1.6, 0.5, 0.8, 0.3)
    words = word_times(text, aligned(text, samples, RATE), len(samples) / RATE)
    assert (words[0].start, words[3].end, words[4].start, words[5].end) == pytest.approx((0.2, 1.8, 2.3, 3.1), abs=0.02)


def test_a_pause_where_nothing_in_the_text_makes_one_is_passed_over() -> None:
    text = "one two three four five six seven eight, nine."
    samples = sound(0.0, 0.5, 0.3, 2.0)
    assert len(aligned(text, samples, RATE)) == 1


def test_a_clause_without_a_pause_is_passed_over() -> None:
    assert len(aligned("One, two, three.", sound(0.1, 2.0), RATE)) == 1


def test_nothing_is_aligned_to_silence() -> None:
    assert aligned("One two.", sound(1.0), RATE) == []
