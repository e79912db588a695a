"""The policy officer's pages (/policy, /policy/cases, /unmet) and what programs may call of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasette import Request, Response

from kb.web.api import Call, Handler
from kb.web.shell import account_of, address, asset_address, page_number, render, rightful, the_library, typed

from .engine import Filters
from .filters import checked
from .insight import changes, needs, watch
from .unmet import Need

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

STYLE = Path(__file__).parent / "static" / "policy.css"
SHOWN = 20  # of a list on a page, before "more"
MOST_NEEDS = 200
MONTHS = 12  # bars of a need
STEPS = 8  # heights of a bar
CASES = 20  # on a page


# Pages


async def policy_page(datasette: Datasette, request: Request) -> Response:
    """/policy?since=: what changed; every number leads to its cases."""
    library = the_library(datasette)
    since = typed(request, "since")
    found = await library.store(lambda store: changes.changes(store, since))
    unmet = await library.store(lambda store: needs.needs(store, found["period"]["since"]))
    notices = await library.store(lambda store: watch.notices(store, account_of(request), unseen=True))
    later = [after for entry in found["recurring"] for after in entry["after"].values()]
    context = {
        "found": found,
        "since": since,
        "unmet": unmet,
        "notices": len(notices),
        "titles": await _titles(datasette, {case_id for after in later for case_id in after["case_ids"]}),
        "spans": _spans(found["period"]["until"]),
        "shown": SHOWN,
        "list": partial(_cases_link, datasette),
        "day_after": lambda day: changes.moved(day, 1),
        "database": str(datasette.urls.database(library.db.name)),
        "table": str(datasette.urls.table(library.db.name, "cases")),
    }
    return await _show(datasette, request, "policy.html", context)


async def policy_cases_page(datasette: Datasette, request: Request) -> Response:
    """/policy/cases: the cases that a number on /policy counts."""
    asked = {name: typed(request, name) for name in ("matter", "domain", "barrier", "since", "until")}
    page = page_number(request)
    found, total = await the_library(datasette).store(
        lambda store: changes.cases_of(store, **asked, page=page, size=CASES)
    )
    context = {"asked": asked, "cases": found, "total": total, "page": page, "pages": max(1, -(-total // CASES)),
               "list": lambda page: _cases_link(datasette, **asked, page=page)}  # fmt: skip
    return await _show(datasette, request, "policy_cases.html", context)


async def unmet_page(datasette: Datasette, request: Request) -> Response:
    """/unmet?month=&region=&domain=&closed=: questions without a precedent."""
    asked = {name: typed(request, name) for name in ("month", "region", "domain", "closed")}
    listed = await the_library(datasette).store(lambda store: needs.needs(store, closed=bool(asked["closed"])))
    found = [need for need in listed if _passes(need, asked)]
    found.sort(key=lambda need: (_settled(need), -_times(need, asked)))
    context = {
        "needs": found[:MOST_NEEDS],
        "total": len(found),
        "asked": asked,
        "choices": {
            "month": sorted({month for need in listed for month in need.months}, reverse=True),
            "region": sorted({region for need in listed for region in need.regions}),
            "domain": sorted({domain for need in listed for domain in need.domains}),
        },
        "filtered": any(asked[name] for name in ("month", "region", "domain")),
        "times": lambda need: _times(need, asked),
        "settled": _settled,
        "bars": _bars,
        "titles": await _titles(datasette, {one["case_id"] for need in found for one in need.questions}),
        "link": lambda **more: address(datasette, "/unmet", **{**asked, **more}),
    }
    return await _show(datasette, request, "unmet.html", context)


async def _show(datasette: Datasette, request: Request, template: str, context: dict[str, Any]) -> Response:
    context["policy_css"] = asset_address(datasette, "search", STYLE)
    return await render(datasette, request, template, context)


def _cases_link(datasette: Datasette, **asked: Any) -> str:
    return address(datasette, "/policy/cases", **asked)


def _spans(until: str) -> list[tuple[str, str]]:
    """(words, first day) of the periods that the page offers."""
    return [(words, changes.moved(until, 1 - days)) for words, days in
            (("近 30 天", 30), ("近 90 天", 90), ("近半年", 182), ("近一年", 365))]  # fmt: skip


async def _titles(datasette: Datasette, ids: Iterable[str]) -> dict[str, str]:
    """Case id → what it is called, of published cases."""
    cases = await the_library(datasette).store(lambda store: store.published_of(ids))
    return {case.id: case.title or (case.obstacle or case.demand)[:40] or case.id for case in cases.values()}


def _passes(need: Need, asked: Mapping[str, str]) -> bool:
    given = (("month", need.months), ("region", need.regions), ("domain", need.domains))
    return all(not asked[name] or asked[name] in counts for name, counts in given)


def _times(need: Need, asked: Mapping[str, str]) -> int:
    """How often a need was asked: with one of the filters, what that one counts."""
    given = (("month", need.months), ("region", need.regions), ("domain", need.domains))
    return min((counts[asked[name]] for name, counts in given if asked[name]), default=need.asked)


def _settled(need: Need) -> bool:
    return all(one["closed"] for one in need.questions)


def _bars(months: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """(month, times, height from 0 to STEPS) of the months up to the last in which something was asked, gaps too."""
    last = max(months)
    year, month = int(last[:4]), int(last[5:7])
    span = [f"{(year * 12 + month - 1 - back) // 12:04}-{(year * 12 + month - 1 - back) % 12 + 1:02}"
            for back in range(MONTHS - 1, -1, -1)]  # fmt: skip
    span = [each for each in span if each >= min(months)]
    top = max(months.values())
    return [(each, months.get(each, 0), -(-months.get(each, 0) * STEPS // top)) for each in span]


# For programs


async def _changes(call: Call) -> dict[str, Any]:
    return await call.library.store(lambda store: changes.changes(store, call.query["since"] or ""))


async def _list_unmet(call: Call) -> dict[str, Any]:
    since = checked(Filters(since=call.query["since"] or "")).since
    found = await call.library.store(lambda store: needs.needs(store, since, bool(call.query["closed"])))
    return {"total": len(found), "needs": [need.to_dict() for need in found[:MOST_NEEDS]]}


async def _close_unmet(call: Call) -> dict[str, Any]:
    case_id, reason = call.body.get("case_id", "").strip(), call.body.get("reason", "")
    closed = await call.library.store(lambda store: needs.settle(store, call.path["id"], case_id, reason))
    return {"ok": True, "closed": closed, "location": "/unmet"}


ROUTES: Sequence[tuple[str, Any]] = [
    (r"^/policy$", rightful("insight", policy_page)),
    (r"^/policy/cases$", rightful("insight", policy_cases_page)),
    (r"^/unmet$", rightful("insight", unmet_page)),
]
HANDLERS: dict[str, Handler] = {"changes": _changes, "listUnmet": _list_unmet, "closeUnmet": _close_unmet}
