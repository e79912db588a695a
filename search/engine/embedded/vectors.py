"""Dense half of the embedded engine: one FAISS index a view, exact search, fp16.

Flat indexes of half-precision vectors are exact enough (rank changes below the fourth decimal) and fast up to
some hundred thousand passages.  A graph index with a filter is not: for narrow filters it misses half of the
nearest, so filters are always an exact search over the ids that pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from ...embedder import Vectors
from ...passages import VIEWS

SAMPLE = 1000  # vectors from which the spread of scores is estimated

_PARAMETERS: Any = faiss.SearchParameters

# A server answers many requests at a time; one thread a search serves them best.
faiss.omp_set_num_threads(1)


@dataclass(frozen=True)
class Hits:
    """Passages by score, best first: ids and scores; mean and deviation over all passages of the view."""

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    mean: float
    deviation: float


class VectorIndex:
    """The FAISS files in *folder*.  Not safe for threads: callers hold a lock."""

    def __init__(self, folder: Path, dim: int, new: bool = False) -> None:
        """Reads the files, or begins with none if *new*.

        OSError if one is missing, RuntimeError or ValueError if one is broken or of another dimension.
        """
        # FAISS is a C++ library behind generated bindings: its type hints do not know Python overloads.
        self._views: dict[str, Any] = {}
        for name in VIEWS:
            path = _path(folder, name)
            if not new and not path.exists():
                raise FileNotFoundError(path)
            self._views[name] = _empty(dim) if new else faiss.read_index(str(path))
            if self._views[name].d != dim:
                raise ValueError(f"{path.name} has {self._views[name].d} dimensions, expected {dim}")
        self._samples = {name: _sample(index) for name, index in self._views.items()}

    @property
    def count(self) -> int:
        """How many vectors there are in all views."""
        return sum(index.ntotal for index in self._views.values())

    def add(self, view: str, ids: Sequence[int], vectors: Vectors) -> None:
        """Adds *vectors* [n, dim] to *view* under *ids*."""
        if len(ids):
            self._views[view].add_with_ids(np.ascontiguousarray(vectors), np.asarray(ids, np.int64))

    def remove(self, ids: Sequence[int]) -> None:
        """Removes passages from whichever view they are in."""
        if len(ids):
            for index in self._views.values():
                index.remove_ids(np.asarray(ids, np.int64))

    def save(self, folder: Path) -> None:
        """Writes all views into *folder*."""
        for name, index in self._views.items():
            faiss.write_index(index, str(_path(folder, name)))

    def search(self, view: str, vector: Vectors, depth: int, allowed: NDArray[np.int64] | None) -> Hits:
        """The *depth* passages of *view* nearest to *vector* [dim], among the ids *allowed* (None: all)."""
        index, sample = self._views[view], self._samples[view]
        depth = min(depth, index.ntotal if allowed is None else len(allowed))
        if not depth:
            return Hits(np.empty(0, np.int64), np.empty(0, np.float32), 0.0, 1.0)
        parameters = None
        if allowed is not None:
            parameters = _PARAMETERS(sel=faiss.IDSelectorBatch(allowed))
        scores, ids = index.search(vector[None].astype(np.float32), depth, params=parameters)
        found = ids[0] >= 0
        spread = sample @ vector
        return Hits(ids[0][found], scores[0][found], float(spread.mean()), float(spread.std()) or 1.0)


def _path(folder: Path, view: str) -> Path:
    return folder / f"{view}.faiss"


def _empty(dim: int) -> Any:
    flat = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    return faiss.IndexIDMap2(flat)


def _sample(index: Any) -> Vectors:
    """At most SAMPLE vectors of *index*, evenly spread."""
    flat = faiss.downcast_index(index.index)
    rows = np.unique(np.linspace(0, index.ntotal - 1, SAMPLE).astype(np.int64))[: index.ntotal]
    vectors: Vectors = np.array([flat.reconstruct(int(row)) for row in rows], np.float32).reshape(-1, index.d)
    return vectors
