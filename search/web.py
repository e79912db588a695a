"""The search page (front of the site), live results, `/api/search.json`, and `?_jieba=` on table pages."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from datasette import Request, Response, hookimpl
from jinja2 import Environment

from kb.config import Settings
from kb.errors import Fault
from kb.web import browse, compat
from kb.web.shell import Library, address, asset_address, guarded, library, render, static_route, the_library

from .engine import Filters
from .precedents import Precedents, precedents
from .query import Query, understand
from .snippets import snippet

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette
    from datasette.filters import FilterArguments

log = logging.getLogger(__name__)
HERE = Path(__file__).parent
STATIC = HERE / "static"
RESULTS = 10
MOST_RESULTS = 100
MOST_WORDS = 8  # of a ?_jieba= filter
FILTERS = ("domain", "barrier", "outcome", "region")
T = TypeVar("T")


#: Data folder → version of the library and the overview that was counted then.
_overviews: dict[Path, tuple[int, dict[str, Any]]] = {}


@cache
def _threads(settings: Settings) -> ThreadPoolExecutor:
    """Few threads that live long: each holds its own connection to the library."""
    return ThreadPoolExecutor(max_workers=settings.threads, thread_name_prefix="search")


async def _in_thread(settings: Settings, work: Callable[[Precedents], T]) -> T:
    """Runs `work` with the library's searcher, off the event loop."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads(settings), lambda: work(precedents(settings)))


# Hooks


@hookimpl
def prepare_jinja2_environment(env: Environment, datasette: Datasette) -> None:
    if library(datasette):
        compat.add_templates(env, HERE / "templates")
        env.filters["snippet"] = snippet


@hookimpl
def startup(datasette: Datasette) -> Callable[[], Awaitable[None]]:
    """Model, dictionary and index are loaded before the first clerk asks."""

    async def inner() -> None:
        found = library(datasette)
        if found:
            try:
                first = [_in_thread(found.settings, _warm) for _ in range(found.settings.threads)]
                await asyncio.gather(*first)
            except Fault as fault:
                log.error("检索暂时不能用：%s", fault)

    return inner


def _warm(searcher: Precedents) -> None:
    searcher.find("办不成事", k=1)


@hookimpl
def register_routes(datasette: Datasette) -> list[tuple[str, Any]]:
    if not library(datasette):
        return []
    return [
        (r"^/$", guarded(search_page)),
        (r"^/search/results$", guarded(results_part)),
        (r"^/api/search\.json$", guarded(search_json)),
        static_route("search", STATIC),
    ]


@hookimpl
def menu_links(datasette: Datasette) -> list[dict[str, str]]:
    return [{"href": address(datasette, "/"), "label": "检索"}] if library(datasette) else []


@hookimpl
def filters_from_request(
    request: Request, database: str, table: str, datasette: Datasette
) -> Callable[[], Awaitable[FilterArguments]] | None:
    """`?_jieba=` on the table of cases: those that hold all the words, cut as our index cuts them."""
    found = library(datasette)
    if not found or (database, table) != (found.db.name, "cases"):
        return None

    async def inner() -> FilterArguments:
        typed = request.args.get("_jieba") or ""
        if not typed.strip():
            return compat.filter_arguments([], extra_context={"jieba": typed})
        ids = await _in_thread(found.settings, lambda searcher: _holding_words(searcher, typed))
        return compat.filter_arguments(
            ["id in (select value from json_each(:jieba_ids))"],
            params={"jieba_ids": json.dumps(sorted(ids))},
            human_descriptions=[f"含“{typed}”"],
            extra_context={"jieba": typed},
        )

    return inner


def _holding_words(searcher: Precedents, typed: str) -> set[str]:
    """Ids of the cases that hold every word of `typed`, or have it as a number."""
    asked = understand(typed)
    searcher.refresh()
    numbered = searcher.engine.with_number(asked.number) if asked.number else []
    if numbered:
        return set(numbered)
    found: set[str] | None = None
    for word in asked.words[:MOST_WORDS]:
        view = searcher.engine.search(Query(word, (word,)), Filters(), depth=1).views["words"]
        found = set(view.scores) if found is None else found & set(view.scores)
    return found or set()


