"""What the pictures and tables of barriers count: which barrier in which county, which matter meets which type, the way
from barrier over handling to outcome, the months of one barrier. Each number can name its cases: a `Fact` is what is
known of one case of one barrier, and `choose` picks those that a number counts."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kb.store import Store

from .barriers import settings
from .scope import first_day
from .verdicts import PLACES, Verdict

UNSAID = "未写明"
MOST_ROWS, MOST_COLUMNS, MOST_STREAMS = 15, 20, 60  # of a picture
MOST_MONTHS = 36  # beyond it a picture shows quarters
MOST_FIXES = 4  # that a picture marks


class Clue(Protocol):
    """What is read of a barrier (search.insight.barriers)."""

    @property
    def id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def barrier(self) -> str: ...
    @property
    def case_ids(self) -> list[str]: ...


@dataclass(frozen=True)
class Whole:
    """A class with all its cases, also where the radar shows fewer or none."""

    id: str
    label: str
    barrier: str
    case_ids: list[str]


@dataclass(frozen=True)
class Fact:
    """One case of one barrier; `types`: its barrier types, that of the barrier first, without those that are none."""

    case_id: str
    clue: str
    label: str
    types: tuple[str, ...]
    matter: str
    county: str
    hall: str
    month: str
    handling: str
    outcome: str


@dataclass(frozen=True)
class History:
    """The months (or quarters) of one barrier: `series` names what is counted, each of `rows` is (month, what was
    changed in it, counts)."""

    series: list[str]
    rows: list[tuple[str, str, list[int]]]


@dataclass(frozen=True)
class Grid:
    """Counts in rows and columns. What each row and column picks (arguments of `choose`) stands beside its label;
    `hidden`: how many rows and columns are left out, because they are too many to draw."""

    rows: list[tuple[str, dict[str, str]]]
    columns: list[tuple[str, dict[str, str]]]
    cells: list[list[int]]
    hidden: tuple[int, int]


def facts(store: Store, clues: Iterable[Clue]) -> list[Fact]:
    """The facts of all cases of `clues`, in their order."""
    listed = list(clues)
    wanted = json.dumps([case_id for clue in listed for case_id in clue.case_ids])
    rows = store.library.query(
        "select id, barriers, handling, outcome, coalesce(nullif(matter_standard, ''), matter) as matter, hall_name, "
        "province, city, county, received, accepted, closed "
        "from cases where state = 'published' and id in (select value from json_each(?))",
        [wanted],
    )
    known = {row["id"]: row for row in rows}
    names = _county_names(known.values())
    return [_fact(clue, known[case_id], names) for clue in listed for case_id in clue.case_ids if case_id in known]


def choose(found: Iterable[Fact], **asked: str) -> list[Fact]:
    """The facts that have these values (clue, type, first, matter, county, hall, month, handling, outcome); an empty
    value asks for nothing. `first` is the first barrier type; a month may be a quarter, 2024-Q1."""
    wanted = {name: value for name, value in asked.items() if value}
    return [fact for fact in found if all(_has(fact, name, value) for name, value in wanted.items())]


def by_county(found: Sequence[Fact], most: int = MOST_COLUMNS) -> Grid:
    """Barriers in their counties, at most so many of these."""
    return _grid(
        found, lambda fact: [(fact.label, {"clue": fact.clue})], lambda fact: [(fact.county, {"county": fact.county})],
        most,
    )  # fmt: skip


def by_matter(found: Sequence[Fact]) -> Grid:
    """Matters and the barrier types that they meet; a case with several types counts at each."""
    return _grid(
        _once(found), lambda fact: [(fact.matter, {"matter": fact.matter})],
        lambda fact: [(each, {"type": each}) for each in fact.types],
    )  # fmt: skip


def flow(found: Sequence[Fact]) -> list[tuple[str, str, str, int]]:
    """(barrier type, handling, outcome, cases), the most frequent first; of several values the first counts."""
    counted = Counter((first_type(fact), fact.handling, fact.outcome) for fact in _once(found))
    ordered = sorted(counted.items(), key=lambda entry: (-entry[1], entry[0]))
    return [(*names, count) for names, count in ordered[:MOST_STREAMS]]


def history(found: Sequence[Fact], told: Verdict) -> History:
    """The cases of one barrier over time, by their place as seen from the fix, where there is one with a date."""
    dated = [fact for fact in found if fact.month]
    fixes = [fix for fix in told.fixes if fix.date]
    columns = spans([*(fact.month for fact in dated), *(fix.date[:7] for fix in fixes)])
    sides = [entry for side in (told.before, told.after) for entry in side.items()]
    places = {case_id: PLACES[place] for place, ids in sides for case_id in ids}
    series = list(PLACES.values()) if fixes else ["案例"]
    counted = Counter(
        (_span(fact.month, columns), places.get(fact.case_id, "") if fixes else series[0]) for fact in dated
    )
    changed: dict[str, list[str]] = defaultdict(list)
    for fix in fixes[:MOST_FIXES]:
        changed[_span(fix.date[:7], columns)].append(" ".join(filter(None, [fix.date, fix.hall, fix.kind or "固化"])))
    rows = [(each, "；".join(changed[each]), [counted[each, name] for name in series]) for each in columns]
    return History(series, rows)


def months(known: Iterable[str]) -> list[str]:
    """All months from the first to the last of `known`, without gaps."""
    numbers = [int(month[:4]) * 12 + int(month[5:7]) - 1 for month in known if month]
    if not numbers:
        return []
    return [f"{each // 12:04}-{each % 12 + 1:02}" for each in range(min(numbers), max(numbers) + 1)]


def spans(known: Sequence[str]) -> list[str]:
    """The months, or quarters where there are too many months to draw."""
    every = months(known)
    return every if len(every) <= MOST_MONTHS else list(dict.fromkeys(quarter(month) for month in every))


def first_type(fact: Fact) -> str:
    """The barrier type that counts where only one can."""
    return fact.types[0] if fact.types else UNSAID


def _span(month: str, columns: Sequence[str]) -> str:
    return quarter(month) if "Q" in columns[0] else month


def quarter(month: str) -> str:
    """2024-05 → 2024-Q2."""
    return f"{month[:4]}-Q{(int(month[5:7]) + 2) // 3}"


def _fact(clue: Clue, row: Mapping[str, Any], names: Mapping[tuple[str, ...], str]) -> Fact:
    apart = {settings()[kind]["barrier"] for kind in ("lawful", "outside")}
    own = [value for value in json.loads(row["barriers"] or "[]") if value not in apart]
    handling = json.loads(row["handling"] or "[]")
    return Fact(
        case_id=row["id"], clue=clue.id, label=clue.label,
        types=tuple(dict.fromkeys([*([clue.barrier] if clue.barrier in own else []), *own])),
        matter=row["matter"] or UNSAID, county=names[_area(row)], hall=row["hall_name"] or UNSAID,
        month=_month(row), handling=handling[0] if handling else UNSAID, outcome=row["outcome"] or UNSAID,
    )  # fmt: skip


def _month(row: Mapping[str, Any]) -> str:
    return first_day(row["received"], row["accepted"], row["closed"])[:7]


def _area(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (row["province"] or "", row["city"] or "", row["county"] or "")


def _county_names(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, ...], str]:
    """What to call each area: its county (city, province), with what it lies in where two have the same name."""
    areas = {_area(row) for row in rows}
    called: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for area in areas:
        called[next((name for name in reversed(area) if name), UNSAID)].add(area)
    return {
        area: name if len(alike) == 1 else "".join(dict.fromkeys(filter(None, area)))
        for name, alike in called.items() for area in alike
    }  # fmt: skip


def _has(fact: Fact, name: str, value: str) -> bool:
    if name == "type":
        return value in fact.types
    if name == "first":
        return first_type(fact) == value
    if name == "month" and "Q" in value:
        return bool(fact.month) and quarter(fact.month) == value
    return bool(getattr(fact, name) == value)


def _once(found: Sequence[Fact]) -> list[Fact]:
    """One fact of each case: a case may lie in a class and be told by many."""
    return list({fact.case_id: fact for fact in reversed(found)}.values())[::-1]


Named = Callable[[Fact], list[tuple[str, dict[str, str]]]]


def _grid(found: Sequence[Fact], down: Named, across: Named, most_columns: int = MOST_COLUMNS) -> Grid:
    """Rows and columns in the order of their totals, then of their labels; rows without a column that is shown are
    left out too."""
    cells: Counter[tuple[str, str]] = Counter()
    known: tuple[dict[str, tuple[str, dict[str, str]]], ...] = ({}, {})
    for fact in found:
        keys: list[list[str]] = [[], []]
        for side, named in enumerate((down, across)):
            for label, pick in named(fact):
                keys[side].append(json.dumps(pick, ensure_ascii=False))
                known[side][keys[side][-1]] = (label, pick)
        cells.update((one, other) for one in keys[0] for other in keys[1])
    rows = _largest(cells, 0, known[0], set(known[1]))[:MOST_ROWS]
    columns = _largest(cells, 1, known[1], set(rows))[:most_columns]
    rows = [one for one in rows if any(cells[one, other] for other in columns)]
    counts = [[cells[one, other] for other in columns] for one in rows]
    return Grid([known[0][key] for key in rows], [known[1][key] for key in columns], counts,
                (len(known[0]) - len(rows), len(known[1]) - len(columns)))  # fmt: skip


def _largest(
    cells: Counter[tuple[str, str]], side: int, known: Mapping[str, tuple[str, dict[str, str]]], with_these: set[str]
) -> list[str]:
    """The keys of one side, those first that count most with `with_these` of the other side."""
    totals: Counter[str] = Counter()
    for pair, count in cells.items():
        totals[pair[side]] += count if pair[1 - side] in with_these else 0
    return sorted((key for key in totals if totals[key]), key=lambda key: (-totals[key], known[key][0], key))
