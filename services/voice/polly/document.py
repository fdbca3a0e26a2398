"""Narration to what Polly is sent: plain text, or SSML where it has paragraphs."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from services.voice.cutting import UNSPACED_MARKS, Boundary, boundary_after, cuts

_PARAGRAPHS = "</p><p>"
_OPENING, _CLOSING = "<speak><p>", "</p></speak>"
_JOINERS = "\u200c\u200d"
"""They shape letters of Arabic and Indic scripts."""


@dataclass(frozen=True)
class _Glyph:
    """A character of the narration as it is sent."""

    origin: int
    """Its index in the narration."""
    char: str
    sent: str


@dataclass(frozen=True)
class Document:
    """What one request sends."""

    text: str
    is_ssml: bool
    origins: Sequence[int]
    """For every byte of the text in UTF-8, the index of its character in the narration."""
    span: slice
    """The part of the narration that it holds."""
    boundary: Boundary
    """What ends with it."""
    characters: int
    """As Polly bills them: tags do not count."""


def documents(narration: str, *, paragraphs: bool, limit: int) -> list[Document]:
    """The narration in as few documents of some `limit` bytes as its sentences allow.

    Control characters become spaces; what has no meaning in speech (surrogates, marks of direction,
    private and unassigned characters) is left out.

    Args:
        paragraphs: whether the engine knows the SSML for them; they are spaces to others.
    """
    is_ssml = paragraphs and len(narration.strip().splitlines()) > 1
    glyphs = list(_marked_up(narration) if is_ssml else _glyphs(narration, 0))
    found: list[Document] = []
    boundaries = _boundaries(glyphs)
    for begin, end in cuts([len(glyph.sent.encode()) for glyph in glyphs], boundaries, limit):
        part = _stripped(glyphs[begin:end])
        if part:
            found.append(_document(part, is_ssml, boundaries[end - 1]))
    return found


def _document(glyphs: Sequence[_Glyph], is_ssml: bool, boundary: Boundary) -> Document:
    first, last = glyphs[0].origin, glyphs[-1].origin
    origins = [glyph.origin for glyph in glyphs for _ in glyph.sent.encode()]
    text = "".join(glyph.sent for glyph in glyphs)
    if is_ssml:
        origins = [first] * len(_OPENING) + origins + [last] * len(_CLOSING)
        text = _OPENING + text + _CLOSING
    characters = sum(1 for glyph in glyphs if glyph.sent != _PARAGRAPHS)
    return Document(text, is_ssml, origins, slice(first, last + 1), boundary, characters)


def _marked_up(narration: str) -> Iterator[_Glyph]:
    at, begun = 0, False
    for line in narration.splitlines(keepends=True):
        if line.strip():
            if begun:
                yield _Glyph(at, "\n", _PARAGRAPHS)
            begun = True
            for glyph in _glyphs(line.rstrip(), at):
                yield _Glyph(glyph.origin, glyph.char, escape(glyph.char))
        at += len(line)


def _glyphs(text: str, start: int) -> Iterator[_Glyph]:
    for at, char in enumerate(text, start):
        category = unicodedata.category(char)
        if category in ("Cc", "Zl", "Zp"):
            yield _Glyph(at, " ", " ")
        elif not category.startswith("C") or char in _JOINERS:
            yield _Glyph(at, char, char)


def _boundaries(glyphs: Sequence[_Glyph]) -> list[Boundary]:
    found: list[Boundary] = []
    word = ""
    for glyph in glyphs:
        if glyph.char.isspace():
            found.append(boundary_after(word) if word else (found or [Boundary.WORD])[-1])
            word = ""
        else:
            word += glyph.char
            found.append(boundary_after(word) if glyph.char in UNSPACED_MARKS else Boundary.NONE)
    return found


def _stripped(glyphs: Sequence[_Glyph]) -> Sequence[_Glyph]:
    held = [at for at, glyph in enumerate(glyphs) if not glyph.char.isspace()]
    return glyphs[held[0] : held[-1] + 1] if held else ()
