"""Where sentences end: not after abbreviations, initials and decimals, nor inside of a quotation."""

import re

from services.script.words import words

_BOUNDARY = re.compile(r"(?P<mark>[.!?…]+|[。！？।؟۔።]+)[\"'”’»」』]*(?P<gap>\s*)")
_UNSPACED_MARKS = "。！？"
_QUOTATION = re.compile(r"“[^“”]{1,400}”|\"[^\"]{1,400}\"|«[^«»]{1,400}»|「[^「」]{1,400}」")
_OPENING = "\"'“‘«「¿¡ "
_LAST_TOKEN = re.compile(r"[^\s\"'“‘«(]*$")
_TOKEN_REACH = 24

_NEVER_LAST, _MAYBE_LAST, _BEGINNERS = words("never_last"), words("maybe_last"), words("beginners")


def split_sentences(paragraph: str) -> list[str]:
    """The sentences of one paragraph (one line of text), in their order."""
    quotations = [match.span() for match in _QUOTATION.finditer(paragraph)]
    sentences: list[str] = []
    start = quoted = 0
    for boundary in _BOUNDARY.finditer(paragraph):
        while quoted < len(quotations) and quotations[quoted][1] <= boundary.start("mark"):
            quoted += 1
        inside = quoted < len(quotations) and quotations[quoted][0] < boundary.end() < quotations[quoted][1]
        if not inside and _ends(paragraph, start, boundary):
            sentences.append(paragraph[start : boundary.end()].strip())
            start = boundary.end()
    sentences.append(paragraph[start:].strip())
    return [sentence for sentence in sentences if sentence]


def _ends(text: str, start: int, boundary: re.Match[str]) -> bool:
    if boundary["mark"][0] in _UNSPACED_MARKS:
        return True
    following = text[boundary.end() : boundary.end() + _TOKEN_REACH].lstrip(_OPENING)
    if not boundary["gap"] or not following or following[0].islower():
        return False
    return boundary["mark"] != "." or _is_full_stop(text, start, boundary.start(), following)


def _is_full_stop(text: str, start: int, at: int, following: str) -> bool:
    """Whether the single point at `at` ends a sentence, rather than an abbreviation or an initial."""
    token = _LAST_TOKEN.search(text[max(start, at - _TOKEN_REACH) : at])
    before = token[0] if token else ""
    begins = following.split(maxsplit=1)[0].strip(",'’\"").casefold() in _BEGINNERS
    if before.casefold() in _NEVER_LAST:
        return False
    if before.casefold() in _MAYBE_LAST or (len(before) == 1 and before.isupper()):
        return begins
    return True
