"""English, as far as the painter needs it: words, their plurals, and whether one stands as a noun."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from services.images.offline.tables import table

MAX_CHARACTERS = 2_000
"""A scene's sentence is far shorter; what follows in a longer text is not read."""

_HEADLINE = 0.7
"""In a text with more capitals than this, a capital says nothing."""

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SENTENCE_END = re.compile(r"[.!?…:]\s*[\"'”’)]*\s*$")


@dataclass(frozen=True)
class _English:
    """english.toml."""

    noun_cues: frozenset[str]
    negations: frozenset[str]
    singulars: Mapping[str, str]


@cache
def _english() -> _English:
    data = table("english.toml")
    cues = frozenset((*data["determiners"], *data["adjectives"]))
    return _English(cues, frozenset(data["negations"]), data["singulars"])


@dataclass(frozen=True)
class Token:
    """A word of a text."""

    text: str
    """In lower case."""
    lemma: str
    """The singular, where the word looks like a plural."""
    capital: bool
    starts_sentence: bool

    @property
    def plural(self) -> bool:
        """Whether the word looks like a plural."""
        return self.lemma != self.text


def tokens(text: str) -> tuple[Token, ...]:
    """The words of a text, at most `MAX_CHARACTERS` into it."""
    words = tuple(_tokens(text[:MAX_CHARACTERS]))
    if sum(word.capital for word in words) > _HEADLINE * len(words):
        return tuple(replace(word, capital=False) for word in words)
    return words


def _tokens(text: str) -> Iterator[Token]:
    end = 0
    for found in _WORD.finditer(text):
        word = found[0].replace("’", "'")
        lower = word.lower().removesuffix("'s")
        starts = end == 0 or bool(_SENTENCE_END.search(text[end : found.start()]))
        yield Token(lower, singular(lower), word[0].isupper(), starts)
        end = found.end()


def singular(word: str) -> str:
    """The singular of an English noun in lower case, by rule; a word that is none is changed harmlessly."""
    if word in _english().singulars:
        return _english().singulars[word]
    if len(word) <= 3 or word.endswith(("ss", "us", "is")) or not word.endswith("s"):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "oes")):
        return word[:-2]
    if word.endswith("uses") and word[-5:-4] not in {"a", "o"}:
        return word[:-2]
    return word[:-1]


def stands_as_noun(words: tuple[Token, ...], at: int) -> bool:
    """Whether the word at this place is a noun, by what stands before it: "the fly" is, "they fly" is not."""
    if at == 0 or words[at].starts_sentence:
        return words[at].plural
    before = words[at - 1].text
    return before in _english().noun_cues or before.isdecimal()


def is_negated(words: tuple[Token, ...], at: int) -> bool:
    """Whether a negation stands just before, with at most an article between: "no dog", "not a dog"."""
    none = _english().negations
    before = [word.text for word in words[max(0, at - 2) : at]]
    return bool(before) and (before[-1] in none or (before[0] in none and before[-1] in {"a", "an", "the"}))