# Pages


async def search_page(datasette: Datasette, request: Request) -> Response:
    """/: the search box, and the results where something was asked."""
    found = the_library(datasette)
    context = {
        **await _overview(found),
        "asked": _asked(request),
        "chosen": _chosen(request),
        "search_js": asset_address(datasette, "search", STATIC / "search.js"),
    }
    if _asked(request):
        context |= await _results(datasette, request)
    return await render(datasette, request, "search.html", context)


async def results_part(datasette: Datasette, request: Request) -> Response:
    """/search/results: the results alone, for the page that refreshes while someone types."""
    return await render(datasette, request, "_search_results.html", await _results(datasette, request))


async def search_json(datasette: Datasette, request: Request) -> Response:
    """/api/search.json?q= with k, region, domain, barrier, outcome, since: what `Precedents.find` answers."""
    number = (request.args.get("k") or str(RESULTS))[:9]
    if not (number.isascii() and number.isdigit()):
        raise Fault("k 是要几条结果，请写成数字")
    answer = await _find(the_library(datasette), request, min(int(number), MOST_RESULTS))
    return Response(json.dumps(answer, ensure_ascii=False), content_type="application/json; charset=utf-8")


def _asked(request: Request) -> str:
    return (request.args.get("q") or "").strip()


def _chosen(request: Request) -> dict[str, str]:
    return {name: request.args[name][:200] for name in FILTERS if request.args.get(name)}


async def _find(found: Library, request: Request, k: int) -> dict[str, Any]:
    filters = Filters(**_chosen(request), since=request.args.get("since") or "")
    return await _in_thread(found.settings, lambda searcher: searcher.find(_asked(request), k, filters))


async def _results(datasette: Datasette, request: Request) -> dict[str, Any]:
    """What the list of results shows: the answer, the whole cases behind it, links that change a filter."""
    found = the_library(datasette)
    answer = await _find(found, request, RESULTS)
    cases = await found.cases([result["id"] for result in answer["results"]])
    chosen = _chosen(request)

    def link(**changes: str) -> str:
        return address(datasette, "/", q=_asked(request), **{**chosen, **changes})

    return {"answer": answer, "cases": cases, "chosen": chosen, "link": link}


async def _overview(found: Library) -> dict[str, Any]:
    """What the front page says of the whole library; counted again only when the library has changed."""
    version = (await found.rows("select value from meta where key = 'version'"))[0]["value"]
    known = _overviews.get(found.settings.data_dir)
    if known is None or known[0] != version:
        choices = {name: await browse.facet(found, name, {}) for name in ("domain", "barrier", "outcome")}
        places = await browse.places(found)
        known = version, {**await _welcome(found), "choices": choices, "places": places}
        _overviews[found.settings.data_dir] = known
    return known[1]


async def _welcome(found: Library) -> dict[str, Any]:
    """How much there is, and three questions that will find something."""
    total = await found.rows(
        "select count(*) as cases, count(distinct nullif(hall_name, '')) as halls from cases "
        "where state = 'published'"
    )
    # For each of the three most frequent kinds of barrier, the shortest obstacle (else title) of some length.
    examples = await found.rows(
        "with kinds as (select each.value as kind, count(*) as n from cases, json_each(barriers) as each "
        "where state = 'published' group by 1 order by n desc, 1 limit 12), "
        "questions as (select id, barriers, rtrim(case when length(obstacle) between 10 and 32 "
        "then obstacle else title end, '。') as question from cases where state = 'published'), "
        "placed as (select kind, n, question, "
        "row_number() over (partition by kind order by length(question), id) as place "
        "from kinds join questions on length(question) between 8 and 32 "
        "and exists (select 1 from json_each(barriers) where value = kind)) "
        "select question from placed where place = 1 group by question order by max(n) desc, question limit 3"
    )
    return {"total": total[0], "examples": [row["question"] for row in examples]}
