"""Datasette's full-text search over a table made by sqlite-utils, asked through its own JSON interface.

Set-ups from https://docs.datasette.io/en/stable/full_text_search.html: the search box of the table page (its
words all have to stand in a row; rows come in the order of the table), and "searches using custom SQL", which
rank by BM25 and allow SQLite's OR.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import sqlite_utils
from datasette.app import Datasette
from datasette.plugins import pm

from ..material import FIELDS, Material
from . import DEPTH, Search, Variant, documents

for plugin, _ in pm.list_plugin_distinfo():
    pm.unregister(plugin)  # Datasette alone, without the pages that we hang on it

RANKED = """
select docid from cases join cases_fts on cases.rowid = cases_fts.rowid
where cases_fts match :search order by cases_fts.rank limit 10
"""


class Site:
    """A Datasette over the table `cases` with full-text search."""

    def __init__(self, material: Material, folder: Path, tokenize: str) -> None:
        path = folder / "cases.db"
        database = sqlite_utils.Database(path)
        cases = database.table("cases")
        cases.insert_all(material.cases, pk="docid")
        cases.enable_fts(FIELDS, tokenize=tokenize)
        database.close()
        queries = {"ranked": {"sql": RANKED}}
        self._loop = asyncio.new_event_loop()
        self._datasette = Datasette([str(path)], metadata={"databases": {"cases": {"queries": queries}}})

    def rows(self, path: str, **arguments: str) -> list[dict[str, Any]]:
        """The rows of the JSON at *path*."""
        reply = self._loop.run_until_complete(
            self._datasette.client.get(f"/cases/{path}.json", params={"_shape": "array", **arguments})
        )
        reply.raise_for_status()
        found: list[dict[str, Any]] = reply.json()
        return found


def box(tokenize: str) -> Variant:
    """The question in the search box of the table page."""

    def build(material: Material, folder: Path) -> Search:
        site = Site(material, folder, tokenize)
        return lambda question: documents(
            row["docid"] for row in site.rows("cases", _search=question, _size=str(DEPTH))
        )

    return build


def ranked_trigrams(material: Material, folder: Path) -> Search:
    """Custom SQL: any three neighbouring characters of the question, ranked by BM25."""
    site = Site(material, folder, "trigram")

    def search(question: str) -> list[str]:
        # Quoted, as its documentation does it: no character of the question is an operator.
        text = question.replace('"', " ")
        pieces = [f'"{text[at : at + 3]}"' for at in range(len(text) - 2)]
        return documents(row["docid"] for row in site.rows("ranked", search=" OR ".join(pieces)) if pieces)

    return search


VARIANTS: dict[str, Variant] = {
    "search box, porter": box("porter"),
    "search box, trigram": box("trigram"),
    "custom SQL, trigram OR, by rank": ranked_trigrams,
}
