"""When each word of a text sounds, from the moments at which the voice comes to some of its places."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from schemas.media import Word

DIGIT, WIDE = 4, 3
"""How long a digit, and a character of a script without spaces, is said, in letters."""
BREATH = 1
"""Letters that a word takes beside its own."""


@dataclass(frozen=True)
class Cue:
    """A moment at which the voice comes to a place of the text."""

    at: int
    """The index of the character."""
    time: float
    """Seconds."""
    until: float = float("inf")
    """When it pauses, where that is before the next cue."""


def spans(text: str) -> list[tuple[int, int]]:
    """Where each word of the text, split at white space, begins and ends."""
    return [match.span() for match in re.finditer(r"\S+", text)]


def weight(word: str) -> int:
    """How long a word takes to say, by its characters; 0 for one of which nothing is said."""
    letters = sum(_letters(char) for char in word)
    return letters + BREATH if letters else 0


def word_times(text: str, cues: Iterable[Cue], duration: float) -> tuple[Word, ...]:
    """Every word of the text with its time; the words between two cues share the time between them.

    Times never run backwards nor beyond the end: a cue that would make them is passed over. A word
    of which nothing is said stands, without length, where the one before it ends.

    Args:
        duration: of the recording, in seconds.
    """
    words = text.split()
    cued = _by_word(text, cues, duration)
    first = min(cued, default=len(words))
    if any(weight(word) for word in words[:first]):
        cued[0] = Cue(0, 0.0)
    begins = sorted(cued)
    times: list[tuple[float, float]] = [(0.0, 0.0)] * (begins[0] if begins else len(words))
    for begin, end in zip(begins, [*begins, len(words)][1:], strict=True):
        last = cued[end].time if end in cued else duration
        times += _shared(words[begin:end], cued[begin].time, min(last, cued[begin].until))
    return tuple(
        Word(text=word, start=round(start, 3), end=round(end, 3))
        for word, (start, end) in zip(words, times, strict=True)
    )


def _by_word(text: str, cues: Iterable[Cue], duration: float) -> dict[int, Cue]:
    """The first cue of each word that has one, in order of both."""
    starts = [start for start, _ in spans(text)]
    cued: dict[int, Cue] = {}
    last, now = -1, 0.0
    for cue in cues:
        word = max(0, bisect_right(starts, cue.at) - 1)
        if starts and word > last and now <= cue.time <= duration:
            cued[word] = cue
            last, now = word, cue.time
    return cued


def _shared(words: Sequence[str], start: float, end: float) -> list[tuple[float, float]]:
    weights = [weight(word) for word in words]
    if not any(weights):
        weights[0] = BREATH  # a mark says that the voice makes something of it
    ends = [start + (end - start) * share / sum(weights) for share in accumulate(weights)]
    return list(zip([start, *ends], ends, strict=False))


def _letters(char: str) -> int:
    if char.isnumeric() and char.isascii():
        return DIGIT
    if not char.isalpha():
        return 0
    return WIDE if unicodedata.east_asian_width(char) in ("W", "F") else 1
