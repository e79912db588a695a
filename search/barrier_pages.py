"""/barriers: hidden barriers ranked, in pictures, compared between places, who waits for whom, rules to watch, and the
report; /barrier/ID: one with its fix and what came before and after. And the API. Every number leads to its cases."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from datasette import Request, Response

from kb import playbooks, vocabulary
from kb.errors import Fault, Missing
from kb.model import Case
from kb.store import Store
from kb.web.api import Answer, Call, Handler
from kb.web.shell import address, asset_address, page_number, render, rightful, the_library

from .insight import barriers, classes, comparison, pictures, prerequisites, report, report_files, verdicts, watch
from .insight.barriers import Barrier, Radar
from .insight.changes import moved
from .insight.classes import CaseClass
from .insight.pictures import Fact, Whole
from .insight.scope import counted, newest_first, scope

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

STATIC = Path(__file__).parent / "static"
SCOPE = ("since", "until", "region")
RULE = ("name", "words", "class_id", "barrier", "halls", "cases", "days")
PICKS = ("type", "first", "matter", "county", "hall", "month", "handling", "outcome")
RANKED = 50  # barriers on the page, before "all"
DRAWN = 3  # barriers whose months are drawn on the page of pictures
SIZE = 20  # cases on a page
MOST_PAIRS = 50  # of places compared
LISTED = 200  # cases on the page of one barrier
MOST_AREAS = 400  # that the filter proposes
CIRCLES, WAITS = 9, 40  # circles and waits that are drawn
TONES = {verdicts.RECURS: "gone", verdicts.STOPPED: "done", verdicts.NO_FIX: "", verdicts.TOO_EARLY: "partly"}
TABS = (("", "清单"), ("/pictures", "图"), ("/compare", "各地比较"), ("/prerequisites", "互为前置"), ("/watch", "关注"))
PLACE_OF = {label: place for place, label in verdicts.PLACES.items()}
#: What a link may ask for beside the values of a case: parts of the ranking, and cases kept apart.
PARTS = {
    "before": "固化前", "after": "固化后", "refused": "依法不能办", "again": "重复登记", "borderline": "拿不准的",
    "lawful": "依法不能办", "outside": "非政务诉求", "undated": "没有日期",
}  # fmt: skip


# Pages


async def barriers_page(datasette: Datasette, request: Request) -> Response:
    """/barriers?since=&until=&region=: the radar."""
    asked = _asked(request)
    found = await the_library(datasette).store(lambda store: _radar(store, asked))
    shown = found.barriers if request.args.get("all") else found.barriers[:RANKED]
    apart = [*found.lawful[:SIZE], *found.outside[:SIZE]]
    context = {
        "radar": found,
        "shown": shown,
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
        fixed = [_subject(store, one.id, asked)[0] for one in found if one.fix and one.fix["date"]][:DRAWN]
        return {
            "barriers": found,
            "county": pictures.by_county(facts),
            "matter": pictures.by_matter(facts),
            "flow": pictures.flow(facts),
            "histories": [(one, pictures.history(facts, told)) for one in fixed for told, facts in [_told(store, one)]],
        }

    context = await the_library(datasette).store(work)
    return await _show(datasette, request, "barriers_pictures.html", context, asked)


async def compare_page(datasette: Datasette, request: Request) -> Response:
    """/barriers/compare: the same matter and obstacle, done here and not there."""
    asked = _asked(request)
    found = await the_library(datasette).store(lambda store: comparison.comparisons(store, **asked))
    context = {"pairs": [one.to_dict() for one in found], "same": comparison.SAME, "most": MOST_PAIRS}
    return await _show(datasette, request, "barriers_compare.html", context, asked)


async def prerequisites_page(datasette: Datasette, request: Request) -> Response:
    """/barriers/prerequisites: who waits for whom, and the circles."""
    asked = _asked(request)

    def work(store: Store) -> dict[str, Any]:
        found = _prerequisites(store, asked)
        circles, waits = found.cycles[:CIRCLES], found.edges[:WAITS]
        ids = [case_id for circle in circles for case_id in _of_circle(circle)]
        ids += [case_id for edge in waits for case_id in edge.case_ids]
        return {"found": found, "circles": circles, "waits": waits, "cases": store.published_of(ids),
                "of_circle": _of_circle, "in_circle": _in_circle(found)}  # fmt: skip

    context = await the_library(datasette).store(work)
    return await _show(datasette, request, "barriers_prerequisites.html", context, asked)


async def cases_page(datasette: Datasette, request: Request) -> Response:
    """/barriers/cases: the cases that one number counts."""
    asked = _asked(request)
    picked = {name: _text(request, name) for name in ("clue", "part", *PICKS)}
    page = page_number(request)

    def work(store: Store) -> tuple[str, list[str], dict[str, Case]]:
        label, ids = _counted(store, asked, picked)
        ordered = [case.id for case in newest_first(store.published_of(ids).values())]
        return label, ordered, store.published_of(ordered[(page - 1) * SIZE :][:SIZE])

    label, ids, cases = await the_library(datasette).store(work)
    context = {
        "label": label,
        "picked": [value for name, value in picked.items() if value and name not in ("clue", "part")],
        "clue": picked["clue"],
        "total": len(ids),
        "cases": [cases[one] for one in ids[(page - 1) * SIZE :][:SIZE] if one in cases],
        "page": page,
        "pages": max(1, -(-len(ids) // SIZE)),
        "export": address(datasette, "/export", format="xlsx", ids=",".join(ids[:500])),
        "turn": lambda page: address(datasette, "/barriers/cases", **asked, **picked, page=page),
    }
    return await _show(datasette, request, "barriers_cases.html", context, asked)


async def barrier_page(datasette: Datasette, request: Request) -> Response:
    """/barrier/ID: one barrier over time: the fix, before and after, other places, its procedure. What is asked for a
    class is about all of it; a problem told by many is one of the time and the area that the address names."""
    number, asked = request.url_vars["id"], _asked(request)

    def work(store: Store) -> dict[str, Any]:
        one, ranked = _subject(store, number, asked)
        told, facts = _told(store, one)
        cases = store.published_of(one.case_ids)
        return {
            "one": one,
            "told": told,
            "history": pictures.history(facts, told),
            "ranked": ranked,
            "cases": cases,
            "ordered": [case.id for case in newest_first(cases.values())],
            "pairs": [pair.to_dict() for pair in comparison.comparisons(store) if pair.class_id == one.id],
            "playbook": playbooks.get(store, one.playbook) if one.playbook else None,
        }

    context = await the_library(datasette).store(work)
    context |= {"places": verdicts.PLACES, "most": LISTED, "same": comparison.SAME}
    return await _show(datasette, request, "barrier.html", context, asked)


async def watch_page(datasette: Datasette, request: Request) -> Response:
    """/barriers/watch: rules and what they raised; words=, barrier= or class_id= fill the form for a new one."""
    account, library = _account(request.actor), the_library(datasette)
    notices = await library.store(lambda store: watch.notices(store, account))
    known = await library.store(classes.classes)
    context = {
        "rules": await library.store(lambda store: watch.rules(store, account)),
        "notices": notices,
        "unseen": any(not each.seen for each in notices),
        "most": LISTED,
        "kinds": [each for each in vocabulary.values("barriers") if each not in _apart_types()],
        "titles": {one.id: one.title for one in known},
        "wanted": {name: _text(request, name) for name in watch.KINDS},
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
        "tones": TONES,
        "barriers_css": asset_address(datasette, "search", STATIC / "barriers.css"),
        "barriers_js": asset_address(datasette, "search", STATIC / "barriers.js"),
        "charts_js": asset_address(datasette, "search", STATIC / "charts.js"),
        "d3_js": asset_address(datasette, "search", STATIC / "d3.min.js"),
    }
    return await render(datasette, request, template, context)


def _text(request: Request, name: str) -> str:
    return (request.args.get(name) or "").strip()[:200]


def _asked(request: Request) -> dict[str, str]:
    return {name: _text(request, name) for name in SCOPE}


def _spans(newest: str) -> list[tuple[str, str]]:
    """(words, first day) of the periods that a page offers, counted back from the newest case."""
    spans = (("近半年", 182), ("近一年", 365), ("近三年", 1096))
    return [("全部", ""), *((words, moved(newest, 1 - days)) for words, days in spans if newest)]


async def _unseen(datasette: Datasette, request: Request) -> int:
    account = _account(request.actor)
    return len(await the_library(datasette).store(lambda store: watch.notices(store, account, unseen=True)))


def _account(actor: Mapping[str, Any] | None) -> str:
    return str(actor["id"]) if actor else ""


def _apart_types() -> set[str]:
    rules = barriers.settings()
    return {rules["lawful"]["barrier"], rules["outside"]["barrier"]}


# What pages and programs count


def _subject(store: Store, number: str, asked: Mapping[str, str]) -> tuple[CaseClass, Barrier | None]:
    """A class, or a problem told by many as if it were one, and how it is ranked there, if it is. Raises Missing."""
    ranked = next((each for each in barriers.barriers(store, **asked) if each.id == number), None)
    if ranked is None or ranked.kind == "class":
        return classes.get(store, number), ranked
    said = asdict(ranked) | {"title": ranked.label}
    return CaseClass(**{field.name: said[field.name] for field in fields(CaseClass)}), ranked


def _told(store: Store, one: CaseClass) -> tuple[verdicts.Verdict, list[Fact]]:
    """The verdict on a whole class, and the facts of the cases that it counts."""
    cases = store.published_of(one.case_ids).values()
    counts = [case for case in cases if one.state not in classes.STATES or not _is_apart(case)]
    whole = Whole(one.id, one.title, one.barriers[0] if one.barriers else "", [case.id for case in counts])
    fix = verdicts.stated(verdicts.playbook_of(store, one.playbook), counts)
    told = verdicts.verdict(counts, verdicts.watched_until(store), one.borderline, fix)
    return told, pictures.facts(store, [whole])


def _is_apart(case: Case) -> bool:
    return barriers.is_lawful(case) or barriers.is_outside(case)


def _radar(store: Store, asked: Mapping[str, str]) -> Radar:
    return barriers.radar(store, asked["since"], asked["until"], asked["region"])


def _sides(one: Barrier) -> dict[str, int]:
    """How many cases came before and after the fix."""
    return {side: sum(map(len, places.values())) for side, places in one.counts.items()}


def _counted(store: Store, asked: Mapping[str, str], picked: Mapping[str, str]) -> tuple[str, list[str]]:
    """What a number counts in words, and the ids of the cases."""
    found = _radar(store, asked)
    part, clue = picked["part"], picked["clue"]
    chosen = {name: picked[name] for name in PICKS}
    if not clue:
        if part in ("lawful", "outside", "undated"):
            return PARTS[part], getattr(found, part)
        return "", _ids(pictures.choose(pictures.facts(store, found.barriers), **chosen))
    if part.partition(".")[0] == "whole":
        return _of_whole(store, _subject(store, clue, asked)[0], part.partition(".")[2], chosen)
    one = next((each for each in found.barriers if each.id == clue), None)
    if one is None:
        raise Missing("选定的时段和地区里没有这条线索")
    ids = set(_of_part(one, part)) if part else set(one.case_ids)
    facts = pictures.facts(store, [replace(one, case_ids=sorted(ids))])
    return f"{one.label}：{_part_label(one, part)}".rstrip("："), _ids(pictures.choose(facts, **chosen))


def _of_whole(store: Store, one: CaseClass, place: str, chosen: Mapping[str, str]) -> tuple[str, list[str]]:
    """The cases of a class whenever they came; with `place` those that lie so as seen from its fix."""
    told, facts = _told(store, one)
    if place:
        near = {case_id for side in (told.before, told.after) for case_id in side.get(place, [])}
        facts = [fact for fact in facts if fact.case_id in near]
    return one.title, _ids(pictures.choose(facts, **chosen))


def _ids(found: Sequence[Fact]) -> list[str]:
    return list(dict.fromkeys(fact.case_id for fact in found))


def _part_label(one: Barrier, part: str) -> str:
    side, _, place = part.partition(".")
    named = {each.name: each.label for each in one.components}
    if place:
        return f"{PARTS.get(side, '')}{verdicts.PLACES.get(place, '')}"
    return PARTS.get(part) or named.get(part) or ""


def _of_part(one: Barrier, part: str) -> list[str]:
    """The cases of one part of a barrier's ranking. Raises Fault."""
    side, _, place = part.partition(".")
    if side in one.counts:
        return [each for name, ids in one.counts[side].items() if place in ("", name) for each in ids]
    lists = {"again": one.again, "refused": one.refused, "borderline": one.borderline, "undated": one.undated}
    named = {each.name: each.case_ids for each in one.components} | lists
    if part not in named:
        raise Fault("没有这个数")
    return named[part]


