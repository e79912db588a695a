"""Hidden barriers for programs: the ranking, one, comparisons, who waits for whom, the report, rules and notices."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from datasette import Response

from kb.store import Store
from kb.web.api import Answer, Call, Handler

from .insight import barriers, comparison, numbers, pictures, prerequisites, report, report_files, watch

SCOPE = ("since", "until", "region")
RULE = ("name", "words", "class_id", "barrier", "halls", "cases", "days")


async def _all(call: Call) -> dict[str, Any]:
    asked = _wanted(call)
    found = await call.library.store(lambda store: barriers.radar(store, **asked))
    return found.to_dict()


async def _one(call: Call) -> dict[str, Any]:
    asked, number = _wanted(call), call.path["id"]

    def work(store: Store) -> dict[str, Any]:
        one, ranked = numbers.subject(store, number, asked)
        told, facts = numbers.told(store, one, ranked)
        return {"class": one.to_dict(), "verdict": told.to_dict(), "history": asdict(pictures.history(facts, told)),
                "barrier": ranked.to_dict() if ranked else None}  # fmt: skip

    return await call.library.store(work)


async def _compare(call: Call) -> dict[str, Any]:
    asked = _wanted(call)
    found = await call.library.store(lambda store: comparison.comparisons(store, **asked))
    return {"comparisons": [one.to_dict() for one in found]}


async def _who_waits(call: Call) -> dict[str, Any]:
    asked = _wanted(call)
    found = await call.library.store(lambda store: prerequisites.of_scope(store, **asked))
    return found.to_dict()


async def _report(call: Call) -> Response:
    asked, form = _wanted(call), call.query["format"]
    made = await call.library.store(lambda store: report.make(store, **asked))
    headers = {
        "Content-Disposition": f"attachment; filename=\"barriers.{form}\"; "
        f"filename*=UTF-8''{quote(f'{made.name}.{form}', safe='')}",
        "Cache-Control": "no-store",
    }
    content = await asyncio.to_thread(report_files.write, made, form)
    return Response(content, headers=headers, content_type=report_files.TYPES[form])


async def _rules(call: Call) -> dict[str, Any]:
    account = _account(call)
    found = await call.library.store(lambda store: watch.rules(store, account))
    return {"rules": [rule.to_dict() for rule in found]}


async def _add_rule(call: Call) -> Answer:
    account, said = _account(call), call.body

    def work(store: Store) -> int:
        made = watch.add(store, account, **{name: said[name] for name in RULE if name in said})
        watch.evaluate(store)
        return made

    return Answer({"ok": True, "id": await call.library.store(work), "location": "/barriers/watch"}, 201)


async def _change_rule(call: Call) -> dict[str, Any]:
    account, said = _account(call), call.body

    def work(store: Store) -> None:
        watch.change(store, account, call.path["id"], **{name: said[name] for name in RULE if name in said})
        watch.evaluate(store)

    await call.library.store(work)
    return {"ok": True, "location": "/barriers/watch"}


async def _remove_rule(call: Call) -> dict[str, Any]:
    account = _account(call)
    await call.library.store(lambda store: watch.remove(store, account, call.path["id"]))
    return {"ok": True, "location": "/barriers/watch"}


async def _notices(call: Call) -> dict[str, Any]:
    account = _account(call)
    found = await call.library.store(lambda store: watch.notices(store, account, bool(call.query["unseen"])))
    return {"notices": [one.to_dict() for one in found]}


async def _seen(call: Call) -> dict[str, Any]:
    account = _account(call)
    number = (call.body or {}).get("id")
    seen = await call.library.store(lambda store: watch.mark_seen(store, account, number))
    return {"ok": True, "seen": seen, "location": "/barriers/watch"}


def _account(call: Call) -> str:
    assert call.actor is not None  # `x-right`
    return str(call.actor["id"])


def _wanted(call: Call) -> dict[str, str]:
    return {name: call.query[name] or "" for name in SCOPE}


ROUTES: list[tuple[str, Any]] = []
HANDLERS: dict[str, Handler] = {
    "listBarriers": _all, "getBarrier": _one, "compareBarriers": _compare, "listPrerequisites": _who_waits,
    "barrierReport": _report, "listBarrierRules": _rules, "addBarrierRule": _add_rule,
    "changeBarrierRule": _change_rule, "removeBarrierRule": _remove_rule, "listBarrierNotices": _notices,
    "seeBarrierNotices": _seen,
}  # fmt: skip
