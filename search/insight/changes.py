"""What changed in a period: barriers that are new, that come back after a fix, that grow.

A barrier is met as a pair: what was asked for (the matter, by its standard name where there is one; where a case names
none, its domain) and the barrier type. A case that duplicates another published one is not counted again. A case
belongs to the day on which it was received, else accepted, else closed. Thresholds lie in ``changes.yml``.
"""

from __future__ import annotations

import datetime
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kb.errors import Fault
from kb.store import Store

from ..engine import Filters
from ..filters import YES, checked, solidified

HALL, CITY, ELSEWHERE = "hall", "city", "elsewhere"
_DAY = re.compile(r"(\d{4}-\d\d)(-\d\d)?(?!\d)")
_COUNTED = "state = 'published' and (duplicate_of = '' or duplicate_of not in " \
    "(select id from cases where state = 'published'))"  # fmt: skip
_MATTER = "coalesce(nullif(matter_standard, ''), matter)"
_DATE = "coalesce(nullif(received, ''), nullif(accepted, ''), closed)"
_KEPT = 16  # periods that are remembered


@dataclass(frozen=True)
class Period:
    """Days (ISO) from `since` to `until`, both included, and the first day of the period as long before it."""

    since: str
    until: str
    before: str

    def to_dict(self) -> dict[str, str]:
        """Plain data for JSON; `before` {since, until}."""
        return {"since": self.since, "until": self.until, "before_since": self.before,
                "before_until": moved(self.since, -1)}  # fmt: skip


@dataclass(frozen=True)
class _Row:
    """What is counted of a case. `began` is empty where only the day of closing is known."""

    id: str
    matter: str
    domain: str
    barriers: tuple[str, ...]
    date: str
    began: str
    hall: str
    hall_name: str
    city: str
    fixed: str
    fix: str

    @property
    def subject(self) -> tuple[str, str]:
        """(matter, domain): one of them is empty."""
        return (self.matter, "") if self.matter else ("", self.domain)


Pair = tuple[str, str, str]  # matter, domain, barrier
#: (file, version of the library, period, today) → what changed.
_known: dict[tuple[str, int, str, str], dict[str, Any]] = {}


@cache
def settings() -> dict[str, Any]:
    """The content of ``changes.yml``."""
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "changes.yml").read_text(encoding="utf-8"))
    return found


def changes(store: Store, since: str = "", today: str = "") -> dict[str, Any]:
    """What changed from `since` (2024, 2024-05, 2024-05-01; empty: the last 90 days before the newest case) on.

    `period`, see `Period`; `cases` and `before`: how many the period and the one before it have; `new`, `growing`,
    `recurring`, `apart`: lists, the first three with `…_total`; `left_out` {reason: cases}. Raises Fault for a date
    that cannot be understood.
    """
    today = today or datetime.date.today().isoformat()
    key = (str(store.settings.library_path), store.version(), since, today)
    if key not in _known:
        while len(_known) >= _KEPT:
            _known.pop(next(iter(_known)), None)
        _known[key] = _changes(list(_rows(store)), since, today)
    return _known[key]


def cases_of(
    store: Store, matter: str = "", domain: str = "", barrier: str = "", since: str = "", until: str = "",
    page: int = 1, size: int = 20,
) -> tuple[list[dict[str, Any]], int]:  # fmt: skip
    """The cases that one number of `changes` counts, newest first, one page of them, and how many there are.

    With `domain` those that name no matter. Rows: id, title, obstacle, hall_name, outcome, date.
    """
    where = [_COUNTED, "date glob '[0-9][0-9][0-9][0-9]-[0-9][0-9]*'"]
    where += [f"{_MATTER} = :matter"] if matter else []
    where += [f"domain = :domain and {_MATTER} = ''"] if domain else []
    where += ["exists (select 1 from json_each(barriers) where value = :barrier)"] if barrier else []
    where += ["day >= :since"] if since else []
    where += ["day <= :until"] if until else []
    found = (
        f"select id, title, obstacle, demand, hall_name, outcome, {_DATE} as date, "
        f"case when length({_DATE}) = 7 then {_DATE} || '-01' else substr({_DATE}, 1, 10) end as day "
        f"from cases where {' and '.join(where)}"
    )
    values = {"matter": matter, "domain": domain, "barrier": barrier, "since": since, "until": until}
    total = next(store.library.query(f"select count(*) as n from ({found})", values))["n"]
    paged = {**values, "size": size, "skipped": (page - 1) * size}
    rows = store.library.query(f"{found} order by day desc, id limit :size offset :skipped", paged)
    return list(rows), total


