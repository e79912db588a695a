"""Fits the parts of a tuning and finds out whether they help.

Every case is held out once: in each of five rounds a fifth of the cases (those that tell one event together) is put
aside, the parts are fitted on the questions of the others and tried on the questions of these.  What counts is how
high a question's own case stands; a part is switched on if the lower end of the 95 % bootstrap interval of the gain
in MRR@10, over events, lies above zero, and if it does not make it harder to find what others were answered
(:mod:`.others`; as far as the library has such cases).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.errors import Fault
from kb.model import Case
from kb.store import Store

from .. import query, ranking, words
from ..embedder import Vectors
from ..embedder.store import EmbeddingCache
from ..evaluation import interval
from ..passages import VIEWS, passages
from . import adapter, others, weights
from .adapter import Adapter
from .questions import FOLDS, TASKS, folds, groups, questions
from .trial import DEPTH, LEXICAL, Trial, prepare, prepare_others

LEAST_CASES = 200
MOST_CASES = 3000  # cases that trials are made of
MOST_QUESTIONS = 1500
LEAST_PAIRS = 100  # questions from which a map can be learnt
LEAST_OTHERS = 30  # questions without which it is not looked at what others were answered

Integers = NDArray[np.int64]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Learnt:
    """The parts that helped, and the figures of all parts (see `kb tune --json`)."""

    adapters: dict[str, Adapter] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def helps(self) -> bool:
        """Whether any part helped."""
        return bool(self.adapters or self.weights)


@dataclass(frozen=True)
class Asked:
    """All questions: vectors [n, dim], the event that each belongs to [n] and its fold [n]."""

    vectors: Vectors
    event: Integers
    fold: Integers


def learn(store: Store, cache: EmbeddingCache, say: Say) -> Learnt:
    """Learns from the published cases; *say* is told in Chinese what is being done.

    Raises Fault if too few cases have both a question and an answer that says more.
    """
    started = time.perf_counter()
    cases = _usable(store)
    say(f"从 {len(cases)} 件案例中取题 …")
    linked = others.pairs(cases, cache.encode_passages)
    group = groups(cases, linked)
    found = questions(cases, MOST_QUESTIONS)
    say(f"计算 {len(found)} 个问题的向量 …")
    of_case = np.array([question.case for question in found], np.int64)
    vectors = cache.embedder.encode_queries([words.fold(query.understand(one.text).spelled_out) for one in found])
    asked = Asked(vectors, group[of_case], folds(group)[of_case])
    say("在遮去题目所在栏目的案例中试查 …")
    trials = [trial for task in TASKS if (trial := prepare(task, cases, group, found, cache.encode_passages))]
    if sum(len(trial.rows) for trial in trials) < LEAST_PAIRS:
        raise Fault("案例的标题、诉求和办法大多是同一句话，取不出足够的问题来学习；检索按原样进行")
    say("学习并在留出的案例上检验 …")
    check = prepare_others(cases, linked, found, cache.encode_passages)
    checks = [check] if check and len(check.rows) >= LEAST_OTHERS else []
    learnt = _fitted(asked, trials, checks, _library(cases, cache))
    learnt.figures.update(cases=len(cases), questions=len(found), took_s=round(time.perf_counter() - started, 1))
    return learnt


def _usable(store: Store) -> list[Case]:
    """Cases with a question and an answer, in random but repeatable order, at most MOST_CASES."""
    cases = [one for one in store.published() if (one.title or one.demand or one.obstacle) and one.measure]
    if len(cases) < LEAST_CASES:
        raise Fault(
            f"同时写有诉求（或标题、卡点）和办法的案例只有 {len(cases)} 件，至少要 {LEAST_CASES} 件才能学出可靠的调整；"
            "检索按原样进行，案例多了以后再运行 kb tune"
        )
    order = np.random.default_rng(0).permutation(len(cases))[:MOST_CASES]
    return [cases[place] for place in order]


def _library(cases: Sequence[Case], cache: EmbeddingCache) -> dict[str, Vectors]:
    """The passages of *cases* by view as the index holds them."""
    found = [passage for case in cases for passage in passages(case)]
    vectors = cache.encode_passages([passage.text for passage in found])
    return {view: vectors[[passage.view == view for passage in found]] for view in VIEWS}


def _fitted(asked: Asked, trials: Sequence[Trial], checks: Sequence[Trial], library: dict[str, Vectors]) -> Learnt:
    """Both parts, each kept if it helps in *trials* and does no harm in *checks*."""
    names = [name for name in (*VIEWS, *LEXICAL) if ranking.settings()["weights"].get(name)]
    start = np.array([ranking.settings()["weights"][name] for name in names])
    plain = [start] * FOLDS
    before, unmapped = _scored(asked, trials, names, {}), _scored(asked, checks, names, {})
    first, harmless = _places(asked, trials, before, plain), _places(asked, checks, unmapped, plain)

    mapped: dict[str, Vectors] = {}
    views: dict[str, Any] = {}
    for view in VIEWS:
        tried = _held_out(asked, trials, view)
        if tried is None:
            continue
        views[view] = _alone(asked, trials, view, tried)
        looked_up = _scored(asked, checks, names, {view: tried})
        _without_harm(views[view], asked, checks, harmless, _places(asked, checks, looked_up, plain))
        if views[view]["on"]:
            mapped[view] = tried
    after, looked_up = _scored(asked, trials, names, mapped), _scored(asked, checks, names, mapped)
    gain = _compared(asked, trials, first, _places(asked, trials, after, plain))
    _without_harm(gain, asked, checks, harmless, _places(asked, checks, looked_up, plain))
    if not gain["on"]:
        mapped, after, looked_up = {}, before, unmapped

    chosen, values = _weighed(asked, trials, after, names, start)
    then, now = _places(asked, trials, after, plain), _places(asked, trials, after, chosen)
    change = _compared(asked, trials, then, now)
    checked = [_places(asked, checks, looked_up, one) for one in (plain, chosen)]
    _without_harm(change, asked, checks, *checked)
    figures = {
        "views": views,
        "adapter": gain,
        "weights": {**change, "values": values},
        "together": _compared(asked, trials, first, now if change["on"] else then),
    }
    adapters = {view: _adapter(asked, trials, view, library[view]) for view in mapped}
    return Learnt(adapters, values if change["on"] else {}, figures)


def _scored(asked: Asked, trials: Sequence[Trial], names: Sequence[str], mapped: dict[str, Vectors]) -> list[Vectors]:
    """`_scores` by trial, with the vectors *mapped* for some of the views."""
    vectors = {view: mapped.get(view, asked.vectors) for view in VIEWS}
    return [_scores(trial, names, vectors) for trial in trials]


def _weighed(
    asked: Asked, trials: Sequence[Trial], scores: Sequence[Vectors], names: Sequence[str], start: weights.Floats
) -> tuple[list[weights.Floats], dict[str, float]]:
    """Weights by fold, each learnt without it, and those learnt from all questions by name of the view."""
    gaps = [weights.rivalry(one, trial.own, start) for trial, one in zip(trials, scores, strict=True)]
    families = [[names.index(name) for name in family if name in names] for family in (VIEWS, LEXICAL)]
    chosen = [_weights(asked, trials, gaps, start, families, without=fold) for fold in range(FOLDS)]
    values = _weights(asked, trials, gaps, start, families).round(3).tolist()
    return chosen, dict(zip(names, values, strict=True))


def _scores(trial: Trial, names: Sequence[str], vectors: dict[str, Vectors]) -> Vectors:
    """z-scores [views, questions, cases]; zero where the trial has no such view."""
    found = np.zeros((len(names), len(trial.rows), trial.cases), np.float32)
    for place, name in enumerate(names):
        if name in trial.lexical:
            found[place] = trial.lexical[name]
        elif name in trial.vectors:
            found[place] = trial.dense(name, vectors[name][trial.rows])
    return found


def _places(
    asked: Asked, trials: Sequence[Trial], scores: Sequence[Vectors], chosen: Sequence[NDArray[np.float64]]
) -> list[Integers]:
    """The place of each question's own case by trial; questions of fold f are weighed by *chosen* [f]."""
    found = []
    for trial, one in zip(trials, scores, strict=True):
        by_fold = np.array(chosen, np.float32)[asked.fold[trial.rows]]
        found.append(trial.ranks(np.einsum("qv,vqc->qc", by_fold, one)))
    return found


