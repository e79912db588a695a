"""How well a model does on the held-out texts: ``python -m search.embedder.training.held_out [FOLDER]``.

FOLDER holds ``model.onnx`` and ``tokenizer.json``; without it, the packaged model is measured.  Needs no torch.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from .. import Vectors
from ..packaged import MODEL, PackagedEmbedder
from .batches import cluster_batch
from .clusters import Cluster, load_clusters
from .recipe import HERE, Recipe, load_recipe

Encode = Callable[[Sequence[str]], Vectors]


def main() -> None:
    """Print the scores on each held-out file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=MODEL)
    embedder = PackagedEmbedder(parser.parse_args().folder)
    for line in report(embedder.encode_queries, embedder.encode_passages, load_recipe(), HERE):
        print(line)


def report(encode_queries: Encode, encode_passages: Encode, recipe: Recipe, folder: Path) -> Iterator[str]:
    """One line a held-out file of *recipe* in *folder*."""
    for name in recipe.held_out:
        rank, gap = measure(encode_queries, encode_passages, load_clusters(folder / name), recipe.cut)
        yield f"{name}: MRR@10 {rank:.3f}, AUC {gap:.3f}"


def measure(
    encode_queries: Encode, encode_passages: Encode, clusters: Sequence[Cluster], cut: dict[str, int]
) -> tuple[float, float]:
    """(MRR@10, AUC) over all cases of *clusters*; a case is as near as the nearer of its two passages.

    MRR@10 is of the questions that have an answer.  AUC is the share of pairs of a question with and one without
    answer in which the first has the nearer nearest case: 0.5 is chance, 1 tells them apart by one threshold.
    """
    batch = cluster_batch(clusters, cut)
    cosines = encode_queries(batch.questions) @ encode_passages(batch.passages).T
    by_case, best = cosines.reshape(len(cosines), -1, 2).max(2), batch.best[:, ::2]
    answered = np.asarray(best.any(1))
    nearest_best = np.where(best, by_case, -1).max(1, keepdims=True)
    ranks = 1 + (by_case > nearest_best).sum(1)[answered]
    nearest = by_case.max(1)
    told_apart = nearest[answered][:, None] > nearest[~answered]
    return float(np.where(ranks <= 10, 1 / ranks, 0).mean()), float(told_apart.mean())


if __name__ == "__main__":
    main()
