"""A script out of a text: its most telling sentences in their order, word for word, and nothing else.

Sentences are left out, and brackets, citations, linking words and trailing clauses are taken off; no
word is added or changed. The same text gives the same script.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from runtime.errors import Permanent
from schemas.media import MIN_SCENES
from services.script.blocks import Block, Kind, blocks
from services.script.candidates import candidates, tellable_count
from services.script.clauses import capitalised
from services.script.openers import Opener, without_connective
from services.script.ranking import Row, centrality, similarities, terms, text_rank, vectors
from services.script.selection import Candidates, Sentence, select

RANKED = 250
"""The sentences of a text that are compared with one another: time grows with the square."""

FULL_WORDS = 10
"""A sentence of fewer words says little alone, and counts for less."""

EASY_WORDS, HARD_WORDS = 22, 40
"""A sentence of more words counts for less and less, up to a half."""

_BYLINE = re.compile(r"^(?:by|photo|published|updated|posted|written)\b", re.IGNORECASE)
_GENERAL = frozenset({"abstract", "background", "contents", "history", "introduction", "overview", "summary"})
"""Headings that are no title."""

_ENDED = re.compile(r"[.!?…。！？।؟۔።][\"'”’»」』]*$")


@dataclass(frozen=True)
class Extract:
    """What a text tells."""

    heading: str | None
    """The text's own title, where it has one."""
    scenes: tuple[str, ...]


def extract(text: str, scene_count: int, about: str = "") -> Extract:
    """The script of a text, in `scene_count` scenes or as many as it reaches.

    Args:
        about: what to prefer among its sentences.

    Raises:
        Permanent: the text has too few sentences.
    """
    parts = list(blocks(text))
    sentences = candidates(parts, scene_count)
    tellable = tellable_count(sentences)
    if tellable < MIN_SCENES:
        raise Permanent(
            f"the text has only {tellable} {'sentence' if tellable == 1 else 'sentences'} that can be told, "
            f"and a video takes at least {MIN_SCENES}"
        )
    scenes = select(_ranked(sentences, scene_count, about), scene_count)
    told = {index for scene in scenes for index in scene}
    return Extract(
        _heading(parts),
        tuple(" ".join(_spoken(sentences[index].text, index - 1 in told) for index in scene) for scene in scenes),
    )


def _ranked(sentences: Sequence[Sentence], scene_count: int, about: str) -> Candidates:
    """The sentences with their scores; of a very long text only the most central ones are ranked."""
    units = vectors([sentence.text for sentence in sentences])
    central = centrality(units)
    tellable = [index for index, sentence in enumerate(sentences) if sentence.tellable]
    ranked = sorted(sorted(tellable, key=lambda index: -central[index])[:RANKED])
    rows = similarities([units[index] for index in ranked])
    wanted = set(terms(about))
    scored, all_rows = list(sentences), [Row() for _ in sentences]
    for rank, row, index in zip(text_rank(rows), rows, ranked, strict=True):
        sentence = sentences[index]
        matches = 1.15 if wanted & set(units[index]) else 1.0
        scored[index] = replace(sentence, score=rank * matches * _weight(sentence, index, len(sentences)))
        all_rows[index] = {ranked[other]: similarity for other, similarity in row.items()}
    return Candidates(scored, all_rows, len(sentences) / scene_count)


def _weight(sentence: Sentence, index: int, count: int) -> float:
    """What place, length and kind add to or take from a sentence's rank; tuned by reading what came out."""
    place = 1.25 if index == 0 else 1.1 if index == count - 1 else 1.05 if index < 0.15 * count else 1.0
    excess = min(max(sentence.words - EASY_WORDS, 0) / (HARD_WORDS - EASY_WORDS), 1)
    length = min(sentence.words / FULL_WORDS, 1) * (1 - 0.5 * excess)
    asks = 0.7 if sentence.text.endswith(("?", "？")) else 1.0
    figure = 1.1 if any(char.isdigit() for char in sentence.text) else 1.0
    quotes = 0.4 if sentence.text.startswith(('"', "“")) else 1.0
    alone = sentence.opener is Opener.FREE and without_connective(sentence.text) == capitalised(sentence.text)
    leans = 1.0 if alone else 0.8
    return place * length * asks * figure * quotes * leans


def _heading(parts: Sequence[Block]) -> str | None:
    """The first heading that stands before the text."""
    for part in parts:
        if part.kind is not Kind.HEADING:
            return None
        if not _BYLINE.match(part.text):
            return None if part.text.casefold() in _GENERAL else part.text
    return None


def _spoken(text: str, linked: bool) -> str:
    """The sentence as it is read out; a linking word stays where the sentence before it is told."""
    sentence = capitalised(text) if linked else without_connective(text)
    return sentence if _ENDED.search(sentence) else sentence.rstrip(" ,;:-–—") + "."
