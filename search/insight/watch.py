"""Barrier rules that staff save (“网签历史遗留，90 天内至少 3 个大厅”) and the notices that they raise.

A rule looks at the cases of a class, of a barrier type, or that hold words; it holds if enough of them came to enough
halls within so many days up to the newest of them. A barrier type is looked at class by class; words make one group.
Rules are evaluated whenever published cases changed. A notice is raised once for a rule and a class until it is seen,
and afterwards only when a case came since. Limits lie in ``radar.yml``.
"""

from __future__ import annotations

import datetime
import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kb import vocabulary
from kb.errors import Conflict, Fault, Missing
from kb.privacy import redact_text
from kb.store import Store, now, writing

from .. import words
from .barriers import settings
from .changes import day, moved
from .classes import class_of, get

log = logging.getLogger(__name__)

KINDS = ("words", "class_id", "barrier")
_TEXT = "title || ' ' || matter || ' ' || matter_standard || ' ' || obstacle || ' ' || demand"
_DATE = "coalesce(nullif(received, ''), nullif(accepted, ''), closed)"
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
    """What a rule raised: `class_id` is empty where its cases are in no class; `seen` is empty until it was."""

    id: int
    rule: int
    class_id: str
    at: str
    text: str
    seen: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Met:
    """A case that a rule looks at."""

    id: str
    hall: str
    date: str
    created: str


# Keeping


def add(
    store: Store, account: str, name: str = "", words: str = "", class_id: str = "", barrier: str = "",
    halls: int = 0, cases: int = 1, days: int | None = None,
) -> int:  # fmt: skip
    """Keep a rule; returns its id. Raises Fault for one that cannot hold or looks at nothing."""
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
    with writing(store.workbench):
        if store.workbench.table("barrier_rules").count_where("account = ?", [account]) >= limits["most"]:
            raise Conflict(f"最多存 {limits['most']} 条规则，请先删掉不用的")
        row = {"account": account, "name": named[: limits["longest"]], "rule": json.dumps(rule, ensure_ascii=False),
               "created": now(), "seen": ""}  # fmt: skip
        return int(str(store.workbench.table("barrier_rules").insert(row, pk="id").last_pk))


def rules(store: Store, account: str) -> list[Rule]:
    """The rules of an account, the newest first."""
    found = store.workbench.query("select * from barrier_rules where account = ? order by id desc", [account])
    return [_rule(row) for row in found]


def remove(store: Store, account: str, rule_id: int) -> None:
    """Delete a rule of the account's own and what it raised. Raises Missing."""
    with writing(store.workbench):
        if rule_id not in {rule.id for rule in rules(store, account)}:
            raise Missing("没有这条规则，可能已经删掉了")
        store.workbench.table("barrier_rules").delete(rule_id)
        store.workbench.table("barrier_notices").delete_where("rule = ?", [rule_id])


def notices(store: Store, account: str, unseen: bool = False) -> list[Notice]:
    """What the rules of an account raised, the newest first."""
    rows = store.workbench.query(
        "select n.* from barrier_notices n join barrier_rules r on r.id = n.rule where r.account = ? "
        "and (n.seen = '' or not ?) order by n.id desc",
        [account, unseen],
    )
    return [Notice(**{name: row[name] for name in ("id", "rule", "class_id", "at", "text", "seen")}) for row in rows]


def mark_seen(store: Store, account: str, notice_id: int | None = None) -> int:
    """Notices of an account were seen: one, or all; how many were new. Raises Missing for one that is not there."""
    with writing(store.workbench):
        own = notices(store, account)
        if notice_id is not None and notice_id not in {one.id for one in own}:
            raise Missing("没有这条提醒，可能已经删掉了")
        fresh = [one.id for one in own if not one.seen and notice_id in (None, one.id)]
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
    """Raise what the rules of all accounts have to raise; the new notices."""
    everything = [_rule(row) for row in store.workbench.query("select * from barrier_rules order by id")]
    raised = []
    for rule in everything:
        for class_id, cases in _groups(store, rule).items():
            within = _within(rule, cases)
            if within and not _known(store, rule, class_id, within):
                text = _text(rule, within)
                raised.append({"rule": rule.id, "class_id": class_id, "at": now(), "text": text, "seen": ""})
    if raised:
        with writing(store.workbench):
            for row in raised:
                row["id"] = int(str(store.workbench.table("barrier_notices").insert(row, pk="id").last_pk))
    return [Notice(**row) for row in raised]  # type: ignore[arg-type]


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
    terms = {f"word{at}": f"%{_escaped(term)}%" for at, term in enumerate(_terms(rule.words))}
    where = " and ".join(f"{_TEXT} like :{name} escape '!'" for name in terms)
    cases = _met(store, where, terms)
    homes = class_of(store, [case.id for case in cases])
    most = Counter(homes.values()).most_common(1)
    return {most[0][0] if most and 2 * most[0][1] >= len(cases) else "": cases}


def _met(store: Store, where: str, values: Mapping[str, Any]) -> list[_Met]:
    apart = settings()["lawful"], settings()["outside"]
    fixed = {"lawful": apart[0]["outcome"], "refused": apart[0]["barrier"], "outside": apart[1]["barrier"]}
    rows = store.library.query(
        f"select id, coalesce(nullif(hall_code, ''), hall_name) as hall, {_DATE} as date, created from cases "
        f"where {_COUNTED} and {where}",
        {**fixed, **values},
    )
    today = datetime.date.today().isoformat()
    found = [_Met(row["id"], row["hall"] or "", day(row["date"]), row["created"] or "") for row in rows]
    return [case for case in found if case.date and case.date <= today]


def _within(rule: Rule, cases: Sequence[_Met]) -> list[_Met]:
    """The cases of the last days if they are enough, else none."""
    last = max((case.date for case in cases), default="")
    found = [case for case in cases if case.date > moved(last, -rule.days)] if last else []
    halls = {case.hall for case in found if case.hall}
    return found if len(found) >= rule.cases and len(halls) >= rule.halls else []


def _known(store: Store, rule: Rule, class_id: str, cases: Iterable[_Met]) -> bool:
    """Whether that was said: a notice waits to be seen, or no case came since the last one."""
    rows = store.workbench.query(
        "select seen, at from barrier_notices where rule = ? and class_id = ? order by id desc limit 1",
        [rule.id, class_id],
    )
    last = next(iter(rows), None)
    return last is not None and (not last["seen"] or max(case.created for case in cases) <= last["at"])


def _text(rule: Rule, cases: Sequence[_Met]) -> str:
    halls = len({case.hall for case in cases if case.hall})
    first, last = min(case.date for case in cases), max(case.date for case in cases)
    return f"“{rule.name}”：{first} 至 {last} 有 {len(cases)} 件，涉及 {halls} 个大厅"


def _rule(row: Mapping[str, Any]) -> Rule:
    said = json.loads(row["rule"])
    return Rule(row["id"], row["account"], row["name"], **said, created=row["created"])


def _terms(text: str) -> list[str]:
    """The words that a case must hold: 网签历史遗留 → 网签, 历史, 遗留."""
    return list(dict.fromkeys(word.text for word in words.content_words(text) if len(word.text) > 1))


def _escaped(term: str) -> str:
    return "".join(f"!{char}" if char in "!%_" else char for char in term)


def _plain(text: str) -> str:
    """`text` in one line as it may be kept."""
    plain = " ".join(text.encode(errors="replace").decode().replace("\0", "").split())
    return redact_text(plain) if plain else ""
