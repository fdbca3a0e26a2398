"""When each word sounds, from the lengths of its phonemes."""

from collections.abc import Iterable, Sequence

import numpy as np

from schemas.media import Word
from services.voice.kokoro.model import FRAME, SAMPLE_RATE, Sound
from services.voice.kokoro.phonemes import MARKS, Piece


def piece_times(pieces: Sequence[Piece], sound: Sound) -> list[Word]:
    """Every piece of an utterance as a `Word` in seconds from its start, without the pauses of its punctuation."""
    edges = np.concatenate([[0], np.cumsum(sound.lengths)]) * (FRAME / SAMPLE_RATE)
    times: list[Word] = []
    first = 1  # the token before the first phoneme is the silence there
    for piece in pieces:
        spoken = [at for at, phoneme in enumerate(piece.phonemes) if phoneme not in MARKS] or range(len(piece.phonemes))
        start, end = edges[first + spoken[0]], edges[first + spoken[-1] + 1]
        times.append(Word(text=piece.phonemes, start=float(start), end=float(end)))
        first += len(piece.phonemes) + 1  # and the space after it
    return times


def word_times(text: str, timed: Iterable[tuple[Piece, Word]]) -> tuple[Word, ...]:
    """Every word of the text, split at white space, with the time of its pieces.

    A word of which nothing is said stands, without length, where the one before it ends.
    """
    times: dict[int, tuple[float, float]] = {}
    for piece, time in timed:
        start, end = times.get(piece.word, (time.start, time.end))
        times[piece.word] = (min(start, time.start), max(end, time.end) if piece.sounds else end)
    words: list[Word] = []
    for index, written in enumerate(text.split()):
        now = words[-1].end if words else 0.0
        start, end = times.get(index, (now, now))
        words.append(Word(text=written, start=round(start, 3), end=round(end, 3)))
    return tuple(words)
