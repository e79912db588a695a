"""Cases for programs: list, one case, its revisions."""

from __future__ import annotations

from typing import Any

from ..errors import Missing
from ..model import Case, from_row
from . import browse
from .api import Answer, Call, Handler
from .pages import revisions, withdrawal
from .shell import Library


async def list_cases(call: Call) -> dict[str, Any]:
    """Published cases by filters, newest first, page by page; whole, as exports give them."""
    filters = {name: value for name, value in call.query.items() if name in browse.FILTERS and value}
    found = await browse.listing(call.library, filters, call.query["page"], call.query["per_page"])
    return {"ok": True, "total": found.total, "page": found.page, "pages": found.pages,
            "cases": [case.to_dict() for case in found.cases]}  # fmt: skip


async def show_case(call: Call) -> Any:
    case = await _case(call.library, call.path["id"])
    if case.state == "withdrawn":
        return Answer(await gone(call.library, case), 410)
    return {"ok": True, "case": case.to_dict()}


async def case_revisions(call: Call) -> Any:
    """Who changed what and when; of a withdrawn case too: its tombstone says as much."""
    case = await _case(call.library, call.path["id"])
    entries = await revisions(call.library, case.id)
    return {"ok": True, "id": case.id, "state": case.state, "revisions": entries}


async def _case(library: Library, case_id: str) -> Case:
    rows = await library.rows("select * from cases where id = :id and state in ('published', 'withdrawn')",
                              {"id": case_id})  # fmt: skip
    if not rows:
        raise Missing("没有这个编号的案例")
    return from_row(rows[0])


async def gone(library: Library, case: Case) -> dict[str, Any]:
    """What is said of a withdrawn case: when and why, and nothing of what it told."""
    last = await withdrawal(library, case.id)
    return {"ok": False, "status": 410, "error": "该案例已出库", "id": case.id, "reason": last["note"] or "",
            "at": last["at"]}  # fmt: skip


HANDLERS: dict[str, Handler] = {"listCases": list_cases, "showCase": show_case, "listRevisions": case_revisions}
ROUTES: list[tuple[str, Any]] = []
