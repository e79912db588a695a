"""How likely it is that a case is a precedent: a logistic model over a few features, and the grade it earns.

Coefficients and the limits of the grades lie in ``calibration.yml``.  The scale of cosines differs from model to
model, so there is a set of coefficients for every known embedder, found by the beginning of its fingerprint; others
are judged by how many of the question's words a case holds.  `fit` makes such a set from judged examples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from kb.errors import Fault

PRECEDENT, PERHAPS, NONE = GRADES = ("同类先例", "仅供参考", "没有找到先例")

Example = tuple[Mapping[str, float], bool]
_Floats = NDArray[np.float64]
_FURTHEST = 30.0  # log-odds beyond this change no probability that anybody reads
_ROUNDS = 100
_FOLDS = 10
_BINS = 10
_DIGITS = 7  # significant ones of a coefficient in the file


@cache
def settings() -> dict[str, Any]:
    """The content of ``calibration.yml``."""
    path = Path(__file__).parent / "calibration.yml"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def model_for(embedder: str) -> dict[str, Any]:
    """The packaged coefficients for an embedder's fingerprint.

    {"intercept": float, "features": {name: {"weight", "mean"}}}; those of the longest beginning that fits.
    """
    models = settings()["models"]
    fitting = [beginning for beginning in models if embedder.startswith(beginning)]
    found: dict[str, Any] = models[max(fitting, key=len)] if fitting else settings()["any"]
    return found


def probability(features: Mapping[str, float], embedder: str = "", model: Mapping[str, Any] | None = None) -> float:
    """How likely it is, from 0 to 1, that a case with these features is a precedent.

    *model* (as `fit` returns it) defaults to the one for the embedder's fingerprint.  A feature that is missing or
    not a finite number counts as the mean of its examples; features that the model does not know are ignored.
    """
    chosen = model_for(embedder) if model is None else model
    odds = float(chosen["intercept"])
    for name, one in chosen["features"].items():
        value = float(features.get(name, math.nan))
        odds += one["weight"] * (value if math.isfinite(value) else one["mean"])
    return 1 / (1 + math.exp(-max(-_FURTHEST, min(_FURTHEST, odds))))


def grade(p: float) -> str:
    """同类先例, 仅供参考 or 没有找到先例 for a probability."""
    limits = settings()["grades"]
    if p >= limits["high"]:
        return PRECEDENT
    return PERHAPS if p >= limits["low"] else NONE


def fit(examples: Sequence[Example], penalty: float = 1.0) -> dict[str, Any]:
    """Coefficients from judged *examples* (features, whether it was a precedent), in the form of ``calibration.yml``.

    Logistic regression by Newton's method on standardised features, with ``penalty / 2`` times the square of each
    weight (not of the intercept) added to the negative log-likelihood.  "reliability" tells how far it can be
    trusted: every example is judged by a model fitted without its tenth of the examples (see `reliability`).
    Raises Fault unless there is at least one example of either kind.
    """
    outcomes = np.array([outcome for _, outcome in examples], dtype=bool)
    if outcomes.all() or not outcomes.any():
        raise Fault("校准需要有先例和没有先例的例子，两种都至少一个")
    model = _fitted(examples, penalty)
    return {**model, "reliability": reliability(_held_out(examples, outcomes, penalty), outcomes)}


def reliability(
    probabilities: Sequence[float] | _Floats, outcomes: Sequence[bool] | NDArray[np.bool_]
) -> dict[str, Any]:
    """How well probabilities agree with what was the case.

    "examples" and "precedents" are counts; "brier" is the mean squared error (Brier 1950); "ece" the expected
    calibration error over ten bins of equal width (Guo et al. 2017); "auc" the area under the ROC curve, None if
    all outcomes are alike.
    """
    p, y = np.asarray(probabilities, np.float64), np.asarray(outcomes, dtype=bool)
    bins = np.minimum((p * _BINS).astype(int), _BINS - 1)
    gaps = [abs(p[bins == one].sum() - y[bins == one].sum()) for one in range(_BINS)]
    return {
        "examples": len(p),
        "precedents": int(y.sum()),
        "brier": round(float(np.mean((p - y) ** 2)), 4),
        "ece": round(float(sum(gaps) / len(p)), 4),
        "auc": _auc(p, y),
    }


def _auc(p: _Floats, y: NDArray[np.bool_]) -> float | None:
    """The share of pairs (precedent, none) in which the precedent is the more probable; ties count half."""
    if y.all() or not y.any():
        return None
    none = np.sort(p[~y])
    below, upto = np.searchsorted(none, p[y], "left"), np.searchsorted(none, p[y], "right")
    return round(float(np.mean((below + upto) / 2) / len(none)), 4)


def _fitted(examples: Sequence[Example], penalty: float) -> dict[str, Any]:
    names = sorted({name for features, _ in examples for name in features})
    values = np.array(
        [[float(features.get(name, math.nan)) for name in names] for features, _ in examples], np.float64
    ).reshape(len(examples), len(names))
    values[~np.isfinite(values)] = math.nan
    known = ~np.isnan(values)
    counts = np.maximum(known.sum(0), 1)
    means = np.where(known, values, 0.0).sum(0) / counts
    centred = np.where(known, values - means, 0.0)  # what is missing counts as the mean
    spread = np.sqrt((centred**2).sum(0) / len(examples))
    spread[spread < 1e-12 * np.maximum(np.abs(means), 1)] = np.inf  # a constant feature says nothing: weight 0
    outcomes = np.array([outcome for _, outcome in examples], np.float64)
    coefficients = _newton(np.column_stack([np.ones(len(examples)), centred / spread]), outcomes, penalty)
    weights = coefficients[1:] / spread
    return {
        "intercept": _short(coefficients[0] - float(weights @ means)),
        "features": {
            name: {"weight": _short(weight), "mean": _short(mean)}
            for name, weight, mean in zip(names, weights, means, strict=True)
        },
    }


def _newton(x: _Floats, y: _Floats, penalty: float) -> _Floats:
    """Coefficients that minimise the penalised negative log-likelihood; the first column of *x* is the intercept's.

    A step that would make the loss greater is halved: without that, separable examples can overshoot.
    """
    ridge = np.full(x.shape[1], penalty)
    ridge[0] = 1e-9  # only keeps the system solvable

    def loss(w: _Floats) -> float:
        odds = x @ w
        return float(np.sum(np.logaddexp(0, odds) - y * odds) + ridge @ w**2 / 2)

    w = np.zeros(x.shape[1])
    share = y.mean()
    w[0] = math.log(share / (1 - share)) if 0 < share < 1 else math.copysign(_FURTHEST, share - 0.5)
    for _ in range(_ROUNDS):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -_FURTHEST, _FURTHEST)))
        slope = x.T @ (p - y) + ridge * w
        curve = (x * (p * (1 - p))[:, None]).T @ x + np.diag(ridge)
        step = np.linalg.solve(curve, slope)
        before, size = loss(w), 1.0
        while loss(w - size * step) > before and size > 1e-6:
            size /= 2
        w = w - size * step
        if np.abs(size * step).max() < 1e-10:
            break
    return w


def _held_out(examples: Sequence[Example], outcomes: NDArray[np.bool_], penalty: float) -> _Floats:
    """The probability of every example by a model that was fitted without its fold.

    Examples of either kind are dealt out to the folds in turn, so that each fold has its share of both.
    """
    folds = np.empty(len(examples), int)
    for kind in (True, False):
        folds[outcomes == kind] = np.arange((outcomes == kind).sum()) % _FOLDS
    p = np.empty(len(examples))
    for fold in range(_FOLDS):
        inside = np.flatnonzero(folds == fold).tolist()
        rest = [examples[at] for at in np.flatnonzero(folds != fold).tolist()]
        if inside:
            model = _fitted(rest, penalty) if rest else {"intercept": 0.0, "features": {}}
            p[inside] = [probability(examples[at][0], model=model) for at in inside]
    return p


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
