"""Barrier rules that staff save (“网签历史遗留，90 天内至少 3 个大厅”) and the notices that they raise.

A rule looks at the cases of a class, of a barrier type, or that hold words; it holds if enough of them came to enough
halls within so many days up to the newest of them. A barrier type is looked at class by class; words make one group.
Rules are evaluated whenever published cases changed. A notice that waits to be seen grows with its cases; a further
one is raised only where a case is among them that the rule has not told yet. Limits lie in ``radar.yml``.
"""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kb import vocabulary
from kb.errors import Conflict, Fault, Missing
from kb.privacy import redact_text
from kb.store import Store, now, writing

from .. import words
from .barriers import settings
from .changes import moved
from .classes import class_of, get
from .scope import first_day

log = logging.getLogger(__name__)

KINDS = ("words", "class_id", "barrier")
MANY = 500  # changed cases: as well look at all
_TEXT = "title || ' ' || matter || ' ' || matter_standard || ' ' || obstacle || ' ' || demand"
_COUNTED = (
    "state = 'published' and outcome != :lawful and coalesce(json_extract(barriers, '$[0]'), '') not in (:refused, "
    ":outside) and (duplicate_of = '' or duplicate_of not in (select id from cases where state = 'published'))"
)


@dataclass(frozen=True)
class Rule:
    """What an account watches: one of `words`, `class_id` and `barrier`; it holds with so many `halls` and `cases`
    within so many `days`."""

    id: int
    account: str
    name: str
    words: str
    class_id: str
    barrier: str
    halls: int
    cases: int
    days: int
    created: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Notice:
    """What a rule raised: `class_id` is empty where its cases are in no class; `case_ids`: those that it counts, the
    newest first; `seen` is empty until it was."""

    id: int
    rule: int
    class_id: str
    at: str
    text: str
    seen: str
    case_ids: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Met:
    """A case that a rule looks at."""

    id: str
    hall: str
    date: str


# Keeping


def add(
    store: Store, account: str, name: str = "", words: str = "", class_id: str = "", barrier: str = "",
    halls: int = 0, cases: int = 1, days: int | None = None,
) -> int:  # fmt: skip
    """Keep a rule; returns its id. Raises Fault for one that cannot hold or looks at nothing."""
    row = _checked(store, name, words, class_id, barrier, halls, cases, days)
    most = settings()["watch"]["most"]
    with writing(store.workbench):
        if store.workbench.table("barrier_rules").count_where("account = ?", [account]) >= most:
            raise Conflict(f"最多存 {most} 条规则，请先删掉不用的")
        kept = {**row, "account": account, "created": now(), "seen": ""}
        return int(str(store.workbench.table("barrier_rules").insert(kept, pk="id").last_pk))


def change(
    store: Store, account: str, rule_id: int, name: str = "", words: str = "", class_id: str = "", barrier: str = "",
    halls: int = 0, cases: int = 1, days: int | None = None,
) -> None:  # fmt: skip
    """Replace a rule of the account's own. What it raised goes: it told of another rule. Raises Fault."""
    row = _checked(store, name, words, class_id, barrier, halls, cases, days)
    with writing(store.workbench):
        _own(store, account, rule_id)
        store.workbench.table("barrier_rules").update(rule_id, {**row, "seen": ""})
        store.workbench.table("barrier_notices").delete_where("rule = ?", [rule_id])


def _checked(
    store: Store, name: str, words: str, class_id: str, barrier: str, halls: int, cases: int, days: int | None
) -> dict[str, str]:
    """The row of a rule that can hold. Raises Fault."""
    limits = settings()["watch"]
    days = limits["days"] if days is None else days
    looked = {"words": _plain(words)[: limits["longest"]], "class_id": class_id.strip(), "barrier": barrier.strip()}
    if sum(map(bool, looked.values())) != 1:
        raise Fault("关键词、一类事和壁垒类型，请选一样来关注")
    if looked["class_id"]:
        get(store, looked["class_id"])
    if looked["barrier"]:
        looked["barrier"] = vocabulary.clean("barriers", looked["barrier"]) or ""
        if not looked["barrier"]:
            raise Fault("没有这种壁垒类型")
    if looked["words"] and not _terms(looked["words"]):
        raise Fault("关键词太短，请至少写两个字")
    for label, number, least, most in (("大厅", halls, 0, 1000), ("案例", cases, 1, 100_000), ("天数", days, 1, 3660)):
        if not least <= number <= most:
            raise Fault(f"{label}请写 {least} 到 {most} 之间的数")
    named = _plain(name) or looked["words"] or looked["barrier"] or get(store, looked["class_id"]).title
    rule = {**looked, "halls": halls, "cases": cases, "days": days}
    return {"name": named[: limits["longest"]], "rule": json.dumps(rule, ensure_ascii=False)}


