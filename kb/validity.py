"""Which rules have changed, as people said of them or as any case or playbook marks them, and what leans on a rule."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from .editing import tidy
from .errors import Fault
from .fields import dates, documents
from .model import Case
from .privacy import redact_text
from .store import Store, now, writing

#: What may become of a rule.
REPEALED, AMENDED = CHANGES = ("废止", "修订")
MOST = 300  # characters of a rule's name, and of a remark
#: Library file → the state it was in (version of its cases, versions of all playbooks) and the rules repealed then.
_known: dict[str, tuple[tuple[int, int], list[dict[str, Any]]]] = {}


@dataclass(frozen=True)
class Leaning:
    """Ids of the published cases and of the playbooks that rely on a rule."""

    case_ids: list[str] = field(default_factory=list)
    playbook_ids: list[str] = field(default_factory=list)


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two entries of `basis` name one rule: by number where both have one, else by title."""
    numbers = [_plain(rule.get("doc_no")) for rule in (one, other)]
    if all(numbers):
        return numbers[0] == numbers[1]
    names = [_plain(rule.get("title")) for rule in (one, other)]
    return bool(names[0]) and names[0] == names[1]


def leaning(store: Store, rule: str) -> Leaning:
    """What leans on a rule, named by its number or its title."""
    wanted = [named(rule), {"title": rule, "doc_no": ""}, {"title": "", "doc_no": rule}]

    def leans(basis: str) -> bool:
        return any(same(entry, each) for entry in json.loads(basis or "[]") for each in wanted)

    cases = store.library.query("select id, basis from cases where state = 'published' and basis > '[]' order by id")
    books = store.workbench.query(
        "select id, json_extract(data, '$.basis') as basis from playbooks where data is not null order by id"
    )
    return Leaning([row["id"] for row in cases if leans(row["basis"])],
                   [row["id"] for row in books if leans(row["basis"])])  # fmt: skip


def declare(store: Store, rule: str, change: str, since: str = "", note: str = "", by: str = "") -> dict[str, str]:
    """Say that a rule, named by its title or number, was repealed or amended; an empty `change` takes that back.
    Raises Fault."""
    asked = named(tidy(rule, one_line=True))
    if not any(asked.values()) or len(rule) > MOST:
        raise Fault(f"请写文件的名称或文号，至多 {MOST} 字")
    if change and change not in CHANGES:
        raise Fault("变动应为：" + "、".join(CHANGES))
    day = dates.parse_date(since)
    when = day.isoformat() if day else dates.reduced_date(since) or ""
    if since.strip() and not when:
        raise Fault("看不懂这个日期，请写成 2024-03-15 这样")
    key = _plain(asked["doc_no"]) or _plain(asked["title"])
    asked["title"] = redact_text(asked["title"])
    said = {**asked, "change": change, "since": when, "note": redact_text(tidy(note, one_line=True)[:MOST])}
    with writing(store.library):
        store.library.table("rules").delete_where("key = ?", [key])
        if change:
            store.library.table("rules").insert({"key": key, **said, "at": now(), "by": by})
    return said


def changed(store: Store) -> list[dict[str, str]]:
    """Rules that changed: [{title, doc_no, change, since, note}], first those that people declared, then those that a
    published case or a playbook marks as no longer valid."""
    declared = store.library.query("select title, doc_no, change, since, note from rules order by key")
    return [*declared, *({**rule, "change": REPEALED, "since": "", "note": ""} for rule in _marked(store))]


def _marked(store: Store) -> list[dict[str, Any]]:
    """Rules that a published case or a playbook marks as no longer valid."""
    place = str(store.settings.library_path)
    written = next(store.workbench.query("select coalesce(sum(revision), 0) as n from playbooks"))["n"]
    state = store.version(), int(written)
    if place not in _known or _known[place][0] != state:
        _known[place] = state, list(_repealed(store))
    return _known[place][1]


