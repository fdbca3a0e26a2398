"""Which sentences are told: the best, no two alike, none without what it refers to, about a minute in all."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from services.script.openers import Opener
from services.script.ranking import Row

WORDS_A_SCENE = (15.0, 17.5)
"""At 2.6 words a second ten scenes take 58 to 67 seconds, where the text has so many words."""

GROUP_WORDS = 30
"""Sentences that follow each other may share a scene up to this many words."""

NOVELTY = 0.45
"""How much likeness to what is chosen counts against a sentence (maximal marginal relevance)."""

CROWDING = 0.12
"""How much each further sentence from the same part of the text counts against a sentence."""

MOST_NEEDED = 3
"""A sentence that takes more than this many sentences to understand, itself included, is not worth them."""

SUBJECT_REACH = 8
"""How many sentences back the subject of an "it" is looked for."""


@dataclass(frozen=True)
class Sentence:
    """A sentence as a candidate."""

    text: str
    words: int
    opener: Opener
    tellable: bool
    """Whether it can be told at all; others only stand between those that can."""
    paragraph: int
    score: float = 0.0
    """What it is worth; 0 where it was not ranked."""


@dataclass(frozen=True)
class Candidates:
    """The sentences of a text, and how alike they are (a row for each)."""

    sentences: Sequence[Sentence]
    rows: Sequence[Row]
    spacing: float
    """How far apart the told sentences stand on average."""

    def words(self, indexes: Set[int]) -> int:
        """How many words these sentences have in all."""
        return sum(self.sentences[index].words for index in indexes)

    def worth(self, index: int, told: Set[int]) -> float:
        """What a sentence adds to those that are told."""
        row = self.rows[index]
        likeness = max((row.get(other, 0.0) for other in told), default=0.0)
        near = sum(abs(index - other) <= self.spacing for other in told)
        return self.sentences[index].score - NOVELTY * likeness - CROWDING * max(near - 1, 0)

    def understood(self, index: int, told: Set[int]) -> bool:
        """Whether what the sentence refers to is told before it; the first of the text refers to nothing."""
        opener = self.sentences[index].opener
        if index == 0 or opener is Opener.FREE:
            return True
        if opener is Opener.PREVIOUS:
            return index - 1 in told
        return any(other in told for other in self._same_subject(index))

    def needed(self, index: int, told: Set[int]) -> set[int] | None:
        """The sentence with those that must be told for it, or None where that cannot be."""
        needed: set[int] = set()
        while self.sentences[index].tellable and len(needed) < MOST_NEEDED:
            needed.add(index)
            if self.understood(index, told):
                return needed
            before = list(self._same_subject(index))
            if not before:
                return None
            index = before[0] if self.sentences[index].opener is Opener.PREVIOUS else before[-1]
        return None

    def dispensable(self, index: int, told: Set[int]) -> bool:
        """Whether everything else is still understood without this sentence."""
        rest = told - {index}
        return all(self.understood(other, rest) for other in rest if other > index)

    def _same_subject(self, index: int) -> Iterator[int]:
        """The sentences before this one that speak of its subject: back to the one that names it."""
        for other in range(index - 1, max(index - 1 - SUBJECT_REACH, -1), -1):
            yield other
            if self.sentences[other].opener is not Opener.SUBJECT:
                return


def select(candidates: Candidates, scene_count: int) -> list[list[int]]:
    """At most `scene_count` scenes, each the indexes of sentences that follow each other, in the order of the text."""
    chosen = _best(candidates, scene_count)
    low, high = (bound * len(chosen) for bound in WORDS_A_SCENE)
    return _fuller(candidates, _shorter(candidates, chosen, high), low, high)


def _best(candidates: Candidates, count: int) -> set[int]:
    """Greedily the sentence of the highest worth, with what it needs, until there are `count` or no more.

    What hangs on something that cannot be told is told only where nothing else is left.
    """
    chosen: set[int] = set()

    def worth(group: set[int]) -> float:
        return sum(candidates.worth(index, chosen) for index in group) / len(group)

    while len(chosen) < count:
        room = count - len(chosen)
        left = [i for i, sentence in enumerate(candidates.sentences) if sentence.tellable and i not in chosen]
        needed = [candidates.needed(index, chosen) for index in left]
        groups = [group for group in needed if group and len(group) <= room] or [{index} for index in left]
        if not groups:
            break
        # the first sentence that stands alone introduces the subject
        chosen |= max(groups, key=worth) if chosen else min(groups, key=len)
    return chosen


def _shorter(candidates: Candidates, chosen: set[int], high: float) -> set[int]:
    """As many sentences in fewer words: while there are too many, a long one gives way where least is lost by it."""
    sentences = candidates.sentences
    while (excess := candidates.words(chosen) - high) > 0:
        first = min(chosen)
        swaps = [
            ((candidates.worth(new, rest) - candidates.worth(old, rest)) / min(saved, excess), old, new)
            for old in sorted(chosen - {first})
            if candidates.dispensable(old, chosen) and (rest := chosen - {old})
            for new in range(first + 1, len(sentences))
            if sentences[new].score > 0 and new not in chosen and sentences[new].tellable
            if (saved := sentences[old].words - sentences[new].words) > 1 and candidates.understood(new, rest)
        ]
        if not swaps:
            break
        _, old, new = max(swaps)
        chosen = chosen - {old} | {new}
    return chosen


def _fuller(candidates: Candidates, chosen: set[int], low: float, high: float) -> list[list[int]]:
    """The scenes with the sentences after them drawn in, where they are short and the video would be too."""
    sentences = candidates.sentences
    groups = [[index] for index in sorted(chosen)]
    told = set(chosen)
    while candidates.words(told) < low:
        drawn = [
            (sentences[after].score, -number)
            for number, group in enumerate(groups)
            if (after := group[-1] + 1) < len(sentences)
            and after not in told
            and sentences[after].tellable
            and sentences[after].paragraph == sentences[after - 1].paragraph
            and candidates.words({*group, after}) <= GROUP_WORDS
            and candidates.words(told | {after}) <= high
        ]
        if not drawn:
            break
        group = groups[-max(drawn)[1]]
        group.append(group[-1] + 1)
        told.add(group[-1])
    return groups
