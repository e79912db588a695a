"""The search page (front of the site), live results, `/api/search.json`, and `?_jieba=` on table pages."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from datasette import Request, Response, hookimpl
from jinja2 import Environment

from kb import validity
from kb.accounts import may
from kb.citation import citation
from kb.errors import Fault
from kb.feedback import Standing
from kb.fields import departments, regions
from kb.web import api, browse, compat, feedback
from kb.web.shell import Library, address, asset_address, guarded, library, may_here, render, static_route, the_library

from . import asking, barrier_api, barrier_pages, class_pages, policy_web, programs, report, unmet, watch_pages
from .asking import MOST_RESULTS, RESULTS, in_thread, question
from .calibration import GRADES, NONE, PERHAPS
from .engine import Filters
from .precedents import Precedents
from .query import LONGEST, operators, understand
from .snippets import snippet

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette
    from datasette.filters import FilterArguments

log = logging.getLogger(__name__)
HERE = Path(__file__).parent
STATIC = HERE / "static"
MOST_WORDS = 8  # of a ?_jieba= filter
LEAST_VALUES, MOST_VALUES = 2, 24  # of a facet that are listed …
ROOM_FOR_LINKS = 2400  # … as many as have room: values times characters of the question, which each link repeats
WHERE = {"region", "domain"}  # filters that say where a question arose
#: What is said before the results of a list that are no more than of this grade.
LESSER = {PERHAPS: "以下仅供参考", NONE: "以下只是最接近，不是先例，不要照搬"}
#: Rooms of this floor: each brings its pages (ROUTES) and what programs may call (HANDLERS, by operationId).
ROOMS = (programs, report, watch_pages, policy_web, class_pages, barrier_pages, barrier_api)

#: Data folder → version of the library and the overview that was counted then.
_overviews: dict[Path, tuple[int, dict[str, Any]]] = {}



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
                first = [in_thread(found.settings, _warm) for _ in range(found.settings.threads)]
                await asyncio.gather(*first)
            except Fault as fault:
                log.error("检索暂时不能用：%s", fault)

    return inner


def _warm(searcher: Precedents) -> None:
    searcher.find("办不成事", k=1)
    departments.standard("办事处")  # answers that name whom to ask read the list of departments
    asking.suggest(searcher.store, "办不成事")
    asking.impersonal("张伟的办不成事")  # reads the names


@hookimpl
def register_routes(datasette: Datasette) -> list[tuple[str, Any]]:
    if not library(datasette):
        return []
    return [
        (r"^/$", guarded(search_page)),
        (r"^/search/results$", guarded(results_part)),
        (r"^/api/search\.json$", guarded(search_json)),
        (r"^/api/suggest\.json$", guarded(suggest_json)),
        *(route for room in ROOMS for route in room.ROUTES),
        *api.routes(datasette, HERE / "openapi", _handlers()),
        static_route("search", STATIC),
    ]


def _handlers() -> dict[str, api.Handler]:
    return {name: handler for room in ROOMS for name, handler in room.HANDLERS.items()}


@hookimpl
def extra_js_urls(request: Request | None, datasette: Datasette) -> list[dict[str, Any]]:
    """For who is signed in: the number of new cases that they watch for, fetched when the page stands."""
    if not library(datasette) or request is None or not may(request.actor, "watch"):
        return []
    return [{"url": asset_address(datasette, "search", STATIC / "notices.js"), "module": True}]


@hookimpl
def menu_links(datasette: Datasette, actor: dict[str, Any] | None) -> Any:
    return (lambda: _links(datasette, actor)) if library(datasette) else []


async def _links(datasette: Datasette, actor: dict[str, Any] | None) -> list[dict[str, str]]:
    named = (("/policy", "政策", "insight"), ("/classes", "归类", "classes.see"))
    seen = [(path, label) for path, label, right in named if await may_here(datasette, actor, right)]
    links = [("/", "检索"), *seen]
    return [{"href": address(datasette, path), "label": label} for path, label in links]


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
        ids = await in_thread(found.settings, lambda searcher: _holding_words(searcher, typed))
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
    return searcher.engine.with_words(asked.words[:MOST_WORDS])


# Pages


async def search_page(datasette: Datasette, request: Request) -> Response:
    """/: the search box, and the results where something was asked."""
    found = the_library(datasette)
    context = {
        **await _overview(found),
        "asked": question(request),
        "longest": LONGEST + 1,  # one more than is looked at: whoever writes more is told
        "search_js": asset_address(datasette, "search", STATIC / "search.js"),
        "search_css": asset_address(datasette, "search", STATIC / "search.css"),
    }
    if question(request):
        context |= await _results(datasette, request, settled=True)
    return await render(datasette, request, "search.html", context)


async def results_part(datasette: Datasette, request: Request) -> Response:
    """/search/results: the results alone, for the page that refreshes while someone types.

    `settled=1` says that the text has stood for a while: it is a question, not half of one.
    """
    context = await _results(datasette, request, settled=bool(request.args.get("settled")))
    return await render(datasette, request, "_search_results.html", context)


async def search_json(datasette: Datasette, request: Request) -> Response:
    """/api/search.json?q= with k, region, domain, barrier, outcome, since: what `Precedents.find` answers."""
    number = (request.args.get("k") or str(RESULTS))[:9]
    if not (number.isascii() and number.isdigit()):
        raise Fault("k 是要几条结果，请写成数字")
    answer = await _find(the_library(datasette), request, min(int(number), MOST_RESULTS))
    return Response(json.dumps(answer, ensure_ascii=False), content_type="application/json; charset=utf-8")


async def suggest_json(datasette: Datasette, request: Request) -> Response:
    """/api/suggest.json?q=: {"suggestions": [...]} for what was typed so far, as `suggestions.suggest` gives them."""
    found = await asking.suggestions(the_library(datasette), question(request))
    answer = json.dumps({"suggestions": found}, ensure_ascii=False)
    return Response(answer, content_type="application/json; charset=utf-8")


async def _find(found: Library, request: Request, k: int) -> dict[str, Any]:
    asked, filters = question(request), asking.chosen(request.args)
    return await asking.find(found, asked, k, filters, asking.literally(request), asking.home(request.actor))


async def _results(datasette: Datasette, request: Request, settled: bool) -> dict[str, Any]:
    """What the list of results shows: the answer, the whole cases behind it, links that ask differently."""
    found = the_library(datasette)
    answer = await _find(found, request, RESULTS)
    asked, chosen, literally = question(request), asking.chosen(request.args), asking.literally(request)
    answer["query"], removed = await asyncio.to_thread(asking.impersonal, answer["query"])
    grade, ids = answer["grade"], [result["id"] for result in answer["results"]]
    same = {"q": answer["query"], "literally": "1" if literally else "", **chosen}
    used = await feedback.standings(found, ids, request.actor)
    changes = await found.store(validity.changed)
    mark = validity.marker(changes)
    return {
        "answer": answer,
        "removed": removed,
        "says_something": any(char.isalnum() for char in asked),
        "grade": grade,
        "partings": _partings([result["grade"] for result in answer["results"]], grade),
        "playbook": next((result for result in answer["results"] if result["playbook"]), None),
        "noted": settled and await _note(found, asked, grade, chosen),
        "cases": await found.cases(ids),
        "feedback": used,
        "why": {result["id"]: _reasons(result, used) for result in answer["results"]},
        "citation": lambda case: citation(mark(case)),
        "fallen": lambda basis: validity.fallen(basis, changes),
        "chosen": {name: (value, _label(name, value)) for name, value in chosen.items()},
        "literally": literally,
        "listed": max(LEAST_VALUES, min(MOST_VALUES, ROOM_FOR_LINKS // max(1, len(answer["query"])))),
        "link": lambda **changes: _link(datasette, {**same, **changes}),
        "link_to": lambda path, **more: address(datasette, path, **same, **more),
        "without_phrase": lambda phrase: operators.without_phrase(answer["query"], phrase),
        "without_exclusion": lambda word: operators.without_exclusion(answer["query"], word),
    }


def _reasons(result: Mapping[str, Any], used: Mapping[str, Standing]) -> list[dict[str, str]]:
    """Why a result stands there, with who has used it: told, never counted for its place."""
    halls = used[result["id"]].said if result["id"] in used else ""
    return [*result["why"], *([{"kind": "复用", "text": halls}] if halls else [])]


async def _note(found: Library, asked: str, grade: str, chosen: Mapping[str, str]) -> bool:
    """Has a question counted; whether it is one that becomes known as an unmet need.

    Not where it was narrowed down to cases of some kind: that says little of what the library lacks.
    """
    if not set(chosen) <= WHERE:
        return False
    unmet.record_soon(found.settings, asked, grade, Filters(**chosen))
    return grade == NONE and bool(await asyncio.to_thread(unmet.deidentified, asked))


def _link(datasette: Datasette, asked: Mapping[str, str]) -> str:
    """The page for a question.  Chinese characters stay as they are, a third as long as percent-encoded: the page has
    a hundred such links, each with the question in it."""
    query = "&".join(f"{name}={_plain(str(value))}" for name, value in asked.items() if value)
    return f"{datasette.urls.path('/')}?{query}"


def _plain(text: str) -> str:
    return re.sub(r"[^\w.~-]+", lambda found: quote(found[0], safe=""), text)


def _label(name: str, value: str) -> str:
    """How a chosen filter is shown: a region by its name, not by its code."""
    place = regions.by_code(value.ljust(6, "0")) if name == "region" else None
    return place.name if place else value


def _partings(grades: Sequence[str], overall: str) -> dict[int, str]:
    """Places in a list of results from which on all are below the answer's own grade → what is said there."""
    ranks = [GRADES.index(grade) for grade in grades]
    found: dict[int, str] = {}
    for lesser, words in LESSER.items():
        least = GRADES.index(lesser)
        first = max((at + 1 for at, rank in enumerate(ranks) if rank < least), default=0)
        if GRADES.index(overall) < least and first < len(ranks):
            found[first] = words
    return found


async def _overview(found: Library) -> dict[str, Any]:
    """What the front page says of the whole library; counted again only when the library has changed."""
    version = (await found.rows("select value from meta where key = 'version'"))[0]["value"]
    known = _overviews.get(found.settings.data_dir)
    if known is None or known[0] != version:
        choices = {name: await browse.facet(found, name, {}) for name in ("domain", "barrier")}
        known = version, {**await _welcome(found), "choices": choices}
        _overviews[found.settings.data_dir] = known
    return known[1]


async def _welcome(found: Library) -> dict[str, Any]:
    """How much there is, and three questions that will find something."""
    total = await found.rows(
        "select count(*) as cases, count(distinct nullif(hall_name, '')) as halls from cases where state = 'published'"
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
