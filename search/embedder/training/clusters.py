"""Training text: clusters of invented cases and of the questions that one of them answers, or none.

One line of a ``.jsonl`` file is one cluster; README.md describes it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STYLES = ("lay", "dialect", "typo", "paraphrase", "official", "long")


@dataclass(frozen=True)
class InventedCase:
    """A citizen's message and the authority's reply."""

    title: str
    message: str
    reply: str


@dataclass(frozen=True)
class Question:
    """What somebody would type, and the positions of the cases that answer it or help a little."""

    text: str
    style: str
    best: tuple[int, ...]
    useful: tuple[int, ...]


@dataclass(frozen=True)
class Cluster:
    """Cases close to each other, the questions they answer, and questions near them that none answers.

    In files of matters the cases share the matter and differ in the obstacle; in files of obstacles they share
    the obstacle and differ in the matter.
    """

    topic: str
    cases: tuple[InventedCase, ...]
    questions: tuple[Question, ...]
    unanswered: tuple[str, ...]


def load_clusters(path: Path) -> list[Cluster]:
    """Clusters of a ``.jsonl`` file; ValueError names the first line that is not as README.md says."""
    clusters = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            clusters.append(_cluster(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path.name}, line {number}: {error!r}") from error
    return clusters


def _cluster(row: dict[str, Any]) -> Cluster:
    """The cluster in one parsed line, after every text and every position in it was checked."""
    cluster = Cluster(
        row["topic"],
        tuple(InventedCase(**case) for case in row["cases"]),
        tuple(Question(q["q"], q["style"], tuple(q["best"]), tuple(q["useful"])) for q in row["queries"]),
        tuple(row["none"]),
    )
    texts = [cluster.topic, *cluster.unanswered, *(question.text for question in cluster.questions)]
    for case in cluster.cases:
        texts += [case.title, case.message, case.reply]
    if not all(text.strip() for text in texts):
        raise ValueError("an empty text")
    positions = set(range(len(cluster.cases)))
    for question in cluster.questions:
        best, useful = set(question.best), set(question.useful)
        if question.style not in STYLES:
            raise ValueError(f"unknown style {question.style}")
        if not best or best & useful or not best | useful <= positions:
            raise ValueError(f"positions {question.best} and {question.useful} of {len(positions)} cases")
    return cluster
