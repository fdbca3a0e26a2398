"""Words found in a recording by its pauses, where the speaker does not say when it says them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from services.voice.cutting import Boundary, boundary_after
from services.voice.silence import WINDOW, sounding
from services.voice.timing import Cue, spans, weight

PAUSE = 0.12
"""Seconds of silence that make a pause; stops inside words are shorter."""
UNMATCHED = 0.06
"""Share of the whole speech by which a pause may miss its place in the text before it is taken for another."""


@dataclass(frozen=True)
class _Pause:
    begin: float
    end: float
    spoken: float
    """Share of all speech that comes before it."""


def aligned(text: str, samples: NDArray[np.float32], rate: int) -> list[Cue]:
    """When the voice begins the text, and when it goes on after each pause that fits the punctuation.

    How far the voice has come is told by the letters that it has said. Nothing is found in silence.
    """
    sound = np.flatnonzero(sounding(samples, rate))
    if not sound.size:
        return []
    places = spans(text)
    said = [0, *accumulate(weight(text[begin:end]) for begin, end in places)]
    words = [
        index
        for index in range(1, len(places))
        if boundary_after(text[slice(*places[index - 1])]) > Boundary.WORD and 0 < said[index] < said[-1]
    ]
    pauses = _pauses(sound)
    matched = _matched([said[index] / said[-1] for index in words], [pause.spoken for pause in pauses])
    begins = [(0, sound[0] * WINDOW), *((words[word], pauses[pause].end) for word, pause in matched)]
    untils = [*(pauses[pause].begin for _, pause in matched), (sound[-1] + 1) * WINDOW]
    return [Cue(places[word][0], float(time), float(until)) for (word, time), until in zip(begins, untils, strict=True)]


def _pauses(sound: NDArray[np.intp]) -> list[_Pause]:
    """The pauses between the windows that sound."""
    gaps = np.flatnonzero(np.diff(sound) > PAUSE / WINDOW)
    return [
        _Pause((sound[gap] + 1) * WINDOW, sound[gap + 1] * WINDOW, float((gap + 1) / len(sound)))
        for gap in gaps.tolist()
    ]


def _matched(expected: Sequence[float], heard: Sequence[float]) -> list[tuple[int, int]]:
    """Pairs of an expected and a heard pause, in order, so that they miss one another by the least in all.

    A pause on either side may stay alone, at half the price of the largest miss (an edit distance).
    """
    alone = UNMATCHED / 2
    costs = np.zeros((len(expected) + 1, len(heard) + 1))
    costs[:, 0] = np.arange(len(expected) + 1) * alone
    costs[0, :] = np.arange(len(heard) + 1) * alone
    for i, wanted in enumerate(expected, 1):
        for j, found in enumerate(heard, 1):
            both = costs[i - 1, j - 1] + abs(wanted - found)
            costs[i, j] = min(both, costs[i - 1, j] + alone, costs[i, j - 1] + alone)
    pairs: list[tuple[int, int]] = []
    i, j = len(expected), len(heard)
    while i and j:
        if costs[i, j] == costs[i - 1, j] + alone:
            i -= 1
        elif costs[i, j] == costs[i, j - 1] + alone:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return pairs[::-1]
