"""Cases of other people with nearly the same answer: the library's own evidence of what a precedent is.

A question's own case is found by every detail that the two share, a precedent by what is typical.  A map may serve the
one and harm the other.  So questions are also put to the library without their own case, and what shall be found are
the cases that were told in other words and got nearly the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from kb.model import Case

from .. import words
from ..passages import Encode, case_vectors
from .questions import without

NEAREST = 20  # answers that each answer is compared with, by meaning
COSINE = 0.9
SAME_ANSWER = 0.35  # share of character trigrams, at least
OTHER_WORDS = 0.3  # share of character trigrams of title and demand, at most
LONGER = 120  # characters of an answer that says something of its own


def pairs(cases: Sequence[Case], encode: Encode) -> list[tuple[int, int]]:
    """Positions of such cases, two by two; *encode* is `EmbeddingCache.encode_passages`."""
    long = [position for position, case in enumerate(cases) if len(case.measure) >= LONGER]
    answers = [without(cases[position], ("title", "matter", "demand", "obstacle")) for position in long]
    known = [(at, vector) for at, vector in zip(long, case_vectors(answers, encode), strict=True) if vector is not None]
    if len(known) < 2:
        return []
    vectors = np.array([vector for _, vector in known])
    near = vectors @ vectors.T
    np.fill_diagonal(near, -1.0)
    nearest = np.argsort(-near, axis=1)[:, :NEAREST]

    @cache
    def grams(row: int, answer: bool) -> frozenset[str]:
        case = cases[known[row][0]]
        return _trigrams(case.measure if answer else f"{case.title}{case.demand}{case.obstacle}")

    found = []
    for one, row in enumerate(nearest.tolist()):
        for other in row:
            if near[one, other] < COSINE or (other < one and one in nearest[other]):
                continue
            if _shared(grams(one, True), grams(other, True)) < SAME_ANSWER:
                continue
            if _shared(grams(one, False), grams(other, False)) < OTHER_WORDS:
                found.append((known[one][0], known[other][0]))
    return found


def _trigrams(text: str) -> frozenset[str]:
    plain = "".join(words.fold(text).split())
    return frozenset(plain[at : at + 3] for at in range(len(plain) - 2))


def _shared(one: frozenset[str], other: frozenset[str]) -> float:
    """The Jaccard similarity of two sets."""
    return len(one & other) / max(len(one | other), 1)
