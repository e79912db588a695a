"""Who is in which class, in workbench.db: the rows that `classes` and `proposing` read and write, in transactions of
theirs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from kb.model import Case
from kb.store import Store, now

from . import discovery, naming

PROPOSED, ACCEPTED, REJECTED, EMPTIED = "proposed", "accepted", "rejected", "emptied"
OPEN = (PROPOSED, ACCEPTED)
STATES = (*OPEN, REJECTED, EMPTIED)
MACHINE, STAFF = "machine", "staff"
#: Published cases that tell what another published case tells, and that one.
_TOLD_AGAIN = (
    "select a.id, a.duplicate_of from {} cross join cases b on b.id = a.duplicate_of and b.state = 'published' "
    "where a.state = 'published' and a.duplicate_of != '' and a.id != b.id"
)


def members_of(store: Store, class_id: str) -> list[dict[str, Any]]:
    """The rows of the members of a class, the most central first."""
    return list(
        store.workbench.table("class_members").rows_where("class_id = ?", [class_id], order_by="fit desc, case_id")
    )


def memberships(store: Store, case_ids: Iterable[str] | None = None) -> dict[str, str]:
    """{case id: class id} of all members, or of those of the cases that are members."""
    where, args = ("1", []) if case_ids is None else (
        "case_id in (select value from json_each(?))", [json.dumps(list(case_ids))]
    )  # fmt: skip
    rows = store.workbench.query(f"select case_id, class_id from class_members where {where} order by case_id", args)
    return {row["case_id"]: row["class_id"] for row in rows}


def states(store: Store) -> dict[str, str]:
    """{class id: state} of the classes that may take cases in."""
    rows = store.workbench.query("select id, state from classes where state != ?", [EMPTIED])
    return {row["id"]: row["state"] for row in rows}


def originals(store: Store, among: Iterable[str] | None = None) -> dict[str, str]:
    """{duplicate: the published case that it tells again}, of all published cases or of some."""
    told: dict[str, str] = {}
    if among is None:
        told.update(store.library.conn.execute(_TOLD_AGAIN.format("cases a")).fetchall())
    else:
        asked = list(among)
        some = _TOLD_AGAIN.format("json_each(?) asked cross join cases a on a.id = asked.value")
        while asked:  # one step of every chain at a time
            step = dict(store.library.conn.execute(some, [json.dumps(asked)]).fetchall())
            told.update(step)
            asked = [one for one in step.values() if one not in told]
    found = {}
    for case_id in told:
        seen, original = {case_id}, told[case_id]
        while original in told and original not in seen:
            seen.add(original)
            original = told[original]
        # Of a ring of cases that point at each other the first one counts.
        found[case_id] = min(seen) if original in seen else original
    return {case_id: original for case_id, original in found.items() if case_id != original}


def create(store: Store, members: Sequence[str], state: str) -> str:
    """A new class without members; its id is made from those that it is to have."""
    name = hashlib.sha256("\n".join(sorted(members)).encode()).hexdigest()
    table = store.workbench.table("classes")
    possible = (f"c{name[at : at + 8]}" for at in range(56))
    class_id = next(one for one in possible if not table.count_where("id = ?", [one]))
    table.insert(
        {"id": class_id, "title": "", "obstacle": "", "barriers": "[]", "why": "[]", "state": state, "playbook": "",
         "created": now(), "changed": now()}
    )  # fmt: skip
    return class_id


def add(store: Store, homes: Mapping[str, str]) -> None:
    """The machine's members; who is in a class stays there."""
    store.workbench.conn.executemany(
        "insert or ignore into class_members (case_id, class_id, by, fit, borderline) values (?, ?, ?, null, 0)",
        [(case_id, class_id, MACHINE) for case_id, class_id in homes.items()],
    )


def place(store: Store, case_ids: Sequence[str], class_id: str) -> None:
    """Members by people's word, from wherever they are."""
    _forget_centers(store, case_ids, [class_id])
    store.workbench.conn.executemany(
        "insert into class_members (case_id, class_id, by, fit, borderline) values (?, ?, ?, null, 0) "
        "on conflict (case_id) do update set class_id = excluded.class_id, by = excluded.by, borderline = 0",
        [(case_id, class_id, STAFF) for case_id in case_ids],
    )


def remove(store: Store, case_ids: Sequence[str]) -> None:
    """Takes cases out of whatever class they are in."""
    _forget_centers(store, case_ids, [])
    store.workbench.conn.execute(
        "delete from class_members where case_id in (select value from json_each(?))", [json.dumps(list(case_ids))]
    )


def _forget_centers(store: Store, case_ids: Sequence[str], class_ids: Sequence[str]) -> None:
    """Centers of classes whose members change; they are made again when they are needed."""
    gone = sorted({*memberships(store, case_ids).values(), *class_ids})
    store.workbench.conn.execute(
        "delete from class_centers where class_id in (select value from json_each(?))", [json.dumps(gone)]
    )


def put_apart(store: Store, case_ids: Sequence[str], class_id: str) -> None:
    """Keeps the machine from putting those cases into that class."""
    store.workbench.conn.executemany(
        "insert or ignore into class_apart (case_id, other, at) values (?, ?, ?)",
        [(case_id, class_id, now()) for case_id in case_ids],
    )


def put_together(store: Store, case_ids: Sequence[str], class_id: str) -> None:
    """The latest word stands: cases that people put into a class are not kept out of it any more."""
    store.workbench.conn.executemany(
        "delete from class_apart where case_id = ? and other = ?", [(case_id, class_id) for case_id in case_ids]
    )



