"""/barriers: hidden barriers ranked, in pictures, compared between places, who waits for whom, rules to watch, and the
cases behind each number; /barrier/ID: one with its fix and what came before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasette import Request, Response

from kb import playbooks, vocabulary
from kb.model import Case
from kb.store import Store
from kb.web.api import Handler
from kb.web.shell import account_of, address, asset_address, page_number, render, rightful, the_library, typed

from .insight import barriers, classes, comparison, naming, numbers, pictures, prerequisites, verdicts, watch
from .insight.barriers import Barrier
from .insight.changes import moved
from .insight.classes import CaseClass
from .insight.numbers import PARTS, PICKS, Number
from .insight.pictures import History
from .insight.scope import newest_first

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

STATIC = Path(__file__).parent / "static"
SCOPE = ("since", "until", "region")
RANKED = 50  # barriers on the page, before "all"
DRAWN = 3  # barriers whose months are drawn on the page of pictures
SIZE = 20  # cases on a page
MOST_PAIRS = 50  # of places compared
LISTED = 200  # cases on the page of one barrier where they name no hall, those kept apart, notices
HALLS, OF_HALL = 20, 5  # halls of a kind on the page of one barrier, cases of each
HOW = 100  # characters of how a hall solved it
MOST_AREAS = 400  # that the filter proposes
CIRCLES, WAITS = 9, 40  # circles and waits that are drawn
TABS = (("", "清单"), ("/pictures", "图"), ("/compare", "各地比较"), ("/prerequisites", "互为前置"), ("/watch", "关注"))
KINDS = ("办成了的，可以去问", "还没有办成的，可以告诉", "没有写明结果的")  # of halls, as `numbers.by_hall` has them
PLACE_OF = {label: place for place, label in verdicts.PLACES.items()}


async def barriers_page(datasette: Datasette, request: Request) -> Response:
    """/barriers?since=&until=&region=: the radar."""
    asked = _asked(request)
    found = await the_library(datasette).store(lambda store: barriers.radar(store, **asked))
    shown = found.barriers if request.args.get("all") else found.barriers[:RANKED]
    apart = [*found.lawful[:SIZE], *found.outside[:SIZE]]
    context = {
        "radar": found,
        "shown": shown,
        "places": verdicts.PLACES,
        "parts": {one.id: {part.name: part for part in one.components} for one in shown},
        "sides": {one.id: _sides(one) for one in shown},
        "apart": [(name, label, ids, ids[:SIZE]) for name, label, ids in
                  (("lawful", PARTS["lawful"], found.lawful), ("outside", PARTS["outside"], found.outside)) if ids],
        "cases": await the_library(datasette).store(lambda store: store.published_of(apart)),
        "notices": await _unseen(datasette, request),
        "settings": barriers.settings(),
    }  # fmt: skip
    return await _show(datasette, request, "barriers.html", context, asked)


async def pictures_page(datasette: Datasette, request: Request) -> Response:
    """/barriers/pictures: the same in pictures, each with its table."""
    asked = _asked(request)

    def work(store: Store) -> dict[str, Any]:
        found = barriers.barriers(store, **asked)
        facts = pictures.facts(store, found)
        fixed = [one for one in found if one.fix and one.fix["date"]][:DRAWN]
        subjects = [numbers.subject(store, one.id, asked) for one in fixed]
        return {
            "barriers": found,
            "unsaid": pictures.UNSAID,
            "county": pictures.by_county(facts),
            "matter": pictures.by_matter(facts),
            "flow": pictures.flow(facts),
            "histories": [(one, _history(store, one, ranked)) for one, ranked in subjects],
        }

    context = await the_library(datasette).store(work)
    return await _show(datasette, request, "barriers_pictures.html", context, asked)


async def compare_page(datasette: Datasette, request: Request) -> Response:
    """/barriers/compare: the same matter and obstacle, done here and not there."""
    asked = _asked(request)
    library = the_library(datasette)
    found = await library.store(lambda store: comparison.comparisons(store, **asked))
    told = (0, 0) if found else await library.store(lambda store: comparison.comparable(store, **asked))
    pending = await library.store(lambda store: {one.id for one in classes.classes(store, (classes.PROPOSED,))})
    context = {"pairs": [one.to_dict() for one in found], "same": comparison.SAME, "most": MOST_PAIRS, "told": told,
               "pending": pending}  # fmt: skip
    return await _show(datasette, request, "barriers_compare.html", context, asked)


async def prerequisites_page(datasette: Datasette, request: Request) -> Response:
    """/barriers/prerequisites: who waits for whom, and the circles."""
    asked = _asked(request)

    def work(store: Store) -> dict[str, Any]:
        found = prerequisites.of_scope(store, **asked)
        circles, waits = found.cycles[:CIRCLES], found.edges[:WAITS]
        ids = [case_id for circle in circles for case_id in _of_circle(circle)]
        ids += [case_id for edge in waits for case_id in edge.case_ids]
        return {"found": found, "circles": circles, "waits": waits, "cases": store.published_of(ids),
                "of_circle": _of_circle, "in_circle": _in_circle(found)}  # fmt: skip

    context = await the_library(datasette).store(work)
    return await _show(datasette, request, "barriers_prerequisites.html", context, asked)


async def cases_page(datasette: Datasette, request: Request) -> Response:
    """/barriers/cases: the cases that one number, or with notice= a notice, counts."""
    asked = _asked(request)
    picked = {name: typed(request, name) for name in PICKS}
    clue, part = typed(request, "clue"), typed(request, "part")
    notice, account = typed(request, "notice"), account_of(request)

    def work(store: Store) -> tuple[Number, list[Case]]:
        if notice:
            raised = watch.notice(store, account, notice)
            found = Number(raised.text, raised.case_ids)
        else:
            found = numbers.behind(store, asked, clue, part, picked)
        return found, newest_first(store.published_of(found.case_ids).values())

    number, cases = await the_library(datasette).store(work)
    pages = max(1, -(-len(cases) // SIZE))
    page = min(page_number(request), pages)
    context = {
        "number": number,
        "picked": [value for value in picked.values() if value],
        "clue": clue,
        "total": len(cases),
        "cases": cases[(page - 1) * SIZE :][:SIZE],
        "page": page,
        "pages": pages,
        "export": address(datasette, "/export", format="xlsx", ids=",".join(case.id for case in cases[:500])),
        "turn": lambda page: address(
            datasette, "/barriers/cases", **asked, **picked, clue=clue, part=part, notice=notice, page=page
        ),
    }
    return await _show(datasette, request, "barriers_cases.html", context, asked)


async def barrier_page(datasette: Datasette, request: Request) -> Response:
    """/barrier/ID: one barrier over time: the fix, before and after, other places, its procedure. What is asked for a
    class is about all of it; a problem told by many is one of the time and the area that the address names."""
    number, asked = request.url_vars["id"], _asked(request)

    def work(store: Store) -> dict[str, Any]:
        one, ranked = numbers.subject(store, number, asked)
        told, facts = numbers.told(store, one, ranked)
        cases = store.published_of(one.case_ids)
        counted = {fact.case_id for fact in facts}
        return {
            "one": one,
            "told": told,
            "history": pictures.history(facts, told),
            "ranked": ranked,
            "cases": cases,
            "ordered": [case.id for case in newest_first(cases.values()) if case.id in counted],
            "kinds": list(zip(KINDS, numbers.by_hall(cases[case_id] for case_id in counted), strict=True)),
            "apart": [case.id for case in newest_first(cases.values()) if case.id not in counted],
            "pairs": [pair.to_dict() for pair in comparison.comparisons(store) if pair.class_id == one.id],
            "playbook": playbooks.get(store, one.playbook) if one.playbook else None,
        }

    context = await the_library(datasette).store(work)
    context |= {"places": verdicts.PLACES, "most": LISTED, "same": comparison.SAME,
                "whole_of": {**asked, "clue": number, "part": f"{numbers.WHOLE}."},
                "halls": HALLS, "of_hall": OF_HALL, "how": HOW, "unsaid": pictures.UNSAID}  # fmt: skip
    return await _show(datasette, request, "barrier.html", context, asked)


async def watch_page(datasette: Datasette, request: Request) -> Response:
    """/barriers/watch: rules and what they raised; words=, barrier= or class_id= fill the form for a new one, rule= is
    the number of one to be changed."""
    account, library = account_of(request), the_library(datasette)
    notices = await library.store(lambda store: watch.notices(store, account))
    known = await library.store(classes.classes)
    gone = await library.store(lambda store: classes.classes(store, (classes.EMPTIED,)))
    rules = await library.store(lambda store: watch.rules(store, account))
    usual = barriers.settings()["watch"]
    new = {name: typed(request, name) for name in watch.KINDS} | {**usual, "cases": 1}
    changed = next((rule for rule in rules if str(rule.id) == typed(request, "rule")), None)
    context = {
        "rules": rules,
        "changed": changed,
        "notices": notices,
        "unseen": any(not each.seen for each in notices),
        "most": LISTED,
        "kinds": [each for each in vocabulary.values("barriers") if each not in _apart_types()],
        "titles": {one.id: one.title for one in known},
        "emptied": {one.id: f"{one.title}：{'、'.join([*one.barriers, one.id])}" for one in gone
                    if one.title == naming.EMPTIED},
        "wanted": changed.to_dict() if changed else new,
        "cases_of": lambda number: address(datasette, "/barriers/cases", notice=number),
    }
    return await _show(datasette, request, "barriers_watch.html", context, dict.fromkeys(SCOPE, ""))


async def _show(
    datasette: Datasette, request: Request, template: str, context: dict[str, Any], asked: Mapping[str, str]
) -> Response:
    library = the_library(datasette)
    areas = await library.rows(
        "select distinct province, city, county from cases where state = 'published' limit :most", {"most": MOST_AREAS}
    )
    newest = await library.rows(
        "select max(substr(coalesce(nullif(received, ''), nullif(accepted, ''), closed), 1, 10)) as day from cases "
        "where state = 'published' and coalesce(nullif(received, ''), nullif(accepted, ''), closed) "
        "glob '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' and coalesce(nullif(received, ''), nullif(accepted, ''), "
        "closed) <= date('now')"
    )
    here = str(request.path).removeprefix(str(datasette.urls.path("/")).rstrip("/"))
    context |= {
        "asked": asked,
        "unasked": here if any(asked.values()) else "",
        "areas": sorted({name for row in areas for name in row.values() if name}),
        "spans": _spans(newest[0]["day"] or ""),
        "tabs": [(address(datasette, f"/barriers{path}", **asked), words, path) for path, words in TABS],
        "at": request.path.removeprefix(str(datasette.urls.path("/barriers"))),
        "list": lambda **picked: address(datasette, "/barriers/cases", **{**asked, **picked}),
        "here": lambda **changed: address(datasette, here, **{**asked, **changed}),
        "file": lambda form: address(datasette, "/api/v1/barriers/report", **asked, format=form),
        "whole": lambda clue, month, series: address(
            datasette, "/barriers/cases", **asked, clue=clue, month=month, part=f"whole.{PLACE_OF.get(series, '')}"
        ),
        "barrier": lambda clue: address(datasette, f"/barrier/{clue}", **asked),
        "tones": verdicts.TONES,
        "barriers_css": asset_address(datasette, "search", STATIC / "barriers.css"),
        "barriers_js": asset_address(datasette, "search", STATIC / "barriers.js"),
        "charts_js": asset_address(datasette, "search", STATIC / "charts.js"),
        "d3_js": asset_address(datasette, "search", STATIC / "d3.min.js"),
    }
    return await render(datasette, request, template, context)


def _asked(request: Request) -> dict[str, str]:
    return {name: typed(request, name) for name in SCOPE}


def _spans(newest: str) -> list[tuple[str, str]]:
    """(words, first day) of the periods that a page offers, counted back from the newest case."""
    spans = (("近半年", 182), ("近一年", 365), ("近三年", 1096))
    return [("全部", ""), *((words, moved(newest, 1 - days)) for words, days in spans if newest)]


async def _unseen(datasette: Datasette, request: Request) -> int:
    account = account_of(request)
    return len(await the_library(datasette).store(lambda store: watch.notices(store, account, unseen=True)))


def _apart_types() -> set[str]:
    rules = barriers.settings()
    return {rules["lawful"]["barrier"], rules["outside"]["barrier"]}


def _history(store: Store, one: CaseClass, ranked: Barrier | None) -> History:
    told, facts = numbers.told(store, one, ranked)
    return pictures.history(facts, told)


def _sides(one: Barrier) -> dict[str, int]:
    """How many cases came before and after the fix."""
    return {side: sum(map(len, places.values())) for side, places in one.counts.items()}


def _of_circle(circle: prerequisites.Cycle) -> list[str]:
    return circle.case_ids or circle.edge_case_ids


def _in_circle(found: prerequisites.Prerequisites) -> set[tuple[str, str]]:
    """The waits that are part of a circle."""
    return {(node, circle.nodes[(at + 1) % len(circle.nodes)])
            for circle in found.cycles for at, node in enumerate(circle.nodes)}  # fmt: skip


ROUTES: Sequence[tuple[str, Any]] = [
    (rf"^/barriers{path}$", rightful("insight.keep" if page is watch_page else "insight", page))
    for path, page in (("", barriers_page), ("/pictures", pictures_page), ("/compare", compare_page),
                       ("/prerequisites", prerequisites_page), ("/cases", cases_page), ("/watch", watch_page))
] + [(r"^/barrier/(?P<id>[\w-]{1,80})$", rightful("insight", barrier_page))]  # fmt: skip
HANDLERS: dict[str, Handler] = {}
