"""Drafts: those of a hall by stage, the form in which one is written, and what programs may do with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasette import Request, Response

from .. import drafts, editing, submissions, vocabulary
from ..accounts import may
from ..editing import Edited, Unclear
from ..model import Case
from ..store import Store
from . import beside, marking, reviewing
from .api import Answer, Call, Handler
from .shell import address, asset_address, page_number, render, rightful, the_library

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

STATIC = Path(__file__).parent / "static"
PER_PAGE = 50
ID = r"(?P<id>[^/.]{1,80})"


# Pages


async def drafts_page(datasette: Datasette, request: Request) -> Response:
    """/drafts: by stage; a reviewer chooses among halls."""
    actor = request.actor
    everywhere = may(actor, "review")
    hall = (request.args.get("hall") or "")[:20] if everywhere else actor["hall_code"] or submissions.NOBODYS
    stage = request.args.get("stage") or ""
    stage = stage if stage in submissions.STAGES else ""
    page = page_number(request)

    def read(store: Store) -> dict[str, Any]:
        return {
            "counts": submissions.counts(store, hall),
            "entries": submissions.entries(store, stage, hall, PER_PAGE, (page - 1) * PER_PAGE),
            "halls": submissions.halls(store) if everywhere else [],
        }

    found = await the_library(datasette).store(read)
    total = found["counts"][stage] if stage else sum(found["counts"].values())
    context = {
        **found, "stage": stage, "hall": hall if everywhere else "", "page": page, "pages": -(-total // PER_PAGE),
        "total": total, "link": lambda **changes: address(datasette, "/drafts", **{
            "stage": stage, "hall": hall if everywhere else "", **changes}), **_assets(datasette),
    }  # fmt: skip
    return await render(datasette, request, "kb_drafts.html", context)


async def new_page(datasette: Datasette, request: Request) -> Response:
    """/drafts/new: an empty form; `q` is what was searched for in vain."""
    case = Case("", demand=(request.args.get("q") or "")[:2000])
    context = {**_form(datasette, case, [], None), "near_playbook": await _near_playbook(datasette, case)}
    return await render(datasette, request, "kb_draft.html", context)


async def draft_page(datasette: Datasette, request: Request) -> Response:
    """/draft/ID: the form, or, for who may only look, the draft."""
    actor, case_id = request.actor, request.url_vars["id"]

    def read(store: Store) -> tuple[Any, ...]:
        found = submissions.visible(store, case_id, actor)
        published = store.get(case_id)
        return found, store.draft(case_id), bool(published and published.state == "published")

    found, draft, revises = await the_library(datasette).store(read)
    own, reviewer = drafts.is_own(actor, found), may(actor, "review")
    writes = may(actor, "draft.write", found.hall_code or submissions.NOBODYS)
    context = {
        **_form(datasette, draft.case, draft.doubts, found),
        "editable": writes and (reviewer if found.stage == submissions.SUBMITTED else own),
        "may_take_back": writes and own and found.stage == submissions.SUBMITTED,
        "revises": revises,
        "near_playbook": await _near_playbook(datasette, draft.case),
    }
    return await render(datasette, request, "kb_draft.html", context)


async def _near_playbook(datasette: Datasette, case: Case) -> dict[str, Any] | None:
    """The playbook under which a new case may fall."""
    if not (case.title or case.demand or case.obstacle):
        return None
    library = the_library(datasette)
    return await beside.near_playbook(library, await beside.panels(library, case))


def _form(datasette: Datasette, case: Case, doubts: list[Any], found: Any) -> dict[str, Any]:
    parts, places = marking.marked_draft(case, doubts)
    removed: Counter[str] = Counter()
    for entry in case.redactions:
        removed[str(entry.get("kind", ""))] += int(entry.get("count", 0))
    words = {name: vocabulary.values(words) for name, words in {**editing.CHOICES, **editing.LISTS}.items()}
    return {
        "case": case, "text_of": editing.text_of, "parts": parts, "places": places, "found": found, "editable": True,
        "removed": removed, "choices": {**words, "solidified.kind": vocabulary.values("solidified_kinds")},
        "helps": {name: vocabulary.helps(words) for name, words in editing.LISTS.items()},
        "marked": {part.name: part.html for part in parts if "removed" in part.html or "doubt" in part.html},
        **_assets(datasette),
    }  # fmt: skip


def _assets(datasette: Datasette) -> dict[str, str]:
    return {
        "draft_js": asset_address(datasette, "kb", STATIC / "draft.js"),
        "drafts_css": asset_address(datasette, "kb", STATIC / "drafts.css"),
    }


# What programs may do


async def list_drafts(call: Call) -> Any:
    actor = call.actor or {}
    everywhere = may(actor, "review")
    hall = call.query["hall"] or "" if everywhere else actor["hall_code"] or submissions.NOBODYS
    if not everywhere and call.query["hall"] not in (None, hall):
        hall = submissions.NOBODYS
    start = (call.query["page"] - 1) * PER_PAGE

    def read(store: Store) -> Any:
        found = submissions.entries(store, call.query["stage"] or "", hall, PER_PAGE, start)
        return {"counts": submissions.counts(store, hall), "drafts": [entry.to_dict() for entry in found]}

    return await call.library.store(read)


async def read_draft(call: Call) -> Any:
    def read(store: Store) -> Any:
        found = submissions.visible(store, call.path["id"], call.actor)
        draft = store.draft(found.case_id)
        assert draft
        return {"id": found.case_id, "stage": found.stage, "note": found.note, "account": found.account,
                "at": found.at, "hall_code": found.hall_code, "case": draft.case.to_dict(),
                "doubts": [asdict(doubt) for doubt in draft.doubts]}  # fmt: skip

    return await call.library.store(read)


async def create_draft(call: Call) -> Any:
    values, hand_in, _ = _values(call)
    key = call.header("Idempotency-Key")
    assert call.actor
    actor = call.actor
    edited = await call.library.store(lambda store: drafts.create(store, actor, values, hand_in, key))
    return Answer(_saved(edited, submissions.SUBMITTED if hand_in else submissions.WRITING), 201)


async def save_draft(call: Call) -> Any:
    values, hand_in, revision = _values(call)
    assert call.actor
    actor = call.actor

    def save(store: Store) -> tuple[Edited, str]:
        edited = drafts.save(store, actor, call.path["id"], values, hand_in, revision)
        return edited, submissions.of(store, call.path["id"]).stage

    return _saved(*await call.library.store(save))


async def delete_draft(call: Call) -> Any:
    actor = call.actor or {}
    await call.library.store(lambda store: drafts.delete(store, actor, call.path["id"]))
    return {"ok": True, "location": "/drafts"}


async def submit_draft(call: Call) -> Any:
    body, actor = call.body or {}, call.actor or {}
    act = drafts.take_back if body.get("back") else drafts.hand_in
    await call.library.store(lambda store: act(store, actor, call.path["id"], body.get("revision")))
    return {"ok": True, "location": f"/draft/{call.path['id']}" if body.get("back") else "/drafts?stage=submitted"}


async def revise_case(call: Call) -> Any:
    actor = call.actor or {}
    found = await call.library.store(lambda store: drafts.revise(store, actor, call.path["id"]))
    return {"ok": True, "location": f"/draft/{found.case_id}"}


def _values(call: Call) -> tuple[dict[str, Any], bool, int | None]:
    values = dict(call.body)
    return values, bool(values.pop("submit", False)), values.pop("revision", None)


def _saved(edited: Edited, stage: str) -> dict[str, Any]:
    removed: Counter[str] = Counter()
    for count in edited.removed:
        removed[count.kind] += count.count
    case = edited.draft.case
    return {
        "ok": True, "id": case.id, "revision": case.revision, "stage": stage, "doubts": len(edited.draft.doubts),
        "removed": [{"kind": kind, "count": count} for kind, count in removed.items()], "location": f"/draft/{case.id}",
    }  # fmt: skip


def _telling(handler: Handler) -> Handler:
    """The handler, saying of values that cannot be understood in which field of the form each stands."""

    async def told(call: Call) -> Any:
        try:
            return await handler(call)
        except Unclear as unclear:
            body = {"ok": False, "status": unclear.status, "error": f"有几项要改：{unclear}", "fields": unclear.fields}
            return Answer(body, unclear.status)

    return told


View = Callable[..., Awaitable[Response]]
ROUTES: list[tuple[str, View]] = [
    (r"^/drafts$", rightful("draft.see", drafts_page)),
    (r"^/drafts/new$", rightful("draft.write", new_page)),
    (rf"^/draft/{ID}$", rightful("draft.see", draft_page)),
    *reviewing.ROUTES,
]
HANDLERS: dict[str, Handler] = {
    "listDrafts": list_drafts, "readDraft": read_draft, "createDraft": _telling(create_draft),
    "saveDraft": _telling(save_draft), "deleteDraft": delete_draft, "submitDraft": _telling(submit_draft),
    "reviseCase": revise_case, **reviewing.HANDLERS,
}  # fmt: skip
