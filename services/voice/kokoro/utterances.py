"""A text in pieces to utterances that the model can say in one breath."""

from collections.abc import Iterator, Sequence

from services.voice.cutting import cuts
from services.voice.kokoro.phonemes import Piece


def utterances(pieces: Sequence[Piece], limit: int) -> Iterator[list[Piece]]:
    """Cuts the text into as few utterances of at most `limit` tokens as its sentences allow.

    A longer piece is cut where it reaches the limit.
    """
    parts = [Piece(piece.word, part) for piece in pieces for part in _parts(piece.phonemes, limit)]
    sizes = [len(part.phonemes) + 1 for part in parts]  # with the space after it, which the last one lacks
    for begin, end in cuts(sizes, [part.boundary for part in parts], limit + 1):
        yield parts[begin:end]


def joined(pieces: Sequence[Piece]) -> str:
    """The phonemes of an utterance, one token a character."""
    return " ".join(piece.phonemes for piece in pieces)


def _parts(phonemes: str, limit: int) -> list[str]:
    return [phonemes[start : start + limit] for start in range(0, len(phonemes), limit)]
