"""The pieces of a case that are embedded, and one vector for a whole case.

Every floor that needs vectors of cases takes them from here, so that all of them find the same texts in the
cache and nothing is embedded twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kb.model import Case

from . import words
from .embedder import Vectors

#: Dense views and the fields of a case that each is made of.
VIEWS = {"message": ("obstacle", "demand"), "measure": ("measure", "result"), "title": ("title",)}
#: Passages of one field; what comes later in an endless text is found by its words alone.
MOST = 40
LEAST = 4  # Chinese characters of a piece that is worth embedding
LONGEST = 300  # characters of an obstacle that are embedded alone
#: Raise when the pieces of an unchanged case would be others.
VERSION = 1
PART = 50  # cases embedded between two looks at the progress

Encode = Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True)
class Passage:
    """A piece of ``field`` of a case, from ``start`` to ``end``, embedded as ``text`` for ``view``."""

    view: str
    field: str
    start: int
    end: int
    text: str


def passages(case: Case) -> list[Passage]:
    """The pieces of *case*.

    A piece of demand or obstacle is embedded with the title in front: alone, a piece from the middle of a
    letter does not say what it is about.
    """
    title = _plain("\n".join(filter(None, [case.title, case.matter.get("name")])))
    found = []
    for view, fields in VIEWS.items():
        for name in fields:
            text = words.without_placeholders(words.fold(str(getattr(case, name))))
            if name == "title" and text.strip():
                found.append(Passage(view, name, 0, len(text), title))
                continue
            lead = f"{title}。" if view == "message" and title else ""
            found += [
                Passage(view, name, start, end, lead + _plain(text[start:end]))
                for start, end in words.passages(text)[:MOST]
                if _telling(text[start:end])
            ]
    return found


def obstacle_alone(case: Case) -> str:
    """The obstacle without the matter in front: its kind, whatever it is about. Classes of cases are compared by it
    (`search.insight.discovery`); the index embeds it with the rest, so that proposing classes embeds nothing."""
    return _plain(case.obstacle)[:LONGEST]


def case_vectors(
    cases: Sequence[Case], encode: Encode, progress: Callable[[int, int], None] | None = None
) -> list[Vectors | None]:
    """One unit vector [dim] for each of *cases*, None where there is no text.

    It is the mean over the passages of demand and obstacle, or over all passages where both are empty.
    *encode* is `EmbeddingCache.encode_passages`; all passages go through it, so that indexing the cases later
    costs nothing.  *progress* is called with (done, total) cases.
    """
    vectors: list[Vectors | None] = []
    for start in range(0, len(cases), PART):
        pieces = [passages(case) for case in cases[start : start + PART]]
        encoded = encode([piece.text for part in pieces for piece in part])
        at = 0
        for part in pieces:
            vectors.append(_mean(part, encoded[at : at + len(part)]))
            at += len(part)
        if progress:
            progress(len(vectors), len(cases))
    return vectors


def _mean(pieces: list[Passage], encoded: Vectors) -> Vectors | None:
    if not pieces:
        return None
    message = [row for row, piece in enumerate(pieces) if piece.view == "message"]
    mean = (encoded[message] if message else encoded).mean(axis=0)
    unit: Vectors = mean / max(float(np.linalg.norm(mean)), 1e-9)
    return unit


def _telling(text: str) -> bool:
    """Whether a piece says anything: a name or a number alone is near to whatever is odd."""
    return sum("\u4e00" <= char <= "\u9fff" for char in text) >= LEAST


def _plain(text: str) -> str:
    return " ".join(words.without_placeholders(words.fold(text)).split())
