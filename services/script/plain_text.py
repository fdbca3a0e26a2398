"""Text as it can be spoken and shown: no control characters, no invisible directions."""

import re
import unicodedata

_LINE_BREAK = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")

_JOINERS = "\u200c\u200d"
"""Invisible, but part of the spelling of Persian and Hindi words and of joined emoji."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co"})
"""Unicode's categories of control, format (bidi controls among them), surrogate and private characters."""

_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
"""Kana and Han, which are written without spaces."""

_WORD = re.compile(r"[^\W_]+(?:['’.,\-][^\W_]+)*")


def plain(text: str) -> str:
    """The text in NFC without control characters; line breaks are kept, all as newlines."""
    lines = _LINE_BREAK.sub("\n", text).replace("\t", " ")
    seen = (char for char in lines if char == "\n" or char in _JOINERS or unicodedata.category(char) not in _UNSEEN)
    return unicodedata.normalize("NFC", "".join(seen))


def one_line(text: str) -> str:
    """The text on one line: plain, and every run of white space folded into one space."""
    return " ".join(plain(text).split())


def shortened(text: str, limit: int) -> str:
    """The text cut between two words where it is longer than `limit` characters, with an ellipsis."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut).rstrip(" ,;:-–—") + "…"


def word_count(text: str) -> int:
    """How many words it takes to say this; two characters of Han or kana take as long as one word."""
    unspaced = len(_UNSPACED.findall(text))
    return len(_WORD.findall(_UNSPACED.sub(" ", text))) + (unspaced + 1) // 2
