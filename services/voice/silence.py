"""Silence around speech: every recording begins and ends with the same little of it."""

import numpy as np
from numpy.typing import NDArray

from schemas.media import Word
from services.voice.ports import Spoken

FLOOR = -40.0
"""What is this many dB below the loudest moment is silence."""
WINDOW = 0.01
"""Seconds over which loudness is taken."""
LEAD, TAIL = 0.05, 0.12
"""Seconds kept before and after speech: consonants begin and vowels fade below the floor."""


def trimmed(spoken: Spoken) -> Spoken:
    """The speech without the silence around it, its words shifted accordingly. Silence alone stays as it is."""
    rate = spoken.sample_rate
    first, last = _sounding(spoken.samples, rate)
    begin = max(0, first - round(LEAD * rate))
    samples = spoken.samples[begin : last + round(TAIL * rate)]

    def moved(seconds: float) -> float:
        return min(max(0.0, seconds - begin / rate), len(samples) / rate)

    words = (Word(text=word.text, start=moved(word.start), end=moved(word.end)) for word in spoken.words)
    return Spoken(samples, rate, tuple(words))


def _sounding(samples: NDArray[np.float32], rate: int) -> tuple[int, int]:
    """The first sample that sounds and the one after the last."""
    window = round(WINDOW * rate)
    whole = len(samples) // window * window
    power = np.square(samples[:whole].reshape(-1, window)).mean(axis=1)
    sounding = np.flatnonzero(power > power.max(initial=0.0) * 10 ** (FLOOR / 10))
    if not sounding.size:
        return 0, len(samples)
    return int(sounding[0]) * window, (int(sounding[-1]) + 1) * window
