"""Any Unicode text to the characters that have an English reading: ASCII and a few symbols."""

import re
import unicodedata

SYMBOLS = frozenset("°×÷±≈≤≥→§£€¥₹‰…—")
"""What is kept beside ASCII."""

_REPLACED = str.maketrans(
    "’‘ʼ`“”„«»−‐‑–―。、،؟º²³⁄øØłŁđĐðÐı", '\'\'\'\'"""""---——.,,?°23/oOlLdDdDi', "™®©"
) | str.maketrans({"ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "þ": "th", "Þ": "Th"})
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_LONE_GREEK = re.compile(r"(?<![Ͱ-Ͽ])[Α-Ωα-ω](?![Ͱ-Ͽ])")
_VULGAR_FRACTION = re.compile(r"(\d?)([¼-¾⅐-⅞])")


def folded(word: str) -> str:
    """The word without accents, emoji, control characters, HTML tags and letters of other scripts.

    Typographic forms become plain ones (NFKD), a lone Greek letter its name, an en dash and a double
    hyphen an em dash, "2½" "2 and 1/2".
    """
    if word == "-":
        return "—"
    word = _TAG.sub("", word)
    word = _LONE_GREEK.sub(lambda letter: unicodedata.name(letter[0]).split()[-1].lower(), word)
    word = _VULGAR_FRACTION.sub(lambda part: f"{part[1]} and {part[2]}" if part[1] else part[2], word)
    plain = "".join(
        char if char in SYMBOLS else unicodedata.normalize("NFKD", char.translate(_REPLACED)) for char in word
    )
    plain = re.sub("--+", "—", plain.translate(_REPLACED)).replace("...", "…")
    return "".join(char for char in plain if char in SYMBOLS or (char.isascii() and char.isprintable()))
