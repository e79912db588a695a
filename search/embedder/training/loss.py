"""The loss: questions draw the passages that answer them and push away the others.

Two terms over the cosines of one batch:

* :func:`contrastive`, relative: InfoNCE (van den Oord et al., *Representation Learning with Contrastive
  Predictive Coding*, 2018) as in the training of E5 (Wang et al., *Text Embeddings by Weakly-Supervised
  Contrastive Pre-training*, 2022), here with several positives a question.  It orders the passages of one question.
* :func:`absolute`: the sigmoid loss of SigLIP (Zhai et al., *Sigmoid Loss for Language Image Pre-Training*,
  2023) over the pairs within a cluster.  One scale and one threshold for all questions, and questions that nothing
  in their cluster answers, teach it to tell an answer from a text that is merely close.

Tables are [questions, passages]: ``cosines`` float, the rest bool.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

ABSENT = -1e4  # a finite floor: a row without negatives must not turn its gradient into NaN


def contrastive(cosines: Tensor, best: Tensor, useful: Tensor, temperature: float, useful_weight: float) -> Tensor:
    """Mean over questions of -log softmax of each positive among the question's negatives.

    Positives of a question share the weight 1 (*best*) or *useful_weight* (*useful*) and are no negatives of
    each other.  Questions without positives do not count.
    """
    scores = cosines / temperature
    weights = _shares(best) + useful_weight * _shares(useful)
    negatives = torch.logsumexp(scores.masked_fill(best | useful, ABSENT), 1, keepdim=True)
    terms = torch.logaddexp(scores, negatives) - scores
    return (terms * weights).sum() / weights.sum()


def absolute(
    cosines: Tensor, best: Tensor, near: Tensor, scale: Tensor, threshold: Tensor, positive_weight: float
) -> Tensor:
    """Mean over the pairs in *near* of the cross-entropy of sigmoid(scale · (cosine - threshold)) with *best*.

    Positives are fewer than negatives and count *positive_weight* times.
    """
    terms = functional.binary_cross_entropy_with_logits(
        scale * (cosines - threshold),
        best.to(cosines.dtype),
        reduction="none",
        pos_weight=torch.tensor(positive_weight),
    )
    return terms[near].mean()


def paired(cosines: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of one-to-one pairs (diagonal of *cosines*), from questions to passages and back."""
    scores = cosines / temperature
    right = torch.arange(len(scores))
    return (functional.cross_entropy(scores, right) + functional.cross_entropy(scores.T, right)) / 2


def _shares(table: Tensor) -> Tensor:
    """*table* as weights: each row's ones share the weight 1, an empty row stays empty."""
    return table / table.sum(1, keepdim=True).clamp(min=1)