def _prerequisites(store: Store, asked: Mapping[str, str]) -> prerequisites.Prerequisites:
    chosen = scope(**asked)
    return prerequisites.prerequisites(store, counted(store, chosen).cases if any(asked.values()) else None)


def _of_circle(circle: prerequisites.Cycle) -> list[str]:
    return circle.case_ids or circle.edge_case_ids


def _in_circle(found: prerequisites.Prerequisites) -> set[tuple[str, str]]:
    """The waits that are part of a circle."""
    return {(node, circle.nodes[(at + 1) % len(circle.nodes)])
            for circle in found.cycles for at, node in enumerate(circle.nodes)}  # fmt: skip


# For programs


async def _all(call: Call) -> dict[str, Any]:
    asked = _wanted(call)
    found = await call.library.store(lambda store: _radar(store, asked))
    return found.to_dict()


async def _one(call: Call) -> dict[str, Any]:
    asked, number = _wanted(call), call.path["id"]

    def work(store: Store) -> dict[str, Any]:
        one, ranked = _subject(store, number, asked)
        told, facts = _told(store, one)
        return {"class": one.to_dict(), "verdict": told.to_dict(), "history": asdict(pictures.history(facts, told)),
                "barrier": ranked.to_dict() if ranked else None}  # fmt: skip

    return await call.library.store(work)


