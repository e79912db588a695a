"""Sorts the clauses of a told case: what was demand, obstacle, measure, result, and what is none of these.

Each clause gets a score for every role from weighted cues; the best path through the clauses is then found
by dynamic programming (as in a hidden Markov model), since cases are told in the order demand, obstacle,
measure, result and seldom change the subject in mid-sentence.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from ingest.articles.document import plain, rules

NOISE = "noise"
_PERSON_BONUS = 0.7
_OPENING = 1.5
_SHORT = 7
_LOOSE = " ，,；;\n"


@dataclass(frozen=True)
class Clause:
    """A piece of a sentence. `end` is what closes it: comma, sentence or paragraph."""

    text: str
    end: str


def clauses(text: str) -> list[Clause]:
    """A paragraph cut at commas and full stops; quotations and brackets stay whole."""
    flat = plain(text)
    quoted = flat.count("“") == flat.count("”")
    pieces: list[Clause] = []
    depth = start = 0
    for i, char in enumerate(flat):
        if quoted and char in "“（":
            depth += 1
        elif quoted and char in "”）":
            depth = max(0, depth - 1)
        closes_quote = char == "”" and i > 0 and flat[i - 1] in "。！？" and depth == 0
        if depth == 0 and (char in "，。！？；" or closes_quote):
            end = "comma" if char == "，" else "sentence"
            if flat[i + 1 : i + 2] not in ("”", "）") or quoted and flat[i + 1 : i + 2] == "“":
                pieces.append(Clause(text[start : i + 1], end))
                start = i + 1
    if text[start:].strip():
        pieces.append(Clause(text[start:], "sentence"))
    return _merged(pieces)


def _merged(pieces: list[Clause]) -> list[Clause]:
    """Short clauses that say nothing (近日， 12月4日，) go with the next; the last one closes the paragraph."""
    whole: list[Clause] = []
    for piece in pieces:
        if whole and whole[-1].end == "comma" and len(whole[-1].text) <= _SHORT and not _telling(whole[-1]):
            piece = Clause(whole.pop().text + piece.text, piece.end)
        whole.append(piece)
    if whole:
        whole[-1] = Clause(whole[-1].text, "paragraph")
    return whole


def _telling(piece: Clause) -> bool:
    return any(score(piece.text, role) > 1.0 for role in rules("prose")["order"])


@cache
def _cues() -> dict[str, list[tuple[float, re.Pattern[str]]]]:
    return {
        role: [(cue["w"], re.compile(cue["p"])) for cue in cues]
        for role, cues in rules("prose")["roles"].items()
    }


@cache
def _window() -> re.Pattern[str]:
    return re.compile(rules("prose")["window"])


def score(text: str, role: str) -> float:
    """Sum of the weights of a role's cues that a text holds, each counted once."""
    text = _window().sub("窗口", plain(text))
    return sum(weight for weight, cue in _cues()[role] if cue.search(text))


def sort(pieces: list[Clause], names: Collection[str] = ()) -> dict[str, str]:
    """The text of each role in a told case; roles that do not occur are absent.

    `pieces` are its clauses in reading order, `names` the persons and companies that it is about.
    """
    data = rules("prose")
    order: list[str] = data["order"]
    states = [*order, NOISE]
    best = {state: _emission(pieces[0], state, 0.0, names) - _entry(state) for state in states}
    back: list[dict[str, str]] = []
    for i, (previous, piece) in enumerate(pairwise(pieces)):
        step: dict[str, float] = {}
        came: dict[str, str] = {}
        for state in states:
            costs = {old: best[old] - _change(old, state, previous.end, order) for old in states}
            came[state] = max(costs, key=lambda old: costs[old])
            step[state] = costs[came[state]] + _emission(piece, state, (i + 1) / len(pieces), names)
        best = step
        back.append(came)
    state = max(best, key=lambda s: best[s])
    path = [state]
    for came in reversed(back):
        state = came[state]
        path.append(state)
    return _texts(pieces, path[::-1])


def _entry(state: str) -> float:
    return 0.0 if state in ("demand", NOISE) else _OPENING


def _emission(piece: Clause, state: str, position: float, names: Collection[str]) -> float:
    value = score(piece.text, state)
    if state == "demand" and any(name in piece.text for name in names):
        value += _PERSON_BONUS * (1 - position)
    return value


def _change(old: str, new: str, boundary: str, order: list[str]) -> float:
    if old == new:
        return 0.0
    cost = rules("prose")["cost"]
    price: float = cost[boundary]
    if new == NOISE:
        return price + float(cost["noise"])
    if old == NOISE:
        return price
    free = rules("prose")["free"]
    if new in free or old in free and order.index(new) > 1:
        return price
    if old in free:  # what was changed for good is told at the end, not before the trouble
        return price + float(cost["back"])
    distance = order.index(new) - order.index(old)
    return price + (cost["back"] * -distance if distance < 0 else cost["skip"] * (distance - 1))


def _texts(pieces: list[Clause], path: list[str]) -> dict[str, str]:
    """The clauses of each role put together, those from different places on lines of their own."""
    parts: dict[str, list[str]] = {}
    previous = ""
    for piece, role in zip(pieces, path, strict=True):
        if role == previous and role in parts:
            parts[role][-1] += piece.text
        elif role != NOISE:
            parts.setdefault(role, []).append(piece.text)
        previous = role
    texts = {role: "\n".join(text.strip(_LOOSE) for text in own) for role, own in parts.items()}
    return {role: _unlinked(text) for role, text in texts.items() if text}


def _unlinked(text: str) -> str:
    link = re.match(rules("prose")["link"], plain(text))
    return text[link.end() :] if link else text
