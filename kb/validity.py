"""Which rules are marked as repealed anywhere in the library, and what leans on a rule."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .fields import documents
from .store import Store

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
    found = documents.find(rule, bare_titles=True)
    asked = {"title": found[0].title, "doc_no": found[0].doc_no} if found else {"title": rule, "doc_no": ""}
    wanted = [asked, {"title": rule, "doc_no": ""}, {"title": "", "doc_no": rule}]

    def leans(basis: str) -> bool:
        return any(same(entry, each) for entry in json.loads(basis or "[]") for each in wanted)

    cases = store.library.query("select id, basis from cases where state = 'published' and basis > '[]' order by id")
    books = store.library.query(
        "select id, json_extract(data, '$.basis') as basis from playbooks where data is not null order by id"
    )
    return Leaning([row["id"] for row in cases if leans(row["basis"])],
                   [row["id"] for row in books if leans(row["basis"])])  # fmt: skip


def repealed(store: Store) -> list[dict[str, Any]]:
    """Rules that a published case or a playbook marks as no longer valid: [{title, doc_no}]."""
    place = str(store.settings.library_path)
    written = next(store.library.query("select coalesce(sum(revision), 0) as n from playbooks"))["n"]
    state = store.version(), int(written)
    if place not in _known or _known[place][0] != state:
        _known[place] = state, list(_repealed(store))
    return _known[place][1]


def fallen(basis: Iterable[Mapping[str, Any]], gone: Iterable[Mapping[str, Any]]) -> list[int]:
    """Positions in `basis` of rules that are marked as repealed there or are among `gone`."""
    lost = list(gone)
    return [at for at, rule in enumerate(basis)
            if rule.get("valid") is False or any(same(rule, each) for each in lost)]  # fmt: skip


def _repealed(store: Store) -> Iterable[dict[str, Any]]:
    rows = store.library.query(
        "select distinct json_extract(value, '$.title') as title, json_extract(value, '$.doc_no') as doc_no "
        "from cases, json_each(cases.basis) where cases.state = 'published' "
        "and instr(cases.basis, '\"valid\": false') and json_extract(value, '$.valid') = 0 "
        "union select json_extract(value, '$.title'), json_extract(value, '$.doc_no') "
        "from playbooks, json_each(playbooks.data, '$.basis') where json_extract(value, '$.valid') = 0 "
        "order by 1, 2"
    )
    for row in rows:
        yield {name: row[name] or "" for name in ("title", "doc_no")}


def _plain(text: Any) -> str:
    """A title or number in one spelling: no brackets, spaces or wide characters."""
    return re.sub(r"[\s《》〈〉<>〔〕\[\]【】()（）]|第(?=\d)", "", str(text or "")).lower()
