"""Playbooks (一类事): the list, the page that a clerk works by, its versions, the form; and the API."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasette import Request, Response

from .. import playbooks, validity, vocabulary
from ..accounts import may
from ..errors import Fault, Missing
from ..hookspecs import PlaybookPanel
from ..model import Case
from ..playbooks import DRAFT, MOVES, PARTS, SHOWN, Playbook
from ..plugins import manager
from ..store import Store
from .api import Call, Handler
from .differences import Difference, compared
from .shell import Library, asset_address, guarded, render, rightful, the_library

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

log = logging.getLogger(__name__)
STATIC = Path(__file__).parent / "static"
ID = r"(?P<id>[^/.]{1,80})"
#: What the buttons that move a playbook on are called.
MOVED = {"draft": "退回草拟", "trial": "试行", "solid": "固化", "retired": "停用"}


# Pages


async def list_page(datasette: Datasette, request: Request) -> Response:
    """/playbooks: by state, with how many cases and halls each has."""
    states = _visible(request.actor)
    entries = await the_library(datasette).store(lambda store: _entries(store, states))
    order = ("solid", "trial", "draft", "retired")
    groups = [(state, [each for each in entries if each["state"] == state]) for state in order]
    context = {"groups": [group for group in groups if group[1]], "states": _states(), **_assets(datasette)}
    return await render(datasette, request, "kb_playbooks.html", context)


async def page(datasette: Datasette, request: Request) -> Response:
    """/playbook/ID: in the order in which a clerk asks."""
    library, playbook_id = the_library(datasette), request.url_vars["id"]

    def read(store: Store) -> dict[str, Any]:
        found = playbooks.find(store, playbook_id, _visible(request.actor))
        return {"playbook": found, "cases": store.published_of(found.cited()), "changes": validity.changed(store),
                "history": _history(store, found.id, request.actor)}  # fmt: skip

    found = await library.store(read)
    playbook: Playbook = found["playbook"]
    members = [found["cases"][case_id] for case_id in playbook.case_ids if case_id in found["cases"]]
    fallen = validity.fallen(playbook.basis, found["changes"])
    context = {
        **found, **_facts(members), "members": members, "notes": _notes(playbook), "states": _states(),
        "labels_of": playbooks.labels(), "fallen": fallen,
        "unchecked": [at for at, rule in enumerate(playbook.basis) if rule["valid"] is None and at not in fallen],
        "applies": _by_label(playbook.applies), "numbered": _numbered(_notes(playbook)),
        "panels": await asyncio.to_thread(_panels, library, playbook), "moves": _moves(playbook), "moved": MOVED,
        **_assets(datasette),
    }  # fmt: skip
    return await render(datasette, request, "kb_playbook.html", context)


async def edit_page(datasette: Datasette, request: Request) -> Response:
    """/playbook/ID/edit: the form; every sentence keeps the cases that it comes from."""
    playbook_id = request.url_vars["id"]

    def read(store: Store) -> tuple[Playbook, dict[str, Case]]:
        found = playbooks.find(store, playbook_id)
        return found, store.published_of(found.cited())

    playbook, cases = await the_library(datasette).store(read)
    context = {
        "playbook": playbook, "cases": cases, "notes": _notes(playbook), "labels_of": playbooks.labels(),
        "numbered": _numbered(_notes(playbook)), "kinds": vocabulary.values("solidified_kinds"), "states": _states(),
        **_assets(datasette),
    }  # fmt: skip
    return await render(datasette, request, "kb_playbook_edit.html", context)


async def revision_page(datasette: Datasette, request: Request) -> Response:
    """/playbook/ID/revision/N: what that version changed, against the one before it that the reader may see."""
    playbook_id, number = request.url_vars["id"], int(request.url_vars["number"])

    def read(store: Store) -> tuple[Playbook, list[dict[str, Any]]]:
        found = playbooks.find(store, playbook_id, _visible(request.actor))
        return found, _history(store, found.id, request.actor)

    playbook, history = await the_library(datasette).store(read)
    at = next((at for at, entry in enumerate(history) if entry["revision"] == number), None)
    if at is None:
        raise Missing("没有这一版")
    before = history[at + 1] if at + 1 < len(history) else None
    changes = await asyncio.to_thread(_differences, before["playbook"], history[at]["playbook"]) if before else None
    context = {"playbook": playbook, "this": history[at], "before": before, "changes": changes, **_assets(datasette)}
    return await render(datasette, request, "kb_playbook_revision.html", context)


async def there_are(library: Library) -> bool:
    """Whether readers have any playbook to see."""
    found = await library.rows("select 1 from playbooks limit 1")
    return bool(found)


def _visible(actor: Mapping[str, Any] | None) -> Sequence[str]:
    """States of the playbooks that this person sees."""
    return tuple(MOVES) if may(actor, "playbook") else SHOWN


def _states() -> dict[str, str]:
    return {state: vocabulary.label("playbook_states", state) for state in MOVES}


def _moves(playbook: Playbook) -> list[str]:
    return list(MOVES[playbook.state])


def _entries(store: Store, states: Iterable[str]) -> list[dict[str, Any]]:
    """One line for each playbook."""
    found = playbooks.listing(store, states)
    cases = store.published_of({case_id for each in found for case_id in each.case_ids})
    changes = validity.changed(store)
    return [
        {"id": each.id, "title": each.title, "state": each.state, "obstacle": each.obstacle,
         "cases": len(each.case_ids), "halls": len(_halls(cases[case_id] for case_id in each.case_ids)),
         "fallen": len(validity.fallen(each.basis, changes)), "revision": each.revision}
        for each in found
    ]  # fmt: skip


def _halls(cases: Iterable[Case]) -> list[str]:
    return sorted({str(case.hall["name"]) for case in cases if case.hall.get("name")})


def _facts(cases: Sequence[Case]) -> dict[str, Any]:
    days = sorted(case.working_days for case in cases if case.working_days is not None)
    return {"halls": _halls(cases), "solved": sum(case.outcome == "办成" for case in cases),
            "days": (days[(len(days) - 1) // 2] + days[len(days) // 2]) / 2 if days else None}  # fmt: skip


def _notes(playbook: Playbook) -> dict[str, int]:
    """Case id → the number by which sentences refer to it: in the order of the page."""
    lists = [playbook.obstacle_cases]
    for name in ("applies", "not_applies", "steps", "materials", "basis", "window"):
        lists += [item["cases"] for item in getattr(playbook, name)]
    lists += [playbook.models, *(item["cases"] for item in playbook.refusals), playbook.solidified.get("cases", []),
              playbook.case_ids]  # fmt: skip
    ids = dict.fromkeys(case_id for each in lists for case_id in each)
    return {case_id: at for at, case_id in enumerate(ids, 1)}


def _numbered(notes: Mapping[str, int]) -> Callable[[Iterable[str]], list[tuple[int, str]]]:
    """For templates: ids of cases with their numbers, in that order."""
    return lambda ids: sorted((notes[case_id], case_id) for case_id in ids if case_id in notes)


def _by_label(items: Iterable[Mapping[str, Any]]) -> dict[str, list[tuple[str, list[str]]]]:
    """When it applies: matters and applicants apart from the situations (under "")."""
    found: dict[str, list[tuple[str, list[str]]]] = {"事项": [], "申请人": [], "": []}
    for item in items:
        label, mark, text = item["text"].partition("：")
        listed = label in found and bool(mark) and text
        found[label if listed else ""].append((text if listed else item["text"], item["cases"]))
    return found


def _history(store: Store, playbook_id: str, actor: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The versions that this person may see: of those that were never on trial readers see nothing."""
    states = _visible(actor)
    return [entry for entry in playbooks.revisions(store, playbook_id) if entry["playbook"].state in states]


