"""How the views are weighed: pairwise logistic regression over z-scores, held near the weights of ``ranking.yml``.

A question's own case shall get more than the cases that the search now puts first.  What such questions can teach is
limited, because they are made of the library's own words:

* They cannot tell how many words a stranger shares with a case, so the balance between the views that compare meaning
  and those that compare words stays as it is: only the proportions within each of the two families are learnt.
* A view is learnt only from questions for which another one of its family was there to be compared with.
* No weight leaves the range from 1 / CAP to CAP times its weight in ``ranking.yml``, and a pull keeps all of them
  where they are as long as little is gained.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CAP = 1.5
PULL = 0.05
STEPS = 200
RATE = 0.2
RIVALS = 20  # cases that a question's own case is compared with

Floats = NDArray[np.float64]


def rivalry(scores: NDArray[np.float32], own: Sequence[NDArray[np.int64]], start: Floats) -> Floats:
    """What the own case has more than its rivals: [questions, rivals, views].

    *scores* are z-scores [views, questions, cases]; rivals are the cases that the weights *start* put first.
    """
    fused = np.einsum("v,vqc->qc", start.astype(np.float32), scores)
    for row, positions in enumerate(own):
        fused[row, positions] = -np.inf
    most = min(RIVALS, fused.shape[1] - 1)
    rivals = np.argpartition(-fused, most - 1, axis=1)[:, :most]
    rows = np.arange(len(own))
    mine = scores[:, rows, [positions[0] for positions in own]]
    gap = mine[:, :, None] - scores[:, rows[:, None], rivals]
    return np.moveaxis(gap, 0, -1).astype(np.float64)


def fit(gaps: Floats, start: Floats, families: Sequence[Sequence[int]]) -> Floats:
    """Weights [views] from comparisons [n, views] (see `rivalry`), beginning at *start* [views], all above zero.

    *families* are the views, by number, whose proportions are learnt; a view whose gap is zero was not there.  Within
    a family the weights that are learnt keep their geometric mean.
    """
    telling = np.zeros(gaps.shape, bool)
    for family in families:
        there = gaps[:, family] != 0
        telling[:, family] = there & (there.sum(axis=1, keepdims=True) > 1)
    lessons = np.where(telling, gaps, 0.0)
    learnt = [[view for view in family if telling[:, view].any()] for family in families]
    change = np.zeros(len(start))
    limit = np.log(CAP)
    sharpness = 1 / max(float((gaps @ start).std()), 1e-9)
    for _ in range(STEPS):
        weights = start * np.exp(change)
        doubt = 1 / (1 + np.exp(np.clip(sharpness * (gaps @ weights), -30, 30)))
        change -= RATE * (2 * PULL * change - sharpness * weights * (doubt @ lessons) / len(gaps))
        for family in filter(None, learnt):
            change[family] -= change[family].mean()
        change = np.clip(change, -limit, limit)
    return np.asarray(start * np.exp(change))