def rules(store: Store, account: str) -> list[Rule]:
    """The rules of an account, the newest first."""
    found = store.workbench.query("select * from barrier_rules where account = ? order by id desc", [account])
    return [_rule(row) for row in found]


def remove(store: Store, account: str, rule_id: int) -> None:
    """Delete a rule of the account's own and what it raised. Raises Missing."""
    with writing(store.workbench):
        _own(store, account, rule_id)
        store.workbench.table("barrier_rules").delete(rule_id)
        store.workbench.table("barrier_notices").delete_where("rule = ?", [rule_id])


def _own(store: Store, account: str, rule_id: int) -> None:
    if rule_id not in {rule.id for rule in rules(store, account)}:
        raise Missing("没有这条规则，可能已经删掉了")


def notices(store: Store, account: str, unseen: bool = False) -> list[Notice]:
    """What the rules of an account raised, the newest first."""
    rows = store.workbench.query(
        "select n.* from barrier_notices n join barrier_rules r on r.id = n.rule where r.account = ? "
        "and (n.seen = '' or not ?) order by n.id desc",
        [account, unseen],
    )
    return [_notice(row) for row in rows]


def notice(store: Store, account: str, notice_id: int | str) -> Notice:
    """One notice of the account's own. Raises Missing."""
    found = next((one for one in notices(store, account) if str(one.id) == str(notice_id)), None)
    if found is None:
        raise Missing("没有这条提醒，可能已经删掉了")
    return found


def mark_seen(store: Store, account: str, notice_id: int | None = None) -> int:
    """Notices of an account were seen: one, or all; how many were new. Raises Missing for one that is not there."""
    with writing(store.workbench):
        own = notices(store, account) if notice_id is None else [notice(store, account, notice_id)]
        fresh = [one.id for one in own if not one.seen]
        for number in fresh:
            store.workbench.table("barrier_notices").update(number, {"seen": now()})
    return len(fresh)


# Evaluating


def after_change(store: Store) -> None:
    """Evaluate all rules after cases were published or withdrawn. Never raises: the publication stands whatever goes
    wrong here, and the next one evaluates again."""
    try:
        evaluate(store)
    except Exception as error:  # a message of SQLite or a text of a case has no place in a log
        log.warning("壁垒规则这次没有核对：%s", type(error).__name__)


def evaluate(store: Store) -> list[Notice]:
    """Raise what the rules of all accounts have to raise; the new notices. Those that nobody has seen yet are brought
    up to date."""
    stamp = store.stamp()
    rows = list(store.workbench.query("select * from barrier_rules order by id"))
    touched = [rule for rule, seen in ((_rule(row), row["seen"]) for row in rows) if _touched(store, rule, seen)]
    holding = [(rule, class_id, within) for rule in touched for class_id, cases in _groups(store, rule).items()
               if (within := _within(rule, cases))]  # fmt: skip
    if not rows:
        return []
    with writing(store.workbench):
        told = [_told(store, rule, class_id, within) for rule, class_id, within in holding]
        looked = json.dumps([row["id"] for row in rows])
        store.workbench.execute("update barrier_rules set seen = ? where id in (select value from json_each(?))",
                                [json.dumps(stamp), looked])  # fmt: skip
    return [one for one in told if one]


def _touched(store: Store, rule: Rule, seen: str) -> bool:
    """Whether a rule has to be looked at again since it was at the stamp `seen`. To look for words in all cases takes
    long: it is done where a case has changed that holds them, or that was told."""
    changed = store.changed_since(json.loads(seen)) if seen and rule.words else None
    if changed is None or len(changed) > MANY:
        return True
    table = store.workbench.table("barrier_notices")
    told = {case_id for row in table.rows_where("rule = ?", [rule.id]) for case_id in _notice(row).case_ids}
    return bool(changed & told) or bool(_holding(store, rule.words, changed))


def _told(store: Store, rule: Rule, class_id: str, cases: Sequence[_Met]) -> Notice | None:
    """Tell that a rule holds for these cases: a new notice, or none where one waits or nothing is new."""
    table = store.workbench.table("barrier_notices")
    earlier = [_notice(row) for row in table.rows_where("rule = ?", [rule.id], order_by="id desc")]
    ids = [case.id for case in sorted(cases, key=lambda case: (case.date, case.id), reverse=True)]
    row = {"rule": rule.id, "class_id": class_id, "at": now(), "text": _text(rule, cases), "seen": "",
           "case_ids": json.dumps(ids)}  # fmt: skip
    waiting = next((one for one in earlier if not one.seen and set(one.case_ids) & set(ids)), None)
    if waiting:
        if set(waiting.case_ids) != set(ids):
            table.update(waiting.id, row)
        return None
    if set(ids) <= {case_id for one in earlier for case_id in one.case_ids}:
        return None
    return _notice({**row, "id": int(str(table.insert(row, pk="id").last_pk))})


