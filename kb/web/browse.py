"""Browsing: published cases by facets, counted and paged. Filters are fixed SQL; values are bound.

Counting looks at every case, in the index `cases_browsed`; what was counted is kept until the library changes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..model import Case, from_row
from .shell import Library

PAGE_SIZE = 20
#: Parameter of the address → condition. The order is that of the page.
FILTERS = {
    "domain": "domain = :domain",
    "barrier": "exists (select 1 from json_each(barriers) where value = :barrier)",
    "outcome": "outcome = :outcome",
    "province": "province = :province",
    "city": "city = :city",
    "county": "county = :county",
    "hall": "hall_name = :hall",
}
#: Filters whose name is not that of the column: filter → column, which also gives the label.
COLUMNS = {"barrier": "barriers", "hall": "hall_name"}
_FACET_LIMIT = 30
_COUNTS_KEPT = 300
#: Data folder, version of the library, what was counted → rows. The eldest go first.
_counts: OrderedDict[tuple[Any, ...], list[dict[str, Any]]] = OrderedDict()
_NEWEST = "coalesce(nullif(closed, ''), received) desc, id"


@dataclass(frozen=True)
class Facet:
    """Values of one filter with the number of cases that each leaves, and the value chosen now."""

    name: str
    column: str
    values: list[tuple[str, int]]
    chosen: str


@dataclass(frozen=True)
class Listing:
    """One page of cases (`page` from 1) out of `total`."""

    cases: list[Case]
    total: int
    page: int
    pages: int


def chosen(args: Mapping[str, str]) -> dict[str, str]:
    """The filters that an address sets. A city without its province, say, is as good as any other filter."""
    return {name: args[name][:200] for name in FILTERS if args.get(name)}


def selection(filters: Mapping[str, str], order: str = _NEWEST) -> str:
    """SQL of everything that matches, newest first: rows of cases. The filters themselves are its parameters."""
    return f"select * from cases where {_where(filters)} order by {order}"


def _where(filters: Mapping[str, str], without: str = "") -> str:
    parts = ["state = 'published'", *(FILTERS[name] for name in filters if name != without)]
    return " and ".join(parts)


async def listing(library: Library, filters: Mapping[str, str], page: int, size: int = PAGE_SIZE) -> Listing:
    """Newest first, `size` on a page; a page beyond the last is the last."""
    where = _where(filters)
    total = (await _counted(library, f"select count(*) as n from cases where {where}", filters))[0]["n"]
    pages = max(1, -(-total // size))
    page = min(max(page, 1), pages)
    rows = await library.rows(
        f"select * from cases where {where} order by {_NEWEST} limit :size offset :offset",
        {**filters, "size": size, "offset": (page - 1) * size},
    )
    return Listing([from_row(row) for row in rows], total, page, pages)


async def _counted(library: Library, sql: str, filters: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rows of a statement that counts: from the last time, unless the library has changed since."""
    # The version first: what is counted may then be newer than the version says, and is counted once more, never older.
    version = (await library.rows("select value from meta where key = 'version'"))[0]["value"]
    used = {name: value for name, value in filters.items() if f":{name}" in sql}
    key = library.settings.data_dir, version, sql, tuple(sorted(used.items()))
    rows = _counts.pop(key, None)
    if rows is None:
        rows = await library.rows(sql, used)
    _counts[key] = rows
    while len(_counts) > _COUNTS_KEPT:
        _counts.popitem(last=False)
    return rows


async def facet(library: Library, name: str, filters: Mapping[str, str]) -> Facet:
    """The values of one filter among the cases that the other filters leave."""
    column = COLUMNS.get(name, name)
    source, value = "cases", column
    if name == "barrier":
        source, value = "cases, json_each(barriers) as each", "each.value"
    rows = await _counted(
        library,
        f"select {value} as value, count(*) as n from {source} "
        f"where {_where(filters, without=name)} and {value} != '' "
        f"group by 1 order by n desc, 1 limit {_FACET_LIMIT}",
        filters,
    )
    return Facet(name, column, [(str(row["value"]), row["n"]) for row in rows], filters.get(name, ""))


async def facets(library: Library, filters: Mapping[str, str]) -> list[Facet]:
    """All facets that say something; places unfold level by level."""
    names = list(FILTERS)
    if not (filters.get("province") or filters.get("city")):
        names.remove("city")
    if not (filters.get("city") or filters.get("county")):
        names.remove("county")
    found = [await facet(library, name, filters) for name in names]
    return [each for each in found if each.values]
