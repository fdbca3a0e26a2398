"""A text in pieces to utterances that the model can say in one breath."""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from services.voice.kokoro.phonemes import Piece


def utterances(pieces: Sequence[Piece], limit: int) -> Iterator[list[Piece]]:
    """Cuts the text into as few utterances of at most `limit` tokens as its sentences allow.

    A cut falls after the last whole sentence that fits; where not even one fits, after the last
    clause, else after the last word. A longer piece is cut where it reaches the limit.
    """
    rest = [Piece(piece.word, part) for piece in pieces for part in _parts(piece.phonemes, limit)]
    while rest:
        end = _fitting(rest, limit)
        if end < len(rest):
            end = max(range(1, end + 1), key=lambda cut: (rest[cut - 1].boundary, cut))
        yield rest[:end]
        rest = rest[end:]


def joined(pieces: Sequence[Piece]) -> str:
    """The phonemes of an utterance, one token a character."""
    return " ".join(piece.phonemes for piece in pieces)


def _parts(phonemes: str, limit: int) -> list[str]:
    return [phonemes[start : start + limit] for start in range(0, len(phonemes), limit)]


def _fitting(pieces: Sequence[Piece], limit: int) -> int:
    """How many pieces, one at least, fit with the spaces between them."""
    ends = accumulate(len(piece.phonemes) + 1 for piece in pieces)
    return max(1, sum(end - 1 <= limit for end in ends))
