"""Dense half of the embedded engine: one FAISS index a view, exact search, fp16.

Flat indexes of half-precision vectors are exact enough (rank changes below the fourth decimal) and fast up to
some hundred thousand passages.  A graph index with a filter is not: for narrow filters it misses half of the
nearest, so filters are always an exact search over the ids that pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from ...embedder import Vectors
from ...passages import VIEWS

SAMPLE = 1000  # vectors from which the spread of scores is estimated
#: Numbers of passages and their vectors [n, dim] in fp16; by view.
Some = tuple[NDArray[np.int64], NDArray[np.float16]]
Later = Mapping[str, Some]

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


class VectorFiles:
    """The FAISS files in *folder*.  Not safe for threads while it is changed."""

    def __init__(self, folder: Path, dim: int, new: bool = False) -> None:
        """Reads the files, or begins with none if *new*.

        OSError if one is missing, RuntimeError or ValueError if one is broken or of another dimension.
        """
        # FAISS is a C++ library behind generated bindings: its type hints do not know Python overloads.
        self.views: dict[str, Any] = {}
        for name in VIEWS:
            path = _path(folder, name)
            if not new and not path.exists():
                raise FileNotFoundError(path)
            self.views[name] = _empty(dim) if new else faiss.read_index(str(path))
            if self.views[name].d != dim:
                raise ValueError(f"{path.name} has {self.views[name].d} dimensions, expected {dim}")

    @property
    def count(self) -> int:
        """How many vectors there are in all views."""
        return sum(index.ntotal for index in self.views.values())

    def ids(self, view: str) -> NDArray[np.int64]:
        """Numbers of the passages of *view*, in the order of the file."""
        ids: NDArray[np.int64] = faiss.vector_to_array(self.views[view].id_map)
        return ids

    def add(self, view: str, ids: Sequence[int] | NDArray[np.int64], vectors: Vectors) -> None:
        """Adds *vectors* [n, dim] to *view* under *ids*."""
        if len(ids):
            self.views[view].add_with_ids(np.ascontiguousarray(vectors, np.float32), np.asarray(ids, np.int64))

    def remove(self, ids: Sequence[int] | NDArray[np.int64]) -> None:
        """Removes passages from whichever view they are in."""
        if len(ids):
            for index in self.views.values():
                index.remove_ids(np.asarray(ids, np.int64))

    def save(self, folder: Path) -> None:
        """Writes all views into *folder*."""
        for name, index in self.views.items():
            faiss.write_index(index, str(_path(folder, name)))


class VectorIndex:
    """One state of the vectors: those of *files* that are among *pieces*, and the few of *later*.

    Only read, so that threads may share it, and several states the files.
    """

    def __init__(self, files: VectorFiles, later: Later, pieces: NDArray[np.int64]) -> None:
        """*pieces*: numbers of all passages.  ValueError if there is not a vector for each."""
        self.files = files
        self._parts: dict[str, list[tuple[Any, Any]]] = {}  # indexes with the selector of what is still there
        self._samples: dict[str, Vectors] = {}
        found = 0
        for name, index in files.views.items():
            ids = files.ids(name)
            alive = np.isin(ids, pieces)
            gone = ids[~alive]
            self._parts[name] = [(index, faiss.IDSelectorNot(_selector(gone)) if len(gone) else None)]
            if name in later:
                self._parts[name].append((_filled(index.d, *later[name]), None))
            self._samples[name] = _sample(index, np.flatnonzero(alive), later.get(name))
            found += len(ids) - len(gone) + (len(later[name][0]) if name in later else 0)
        if found != len(pieces):
            raise ValueError("words and vectors differ")

    def search(self, view: str, vector: Vectors, depth: int, allowed: NDArray[np.int64] | None) -> Hits:
        """The *depth* passages of *view* nearest to *vector* [dim], among the ids *allowed* (None: all)."""
        some = None if allowed is None else _selector(allowed)
        scores, ids = np.empty(0, np.float32), np.empty(0, np.int64)
        for index, selector in self._parts[view]:
            chosen = some or selector
            wanted = min(depth, index.ntotal if allowed is None else len(allowed))
            if wanted:
                parameters = _PARAMETERS(sel=chosen) if chosen else None
                more, names = index.search(vector[None].astype(np.float32), wanted, params=parameters)
                there = names[0] >= 0
                scores, ids = np.concatenate([scores, more[0][there]]), np.concatenate([ids, names[0][there]])
        if not len(ids):
            return Hits(ids, scores, 0.0, 1.0)
        if len(self._parts[view]) > 1:
            order = np.argsort(-scores, kind="stable")[:depth]
            scores, ids = scores[order], ids[order]
        spread = self._samples[view] @ vector
        return Hits(ids, scores, float(spread.mean()), float(spread.std()) or 1.0)


def _path(folder: Path, view: str) -> Path:
    return folder / f"{view}.faiss"


def _empty(dim: int) -> Any:
    flat = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    return faiss.IndexIDMap2(flat)


def _filled(dim: int, ids: NDArray[np.int64], vectors: NDArray[np.float16]) -> Any:
    index = _empty(dim)
    index.add_with_ids(vectors.astype(np.float32), ids)
    return index


def _selector(ids: NDArray[np.int64]) -> Any:
    return faiss.IDSelectorBatch(ids)


def _sample(index: Any, alive: NDArray[np.int64], later: Some | None) -> Vectors:
    """At most SAMPLE vectors, evenly spread over the rows *alive* of *index* and those that came *later*."""
    flat = faiss.downcast_index(index.index)
    more = later[1] if later else np.empty((0, index.d), np.float16)
    total = len(alive) + len(more)
    rows = np.unique(np.linspace(0, total - 1, SAMPLE).astype(np.int64))[:total]
    found = [flat.reconstruct(int(alive[row])) if row < len(alive) else more[row - len(alive)] for row in rows]
    vectors: Vectors = np.array(found, np.float32).reshape(-1, index.d)
    return vectors