def _changes(rows: Sequence[_Row], since: str, today: str) -> dict[str, Any]:
    dated = [row for row in rows if row.date and row.date <= today]
    period = _period(since, max((row.date for row in dated), default=today))
    apart = set(settings()["apart"])
    now: dict[Pair, list[_Row]] = defaultdict(list)
    before: Counter[Pair] = Counter()
    seen: set[Pair] = set()
    outside: dict[str, Counter[str]] = {"cases": Counter(), "before": Counter()}
    for row in dated:
        inside = period.since <= row.date <= period.until
        previous = period.before <= row.date < period.since
        for barrier in row.barriers:
            if barrier in apart:
                outside["cases"][barrier] += inside
                outside["before"][barrier] += previous
                continue
            if row.subject == ("", ""):
                continue
            pair = (*row.subject, barrier)
            if inside:
                now[pair].append(row)
            elif row.date < period.since:
                seen.add(pair)
                before[pair] += previous
    limits = settings()
    new = [pair for pair, found in now.items() if pair not in seen and len(found) >= limits["new"]["least"]]
    growing = [
        pair for pair, found in now.items()
        if pair in seen and len(found) >= limits["growing"]["least"]
        and len(found) >= limits["growing"]["times"] * before[pair]
    ]  # fmt: skip
    current = [row for row in dated if period.since <= row.date <= period.until]
    return {
        "period": period.to_dict(),
        "cases": len(current),
        "before": sum(period.before <= row.date < period.since for row in dated),
        "older": any(row.date < period.since for row in dated),
        **_listed("new", [_entry(pair, now[pair], before[pair]) for pair in new]),
        **_listed("growing", [_entry(pair, now[pair], before[pair]) for pair in growing]),
        **_listed("recurring", list(_recurring(dated, period, apart))),
        "apart": [
            {"barrier": name, "cases": outside["cases"][name], "before": outside["before"][name]}
            for name in limits["apart"]
        ],
        "left_out": {
            "undated": len(rows) - len(dated),
            "without_barrier": sum(not row.barriers for row in current),
            "without_matter": sum(not row.matter for row in current),
            "without_beginning": sum(not row.began for row in current),
            "undated_fixes": sum(bool(row.fix) and not row.fixed for row in rows),
        },
    }


