"""Whose a draft is and where it stands: being written, handed in, or returned with a reason.

A draft without a row here was made by `kb ingest`: it counts as handed in, by the hall of its case.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .accounts import may
from .errors import Conflict, Missing
from .store import Store, now, writing

WRITING, SUBMITTED, RETURNED = STAGES = ("writing", "submitted", "returned")
NOBODYS = "-"  # the hall of a draft that has none: no account's
#: What a draft without a row counts as, as SQL over `drafts d left join submissions s`.
_STAGE = f"coalesce(s.stage, '{SUBMITTED}')"
_HALL = "coalesce(s.hall_code, d.hall_code, '')"
_FROM = "from drafts d left join submissions s on s.case_id = d.id"


@dataclass(frozen=True)
class Submission:
    """Where a draft stands: `stage` (of `STAGES`), the `account` and hall whose it is, since when (`at`), and the
    reviewer's reason (`note`) where it was returned."""

    case_id: str
    stage: str
    account: str
    hall_code: str
    note: str
    at: str


@dataclass(frozen=True)
class Entry:
    """A line of a list of drafts: its submission, what it is about, and how much there is to look at."""

    submission: Submission
    title: str
    hall_name: str
    doubts: int
    inferred: int
    duplicate_of: str
    revision: int

    def to_dict(self) -> dict[str, Any]:
        """As the API and `kb review --json` tell it."""
        given = self.submission
        return {
            "id": given.case_id, "stage": given.stage, "note": given.note, "account": given.account, "at": given.at,
            "hall": {"code": given.hall_code, "name": self.hall_name}, "title": self.title, "doubts": self.doubts,
            "inferred": self.inferred, "duplicate_of": self.duplicate_of, "revision": self.revision,
        }  # fmt: skip


def of(store: Store, case_id: str) -> Submission:
    """Where the draft `case_id` stands. Raises Missing when there is no such draft."""
    rows = list(store.workbench.query(f"select {_columns()} {_FROM} where d.id = ?", [case_id]))
    if not rows:
        raise Missing("没有这件草稿，可能已经入库或删除")
    return _submission(rows[0])


def everyone(store: Store) -> dict[str, Submission]:
    """Where every draft stands, by its id."""
    return {row["case_id"]: _submission(row) for row in store.workbench.query(f"select {_columns()} {_FROM}")}


def visible(store: Store, case_id: str, actor: Mapping[str, Any] | None) -> Submission:
    """Like `of`, and Missing too where `actor` may not see the draft: its existence is not told."""
    found = of(store, case_id)
    if not may(actor, "draft.see", found.hall_code or NOBODYS):
        raise Missing("没有这件草稿，可能已经入库或删除")
    return found


def put(store: Store, ids: Iterable[str], stage: str, account: str, hall_code: str, note: str = "") -> None:
    """Drafts `ids` are at `stage` now; whose they are is set by this too."""
    assert stage in STAGES, stage
    with writing(store.workbench):
        store.workbench.table("submissions").insert_all(
            ({"case_id": case_id, "stage": stage, "account": account, "hall_code": hall_code, "note": note, "at": now()}
             for case_id in ids),
            pk="case_id", replace=True,
        )  # fmt: skip


def move(store: Store, case_id: str, stage: str, note: str = "") -> None:
    """The same draft at another stage; it stays whose it is."""
    found = of(store, case_id)
    put(store, [case_id], stage, found.account, found.hall_code, note)


def expect(store: Store, found: Submission, stages: Iterable[str], revision: int | None) -> None:
    """Raise Conflict unless the draft stands at one of `stages` and, if told, is still at `revision`."""
    if found.stage not in stages:
        raise Conflict(_ELSEWHERE[found.stage])
    draft = store.draft(found.case_id)
    if revision is not None and (draft is None or draft.case.revision != revision):
        raise Conflict("这件草稿刚被别人改过。请重新打开这一页，看过新的内容再处理")