async def _compare(call: Call) -> dict[str, Any]:
    asked = _wanted(call)
    found = await call.library.store(lambda store: comparison.comparisons(store, **asked))
    return {"comparisons": [one.to_dict() for one in found]}


async def _who_waits(call: Call) -> dict[str, Any]:
    asked = _wanted(call)
    found = await call.library.store(lambda store: _prerequisites(store, asked))
    return found.to_dict()


async def _report(call: Call) -> Response:
    asked, form = _wanted(call), call.query["format"]
    made = await call.library.store(lambda store: report.make(store, **asked))
    headers = {
        "Content-Disposition": f"attachment; filename=\"barriers-{made.day}.{form}\"; "
        f"filename*=UTF-8''{quote(f'{made.title}-{made.day}.{form}', safe='')}",
        "Cache-Control": "no-store",
    }
    content = await asyncio.to_thread(report_files.write, made, form)
    return Response(content, headers=headers, content_type=report_files.TYPES[form])


async def _rules(call: Call) -> dict[str, Any]:
    account = _account(call.actor)
    found = await call.library.store(lambda store: watch.rules(store, account))
    return {"rules": [rule.to_dict() for rule in found]}


async def _add_rule(call: Call) -> Answer:
    account, said = _account(call.actor), call.body

    def work(store: Store) -> int:
        made = watch.add(store, account, **{name: said[name] for name in RULE if name in said})
        watch.evaluate(store)
        return made

    return Answer({"ok": True, "id": await call.library.store(work), "location": "/barriers/watch"}, 201)


