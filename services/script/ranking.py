"""TextRank over sentences (Mihalcea and Tarau, 2004), with cosine similarity of tf-idf vectors."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from services.script.words import words

DAMPING = 0.85
ROUNDS = 30
"""Power iterations: the order of a few hundred sentences has settled by then."""

Vector = dict[str, float]
Row = dict[int, float]
"""Similarities above zero, by the other sentence's index."""

_TERM = re.compile(r"[^\W\d_]{3,}|[\u3040-\u30ff\u3400-\u9fff]{2}")
_SUFFIX = re.compile(r"(?<=...)(?:ies|es|s|ed|ing|’s|'s)$")
_FUNCTION_WORDS = words("function_words")


def terms(sentence: str) -> list[str]:
    """The words that say what a sentence is about, by their stems; for Han and kana, pairs of characters."""
    return [_SUFFIX.sub("", word) for word in _TERM.findall(sentence.lower()) if word not in _FUNCTION_WORDS]


def vectors(sentences: Sequence[str]) -> list[Vector]:
    """A tf-idf vector of length one for every sentence (empty where it has no terms)."""
    counts = [Counter(terms(sentence)) for sentence in sentences]
    found_in = Counter(term for count in counts for term in count)
    weighed = [
        {term: (1 + math.log(times)) * math.log(1 + len(counts) / found_in[term]) for term, times in count.items()}
        for count in counts
    ]
    return [_unit(vector) for vector in weighed]


def centrality(units: Sequence[Vector]) -> list[float]:
    """How near every sentence is to what the whole text is about: TextRank's rough guess, in linear time."""
    whole: defaultdict[str, float] = defaultdict(float)
    for vector in units:
        for term, weight in vector.items():
            whole[term] += weight
    return [sum(weight * whole[term] for term, weight in vector.items()) for vector in units]


def similarities(units: Sequence[Vector]) -> list[Row]:
    """The cosine of every two sentences that share a term."""
    places: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    rows: list[Row] = [defaultdict(float) for _ in units]
    for index, vector in enumerate(units):
        for term, weight in vector.items():
            for other, other_weight in places[term]:
                rows[index][other] += weight * other_weight
            places[term].append((index, weight))
        for other, similarity in rows[index].items():
            rows[other][index] = similarity
    return rows


def text_rank(rows: Sequence[Row]) -> list[float]:
    """The rank of every sentence, the highest being 1."""
    if not rows:
        return []
    out = [sum(row.values()) or 1.0 for row in rows]
    ranks = [1.0] * len(rows)
    for _ in range(ROUNDS):
        ranks = [
            1 - DAMPING + DAMPING * sum(ranks[other] * weight / out[other] for other, weight in row.items())
            for row in rows
        ]
    highest = max(ranks)
    return [rank / highest for rank in ranks]


def _unit(vector: Vector) -> Vector:
    length = math.sqrt(sum(weight * weight for weight in vector.values()))
    return {term: weight / length for term, weight in vector.items()}
