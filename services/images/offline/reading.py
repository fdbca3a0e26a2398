"""Reading a sentence for a picture: what stands in it, where, and at what time of day."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from random import Random

from services.images.offline.concepts import Concept, Match, Phrase, Placement, find, is_bygone, phrase
from services.images.offline.language import Token, tokens
from services.images.offline.tables import table

MAX_SUBJECTS = 3

_PLACE_OF_PLACEMENT = {Placement.WATER: "sea", Placement.DEEP: "underwater", Placement.SEABED: "underwater"}
_SUBMERGED = frozenset({Placement.DEEP, Placement.SEABED})
_WET, _AIRLESS, _SEA = "underwater", "space", "sea"

_LARGEST_INDOORS = 2.5
"""Metres."""
INDOORS = frozenset({"table", "room", "theatre"})
_NAMED, _IMPLIED = 3.0, 1.0
"""What a place that is named weighs against one that a subject is at home in."""

_MOST_BUSTS = 2
"""Portraits of one and the same person beside each other: more look like clones."""

_BUSINESS_PLACES = ("city", "city", "table", "city", "hills")
"""Where a sentence of business is set that names nothing."""

_QUIET_PLACES = ("hills", "hills", "sea", "snow", "forest", "savannah", "hills", "sea")
"""Where a sentence is set that says nothing: a bare landscape suits any."""


class Time(StrEnum):
    """The time of day, by its light."""

    DAY = "day"
    GOLDEN = "golden"
    DUSK = "dusk"
    NIGHT = "night"


_USUAL_TIMES = (Time.DAY,) * 5 + (Time.GOLDEN,) * 3 + (Time.DUSK,) * 2 + (Time.NIGHT,)


@dataclass(frozen=True)
class Subject:
    """A thing in the picture, and how many of it."""

    concept: Concept
    count: int = 1


@dataclass(frozen=True)
class Reading:
    """What a sentence asks a picture to show."""

    subjects: tuple[Subject, ...]
    """The first is the main one; together at most `MAX_SUBJECTS` things."""
    place: str
    time: Time


def read(text: str, chance: Random) -> Reading:
    """Reads any text; one that names nothing is given a quiet landscape."""
    words = tokens(text)
    matches = _one_of_each_icon(find(words))
    place = _place(words, matches, chance)
    return Reading(_subjects(matches, place), place, _time(words, chance))


def _one_of_each_icon(matches: tuple[Match, ...]) -> tuple[Match, ...]:
    first: dict[str, Match] = {}
    for match in matches:
        first.setdefault(match.concept.icon, match)
    return tuple(first.values())


def _place(words: tuple[Token, ...], matches: tuple[Match, ...], chance: Random) -> str:
    votes: dict[str, float] = defaultdict(float)
    for place, count in _named(words, _phrases("places")).items():
        votes[place] += _NAMED * count
    for rank, match in enumerate(matches[:MAX_SUBJECTS]):
        concept = match.concept
        home = _PLACE_OF_PLACEMENT.get(concept.placement, concept.place)
        certainty = 2 if concept.placement in _PLACE_OF_PLACEMENT else 1
        votes[home] += _IMPLIED * certainty * (1.5 if rank == 0 else 1)
    if votes:
        return _fitting(max(votes, key=votes.__getitem__), words, matches)
    if _named(words, _phrases("business")):
        return chance.choice(_BUSINESS_PLACES)
    return chance.choice(_QUIET_PLACES)


def _fitting(place: str, words: tuple[Token, ...], matches: tuple[Match, ...]) -> str:
    """The place, or one that serves better: the town is a modern one, and a whale is seen under water."""
    if place == "city" and is_bygone(words):
        return "hills"
    if place == "sea" and matches and matches[0].concept.placement in _SUBMERGED:
        return _WET
    return place


def _time(words: tuple[Token, ...], chance: Random) -> Time:
    usual = chance.choice(_USUAL_TIMES)
    named = _named(words, _phrases("times"))
    return Time(max(named, key=named.__getitem__)) if named else usual


@cache
def _phrases(kind: str) -> Mapping[Phrase, tuple[str, bool]]:
    """What each phrase of places.toml stands for, and whether it needs its capital."""
    entries = table("places.toml")[kind]
    return {phrase(words): (name, words[0].isupper()) for name, listed in entries.items() for words in listed}


def _named(words: tuple[Token, ...], phrases: Mapping[Phrase, tuple[str, bool]]) -> Counter[str]:
    named: Counter[str] = Counter()
    longest = max(len(known) for known in phrases)
    for at in range(len(words)):
        for length in range(1, min(longest, len(words) - at) + 1):
            span = words[at : at + length]
            head = tuple(word.text for word in span[:-1])
            for last in dict.fromkeys((span[-1].text, span[-1].lemma)):
                name, capital = phrases.get((*head, last), ("", False))
                if name and (span[0].capital or not capital):
                    named[name] += length
                    break
    return named


def _subjects(matches: tuple[Match, ...], place: str) -> tuple[Subject, ...]:
    """The first few things that can be seen in this place; the first plural stands for as many as there is room for."""
    shown = [match for match in matches if _fits(match.concept, place)][:MAX_SUBJECTS]
    crowd = next((match for match in shown if match.count > 1), None)
    room = MAX_SUBJECTS - len(shown)
    return tuple(
        Subject(match.concept, min(match.count, 1 + room, _MOST_BUSTS if match.concept.bust else MAX_SUBJECTS))
        if match is crowd
        else Subject(match.concept)
        for match in shown
    )


def _fits(concept: Concept, place: str) -> bool:
    home = concept.placement
    if place == _WET:
        return home in _SUBMERGED
    if place == _AIRLESS:
        return home is Placement.SPACE or concept.place == _AIRLESS
    if place in INDOORS:
        return home in {Placement.TABLE, Placement.GROUND} and concept.size <= _LARGEST_INDOORS
    return home not in _SUBMERGED and (home is not Placement.WATER or place == _SEA)