def _pairs(asked: Asked, trials: Sequence[Trial], view: str) -> tuple[Integers, Vectors]:
    """(rows of questions, vectors of what they shall find) over all trials that have *view*."""
    rows, targets = [np.empty(0, np.int64)], [np.empty((0, asked.vectors.shape[1]), np.float32)]
    for trial in trials:
        if view in trial.vectors:
            kept, nearest = trial.targets(view, asked.vectors[trial.rows])
            rows.append(trial.rows[kept])
            targets.append(nearest)
    return np.concatenate(rows), np.concatenate(targets)


def _adapter(
    asked: Asked, trials: Sequence[Trial], view: str, library: Vectors | None = None, without: int = -1
) -> Adapter:
    """The map for *view*, from the questions that are not in the fold *without*."""
    rows, targets = _pairs(asked, trials, view)
    kept = asked.fold[rows] != without
    rows, targets = rows[kept], targets[kept]
    return adapter.fit(asked.vectors[rows], targets, asked.event[rows], targets if library is None else library)


def _held_out(asked: Asked, trials: Sequence[Trial], view: str) -> Vectors | None:
    """All question vectors, each by a map that was learnt without its fold; None if there is too little to learn."""
    if len(_pairs(asked, trials, view)[0]) < LEAST_PAIRS:
        return None
    found = asked.vectors.copy()
    for fold in range(FOLDS):
        inside = asked.fold == fold
        found[inside] = _adapter(asked, trials, view, without=fold)(asked.vectors[inside])
    return found


