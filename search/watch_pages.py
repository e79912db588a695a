"""/watches: what an account watches, with the number of new cases; /watches/ID: these cases. And the API for both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from datasette import Request, Response

from kb.store import Store
from kb.web import browse
from kb.web.api import Answer, Call, Handler
from kb.web.shell import Library, address, asset_address, render, rightful, the_library

from . import asking, watches
from .watches import Watch

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

STATIC = Path(__file__).parent / "static"
T = TypeVar("T")


async def _with_new(library: Library, account: str) -> list[tuple[Watch, list[str]]]:
    """What an account watches, each with the ids of the cases that are new."""
    mine = await library.store(lambda store: watches.of(store, account))
    found = []
    for watch in mine:
        found.append((watch, await _new(library, watch)))
    return found


async def _new(library: Library, watch: Watch) -> list[str]:
    return await asking.in_thread(library.settings, lambda searcher: watches.new_cases(searcher, watch))


def _search(datasette: Datasette, watch: Watch) -> str:
    """The page where the whole search or list stands."""
    if watch.question:
        return address(datasette, "/", q=watch.question, **watch.filters)
    return address(datasette, "/cases", **watch.filters)


def _wanted(request: Request) -> dict[str, Any]:
    """The search or filter that an address proposes to watch."""
    asked = asking.question(request)
    names = asking.FILTERS if asked else tuple(browse.FILTERS)
    filters = {name: request.args[name][: asking.LONGEST_VALUE] for name in names if request.args.get(name)}
    return {"question": asked, "filters": filters, "name": (asked or "、".join(filters.values()))[:60]}


async def watches_page(datasette: Datasette, request: Request) -> Response:
    """/watches; with q= or filters in the address, a form to watch these."""
    found = the_library(datasette)
    mine = await _with_new(found, request.actor["id"])
    context = {
        "entries": [(watch, ids, _search(datasette, watch)) for watch, ids in mine],
        "wanted": _wanted(request),
        "longest": watches.settings()["longest_name"],
        "search_css": asset_address(datasette, "search", STATIC / "search.css"),
    }
    return await render(datasette, request, "watches.html", context)


async def watch_page(datasette: Datasette, request: Request) -> Response:
    """/watches/ID: the new cases. They count as seen when the page has been shown (its script says so)."""
    found, number = the_library(datasette), int(request.url_vars["id"])
    account = request.actor["id"]
    watch = await found.store(lambda store: watches.get(store, account, number))
    seen = await found.store(watches.newest)
    ids = await _new(found, watch)
    cases = await found.cases(ids[: asking.MOST_RESULTS])
    context = {
        "watch": watch,
        "seen": seen,
        "cases": [cases[one] for one in ids if one in cases],
        "whole": _search(datasette, watch),
        "watches_js": asset_address(datasette, "search", STATIC / "watches.js"),
        "search_css": asset_address(datasette, "search", STATIC / "search.css"),
    }
    return await render(datasette, request, "watch.html", context)


# For programs


async def _own(call: Call, work: Callable[[Store, str], T]) -> T:
    """`work` with the store and the caller's account."""
    assert call.actor is not None  # `x-right`
    account = str(call.actor["id"])
    return await call.library.store(lambda store: work(store, account))


async def _list(call: Call) -> dict[str, Any]:
    assert call.actor is not None
    mine = await _with_new(call.library, call.actor["id"])
    return {"ok": True, "watches": [_told(watch, ids) for watch, ids in mine]}


def _told(watch: Watch, ids: list[str]) -> dict[str, Any]:
    return {"id": watch.id, "name": watch.name, "question": watch.question, "filters": watch.filters,
            "created": watch.created, "new": len(ids), "cases": ids}  # fmt: skip


async def _add(call: Call) -> Answer:
    said = call.body
    made = await _own(
        call,
        lambda store, account: watches.add(
            store, account, said.get("name", ""), said.get("question", ""), said.get("filters", {})
        ),
    )
    return Answer({"ok": True, "id": made, "location": "/watches"}, 201)


async def _remove(call: Call) -> dict[str, Any]:
    await _own(call, lambda store, account: watches.remove(store, account, call.path["id"]))
    return {"ok": True, "location": "/watches"}


async def _seen(call: Call) -> dict[str, Any]:
    await _own(call, lambda store, account: watches.mark_seen(store, account, call.path["id"], call.body["seen"]))
    return {"ok": True, "location": "/watches"}


async def _notices(call: Call) -> dict[str, Any]:
    assert call.actor is not None
    counts = [len(ids) for _, ids in await _with_new(call.library, call.actor["id"])]
    return {"ok": True, "new": sum(counts), "watches": sum(1 for count in counts if count)}


ROUTES = [
    (r"^/watches$", rightful("watch", watches_page)),
    (r"^/watches/(?P<id>[0-9]{1,9})$", rightful("watch", watch_page)),
]
HANDLERS: dict[str, Handler] = {
    "listWatches": _list, "addWatch": _add, "removeWatch": _remove, "seeWatch": _seen, "notices": _notices,
}  # fmt: skip
