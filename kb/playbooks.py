"""Playbooks (一类事): the procedure for a class of cases with one obstacle, approved by people, every version kept.

They are kept in workbench.db. Those on trial or solid are shown to readers and stand in library.db too, as they are
now; their cases carry the id in `cases.playbook`, which is bookkeeping and no revision of a case. Every text is
de-identified again before it is stored.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlite_utils import Database

from . import privacy, vocabulary
from .editing import tidy
from .errors import Conflict, Fault, Missing
from .fields import dates
from .playbook import DRAFT, PARTS, RETIRED, SOLID, TRIAL, Playbook
from .plugins import tell_changed
from .privacy import redact_text
from .store import Store, now, writing
from .validity import changed, fallen, leaning

__all__ = [
    "DRAFT", "MOVES", "RETIRED", "SHOWN", "SOLID", "TRIAL", "Playbook", "brief", "create", "find", "forget", "get",
    "join", "leaning", "listing", "revisions", "save", "set_state", "titles",
]  # fmt: skip
#: States that readers see.
SHOWN = (TRIAL, SOLID)
#: From a state to those that may follow.
MOVES = {DRAFT: (TRIAL, RETIRED), TRIAL: (SOLID, DRAFT, RETIRED), SOLID: (TRIAL, RETIRED), RETIRED: (DRAFT,)}
CLEARED = "已逐处核对，不含个人信息"
UNNAMED = "名称待定的一类事"
MOST_TITLE, MOST_SHORT, MOST_TEXT = 200, 300, 2000  # characters
_LONG = {"text", "action", "substitute", "obstacle"}
MOST_ITEMS = 100
MOST_CASES = 5000
MOST_DAYS = 9999
#: What staff may write.
WRITTEN = tuple(name for name in Playbook().to_dict() if name not in ("id", "state", "doubts", "revision"))


# Reading


def get(store: Store, playbook_id: str) -> Playbook | None:
    """A playbook as far as its cases are published: what only a withdrawn case said is left out."""
    rows = list(store.workbench.table("playbooks").rows_where("id = ?", [playbook_id]))
    return _alive(store, [_read(rows[0])])[0] if rows else None


def find(store: Store, playbook_id: str, states: Iterable[str] = MOVES) -> Playbook:
    """The playbook, if it is in one of `states`. Raises Missing, which tells what became of one that readers saw."""
    found = get(store, playbook_id)
    if found is None or found.state not in states:
        raise Missing(_gone(store, playbook_id) or "没有这个编号的一类事")
    return found


def _gone(store: Store, playbook_id: str) -> str:
    """Why readers do not see any more what they saw once, else empty."""
    entries = revisions(store, playbook_id)
    if not any(entry["playbook"].state in SHOWN for entry in entries):
        return ""
    left = next((entry for entry in entries if entry["action"] == RETIRED), None)
    if left is None or entries[0]["playbook"].state != RETIRED:
        return "这类事的办法正在修订，暂时不能照着办。请检索先例"
    return f"这类事的办法 {left['at'][:10]} 已停用，请不要再照着办。理由：{left['note']}"


def listing(store: Store, states: Iterable[str] = SHOWN) -> list[Playbook]:
    """Playbooks in one of `states`, the last changed first."""
    rows = store.workbench.table("playbooks").rows_where(
        "state in (select value from json_each(?))", [json.dumps(list(states))], order_by="updated desc, id"
    )
    return _alive(store, [_read(row) for row in rows])


def titles(store: Store) -> dict[str, str]:
    """Id → title of the playbooks that readers see. It changes only together with `Store.version`."""
    return {row["id"]: row["title"] for row in store.library.query("select id, title from playbooks")}


def brief(store: Store, ids: Iterable[str]) -> list[dict[str, Any]]:
    """What is told of playbooks wherever a case leads to them: [{id, title, state, changed_basis [{title, doc_no,
    change}]}] of those among `ids` that readers see, each once, in that order."""
    wanted = list(dict.fromkeys(filter(None, ids)))
    rows = store.library.table("playbooks").rows_where(
        "id in (select value from json_each(?))", [json.dumps(wanted)]
    ) if wanted else ()  # fmt: skip
    found = {each.id: each for each in _alive(store, [_read(row) for row in rows])} if wanted else {}
    changes = changed(store) if found else []
    return [
        {"id": one.id, "title": one.title, "state": one.state,
         "changed_basis": [{"title": one.basis[at].get("title", ""), "doc_no": one.basis[at].get("doc_no", ""),
                            "change": change}
                           for at, change in fallen(one.basis, changes).items()]}
        for one in (found[each] for each in wanted if each in found)
    ]  # fmt: skip


def revisions(store: Store, playbook_id: str) -> list[dict[str, Any]]:
    """Its versions, newest first: revision, at, by, action, note, and `playbook` as it was then."""
    rows = store.workbench.table("playbook_revisions").rows_where(
        "playbook_id = ?", [playbook_id], order_by="revision desc"
    )
    return [
        {**{name: row[name] for name in ("revision", "at", "by", "action", "note")},
         "playbook": Playbook.from_dict(json.loads(row["data"]))}
        for row in rows
    ]  # fmt: skip


# Writing


def create(store: Store, playbook: Playbook, by: str, note: str = "") -> Playbook:
    """Store a new playbook as a draft; returns it with its id. Raises Fault for what may not be stored."""
    values = {name: value for name, value in playbook.to_dict().items() if name in WRITTEN}
    made = Playbook(id=f"pb{secrets.token_hex(5)}")
    return _change(store, made, values, by, "create", note, None)


def save(
    store: Store, playbook_id: str, values: Mapping[str, Any], by: str, revision: int | None = None, note: str = ""
) -> Playbook:
    """Store what was written in `values` (fields of `WRITTEN`; others stay) as the next version.

    `revision` is the one that was looked at: raises Conflict if it is no longer the last.
    """
    return _change(store, find(store, playbook_id), values, by, "edit", note, revision)


def join(store: Store, playbook_id: str, case_ids: Iterable[str], by: str) -> Playbook:
    """Add cases to a playbook."""
    before = find(store, playbook_id)
    ids = list(dict.fromkeys([*before.case_ids, *case_ids]))
    note = f"归入 {len(ids) - len(before.case_ids)} 件"
    return _change(store, before, {"case_ids": ids}, by, "join", note, before.revision)


def set_state(
    store: Store, playbook_id: str, state: str, by: str, note: str = "", revision: int | None = None,
    cleared: bool = False,
) -> Playbook:  # fmt: skip
    """Move a playbook on (or back). `cleared`: a person has looked at every doubt. Raises Fault, Conflict."""
    reason = redact_text(tidy(note, one_line=True)[:MOST_TEXT])
    with _writing(store):
        found = find(store, playbook_id)
        _expect(found, revision)
        if state not in MOVES[found.state]:
            named = [vocabulary.label("playbook_states", each) for each in (found.state, state)]
            raise Conflict(f"现在是“{named[0]}”，不能直接改为“{named[1]}”")
        _require(found, state, reason, cleared)
        _check_cases(store, replace(found, state=state))
        if cleared and found.doubts:
            found.doubts, reason = [], "；".join(filter(None, [reason, CLEARED]))
        done = _put(store, replace(found, state=state), by, state, reason)
    tell_changed(store)
    return done


def forget(store: Store, case_id: str, by: str) -> list[str]:
    """Take a case that was withdrawn out of all playbooks, with whatever only it said, also in their old versions
    (what is withdrawn is often a slip of redaction). Returns the ids of the playbooks."""
    mark = json.dumps(case_id)
    with _writing(store):
        rows = list(store.workbench.query("select * from playbooks where instr(data, ?)", [mark]))
        for row in rows:
            _put(store, without(_read(row), {case_id}), by, "drop", f"案例 {case_id} 已出库")
        old = store.workbench.query(
            "select playbook_id, revision, data from playbook_revisions where instr(data, ?)", [mark]
        )
        for row in list(old):
            kept = without(Playbook.from_dict(json.loads(row["data"])), {case_id})
            store.workbench.table("playbook_revisions").update(
                (row["playbook_id"], row["revision"]), {"data": json.dumps(kept.to_dict(), ensure_ascii=False)}
            )
    return [row["id"] for row in rows]


def without(playbook: Playbook, gone: Iterable[str]) -> Playbook:
    """`playbook` without these cases and without the sentences that no other case says."""
    lost = set(gone)

    def left(ids: Sequence[str]) -> list[str]:
        return [case_id for case_id in ids if case_id not in lost]

    changes: dict[str, Any] = {
        name: [{**item, "cases": left(item["cases"])} for item in getattr(playbook, name)
               if not item["cases"] or left(item["cases"])]
        for name in PARTS
    }  # fmt: skip
    changes |= {name: left(getattr(playbook, name)) for name in ("case_ids", "models", "obstacle_cases")}
    if playbook.obstacle_cases and not changes["obstacle_cases"]:
        changes["obstacle"] = ""
        if _plain(playbook.title) in _plain(playbook.obstacle):  # it was made of that sentence
            changes["title"] = UNNAMED
    told = playbook.solidified.get("cases", [])
    if told:
        changes["solidified"] = {**playbook.solidified, "cases": left(told)} if left(told) else {}
    return replace(playbook, **changes)


def _plain(text: str) -> str:
    return re.sub(r"\W", "", text)


def _change(
    store: Store, before: Playbook, values: Mapping[str, Any], by: str, action: str, note: str, revision: int | None
) -> Playbook:
    unknown = set(values) - set(WRITTEN)
    if unknown:
        raise Fault("有不认识的字段，可用的字段是：" + "、".join(WRITTEN))
    written = replace(before, **{name: _taken(name, value) for name, value in values.items()})
    if not written.title:
        raise Fault("请写上名称")
    clean = _redacted(written, before.doubts)
    reason = redact_text(tidy(note, one_line=True)[:MOST_TEXT])
    with _writing(store):
        if before.revision:
            _expect(find(store, before.id), before.revision if revision is None else revision)
        _check_cases(store, clean)
        if clean.state in SHOWN and clean.doubts:
            raise Fault("改过的文字里有存疑的地方，请换一种不提到人的说法，或先退回草拟：" + _doubted(clean))
        done = _put(store, clean, by, action, reason)
    tell_changed(store)
    return done


def _put(store: Store, playbook: Playbook, by: str, action: str, note: str) -> Playbook:
    """Write the next version, what readers see of it, and the id into its cases. Needs `_writing`."""
    db, at = store.workbench, now()
    done = replace(playbook, revision=playbook.revision + 1)
    data = json.dumps(done.to_dict(), ensure_ascii=False)
    row = {"id": done.id, "title": done.title, "state": done.state, "obstacle": done.obstacle, "data": data,
           "revision": done.revision, "updated": at}  # fmt: skip
    if playbook.revision:
        db.table("playbooks").update(done.id, row)
    else:
        db.table("playbooks").insert({**row, "created": at})
    db.table("playbook_revisions").insert(
        {"playbook_id": done.id, "revision": done.revision, "at": at, "by": by, "action": action, "note": note,
         "data": data}
    )  # fmt: skip
    store.library.table("playbooks").delete_where("id = ?", [done.id])
    if done.state in SHOWN:
        store.library.table("playbooks").insert(next(db.query("select * from playbooks where id = ?", [done.id])))
    _mark_cases(store.library, done)
    return done


@contextmanager
def _writing(store: Store) -> Iterator[None]:
    """A transaction of both files: nothing is written to either if something fails."""
    with writing(store.library), writing(store.workbench):
        yield


def _mark_cases(db: Database, playbook: Playbook) -> None:
    """Cases that are marked already are written too: whatever shows the title is then known to be stale."""
    members = json.dumps(playbook.case_ids if playbook.state in SHOWN else [])
    db.conn.execute(
        "update cases set playbook = '' where playbook = ? and id not in (select value from json_each(?))",
        [playbook.id, members],
    )
    db.conn.execute(
        "update cases set playbook = ? where state = 'published' and id in (select value from json_each(?))",
        [playbook.id, members],
    )


# What may be stored


def _expect(found: Playbook, revision: int | None) -> None:
    if revision is not None and found.revision != revision:
        raise Conflict("您打开以后有人改过，请重新打开这一页，看了新的再改")


def _require(found: Playbook, state: str, reason: str, cleared: bool) -> None:
    """Raise Fault for what still lacks before `state`."""
    if state == RETIRED and not reason:
        raise Fault("停用须写明理由")
    if state not in SHOWN:
        return
    needed = (("卡点", found.obstacle), ("步骤", found.steps), ("案例", found.case_ids))
    lacking = [label for label, there in needed if not there]
    if lacking:
        raise Fault(f"还缺{'、'.join(lacking)}，补上再试行")
    if found.doubts and not cleared:
        raise Fault(f"还有 {len(found.doubts)} 处存疑，请先逐处核对：{_doubted(found)}")
    told = (("改了什么", "text"), ("方式", "kind"), ("从哪天起", "date"))
    lacking = [label for label, part in told if not found.solidified.get(part)]
    if state == SOLID and lacking:
        raise Fault(f"固化还须写明{'、'.join(lacking)}：先点“修改”，在“固化”里补上（日期可以只写到月）")


def _doubted(playbook: Playbook) -> str:
    return "；".join(f"{each['mark']}（{each['reason']}）" for each in playbook.doubts[:5])


def _check_cases(store: Store, playbook: Playbook) -> None:
    """Raise where a case is not published, or belongs to another playbook that readers see."""
    known = _published(store, playbook.cited())
    if playbook.cited() - known:
        raise Fault(f"有 {len(playbook.cited() - known)} 个案例编号不在库里，可能已经出库。请去掉再保存")
    if set(playbook.models) - set(playbook.case_ids):
        raise Fault("样板案例要在这类事的案例里选")
    if playbook.state not in SHOWN:
        return
    taken = list(store.library.query(
        "select distinct playbooks.title as title from cases join playbooks on cases.playbook = playbooks.id "
        "where cases.id in (select value from json_each(?)) and playbooks.id != ?",
        [json.dumps(playbook.case_ids), playbook.id],
    ))  # fmt: skip
    if taken:
        raise Conflict(f"有案例已经归入另一类事：{'、'.join(row['title'] for row in taken[:3])}。请先从那里移出")


def _taken(name: str, value: Any) -> Any:
    """A field as it may be stored. Raises Fault."""
    label = labels()[name]
    if name in ("title", "obstacle"):
        return _text(name, value, label)
    if name in ("case_ids", "models", "obstacle_cases"):
        return _ids(value, label)
    if name == "solidified":
        return _solidified(value)
    if not isinstance(value, list) or len(value) > MOST_ITEMS:
        raise Fault(f"{label}：应为列表，至多 {MOST_ITEMS} 项")
    items = [_item(name, item, label) for item in value]
    return [item for item in items if any(item[part] for part in PARTS[name])]


def _item(name: str, given: Any, label: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise Fault(f"{label}：写法不对")
    item: dict[str, Any] = {part: _text(part, given.get(part), label) for part in PARTS[name]}
    if name == "steps":
        days = given.get("days")
        if days is not None and (not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= MOST_DAYS):
            raise Fault(f"{label}：工作日应为 0 到 {MOST_DAYS} 的整数")
        item |= {"days": days, "other": given.get("other") is True}
    if name == "basis":
        valid = given.get("valid")
        item |= {"title": item["title"].strip("《》"), "valid": valid if isinstance(valid, bool) else None}
    return {**item, "cases": _ids(given.get("cases", []), label)}


def _solidified(value: Any) -> dict[str, Any]:
    label = labels()["solidified"]
    if not isinstance(value, Mapping):
        raise Fault(f"{label}：写法不对")
    found: dict[str, Any] = {part: _text(part, value.get(part), label) for part in ("kind", "text", "date", "where")}
    if found["kind"] and found["kind"] not in vocabulary.values("solidified_kinds"):
        raise Fault(f"{label}：方式请从这些里选：{'、'.join(vocabulary.values('solidified_kinds'))}")
    if found["date"]:
        day = dates.parse_date(found["date"])
        found["date"] = day.isoformat() if day else dates.reduced_date(found["date"]) or ""
        if not found["date"]:
            raise Fault(f"{label}：看不懂这个日期，请写成 2024-03-15 这样")
    if not any(found.values()):
        return {}
    return {**found, "cases": _ids(value.get("cases", []), label)}


def _text(name: str, value: Any, label: str) -> str:
    if not isinstance(value, str | None):
        raise Fault(f"{label}：应为文字")
    text = tidy(value or "", one_line=True)
    most = MOST_TITLE if label == labels()["title"] else MOST_TEXT if name in _LONG else MOST_SHORT
    if len(text) > most:
        raise Fault(f"{label}：太长，一项至多 {most} 字")
    return text


def _ids(value: Any, label: str) -> list[str]:
    if not isinstance(value, list) or len(value) > MOST_CASES or not all(isinstance(each, str) for each in value):
        raise Fault(f"{label}：案例编号写法不对，至多 {MOST_CASES} 个")
    return list(dict.fromkeys(value))


def labels() -> dict[str, str]:
    """What the fields are called on the screen."""
    return {
        "title": "名称", "obstacle": "卡点", "obstacle_cases": "卡点", "applies": "什么情况适用",
        "not_applies": "什么情况不适用", "steps": "步骤", "materials": "材料", "basis": "依据", "window": "找哪个窗口",
        "models": "样板案例", "refusals": "依法不能办的怎么解释", "solidified": "固化", "case_ids": "案例",
    }  # fmt: skip


def _redacted(playbook: Playbook, doubts: Iterable[Mapping[str, str]]) -> Playbook:
    """The playbook with its texts de-identified. Old doubts stay as long as their placeholders do."""
    texts = {name: getattr(playbook, name) for name in ("title", "obstacle")}
    for name, parts in PARTS.items():
        for at, item in enumerate(getattr(playbook, name)):
            # In 《》 a title is known as one: no name is looked for in it.
            texts |= {f"{name}.{at}.{part}": f"《{item[part]}》" if (name, part) == ("basis", "title") and item[part]
                      else item[part] for part in parts}  # fmt: skip
    texts |= {f"solidified.{part}": str(playbook.solidified.get(part, "")) for part in ("text", "where")}
    found = privacy.redact(texts)
    clean = found.values
    changes: dict[str, Any] = {name: clean[name] for name in ("title", "obstacle")}
    for name, parts in PARTS.items():
        changes[name] = [
            {**item, **{part: clean[f"{name}.{at}.{part}"].strip("《》" if (name, part) == ("basis", "title") else "")
                        for part in parts}}
            for at, item in enumerate(getattr(playbook, name))
        ]  # fmt: skip
    if playbook.solidified:
        told = {part: clean[f"solidified.{part}"] for part in ("text", "where")}
        changes["solidified"] = {**playbook.solidified, **told}
    whole = "\n".join(clean.values())
    noted = [dict(each) for each in doubts if each["mark"] in whole]
    for doubt in found.doubts:
        mark = clean[doubt.field][doubt.start : doubt.end]
        each = {"field": doubt.field.partition(".")[0], "mark": mark, "reason": doubt.reason}
        noted += [each] if each not in noted else []
    return replace(playbook, **changes, doubts=noted)


def _read(row: Mapping[str, Any]) -> Playbook:
    data = {**json.loads(row["data"] or "{}"), "id": row["id"], "title": row["title"], "state": row["state"] or DRAFT}
    return Playbook.from_dict(data)


def _alive(store: Store, found: list[Playbook]) -> list[Playbook]:
    """Playbooks without what is no longer published."""
    cited = set().union(*(playbook.cited() for playbook in found))
    known = _published(store, cited)
    return [without(playbook, playbook.cited() - known) for playbook in found]


def _published(store: Store, ids: Iterable[str]) -> set[str]:
    rows = store.library.query(
        "select id from cases where state = 'published' and id in (select value from json_each(?))",
        [json.dumps(sorted(ids))],
    )
    return {row["id"] for row in rows}
