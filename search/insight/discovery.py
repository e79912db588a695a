"""Which cases have one obstacle: their likeness, and groups by average linkage.

A case is one row of numbers: the vectors of its obstacle, demand and measure and its barrier types, each weighted. The
product of two rows is the likeness of the cases, and the product of the mean rows of two groups is the mean likeness of
their pairs, which is what average linkage compares. So that the kind of obstacle counts and not the topic, the obstacle
is embedded without the matter in front, from the demand goes what its title says, and from all of them what any case
sounds like (``ordinary.yml``). All other vectors are those that the index has anyway. Weights and thresholds lie in
``discovery.yml``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from kb import vocabulary
from kb.config import Settings
from kb.model import Case

from ..embedder import Vectors
from ..passages import PART, Encode, obstacle_alone, passages

Progress = Callable[[int, int], None]

_PROBE = "办不成事"
_VIEWS = {"obstacle": ("obstacle",), "demand": ("demand",), "measure": ("measure", "result"), "title": ("title",)}
_BLOCK = 512  # rows compared with all others at a time


@cache
def settings() -> dict[str, Any]:
    """The content of ``discovery.yml``."""
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "discovery.yml").read_text(encoding="utf-8"))
    return found


def least(library: Settings) -> float:
    """The mean likeness from which groups are one class, in the vectors of the model of that library."""
    limits: dict[str, float] = settings()["least"]
    return limits.get(library.embedding_model or "packaged", limits["other"])


@cache
def ordinary() -> list[Case]:
    """Cases of all sorts (``ordinary.yml``): what they have in common says nothing about a case."""
    told = yaml.safe_load((Path(__file__).parent / "ordinary.yml").read_text(encoding="utf-8"))
    return [
        Case("", title=f"{matter}：{obstacle}", matter={"name": matter}, demand=demand, obstacle=obstacle, measure=done)
        for matter, demand, obstacle, done in told
    ]


def counts(case: Case) -> bool:
    """Whether a case may be in a class: no lawful refusal, nothing outside of what governments do.

    Where nobody has said so and no outcome bears it out, that a case is one is a mere guess and does not count: many
    letters about noise or a developer read like private quarrels.
    """
    outside, lawful = settings()["outside"], settings()["lawful"]
    first = case.barriers[0] if case.barriers else ""
    if case.outcome == lawful["outcome"] and (not first or lawful["barrier"] in case.barriers):
        return False
    if not case.outcome and "barriers" in case.confidence:
        return case.nature != outside["nature"] or "nature" in case.confidence
    if first == lawful["barrier"]:
        return case.outcome in lawful["solved"]
    return first != outside["barrier"] and case.nature != outside["nature"]


def model(encode: Encode) -> str:
    """What tells rows apart that cannot be compared: another model, other weights."""
    said = encode([_PROBE]).astype(np.float16).tobytes() + repr((settings(), ordinary())).encode()
    return hashlib.sha256(said).hexdigest()[:16]


def rows(cases: Sequence[Case], encode: Encode, progress: Progress | None = None) -> Vectors:
    """One row for each of `cases`, float32 [cases, n]; zeros for a case without text, which is like no other."""
    found = []
    for start in range(0, len(cases), PART):
        part = cases[start : start + PART]
        found.append(_rows(part, _views(part, encode), _common(encode)))
        if progress:
            progress(start + len(part), len(cases))
    return np.concatenate(found) if found else np.zeros((0, 1), np.float32)


def groups(likeness: Vectors, least: float) -> NDArray[np.int64]:
    """A label for each row: rows of one label are a group. Average linkage down to the mean likeness `least`.

    Merging every two groups that are each other's nearest gives the same tree as merging the nearest two of all one
    by one (Murtagh 1983; average linkage is reducible: a merged group is no nearer to a third one than the nearer of
    its parts was). For the same reason a group that knows its nearest few need not look at all others again until
    these are used up, and one without a neighbour that is like enough never gets one. Copies are put together first,
    however many.
    """
    compared = _fewer(likeness)
    silent = np.asarray(np.abs(likeness).sum(axis=1) == 0)
    # Rows without text are no copies of each other: small numbers of their own.
    copies = np.array([at if silent[at] else _digest(row) for at, row in enumerate(likeness)], np.uint64)
    _, first, labels = np.unique(copies, return_index=True, return_inverse=True)
    sizes = np.bincount(labels).astype(np.float32)
    sums = compared[first] * sizes[:, None]
    home = np.arange(len(sums))  # for each row the group that it is in
    near, best = home.copy(), np.zeros(len(sums), np.float32)
    known, farthest = np.zeros((len(sums), settings()["neighbours"]), np.int64), best.copy()
    active = grown = np.flatnonzero(~silent[first])
    alone = grown[:0]  # groups that have lost their nearest to another
    while len(active) > 1:
        means = sums / sizes[:, None]
        near[alone], best[alone] = _nearest(means, alone, home[known[alone]])
        # Whoever it does not know is at most as like as the last of those that it did know.
        lost = alone[(best[alone] < farthest[alone]) & (farthest[alone] >= least)]
        asked = np.concatenate([grown, lost])
        known[asked], farthest[asked] = _around(means, asked, active, known.shape[1])
        near[asked], best[asked] = _nearest(means, asked, known[asked])
        active = active[best[active] >= least]
        joined = active[(near[near[active]] == active) | (best[active] >= settings()["same"])]
        if not len(joined):
            joined = active[best[active] == best[active].max(initial=0)]
        becomes = _merge(joined, near[joined], len(sums))
        moved = np.flatnonzero(becomes != np.arange(len(becomes)))
        np.add.at(sums, becomes[moved], sums[moved])
        np.add.at(sizes, becomes[moved], sizes[moved])
        home, active, grown = becomes[home], np.unique(becomes[active]), np.unique(becomes[moved])
        changed = np.isin(np.arange(len(sums)), [*moved, *grown])
        alone = active[changed[near[active]] & ~changed[active]]
    return np.unique(home[labels], return_inverse=True)[1].astype(np.int64)


@lru_cache(maxsize=2)
def _common(encode: Encode) -> dict[str, Vectors]:
    """The mean of each view over ordinary cases."""
    return {name: view.mean(axis=0) for name, view in _views(ordinary(), encode).items()}


def _views(cases: Sequence[Case], encode: Encode) -> dict[str, Vectors]:
    """For each view one vector a case, of length 1, or zeros where the case has no such text."""
    said = [
        (place, piece.field, obstacle_alone(case) if piece.field == "obstacle" else piece.text)
        for place, case in enumerate(cases)
        for piece in passages(case)
        if piece.field != "obstacle" or piece.start == 0
    ]
    encoded = encode([text for _, _, text in said])
    found = {name: np.zeros((len(cases), encoded.shape[1]), np.float32) for name in _VIEWS}
    for vector, (place, field, _) in zip(encoded, said, strict=True):
        for name, fields in _VIEWS.items():
            if field in fields:
                found[name][place] += vector
    return {name: _unit(view) for name, view in found.items()}


def _rows(cases: Sequence[Case], views: Mapping[str, Vectors], common: Mapping[str, Vectors]) -> Vectors:
    weights = settings()["weights"]
    has = {name: view.any(axis=1, keepdims=True) for name, view in views.items()}
    own = {name: _unit(view - common[name]) * has[name] for name, view in views.items()}
    own["demand"] = _unit(own["demand"] - settings()["topic"] * own["title"]) * has["demand"]
    stand_in = np.zeros_like(own["obstacle"])
    for name in ("measure", "title", "demand", "obstacle"):
        stand_in = np.where(has[name], own[name], stand_in)
    less = np.sqrt(settings()["stand_in"])
    parts = [
        np.sqrt(weights[name]) * np.where(has[name], own[name], less * stand_in)
        for name in ("obstacle", "demand", "measure")
    ]
    barriers = np.array([_barriers(case) for case in cases]) * stand_in.any(axis=1, keepdims=True)
    return np.concatenate([*parts, np.sqrt(weights["barrier"]) * barriers], axis=1).astype(np.float32)


def _unit(vectors: Vectors) -> Vectors:
    found: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return found


def _barriers(case: Case) -> Vectors:
    found = np.array([value in case.barriers for value in vocabulary.values("barriers")], np.float32)
    return found / max(float(np.linalg.norm(found)), 1e-9)


def _digest(row: Vectors) -> int:
    return int.from_bytes(hashlib.sha256(row.astype(np.float16).tobytes()).digest()[:8], "big")


def _around(
    means: Vectors, asked: NDArray[np.int64], among: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], Vectors]:
    """For each of the rows `asked` the `count` rows of `among` most like it and the likeness of the last of them; of
    few the last ones are told again and again."""
    if not len(asked):
        return np.zeros((0, count), np.int64), np.zeros(0, np.float32)
    likeness, places = faiss.knn(means[asked], means[among], min(count, len(among)), faiss.METRIC_INNER_PRODUCT)
    found = among[np.pad(places, [(0, 0), (0, count - places.shape[1])], mode="edge")]
    return found, likeness[:, -1] if len(among) > count else np.full(len(asked), -np.inf, np.float32)


def _nearest(
    means: Vectors, asked: NDArray[np.int64], among: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Vectors]:
    """For each of the rows `asked` that one of its row of `among` which is most like it, without itself, and that
    likeness."""
    near, best = np.empty(len(asked), np.int64), np.empty(len(asked), np.float32)
    for start in range(0, len(asked), _BLOCK):
        rows, others = asked[start : start + _BLOCK], among[start : start + _BLOCK]
        likeness = np.matmul(means[others], means[rows][:, :, None])[:, :, 0]
        likeness[others == rows[:, None]] = -np.inf
        place = likeness.argmax(axis=1)
        near[start : start + _BLOCK] = others[np.arange(len(rows)), place]
        best[start : start + _BLOCK] = likeness[np.arange(len(rows)), place]
    return near, best


def _merge(joined: NDArray[np.int64], near: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """For each of `count` groups the first one of those that it is now one with."""
    links = coo_matrix((np.ones(len(joined)), (joined, near)), shape=(count, count))
    left, component = connected_components(links, directed=False)
    first = np.full(left, count)
    np.minimum.at(first, component, np.arange(count))
    merged: NDArray[np.int64] = first[component]
    return merged


def _fewer(likeness: Vectors) -> Vectors:
    """The rows, of many in the main directions only: likenesses then come out nearly the same, and quickly."""
    if len(likeness) <= settings()["exact"]:
        return likeness
    _, directions = np.linalg.eigh(likeness.T @ likeness)
    main: Vectors = likeness @ directions[:, -settings()["dimensions"] :]
    return main
