"""The sentences of a text that a script can be made of."""

import re
from collections.abc import Iterable
from dataclasses import replace

from services.script.blocks import Block, Kind
from services.script.clauses import FEWEST_WORDS, halves, pieces, without_trailing_clause
from services.script.openers import opener
from services.script.plain_text import word_count
from services.script.selection import Sentence
from services.script.sentences import split_sentences

MOST_WORDS = 45
"""More words than this are no scene."""

MOST_CHARACTERS = 400

EASY_WORDS = 24
"""A longer sentence loses a trailing clause."""

MOST_SYMBOLS = 0.2
"""A sentence of which more than this is neither letter, digit nor space is a formula or a table."""

_CLUTTER = re.compile(
    r"https?://|www\.|\S@\S|displaystyle|©|\ball rights reserved\b|\bclick (?:here|on)\b|\bsubscribe\b|\bread more\b"
    r"|\bsign up\b|\bcookie policy\b|\badvertisement\b"
    r"|^(?:photo|image|credit|source|figure|fig|table|caption)s?\b ?[:\d]"
    r"|\b(?:see|as shown in) (?:fig|figure|table|chapter|section)\b|\b(?:the following|as follows|see below)\b",
    re.IGNORECASE,
)
_LOST_QUOTES = str.maketrans("", "", '"“”')


def candidates(parts: Iterable[Block], scene_count: int) -> list[Sentence]:
    """The sentences of the blocks; where they are fewer than scenes, the longest are cut in two at a clause."""
    sentences = [
        _sentence(piece, number)
        for number, part in enumerate(parts)
        if part.kind is Kind.PROSE or _is_telling(part)
        for text in split_sentences(part.text)
        for piece in pieces(_unquoted(text), MOST_WORDS)
    ]
    return _cut_to_reach(_once(sentences), scene_count)


def tellable_count(sentences: Iterable[Sentence]) -> int:
    """How many of the sentences can be told."""
    return sum(1 for sentence in sentences if sentence.tellable)


def _is_telling(part: Block) -> bool:
    return part.kind is Kind.ITEM and word_count(part.text) >= FEWEST_WORDS


def _sentence(text: str, paragraph: int) -> Sentence:
    words = word_count(text)
    if words > EASY_WORDS and (kernel := without_trailing_clause(text)):
        text, words = kernel, word_count(kernel)
    return Sentence(text, words, opener(text), _is_tellable(text, words), paragraph)


def _is_tellable(text: str, words: int) -> bool:
    if not FEWEST_WORDS <= words <= MOST_WORDS or len(text) > MOST_CHARACTERS:
        return False
    symbols = sum(1 for char in text if not (char.isalnum() or char.isspace()))
    is_clutter = symbols > MOST_SYMBOLS * len(text) or text.endswith((":", ";")) or _CLUTTER.search(text)
    return not is_clutter and any(char.isalpha() for char in text)


def _unquoted(text: str) -> str:
    """The sentence without a quotation mark that has lost its other half."""
    balanced = text.count('"') % 2 == 0 and text.count("“") == text.count("”")
    return text if balanced else text.translate(_LOST_QUOTES).strip()


def _once(sentences: Iterable[Sentence]) -> list[Sentence]:
    """The sentences; one that was said before is not told again."""
    said: set[str] = set()
    once: list[Sentence] = []
    for sentence in sentences:
        once.append(replace(sentence, tellable=sentence.tellable and sentence.text not in said))
        said.add(sentence.text)
    return once


def _cut_to_reach(sentences: list[Sentence], scene_count: int) -> list[Sentence]:
    whole: set[str] = set()
    while tellable_count(sentences) < scene_count:
        cuttable = [
            index for index, sentence in enumerate(sentences) if sentence.tellable and sentence.text not in whole
        ]
        if not cuttable:
            break
        longest = max(cuttable, key=lambda index: sentences[index].words)
        cut = halves(sentences[longest].text)
        if cut is None:
            whole.add(sentences[longest].text)
        else:
            sentences[longest : longest + 1] = [_sentence(half, sentences[longest].paragraph) for half in cut]
    return sentences
