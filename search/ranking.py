"""Weighs the views of an engine into one order, and lets the merits of a precedent decide between near equals.

Every view's scores become z-scores over the whole library, so that cosines, which crowd in a narrow band, and
BM25 scores without upper limit can be added (CombSUM over standardised scores: Renda and Straccia, SAC 2003).
Weights, merits and limits lie in ``ranking.yml``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from kb.fields import regions
from kb.model import Case

from .engine import View
from .passages import VIEWS


@cache
def settings() -> dict[str, Any]:
    """The content of ``ranking.yml``."""
    path = Path(__file__).parent / "ranking.yml"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def fuse(
    views: Mapping[str, View], weights: Mapping[str, float] | None = None, most: int | None = None
) -> list[tuple[str, float]]:
    """(case id, score), best first, at most *most*: the weighted sum of z-scores.

    *weights* by view default to those of ``ranking.yml``.  A case that a view does not list gets the most that the
    view allows it (``floor``).
    """
    weights = settings()["weights"] if weights is None else weights
    size = 1 + max((int(view.cases.max()) for view in views.values() if len(view.cases)), default=-1)
    total, listed = np.zeros(size), np.zeros(size, bool)  # by number of the case
    base = 0.0  # what a case has that no view lists
    for name, view in views.items():
        weight = weights.get(name, 0.0) / view.deviation
        missing = float(view.values.min(initial=view.floor))
        base += weight * (missing - view.mean)
        total[view.cases] += weight * (view.values - missing)
        listed[view.cases] = True
    cases = np.flatnonzero(listed)
    if most is not None and most < len(cases):
        # Half the library may be listed: only what may be among the best is put in order.
        cases = cases[total[cases] >= np.partition(total[cases], -most)[-most]] if most else cases[:0]
    ids = next(iter(views.values())).ids if views else {}
    found = zip(map(ids.__getitem__, cases.tolist()), total[cases].tolist(), strict=True)
    ranked = sorted(found, key=lambda pair: (-pair[1], pair[0]))[:most]
    return [(case_id, base + score) for case_id, score in ranked]


def leaders(views: Mapping[str, View], weights: Mapping[str, float] | None = None) -> list[tuple[str, float]]:
    """The closest cases with their shares, which sum to one: the softmax of their fused scores."""
    given = settings()["feedback"]
    first = fuse(views, weights, given["cases"])
    shares = [math.exp((score - first[0][1]) / given["temperature"]) for _, score in first]
    return [(case_id, share / sum(shares)) for (case_id, _), share in zip(first, shares, strict=True)]


def merit(case: Case, home: str = "", today: date | None = None) -> float:
    """What speaks for or against *case* as a precedent beside its closeness, in units of fused z-scores.

    A basis that is no longer valid, an outcome that helps, a hall near to *home* (GB/T 2260 code of the asker), a
    recent day of closing, a procedure that grew out of it.
    """
    given = settings()["merits"]
    total: float = given["outcome"].get(case.outcome, 0.0)
    if any(basis.get("valid") is False for basis in case.basis):
        total += given["invalid_basis"]
    if case.playbook:
        total += given["playbook"]
    here, there = regions.by_code(home), regions.by_code(str(case.region.get("code") or ""))
    if here and there:
        total += given["region"][regions.distance(here, there)]
    if today and case.closed[:4].isdigit():
        years = max(today.year - int(case.closed[:4]), 0)
        total += given["recent"] * 0.5 ** (years / given["half_life"])
    return total


def matching(scored: Sequence[tuple[str, float]]) -> list[str]:
    """Ids of the result set: the cases of *scored* (best first) that are not far behind the best."""
    limits = settings()["matching"]
    return [case_id for case_id, score in scored[: limits["most"]] if score >= limits["share"] * scored[0][1]]


def features(views: Mapping[str, View], case_id: str, coverage: float) -> dict[str, float]:
    """What `calibration.probability` looks at: the case's cosine in each dense view, and the share of the question's
    words that it holds."""
    return {name: views[name].scores.get(case_id, views[name].floor) for name in VIEWS} | {"coverage": coverage}


def near(views: Mapping[str, View], case_id: str) -> bool:
    """Whether meaning is a reason for finding a case: some view has it far above the library's average."""
    dense = [views[name] for name in VIEWS if case_id in views[name].scores]
    return any((view.scores[case_id] - view.mean) / view.deviation >= settings()["near"] for view in dense)
