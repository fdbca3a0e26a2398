"""The parts of a pasted text: headings, running text and list items, with markup and clutter taken off.

Plain text (hard-wrapped or not), Markdown and the plain text of Wikipedia (`== Heading ==`) are read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from services.script.plain_text import plain, word_count

HEADING_WORDS = 12
"""A line of its own without a full stop is a heading up to this many words."""

LIST_LINES = 3
"""From this many lines on, lines that each begin like a sentence and end without a full stop are a list."""

BACK_MATTER = frozenset(
    {"references", "see also", "external links", "further reading", "notes", "bibliography", "sources", "citations"}
    | {"footnotes", "works cited", "gallery", "notes and references", "related articles", "acknowledgements"}
)
"""Sections that hold nothing to tell."""

_ITEM = re.compile(r"^(?:[-*+•‣◦–·]|\(?\d{1,3}[.)]|\(?[a-z]\))\s(?P<text>.+)$")
_UNDERLINE = re.compile(r"^(?:={3,}|-{3,})$")
_ENDED = re.compile(r"[.!?:;,…。！？।؟۔።][\"'”’»」』)\]]*$")
_LINK = re.compile(r"!?\[([^\[\]]{0,200})\]\([^()\s]{1,500}\)")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,300}>")
_BRACKETS = re.compile(r"\([^()]{0,300}\)|\[[^\[\]]{0,300}\]|（[^（）]{0,300}）")
_STRAY = re.compile(r"[()\[\]（）]")
_EMPHASIS = re.compile(r"(?<!\w)[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}(?!\w)")
_BEFORE_POINT = re.compile(r" ([.,;:!?…。，])")
_DATELINE = re.compile(r"^[A-Z][A-Z.,/ ]{2,40} (?:-|–|—) (?=[A-Z\"“])")
""""LONDON, Ont. – …" before the first words of a report."""
_NEST = 3
"""How deep brackets in brackets are taken off."""


class Kind(Enum):
    """What a block is."""

    HEADING = auto()
    PROSE = auto()
    ITEM = auto()


@dataclass(frozen=True)
class Block:
    """A heading, a paragraph or one item of a list, on one line."""

    kind: Kind
    text: str


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a text in their order, without back matter, code and tables."""
    skipping = False
    for block, marked in _raw_blocks(plain(text)):
        if block.kind is Kind.HEADING and (marked or not skipping):
            skipping = block.text.casefold().rstrip(":") in BACK_MATTER
        unmarked = without_markup(block.text)
        if not skipping and unmarked:
            yield Block(block.kind, unmarked)


def without_markup(line: str) -> str:
    """One line without tags, emphasis, link addresses, citations, a dateline, and what stands in brackets."""
    line = _EMPHASIS.sub("", _LINK.sub(r"\1", _TAG.sub(" ", line)))
    for _ in range(_NEST):
        line = _BRACKETS.sub(" ", line)
    folded = " ".join(_STRAY.sub(" ", line).split())
    return _DATELINE.sub("", _BEFORE_POINT.sub(r"\1", folded))


def _raw_blocks(text: str) -> Iterator[tuple[Block, bool]]:
    """Each block, and whether it is a heading by its markup."""
    for lines in _paragraphs(text):
        first, rest = lines[0], lines[1:]
        heading = _marked_heading(first)
        if heading is None and rest and _UNDERLINE.match(rest[0]):
            heading, rest = first, rest[1:]
        if heading is not None:
            yield Block(Kind.HEADING, heading), True
        for block in _plain_blocks(lines if heading is None else rest):
            yield block, False


def _paragraphs(text: str) -> Iterator[list[str]]:
    """Lines between blank ones; a heading by its markup and a list item begin a paragraph of their own."""
    paragraph: list[str] = []
    in_code = False
    for raw in text.split("\n"):
        line = " ".join(raw.split()).removeprefix("> ")
        fence = line.startswith(("```", "~~~"))
        in_code ^= fence
        blank = not any(char.isalnum() for char in line) and not (paragraph and _UNDERLINE.match(line))
        begins = _marked_heading(line) is not None or _ITEM.match(line) is not None
        if paragraph and (fence or in_code or blank or begins or _marked_heading(paragraph[-1]) is not None):
            yield paragraph
            paragraph = []
        if not (fence or in_code or blank or line.count("|") > 1):
            paragraph.append(line)
    if paragraph:
        yield paragraph


def _marked_heading(line: str) -> str | None:
    """The heading in `# Heading` or `== Heading ==`, or None."""
    if line.startswith("#") and line.lstrip("#").startswith(" "):
        return line.strip("# ")
    if line.startswith("==") and line.endswith("=="):
        return line.strip("= ")
    return None


def _plain_blocks(lines: list[str]) -> Iterator[Block]:
    if not lines:
        return
    item = _ITEM.match(lines[0])
    if item:
        yield Block(Kind.ITEM, " ".join([item["text"], *lines[1:]]))
    elif len(lines) >= LIST_LINES and _is_list(lines):
        yield from (Block(Kind.ITEM, line) for line in lines)
    elif _is_heading(lines[0]) and (len(lines) == 1 or _is_title_over(lines[0], lines[1])):
        yield Block(Kind.HEADING, lines[0])
        yield from _plain_blocks(lines[1:])
    else:
        yield Block(Kind.PROSE, " ".join(lines))


def _is_list(lines: list[str]) -> bool:
    """Whether every line begins like a sentence, and most end without a full stop: notes, not wrapped text."""
    begun = all(line[0].isupper() or line[0].isdigit() for line in lines)
    return begun and 2 * sum(not _is_ended(line) for line in lines) > len(lines)


def _is_heading(line: str) -> bool:
    return word_count(line) <= HEADING_WORDS and not _is_ended(line)


def _is_ended(line: str) -> bool:
    return _ENDED.search(without_markup(line)) is not None


def _is_title_over(line: str, following: str) -> bool:
    return len(line) < 0.6 * len(following) and not following[0].islower()