def _panels(library: Library, playbook: Playbook) -> list[PlaybookPanel]:
    try:
        answers = manager().hook.kb_playbook_panels(settings=library.settings, playbook=playbook)
        return [panel for panels in answers for panel in panels]
    except Exception as error:  # whatever an upper floor lacks, the playbook itself is shown
        log.error("kb_playbook_panels: %s", type(error).__name__)
        return []


def _differences(old: Playbook, new: Playbook) -> list[Difference]:
    return compared(_told(old), _told(new))


def _told(playbook: Playbook) -> dict[str, str]:
    """The playbook as text, by the names of its parts."""
    names = playbooks.labels()
    found = {"状态": _states()[playbook.state], names["title"]: playbook.title, names["obstacle"]: playbook.obstacle}
    for name, parts in PARTS.items():
        found[names[name]] = "\n".join(_line(item, parts) for item in getattr(playbook, name))
    found[names["solidified"]] = " ".join(
        str(playbook.solidified.get(part, "")) for part in ("kind", "text", "date", "where")
    ).strip()
    found[names["models"]] = "、".join(playbook.models)
    found[names["case_ids"]] = "、".join(sorted(playbook.case_ids))
    return found


def _line(item: Mapping[str, Any], parts: Sequence[str]) -> str:
    said = [str(item[part]) for part in parts if item[part]]
    if item.get("days") is not None:
        said.append(f"{item['days']} 个工作日")
    if item.get("other"):
        said.append("（别的做法）")
    if item.get("valid") is not None:
        said.append("有效" if item["valid"] else "已废止")
    return "　".join(said)


