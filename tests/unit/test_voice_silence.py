"""Silence is cut alike around every recording, and words follow the sound."""

import numpy as np
import pytest
from numpy.typing import NDArray

from schemas.media import Word
from services.voice.ports import Spoken
from services.voice.silence import LEAD, TAIL, fitted, trimmed

RATE = 24_000


def sound(*parts: tuple[float, bool]) -> NDArray[np.float32]:
    """Seconds of noise and of silence."""
    noise = np.random.default_rng(1)
    made = [noise.normal(0, 0.1 if on else 1e-5, round(seconds * RATE)) for seconds, on in parts]
    return np.concatenate(made).astype(np.float32)


def spoken(samples: NDArray[np.float32], *words: tuple[float, float]) -> Spoken:
    return Spoken(samples, RATE, tuple(Word(text=str(at), start=s, end=e) for at, (s, e) in enumerate(words)))


def times(speech: Spoken) -> list[tuple[float, float]]:
    return [(word.start, word.end) for word in speech.words]


def test_silence_around_speech_is_cut_to_the_same_length() -> None:
    speech = trimmed(spoken(sound((0.5, False), (1.0, True), (0.7, False)), (0.5, 1.0), (1.0, 2.2)))
    assert len(speech.samples) / RATE == pytest.approx(LEAD + 1.0 + TAIL, abs=0.011)
    assert times(speech) == [(LEAD, pytest.approx(LEAD + 0.5)), (pytest.approx(LEAD + 0.5), pytest.approx(1.17))]


def test_trimming_twice_changes_nothing() -> None:
    once = trimmed(spoken(sound((0.3, False), (0.5, True), (0.3, False)), (0.3, 0.8)))
    twice = trimmed(once)
    assert len(twice.samples) == len(once.samples)
    assert twice.words == once.words


def test_silence_alone_stays_as_it_is() -> None:
    silence = spoken(np.zeros(RATE, np.float32), (0.0, 0.5))
    assert trimmed(silence) is silence
    assert times(fitted(silence)) == [(0.0, 0.5)]


def test_a_word_ends_with_its_sound_and_one_after_a_pause_begins_with_its() -> None:
    speech = spoken(sound((0.1, False), (0.4, True), (0.5, False), (0.5, True)), (0.15, 0.9), (1.05, 1.5))
    assert times(fitted(speech)) == [(pytest.approx(0.1), pytest.approx(0.5)), (pytest.approx(1.0), 1.5)]


def test_words_without_a_pause_between_them_keep_their_times() -> None:
    speech = spoken(sound((1.0, True)), (0.0, 0.4), (0.45, 0.9))
    assert times(fitted(speech)) == [(0.0, 0.4), (0.45, 0.9)]


def test_words_never_overlap() -> None:
    speech = spoken(sound((1.0, True)), (0.0, 0.5), (0.4, 0.4), (0.3, 0.9))
    assert times(fitted(speech)) == [(0.0, 0.5), (0.5, 0.5), (0.5, 0.9)]
