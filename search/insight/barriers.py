"""The radar: classes of cases seen over halls and time, ranked by how much each deserves attention (隐性壁垒线索).

The score is a plain weighted sum whose every part is shown with its cases; weights lie in ``radar.yml``. A case told
twice counts once. What was lawfully refused and what is no matter of government is no barrier: such cases are kept
apart and listed as what they are, also where somebody put them into a class. A barrier has two cases at least.
The verdict on a fix is about the whole class, wherever and whenever its cases came, not only about those in the scope.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kb import playbooks
from kb.model import Case
from kb.playbooks import Playbook
from kb.store import Store

from .. import words
from ..unmet import Need
from . import needs, same_problem, verdicts
from .changes import moved
from .classes import CaseClass, classes
from .remembering import remembered
from .scope import Counted, Scope, counted, date_of, hall_of, matter_of, newest_first, scope

REPORTED = "reported"  # the state of what is no class but a problem that many people told


@dataclass(frozen=True)
class Component:
    """One part of a score: `number` as people count it, `value` as it is weighted, `points` = weight × value; `text`
    says it in Chinese; `case_ids`: the cases that it counts, of questions those near which they fall."""

    name: str
    label: str
    number: int
    value: float
    weight: float
    points: float
    text: str
    case_ids: list[str]


@dataclass(frozen=True)
class Barrier:
    """A class of cases as policy staff see it. `case_ids`: counted once each, newest first; `again`: those that tell
    one of them once more; `refused`: members that were lawfully refused, counted apart; `halls`, `months`, `cities`:
    {name: count}, with `of_halls`, `of_months`, `of_cities` {name: case ids}; `counts`: case ids before and after the
    fix, by place; `kind`: "class", or "reports" for one problem told by many; `people`: how many different persons told
    the same problem (0 where few did); `fix`: see `verdicts.Fix`; `unmet`: questions without a precedent near it
    [{id, text, asked}]; `standing`: what `verdict_label` says, see `verdicts.Verdict`."""

    id: str
    label: str
    barrier: str
    case_ids: list[str]
    halls: dict[str, int]
    months: dict[str, int]
    verdict: str
    score: float
    why: list[str]
    obstacle: str = ""
    barriers: list[str] = field(default_factory=list)
    state: str = ""
    playbook: str = ""
    components: list[Component] = field(default_factory=list)
    cities: dict[str, int] = field(default_factory=dict)
    matters: dict[str, int] = field(default_factory=dict)
    of_halls: dict[str, list[str]] = field(default_factory=dict)
    of_months: dict[str, list[str]] = field(default_factory=dict)
    of_cities: dict[str, list[str]] = field(default_factory=dict)
    verdict_label: str = ""
    fix: dict[str, Any] | None = None
    counts: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    borderline: list[str] = field(default_factory=list)
    undated: list[str] = field(default_factory=list)
    unmet: list[dict[str, Any]] = field(default_factory=list)
    kind: str = "class"
    people: int = 0
    standing: str = ""

    @property
    def type_said(self) -> str:
        """The type; where case by case most are no barrier, why this is one nevertheless."""
        if not self.barrier or self.barrier not in (settings()["lawful"]["barrier"], settings()["outside"]["barrier"]):
            return self.barrier
        if self.people:
            return f"逐件看多是{self.barrier}，因反映的人多而列出"
        return f"多写作{self.barrier}，这里只计不是的 {len(self.case_ids)} 件"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Radar:
    """`barriers` ranked; `lawful` and `outside`: cases kept apart (ids, newest first); `loose`: how many cases are in
    no class; `cases`: how many there are in the scope; `undated`: ids left out of it because they have no date."""

    barriers: list[Barrier]
    lawful: list[str]
    outside: list[str]
    loose: int
    cases: int
    undated: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@cache
def settings() -> dict[str, Any]:
    """The content of ``radar.yml``."""
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "radar.yml").read_text(encoding="utf-8"))
    return found


def barriers(store: Store, since: str = "", until: str = "", region: str = "") -> list[Barrier]:
    """The barriers of a time (days, months or years, by the day on which cases came in, else were closed) and an area
    (a name, or the leading digits of a GB/T 2260 code), the weightiest first. Raises Fault."""
    return radar(store, since, until, region).barriers


@remembered
def radar(store: Store, since: str = "", until: str = "", region: str = "", patient: bool = False) -> Radar:
    """The barriers as `barriers` gives them, and what is kept apart from them. `patient`: see `same_problem.known`."""
    chosen = scope(since, until, region)
    found = counted(store, chosen, texts=False)
    lawful = [case for case in found.cases.values() if is_lawful(case)]
    outside = [case for case in found.cases.values() if is_outside(case)]
    known = classes(store)
    everyone = _members(store, known, found)
    ends = verdicts.watched_until(store)
    books = {book.id: book for book in playbooks.listing(store)}
    last = _last(found, chosen)
    in_scope = {one.id: [found.cases[c] for c in one.case_ids if c in found.cases] for one in known}
    classed, free = _told_by_many(store, known, found, patient)
    several = {one.id for one in known if sum(not _is_apart(c) for c in in_scope[one.id]) >= settings()["least"]}
    listed = [one for one in known if one.id in several or one.id in classed]
    near = needs.near(store, listed, everyone, chosen.since)
    barriers = [
        _barrier(one, in_scope[one.id], everyone, found, ends, last, near.get(one.id, []),
                 *classed.get(one.id, ([], 0)), books.get(one.playbook))
        for one in listed
    ]  # fmt: skip
    barriers += [_report(store, cases, told_by, found, last) for cases, told_by in free]
    # Of equals the one whose cases are most alike is the surest.
    fits = dict(store.workbench.conn.execute("select class_id, avg(fit) from class_members group by class_id"))
    barriers.sort(key=lambda one: (-one.score, -len(one.case_ids), -(fits.get(one.id) or 0), one.id))
    held = {case_id for one in known for case_id in one.case_ids}
    shown = {case_id for one in barriers for case_id in one.case_ids}
    apart = [[case.id for case in newest_first(group) if case.id not in shown] for group in (lawful, outside)]
    loose = found.cases.keys() - held - shown - {case_id for ids in apart for case_id in ids}
    return Radar(barriers, apart[0], apart[1], len(loose), len(found.cases), sorted(found.undated))


def is_lawful(case: Case) -> bool:
    """Whether a case was lawfully refused: the law says no, and it was explained."""
    rule = settings()["lawful"]
    solved = case.outcome not in ("", rule["outcome"])
    return not is_outside(case) and (
        case.outcome == rule["outcome"] or (case.barriers[:1] == [rule["barrier"]] and not solved)
    )


def is_outside(case: Case) -> bool:
    """Whether a case is no matter of government."""
    rule = settings()["outside"]
    return case.nature == rule["nature"] or rule["barrier"] in case.barriers[:1]


def _is_apart(case: Case) -> bool:
    return is_outside(case) or is_lawful(case)


def _members(store: Store, known: Sequence[CaseClass], found: Counted) -> dict[str, Case]:
    """Every member of the classes, also those outside of the scope: a verdict is about all of them."""
    ids = {case_id for one in known for case_id in one.case_ids}
    return {case_id: case for case_id, case in found.cases.items() if case_id in ids} | store.published_of(
        ids - found.cases.keys()
    )


def _last(found: Counted, chosen: Scope) -> str:
    """The last day of the scope, that of the newest case in it; empty where it is too short to see growth in."""
    dates = sorted(filter(None, map(date_of, found.cases.values())))
    days = settings()["days"]
    long = bool(dates) and chosen.since <= moved(dates[-1], 1 - 2 * days) and dates[0] <= moved(dates[-1], -days)
    return dates[-1] if long else ""


def _barrier(
    one: CaseClass, members: Sequence[Case], everyone: Mapping[str, Case], found: Counted, ends: Mapping[str, str],
    last: str, near: Sequence[tuple[Need, str]], told: Sequence[Case] = (), told_by: int = 0,
    book: Playbook | None = None,
) -> Barrier:  # fmt: skip
    reported = {case.id: case for case in told}
    ordered = newest_first(({case.id: case for case in members} | reported).values())
    cases = [case for case in ordered if case.id in reported or not _is_apart(case)]
    refused = [case.id for case in ordered if case.id not in reported and is_lawful(case)]
    members_ever = {c: everyone[c] for c in one.case_ids if c in everyone and not _is_apart(everyone[c])}
    whole = list((members_ever | reported).values())
    judged = verdicts.verdict(whole, ends, one.borderline, verdicts.stated(book, whole))
    of_halls = _grouped(cases, lambda case: str(case.hall.get("name") or hall_of(case)))
    of_months = dict(sorted(_grouped(cases, lambda case: date_of(case)[:7]).items()))
    of_cities = _grouped(cases, lambda case: str(case.region.get("city") or case.region.get("province") or ""))
    again = [extra for case in cases for extra in found.again.get(case.id, [])]
    unsure = [case.id for case in cases if case.id in one.borderline]
    components = _components(cases, refused, of_halls, of_months, judged, last, near, again, unsure)
    if told_by:
        text = f"{told_by} 个不同的人反映同一问题"
        components.append(_part("same", told_by, text, list(reported)))
    return Barrier(
        one.id, one.title, one.barriers[0] if one.barriers else "", [case.id for case in cases],
        _sizes(of_halls), _sizes(of_months), judged.verdict, round(sum(part.points for part in components), 2),
        [*(part.text for part in components if part.text), *judged.why],
        obstacle=one.obstacle, barriers=one.barriers, state=one.state, playbook=one.playbook, components=components,
        cities=_sizes(of_cities), matters=dict(Counter(filter(None, map(matter_of, cases))).most_common()),
        of_halls=of_halls, of_months=of_months, of_cities=of_cities, verdict_label=judged.label,
        fix=asdict(judged.fix) if judged.fix else None, counts={"before": judged.before, "after": judged.after},
        again=again, refused=refused, borderline=unsure,
        undated=[case.id for case in cases if not date_of(case)],
        unmet=[{"id": need.id, "text": need.text, "asked": need.asked} for need, _ in near],
        kind="reports" if one.state == REPORTED else "class", people=told_by, standing=judged.standing,
    )  # fmt: skip


def _told_by_many(
    store: Store, known: Sequence[CaseClass], found: Counted, patient: bool
) -> tuple[dict[str, tuple[list[Case], int]], list[tuple[list[Case], int]]]:
    """Problems that many people tell, as (cases, people): {class id: …} where a class is about little else, then its
    cases and those of the problem are one barrier; and the others."""
    home = {case_id: one for one in known for case_id in one.case_ids}
    classed: dict[str, tuple[list[Case], int]] = {}
    free = []
    traces: dict[str, set[str]] | None = None
    for ids in same_problem.known(store, patient):
        cases = [found.cases[i] for i in ids if i in found.cases and _may_be_reported(found.cases[i])]
        traces = store.traces() if traces is None else traces
        told_by = same_problem.people(traces, [case.id for case in cases])
        if told_by < settings()["same_problem"]["many"]:
            continue
        homes = Counter(home[case.id].id for case in cases if case.id in home).most_common(1)
        one = next((home[case.id] for case in cases if case.id in home and home[case.id].id == homes[0][0]), None)
        if one and one.id not in classed and 2 * homes[0][1] >= len(one.case_ids):
            classed[one.id] = cases, told_by
        else:
            free.append((cases, told_by))
    return classed, free


def _may_be_reported(case: Case) -> bool:
    """Not what was lawfully refused, nor what a hall itself, no machine, called no matter of government."""
    inferred = "barriers" in case.confidence or "nature" in case.confidence
    return case.outcome != settings()["lawful"]["outcome"] and (inferred or not is_outside(case))


def _report(store: Store, cases: Sequence[Case], told_by: int, found: Counted, last: str) -> Barrier:
    first = min(cases, key=lambda case: (date_of(case) or "9", case.id))
    typical = _typical(list(store.published_of(case.id for case in cases).values()))
    types = [value for value, _ in Counter(value for case in cases for value in case.barriers).most_common(3)]
    one = CaseClass(
        "r" + hashlib.sha256(first.id.encode()).hexdigest()[:8], _line(typical.title or typical.demand),
        _line(typical.obstacle or typical.demand), types, [case.id for case in cases], [], [], REPORTED, "",
    )  # fmt: skip
    return _barrier(one, cases, {}, found, {}, last, [], cases, told_by)


def _typical(cases: Sequence[Case]) -> Case:
    """The case whose title, else demand, has most in common with those of the others."""
    told = {case.id: set(words.bigrams(case.title or case.demand[:80])) for case in cases}
    common = Counter(pair for pairs in told.values() for pair in pairs)
    shared = {i: sum(common[pair] for pair in pairs) / max(len(pairs), 6) for i, pairs in told.items()}
    return max(cases, key=lambda case: (shared[case.id], case.id))


def _line(text: str) -> str:
    """The first sentence, not too long."""
    start, end = next(iter(words.sentences(text)), (0, 0))
    sentence = " ".join(text[start:end].split()).rstrip("。")
    longest = settings()["longest_label"]
    return sentence if len(sentence) <= longest else sentence[: longest - 1] + "…"


# The parts of a score


def _components(
    cases: Sequence[Case], refused: list[str], of_halls: Mapping[str, list[str]], of_months: Mapping[str, list[str]],
    told: verdicts.Verdict, last: str, near: Sequence[tuple[Need, str]], again: Sequence[str],
    unsure: list[str],
) -> list[Component]:  # fmt: skip
    ids = [case.id for case in cases]
    # Where the fix never reached a case is one more case, no sign that the fix failed.
    after = [*told.after.get("hall", []), *told.after.get("city", [])] if told.standing == verdicts.RECURS else []
    newer, older = _halves(cases, last)
    days = settings()["days"]
    growth = max(0.0, (len(newer) - len(older)) / (len(newer) + len(older) + settings()["smooth"]))
    asked = sum(need.asked for need, _ in near)
    share = len(refused) / (len(refused) + len(cases))
    nowhere = len(ids) - sum(map(len, of_halls.values()))
    retold = f"（另有 {len(again)} 件是同一件事重复登记，没有重复计数）" if again else ""
    unplaced = f"，{nowhere} 件没有写明大厅" if nowhere else ""
    span = f"{min(of_months)} 至 {max(of_months)}，" if of_months else ""
    return [
        _part("cases", len(ids), f"{len(ids)} 件案例{retold}", ids),
        _part("halls", len(of_halls), f"涉及 {len(of_halls)} 个大厅{unplaced}" if of_halls else "没有写明大厅",
              [one for found in of_halls.values() for one in found]),
        _part("months", len(of_months), f"{span}{len(of_months)} 个月里有新案例" if of_months else "没有日期",
              [one for found in of_months.values() for one in found]),
        _part("growth", len(newer) - len(older),
              f"最近 {days} 天 {len(newer)} 件，此前 {days} 天 {len(older)} 件" if growth else "",
              [*newer, *older], growth),
        _part("recurrence", len(after), f"固化以后，同厅同市又有 {len(after)} 件" if after else "", after),
        _part("refused", len(refused), f"另有 {len(refused)} 件依法不能办，不算案例数，只按比例加分" if refused else "",
              refused, share),
        _part("unmet", asked, f"有 {asked} 次提问接近这一类而没有找到先例" if asked else "",
              list(dict.fromkeys(case_id for _, case_id in near))),
        _part("unsure", len(unsure), f"其中 {len(unsure)} 件拿不准是不是这一类" if unsure else "", unsure,
              -len(unsure) / max(1, len(ids))),
    ]  # fmt: skip


def _part(name: str, number: int, text: str, case_ids: list[str], value: float | None = None) -> Component:
    weight = settings()["weights"][name]
    measured = math.log2(1 + number) if value is None else value
    label, points = settings()["labels"][name], round(weight * measured, 2)
    return Component(name, label, number, round(measured, 3), weight, points, text, case_ids)


def _halves(cases: Sequence[Case], last: str) -> tuple[list[str], list[str]]:
    """Ids of the cases of the last days of the scope, and of as many days before them."""
    if not last:
        return [], []
    middle, start = moved(last, -settings()["days"]), moved(last, -2 * settings()["days"])
    dated = [(date_of(case), case.id) for case in cases if date_of(case)]
    return [i for date, i in dated if date > middle], [i for date, i in dated if start < date <= middle]


# Counting


def _grouped(cases: Sequence[Case], name: Any) -> dict[str, list[str]]:
    """{name: case ids}, the largest group first; cases without a name are left out."""
    found: dict[str, list[str]] = {}
    for case in cases:
        if name(case):
            found.setdefault(name(case), []).append(case.id)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def _sizes(groups: Mapping[str, list[str]]) -> dict[str, int]:
    return {name: len(ids) for name, ids in groups.items()}
