"""A hall's own page: what it solved, and what others solved that it still refuses. A hall is known by its code (GB/T
2260), or by its name where the source gives no code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from datasette import Request, Response

from ..errors import Missing
from ..migrations import HALL_KEY, MATTER_KEY
from ..model import Case, from_row
from .api import Call, Handler
from .shell import Library, address, asset_address, guarded, render, the_library

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

STATIC = Path(__file__).parent / "static"
NEWEST = 10
MOST_HALLS = 300  # on a page
MOST_PAIRS = 30
MOST_ROWS = 15  # of a table of barriers or matters
SOLVED = ("办成", "部分办成")
REFUSED = ("依法不能办已释因", "转其他渠道")
_NOWHERE = "未写明地区"
#: Sharing one of these says nothing about how to overcome it.
_NO_OBSTACLE = ("依法不能办", "非政务诉求")
_OF_HALL = f"state = 'published' and {HALL_KEY} = :hall"


@dataclass(frozen=True)
class Hall:
    """A hall as lists show it: `key` is its code, else its name; `solved` and `refused` count outcomes."""

    key: str
    name: str
    province: str
    city: str
    cases: int
    solved: int
    refused: int


@dataclass(frozen=True)
class Row:
    """How a hall fares with one barrier or matter; `days` is the median of working days, None where unknown."""

    value: str
    cases: int
    solved: int
    days: float | None


@dataclass(frozen=True)
class Pair:
    """The same matter before the same obstacle, in two halls: refused here, solved there."""

    matter: str
    barriers: list[str]
    refused: Case
    solved: Case


def key_of(case: Case) -> str:
    """What a hall's address ends with; empty where the source names no hall."""
    return str(case.hall.get("code") or case.hall.get("name") or "")


def hall_address(datasette: Datasette, key: str) -> str:
    return address(datasette, f"/hall/{quote(key, safe='')}") if key else ""


async def halls(library: Library) -> list[Hall]:
    """All halls that have published cases, in the order of region codes, as officials list places."""
    rows = await library.rows(
        f"select {HALL_KEY} as key, max(hall_name) as name, max(province) as province, max(city) as city, "
        f"count(*) as cases, sum(outcome in {SOLVED}) as solved, sum(outcome in {REFUSED}) as refused "
        f"from cases where state = 'published' group by 1 having key != '' "
        "order by min(region_code) = '', min(region_code), 3, 4, 2"
    )
    return [Hall(row.pop("key"), row.pop("name") or "", **row) for row in rows]


async def hall_named(library: Library, key: str) -> Hall:
    """The hall of that code or name. Raises Missing."""
    rows = await library.rows(
        f"select max(hall_name) as name, max(province) as province, max(city) as city, count(*) as cases, "
        f"sum(outcome in {SOLVED}) as solved, sum(outcome in {REFUSED}) as refused "
        f"from cases where {_OF_HALL}", {"hall": key}
    )  # fmt: skip
    if not rows[0]["cases"]:
        raise Missing("库里没有这个大厅的案例。大厅用区划码（6 位）或全称查找")
    return Hall(key, rows[0].pop("name") or key, **rows[0])


async def by_barrier(library: Library, key: str) -> list[Row]:
    return await _table(library, key, "each.value", "cases, json_each(barriers) as each")


async def by_matter(library: Library, key: str) -> list[Row]:
    return await _table(library, key, MATTER_KEY, "cases")


async def _table(library: Library, key: str, value: str, source: str) -> list[Row]:
    rows = await library.rows(
        "with mine as (select " + value + " as value, outcome, working_days as days from " + source +
        f" where {_OF_HALL}), "
        "ranked as (select value, days, row_number() over (partition by value order by days) as at, "
        "count(*) over (partition by value) as n from mine where days is not null), "
        "middle as (select value, avg(days) as days from ranked where at in ((n + 1) / 2, (n + 2) / 2) group by 1) "
        f"select mine.value, count(*) as cases, sum(outcome in {SOLVED}) as solved, middle.days "
        "from mine left join middle using (value) where mine.value != '' group by 1 order by 2 desc, 1 limit :most",
        {"hall": key, "most": MOST_ROWS},
    )  # fmt: skip
    return [Row(**row) for row in rows]


async def newest(library: Library, key: str) -> list[Case]:
    """What the hall closed last."""
    rows = await library.rows(
        f"select * from cases where {_OF_HALL} order by coalesce(nullif(closed, ''), received) desc, id limit :most",
        {"hall": key, "most": NEWEST},
    )
    return [from_row(row) for row in rows]


