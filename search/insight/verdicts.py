"""Whether the fix of a class has stopped it: what was changed, where and when, and what came before and after.

The fix is what the playbook of the class says with a date, once people have approved it; else the earliest thing that
any case of the class made permanent and that has a date (``fixes.py``), perhaps the day on which it was closed. A case
belongs to the time before if it came in up to that day, as the case of the fix itself always does, else to the time
after. Levels and the sources of the statistics lie in ``verdicts.yml``.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from scipy.stats import chi2

from kb import playbooks
from kb.model import Case
from kb.playbooks import Playbook
from kb.store import Store

from .changes import CITY, ELSEWHERE, HALL, day
from .fixes import Fix, fix_of, is_fixed
from .scope import first_day

RECURS, STOPPED, NO_FIX, TOO_EARLY = "recurs_after_fix", "stopped_after_fix", "no_fix_yet", "too_early"
#: What people are told where nothing came back at the hall or in the city of the fix, only elsewhere; and where the fix
#: is older than all cases, so that its date is in doubt.
BEYOND, UNCHECKED = "recurs_elsewhere", "date_unchecked"
LABELS = {RECURS: "仍再发", BEYOND: "只在别处仍有", STOPPED: "未再发", NO_FIX: "未固化", TOO_EARLY: "尚早",
          UNCHECKED: "待核对"}  # fmt: skip
TONES = {RECURS: "gone", BEYOND: "partly", STOPPED: "done", NO_FIX: "", TOO_EARLY: "partly", UNCHECKED: "partly"}
PLACES = {HALL: "同一大厅", CITY: "同一市", ELSEWHERE: "其他地方"}
_YEAR = 365.25


@dataclass(frozen=True)
class Rate:
    """Cases in so many days; the yearly rate with its interval (95 %) where there are enough cases and days, else
    None."""

    cases: int
    days: int
    per_year: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Verdict:
    """`verdict`: one of recurs_after_fix, stopped_after_fix, no_fix_yet, too_early; `standing`: the same, or what
    people are told in its place, recurs_elsewhere or date_unchecked; `label` says that in Chinese. `fix` is the first
    dated one, `fixes` all, the earliest first, undated ones last. `before` and `after` {hall, city, elsewhere: [case
    id]} of the place of the fix; `undated`: cases of neither. `since` and `until`: the days that were watched;
    `rates` {hall, city, elsewhere, all: {before, after}}; `chance`: how likely none would have come after the fix by
    chance alone; `why`: Chinese sentences."""

    verdict: str
    fix: Fix | None = None
    fixes: list[Fix] = field(default_factory=list)
    before: dict[str, list[str]] = field(default_factory=dict)
    after: dict[str, list[str]] = field(default_factory=dict)
    undated: list[str] = field(default_factory=list)
    since: str = ""
    until: str = ""
    observed_days: int = 0
    rates: dict[str, dict[str, Rate]] = field(default_factory=dict)
    chance: float | None = None
    why: list[str] = field(default_factory=list)
    standing: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "standing", self.standing or self.verdict)
        object.__setattr__(self, "label", self.label or LABELS[self.standing])

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@cache
def settings() -> dict[str, Any]:
    """The content of ``verdicts.yml``."""
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "verdicts.yml").read_text(encoding="utf-8"))
    return found


def watched_until(store: Store) -> dict[str, str]:
    """{code or name of a hall: the last day on which a case came in there, or was closed}: until then it is known
    that none came."""
    days = ", ".join(f"max(case when {name} <= :today then {name} end)" for name in ("received", "accepted", "closed"))
    rows = store.library.conn.execute(
        f"select coalesce(nullif(hall_code, ''), hall_name), {days} from cases where state = 'published' group by 1",
        {"today": datetime.date.today().isoformat()},
    )
    return {hall: max(day(one) for one in days) for hall, *days in rows if hall}


def verdict(
    cases: Sequence[Case], until: str | Mapping[str, str] = "", borderline: Collection[str] = (),
    stated: Fix | None = None,
) -> Verdict:  # fmt: skip
    """The verdict on `cases`, the members of one class without duplicates.

    `until`: the last day that the library knows of, or `watched_until`; without it that of the cases. What came after
    the fix counts as coming back unless all of it is `borderline`, that is, perhaps no case of this class.
    `stated`: the fix, with its date, as people have settled it; it goes before those that the cases tell.
    """
    if not cases:
        return Verdict(NO_FIX, why=["类中已没有在库的案例"])
    fixes = sorted((fix_of(case) for case in cases if is_fixed(case)), key=lambda fix: (not fix.date, fix.date,
                                                                                     fix.case_id))  # fmt: skip
    fixes = [stated, *(fix for fix in fixes if fix.case_id != stated.case_id)] if stated else fixes
    began = {case.id: first_day(case.received, case.accepted) for case in cases}
    ends = [until] if isinstance(until, str) else [until.get(hall, "") for hall in map(_hall, cases)]
    last = max([*began.values(), *(first_day(case.closed) for case in cases), *map(day, ends)])
    first = min((date for date in began.values() if date), default="")
    if not fixes:
        return Verdict(NO_FIX, since=first, until=last, why=["没有案例记有固化措施"])
    if not fixes[0].date:
        return Verdict(
            TOO_EARLY, fixes=fixes, since=first, until=last, why=[f"{_told(fixes[0])}，但没有日期，无法比较前后"]
        )
    return _compared(cases, fixes, began, first, max(last, fixes[0].date), borderline)


def stated(playbook: Playbook | None, cases: Sequence[Case]) -> Fix | None:
    """The fix as a playbook has it, if that has a date: what people wrote there goes before what the cases say."""
    said = playbook.solidified if playbook else {}
    date = day(said.get("date"))
    if not date or not (said.get("kind") or said.get("text")):
        return None
    own = next((case for case in cases if case.id in said.get("cases", [])), None)
    closed = day(own.closed) if own else ""
    # Of a month alone the day is that on which the case of the fix was closed.
    date = closed if len(str(said["date"])) == 7 and closed[:7] == date[:7] else date
    where = str(said.get("where") or (own.hall.get("name") if own else "") or "")
    place = own or next((case for case in cases if where and case.hall.get("name") == where), None)
    city = str(place.region.get("city") or "") if place else ""
    return Fix(own.id if own else "", said.get("kind") or "", said.get("text") or "", date, where, city)


def playbook_of(store: Store, playbook_id: str) -> Playbook | None:
    """The playbook of a class, once people have approved it."""
    found = playbooks.get(store, playbook_id) if playbook_id else None
    return found if found and found.state in playbooks.SHOWN else None


def _compared(
    cases: Sequence[Case], fixes: list[Fix], began: Mapping[str, str], first: str, last: str,
    borderline: Collection[str],
) -> Verdict:  # fmt: skip
    fix = fixes[0]
    # What people settled may be of a hall that has no case in the class.
    origin = next((case for case in cases if case.id == fix.case_id), Case("", hall={"name": fix.hall},
                                                                          region={"city": fix.city}))  # fmt: skip
    before: dict[str, list[str]] = {place: [] for place in PLACES}
    after: dict[str, list[str]] = {place: [] for place in PLACES}
    undated = []
    for case in sorted(cases, key=lambda case: (began[case.id], case.id)):
        place = _place(case, origin)
        if case.id == fix.case_id or (began[case.id] or first_day(case.closed) or "9") <= fix.date:
            before[place].append(case.id)
        elif began[case.id]:
            after[place].append(case.id)
        else:
            undated.append(case.id)
    unchecked = first > fix.date and not {case_id for ids in before.values() for case_id in ids} - {fix.case_id}
    first = min(first or fix.date, fix.date)
    days, observed = _days(first, fix.date), _days(fix.date, last)
    known, later = sum(map(len, before.values())), [one for found in after.values() for one in found]
    chance = (days / (days + observed)) ** known if days + observed else 1.0
    doubtful = [one for one in later if one in borderline]
    limits = settings()
    quiet = chance <= limits["chance"] and observed >= limits["least_days"] and known >= limits["least_before"]
    found = RECURS if len(doubtful) < len(later) else STOPPED if quiet else TOO_EARLY
    rates = {
        place: {"before": rate(len(before[place]), days, len(after[place])),
                "after": rate(len(after[place]), observed, len(before[place]))}
        for place in PLACES
    } | {"all": {"before": rate(known, days, len(later)), "after": rate(len(later), observed, known)}}  # fmt: skip
    own = "（含本件）" if origin.id else ""
    near = [*after[HALL], *after[CITY]]
    placed = bool(_hall(origin) or origin.region.get("city"))
    beyond = found == RECURS and placed and set(near) <= set(doubtful)
    standing, label = UNCHECKED if unchecked else BEYOND if beyond else found, ""
    if standing == BEYOND:
        label = f"固化处{'待核对' if near else '未再发'}，别处仍有 {len(after[ELSEWHERE])} 件"
    why = [_told(fix), *_counted(found, before, after, observed, chance, own, beyond and not near)]
    if later and found != RECURS:
        why.append(f"固化后的 {len(later)} 件都拿不准是否属于这一类，未算作再发：请先核对")
    if beyond and near:
        why.append(f"固化的大厅和同市的 {len(near)} 件拿不准是否属于这一类，未算作再发：请先核对")
    if undated:
        why.append(f"另有 {len(undated)} 件没有收件日期，未计入")
    if unchecked:
        why.append("固化日期早于第一件案例，可能引用了更早的规定：请核对日期，核对以前，看不出固化有没有用")
    return Verdict(found, fix, fixes, before, after, undated, first, last, observed, rates,
                   round(chance, 4), why, standing, label)  # fmt: skip


def rate(cases: int, days: int, others: int = 0) -> Rate:
    """A yearly rate with its exact Poisson interval, where there are enough days and, with `others`, enough cases."""
    limits = settings()
    if days < limits["enough_days"] or cases + others < limits["enough"]:
        return Rate(cases, max(days, 0), None, None, None)
    years = days / _YEAR
    outside = 1 - settings()["confidence"]
    low = chi2.ppf(outside / 2, 2 * cases) / 2 if cases else 0.0
    high = chi2.ppf(1 - outside / 2, 2 * cases + 2) / 2
    return Rate(cases, days, round(cases / years, 2), round(float(low) / years, 2), round(float(high) / years, 2))


def _counted(
    found: str, before: Mapping[str, list[str]], after: Mapping[str, list[str]], observed: int, chance: float,
    own: str, beyond: bool,
) -> Iterable[str]:  # fmt: skip
    known, later = sum(map(len, before.values())), sum(map(len, after.values()))
    if beyond:
        yield f"固化前 {known} 件{own}，其后 {observed} 天里固化的大厅和同市没有再发，别处又有 {later} 件"
        return
    if later:
        places = "、".join(f"{name} {len(after[place])} 件" for place, name in PLACES.items() if after[place])
        yield f"固化前 {known} 件{own}，其后 {observed} 天又有 {later} 件：{places}"
        return
    yield f"固化前 {known} 件{own}，其后看到的 {observed} 天里没有再发"
    if found == TOO_EARLY:
        yield f"时间或件数还不够：即使什么也没变，这段时间一件不来的可能也有 {round(100 * chance)}%"


def _told(fix: Fix) -> str:
    where = f"{fix.hall}已固化" if fix.hall else "已固化"
    what = f"“{fix.text if len(fix.text) <= 40 else fix.text[:39] + '…'}”" if fix.text else fix.kind
    day_of = f"{fix.date}（办结日）" if fix.by_closing else f"{fix.date} "
    return f"{day_of}{where}：{what}" if fix.date else f"{where}：{what}"


def _hall(case: Case) -> str:
    return str(case.hall.get("code") or case.hall.get("name") or "")


def _place(case: Case, origin: Case) -> str:
    named = case.hall.get("name") if not origin.hall.get("code") else None  # a hall known by its name alone
    if _hall(origin) and _hall(origin) in (_hall(case), named):
        return HALL
    city, province = origin.region.get("city"), origin.region.get("province")
    same = bool(city) and case.region.get("city") == city and province in (None, "", case.region.get("province"))
    return CITY if same else ELSEWHERE


def _days(start: str, end: str) -> int:
    return (datetime.date.fromisoformat(end) - datetime.date.fromisoformat(start)).days
