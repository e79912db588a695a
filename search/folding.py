"""Near-identical cases among those found, so that one result stands for all of them.

A re-report with the same answer folds; the same question with another answer or another outcome does not,
for what is new in it is what the clerk needs.  Cases that ingest linked as one event fold in whatever words they
are told, as long as they do not tell it in the same words with different answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from kb.model import Case

from .words.formulas import essence

_ASKED = ("title", "demand", "obstacle")
_ANSWERED = ("measure", "result")


@cache
def settings() -> dict[str, Any]:
    """The content of ``folding.yml``."""
    path = Path(__file__).parent / "folding.yml"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def fold(cases: Sequence[Case]) -> list[list[int]]:
    """Positions of *cases* in groups; groups and members keep the order of the cases.

    Every member of a group is like every other one, so that no chain of small differences joins unlike ends.
    Meant for what one search finds: the work grows with the square of the number of cases.
    """
    alike = _alike(cases)
    groups: list[list[int]] = []
    for place in range(len(cases)):
        for group in groups:
            if all(alike[place, member] for member in group):
                group.append(place)
                break
        else:
            groups.append([place])
    return groups


def unfolded(answer: dict[str, Any], k: int) -> list[dict[str, Any]]:
    """The first *k* cases of an *answer* for machines: near-identical copies stand right after the case they are
    folded under, with its score."""
    listed = []
    for entry in answer["results"]:
        listed += [entry, *({**other, "score": entry["score"]} for other in entry["alike"])]
    return listed[:k]


def line(qid: str, answer: dict[str, Any], k: int) -> dict[str, Any]:
    """An *answer* of a batch, as ``kb search --batch`` and the API give it: {qid, answerable, grade, probability,
    results [{id, source_no, score}]}."""
    results = [{key: entry[key] for key in ("id", "source_no", "score")} for entry in unfolded(answer, k)]
    return {"qid": qid, **{key: answer[key] for key in ("answerable", "grade", "probability")}, "results": results}


def _alike(cases: Sequence[Case]) -> np.ndarray:
    """bool [n, n]: which two cases may be shown as one."""
    limits = settings()
    asked, sizes = _likeness([_told(case, _ASKED, limits["longest"]["asked"]) for case in cases])
    known = {case.id: case for case in cases}
    links = [_chain(case, known) for case in cases]
    linked = np.array([[one == other for other in links] for one in links], dtype=bool).reshape(asked.shape)
    candidates = linked | (asked >= limits["asked"])
    np.fill_diagonal(candidates, False)
    # Answers are long, and most cases have no counterpart: only those that the questions leave open are compared.
    left: list[int] = np.flatnonzero(candidates.any(axis=1)).tolist()
    answers = {place: _told(cases[place], _ANSWERED, limits["longest"]["answered"]) for place in left}
    answered, _ = _likeness(list(answers.values()))
    alike = np.zeros_like(candidates)
    for (row, one), (column, other) in combinations(enumerate(left), 2):
        if not candidates[one, other] or _differ(cases[one].outcome, cases[other].outcome):
            continue
        if linked[one, other] and asked[one, other] < limits["retold"]:
            same = True
        elif answers[one] and answers[other]:
            same = answered[row, column] >= limits["answered"] and _denied(answers[one]) == _denied(answers[other])
        else:
            same = linked[one, other] or min(sizes[one], sizes[other]) >= limits["least"]
        alike[one, other] = alike[other, one] = same
    return alike


def _differ(one: str, other: str) -> bool:
    """Whether two outcomes contradict each other; an unknown one contradicts none."""
    return bool(one and other and one != other)


def _chain(case: Case, known: dict[str, Case]) -> str:
    """The id of the case that *case* tells again, through further duplicates among *known*, else its own."""
    for _ in known:
        if case.duplicate_of not in known:
            break
        case = known[case.duplicate_of]
    return case.duplicate_of or case.id


def _likeness(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Jaccard similarities of the texts' character trigrams [n, n] and how many trigrams each has [n]."""
    grams = [_trigrams(text) for text in texts]
    sizes = np.array([len(each) for each in grams], dtype=np.float32)
    every = np.concatenate(grams) if grams else np.empty(0, np.uint64)
    _, column, counts = np.unique(every, return_inverse=True, return_counts=True)
    # A trigram of one text alone is shared with none: without those the matrix is small.
    common = counts > 1
    new_column = np.cumsum(common) - 1
    kept = common[column]
    holds = np.zeros((len(texts), int(common.sum())), dtype=np.float32)
    holds[np.repeat(np.arange(len(texts)), sizes.astype(int))[kept], new_column[column[kept]]] = 1
    shared = holds @ holds.T
    union = sizes[:, None] + sizes[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0), sizes


@lru_cache(maxsize=1024)
def _trigrams(text: str) -> np.ndarray:
    """The distinct trigrams of *text*, each packed into one number: a code point needs 21 bits."""
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    if len(codes) < 3:
        return np.empty(0, np.uint64)
    return np.unique((codes[:-2] << np.uint64(42)) | (codes[1:-1] << np.uint64(21)) | codes[2:])


def _told(case: Case, fields: Sequence[str], longest: int) -> str:
    return "".join(essence(str(getattr(case, name))[:longest]) for name in fields)[:longest]


@cache
def _denial() -> re.Pattern[str]:
    return re.compile(f"(?:{'|'.join(map(re.escape, settings()['denials']))}).?")


def _denied(text: str) -> frozenset[str]:
    """What *text* denies: each denying word with the character after it."""
    return frozenset(_denial().findall(text))
