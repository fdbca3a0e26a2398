"""Recordings of the parts of a text, joined with the pauses that its punctuation makes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.media import Word
from services.voice.cutting import Boundary
from services.voice.ports import Spoken

PAUSES = {Boundary.NONE: 0.0, Boundary.WORD: 0.0, Boundary.CLAUSE: 0.05, Boundary.SENTENCE: 0.35}
"""Seconds between two recordings, beside the silence that each of them keeps, by what the first one ends."""


def joined(parts: Sequence[tuple[Spoken, Boundary]]) -> Spoken:
    """The parts as one recording, one after the other, with all their words.

    Args:
        parts: one at least, at one sample rate, each with what ends after it.
    """
    rate = parts[0][0].sample_rate
    samples: list[NDArray[np.float32]] = []
    words: list[Word] = []
    now = 0.0
    for spoken, boundary in parts:
        words += [Word(text=word.text, start=now + word.start, end=now + word.end) for word in spoken.words]
        pause = np.zeros(round(PAUSES[boundary] * rate), dtype=np.float32)
        samples += [spoken.samples, pause]
        now += (len(spoken.samples) + len(pause)) / rate
    timings = "aligned" if any(spoken.timings == "aligned" for spoken, _ in parts) else "measured"
    return Spoken(np.concatenate(samples[:-1]), rate, tuple(words), timings)
