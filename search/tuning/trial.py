"""What each view of the search says when questions are put to a library in which a field is missing.

Scores are formed as the embedded engine forms them (z-scores over the whole library, no case below the last one of
the search's depth), but for all questions at once and kept as arrays, so that fitting needs no further search.

Titles are commonly made of words of the demand, and both come from one pen: for such questions the views that compare
words look better than for a stranger's, and leave meaning nothing to improve.  So every second question loses, for
those views alone, the words and character pairs that its own case holds elsewhere.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.model import Case

from .. import query, ranking
from ..embedder import Vectors
from ..engine import View
from ..engine.document import Document, document
from ..engine.embedded.wordindex import WordIndex
from ..engine.embedded.wordwriter import writing
from ..passages import VIEWS, Encode
from .questions import Question, Task, repeated, without

LEXICAL = ("words", "pairs")
DEPTH = 10  # places of a result list that count
PART = 200  # questions compared with all passages at a time


@dataclass(frozen=True)
class Trial:
    """Questions put to a library of ``cases`` cases.

    ``rows`` are the places of the questions among all questions; ``own`` the positions of the cases that count as
    found, the question's own case first; ``barred``, if given, one case for each question that cannot be found.  For
    each dense view there are the owners of its passages (ascending) and their vectors; ``lexical`` holds z-scores
    [questions, cases].
    """

    cases: int
    rows: NDArray[np.int64]
    own: list[NDArray[np.int64]]
    owners: dict[str, NDArray[np.int64]]
    vectors: dict[str, Vectors]
    lexical: dict[str, Vectors]
    barred: NDArray[np.int64] | None = None

    def dense(self, view: str, asked: Vectors) -> Vectors:
        """z-scores [questions, cases] of *view* for question vectors [questions, dim] of any length."""
        owners, passages = self.owners[view], self.vectors[view]
        depth = min(ranking.settings()["depth"], len(passages))
        starts = np.flatnonzero(np.diff(owners, prepend=-1))
        found = np.empty((len(asked), self.cases), np.float32)
        for start in range(0, len(asked), PART):
            scores = asked[start : start + PART] @ passages.T
            floor = np.partition(scores, -depth, axis=1)[:, -depth, None]
            best = np.repeat(floor, self.cases, axis=1)
            best[:, owners[starts]] = np.maximum(np.maximum.reduceat(scores, starts, axis=1), floor)
            deviation = np.maximum(scores.std(axis=1, keepdims=True), 1e-9)
            found[start : start + PART] = (best - scores.mean(axis=1, keepdims=True)) / deviation
        return found

    def targets(self, view: str, asked: Vectors) -> tuple[NDArray[np.int64], Vectors]:
        """The questions whose own case has passages in *view*, and for each the vector of the nearest of those."""
        owners, passages = self.owners[view], self.vectors[view]
        kept, nearest = [], []
        for at, own in enumerate(self.own):
            first, last = np.searchsorted(owners, [own[0], own[0] + 1])
            if last > first:
                kept.append(at)
                nearest.append(first + int(np.argmax(passages[first:last] @ asked[at])))
        return np.array(kept, np.int64), passages[nearest]

    def ranks(self, scores: Vectors) -> NDArray[np.int64]:
        """The place of the best own case for each question, from 1."""
        if self.barred is not None:
            scores = scores.copy()
            scores[np.arange(len(scores)), self.barred] = -np.inf
        best = np.array([row[own].max() for row, own in zip(scores, self.own, strict=True)])
        places: NDArray[np.int64] = (scores > best[:, None]).sum(axis=1) + 1
        return places


def prepare(
    task: Task, cases: Sequence[Case], group: NDArray[np.int64], asked: Sequence[Question], encode: Encode
) -> Trial | None:
    """The trial of *task* over *cases* with those of the questions *asked* that belong to it; None if there are none.

    *encode* is `EmbeddingCache.encode_passages`: the passages that are left are those of the index, and known.
    """
    rest = [without(case, task.hidden) for case in cases]
    rows = [
        row
        for row, question in enumerate(asked)
        if question.asks == task.asks and not repeated(question, rest[question.case])
    ]
    if not rows:
        return None
    alike = [np.flatnonzero(group == group[asked[row].case]) for row in rows]
    own = [
        np.concatenate([[asked[row].case], found[found != asked[row].case]])
        for row, found in zip(rows, alike, strict=True)
    ]
    return _trial(rest, rows, own, asked, encode)


def prepare_others(
    cases: Sequence[Case], linked: Sequence[tuple[int, int]], asked: Sequence[Question], encode: Encode
) -> Trial | None:
    """The trial of the whole library, in which each question shall find not its own case but those *linked* with it
    (see :mod:`.others`); None if there are no such questions."""
    others: dict[int, set[int]] = {}
    for one, other in linked:
        others.setdefault(one, set()).add(other)
        others.setdefault(other, set()).add(one)
    rows = [row for row, question in enumerate(asked) if question.case in others]
    if not rows:
        return None
    own = [np.array(sorted(others[asked[row].case]), np.int64) for row in rows]
    barred = np.array([asked[row].case for row in rows], np.int64)
    return replace(_trial(cases, rows, own, asked, encode), barred=barred)


def _trial(
    cases: Sequence[Case],
    rows: Sequence[int],
    own: list[NDArray[np.int64]],
    asked: Sequence[Question],
    encode: Encode,
) -> Trial:
    documents = [document(case) for case in cases]
    lexical = _lexical(documents, [asked[row] for row in rows])
    return Trial(len(cases), np.array(rows, np.int64), own, *_passages(documents, encode), lexical)


def _passages(documents: Sequence[Document], encode: Encode) -> tuple[dict[str, NDArray[np.int64]], dict[str, Vectors]]:
    """(owners, vectors) of the passages by view; views without any are left out."""
    texts: dict[str, list[tuple[int, str]]] = {view: [] for view in VIEWS}
    for position, one in enumerate(documents):
        for view, listed in texts.items():
            listed += [(position, passage.text) for passage in one.passages if passage.view == view]
    held = {view: listed for view, listed in texts.items() if listed}
    return (
        {view: np.array([position for position, _ in listed], np.int64) for view, listed in held.items()},
        {view: encode([text for _, text in listed]) for view, listed in held.items()},
    )


def _lexical(documents: Sequence[Document], asked: Sequence[Question]) -> dict[str, Vectors]:
    """z-scores [questions, cases] of the lexical views."""
    found = {name: np.empty((len(asked), len(documents)), np.float32) for name in LEXICAL}
    place = {one.case.id: position for position, one in enumerate(documents)}
    with tempfile.TemporaryDirectory() as folder:
        with writing(Path(folder), whole=True) as writer:
            for one in documents:
                writer.add(one, "")
            writer.finish(whole=True)
        index = WordIndex(Path(folder))
        for row, question in enumerate(asked):
            understood, own = query.understand(question.text), documents[question.case]
            for name in LEXICAL:
                terms = getattr(understood, name)
                if row % 2:
                    held = set(" ".join(getattr(own, name)).split())
                    terms = [term for term in terms if term not in held]
                found[name][row] = _standardised(index.search(name, terms, None), place)
        index.close()
    return found


def _standardised(view: View, place: dict[str, int]) -> Vectors:
    """*view* as z-scores by position; see :func:`search.ranking.fuse`."""
    scores = np.full(len(place), min([view.floor, *view.scores.values()]), np.float32)
    for case_id, score in view.scores.items():
        scores[place[case_id]] = score
    standardised: Vectors = (scores - view.mean) / view.deviation
    return standardised
