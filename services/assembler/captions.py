"""Captions: which words stand together on the screen, and when.

A script without spaces (Chinese, Japanese, Thai) is cut by its characters; whatever is too long
for a line is cut too, so no text can leave the picture.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schemas.media import AspectRatio, Word

_SENTENCE_END = re.compile(r"[.!?…。！？｡؟۔।]+[\"'”’»)\]」』）]*$")
_CLAUSE_END = re.compile(r"[,;:—–、，；：،؛][\"'”’»)\]」』）]*$")
_ABBREVIATION = re.compile(r"(?:[A-Z]\.)+$|(?:Mr|Mrs|Ms|Dr|St|Prof|Jr|Sr|vs|No)\.$")
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\U000e0020-\U000e007f\u2600-\u27bf\u2b00-\u2bff\u2300-\u23ff\ufe0e\ufe0f\u20e3]"
    "(?:\u200d[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff])*"
)

GROUP_COST = 0.3
BREAK_COST = 0.2
"""What another group, and a break that is not at a comma, cost beside a group's free width squared (at most 1)."""

LINGER = 0.4
"""Seconds for which a caption stays after its last word, where no other follows."""


@dataclass(frozen=True)
class Layout:
    """How much text stands on the screen at once."""

    words: int
    cells: int
    """Widths of a Latin letter; a Chinese character takes two."""
    word_cells: int
    """What is longer than this is no word, and is cut."""


BURNED_IN = {
    AspectRatio.LANDSCAPE: Layout(words=7, cells=38, word_cells=24),
    AspectRatio.PORTRAIT: Layout(words=5, cells=26, word_cells=16),
    AspectRatio.SQUARE: Layout(words=6, cells=32, word_cells=20),
}
"""Short groups that are read at a glance."""
SUBTITLES = Layout(words=16, cells=74, word_cells=37)
"""Two lines of 37 for a player's own captions, as broadcasters' guidelines have it."""


@dataclass(frozen=True)
class Token:
    """What is lit at once: a word, or a character of a script without spaces."""

    text: str
    start: float
    end: float
    spaced: bool
    """Whether a space comes before it."""

    @property
    def cells(self) -> int:
        """Its width in Latin letters, with its space."""
        return int(self.spaced) + _cells(self.text)


@dataclass(frozen=True)
class Caption:
    """Tokens that stand on the screen together, and when, in seconds."""

    tokens: tuple[Token, ...]
    start: float
    end: float

    @property
    def text(self) -> str:
        """As it is read."""
        return "".join(f" {token.text}" if token.spaced else token.text for token in self.tokens).strip()


def plain(text: str) -> str:
    """One line of NFC text: no control, surrogate or bidi-control character, no run of white space."""
    spaced = "".join(" " if c.isspace() else c for c in text)  # every kind of line break is a space
    kept = (c for c in spaced if unicodedata.category(c) not in ("Cc", "Cs") and c not in _BIDI_CONTROLS)
    return " ".join(unicodedata.normalize("NFC", "".join(kept).replace("\ufeff", "")).split())


def without_emoji(text: str) -> str:
    """The text without the pictographs that libass draws as boxes."""
    return " ".join(_EMOJI.sub("", text).split())


def captions(scenes: Sequence[Sequence[Word]], layout: Layout, *, emoji: bool) -> tuple[Caption, ...]:
    """The captions of a video; none holds words of two scenes."""
    groups = [group for words in scenes for group in _groups(list(_tokens(words, layout, emoji)), layout)]
    following = [*(group[0].start for group in groups), None][1:]
    return tuple(
        Caption(tuple(group), group[0].start, _end(group, start))
        for group, start in zip(groups, following, strict=True)
    )


def _end(group: Sequence[Token], following: float | None) -> float:
    """A caption stays until the next one comes, but not through a pause."""
    lingering = group[-1].end + LINGER
    return lingering if following is None else max(group[-1].start, min(lingering, following))


def _groups(tokens: Sequence[Token], layout: Layout) -> list[list[Token]]:
    return [group for sentence in _sentences(tokens) for group in _parted(sentence, layout)]


def _sentences(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    sentence: list[Token] = []
    for token in tokens:
        sentence.append(token)
        if _SENTENCE_END.search(token.text) and not _ABBREVIATION.match(token.text):
            yield sentence
            sentence = []
    if sentence:
        yield sentence


def _parted(sentence: Sequence[Token], layout: Layout) -> list[list[Token]]:
    """A sentence in the groups that cost least, as TeX breaks lines: few, even, and parted at commas."""
    best: list[tuple[float, int]] = [(0.0, 0)]  # for every length: what its groups cost, where the last begins
    for end in range(1, len(sentence) + 1):
        inner_break = end < len(sentence) and not _CLAUSE_END.search(sentence[end - 1].text)
        costs = (
            (best[begin][0] + GROUP_COST + slack**2 + inner_break * BREAK_COST, begin)
            for begin, slack in _slacks(sentence, end, layout)
        )
        best.append(min(costs))
    groups: list[list[Token]] = []
    end = len(sentence)
    while end:
        begin = best[end][1]
        groups.insert(0, list(sentence[begin:end]))
        end = begin
    return groups


def _slacks(sentence: Sequence[Token], end: int, layout: Layout) -> Iterator[tuple[int, float]]:
    """Where a group that ends at `end` may begin, and what part of the width it then leaves free."""
    words = cells = 0
    for begin in range(end - 1, -1, -1):
        words += sentence[begin].spaced
        cells += sentence[begin].cells
        if begin < end - 1 and (words > layout.words or cells > layout.cells):
            return
        yield begin, max(0.0, 1 - cells / layout.cells)


def _tokens(words: Sequence[Word], layout: Layout, emoji: bool) -> Iterator[Token]:
    for word in words:
        text = plain(word.text) if emoji else without_emoji(plain(word.text))
        pieces = [piece for part in text.split() for piece in _pieces(part, layout.word_cells)]
        letters = sum(len(piece) for piece, _ in pieces)
        start = word.start
        for piece, spaced in pieces:
            end = start + (word.end - word.start) * len(piece) / letters
            yield Token(piece, start, end, spaced)
            start = end


def _pieces(text: str, longest: int) -> Iterator[tuple[str, bool]]:
    """A word in what may be parted by a line break, each with whether a space comes before it."""
    piece, spaced = "", True
    for character in text:
        alone = _unspaced(character) or (piece and _unspaced(piece[-1]))
        closing = unicodedata.category(character) in ("Po", "Pe", "Pf", "Mn", "Mc", "Lm")
        if piece and ((alone and not closing) or _cells(piece + character) > longest):
            yield piece, spaced
            piece, spaced = "", False
        piece += character
    if piece:
        yield piece, spaced


def _unspaced(character: str) -> bool:
    """Whether the character is of a script that puts no spaces between its words."""
    name = unicodedata.name(character, "")
    return name.startswith(("CJK UNIFIED", "CJK COMPAT", "HIRAGANA", "KATAKANA"))


def _cells(text: str) -> int:
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
