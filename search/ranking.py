"""Weighs the views of an engine into one order.

Every view's scores become z-scores over the whole library, so that cosines that crowd between 0.83 and 0.97
and BM25 scores without upper limit can be added; the weights lie in ``ranking.yml``.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .engine import View
from .passages import VIEWS


@cache
def settings() -> dict[str, Any]:
    """The content of ``ranking.yml``."""
    path = Path(__file__).parent / "ranking.yml"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def fuse(views: dict[str, View]) -> list[tuple[str, float]]:
    """(case id, score), best first: the weighted sum of z-scores.

    A case that a view does not list gets the most that the view allows it (``floor``).
    """
    weights = settings()["weights"]
    total: dict[str, float] = defaultdict(float)
    base = 0.0  # what a case has that no view lists
    for name, view in views.items():
        weight = weights.get(name, 0.0) / view.deviation
        missing = min([view.floor, *view.scores.values()])
        base += weight * (missing - view.mean)
        for case_id, score in view.scores.items():
            total[case_id] += weight * (score - missing)
    ranked = sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))
    return [(case_id, base + score) for case_id, score in ranked]


def near(views: dict[str, View], case_id: str) -> bool:
    """Whether meaning is a reason for finding a case: some view has it far above the library's average."""
    dense = [views[name] for name in VIEWS if case_id in views[name].scores]
    return any((view.scores[case_id] - view.mean) / view.deviation >= settings()["near"] for view in dense)


def answerable(views: dict[str, View], embedder: str, coverage: float) -> bool:
    """Whether the best case is close enough to be called a precedent.

    *embedder* is the fingerprint of the embedder: the scale of cosines differs from model to model.
    *coverage* is the share of the question's words that the best case holds.
    """
    limits = settings()["answerable"]
    for name, cosine in limits["cosine"].items():
        if embedder.startswith(name):
            best = max([0.0, *views["message"].scores.values(), *views["measure"].scores.values()])
            return best >= cosine or (best >= cosine - limits["slack"] and coverage >= limits["coverage"])
    return coverage >= limits["coverage_alone"]
