"""Watches: a search or a filter that an account keeps, and the published cases that came since it last looked.

With a question those count that are graded 同类先例 or 仅供参考; with filters alone all that pass. Limits lie in
``watches.yml``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kb.errors import Conflict, Fault, Missing
from kb.privacy import redact_text
from kb.store import Store, now, writing
from kb.web import browse

from . import asking
from .calibration import NONE
from .engine import Filters
from .filters import checked
from .precedents import Precedents


@cache
def settings() -> dict[str, Any]:
    """The content of ``watches.yml``."""
    path = Path(__file__).parent / "watches.yml"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True)
class Watch:
    """A kept search: `filters` are those of the search page, without a `question` those of the pages of cases;
    `seen` is the time of the newest case that was there when its owner last looked."""

    id: int
    name: str
    question: str
    filters: dict[str, str]
    created: str
    seen: str


# Keeping (workbench.db)


def add(store: Store, account: str, name: str, question: str, filters: Mapping[str, str]) -> int:
    """Keep a search; returns its id. Raises Fault."""
    asked = _safe(question)[: settings()["longest_question"]]
    kept = _filters(asked, filters)
    named = _safe(name) or asked or "、".join(kept.values())
    row = {"account": account, "name": named[: settings()["longest_name"]], "question": asked,
           "filters": json.dumps(kept, ensure_ascii=False), "created": now(), "seen": newest(store)}  # fmt: skip
    with writing(store.workbench):
        if store.workbench.table("watches").count_where("account = ?", [account]) >= settings()["most"]:
            raise Conflict(f"最多关注 {settings()['most']} 项，请先删掉不用的")
        return int(str(store.workbench.table("watches").insert(row, pk="id").last_pk))


def _safe(text: str) -> str:
    """`text` in one line as it may be kept; what is no character of UTF-8 becomes a sign that fits nothing."""
    plain = " ".join(text.encode(errors="replace").decode().replace("\0", "").split())
    return redact_text(plain) if plain else ""


def _filters(question: str, filters: Mapping[str, str]) -> dict[str, str]:
    """The filters that mean something: there must be one where there is no question. Raises Fault."""
    known = asking.FILTERS if question else tuple(browse.FILTERS)
    unknown = sorted(set(filters) - set(known))
    if unknown:
        raise Fault(f"不认识的筛选条件：{'、'.join(unknown)[:100]}")
    plain = {name: value.encode(errors="replace").decode().strip() for name, value in filters.items()}
    given = {name: value[: asking.LONGEST_VALUE] for name, value in plain.items() if value}
    if question:
        return {name: value for name, value in asdict(checked(Filters(**given))).items() if value}
    if not given:
        raise Fault("先查一件事，或选一个筛选条件，再关注")
    return given


def of(store: Store, account: str) -> list[Watch]:
    """All that an account watches, the newest first."""
    rows = store.workbench.query("select * from watches where account = ? order by id desc", [account])
    return [_watch(row) for row in rows]


def get(store: Store, account: str, watch_id: int) -> Watch:
    """One of the account's own. Raises Missing."""
    sql = "select * from watches where account = ? and id = ?"
    rows = list(store.workbench.query(sql, [account, watch_id]))
    if not rows:
        raise Missing("没有这项关注，可能已经删掉了")
    return _watch(rows[0])


def remove(store: Store, account: str, watch_id: int) -> None:
    get(store, account, watch_id)
    with writing(store.workbench):
        store.workbench.table("watches").delete_where("account = ? and id = ?", [account, watch_id])


def mark_seen(store: Store, account: str, watch_id: int, seen: str) -> None:
    """What came up to the time `seen` (as `newest` gave it) is no longer new; time never runs back."""
    watch = get(store, account, watch_id)
    until = min(max(seen, watch.seen), newest(store))
    with writing(store.workbench):
        store.workbench.table("watches").update(watch_id, {"seen": until})


def newest(store: Store) -> str:
    """When the newest of the published cases came; empty where there is none."""
    found = store.library.execute("select max(created) from cases where state = 'published'").fetchone()[0]
    return str(found or "")


def _watch(row: Mapping[str, Any]) -> Watch:
    return Watch(row["id"], row["name"], row["question"], json.loads(row["filters"]), row["created"], row["seen"])


# Looking


#: (data folder, version of the library, what is watched) → ids. Counting is free until the library changes.
_known: dict[tuple[Any, ...], list[str]] = {}
_MOST_KNOWN = 5000


def new_cases(searcher: Precedents, watch: Watch) -> list[str]:
    """Ids of the published cases that came since the owner of `watch` last looked, the most fitting first."""
    store = searcher.store
    if newest(store) <= watch.seen:
        return []
    key = (searcher.settings, store.version(), watch.question, tuple(watch.filters.items()), watch.seen)
    if key in _known:
        return _known[key]
    behind = searcher.engine.problem(store)  # the index has yet to take over what is new: it is asked again
    found = _fitting(searcher, watch)
    if not behind:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[key] = found
    return found


def _fitting(searcher: Precedents, watch: Watch) -> list[str]:
    if not watch.question:
        return _passing(searcher.store, watch)
    answer = searcher.find(watch.question, settings()["looked_at"], Filters(**watch.filters))
    near = [result for result in answer["results"] if result["grade"] != NONE]
    ids = [one["id"] for result in near for one in (result, *result["alike"])]
    return _since(searcher.store, ids, watch.seen)


def _since(store: Store, ids: Iterable[str], seen: str) -> list[str]:
    wanted = list(ids)
    sql = "select id from cases where state = 'published' and created > ? and id in (select value from json_each(?))"
    found = {row["id"] for row in store.library.query(sql, [seen, json.dumps(wanted)])}
    return [one for one in wanted if one in found]


def _passing(store: Store, watch: Watch) -> list[str]:
    conditions = " and ".join(browse.FILTERS[name] for name in watch.filters if name in browse.FILTERS)
    new = "state = 'published' and created > :seen"
    sql = f"select id from cases where {new} and {conditions} order by created desc, id"
    return [row["id"] for row in store.library.query(sql, {**watch.filters, "seen": watch.seen})]
