"""Where a text can be cut so that it can be said in several calls."""

from collections.abc import Iterator, Sequence
from enum import IntEnum
from itertools import accumulate, takewhile

SENTENCE_MARKS = frozenset(".!?…。！？｡।؟۔")
CLAUSE_MARKS = frozenset(",;:—、，；：､،؛")
CLOSING_MARKS = ")]}”’»\"'」』）"
UNSPACED_MARKS = frozenset("。！？｡、，；：､")
"""Marks of scripts without spaces: a text can be cut right after them."""


class Boundary(IntEnum):
    """What ends at a place of a text, from the weakest to the strongest."""

    NONE = 0
    WORD = 1
    CLAUSE = 2
    SENTENCE = 3


def boundary_after(words: str) -> Boundary:
    """What ends with the last of these words, by its punctuation."""
    mark = words.rstrip(CLOSING_MARKS)[-1:]
    if mark in SENTENCE_MARKS:
        return Boundary.SENTENCE
    return Boundary.CLAUSE if mark in CLAUSE_MARKS else Boundary.WORD


def cuts(sizes: Sequence[int], boundaries: Sequence[Boundary], limit: int) -> Iterator[tuple[int, int]]:
    """Cuts a row of things into as few runs of at most `limit` in size as its boundaries allow.

    A cut falls after the last whole sentence that fits; where not even one fits, after the last
    clause, else after the last word, else where the limit is. A thing larger than the limit stands alone.

    Args:
        sizes: of each thing.
        boundaries: what ends after each thing.

    Yields:
        Where each run begins, and where it ends.
    """
    begin = 0
    while begin < len(sizes):
        sums = takewhile(lambda total: total <= limit, accumulate(sizes[begin:]))
        fitting = begin + max(1, sum(1 for _ in sums))
        end = fitting
        if fitting < len(sizes):
            end = max(range(begin + 1, fitting + 1), key=lambda cut: (boundaries[cut - 1], cut))
        yield begin, end
        begin = end
