"""Pages of the ground floor: browsing by facets, a case, its tombstone."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from typing import TYPE_CHECKING, Any

from datasette import Request, Response

from ..hookspecs import Panel
from ..model import Case, from_row
from ..plugins import manager
from ..vocabulary import labels
from . import browse, compat
from .shell import Library, address, render, the_library

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

log = logging.getLogger(__name__)
CASE_PATTERN = r"^/case/(?P<id>[^/.]{1,80})(?P<json>\.json)?$"


async def cases_page(datasette: Datasette, request: Request) -> Response:
    """/cases: all published cases, by facets and page by page."""
    library = the_library(datasette)
    filters = browse.chosen(request.args)
    number = (request.args.get("page") or "1")[:9]
    page = int(number) if number.isascii() and number.isdigit() else 1
    found = await browse.listing(library, filters, page)
    facets = await browse.facets(library, filters)

    def link(page: int = 1, **changes: str) -> str:
        return address(datasette, "/cases", **{**filters, **changes}, page=page if page > 1 else "")

    return await render(datasette, request, "kb_cases.html",
                        {"found": found, "facets": facets, "filters": filters, "link": link})  # fmt: skip


async def case_page(datasette: Datasette, request: Request) -> Response:
    """/case/ID: one case; 410 with a tombstone when it was withdrawn. With .json: the fields as exported."""
    library = the_library(datasette)
    rows = await library.rows("select * from cases where id = :id", {"id": request.url_vars["id"]})
    if not rows or rows[0]["state"] not in ("published", "withdrawn"):
        raise compat.NotFound("no such case")
    case = from_row(rows[0])
    as_json = bool(request.url_vars["json"])
    history = await revisions(library, case.id)
    if case.state == "withdrawn":
        last = next((entry for entry in history if entry["action"] == "withdraw"), {"at": "", "note": ""})
        if as_json:
            return _json({"ok": False, "id": case.id, "state": case.state, "error": "该案例已出库",
                          "reason": last["note"], "at": last["at"]}, 410)  # fmt: skip
        return await render(datasette, request, "kb_tombstone.html", {"case_id": case.id, "last": last}, 410)
    if as_json:
        return _json(case.to_dict())
    context = {
        "case": case,
        "history": history,
        "twins": await _twins(library, case),
        "panels": await asyncio.to_thread(_panels, library, case),
        "removed": _removed(case),
        "source_url": _web_address(case.source.get("url", "")),
    }
    return await render(datasette, request, "kb_case.html", context)


def _json(data: dict[str, Any], status: int = 200) -> Response:
    text = json.dumps(data, ensure_ascii=False)
    return Response(text, status=status, content_type="application/json; charset=utf-8")


async def revisions(library: Library, case_id: str) -> list[dict[str, Any]]:
    """The history of a case, newest first: revision, at, action, note, changed [label]. No old texts."""
    rows = await library.rows(
        "select revision, at, action, note, changed from revisions "
        "where case_id = :id order by revision desc",
        {"id": case_id},
    )
    names = labels()
    for row in rows:
        row["changed"] = [names.get(name, name) for name in json.loads(row["changed"] or "[]")]
    return rows


async def _twins(library: Library, case: Case) -> list[Case]:
    """Published cases that tell the same matter as `case`, by `duplicate_of` in either direction."""
    rows = await library.rows(
        "select * from cases where state = 'published' and id != :id and "
        "(duplicate_of = :id or (:first != '' and (id = :first or duplicate_of = :first))) "
        "order by id limit 20",
        {"id": case.id, "first": case.duplicate_of},
    )
    return [from_row(row) for row in rows]


def _panels(library: Library, case: Case) -> list[Panel]:
    try:
        answers = manager().hook.kb_case_panels(settings=library.settings, case=case)
    except Exception as error:  # whatever an upper floor lacks, the case itself is shown
        log.error("kb_case_panels: %s", type(error).__name__)
        return []
    return [panel for panels in answers for panel in panels if panel.entries]


def _removed(case: Case) -> list[tuple[str, int, list[str]]]:
    """What de-identification took out: kind, how often, in which fields (labels)."""
    names = labels()
    counts: dict[str, int] = {}
    places: dict[str, list[str]] = {}
    for entry in case.redactions:
        kind = str(entry.get("kind", ""))
        counts[kind] = counts.get(kind, 0) + int(entry.get("count", 0))
        where = str(entry.get("field", ""))
        places.setdefault(kind, []).append(names.get(where, where))
    return [(kind, count, list(dict.fromkeys(places[kind]))) for kind, count in counts.items()]


def _web_address(text: str) -> str:
    """`text` if it is a link that a browser may follow, else empty."""
    return text if re.match(r"https?://[^\s]+$", text, re.IGNORECASE) else ""
