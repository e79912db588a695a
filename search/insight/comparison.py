"""甲县能办、乙县不能办: the same matter and the same obstacle, done at one hall and refused at another.

Obstacles are the same if both cases are in one class (if it is only proposed: and mean the same); else, unless they are
in two, if they share a barrier type and some words and mean the same (the type alone is often inferred), or (a lawful
refusal has no class, and its type says no more than that) enough words. Words of the matter do not count. Matters are
the same by their standard name. A hall that has done it once is not one that cannot. Weights and outcomes lie in
``radar.yml``.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from kb.model import Case
from kb.store import Store

from .. import words
from ..embedder.store import EmbeddingCache
from ..passages import obstacle_alone
from .barriers import is_outside, settings
from .classes import ACCEPTED, class_of, classes
from .remembering import remembered
from .scope import counted, hall_of, matter_of, newest_first, scope

CLASS, BARRIER, WORDS = "class", "barrier", "words"
SAME = {CLASS: "同一类事", BARRIER: "同一壁垒类型", WORDS: "卡点说法相近"}


@dataclass(frozen=True)
class Side:
    """One hall: its cases, newest first; of the newest the outcome, the obstacle and when it was closed; how it was
    done or explained; working days (median)."""

    hall: str
    case_ids: list[str]
    outcome: str
    obstacle: str
    how: str
    days: int | None
    date: str


@dataclass(frozen=True)
class Comparison:
    """A matter with one obstacle: halls that `can` and halls that `cannot`. `left` says in Chinese how these left it;
    `same` why the obstacles count as one: class, barrier or words; `class_id` is empty unless class."""

    matter: str
    obstacle: str
    barrier: str
    class_id: str
    same: str
    can: list[Side]
    cannot: list[Side]
    left: str
    score: float
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@remembered
def comparisons(store: Store, since: str = "", until: str = "", region: str = "") -> list[Comparison]:
    """What some halls can do and others cannot, the surest and most frequent first. Raises Fault."""
    found = counted(store, scope(since, until, region))
    cases = _told(found.cases.values())
    homes = class_of(store, [case.id for case in cases])
    titles = {one.id: one.obstacle or one.title for one in classes(store)}
    by_matter: dict[str, list[Case]] = {}
    for case in cases:
        by_matter.setdefault(matter_of(case), []).append(case)
    meaning = _Meaning(store)
    rows = [row for matter, some in by_matter.items() for row in _compared(matter, some, homes, titles, meaning)]
    return sorted(rows, key=lambda row: (-row.score, row.matter, row.obstacle))


def comparable(store: Store, since: str = "", until: str = "", region: str = "") -> tuple[int, int]:
    """How many cases tell what a comparison needs, matter, hall and outcome, and of how many. Raises Fault."""
    cases = counted(store, scope(since, until, region), texts=False).cases.values()
    return sum(bool(case.outcome) for case in _told(cases)), len(cases)


def _told(cases: Iterable[Case]) -> list[Case]:
    return [case for case in cases if hall_of(case) and matter_of(case) and not is_outside(case)]


def _compared(
    matter: str, cases: Sequence[Case], homes: Mapping[str, str], titles: Mapping[str, str], meaning: _Meaning
) -> Iterable[Comparison]:
    """Rows of one matter: refusals with the solved cases whose obstacle is theirs, by the surest reason that there is;
    refusals that meet the same solved cases are one row."""
    rules = settings()["comparison"]
    done = [case for case in cases if case.outcome in rules["can"]]
    left = [case for case in cases if case.outcome in rules["cannot"]]
    if not done or not left:
        return
    meaning.learn([*done, *left])
    said = cache(_content)
    rows: dict[tuple[str, str], tuple[dict[str, Case], dict[str, Case]]] = {}
    for refused in left:
        for same, key, alike in _alike(refused, done, homes, said, meaning):
            if hall_of(refused) in map(hall_of, alike):
                break  # this hall can
            if alike:
                can, cannot = rows.setdefault((same, key), ({}, {}))
                can.update((case.id, case) for case in alike)
                cannot[refused.id] = refused
                break
    for (same, key), (can, cannot) in rows.items():
        yield _row(matter, same, key, titles, newest_first(can.values()), newest_first(cannot.values()))


def _alike(
    refused: Case, done: Sequence[Case], homes: Mapping[str, str], said: Callable[[str, str], frozenset[str]],
    meaning: _Meaning,
) -> Iterable[tuple[str, str, list[Case]]]:
    """(reason, what is shared, solved cases that share it), the surest first."""
    rules = settings()["comparison"]
    own = homes.get(refused.id, "")
    if own:
        yield CLASS, own, meaning.same(refused, [case for case in done if homes.get(case.id) == own], own)
    free = [case for case in done if not (own and homes.get(case.id))]
    own_words = said(*_texts(refused))
    shares = [(case, _share(own_words, said(*_texts(case)))) for case in free]
    for barrier in refused.barriers:
        if barrier not in rules["vague"]:
            near = [case for case, n in shares if barrier in case.barriers and n >= rules["share"][BARRIER]]
            yield BARRIER, barrier, meaning.same(refused, near)
    yield WORDS, refused.id, [case for case, share in shares if share >= rules["share"][WORDS]]


class _Meaning:
    """Which cases have obstacles of one meaning: all of a class that staff accepted; what the machine put into one
    class is looked at again."""

    def __init__(self, store: Store) -> None:
        limits = settings()["comparison"]["meaning"]
        self._least = limits.get(store.settings.embedding_model or "packaged", limits["other"])
        self._accepted = {one.id for one in classes(store, (ACCEPTED,))}
        self._encode = EmbeddingCache(store.settings).encode_passages
        self._known: dict[str, Any] = {}

    def learn(self, cases: Iterable[Case]) -> None:
        """Looks up what the obstacles of `cases` mean, all at once: one by one it takes as long for each."""
        texts = list(dict.fromkeys(filter(None, map(obstacle_alone, cases))))
        self._known = dict(zip(texts, self._encode(texts), strict=True)) if texts else {}

    def same(self, case: Case, others: Sequence[Case], home: str = "") -> list[Case]:
        """Those of `others`, cases of the class `home` like the case itself, that have its obstacle."""
        if home in self._accepted:
            return list(others)
        own = self._known.get(obstacle_alone(case))
        if own is None:
            return []
        told = [(other, self._known.get(obstacle_alone(other))) for other in others]
        return [other for other, vector in told if vector is not None and float(vector @ own) >= self._least]


def _row(
    matter: str, same: str, key: str, titles: Mapping[str, str], can: Sequence[Case], cannot: Sequence[Case]
) -> Comparison:
    rules = settings()["comparison"]
    obstacle = titles.get(key, "") if same == CLASS else cannot[0].obstacle or cannot[0].demand
    types = [value for case in (*can, *cannot) for value in case.barriers if value not in rules["vague"]]
    barrier = key if same == BARRIER else max(types, key=types.count, default="")
    yes, no = _sides(can, rules["measure"]), _sides(cannot, rules["explained"])
    points = rules["same"][same] + len(no) + len(cannot) / 2 + len(yes) / 2
    left = "、".join(words for outcome, words in rules["cannot"].items() if outcome in {side.outcome for side in no})
    text = f"{_named(yes)}能办，{_named(no)}{left}：{matter}（{SAME[same]}）"
    home = key if same == CLASS else ""
    return Comparison(matter, obstacle, barrier, home, same, yes, no, left, round(points, 2), text)


def _sides(cases: Sequence[Case], fields: Sequence[str]) -> list[Side]:
    halls: dict[str, list[Case]] = {}
    for case in cases:
        halls.setdefault(hall_of(case), []).append(case)
    sides = []
    for some in halls.values():
        days = [case.working_days for case in some if case.working_days is not None]
        how = next((str(getattr(case, name)) for case in some for name in fields if getattr(case, name)), "")
        sides.append(Side(
            str(some[0].hall.get("name") or hall_of(some[0])), [case.id for case in some], some[0].outcome,
            some[0].obstacle or some[0].demand, how, round(statistics.median(days)) if days else None,
            str(some[0].closed or some[0].received or "")[:10],
        ))  # fmt: skip
    return sorted(sides, key=lambda side: (-len(side.case_ids), side.hall))


def _named(sides: Sequence[Side]) -> str:
    listed = "、".join(side.hall for side in sides[:3])
    return f"{listed}等 {len(sides)} 个大厅" if len(sides) > 3 else listed


def _texts(case: Case) -> tuple[str, str]:
    """What names the matter, and what tells the obstacle."""
    return " ".join(map(str, case.matter.values())), f"{case.obstacle}。{case.demand}"


def _content(matter: str, told: str) -> frozenset[str]:
    """The words that tell the obstacle; those of the matter are the same in all its cases."""
    own = {word.text for word in words.content_words(matter)}
    return frozenset(word.text for word in words.content_words(told) if len(word.text) > 1) - own


def _share(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(min(len(one), len(other)), 1)
