"""Silence around and between words: recordings begin and end alike, and words do not last into a pause."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from schemas.media import Word
from services.voice.ports import Spoken

FLOOR = -38.0
"""What is this many dB below the loudest moment is silence."""
WINDOW = 0.01
"""Seconds over which loudness is taken."""
LEAD, TAIL = 0.05, 0.12
"""Seconds kept before and after speech: consonants begin and vowels fade below the floor."""


def trimmed(spoken: Spoken) -> Spoken:
    """The speech without the silence around it, its words shifted accordingly. Silence alone stays as it is."""
    rate = spoken.sample_rate
    heard = np.flatnonzero(sounding(spoken.samples, rate))
    if not heard.size:
        return spoken
    begin = max(0.0, heard[0] * WINDOW - LEAD)
    samples = spoken.samples[round(begin * rate) : round(((heard[-1] + 1) * WINDOW + TAIL) * rate)]
    last = len(samples) / rate

    def moved(seconds: float) -> float:
        return min(max(0.0, seconds - begin), last)

    words = tuple(_timed(word, moved(word.start), moved(word.end)) for word in spoken.words)
    return replace(spoken, samples=samples, words=words)


def fitted(spoken: Spoken) -> Spoken:
    """The speech with its words fitted to the sound, in milliseconds.

    Aligners count a pause to the word before it and notice a word late: a word ends with its last
    sound, and one after a pause begins with its first.
    """
    sound = sounding(spoken.samples, spoken.sample_rate)
    words: list[Word] = []
    for word in spoken.words:
        begin = words[-1].end if words else 0.0
        start, end = max(word.start, begin), max(word.end, begin)
        words.append(_timed(word, _onset(sound, begin, start), max(start, _offset(sound, start, end))))
    return replace(spoken, words=tuple(words))


def _onset(sound: NDArray[np.bool_], begin: float, start: float) -> float:
    """Where the sound that is under way at `start` began, if that was after a silence since `begin`."""
    silent = np.flatnonzero(~sound[round(begin / WINDOW) : round(start / WINDOW)])
    return min(start, begin + float(silent[-1] + 1) * WINDOW) if silent.size else start


def _offset(sound: NDArray[np.bool_], start: float, end: float) -> float:
    """Where the last sound between the two ended."""
    heard = np.flatnonzero(sound[round(start / WINDOW) : round(end / WINDOW)])
    return min(end, start + float(heard[-1] + 1) * WINDOW) if heard.size else end


def _timed(word: Word, start: float, end: float) -> Word:
    return Word(text=word.text, start=round(start, 3), end=round(end, 3))


def sounding(samples: NDArray[np.float32], rate: int) -> NDArray[np.bool_]:
    """For every window, whether there is sound in it."""
    window = round(WINDOW * rate)
    whole = len(samples) // window * window
    power = np.square(samples[:whole].reshape(-1, window)).mean(axis=1)
    return power > power.max(initial=0.0) * 10 ** (FLOOR / 10)