async def pairs(library: Library, key: str, mine: str) -> list[Pair]:
    """Where this hall and another differ: `mine` is what it did, "refused" (others solved it) or "solved".

    One pair for each matter and barriers, that with the newest solution. Cases that do not differ in these are put
    together before they are compared: a hall with thousands would meet thousands.
    """
    here, there = (REFUSED, SOLVED) if mine == "refused" else (SOLVED, REFUSED)
    rows = await library.rows(
        f"with here as materialized (select {MATTER_KEY} as matter, barriers, max(closed) as closed, id from cases "
        f"where {_OF_HALL} and outcome in {here} and {MATTER_KEY} != '' group by 1, 2), "
        f"there as materialized (select {MATTER_KEY} as matter, barriers, max(closed) as closed, id from cases "
        f"where state = 'published' and {MATTER_KEY} in (select matter from here) and outcome in {there} "
        f"and {HALL_KEY} not in ('', :hall) group by 1, 2), "
        "shared as (select here.matter, here.id as mine, there.id as other, there.closed, "
        "(select json_group_array(a.value) from json_each(here.barriers) a join json_each(there.barriers) b "
        "on a.value = b.value where a.value not in (select value from json_each(:none))) as barriers "
        "from here join there on there.matter = here.matter) "
        "select * from shared where barriers != '[]' order by closed desc, mine, other limit 2000",
        {"hall": key, "none": json.dumps(_NO_OBSTACLE)},
    )
    chosen: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        chosen.setdefault((row["matter"], row["barriers"]), row)
    wanted = list(chosen.values())[:MOST_PAIRS]
    cases = await library.cases([row[side] for row in wanted for side in ("mine", "other")])
    found = []
    for row in wanted:
        if row["mine"] in cases and row["other"] in cases:
            own, other = cases[row["mine"]], cases[row["other"]]
            refused, solved = (own, other) if mine == "refused" else (other, own)
            found.append(Pair(row["matter"], json.loads(row["barriers"]), refused, solved))
    return found


async def halls_page(datasette: Datasette, request: Request) -> Response:
    """/halls: every hall by province and city; where they are many, those of one province at a time."""
    found = await halls(the_library(datasette))
    chosen = request.args.get("province") or ""
    provinces: dict[str, dict[str, list[Hall]]] = {}
    for hall in found:
        provinces.setdefault(hall.province, {}).setdefault(hall.city, []).append(hall)
    counts = {province: sum(map(len, cities.values())) for province, cities in provinces.items()}
    if chosen or len(found) > MOST_HALLS:
        provinces = {name: cities for name, cities in provinces.items() if (name or _NOWHERE) == chosen}
    context = {
        "provinces": provinces,
        "counts": counts,
        "chosen": chosen,
        "none_given": _NOWHERE,
        "total": len(found),
        "hall_address": lambda key: hall_address(datasette, key),
        "style": asset_address(datasette, "kb", STATIC / "cases.css"),
    }
    return await render(datasette, request, "kb_halls.html", context)


async def hall_page(datasette: Datasette, request: Request) -> Response:
    """/hall/CODE or /hall/NAME."""
    library, key = the_library(datasette), unquote(request.url_vars["key"])
    hall = await hall_named(library, key)
    context = {
        "hall": hall,
        "barriers": await by_barrier(library, key),
        "matters": await by_matter(library, key),
        "newest": await newest(library, key),
        "elsewhere": await pairs(library, key, "refused"),
        "ahead": await pairs(library, key, "solved"),
        "hall_address": lambda case: hall_address(datasette, key_of(case)),
        "style": asset_address(datasette, "kb", STATIC / "cases.css"),
        "feed": address(datasette, "/feed.atom", hall=hall.name),
    }
    return await render(datasette, request, "kb_hall.html", context)


async def list_halls(call: Call) -> dict[str, Any]:
    found = await halls(call.library)
    return {"ok": True, "total": len(found), "halls": [vars(hall) for hall in found]}


async def show_hall(call: Call) -> dict[str, Any]:
    library, key = call.library, call.path["code"]
    hall = await hall_named(library, key)
    return {
        "ok": True,
        **vars(hall),
        "by_barrier": [vars(row) for row in await by_barrier(library, key)],
        "by_matter": [vars(row) for row in await by_matter(library, key)],
        "newest": [brief(case) for case in await newest(library, key)],
        "solved_elsewhere": [_pair(pair) for pair in await pairs(library, key, "refused")],
        "solved_here_alone": [_pair(pair) for pair in await pairs(library, key, "solved")],
    }


def brief(case: Case) -> dict[str, Any]:
    """A case as lists give it to programs."""
    whole = case.to_dict()
    names = ("id", "source_no", "hall", "region", "title", "domain", "matter", "obstacle", "barriers", "outcome",
             "received", "closed", "working_days")  # fmt: skip
    return {name: whole[name] for name in names}


def _pair(pair: Pair) -> dict[str, Any]:
    return {**vars(pair), "refused": brief(pair.refused), "solved": brief(pair.solved)}


ROUTES: list[tuple[str, Any]] = [
    (r"^/halls$", guarded(halls_page)),
    (r"^/hall/(?P<key>[^/]{1,600})$", guarded(hall_page)),
]
HANDLERS: dict[str, Handler] = {"listHalls": list_halls, "showHall": show_hall}
