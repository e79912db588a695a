"""The part of the library that an evaluation is about: a time, an area, and each case once."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from kb.errors import Fault
from kb.fields import regions
from kb.model import Case, from_row
from kb.store import Store

from ..engine import Filters
from ..filters import checked
from .changes import day

_CODE = re.compile(r"\d{2,6}")
_TEXTS = "title, obstacle, demand, measure, result, "
_COLUMNS = (
    "id, matter, matter_standard, lead_dept, nature, barriers, outcome, hall_name, hall_code, province, city, county, "
    "region_code, received, accepted, closed, working_days, solidified, solidified_kind, solidified_date, "
    "duplicate_of, confidence"
)


@dataclass(frozen=True)
class Scope:
    """Cases that came in from `since` to `until` (ISO, a year or a month stands for its days; empty: no limit) in an
    area: `code`, the leading digits of its GB/T 2260 code, and `name` for cases that have no code."""

    since: str = ""
    until: str = ""
    code: str = ""
    name: str = ""

    def dated(self, case: Case) -> bool:
        """Whether its day (or that it has none) lets a case in; without limits any."""
        date = date_of(case)
        if not self.since and not self.until:
            return True
        return bool(date) and self.since <= date and (not self.until or date[: len(self.until)] <= self.until)

    def placed(self, case: Case) -> bool:
        """Whether a case is of the area."""
        codes = [str(code) for code in (case.region.get("code"), case.hall.get("code")) if code]
        if self.code and codes:
            return any(code.startswith(self.code) for code in codes)
        places = [*case.region.values(), case.hall.get("name")]
        return not (self.code or self.name) or any(
            bool(self.name) and str(place or "").startswith(self.name) for place in places
        )


@dataclass(frozen=True)
class Counted:
    """The published cases of a scope, each once: `cases` by id; `again` {id: those that tell it again}; `undated`: ids
    left out because nothing says when they came."""

    cases: dict[str, Case] = field(default_factory=dict)
    again: dict[str, list[str]] = field(default_factory=dict)
    undated: list[str] = field(default_factory=list)


def scope(since: str = "", until: str = "", region: str = "") -> Scope:
    """The scope that somebody asks for. Raises Fault for a date that cannot be understood."""
    first, last = _date(since, "起始日期"), _date(until, "截止日期")
    if first and last and last < first[: len(last)]:
        raise Fault("截止日期早于起始日期")
    place = region.strip()
    if not place:
        return Scope(first, last)
    if _CODE.fullmatch(place):
        area = regions.by_code(place.ljust(6, "0"))
        return Scope(first, last, _prefix(place), area.name if area else "")
    found = regions.find(place)
    return Scope(first, last, _prefix(found.code), found.name) if found else Scope(first, last, name=place)


def check_area(store: Store, region: str) -> None:
    """Raises Fault for an area of which no published case is: most likely a slip."""
    chosen = scope(region=region)
    rows = store.library.query(
        "select distinct 'any' as id, hall_name, hall_code, province, city, county, region_code from cases "
        "where state = 'published'"
    )
    if region.strip() and not any(chosen.placed(from_row(row)) for row in rows):
        raise Fault(f"库里没有“{region.strip()}”的案例：请核对地区的名称或区划码")


def _date(text: str, name: str) -> str:
    try:
        return checked(Filters(since=text.strip())).since
    except Fault as fault:
        raise Fault(f"{name}看不懂，请写成 2024-05-01、2024-05 或 2024") from fault


def counted(store: Store, chosen: Scope, texts: bool = True) -> Counted:
    """The published cases of a scope, read without what nobody evaluates; `texts`: with what they tell."""
    columns = f"{_TEXTS}{_COLUMNS}" if texts else _COLUMNS
    rows = store.library.query(f"select {columns} from cases where state = 'published' order by id")
    everything = {row["id"]: from_row(row) for row in rows}
    found = Counted()
    for case in everything.values():
        if not chosen.placed(case):
            continue
        if case.duplicate_of in everything:
            found.again.setdefault(case.duplicate_of, []).append(case.id)
        elif chosen.dated(case):
            found.cases[case.id] = case
        elif not date_of(case):
            found.undated.append(case.id)
    return found


def date_of(case: Case) -> str:
    """The day on which a case came in, else was closed; empty where neither is known."""
    return first_day(case.received, case.accepted, case.closed)


def first_day(*told: str | None) -> str:
    """The first of some days that is one. Days to come are slips of the pen and none: one of them would be the end of
    every scope."""
    today = datetime.date.today().isoformat()
    return next((found for found in map(day, told) if "" < found <= today), "")


def hall_of(case: Case) -> str:
    """What tells halls apart: the code, else the name."""
    return str(case.hall.get("code") or case.hall.get("name") or "")


def matter_of(case: Case) -> str:
    """The matter's standard name, else that of the source."""
    return str(case.matter.get("standard") or case.matter.get("name") or "")


def newest_first(cases: Iterable[Case]) -> list[Case]:
    """Undated cases last."""
    return sorted(cases, key=lambda case: (date_of(case), case.id), reverse=True)


def _prefix(code: str) -> str:
    while len(code) > 2 and len(code) % 2 == 0 and code.endswith("00"):
        code = code[:-2]
    return code
