"""The searches that are compared, one module each.

A module offers ``VARIANTS``: name of a set-up that its documentation describes → `Variant`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..material import Material

#: The ten best documents for a question, best first.
Search = Callable[[str], list[str]]
#: Indexes the material in an empty folder and gives the search.
Variant = Callable[[Material, Path], Search]

NAMES = ("datasette_fts", "whoosh_jieba", "bm25s_jieba", "txtai_hybrid", "milvus_hybrid", "lancedb_hybrid", "bancheng")
DEPTH = 10
#: Passages to ask for, so that ten cases are among them.
PASSAGES = 100


def documents(found: Iterable[str]) -> list[str]:
    """The first `DEPTH` of *found*, each document once, at its best place."""
    return list(_distinct(found))[:DEPTH]


def _distinct(found: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for docid in found:
        if docid not in seen:
            seen.add(docid)
            yield docid
