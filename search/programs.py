"""Searching for programs: /api/v1/search, in the address, in the body or in batches, suggestions, similar cases."""

from __future__ import annotations

from typing import Any

from kb.errors import Missing
from kb.model import from_row
from kb.web.api import Call, Handler

from . import asking
from .explanation import region_name
from .folding import line


async def _search(call: Call) -> dict[str, Any]:
    return await _answer(call, call.query)


async def _search_body(call: Call) -> dict[str, Any]:
    return await _answer(call, call.body)


async def _answer(call: Call, said: Any) -> dict[str, Any]:
    filters, k = asking.chosen(said), said.get("k") or asking.RESULTS
    literally = bool(said.get("literally"))
    return await asking.find(call.library, said.get("q") or "", k, filters, literally, asking.home(call.actor))


async def _batch(call: Call) -> dict[str, Any]:
    """Question by question, so that clerks at their windows come in between."""
    filters, k = asking.chosen(call.body), call.body.get("k") or asking.RESULTS
    answers = []
    for asked in call.body["queries"]:
        answer = await asking.find(call.library, asked["query"], k, filters, False, asking.home(call.actor))
        answers.append(line(asked["qid"], answer, k))
    return {"ok": True, "answers": answers}


async def _suggest(call: Call) -> dict[str, Any]:
    return {"suggestions": await asking.suggestions(call.library, call.query["q"].strip())}


async def _similar(call: Call) -> dict[str, Any]:
    sql = "select * from cases where state = 'published' and id = :id"
    rows = await call.library.rows(sql, {"id": call.path["id"]})
    if not rows:
        raise Missing("没有这个案例，或已出库")
    case, k = from_row(rows[0]), call.query["k"]
    found = await asking.in_thread(call.library.settings, lambda searcher: searcher.similar(case, k))
    return {
        "ok": True,
        "similar": [
            {"id": one.id, "title": one.title, "region": region_name(one), "outcome": one.outcome, "reason": reason}
            for one, reason in found
        ],
    }


ROUTES: list[tuple[str, Any]] = []
HANDLERS: dict[str, Handler] = {
    "search": _search, "searchBody": _search_body, "searchBatch": _batch, "suggest": _suggest,
    "similarCases": _similar,
}  # fmt: skip
