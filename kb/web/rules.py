"""/rules: the rules that cases and playbooks lean on, and what has become of them; the API by which staff say so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasette import Request, Response

from .. import playbooks, validity
from ..model import Case
from ..store import Store
from .api import Call, Handler
from .shell import asset_address, render, rightful, the_library, typed

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

STATIC = Path(__file__).parent / "static"
LISTED = 100  # rules, and cases that lean on one


async def page(datasette: Datasette, request: Request) -> Response:
    """/rules?q=&rule=: rules by how many lean on them; what leans on one, and the form that says it has changed."""
    asked, rule = typed(request, "q", validity.MOST), typed(request, "rule", validity.MOST)

    def read(store: Store) -> dict[str, Any]:
        leaning = validity.leaning(store, rule) if rule else validity.Leaning()
        cases: dict[str, Case] = store.published_of(leaning.case_ids[:LISTED])
        books = [each for each in playbooks.listing(store, playbooks.MOVES) if each.id in leaning.playbook_ids]
        return {
            "rules": validity.leaned(store, asked, LISTED) if not rule else [], "leaning": leaning,
            "cases": cases, "books": books, "said": validity.fallen([validity.named(rule)], validity.changed(store)),
        }  # fmt: skip

    found = await the_library(datasette).store(read)
    context = {**found, "q": asked, "rule": rule, "most": LISTED, "kinds": validity.CHANGES,
               "style": asset_address(datasette, "kb", STATIC / "cases.css"),
               "playbook_css": asset_address(datasette, "kb", STATIC / "playbook.css")}  # fmt: skip
    return await render(datasette, request, "kb_rules.html", context)


async def _declare(call: Call) -> dict[str, Any]:
    assert call.actor is not None  # `x-right`
    by, said = str(call.actor["id"]), call.body
    done = await call.library.store(lambda store: validity.declare(
        store, said["rule"], said["change"], said.get("since", ""), said.get("note", ""), by
    ))  # fmt: skip
    return {"ok": True, "rule": done, "location": "/rules"}


ROUTES: list[tuple[str, Any]] = [(r"^/rules$", rightful("playbook", page))]
HANDLERS: dict[str, Handler] = {"declareRule": _declare}