def _assets(datasette: Datasette) -> dict[str, str]:
    return {
        "style": asset_address(datasette, "kb", STATIC / "cases.css"),
        "script": asset_address(datasette, "kb", STATIC / "cases.js"),
        "playbook_css": asset_address(datasette, "kb", STATIC / "playbook.css"),
        "playbook_js": asset_address(datasette, "kb", STATIC / "playbook.js"),
    }


# For programs


async def _list(call: Call) -> dict[str, Any]:
    states = [call.query["state"]] if call.query["state"] else _visible(call.actor)
    states = [state for state in states if state in _visible(call.actor)]
    return {"ok": True, "playbooks": await call.library.store(lambda store: _entries(store, states))}


async def _show(call: Call) -> dict[str, Any]:
    playbook_id, states = call.path["id"], _visible(call.actor)

    def read(store: Store) -> dict[str, Any]:
        found = playbooks.find(store, playbook_id, states)
        lost = validity.fallen(found.basis, validity.changed(store))
        shown = found.to_dict()
        if DRAFT not in states:
            del shown["doubts"]
        return {"ok": True, "playbook": shown, "repealed": [_rule(found.basis[at]) for at in lost]}

    return await call.library.store(read)


def _rule(rule: Mapping[str, Any]) -> dict[str, str]:
    return {name: rule[name] for name in ("title", "doc_no", "clause")}


async def _change(call: Call) -> dict[str, Any]:
    given = dict(call.body)
    revision, note = given.pop("revision", None), given.pop("note", "")
    by, playbook_id = _by(call), call.path["id"]
    done = await call.library.store(lambda store: playbooks.save(store, playbook_id, given, by, revision, note))
    return _done(done)


async def _join(call: Call) -> dict[str, Any]:
    by, playbook_id, ids = _by(call), call.path["id"], call.body["case_ids"]
    if not ids:
        raise Fault("请先选中案例")
    return _done(await call.library.store(lambda store: playbooks.join(store, playbook_id, ids, by)))


async def _move(call: Call) -> dict[str, Any]:
    body, by, playbook_id = call.body, _by(call), call.path["id"]
    done = await call.library.store(lambda store: playbooks.set_state(
        store, playbook_id, body["state"], by, body.get("note", ""), body.get("revision"), body.get("cleared", False)
    ))  # fmt: skip
    return _done(done)


async def _revisions(call: Call) -> dict[str, Any]:
    playbook_id, actor = call.path["id"], call.actor

    def read(store: Store) -> list[dict[str, Any]]:
        playbooks.find(store, playbook_id, _visible(actor))
        return [
            {**{name: entry[name] for name in ("revision", "at", "by", "action", "note")},
             "state": entry["playbook"].state}
            for entry in _history(store, playbook_id, actor)
        ]  # fmt: skip

    return {"ok": True, "id": playbook_id, "revisions": await call.library.store(read)}


def _by(call: Call) -> str:
    assert call.actor is not None  # `x-right`
    return str(call.actor["id"])


def _done(playbook: Playbook) -> dict[str, Any]:
    return {"ok": True, "id": playbook.id, "revision": playbook.revision, "state": playbook.state,
            "doubts": len(playbook.doubts), "location": f"/playbook/{playbook.id}"}  # fmt: skip


ROUTES: list[tuple[str, Any]] = [
    (r"^/playbooks$", guarded(list_page)),
    (rf"^/playbook/{ID}$", guarded(page)),
    (rf"^/playbook/{ID}/edit$", rightful("playbook", edit_page)),
    (rf"^/playbook/{ID}/revision/(?P<number>[0-9]{{1,9}})$", guarded(revision_page)),
]
HANDLERS: dict[str, Handler] = {
    "listPlaybooks": _list, "showPlaybook": _show, "changePlaybook": _change, "joinPlaybook": _join,
    "movePlaybook": _move, "listPlaybookRevisions": _revisions,
}  # fmt: skip
