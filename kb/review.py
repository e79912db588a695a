"""The way from draft to library and out of it; the de-identification gate stands here.

Whoever acts on a draft may say which `revision` of it was looked at: if it has changed since, the act is refused.
Each act holds the workbench while it writes, so that of two reviewers one comes first and the other is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from . import playbooks, submissions
from .editing import basis_line
from .errors import Conflict, Fault, Missing
from .fields import dates
from .model import Case
from .plugins import tell_changed
from .privacy import redact_text
from .store import Draft, Store, writing
from .submissions import RETURNED, SUBMITTED

CLEARED = "已逐处核对，不含个人信息"
#: Fields that a merge fills where the published case has nothing, and lists that it unites.
FILLED = (
    "title", "domain", "applicant_type", "channel", "nature", "demand", "obstacle", "measure", "lead_dept", "outcome",
    "result", "received", "accepted", "closed", "followup", "matter", "solidified", "source_no",
)  # fmt: skip
UNITED = ("barriers", "handling", "coop_depts", "materials", "steps", "basis")
_PERSON = re.compile(r"〔姓名(\d{1,3})〕")


def publish(
    store: Store, ids: Sequence[str], by: str, cleared: bool = False, duplicate_of: str | None = None,
    revision: int | None = None, handed_in: bool = False,
) -> list[str]:  # fmt: skip
    """Publish drafts; returns their ids. A draft with doubts is refused unless a person has `cleared` them.

    `duplicate_of` names the published case that tells the same matter ("": none does; None: as the draft says).
    With `handed_in` only drafts that were handed in pass. Raises Fault, and publishes nothing, when one of the drafts
    does not exist or may not pass.
    """
    with writing(store.workbench):
        cases = []
        for case_id in ids:
            draft = _passing(store, case_id, cleared, revision, handed_in)
            if duplicate_of is not None:
                draft.case.duplicate_of = _twin(store, case_id, duplicate_of)
            cases.append(draft.case)
        done = store.publish(cases, by, CLEARED if cleared else "")
    tell_changed(store)
    return done


def give_back(store: Store, case_id: str, by: str, note: str, revision: int | None = None) -> None:
    """Return a draft to its hall with a reason."""
    if not note.strip():
        raise Fault("退回须写明理由，报送的人才知道怎么改")
    reason = redact_text(note.strip())
    with writing(store.workbench):
        found = submissions.of(store, case_id)
        submissions.expect(store, found, [SUBMITTED], revision)
        submissions.put(store, [case_id], RETURNED, found.account, found.hall_code, reason)


def merge(
    store: Store, case_id: str, into: str, by: str, cleared: bool = False, revision: int | None = None
) -> list[str]:
    """Make a draft part of a published case that tells the same; returns the fields that the case got from it.

    The library is written first and the draft removed second: after a crash in between merging again adds nothing.
    """
    with writing(store.workbench):
        draft = _passing(store, case_id, cleared, revision, handed_in=True)
        _twin(store, case_id, into)
        if store.draft(into):
            raise Conflict("要并入的案例另有一份修订草稿，请先处理那一份")
        before = store.get(into)
        assert before
        merged = merged_case(before, draft.case)
        note = f"并入草稿 {case_id}" + (f"，{CLEARED}" if cleared else "")
        store.publish([merged], by, note)
        store.discard_drafts([case_id])
    tell_changed(store)
    return gained(before, merged)


def withdraw(store: Store, case_id: str, by: str, reason: str) -> None:
    """Take a case out of the library with a reason, leaving a tombstone. Raises Fault when it is not there."""
    if not reason.strip():
        raise Fault("出库须写明理由")
    found = store.get(case_id)
    if found is None:
        raise Missing(f"库中没有编号为 {case_id} 的已入库案例")
    if found.state == "withdrawn":
        raise Conflict(f"案例 {case_id} 已经出库")
    store.withdraw(case_id, by, redact_text(reason.strip()))
    playbooks.forget(store, case_id, by)
    tell_changed(store)


def merged_case(case: Case, draft: Case) -> Case:
    """`case` with what `draft` adds: empty fields filled, lists united, its source noted."""
    draft = _renumbered(draft, _last_person(case))
    filled: dict[str, Any] = {
        name: getattr(draft, name) for name in FILLED if not getattr(case, name) and getattr(draft, name)
    }
    end, start = filled.get("closed", case.closed), filled.get("received", case.received)
    if start and end and end < start:  # two tellings that do not fit together: the published one counts
        filled = {name: value for name, value in filled.items() if name not in ("received", "closed")}
    united: dict[str, Any] = {name: _union(name, getattr(case, name), getattr(draft, name)) for name in UNITED}
    places = [place for place in (draft.source, *draft.sources) if place and place != case.source]
    merged = replace(
        case, **filled, **united, sources=_union("", case.sources, places), extra={**draft.extra, **case.extra}
    )
    took = [name for name in (*filled, *UNITED) if getattr(merged, name) != getattr(case, name)]
    merged.confidence = {**{name: draft.confidence[name] for name in took if name in draft.confidence},
                         **case.confidence}  # fmt: skip
    merged.redactions = case.redactions + [each for each in draft.redactions if each.get("field") in took]
    received, closed = dates.parse_date(merged.received), dates.parse_date(merged.closed)
    if merged.working_days is None and received and closed:
        merged.working_days = dates.working_days(received, closed)
    return merged


def gained(before: Case, merged: Case) -> list[str]:
    """Names of the fields that a merge changed."""
    return [name for name in (*FILLED, *UNITED, "extra") if getattr(before, name) != getattr(merged, name)]


def _passing(store: Store, case_id: str, cleared: bool, revision: int | None, handed_in: bool) -> Draft:
    """The draft, if it may pass the gate."""
    draft = store.draft(case_id)
    if draft is None:
        raise Missing(f"没有编号为 {case_id} 的草稿，可能已经处理过了。可用 kb review 查看待审草稿")
    stages = [SUBMITTED] if handed_in else submissions.STAGES
    submissions.expect(store, submissions.of(store, case_id), stages, revision)
    if draft.doubts and not cleared:
        raise Fault(
            f"草稿 {case_id} 还有 {len(draft.doubts)} 处存疑，请先逐处核对。网页上勾选“{CLEARED}”；"
            f"命令行用 kb review {case_id} 核对，确认后加 --cleared"
        )
    return draft


def _twin(store: Store, case_id: str, other: str) -> str:
    """`other`, if it names another case that is published (or none)."""
    if not other:
        return ""
    found = store.get(other) if other != case_id else None
    if found is None or found.state != "published":
        raise Fault("选中的案例不在库里，请另选一件")
    return other


def _union(name: str, old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
    told = {basis_line(rule) for rule in old} if name == "basis" else set()
    found = list(old)
    for item in new:
        if item not in found and not (name == "basis" and basis_line(item) in told):
            found.append(item)
    if name == "steps" and found and all(step.get("date") for step in found):
        found.sort(key=lambda step: str(step["date"]))
    return found


def _last_person(case: Case) -> int:
    return max((int(number) for number in _PERSON.findall(str(case.to_dict()))), default=0)


def _renumbered(case: Case, after: int) -> Case:
    """The case with its persons numbered on from `after`: two cases' 〔姓名1〕 need not be one person."""

    def renamed(value: Any) -> Any:
        if isinstance(value, str):
            return _PERSON.sub(lambda match: f"〔姓名{int(match[1]) + after}〕", value)
        if isinstance(value, Mapping):
            return {name: renamed(part) for name, part in value.items()}
        if isinstance(value, Iterable):
            return [renamed(part) for part in value]
        return value

    return Case.from_dict(renamed(case.to_dict())) if after else case