def _listed(name: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    entries.sort(key=lambda entry: (*(-number for number in entry.pop("order")), entry["matter"], entry["domain"],
                                    entry["barrier"]))  # fmt: skip
    return {name: entries[: settings()["most"]], f"{name}_total": len(entries)}


def _entry(pair: Pair, rows: Sequence[_Row], before: int) -> dict[str, Any]:
    halls = Counter(row.hall_name for row in rows if row.hall_name)
    return {
        "matter": pair[0], "domain": pair[1], "barrier": pair[2], "cases": len(rows), "before": before,
        "halls": dict(halls.most_common()), "first": min(row.date for row in rows), "case_ids": _newest(rows),
        "order": (len(rows) - before, len(rows), len(halls)),
    }  # fmt: skip


def _newest(rows: Iterable[_Row]) -> list[str]:
    return [row.id for row in sorted(rows, key=lambda row: (row.date, row.id), reverse=True)][: settings()["ids"]]


def _recurring(rows: Sequence[_Row], period: Period, apart: set[str]) -> Iterator[dict[str, Any]]:
    """Pairs of matter and barrier for which a hall changed something, and that came up again later, also in the
    period. Each later case counts at the nearest place that had a fix by then: its hall, its city, elsewhere."""
    pairs: dict[tuple[str, str], list[_Row]] = defaultdict(list)
    for row in rows:
        for barrier in set(row.barriers) - apart if row.matter else ():
            pairs[row.matter, barrier].append(row)
    for (matter, barrier), group in pairs.items():
        fixes = sorted((row for row in group if row.fixed), key=lambda row: (row.fixed, row.id))
        if not fixes:
            continue
        first: dict[tuple[str, str], str] = {}
        for fix in fixes:
            for place in ((HALL, fix.hall), (CITY, fix.city), (ELSEWHERE, "")):
                first.setdefault(place, fix.fixed)
        after: dict[str, list[_Row]] = {HALL: [], CITY: [], ELSEWHERE: []}
        for row in group:
            kind = _place(row, first)
            if kind:
                after[kind].append(row)
        later = [row for found in after.values() for row in found]
        recent = sum(period.since <= row.date <= period.until for row in later)
        if not recent:
            continue
        yield {
            "matter": matter, "domain": "", "barrier": barrier, "cases": recent,
            "before_fix": sum(bool(row.began) and row.began <= fixes[0].fixed for row in group),
            "after_fix": len(later), "fixed": fixes[0].fixed,
            "fixes": [
                {"case_id": fix.id, "date": fix.fixed, "what": fix.fix, "hall": fix.hall_name} for fix in fixes[:3]
            ],
            "fixes_total": len(fixes),
            "after": {kind: {"cases": len(found), "case_ids": _newest(found)} for kind, found in after.items()},
            "order": (len(after[HALL]), len(after[CITY]), recent),
        }  # fmt: skip


def _place(row: _Row, first: dict[tuple[str, str], str]) -> str:
    """Where the nearest fix was that was made before a case began; empty if there was none."""
    for place in ((HALL, row.hall), (CITY, row.city), (ELSEWHERE, "")):
        if row.began and (place[1] or place[0] == ELSEWHERE) and place in first and row.began > first[place]:
            return place[0]
    return ""


def _period(since: str, newest: str) -> Period:
    days = settings()["days"]
    start = _whole(checked(Filters(since=since)).since) if since.strip() else moved(newest, 1 - days)
    until = max(newest, start)
    length = (datetime.date.fromisoformat(until) - datetime.date.fromisoformat(start)).days + 1
    if length > settings()["longest"]:
        raise Fault(f"时段太长，起始日期请不早于 {moved(until, 1 - settings()['longest'])}")
    return Period(start, until, moved(start, -length))


def _whole(day: str) -> str:
    text = day + "-01" * (3 - len(day.split("-")))
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise Fault("没有这一天，请检查起始日期") from error


def moved(day: str, days: int) -> str:
    """The ISO day so many days after (before, if negative) another. Raises Fault outside of the calendar."""
    try:
        return (datetime.date.fromisoformat(day) + datetime.timedelta(days)).isoformat()
    except (OverflowError, ValueError) as error:
        raise Fault("起始日期太早，请换一个") from error


def _rows(store: Store) -> Iterator[_Row]:
    """All cases that are counted."""
    cursor = store.library.conn.execute(
        f"select id, {_MATTER}, domain, barriers, received, accepted, closed, hall_code, hall_name, province, city, "
        f"solidified_date, solidified_kind, solidified from cases where {_COUNTED}"
    )
    for (number, matter, domain, barriers, received, accepted, closed, hall_code, hall_name, province, city, fixed,
         kind, text) in cursor:  # fmt: skip
        began = day(received) or day(accepted)
        is_fixed = bool(kind or text) and solidified(kind, text) == YES
        yield _Row(
            number, matter or "", domain or "", tuple(dict.fromkeys(json.loads(barriers or "[]"))),
            began or day(closed), began, hall_code or hall_name or "", hall_name or "",
            f"{province}{city}" if city else "", day(fixed) if is_fixed else "", (text or kind) if is_fixed else "",
        )  # fmt: skip


@cache
def day(text: str | None) -> str:
    """An ISO day; a month counts as its first day, a year alone or anything else as no date."""
    found = _DAY.match(text or "")
    if not found:
        return ""
    try:
        return datetime.date.fromisoformat(found[1] + (found[2] or "-01")).isoformat()
    except ValueError:
        return ""