def fallen(basis: Iterable[Mapping[str, Any]], changes: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    """Position in `basis` of a rule that is marked as repealed there, or is among `changes` → what became of it."""
    known, found = list(changes), {}
    for at, rule in enumerate(basis):
        change = next((each for each in known if same(rule, each)), None)
        if change and (change["since"] or change["change"] == AMENDED):
            found[at] = f"{change['since']} 已{change['change']}".strip()
        elif rule.get("valid") is False:
            found[at] = "已废止"
        elif change:
            found[at] = "别处记为已废止"
        if at in found and change and change["note"]:
            found[at] += f"：{change['note']}"
    return found


def marker(changes: Iterable[Mapping[str, Any]]) -> Callable[[Case], Case]:
    """What writes into the basis of a case what became of its rules: `change`, as in `fallen`, where there is
    something to say, and `valid` false for what was repealed."""
    known = list(changes)

    @cache  # a large library names the same few rules again and again
    def said(title: str, doc_no: str, valid: bool | None) -> str:
        return fallen([{"title": title, "doc_no": doc_no, "valid": valid}], known).get(0, "")

    def marked(rule: dict[str, Any]) -> dict[str, Any]:
        change = said(rule.get("title") or "", rule.get("doc_no") or "", rule.get("valid"))
        repealed = change.partition("：")[0].endswith(REPEALED)  # a remark follows the colon
        return {**rule, "change": change, "valid": False if repealed else rule.get("valid")} if change else rule

    return lambda case: replace(case, basis=[marked(rule) for rule in case.basis])


def leaned(store: Store, text: str = "", most: int = 100) -> list[dict[str, Any]]:
    """Rules that published cases and playbooks rely on, those that changed first, then the most used: [{title, doc_no,
    cases, playbooks, change}] (`change`: as in `fallen`, else empty). `text`: only those whose title or number holds
    it."""
    rule = "select json_extract(value, '$.title') as title, json_extract(value, '$.doc_no') as doc_no"
    count: dict[str, dict[str, Any]] = {}
    for kind, rows in (
        ("cases", store.library.query(f"{rule} from cases, json_each(basis) where state = 'published'")),
        ("playbooks", store.workbench.query(f"{rule} from playbooks, json_each(data, '$.basis')")),
    ):
        for row in rows:
            title, doc_no = row["title"] or "", row["doc_no"] or ""
            key = _plain(doc_no) or _plain(title)
            if key and _plain(text) in _plain(title + doc_no):
                one = count.setdefault(key, {"title": title, "doc_no": doc_no, "cases": 0, "playbooks": 0})
                one["title"] = one["title"] or title
                one[kind] += 1
    changes = changed(store)
    told = {_plain(one["doc_no"]) or _plain(one["title"]) for one in changes}
    ranked = sorted(count.items(), key=lambda entry: (entry[0] not in told, -entry[1]["cases"] - entry[1]["playbooks"],
                                                      entry[0]))  # fmt: skip
    found = [one for _, one in ranked]
    return [{**one, "change": fallen([one], changes).get(0, "")} for one in found[:most]]


def _repealed(store: Store) -> Iterable[dict[str, Any]]:
    rule = "select distinct json_extract(value, '$.title') as title, json_extract(value, '$.doc_no') as doc_no "
    cases = store.library.query(
        f"{rule} from cases, json_each(cases.basis) where cases.state = 'published' "
        "and instr(cases.basis, '\"valid\": false') and json_extract(value, '$.valid') = 0"
    )
    books = store.workbench.query(
        f"{rule} from playbooks, json_each(playbooks.data, '$.basis') where json_extract(value, '$.valid') = 0"
    )
    found = {(row["title"] or "", row["doc_no"] or "") for row in (*cases, *books)}
    for title, doc_no in sorted(found):
        yield {"title": title, "doc_no": doc_no}


def named(rule: str) -> dict[str, str]:
    """Title and number of a rule that somebody names."""
    found = documents.find(rule, bare_titles=True)
    return {"title": found[0].title, "doc_no": found[0].doc_no} if found else {"title": rule.strip(), "doc_no": ""}


def _plain(text: Any) -> str:
    """A title or number in one spelling: no brackets, spaces or wide characters."""
    bare = re.sub(r"[\s《》〈〉<>〔〕\[\]【】()（）]", "", str(text or ""))
    return re.sub(r"第(?=\d)", "", bare).lower()
