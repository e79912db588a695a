"""举一反三, where else a playbook would help: matters and halls with the same obstacle that still refuse, do it by
half, or take much longer.  Weights lie in ``transfer.yml``."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kb.model import Case
from kb.playbooks import Playbook
from kb.store import Store

from .drafting import median_days
from .fixes import is_fixed

UNSOLVED, PARTLY, SLOW = "unsolved", "partly", "slow"


@dataclass(frozen=True)
class Candidate:
    """A matter in a hall that the playbook would help.

    `kind`: unsolved (refused or sent away), partly, slow; `case_ids` newest first; `example`: the case to follow, of
    the same matter if there is one; `why`: Chinese sentences, the weightiest first."""

    matter: str
    hall: str
    hall_code: str
    kind: str
    case_ids: list[str]
    example: str
    score: float
    why: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@cache
def settings() -> dict[str, Any]:
    """The content of ``transfer.yml``."""
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "transfer.yml").read_text(encoding="utf-8"))
    return found


def transfer(store: Store, playbook: Playbook, case_ids: Iterable[str]) -> list[Candidate]:
    """Where *playbook* would help, among the cases *case_ids* (members of its class, cases near to it), best first.

    A case that tells another one of them again counts once.  A hall that has solved the matter since is left out.
    """
    cases = store.published_of({*case_ids, *playbook.case_ids})
    told = [case for case in cases.values() if case.duplicate_of not in cases and not _apart(case)]
    followed = [case for case in told if case.outcome in settings()["solved"] and case.id in playbook.case_ids]
    if not followed:
        return []
    usual = median_days(followed)
    newest = max((_day(case) for case in told), default="")
    groups: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in told:
        groups[_matter(case), _hall(case)].append(case)
    weighed = (_candidate(group, playbook, followed, usual, newest) for group in groups.values())
    found = [candidate for candidate in weighed if candidate]
    return sorted(found, key=lambda each: (-each.score, each.matter, each.hall))[: settings()["most"]]


def _candidate(
    group: Sequence[Case], playbook: Playbook, followed: Sequence[Case], usual: float | None, newest: str
) -> Candidate | None:
    given = settings()
    cases = sorted(group, key=lambda case: (_day(case), case.id), reverse=True)
    done = [_day(case) for case in cases if case.outcome in given["solved"] and not _slow(case, usual)]
    # Solved on an unknown day: nothing is known to have come after it.
    behind = [case for case in cases if not done or (all(done) and _day(case) > max(done))]
    kinds = {
        UNSOLVED: [case for case in behind if case.outcome in given["unsolved"]],
        PARTLY: [case for case in behind if case.outcome in given["partly"]],
        SLOW: [case for case in behind if case.outcome in given["solved"] and _slow(case, usual)],
    }
    kind = next((kind for kind, listed in kinds.items() if listed), None)
    if kind is None or not (cases[0].hall.get("name") or _matter(cases[0])):
        return None
    listed = kinds[kind]
    example = _example(listed[0], playbook, followed)
    weights = given["weights"]
    same = _matter(example) == _matter(listed[0]) != ""
    lawful = kind == UNSOLVED and all(given["lawful"] in case.barriers for case in listed)
    near = bool(listed[0].region.get("city")) and listed[0].region.get("city") == example.region.get("city")
    recent = bool(newest) and _day(listed[0])[:4].isdigit() and (
        int(newest[:4]) - int(_day(listed[0])[:4]) < given["recent_years"])  # fmt: skip
    score = weights[kind] + weights["each"] * math.log2(len(listed)) + sum(
        weights[name] for name, holds in (("same_matter", same), ("near_city", near), ("recent", recent),
                                          ("lawful", lawful)) if holds)  # fmt: skip
    here = "本大厅" if _hall(example) == _hall(listed[0]) else "同市的" if near else ""
    why = [_said(kind, listed, usual), _followed(example, same, here)]
    if lawful:
        why.append("当时认定依法不能办，请先核对是不是同一种情形")
    return Candidate(_matter(listed[0]), str(listed[0].hall.get("name", "")), str(listed[0].hall.get("code", "")), kind,
                     [case.id for case in listed], example.id, round(score, 3), why)  # fmt: skip


def _said(kind: str, cases: Sequence[Case], usual: float | None) -> str:
    last = f"，最近一件 {_day(cases[0])[:7]}" if _day(cases[0]) else ""
    if kind == SLOW:
        days = max(case.working_days or 0 for case in cases)
        return f"办成了，但用了 {days} 个工作日；这一类的中位是 {usual or 0:g} 个{last}"
    words = "、".join(dict.fromkeys(case.outcome for case in cases))
    return f"{len(cases)} 件{words}{last}"


def _followed(example: Case, same: bool, here: str) -> str:
    place = "" if here == "本大厅" else example.hall.get("name") or "别处"
    days = f"，{example.working_days} 个工作日" if example.working_days is not None else ""
    what = "同一事项" if same else f"“{_matter(example)}”" if _matter(example) else ""
    return f"{here}{place}办成了{what}{days}"


def _example(case: Case, playbook: Playbook, followed: Sequence[Case]) -> Case:
    """The case to follow: of the same matter, then of the same city, then by the order of the model cases."""
    order = {case_id: at for at, case_id in enumerate(playbook.models)}
    others = [each for each in followed if each.id != case.id] or list(followed)
    return min(others, key=lambda each: (
        _matter(each) != _matter(case), each.region.get("city") != case.region.get("city"),
        order.get(each.id, len(order)), each.id))  # fmt: skip


def _slow(case: Case, usual: float | None) -> bool:
    limits = settings()["slow"]
    if usual is None or case.working_days is None or is_fixed(case):  # a way that was made permanent is quick by now
        return False
    return case.working_days >= limits["times"] * usual and case.working_days - usual >= limits["days"]


def _apart(case: Case) -> bool:
    return bool(set(case.barriers) & set(settings()["apart"]))


def _matter(case: Case) -> str:
    return str(case.matter.get("standard") or case.matter.get("name") or "")


def _hall(case: Case) -> str:
    return str(case.hall.get("code") or case.hall.get("name") or case.id)


def _day(case: Case) -> str:
    return case.closed or case.received
