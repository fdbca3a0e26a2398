"""Cutting a sentence at the borders of its clauses, so that each part says what the whole said."""

import re

from services.script.plain_text import word_count

FEWEST_WORDS = 4
"""A part of fewer words says nothing on its own."""

KERNEL_WORDS = 8
"""What is left of a sentence without its last clause has at least so many words."""

_SUBORDINATE = re.compile(
    r"^(?:if|when|whenever|while|although|though|because|since|unless|as|whether|until|once|after|before|not|neither)\b",
    re.IGNORECASE,
)
"""Such a sentence hangs together: its second clause is true only with the first."""

_CONDITION = re.compile(r"\b(?:if|unless|whether|said|says|claim\w*|argue\w*|believe[ds]?|den(?:y|ies|ied))\b")
_SUBJECT = r"(?=(?:it|they|he|she|we|you|there)\s)"
_BORDER = re.compile(rf";\s+|,\s+(?:and\s+)?{_SUBJECT}|,\s+(?=(?:but|so|yet)\s+{_SUBJECT})", re.IGNORECASE)
_SERIES = re.compile(r";\s+(?:and|or)\b", re.IGNORECASE)
"""Semicolons in a list, whose parts are no sentences."""

_TRAILING = re.compile(r",\s+(?:which|who|whose|where|when|including|such as|especially|particularly)\s[^,;:]+$")
_QUOTE = re.compile(r"[\"“”]")
_POINT = re.compile(r"[.!?…]+[\"'”’»]*$")


def halves(sentence: str) -> tuple[str, str] | None:
    """Two sentences that together say the same, cut as near to the middle as may be, or None."""
    bound = _SUBORDINATE.match(sentence) or _CONDITION.search(sentence) or _SERIES.search(sentence)
    if bound or _QUOTE.search(sentence):
        return None
    middle = len(sentence) / 2
    for border in sorted(_BORDER.finditer(sentence), key=lambda border: abs(border.start() - middle)):
        left, right = sentence[: border.start()], sentence[border.end() :]
        if min(word_count(left), word_count(right)) >= FEWEST_WORDS:
            return f"{left}.", capitalised(right)
    return None


def pieces(sentence: str, most_words: int) -> list[str]:
    """The sentence in parts of at most `most_words` words, as far as its clauses allow."""
    cut = halves(sentence) if word_count(sentence) > most_words else None
    if cut is None:
        return [sentence]
    return [part for half in cut for part in pieces(half, most_words)]


def without_trailing_clause(sentence: str) -> str | None:
    """The sentence without a last clause that only adds to it (", which …"), or None where there is none."""
    point = _POINT.search(sentence)
    body = sentence[: point.start()] if point else sentence
    kernel = _TRAILING.sub("", body)
    cut = kernel != body and word_count(kernel) >= KERNEL_WORDS
    if not cut or _SUBORDINATE.match(sentence) or _QUOTE.search(sentence):
        return None
    return kernel + (point[0] if point else ".")


def capitalised(sentence: str) -> str:
    """The sentence with a capital letter first."""
    return sentence[:1].upper() + sentence[1:]