def decided(store: Store, by: str, kind: str, class_ids: Sequence[str], detail: Mapping[str, Any]) -> None:
    """Writes down what people decided about classes."""
    store.workbench.table("class_decisions").insert(
        {"at": now(), "by": by, "kind": kind,
         "detail": json.dumps({"classes": list(class_ids), **detail}, ensure_ascii=False)}
    )  # fmt: skip


def drop_gone(
    store: Store, cases: Mapping[str, Case], original: Mapping[str, str], among: Iterable[str] | None = None
) -> set[str]:
    """Takes out members that are no longer published or no longer count; a member that turned out to be a duplicate
    leaves its place to its original. Returns the classes that lost one."""
    gone, known = [], memberships(store, among)
    for case_id, class_id in known.items():
        if case_id not in cases:
            gone.append(case_id)
            if case_id in original:
                store.workbench.conn.execute(
                    "insert or ignore into class_members select ?, class_id, by, fit, borderline from class_members "
                    "where case_id = ? and class_id = ?",
                    [original[case_id], case_id, class_id],
                )
        elif not discovery.counts(cases[case_id]):
            gone.append(case_id)
    left = {known[case_id] for case_id in gone}
    if gone:
        remove(store, gone)
        for class_id in left:
            _forget_words(store, class_id)
    return left


def _forget_words(store: Store, class_id: str) -> None:
    """A sentence that no member says any more leaves its class, with the name that was made of it: what is withdrawn
    is often a slip of redaction."""
    row = next(store.workbench.table("classes").rows_where("id = ?", [class_id]))
    ids = [member["case_id"] for member in members_of(store, class_id)]
    said = store.library.conn.execute(
        "select 1 from cases where id in (select value from json_each(?)) and state = 'published' "
        "and instr(obstacle || ' ' || title || ' ' || demand, ?) limit 1",
        [json.dumps(ids), row["obstacle"].rstrip("…")],
    )
    if row["obstacle"] and not said.fetchone():
        title = row["title"] if _named_by_staff(store, class_id) else ""
        store.workbench.table("classes").update(class_id, {"obstacle": "", "title": title})
        if row["title"] and not title:
            _forget_name(store, class_id, row["title"])


def _named_by_staff(store: Store, class_id: str) -> bool:
    said = "exists (select 1 from json_each(detail, '$.classes') where value = ?)"
    return bool(store.workbench.table("class_decisions").count_where(f"kind = 'rename' and {said}", [class_id]))


def _forget_name(store: Store, class_id: str, name: str) -> None:
    """What watches a class was called after it, and so are its notices."""
    watching = "select id from barrier_rules where json_extract(rule, '$.class_id') = ?"
    for table, column, key in (("barrier_rules", "name", "id"), ("barrier_notices", "text", "rule")):
        store.workbench.conn.execute(
            f"update {table} set {column} = replace({column}, ?, '这一类') where {key} in ({watching})",
            [name, class_id],
        )


def describe(store: Store, class_ids: Collection[str], cases: Mapping[str, Case] | None = None) -> None:
    """Brings state, barriers and reasons of classes up to date with their members; a new one gets its name."""
    for class_id in sorted(class_ids):
        row = next(store.workbench.table("classes").rows_where("id = ?", [class_id]))
        members = members_of(store, class_id)
        ids = [member["case_id"] for member in members]
        central = ids[: naming.settings()["counted"]]
        told = [cases[i] for i in central] if cases and all(i in cases for i in central) else _outlines(store, central)
        unsure = {member["case_id"] for member in members if member["borderline"] and member["by"] != STAFF}
        obstacle = row["obstacle"] or naming.shared_obstacle(told)
        kept = "" if row["title"] in (naming.UNTOLD, naming.EMPTIED) else row["title"]
        new = {
            "title": kept or (naming.title(obstacle) if ids else naming.EMPTIED),
            "obstacle": obstacle,
            "barriers": json.dumps(naming.barriers(told), ensure_ascii=False) if ids else row["barriers"],
            "why": json.dumps(
                naming.why(obstacle, told, unsure, sum(m["by"] == STAFF for m in members), len(ids)), ensure_ascii=False
            ),
            "state": _state(row["state"], bool(ids)),
        }
        if any(row[name] != value for name, value in new.items()):
            store.workbench.table("classes").update(class_id, {**new, "changed": now()})


def _outlines(store: Store, ids: Sequence[str]) -> list[Case]:
    """What `naming` looks at of published cases, in that order; the texts of the first ones only: a class may have
    thousands."""
    known = "where id in (select value from json_each(?)) and state = 'published'"
    rows = store.library.conn.execute(
        f"select id, title, matter, matter_standard, hall_name, barriers from cases {known}", [json.dumps(list(ids))]
    )
    types = cache(json.loads)
    found = {
        case_id: Case(case_id, title=title or "", matter={"name": matter, "standard": standard}, hall={"name": hall},
                      barriers=types(barriers or "[]"))
        for case_id, title, matter, standard, hall, barriers in rows
    }  # fmt: skip
    first = [one for one in ids if one in found][: naming.settings()["compared"]]
    texts = store.library.conn.execute(
        f"select id, obstacle, substr(demand, 1, 600) from cases {known}", [json.dumps(first)]
    )
    found |= {i: replace(found[i], obstacle=obstacle or "", demand=demand or "") for i, obstacle, demand in texts}
    return [found[one] for one in ids if one in found]


def _state(state: str, filled: bool) -> str:
    if filled:
        return PROPOSED if state == EMPTIED else state
    return EMPTIED if state in OPEN else state


def ran(store: Store, stamp: Mapping[str, int]) -> None:
    """Remembers up to which state of the library cases have been looked at."""
    store.workbench.conn.execute("delete from class_runs")
    store.workbench.table("class_runs").insert({"at": now(), "version": stamp["version"], "mark": stamp["mark"]})
