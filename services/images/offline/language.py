"""English, as far as the painter needs it: words, their plurals, and whether one stands as a noun."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

MAX_CHARACTERS = 2_000
"""A scene's sentence is far shorter; what follows in a longer text is not read."""

_HEADLINE = 0.7
"""In a text with more capitals than this, a capital says nothing."""

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SENTENCE_END = re.compile(r"[.!?…:]\s*[\"'”’)]*\s*$")

_IRREGULAR = {
    "mice": "mouse", "dormice": "dormouse", "geese": "goose", "teeth": "tooth", "feet": "foot", "oxen": "ox",
    "wolves": "wolf", "leaves": "leaf", "loaves": "loaf", "calves": "calf", "knives": "knife", "lives": "life",
    "dice": "dice", "policemen": "policeman", "firemen": "fireman", "postmen": "postman", "horsemen": "horseman",
    "businessmen": "businessman", "salesmen": "salesman", "larvae": "larva", "scarves": "scarf", "hooves": "hoof",
}  # fmt: skip

_DETERMINERS = frozenset(
    "a an the his her their my our your its this that these those some any many every each several few both "
    "another one two three four five six seven eight nine ten twelve twenty thirty forty fifty hundred thousand "
    "dozen of with by like as into onto from for without".split()
)
_ADJECTIVES = frozenset(
    "small big little large great old young new tiny giant huge red blue green white black brown golden yellow grey "
    "gray pink purple silver wild tame hungry angry happy sad lazy sleepy clever wise brave strong weak fast slow "
    "beautiful pretty ugly dead live living first last second third long short tall fat thin heavy light dark bright "
    "cold hot warm wooden steel iron stone glass paper lonely single whole half ripe fresh rotten poor rich ancient "
    "modern famous electric baby adult male female queen king giant sea fishing strange gentle quiet silent round "
    "flat deep winged feathered striped spotted royal magic enchanted steam cargo passenger wooden tall burning".split()
)
_NEGATIONS = frozenset({"no", "without", "nor", "never", "neither", "not", "isn't", "aren't"})


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
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 3 or word.endswith(("ss", "us", "is")) or not word.endswith("s"):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zes", "oes")):
        return word[:-2]
    return word[:-1]


def stands_as_noun(words: tuple[Token, ...], at: int) -> bool:
    """Whether the word at this place is a noun, by what stands before it: "the fly" is, "they fly" is not."""
    if at == 0 or words[at].starts_sentence:
        return words[at].plural
    before = words[at - 1].text
    return before in _DETERMINERS or before in _ADJECTIVES or before.isdecimal()


def is_negated(words: tuple[Token, ...], at: int) -> bool:
    """Whether a negation stands just before, with at most an article between: "no dog", "not a dog"."""
    before = [word.text for word in words[max(0, at - 2) : at]]
    return bool(before) and (before[-1] in _NEGATIONS or (before[0] in _NEGATIONS and before[-1] in {"a", "an", "the"}))
