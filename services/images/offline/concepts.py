"""Concepts: what the painter can show, and where a text names it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from services.images.offline.language import Token, is_negated, stands_as_noun
from services.images.offline.tables import table


class Placement(StrEnum):
    """Where a thing is at home in a picture."""

    GROUND = "ground"
    TABLE = "table"
    SKY = "sky"
    WATER = "water"
    SEABED = "seabed"
    DEEP = "deep"
    SPACE = "space"


@dataclass(frozen=True)
class Concept:
    """A thing that can be shown, as concepts.toml describes it."""

    words: tuple[str, ...]
    icon: str
    size: float
    """Metres."""
    placement: Placement
    place: str
    turns: bool = False
    """Whether it may be mirrored: nothing is written on it."""
    modern: bool = False
    pos: str = ""
    bust: bool = False
    common: bool = False
    proper: bool = False
    needs: frozenset[str] = field(default_factory=frozenset[str])
    bars: frozenset[str] = field(default_factory=frozenset[str])


@dataclass(frozen=True)
class Match:
    """A concept that a text names, at this word."""

    concept: Concept
    at: int
    count: int
    """One, two where the text says so, three for any other plural."""


_PAIR = frozenset({"two", "2", "both"})

Phrase = tuple[str, ...]


@cache
def concepts() -> tuple[Concept, ...]:
    """The table, in its order."""
    groups = table("concepts.toml")["groups"]
    return tuple(_concept({**group, **row}) for group in groups for row in group["concepts"])


def phrase(words: str) -> Phrase:
    """A phrase as the words of a text are looked up."""
    return tuple(words.lower().split())


def _concept(row: dict[str, Any]) -> Concept:
    facts = {
        name: value for name, value in row.items() if name not in {"words", "placement", "with", "without", "concepts"}
    }
    return Concept(
        words=tuple(row["words"]),
        placement=Placement(row["placement"]),
        needs=frozenset(row.get("with", ())),
        bars=frozenset(row.get("without", ())),
        **facts,
    )


@cache
def _index() -> Mapping[Phrase, Concept]:
    return {phrase(words): concept for concept in concepts() for words in concept.words}


@cache
def _figures_of_speech() -> frozenset[Phrase]:
    return frozenset(phrase(words) for words in table("places.toml")["figures_of_speech"]["phrases"])


@cache
def _longest() -> int:
    return max(len(words) for words in (*_index(), *_figures_of_speech()))


@dataclass(frozen=True)
class _Text:
    """A text as concepts are looked for in it."""

    words: tuple[Token, ...]
    about: frozenset[str]
    """Every word, as it stands and in the singular."""
    bygone: bool
    """Whether it speaks of a time before machines."""


def is_bygone(words: tuple[Token, ...]) -> bool:
    """Whether a text speaks of a time before machines: by its words, or by a year."""
    signs = table("places.toml")["bygone"]
    plain = f" {' '.join(word.text for word in words)} "
    return any(f" {sign} " in plain for sign in signs["words"]) or any(
        len(word.text) in {3, 4}
        and word.text.isdecimal()
        and int(word.text) < signs["year"]
        and not word.text.endswith("000")
        for word in words
    )


def find(words: tuple[Token, ...]) -> tuple[Match, ...]:
    """The concepts that a text names, in its order; of overlapping phrases the longest counts."""
    text = _Text(
        words, frozenset(word.text for word in words) | frozenset(word.lemma for word in words), is_bygone(words)
    )
    matches: list[Match] = []
    at = 0
    while at < len(words):
        length, match = _longest_at(text, at)
        if match is not None:
            matches.append(match)
        at += length
    return tuple(matches)


def _longest_at(text: _Text, at: int) -> tuple[int, Match | None]:
    """How many words are settled from here, and what they show."""
    words = text.words
    for length in range(min(_longest(), len(words) - at), 0, -1):
        span = words[at : at + length]
        head = tuple(word.text for word in span[:-1])
        for last in dict.fromkeys((span[-1].text, span[-1].lemma)):
            named = (*head, last)
            if named in _figures_of_speech():
                return length, None
            concept = _index().get(named)
            if concept and _is_meant(concept, text, at, length):
                return length, Match(concept, at, _count(words, at) if last != span[-1].text else 1)
    return 1, None


def _count(words: tuple[Token, ...], at: int) -> int:
    """How many a plural means."""
    return 2 if at and words[at - 1].text in _PAIR else 3


def _is_meant(concept: Concept, text: _Text, at: int, length: int) -> bool:
    """Whether the words name this concept rather than a namesake."""
    words, first = text.words, text.words[at]
    named = frozenset(word.text for word in words[at : at + length])
    if concept.needs and not concept.needs & text.about:
        return False
    if concept.bars & (text.about - named) or is_negated(words, at) or (concept.modern and text.bygone):
        return False
    if concept.proper:
        return first.capital
    if first.capital and not _may_be_common(concept, words, at, length):
        return False
    return concept.pos != "noun" or length > 1 or stands_as_noun(words, at)


def _may_be_common(concept: Concept, words: tuple[Token, ...], at: int, length: int) -> bool:
    """Whether a capitalised word is a plain noun: it begins a sentence, and is no name.

    A phrase of several words is plain enough to be itself even where it is capitalised.
    """
    if length > 1:
        return True
    if not words[at].starts_sentence:
        return False
    if words[at].plural:
        return True
    following = words[at + 1] if at + 1 < len(words) else None
    return not concept.common and not (following is not None and following.capital)
