"""Moderation by a list of words: no network, no account, and only what cannot be mistaken."""

import asyncio
import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from runtime.errors import Permanent
from runtime.moderation.ports import refusal

_LEET = str.maketrans("013457@$!|", "oieastasil")
_TOKEN = re.compile(r"[@$]?\w(?:[\w@$!|]*\w)?")
"""A word, with the marks in it that stand for letters."""

_SPELT_OUT = re.compile(r"(?<!\w)\w(?:[.\-_*]\w){3,}(?!\w)")
"""A word with marks between its letters."""

_SEPARATORS = re.compile(r"[.\-_*]")


class WordList:
    """Refuses a text that holds a word or phrase of wordlist.toml."""

    async def preflight(self) -> None:
        """It needs nothing."""

    async def review(self, texts: Sequence[str]) -> None:
        """Raises `Permanent` with the categories."""
        found = await asyncio.to_thread(_categories, texts)
        if found:
            raise Permanent(refusal(found))


def _categories(texts: Sequence[str]) -> list[str]:
    """The categories of which anything is in the texts."""
    folded = [fold(text) for text in texts]
    return [name for name, pattern in _patterns().items() if any(pattern.search(text) for text in folded)]


def fold(text: str) -> str:
    """The text in lower case, without accents, invisible characters and marks inside words, digits read as letters."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    seen = "".join(char for char in decomposed if unicodedata.category(char) not in ("Mn", "Cf"))
    joined = _SPELT_OUT.sub(lambda word: _SEPARATORS.sub("", word[0]), seen)
    return _TOKEN.sub(lambda token: _unleet(token[0]), joined)


def _unleet(token: str) -> str:
    """The token with digits and marks as the letters that they stand for; a number stays one."""
    return token.translate(_LEET) if any(char.isalpha() for char in token) else token


@cache
def _patterns() -> Mapping[str, re.Pattern[str]]:
    """A pattern for each category, by its name in plain words."""
    data = files("runtime.moderation").joinpath("wordlist.toml").read_text(encoding="utf-8")
    return {
        category: re.compile(rf"(?<!\w)(?:{'|'.join(_phrase(entry) for entry in entries)})(?!\w)")
        for category, entries in tomllib.loads(data).items()
    }


def _phrase(entry: str) -> str:
    """The pattern of a phrase; a star stands for any ending of its word."""
    return r"[\W_]+".join(re.escape(word).replace(r"\*", r"\w*") for word in entry.split())
