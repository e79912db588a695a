"""Training questions: what a case says in one field, to be answered by what it says in the others.

The title, a sentence of the demand that states the wish, and a sentence of the obstacle are questions whose answer
is known: the case itself, once the field that the question comes from is taken out of every case (`Task.hidden`).
Otherwise a question would only find its own words again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.model import Case

from .. import words

LONGEST = 60  # characters of a question
LEAST = 4  # Chinese characters of a question
FOLDS = 5


@dataclass(frozen=True)
class Task:
    """Questions from the field ``asks``, put to a library without the fields ``hidden``."""

    asks: str
    hidden: tuple[str, ...]


#: The title stands before every passage of demand and obstacle, so both are hidden with it.  Titles are not put to
#: demands without it: a map learnt from that finds the very same event more often, but what others tell of the like
#: (cases with nearly the same answer) less often.
TASKS = (
    Task("title", ("title", "matter", "demand", "obstacle")),
    Task("demand", ("demand",)),
    Task("obstacle", ("obstacle",)),
)


@dataclass(frozen=True)
class Question:
    """``text`` stands in the field ``asks`` of the case at position ``case``."""

    case: int
    asks: str
    text: str


def questions(cases: Sequence[Case], most: int) -> list[Question]:
    """At most *most* questions, all those of one case together, from the first of *cases* on."""
    found: list[Question] = []
    for position, case in enumerate(cases):
        if len(found) >= most:
            break
        found += [
            Question(position, name, text) for name in ("title", "demand", "obstacle") if (text := _asked(case, name))
        ]
    return found[:most]


def without(case: Case, hidden: Sequence[str]) -> Case:
    """*case* with the fields *hidden* empty."""
    empty: dict[str, Any] = {name: type(getattr(case, name))() for name in hidden}
    return replace(case, **empty)


def repeated(question: Question, rest: Case) -> bool:
    """Whether *rest*, its case without the hidden fields, says the same word for word."""
    told = "\n".join((rest.title, rest.demand, rest.obstacle, rest.measure, rest.result))
    return _compact(question.text) in _compact(told)


def groups(cases: Sequence[Case], linked: Iterable[tuple[int, int]] = ()) -> NDArray[np.int64]:
    """A number for each of *cases*; those that tell one event (linked as duplicates, or with the same demand, where
    there is none the same title, word for word) have the same, as have the positions *linked*."""
    number = list(range(len(cases)))

    def first(position: int) -> int:
        while number[position] != position:
            position = number[position]
        return position

    seen: dict[tuple[str, str], int] = {}
    for position, case in enumerate(cases):
        keys = [("event", case.id), ("event", case.duplicate_of), ("told", _compact(case.demand or case.title))]
        for key in keys:
            if key[1]:
                number[first(position)] = first(seen.setdefault(key, position))
    for one, other in linked:
        number[first(one)] = first(other)
    return np.array([first(position) for position in range(len(cases))], np.int64)


def folds(group: NDArray[np.int64], seed: int = 0) -> NDArray[np.int64]:
    """The fold (0 to FOLDS - 1) of each case, a whole group in one fold."""
    distinct, place = np.unique(group, return_inverse=True)
    of_group = np.random.default_rng(seed).permutation(len(distinct)) % FOLDS
    chosen: NDArray[np.int64] = of_group[place]
    return chosen


def _asked(case: Case, name: str) -> str:
    """A question out of the field *name*, empty if there is none: of a long text the first piece that states a wish
    or a failure, else the first piece."""
    text = words.without_placeholders(str(getattr(case, name)))
    pieces = [" ".join(text[start:end].split()) for start, end in words.passages(text, LONGEST)]
    pieces = [piece for piece in pieces if sum("\u4e00" <= char <= "\u9fff" for char in piece) >= LEAST]
    wishing = (piece for piece in pieces if any(wish in words.fold(piece) for wish in _wishes()))
    return next(wishing, pieces[0] if pieces else "")


def _compact(text: str) -> str:
    return "".join(char for char in words.fold(text) if char.isalnum())


@cache
def _wishes() -> tuple[str, ...]:
    lines = (Path(__file__).parent / "wishes.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
