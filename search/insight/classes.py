"""Classes of cases with one obstacle (一类事的候选): proposed by the machine, settled by people, kept in workbench.db.

The machine only adds: cases that are in no class join one that is like them or open a new one. It never moves a case
that is in a class, never renames one, and what people decided stands: members that they assigned, classes that they
rejected (whose cases stay there, out of sight, and which take in what is like them), cases that they took out of a
class. A case that is withdrawn leaves; a class without cases is emptied, not deleted. A case told twice counts once:
a duplicate belongs to the class of its original and is no member itself.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kb.errors import Conflict, Fault, Missing
from kb.store import Store, now, writing

from ..passages import Encode
from . import discovery, membership, proposing
from .discovery import Progress
from .membership import ACCEPTED, EMPTIED, MACHINE, OPEN, PROPOSED, REJECTED, STAFF, STATES

__all__ = [
    "ACCEPTED", "EMPTIED", "MACHINE", "OPEN", "PROPOSED", "REJECTED", "STAFF", "STATES", "CaseClass", "accept",
    "assign", "begun", "class_of", "classes", "decisions", "get", "join_new", "make", "merge", "of_playbook", "propose",
    "reject", "rename", "set_playbook", "split",
]  # fmt: skip

_LONGEST_TITLE = 60


@dataclass(frozen=True)
class CaseClass:
    """Cases with one obstacle. `obstacle`: one sentence of a central case; `barriers`: types, the most frequent first;
    `case_ids`: each case once, without its duplicates, the most central first; `borderline`: members that might as
    well not be in it; `why`: Chinese sentences; `playbook`: id of its procedure, if there is one."""

    id: str
    title: str
    obstacle: str
    barriers: list[str]
    case_ids: list[str]
    borderline: list[str]
    why: list[str]
    state: str
    playbook: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


# Reading


def classes(store: Store, states: Collection[str] = OPEN) -> list[CaseClass]:
    """The classes in those states, the largest first."""
    members: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in store.workbench.query("select * from class_members order by fit desc, case_id"):
        members[row["class_id"]].append(row)
    rows = store.workbench.table("classes").rows_where(
        "state in (select value from json_each(?))", [json.dumps(list(states))]
    )
    found = [_class(row, members[row["id"]]) for row in rows]
    return sorted(found, key=lambda one: (-len(one.case_ids), one.id))


def get(store: Store, class_id: str) -> CaseClass:
    """The class of that id, in any state. Raises Missing."""
    rows = list(store.workbench.table("classes").rows_where("id = ?", [class_id]))
    if not rows:
        raise Missing(f"没有编号为 {class_id} 的一类事候选")
    return _class(rows[0], membership.members_of(store, class_id))


def class_of(store: Store, case_ids: Iterable[str]) -> dict[str, str]:
    """Those of the cases that are in a class that is proposed or accepted, each with the id of the class; a duplicate
    with that of its original."""
    asked = list(dict.fromkeys(case_ids))
    original = membership.originals(store, asked)
    meant = {case_id: original.get(case_id, case_id) for case_id in asked}
    rows = store.workbench.query(
        "select m.case_id, m.class_id from class_members m join classes c on c.id = m.class_id "
        "where m.case_id in (select value from json_each(?)) and c.state in ('proposed', 'accepted')",
        [json.dumps(sorted(set(meant.values())))],
    )
    known = {row["case_id"]: row["class_id"] for row in rows}
    return {case_id: known[one] for case_id, one in meant.items() if one in known}


def of_playbook(store: Store, playbook: str) -> CaseClass | None:
    """The class whose procedure that is."""
    rows = store.workbench.table("classes").rows_where("playbook = ? and playbook != ''", [playbook], order_by="id")
    found = next(rows, None)
    return get(store, found["id"]) if found else None


def begun(store: Store) -> bool:
    """Whether `propose` has ever run here."""
    return bool(store.workbench.table("class_runs").count)


def decisions(store: Store, class_id: str) -> list[dict[str, Any]]:
    """What people decided about a class, oldest first: at, by, kind, detail."""
    rows = store.workbench.query(
        "select at, by, kind, detail from class_decisions where exists "
        "(select 1 from json_each(detail, '$.classes') where value = ?) order by id",
        [class_id],
    )
    return [dict(row, detail=json.loads(row["detail"])) for row in rows]


# The machine


def propose(store: Store, encode: Encode, progress: Progress | None = None) -> list[CaseClass]:
    """Puts the cases that are in no class into those that there are, or into new ones; returns the open classes.

    `encode` is `EmbeddingCache.encode_passages`; `progress` is called with (done, total) cases.
    """
    proposing.propose(store, encode, progress)
    return classes(store)


join_new = proposing.join_new


# People


def accept(store: Store, class_id: str, by: str) -> CaseClass:
    """A class is one indeed. Raises Missing, or Conflict if it has no cases."""
    _settle(store, get(store, class_id), ACCEPTED, by)
    return get(store, class_id)


def reject(store: Store, class_id: str, by: str, note: str = "") -> CaseClass:
    """A class is none: it goes out of sight and stays away, with its cases and what is like them. Raises Missing, or
    Conflict if it has no cases or a procedure."""
    found = get(store, class_id)
    if found.playbook:
        raise Conflict("这一类已有办理规程，请先停用规程")
    _settle(store, found, REJECTED, by, note)
    return get(store, class_id)


def rename(store: Store, class_id: str, title: str, by: str) -> CaseClass:
    """Give a class another name. Raises Missing or Fault."""
    get(store, class_id)
    title = " ".join(title.split())
    if not 0 < len(title) <= _LONGEST_TITLE:
        raise Fault(f"名称请写 1 至 {_LONGEST_TITLE} 个字")
    with writing(store.workbench):
        store.workbench.table("classes").update(class_id, {"title": title, "changed": now()})
        membership.decided(store, by, "rename", [class_id], {"to": title})
    return get(store, class_id)


def set_playbook(store: Store, class_id: str, playbook: str, by: str) -> CaseClass:
    """Name the procedure of a class (empty: none). Raises Missing."""
    get(store, class_id)
    with writing(store.workbench):
        store.workbench.table("classes").update(class_id, {"playbook": playbook, "changed": now()})
        membership.decided(store, by, "playbook", [class_id], {"playbook": playbook})
    return get(store, class_id)


def merge(store: Store, into: str, others: Sequence[str], by: str) -> CaseClass:
    """All cases of the classes `others` into the class `into`, for ever. Raises Missing, Fault or Conflict."""
    target, sources = get(store, into), [get(store, one) for one in dict.fromkeys(others)]
    if not sources or into in others:
        raise Fault("请给出另外的类：要并入的和并进去的不能是同一个")
    if target.state not in OPEN or any(one.state not in OPEN for one in sources):
        raise Conflict("只能合并未被否决、仍有案例的类")
    if any(one.playbook for one in sources):
        raise Conflict("要并掉的类已有办理规程：请改为并入有规程的那一类，或先停用规程")
    moved = [case_id for one in sources for case_id in one.case_ids]
    with writing(store.workbench):
        membership.place(store, moved, into)
        for one in sources:
            store.workbench.conn.execute(
                "insert or ignore into class_apart select case_id, ?, at from class_apart where other = ?",
                [into, one.id],
            )
        membership.put_together(store, moved, into)
        membership.decided(store, by, "merge", [into, *others], {"into": into, "cases": moved})
        membership.describe(store, {into, *others})
    return get(store, into)


def split(store: Store, class_id: str, case_ids: Sequence[str], by: str, title: str = "") -> CaseClass:
    """Those cases of a class become one of their own, for ever. Raises Missing, Fault or Conflict."""
    found, chosen = get(store, class_id), _meant(store, case_ids)
    if found.state not in OPEN:
        raise Conflict("这一类已被否决或清空，不能拆分")
    if not chosen or set(chosen) - set(found.case_ids):
        raise Fault("要拆出去的案例不在这一类里")
    if not set(found.case_ids) - set(chosen):
        raise Fault("不能把全部案例都拆出去：至少留一件，或改用合并、改名")
    with writing(store.workbench):
        new = membership.create(store, chosen, found.state)
        store.workbench.conn.execute(
            "insert or ignore into class_apart select case_id, ?, at from class_apart where other = ?", [new, class_id]
        )
        membership.place(store, chosen, new)
        membership.put_apart(store, chosen, class_id)
        membership.put_apart(store, sorted(set(found.case_ids) - set(chosen)), new)
        membership.decided(store, by, "split", [class_id, new], {"into": new, "cases": chosen})
        membership.describe(store, {class_id, new})
    return rename(store, new, title, by) if title.strip() else get(store, new)


def assign(store: Store, case_ids: Sequence[str], class_id: str, by: str) -> CaseClass | None:
    """Those cases into a class, or out of the one they are in if `class_id` is empty; they never come back by
    themselves to the class that they left. Raises Missing, Fault or Conflict. Returns the class."""
    chosen = _meant(store, case_ids)
    known = membership.memberships(store, chosen)
    if class_id and get(store, class_id).state == REJECTED:
        raise Conflict("这一类已被否决，不能再归入案例")
    if not class_id and not known:
        raise Fault("这些案例本来就不在任何一类里")
    if class_id:
        _assignable(store, chosen)
    with writing(store.workbench):
        for home in sorted({*known.values()} - {class_id}):
            membership.put_apart(store, [one for one in chosen if known.get(one) == home], home)
        if class_id:
            membership.place(store, chosen, class_id)
            membership.put_together(store, chosen, class_id)
        else:
            membership.remove(store, chosen)
        touched = {*known.values(), *filter(None, [class_id])}
        membership.decided(store, by, "assign", sorted(touched), {"into": class_id, "cases": chosen})
        membership.describe(store, touched)
    return get(store, class_id) if class_id else None


def make(store: Store, case_ids: Sequence[str], by: str, title: str = "") -> CaseClass:
    """A class that people see, accepted at once, of cases wherever they are now. Raises Fault."""
    chosen = _meant(store, case_ids)
    if len(chosen) < 2:
        raise Fault("一类事至少要有两件不同的案例（重复反映只算一件）")
    _assignable(store, chosen)
    known = membership.memberships(store, chosen)
    with writing(store.workbench):
        new = membership.create(store, chosen, ACCEPTED)
        for home in sorted(set(known.values())):
            membership.put_apart(store, [one for one in chosen if known.get(one) == home], home)
        membership.place(store, chosen, new)
        membership.decided(store, by, "make", [new, *sorted(set(known.values()))], {"into": new, "cases": chosen})
        membership.describe(store, {new, *known.values()})
    return rename(store, new, title, by) if title.strip() else get(store, new)


def _class(row: Mapping[str, Any], members: Sequence[Mapping[str, Any]]) -> CaseClass:
    unsure = [member["case_id"] for member in members if member["borderline"] and member["by"] != STAFF]
    return CaseClass(
        row["id"], row["title"], row["obstacle"], json.loads(row["barriers"] or "[]"),
        [member["case_id"] for member in members], unsure, json.loads(row["why"] or "[]"), row["state"],
        row["playbook"] or "",
    )  # fmt: skip


def _meant(store: Store, case_ids: Iterable[str]) -> list[str]:
    """The published originals of those cases, each once. Raises Missing or Fault."""
    asked = list(dict.fromkeys(case_ids))
    if not asked:
        raise Fault("请给出案例编号")
    absent = [one for one in asked if one not in store.published_of(asked)]
    if absent:
        raise Missing(f"库中没有编号为 {absent[0]} 的已入库案例")
    original = membership.originals(store, asked)
    return list(dict.fromkeys(original.get(one, one) for one in asked))


def _assignable(store: Store, case_ids: Sequence[str]) -> None:
    for case_id, case in store.published_of(case_ids).items():
        if not discovery.counts(case):
            raise Fault(f"案例 {case_id} 依法不能办或不属于政务诉求，不归入一类事")


def _settle(store: Store, found: CaseClass, state: str, by: str, note: str = "") -> None:
    if not found.case_ids:
        raise Conflict("这一类已经没有案例了")
    if found.state == state:
        return
    with writing(store.workbench):
        store.workbench.table("classes").update(found.id, {"state": state, "changed": now()})
        membership.decided(store, by, state, [found.id], {"note": note} if note else {})