def _alone(asked: Asked, trials: Sequence[Trial], view: str, mapped: Vectors) -> dict[str, Any]:
    """What the map does for *view* looked at alone."""
    having = [trial for trial in trials if view in trial.vectors]
    places = [[trial.ranks(trial.dense(view, one[trial.rows])) for trial in having] for one in (asked.vectors, mapped)]
    return _compared(asked, having, *places)


def _weights(
    asked: Asked,
    trials: Sequence[Trial],
    gaps: Sequence[weights.Floats],
    start: weights.Floats,
    families: Sequence[Sequence[int]],
    without: int = -1,
) -> weights.Floats:
    """Weights from the questions that are not in the fold *without*."""
    kept = [one[asked.fold[trial.rows] != without] for trial, one in zip(trials, gaps, strict=True)]
    return weights.fit(np.concatenate([one.reshape(-1, len(start)) for one in kept]), start, families)


def _compared(
    asked: Asked, trials: Sequence[Trial], before: Sequence[Integers], after: Sequence[Integers]
) -> dict[str, Any]:
    """Means over events of MRR@10 and Recall@10 before and after, the interval of the difference, and whether the
    change is a gain beyond doubt."""
    event = np.concatenate([asked.event[trial.rows] for trial in trials])
    was, now = np.concatenate(list(before)), np.concatenate(list(after))
    report: dict[str, Any] = {"questions": len(event)}
    for name, value in (("MRR@10", _reciprocal), ("Recall@10", _among)):
        first, second = _by_event(event, value(was)), _by_event(event, value(now))
        report[name] = {
            "before": round(float(first.mean()), 4),
            "after": round(float(second.mean()), 4),
            "difference": interval((second - first).tolist()),
        }
    report["on"] = report["MRR@10"]["difference"]["low"] > 0
    return report


def _without_harm(
    report: dict[str, Any],
    asked: Asked,
    checks: Sequence[Trial],
    before: Sequence[Integers],
    after: Sequence[Integers],
) -> None:
    """Adds to *report* what a change does to *checks*, if there are any; what lowers them is not switched on."""
    if checks:
        report["others"] = _compared(asked, checks, before, after)
        report["on"] = report["on"] and report["others"]["MRR@10"]["difference"]["mean"] >= 0


def _reciprocal(places: Integers) -> NDArray[np.float64]:
    return np.where(places <= DEPTH, 1 / places, 0.0)


def _among(places: Integers) -> NDArray[np.float64]:
    return (places <= DEPTH).astype(np.float64)


def _by_event(event: Integers, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of *values* for each event: questions about one event are no independent witnesses."""
    _, place = np.unique(event, return_inverse=True)
    means: NDArray[np.float64] = np.bincount(place, values) / np.bincount(place)
    return means