def _groups(store: Store, rule: Rule) -> dict[str, list[_Met]]:
    """The cases that a rule looks at, by the class whose notice they make."""
    if rule.class_id:
        rows = store.workbench.query("select case_id from class_members where class_id = ?", [rule.class_id])
        ids = json.dumps([row["case_id"] for row in rows])
        return {rule.class_id: _met(store, "id in (select value from json_each(:ids))", {"ids": ids})}
    if rule.barrier:
        holds = "exists (select 1 from json_each(barriers) where value = :barrier)"
        cases = _met(store, holds, {"barrier": rule.barrier})
        homes = class_of(store, [case.id for case in cases])
        groups: dict[str, list[_Met]] = {}
        for case in cases:
            if case.id in homes:
                groups.setdefault(homes[case.id], []).append(case)
        return groups
    cases = _holding(store, rule.words)
    homes = class_of(store, [case.id for case in cases])
    most = Counter(homes.values()).most_common(1)
    return {most[0][0] if most and 2 * most[0][1] >= len(cases) else "": cases}


def _holding(store: Store, words: str, among: Collection[str] | None = None) -> list[_Met]:
    """The cases that hold all the words; of those `among`, if these are given."""
    terms = {f"word{at}": f"%{_escaped(term)}%" for at, term in enumerate(_terms(words))}
    where = [f"{_TEXT} like :{name} escape '!'" for name in terms]
    if among is None:
        return _met(store, " and ".join(where), terms)
    where = ["id in (select value from json_each(:among))", *where]
    return _met(store, " and ".join(where), {**terms, "among": json.dumps(sorted(among))})


def _met(store: Store, where: str, values: Mapping[str, Any]) -> list[_Met]:
    apart = settings()["lawful"], settings()["outside"]
    fixed = {"lawful": apart[0]["outcome"], "refused": apart[0]["barrier"], "outside": apart[1]["barrier"]}
    rows = store.library.query(
        "select id, coalesce(nullif(hall_code, ''), hall_name) as hall, received, accepted, closed from cases "
        f"where {_COUNTED} and {where}",
        {**fixed, **values},
    )
    dated = [(row, first_day(row["received"], row["accepted"], row["closed"])) for row in rows]
    return [_Met(row["id"], row["hall"] or "", date) for row, date in dated if date]


def _within(rule: Rule, cases: Sequence[_Met]) -> list[_Met]:
    """The cases of the last days if they are enough, else none."""
    last = max((case.date for case in cases), default="")
    found = [case for case in cases if case.date > moved(last, -rule.days)] if last else []
    halls = {case.hall for case in found if case.hall}
    return found if len(found) >= rule.cases and len(halls) >= rule.halls else []


def _text(rule: Rule, cases: Sequence[_Met]) -> str:
    halls = len({case.hall for case in cases if case.hall})
    first, last = min(case.date for case in cases), max(case.date for case in cases)
    return f"“{rule.name}”：{first} 至 {last} 有 {len(cases)} 件，涉及 {halls} 个大厅"


def _notice(row: Mapping[str, Any]) -> Notice:
    return Notice(**{**row, "case_ids": json.loads(row["case_ids"])})


def _rule(row: Mapping[str, Any]) -> Rule:
    said = json.loads(row["rule"])
    return Rule(row["id"], row["account"], row["name"], **said, created=row["created"])


def _terms(text: str) -> list[str]:
    """The words that a case must hold: 网签历史遗留 → 网签, 历史, 遗留; what falls into single characters stays whole:
    刷脸."""
    found = []
    for piece in re.findall(r"\w+", words.fold(text)):
        single = words.content_words(piece)
        long = [word.text for word in single if len(word.text) > 1]
        found += long or ([piece] if single and len(piece) > 1 else [])
    return list(dict.fromkeys(found))


def _escaped(term: str) -> str:
    return "".join(f"!{char}" if char in "!%_" else char for char in term)


def _plain(text: str) -> str:
    """`text` in one line as it may be kept."""
    plain = " ".join(text.encode(errors="replace").decode().replace("\0", "").split())
    return redact_text(plain) if plain else ""
