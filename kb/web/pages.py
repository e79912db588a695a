"""Pages of the ground floor: browsing by facets, a case, what its revisions changed, its tombstone."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasette import Request, Response

from .. import validity
from ..citation import citation
from ..export import FORMATS
from ..model import Case, from_row
from ..vocabulary import labels
from . import beside, browse, compat, halls
from .differences import differences
from .feedback import standings
from .shell import Library, address, asset_address, page_number, render, the_library
from .timeline import timeline

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

STATIC = Path(__file__).parent / "static"
CASE_PATTERN = r"^/case/(?P<id>[^/.]{1,80})(?P<json>\.json)?$"
REVISION_PATTERN = r"^/case/(?P<id>[^/.]{1,80})/revision/(?P<number>[0-9]{1,9})$"


async def cases_page(datasette: Datasette, request: Request) -> Response:
    """/cases: all published cases, by facets and page by page."""
    library = the_library(datasette)
    filters = browse.chosen(request.args)
    found = await browse.listing(library, filters, page_number(request))

    def link(page: int = 1, **changes: str) -> str:
        return address(datasette, "/cases", **{**filters, **changes}, page=page if page > 1 else "")

    context = {
        "found": found,
        "facets": await browse.facets(library, filters),
        "filters": filters,
        "link": link,
        "formats": FORMATS.values(),
        "export": lambda form: address(datasette, "/export", format=form, **filters),
        "feed": address(datasette, "/feed.atom", **filters),
        "watch": address(datasette, "/watches", **filters),
        **assets(datasette),
    }
    return await render(datasette, request, "kb_cases.html", context)


def assets(datasette: Datasette) -> dict[str, str]:
    """Addresses of the style sheet and the script of the pages about cases."""
    return {"style": asset_address(datasette, "kb", STATIC / "cases.css"),
            "script": asset_address(datasette, "kb", STATIC / "cases.js")}  # fmt: skip


async def case_page(datasette: Datasette, request: Request) -> Response:
    """/case/ID: one case; 410 with a tombstone when it was withdrawn. With .json: the fields as exported."""
    library = the_library(datasette)
    case = await _shown(library, request.url_vars["id"])
    as_json = bool(request.url_vars["json"])
    if case.state == "withdrawn":
        return await _tombstone(datasette, request, case, as_json)
    if as_json:
        return _json(case.to_dict())
    url = str(datasette.absolute_url(request, address(datasette, f"/case/{case.id}")))
    panels = await beside.panels(library, case)
    changes = await library.store(validity.changed) if case.basis else []
    context = {
        "case": case,
        "moments": timeline(case),
        "history": await revisions(library, case.id),
        "twins": await _twins(library, case),
        "panels": panels,
        "playbook": await beside.playbook(library, case.playbook),
        "near_playbook": await beside.near_playbook(library, panels) if not case.playbook else None,
        "fallen": [(case.basis[at], said) for at, said in validity.fallen(case.basis, changes).items()],
        "removed": _removed(case),
        "source_url": _web_address(case.source.get("url", "")),
        "citation": citation(validity.marker(changes)(case), url),
        "hall": halls.hall_address(datasette, halls.key_of(case)),
        "feedback": await standings(library, [case.id], request.actor),
        **assets(datasette),
    }
    return await render(datasette, request, "kb_case.html", context)


async def revision_page(datasette: Datasette, request: Request) -> Response:
    """/case/ID/revision/N: what that publication changed, against the one before it."""
    library = the_library(datasette)
    case = await _shown(library, request.url_vars["id"])
    if case.state == "withdrawn":
        return await _tombstone(datasette, request, case)
    rows = await library.rows(
        "select revision, at, by, action, note, data from revisions where case_id = :id and revision <= :number "
        "order by revision desc limit 2",
        {"id": case.id, "number": int(request.url_vars["number"])},
    )
    if not rows or rows[0]["revision"] != int(request.url_vars["number"]):
        raise compat.NotFound("no such revision")
    this, before = rows[0], rows[1] if len(rows) > 1 else None
    changes = None
    if this["data"] and before and before["data"]:
        old, new = json.loads(before["data"]), json.loads(this["data"])
        changes = await asyncio.to_thread(differences, old, new)
    context = {"case": case, "this": this, "before": before, "changes": changes, **assets(datasette)}
    return await render(datasette, request, "kb_revision.html", context)


async def _shown(library: Library, case_id: str) -> Case:
    """The case if it is or was published."""
    rows = await library.rows("select * from cases where id = :id", {"id": case_id})
    if not rows or rows[0]["state"] not in ("published", "withdrawn"):
        raise compat.NotFound("no such case")
    return from_row(rows[0])


async def _tombstone(datasette: Datasette, request: Request, case: Case, as_json: bool = False) -> Response:
    last = await withdrawal(the_library(datasette), case.id)
    if as_json:
        return _json({"ok": False, "id": case.id, "state": case.state, "error": "该案例已出库",
                      "reason": last["note"], "at": last["at"]}, 410)  # fmt: skip
    return await render(datasette, request, "kb_tombstone.html", {"case_id": case.id, "last": last}, 410)


async def withdrawal(library: Library, case_id: str) -> dict[str, Any]:
    """When and why a case was withdrawn."""
    history = await revisions(library, case_id)
    return next((entry for entry in history if entry["action"] == "withdraw"), {"at": "", "note": ""})


def _json(data: dict[str, Any], status: int = 200) -> Response:
    text = json.dumps(data, ensure_ascii=False)
    return Response(text, status=status, content_type="application/json; charset=utf-8")


async def revisions(library: Library, case_id: str) -> list[dict[str, Any]]:
    """The history of a case, newest first: revision, at, by, action, note, changed [field]. No old texts."""
    rows = await library.rows(
        "select revision, at, by, action, note, changed from revisions where case_id = :id order by revision desc",
        {"id": case_id},
    )
    return [{**row, "changed": json.loads(row["changed"] or "[]")} for row in rows]


async def _twins(library: Library, case: Case) -> list[Case]:
    """Published cases that tell the same matter as `case`, by `duplicate_of` in either direction."""
    rows = await library.rows(
        "select * from cases where state = 'published' and id != :id and "
        "(duplicate_of = :id or (:first != '' and (id = :first or duplicate_of = :first))) "
        "order by id limit 20",
        {"id": case.id, "first": case.duplicate_of},
    )
    return [from_row(row) for row in rows]


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
