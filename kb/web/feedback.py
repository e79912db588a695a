"""What came of a precedent, in the API: 用上了, or 不适用 with the reason, and the counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .. import feedback
from ..errors import Missing
from ..feedback import Standing
from .api import Call, Handler
from .shell import Library

ROUTES: list[tuple[str, Any]] = []


async def standings(library: Library, ids: Iterable[str], actor: dict[str, Any] | None) -> dict[str, Standing]:
    """What `_kb_feedback.html` shows, by case id, as `actor` sees it."""
    wanted, account = list(ids), actor["id"] if actor else ""
    return await library.store(lambda store: feedback.standings(store, wanted, account))


async def _published(call: Call) -> str:
    case_id = str(call.path["id"])
    if not await call.library.rows("select 1 from cases where state = 'published' and id = :id", {"id": case_id}):
        raise Missing("没有这个案例，或已出库")
    return case_id


async def _give(call: Call) -> dict[str, Any]:
    case_id, actor, said = await _published(call), call.actor, call.body
    assert actor is not None  # `x-right`
    await call.library.store(
        lambda store: feedback.give(
            store, case_id, actor, said["kind"], said.get("reason", ""), said.get("note", ""), said.get("question", "")
        )
    )
    return {**await _counts(call), "location": f"/case/{case_id}"}


async def _counts(call: Call) -> dict[str, Any]:
    case_id = await _published(call)
    found = (await standings(call.library, [case_id], call.actor)).get(case_id, Standing())
    return {"ok": True, "halls": found.halls, "unsuited": found.unsuited, "mine": found.mine, "reason": found.reason,
            "said": found.said}  # fmt: skip


HANDLERS: dict[str, Handler] = {"giveFeedback": _give, "feedbackOfCase": _counts}
