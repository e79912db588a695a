"""The map of a question's vector: what the questions of a library mean, said the way its cases say it.

A question q becomes q + Dq, learnt so that it is nearer to a passage of its own case than to those of the other
questions in the batch (InfoNCE, van den Oord et al. 2018), with Adam (Kingma and Ba 2015) and a pull of D towards
nothing.  Compared on cases that were held out, ridge regression onto the passages helped nothing and negatives mined
with the present search no more than those of the batch.

Every dense view has a map of its own: one learnt for 办法 makes titles harder to find.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..embedder import Vectors

STEPS = 300
BATCH = 256
RATE = 1e-3
TEMPERATURE = 0.02
PULL = 0.08


@dataclass(frozen=True)
class Adapter:
    """``matrix`` is D [dim, dim]; ``mean`` [dim] the mean of the view's passages.

    The map turns questions away from the direction that all texts have in common, so cosines fall from 0.85 to
    0.1.  ``scale`` and :meth:`offset` put scores back to where they were, for everything that knows cosines.
    """

    matrix: Vectors
    mean: Vectors
    scale: float = 1.0

    def __call__(self, questions: Vectors) -> Vectors:
        """The vectors to search with, [..., dim], each of length ``scale``."""
        turned = questions + questions @ self.matrix.T
        unit: Vectors = turned / np.maximum(np.linalg.norm(turned, axis=-1, keepdims=True), 1e-9)
        return unit * np.float32(self.scale)

    def offset(self, question: Vectors) -> float:
        """What to add to the scores of the mapped *question* [dim] so that their mean is that of the unmapped one."""
        return float((question - self(question)) @ self.mean)


def fit(questions: Vectors, targets: Vectors, group: NDArray[np.int64], passages: Vectors, seed: int = 0) -> Adapter:
    """The map that brings *questions* [n, dim] near their *targets* [n, dim].

    Questions with the same number in *group* [n] are not each other's negatives.  *passages* [m, dim] are all those of
    the view; the scale is chosen so that the best score of a question stays the same on average.
    """
    chance = np.random.default_rng(seed)
    matrix = np.zeros((questions.shape[1],) * 2, np.float32)
    slope_mean, square_mean = np.zeros_like(matrix), np.zeros_like(matrix)
    for step in range(1, STEPS + 1):
        batch = chance.choice(len(questions), min(BATCH, len(questions)), replace=False)
        slope = _slope(matrix, questions[batch], targets[batch], group[batch]) + np.float32(PULL) * matrix
        slope_mean += np.float32(0.1) * (slope - slope_mean)
        square_mean += np.float32(0.001) * (slope**2 - square_mean)
        size = RATE * (1 - 0.999**step) ** 0.5 / (1 - 0.9**step)
        matrix -= np.float32(size) * slope_mean / (np.sqrt(square_mean) + np.float32(1e-8))
    adapter = Adapter(matrix, passages.mean(axis=0))
    sample = questions[:: max(1, len(questions) // 200)]
    return Adapter(matrix, adapter.mean, _rise(sample, passages) / max(_rise(adapter(sample), passages), 1e-9))


def _slope(matrix: Vectors, questions: Vectors, targets: Vectors, group: NDArray[np.int64]) -> Vectors:
    """The gradient of the mean InfoNCE loss by *matrix*."""
    turned = questions + questions @ matrix.T
    length = np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-9)
    unit = turned / length
    logits = unit @ targets.T / TEMPERATURE
    same = group[:, None] == group[None, :]
    np.fill_diagonal(same, False)
    logits[same] = -np.inf
    logits -= logits.max(axis=1, keepdims=True)
    share = np.exp(logits)
    share /= share.sum(axis=1, keepdims=True)
    share[np.diag_indices_from(share)] -= 1
    by_unit = share @ targets / (TEMPERATURE * len(questions))
    by_turned = (by_unit - (by_unit * unit).sum(axis=1, keepdims=True) * unit) / length
    slope: Vectors = by_turned.T @ questions
    return slope


def _rise(questions: Vectors, passages: Vectors) -> float:
    """How far the best score of a question lies above its mean score, on average."""
    scores = questions @ passages.T
    return float((scores.max(axis=1) - scores.mean(axis=1)).mean())