_ELSEWHERE = {
    WRITING: "这件草稿正在编写，还没有提交（或已被撤回、退回后重写）",
    SUBMITTED: "这件草稿已经提交待审。要改请先撤回，或请审核人退回",
    RETURNED: "这件草稿已经退回，等报送人修改后再提交",
}


def entries(
    store: Store, stage: str = "", hall_code: str = "", limit: int = 50, offset: int = 0
) -> list[Entry]:
    """Drafts by stage and hall, those waiting longest first."""
    where, args = _where(stage, hall_code)
    rows = store.workbench.query(
        f"select {_columns()}, coalesce(nullif(d.title, ''), substr(coalesce(nullif(d.demand, ''), d.obstacle), 1, 60))"
        " as title, d.hall_name, json_array_length(coalesce(nullif(d.doubts, ''), '[]')) as doubts,"
        " d.confidence, d.duplicate_of, d.revision"
        f" {_FROM} {where} order by coalesce(s.at, d.created), d.id limit :limit offset :offset",
        {**args, "limit": limit, "offset": offset},
    )
    return [
        Entry(_submission(row), row["title"] or "", row["hall_name"] or "", row["doubts"],
              len(json.loads(row["confidence"] or "{}")), row["duplicate_of"] or "", row["revision"])
        for row in rows
    ]  # fmt: skip


def counts(store: Store, hall_code: str = "") -> dict[str, int]:
    """How many drafts stand at each stage."""
    where, args = _where("", hall_code)
    rows = store.workbench.query(f"select {_STAGE} as stage, count(*) as n {_FROM} {where} group by 1", args)
    found = Counter({row["stage"]: row["n"] for row in rows})
    return {stage: found[stage] for stage in STAGES}


def hidden(store: Store, actor: dict[str, Any] | None) -> set[str]:
    """Ids of the drafts that `actor` may not see."""
    rows = store.workbench.query(f"select d.id as id, {_HALL} as hall_code {_FROM}")
    return {row["id"] for row in rows if not may(actor, "draft.see", row["hall_code"])}


def halls(store: Store, stage: str = "") -> list[tuple[str, str, int]]:
    """Halls that have drafts (at that stage): code, name, how many."""
    where, args = _where(stage, "")
    rows = store.workbench.query(
        f"select {_HALL} as code, max(coalesce(d.hall_name, '')) as name, count(*) as n {_FROM} {where} "
        "group by 1 order by 1", args,
    )  # fmt: skip
    return [(row["code"], row["name"] or row["code"], row["n"]) for row in rows]


def following(store: Store, case_id: str) -> str:
    """The id of the submitted draft that comes after `case_id` in the queue, else the one that waits longest; empty if
    there is no other."""
    order = "(coalesce(s.at, d.created), d.id)"
    rows = list(store.workbench.query(
        f"select d.id {_FROM} where {_STAGE} = :stage and d.id != :id order by {order} > "
        f"(select coalesce(s.at, d.created), d.id {_FROM} where d.id = :id) desc, "
        "coalesce(s.at, d.created), d.id limit 1",
        {"stage": SUBMITTED, "id": case_id},
    ))  # fmt: skip
    return str(rows[0]["id"]) if rows else ""


def _columns() -> str:
    return (
        f"d.id as case_id, {_STAGE} as stage, coalesce(s.account, '') as account, {_HALL} as hall_code, "
        "coalesce(s.note, '') as note, coalesce(s.at, d.updated, '') as at"
    )


def _where(stage: str, hall_code: str) -> tuple[str, dict[str, Any]]:
    parts, args = [], {"stage": stage, "hall": hall_code}
    if stage:
        parts.append(f"{_STAGE} = :stage")
    if hall_code:
        parts.append(f"{_HALL} = :hall")
    return ("where " + " and ".join(parts) if parts else ""), args


def _submission(row: dict[str, Any]) -> Submission:
    return Submission(*(row[name] for name in ("case_id", "stage", "account", "hall_code", "note", "at")))