async def _remove_rule(call: Call) -> dict[str, Any]:
    account = _account(call.actor)
    await call.library.store(lambda store: watch.remove(store, account, call.path["id"]))
    return {"ok": True, "location": "/barriers/watch"}


async def _notices(call: Call) -> dict[str, Any]:
    account = _account(call.actor)
    found = await call.library.store(lambda store: watch.notices(store, account, bool(call.query["unseen"])))
    return {"notices": [one.to_dict() for one in found]}


async def _seen(call: Call) -> dict[str, Any]:
    account = _account(call.actor)
    number = (call.body or {}).get("id")
    seen = await call.library.store(lambda store: watch.mark_seen(store, account, number))
    return {"ok": True, "seen": seen, "location": "/barriers/watch"}


def _wanted(call: Call) -> dict[str, str]:
    return {name: call.query[name] or "" for name in SCOPE}


ROUTES: Sequence[tuple[str, Any]] = [
    (rf"^/barriers{path}$", rightful("insight", page))
    for path, page in (("", barriers_page), ("/pictures", pictures_page), ("/compare", compare_page),
                       ("/prerequisites", prerequisites_page), ("/cases", cases_page), ("/watch", watch_page))
] + [(r"^/barrier/(?P<id>[\w-]{1,80})$", rightful("insight", barrier_page))]  # fmt: skip
HANDLERS: dict[str, Handler] = {
    "listBarriers": _all, "getBarrier": _one, "compareBarriers": _compare, "listPrerequisites": _who_waits,
    "barrierReport": _report, "listBarrierRules": _rules, "addBarrierRule": _add_rule,
    "removeBarrierRule": _remove_rule, "listBarrierNotices": _notices, "seeBarrierNotices": _seen,
}  # fmt: skip
