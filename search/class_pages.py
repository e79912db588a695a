"""/classes: cases with one obstacle, proposed by the machine and settled by people; /class/ID: one. And the API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasette import Request, Response

from kb import playbooks
from kb.errors import Conflict, Fault
from kb.model import Case
from kb.privacy import redact_text
from kb.store import Store
from kb.web.api import Answer, Call, Handler
from kb.web.shell import address, asset_address, page_number, render, rightful, the_library, typed

from .embedder.store import EmbeddingCache
from .insight import classes, comparison, drafting, panels
from .insight.classes import ACCEPTED, EMPTIED, PROPOSED, REJECTED, CaseClass

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

STATIC = Path(__file__).parent / "static"
SIZE = 20  # classes on a page
SHOWN = 12  # cases of a class on the page of all classes
MOST = 500  # cases of a class on its own page, and classes that one answer of the API lists
STATES = {PROPOSED: "待定", ACCEPTED: "已认定", REJECTED: "已否决", EMPTIED: "已清空"}
DECISIONS = {
    "accepted": "认定", "rejected": "否决", "rename": "改名", "merge": "合并", "split": "拆分", "assign": "调整案例",
    "make": "新建", "playbook": "起草规程",
}  # fmt: skip


# Pages


async def classes_page(datasette: Datasette, request: Request) -> Response:
    """/classes?state=&barrier=&page=: the classes in a state, the largest first."""
    state = request.args.get("state") or PROPOSED
    if state not in STATES:
        raise Fault("没有这种状态：" + "、".join(STATES.values()))
    barrier = typed(request, "barrier", 80)
    page = page_number(request)
    every = await the_library(datasette).store(lambda store: classes.classes(store, tuple(STATES)))
    listed = [one for one in every if one.state == state]
    found = [one for one in listed if not barrier or barrier in one.barriers]
    pages = max(1, -(-len(found) // SIZE))
    shown = found[(min(page, pages) - 1) * SIZE :][:SIZE]
    context = {
        "state": state,
        "states": [(name, words, sum(one.state == name for one in every)) for name, words in STATES.items()],
        "barrier": barrier,
        "barriers": sorted({name for one in listed for name in one.barriers}),
        "classes": shown,
        "total": len(found),
        "page": min(page, pages),
        "pages": pages,
        "cases": await _cases(datasette, (case_id for one in shown for case_id in one.case_ids[:SHOWN])),
        "shown": SHOWN,
        "link": lambda **more: address(datasette, "/classes", **{"state": state, "barrier": barrier, **more}),
    }
    return await _show(datasette, request, "classes.html", context)


async def class_page(datasette: Datasette, request: Request) -> Response:
    """/class/ID: a class with all its cases, and what people decided about it."""
    library, class_id = the_library(datasette), request.url_vars["id"]
    found = await library.store(lambda store: classes.get(store, class_id))
    decided = await library.store(lambda store: classes.decisions(store, class_id))
    others = await library.store(classes.classes)
    context = {
        "one": found,
        "state": STATES[found.state],
        "cases": await _cases(datasette, found.case_ids[:MOST]),
        "most": MOST,
        "others": [one for one in others if one.id != found.id],
        "decided": [(each, DECISIONS.get(each["kind"], each["kind"])) for each in decided],
    }
    return await _show(datasette, request, "class.html", context)


async def _show(datasette: Datasette, request: Request, template: str, context: dict[str, Any]) -> Response:
    context["barriers_css"] = asset_address(datasette, "search", STATIC / "barriers.css")
    context["barriers_js"] = asset_address(datasette, "search", STATIC / "barriers.js")
    return await render(datasette, request, template, context)


async def _cases(datasette: Datasette, ids: Iterable[str]) -> dict[str, Case]:
    wanted = list(ids)
    return await the_library(datasette).store(lambda store: store.published_of(wanted))


# For programs


async def _list(call: Call) -> dict[str, Any]:
    state = call.query["state"]
    found = await call.library.store(lambda store: classes.classes(store, (state,) if state else classes.OPEN))
    return {"total": len(found), "classes": [one.to_dict() for one in found[:MOST]]}


async def _propose(call: Call) -> dict[str, Any]:
    def work(store: Store) -> list[CaseClass]:
        with EmbeddingCache(store.settings) as cache:
            return classes.propose(store, cache.encode_passages)

    found = await call.library.store(work)
    return {"ok": True, "classes": len(found), "location": "/classes"}


async def _decide(call: Call, work: Callable[[Store, str], CaseClass | None]) -> dict[str, Any]:
    """What a decision makes of a class, and the page where it is seen."""
    assert call.actor is not None  # `x-right`
    by = str(call.actor["id"])
    made = await call.library.store(lambda store: work(store, by))
    place = f"/class/{made.id}" if made else "/classes"
    return {"ok": True, "class": made.to_dict() if made else None, "location": place}


async def _accept(call: Call) -> dict[str, Any]:
    return await _decide(call, lambda store, by: classes.accept(store, call.path["id"], by))


async def _reject(call: Call) -> dict[str, Any]:
    note = redact_text((call.body or {}).get("note", ""))
    return await _decide(call, lambda store, by: classes.reject(store, call.path["id"], by, note))


async def _rename(call: Call) -> dict[str, Any]:
    return await _decide(call, lambda store, by: classes.rename(store, call.path["id"], _title(call), by))


async def _split(call: Call) -> dict[str, Any]:
    ids, title = call.body["case_ids"], _title(call)
    return await _decide(call, lambda store, by: classes.split(store, call.path["id"], ids, by, title))


def _title(call: Call) -> str:
    return redact_text(call.body.get("title", ""))


async def _merge(call: Call) -> dict[str, Any]:
    ids = list(dict.fromkeys(call.body["ids"]))
    into = call.body.get("into") or (ids[0] if ids else "")
    return await _decide(
        call, lambda store, by: classes.merge(store, into, [one for one in ids if one != into], by)
    )


async def _assign(call: Call) -> dict[str, Any]:
    said = call.body
    return await _decide(
        call, lambda store, by: classes.assign(store, said["case_ids"], said.get("class_id", ""), by)
    )


async def _draft(call: Call) -> Answer:
    assert call.actor is not None
    by, class_id = str(call.actor["id"]), call.path["id"]
    made = await call.library.store(lambda store: draft_playbook(store, class_id, by))
    return Answer({"ok": True, "id": made, "location": f"/playbook/{made}/edit"}, 201)


def draft_playbook(store: Store, class_id: str, by: str) -> str:
    """Write the draft of a procedure from the cases of a class, which is accepted thereby; returns its id. Raises
    Missing, or Conflict if it has one already or no cases."""
    found = classes.get(store, class_id)
    if found.playbook and playbooks.get(store, found.playbook):
        raise Conflict("这一类已有办理规程，请打开规程修改")
    if found.state == REJECTED:
        raise Conflict("这一类已被否决。请先认定，再起草")
    cases = store.published_of(found.case_ids)
    if not cases:
        raise Conflict("这一类已没有在库的案例，不能起草")
    with EmbeddingCache(store.settings) as cache:
        refused = _refused(store, found, cases)
        made = drafting.draft(cases.values(), refused, found.title, cache.encode_passages, found.obstacle)
    stored = playbooks.create(store, made, by, f"由一类事候选 {found.id} 起草")
    classes.set_playbook(store, class_id, stored.id, by)
    if found.state == PROPOSED:
        classes.accept(store, class_id, by)
    return stored.id


def _refused(store: Store, found: CaseClass, cases: Mapping[str, Case]) -> list[Case]:
    """Cases outside of the class that met the same obstacle, in the same matter or in words of the same meaning:
    drafting tells why some were lawfully refused."""
    rows = [row for row in comparison.comparisons(store) if row.same != comparison.BARRIER]
    near = [row for row in rows if any(cases.keys() & side.case_ids for side in row.can)]
    ids = {case_id for row in near for side in row.cannot for case_id in side.case_ids} - cases.keys()
    alike = panels.near(store.settings, found.title, found.obstacle, cases)
    return [*store.published_of(ids).values(), *(case for case in alike if case.id not in ids)]


ROUTES: Sequence[tuple[str, Any]] = [
    (r"^/classes$", rightful("classes.see", classes_page)),
    (r"^/class/(?P<id>[\w-]{1,80})$", rightful("classes.see", class_page)),
]
HANDLERS: dict[str, Handler] = {
    "listClasses": _list, "proposeClasses": _propose, "acceptClass": _accept, "rejectClass": _reject,
    "renameClass": _rename, "splitClass": _split, "mergeClasses": _merge, "assignCases": _assign,
    "draftPlaybook": _draft,
}  # fmt: skip
