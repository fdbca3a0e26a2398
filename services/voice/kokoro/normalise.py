"""Text as it is written to words as they are said: numbers, money, units, abbreviations and symbols spelled out.

What cannot be said in English (emoji, other scripts, control characters) is left out. Nothing here
depends on the voice: the result is plain ASCII words, with the punctuation that gives speech its pauses.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from services.voice.kokoro.folding import folded
from services.voice.kokoro.numbers import cardinal, ordinal, plural, year

_TABLES: Mapping[str, Mapping[str, Any]] = tomllib.loads(
    files("services.voice.kokoro").joinpath("pronunciation.toml").read_text(encoding="utf-8")
)
UNITS: Mapping[str, tuple[str, str]] = _TABLES["units"]
CURRENCIES: Mapping[str, tuple[str, str, str, str]] = _TABLES["currencies"]
MAGNITUDES: Mapping[str, str] = _TABLES["magnitudes"]
TITLES: Mapping[str, str] = _TABLES["titles"]
LABELS: Mapping[str, str] = _TABLES["labels"]
ABBREVIATIONS: Mapping[str, str] = _TABLES["abbreviations"]
SYMBOLS: Mapping[str, str] = _TABLES["symbols"]
WORDS: Mapping[str, str] = _TABLES["words"]
MONTHS: frozenset[str] = frozenset(_TABLES["months"]["names"])

MARKS = frozenset(".,;:!?…—")
"""Punctuation that gives speech a pause."""

LONGEST_PIECE = 40
"""Letters read as one word; a longer run is cut, because looking a word up costs its length cubed."""

_NUMBER = r"(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)"
_CURRENCY = "[" + "".join(CURRENCIES) + "]"
_MONEY = re.compile(rf"(?P<sign>-?)(?:[A-Z]{{1,2}})?(?P<currency>{_CURRENCY})(?P<amount>{_NUMBER})(?P<scale>[A-Za-z]*)")
_MONEY_AFTER = re.compile(rf"(?P<sign>-?)(?P<amount>{_NUMBER})(?P<scale>[A-Za-z]*)(?P<currency>{_CURRENCY})")
_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)(.*)")
_ORDINAL = re.compile(r"(\d[\d,]*)(?:st|nd|rd|th)")
_DECADE = re.compile(r"'?(\d{2}|\d{4})'?s")
_FRACTION = re.compile(r"(?:(\d) and )?([1-9])/([2-9]|10)")
_VERSION = re.compile(r"v?(\d+(?:\.\d+){2,})")
_DAY = re.compile(r"[12]?[1-9]|[123]0|31")
_DASHED_RANGE = re.compile(rf"({_NUMBER})—({_NUMBER})(.*)")
_HYPHENED_RANGE = re.compile(r"(\d{1,2}|\d{4})-(\d{1,2}|\d{4})()")
_QUANTITY = re.compile(rf"(-?)({_NUMBER})([^\d\s]*\d?)")
_LABELLED = re.compile(rf"#({_NUMBER})")
_YEAR = re.compile(r"1\d{3}|20\d{2}")
_INITIALS = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]")
_ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?((?:[\w-]+@)?[\w-]+(?:\.[\w-]+)*\.[a-z]{2,})(?:/\S*)?")
_PIECE = re.compile(rf"{_NUMBER}|[A-Za-z]+(?:['-][A-Za-z]+)*'?|[^\sA-Za-z\d]")
_SHORT_CAPITALS = re.compile(r"[A-Z]{2,3}")

_EDGES = re.compile(r"(?P<lead>[\"'(\[{*_]*)(?P<core>.*?)(?P<tail>[.,;:!?…)\]}\"'*_—]*)", re.DOTALL)
_SPOKEN_MARKS = str.maketrans({"[": "(", "{": "(", "]": ")", "}": ")", "'": "", "*": "", "_": ""})


@dataclass(frozen=True)
class _Written:
    """A word in its place: what stands before and after it decides how some are said."""

    before: str
    core: str
    after: str

    @property
    def before_a_name(self) -> bool:
        return self.after[:1].isupper()

    @property
    def before_a_number(self) -> bool:
        return self.after[:1].isdigit()


def spoken_words(text: str) -> list[tuple[str, ...]]:
    """For every word of the text, split at white space, the pieces in which it is said.

    A piece is a word with its punctuation, or a mark of punctuation; a word without pieces is silent.
    """
    parts = [_parts(word) for word in text.split()]
    cores = ["", *(core for _, core, _ in parts), ""]
    return [
        _spoken(lead, _Written(before, core, after), tail)
        for (lead, core, tail), before, after in zip(parts, cores, cores[2:], strict=False)
    ]


def _parts(word: str) -> tuple[str, str, str]:
    """A folded word as the marks before it, itself and the marks after it."""
    match = _EDGES.fullmatch(folded(word))
    return (match["lead"], match["core"], match["tail"]) if match else ("", "", "")


def _spoken(lead: str, word: _Written, tail: str) -> tuple[str, ...]:
    said, tail = _said(word, tail)
    pieces = [piece[i : i + LONGEST_PIECE] for piece in said.split() for i in range(0, len(piece), LONGEST_PIECE)]
    tail = tail.translate(_SPOKEN_MARKS)
    if not pieces:
        return (tail,) if tail else ()
    pieces[0] = lead.translate(_SPOKEN_MARKS) + pieces[0]
    if tail.startswith("—") or (tail and pieces[-1].endswith(".")):  # else it would be read as part of the word
        return (*pieces, tail)
    return (*pieces[:-1], pieces[-1] + tail)


def _said(word: _Written, tail: str) -> tuple[str, str]:
    """What is said for a word, and the marks that are left after it: an abbreviation takes its full stop."""
    if tail.startswith("."):
        name = word.core.lower()
        if name in LABELS and word.before_a_number:
            return LABELS[name], tail[1:]
        if name in TITLES and word.core[0].isupper() and word.before_a_name:
            return TITLES[name], tail[1:]
        at_end = not word.after or word.before_a_name
        if name in ABBREVIATIONS:
            return ABBREVIATIONS[name], tail if at_end else tail[1:]
        if len(word.core) == 1 and word.core.isupper() and word.before_a_name:
            return word.core, tail[1:]
        if _INITIALS.fullmatch(word.core):
            return f"{word.core}.", tail[1:] if word.after else tail
    return _reading(word), tail


def _reading(word: _Written) -> str:
    """The words for one word without its outer punctuation."""
    core = word.core
    if core in UNITS and _after_number(word):
        return UNITS[core][word.before != "1"]
    if core in MAGNITUDES.values() and (money := _MONEY.fullmatch(word.before)):
        return f"{core} {CURRENCIES[money['currency']][1]}"
    if core.lower() in WORDS:
        return WORDS[core.lower()]
    for read in (_money, _time, _numeral, _fraction, _range, _quantity, _address):
        said = read(word)
        if said is not None:
            return said
    code = any(char.isdigit() for char in core)
    return " ".join(
        _spelled(piece) if code and _SHORT_CAPITALS.fullmatch(piece) else _piece(piece)
        for piece in _PIECE.findall(core)
    )


def _after_number(word: _Written) -> bool:
    return word.before[-1:].isdigit()


def _spelled(capitals: str) -> str:
    """ "CO" of "CO2" as "C.O.", which is read letter by letter."""
    return "".join(f"{letter}." for letter in capitals)


def _piece(piece: str) -> str:
    if piece[-1].isdigit():
        return cardinal(piece)
    if piece[0].isalpha():
        return piece if piece.count("-") <= 3 else piece.replace("-", " ")
    return SYMBOLS.get(piece, piece if piece in MARKS else "")


def _money(word: _Written) -> str | None:
    match = _MONEY.fullmatch(word.core) or _MONEY_AFTER.fullmatch(word.core)
    if match is None or (match["scale"] and match["scale"] not in MAGNITUDES):
        return None
    one, several, cent, cents = CURRENCIES[match["currency"]]
    minus, amount = "minus " if match["sign"] else "", match["amount"]
    if word.after in MAGNITUDES.values():
        return minus + cardinal(amount)
    if match["scale"]:
        return f"{minus}{cardinal(amount)} {MAGNITUDES[match['scale']]} {several}"
    whole, _, small = amount.partition(".")
    if len(small) not in (0, 2):
        return f"{minus}{cardinal(amount)} {several}"
    said = f"{minus}{cardinal(whole)} {one if whole == '1' else several}"
    if small.strip("0"):
        said += f" and {cardinal(str(int(small)))} {cent if small == '01' else cents}"
    return said


def _time(word: _Written) -> str | None:
    match = _TIME.fullmatch(word.core)
    if match is None or (match[3] and match[3] not in UNITS):
        return None
    hour, minutes = cardinal(str(int(match[1]))), match[2]
    said = [hour]
    if minutes != "00":
        said.append(f"oh {cardinal(minutes[1])}" if minutes[0] == "0" else cardinal(minutes))
    elif not match[3] and word.after.lower() not in ("am", "pm", "a.m", "p.m"):
        said.append("o'clock" if int(match[1]) <= 12 else "hundred hours")
    return " ".join([*said, *UNITS.get(match[3], [])[1:]])


def _numeral(word: _Written) -> str | None:
    """Ordinals, decades, labelled numbers, versions, days of a month."""
    if match := _ORDINAL.fullmatch(word.core):
        return ordinal(match[1])
    if match := _DECADE.fullmatch(word.core):
        return plural(_count(match[1]))
    if match := _LABELLED.fullmatch(word.core):
        return f"number {cardinal(match[1])}"
    if match := _VERSION.fullmatch(word.core):
        return " point ".join(cardinal(part) for part in match[1].split("."))
    if word.before in MONTHS and _DAY.fullmatch(word.core):
        return ordinal(word.core)
    return None


def _fraction(word: _Written) -> str | None:
    match = _FRACTION.fullmatch(word.core)
    if match is None:
        return None
    whole, above, below = match.groups()
    one, several = {"2": ("half", "halves"), "4": ("quarter", "quarters")}.get(below) or (
        ordinal(below),
        plural(ordinal(below)),
    )
    return (f"{cardinal(whole)} and " if whole else "") + f"{cardinal(above)} {one if above == '1' else several}"


def _range(word: _Written) -> str | None:
    match = _DASHED_RANGE.fullmatch(word.core) or _HYPHENED_RANGE.fullmatch(word.core)
    if match is None or (match[3] and match[3] not in UNITS):
        return None
    return " ".join([_count(match[1]), "to", _count(match[2]), *UNITS.get(match[3], [])[1:]])


def _quantity(word: _Written) -> str | None:
    """A number, with or without its unit."""
    match = _QUANTITY.fullmatch(word.core)
    if match is None or (match[3] and match[3] not in UNITS):
        return None
    minus = "minus " if match[1] else ""
    if match[3]:
        return f"{minus}{cardinal(match[2])} {UNITS[match[3]][match[2] != '1']}"
    return minus + (cardinal(match[2]) if word.after in UNITS else _count(match[2]))


def _count(number: str) -> str:
    """A number of four digits that can be a year is read as one, as English does for small counts too."""
    return year(number) if _YEAR.fullmatch(number) else cardinal(number)


def _address(word: _Written) -> str | None:
    """A web or mail address by its host: "example dot com"."""
    match = _ADDRESS.fullmatch(word.core)
    if match is None:
        return None
    return match[1].replace("@", " at ").replace(".", " dot ").replace("-", " ").replace("_", " ")
