"""Batches: questions, passages, and which passage is what to which question."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .clusters import Cluster
from .messages import Pair
from .recipe import Phase, Recipe

Table = NDArray[np.bool_]  # [questions, passages]


@dataclass(frozen=True)
class Batch:
    """One step's texts and three tables over them.

    ``best``: the passage answers the question; ``useful``: it helps a little; ``near``: they are of one
    cluster.  A batch of ``pairs`` has one passage a question, at the same position, and no cluster.
    """

    questions: list[str]
    passages: list[str]
    best: Table
    useful: Table
    near: Table
    pairs: bool = False


def epoch(
    clusters: Sequence[Cluster], pairs: Sequence[Pair], phase: Phase, recipe: Recipe, draw: random.Random
) -> Iterator[Batch]:
    """Batches of one pass over *clusters* and *pairs*, both kinds mixed; what fills no batch is left out."""
    groups: list[tuple[bool, Sequence]] = [(False, group) for group in _groups(clusters, phase.clusters, draw)]
    groups += [(True, group) for group in _groups(pairs, recipe.pairs, draw)]
    draw.shuffle(groups)
    for of_pairs, group in groups:
        yield pair_batch(group, recipe.cut) if of_pairs else cluster_batch(group, recipe.cut)


def steps(clusters: int, pairs: int, phase: Phase, recipe: Recipe) -> int:
    """Number of batches in all epochs of *phase*, from the numbers of clusters and pairs."""
    return phase.epochs * (clusters // phase.clusters + pairs // recipe.pairs)


def cluster_batch(clusters: Sequence[Cluster], cut: dict[str, int]) -> Batch:
    """A batch of whole clusters: every case is two passages (title with message; reply).

    Questions without an answer come last; their rows in ``best`` and ``useful`` are empty.
    """
    questions: list[tuple[str, int, tuple[int, ...], tuple[int, ...]]] = []  # text, cluster, best, useful
    passages: list[tuple[str, int, int]] = []  # text, cluster, case
    for number, cluster in enumerate(clusters):
        for position, case in enumerate(cluster.cases):
            passages.append((f"{case.title}。{case.message}"[: cut["message"]], number, position))
            passages.append((case.reply[: cut["reply"]], number, position))
        questions += [(question.text, number, question.best, question.useful) for question in cluster.questions]
    for number, cluster in enumerate(clusters):
        questions += [(text, number, (), ()) for text in cluster.unanswered]
    near = np.array([[home == place for _, place, _ in passages] for _, home, _, _ in questions])
    best = np.array([[case in best for _, _, case in passages] for _, _, best, _ in questions])
    useful = np.array([[case in useful for _, _, case in passages] for _, _, _, useful in questions])
    return Batch(
        [text[: cut["question"]] for text, _, _, _ in questions],
        [text for text, _, _ in passages],
        best & near,
        useful & near,
        near,
    )


def pair_batch(pairs: Sequence[Pair], cut: dict[str, int]) -> Batch:
    """A batch of (title, text) pairs: the title asks for its text."""
    one_to_one = np.eye(len(pairs), dtype=bool)
    none = np.zeros_like(one_to_one)
    titles = [title[: cut["pair_title"]] for title, _ in pairs]
    return Batch(titles, [text[: cut["pair_text"]] for _, text in pairs], one_to_one, none, none, pairs=True)


def _groups(items: Sequence, size: int, draw: random.Random) -> list[Sequence]:
    """*items* in random order, in groups of *size*; the rest that fills no group is left out."""
    mixed = draw.sample(list(items), len(items))
    return [mixed[start : start + size] for start in range(0, len(mixed) - size + 1, size)]
