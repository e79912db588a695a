"""Lexical half of the embedded engine: one SQLite file with cases, filters, numbers and two FTS5 tables.

``words`` holds jieba words by field, ``pairs`` character bigrams; both keep their text, because this SQLite
cannot delete from a contentless table.  ``pieces`` says which passage of which case a vector belongs to.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...passages import Passage
from ...ranking import settings as ranking
from .. import Filters, View
from ..document import WORD_FIELDS, Document
from .vectors import Hits

FILE = "words.db"
#: Where a passage stands: field, start, end.
Place = tuple[str, int, int]
_SCHEMA = """
create table cases (key integer primary key, id text unique, digest text,
                    domain text, outcome text, region text, date text);
create table barriers (barrier text, key integer);
create index barriers_by_name on barriers (barrier);
create index barriers_by_key on barriers (key);
create table places (place text, key integer);
create index places_by_name on places (place);
create index places_by_key on places (key);
create table numbers (number text, key integer);
create index numbers_by_number on numbers (number);
create index numbers_by_key on numbers (key);
create table pieces (piece integer primary key, key integer, field text, start integer, stop integer);
create index pieces_by_key on pieces (key);
create virtual table words using fts5({fields}, tokenize = "unicode61 remove_diacritics 0");
create virtual table pairs using fts5(title, body, tokenize = "unicode61 remove_diacritics 0");
create virtual table words_count using fts5vocab(words, row);
create virtual table pairs_count using fts5vocab(pairs, row);
"""
_BY_KEY = ("barriers", "places", "numbers", "pieces")


class WordIndex:
    """The file ``words.db`` in *folder*.  Not safe for threads: callers hold a lock."""

    def __init__(self, folder: Path, write: bool = False) -> None:
        """Opens the file, to *write* creates it if missing; OSError or sqlite3.DatabaseError otherwise."""
        path = folder / FILE
        new = not path.exists()
        if new and not write:
            raise FileNotFoundError(path)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        if write:
            # A generation that is not finished is thrown away whole: no journal is needed.
            self._db.execute("pragma journal_mode = off")
            self._db.execute("pragma synchronous = off")
            if new:
                self._db.executescript(_SCHEMA.format(fields=", ".join(WORD_FIELDS)))
            self._db.execute("begin")
        self._ids = dict(self._db.execute("select key, id from cases"))
        rows = self._db.execute("select piece, key, field, start, stop from pieces order by piece").fetchall()
        self._pieces = np.array([row[0] for row in rows], np.int64)
        self._owners = np.array([row[1] for row in rows], np.int64)
        self._places = [(row[2], row[3], row[4]) for row in rows]

    @property
    def piece_count(self) -> int:
        """How many passages there are: as many as vectors beside this file."""
        return len(self._places)

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    @staticmethod
    def check(folder: Path) -> None:
        """sqlite3.DatabaseError if the file in *folder* is damaged."""
        index = WordIndex(folder)
        with closing(index):
            if index._db.execute("pragma quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("quick_check")

    # —— writing

    def digests(self) -> dict[str, str]:
        """Case id → digest of what is indexed."""
        return dict(self._db.execute("select id, digest from cases"))

    def remove(self, ids: Iterable[str]) -> list[int]:
        """Removes cases; returns the numbers of their pieces."""
        pieces: list[int] = []
        for case_id in ids:
            (key,) = self._db.execute("select key from cases where id = ?", [case_id]).fetchone()
            pieces += [row[0] for row in self._db.execute("select piece from pieces where key = ?", [key])]
            for table in _BY_KEY:
                self._db.execute(f"delete from {table} where key = ?", [key])
            for table in ("words", "pairs"):
                self._db.execute(f"delete from {table} where rowid = ?", [key])
            self._db.execute("delete from cases where key = ?", [key])
        return pieces

    def add(self, document: Document, digest: str) -> list[tuple[int, Passage]]:
        """Adds a case; returns its passages with the numbers that their vectors shall have."""
        case, execute = document.case, self._db.execute
        key = execute(
            "insert into cases (id, digest, domain, outcome, region, date) values (?, ?, ?, ?, ?, ?)",
            [case.id, digest, case.domain, case.outcome, case.region.get("code", ""), document.date],
        ).lastrowid
        for table, values in (
            ("barriers", case.barriers),
            ("places", document.places),
            ("numbers", document.numbers),
        ):
            self._db.executemany(f"insert into {table} values (?, ?)", [(value, key) for value in values])
        columns = ", ".join(("rowid", *WORD_FIELDS))
        marks = ", ".join("?" * (1 + len(WORD_FIELDS)))
        execute(f"insert into words ({columns}) values ({marks})", [key, *document.words])
        execute("insert into pairs (rowid, title, body) values (?, ?, ?)", [key, *document.pairs])
        numbered = []
        for passage in document.passages:
            number = execute(
                "insert into pieces (key, field, start, stop) values (?, ?, ?, ?)",
                [key, passage.field, passage.start, passage.end],
            ).lastrowid
            numbered.append((int(number or 0), passage))
        return numbered

    def finish(self) -> None:
        """Merges the word lists and makes everything written last."""
        for table in ("words", "pairs"):
            self._db.execute(f"insert into {table} ({table}) values ('optimize')")
        self._db.execute("commit")

    # —— reading

    def passing(self, filters: Filters) -> set[int] | None:
        """Keys of the cases that pass *filters*; None if all do."""
        passing: set[int] | None = None
        for query, values in _conditions(filters):
            keys = {row[0] for row in self._db.execute(query, values)}
            passing = keys if passing is None else passing & keys
        return passing

    def pieces(self, keys: set[int]) -> NDArray[np.int64]:
        """Numbers of the pieces of the cases *keys*."""
        return self._pieces[np.isin(self._owners, np.fromiter(keys, np.int64, len(keys)))]

    def search(self, table: str, terms: Sequence[str], allowed: set[int] | None) -> View:
        """BM25 of the cases that hold any of *terms* in *table* (words or pairs)."""
        terms = self._telling(table, terms)
        if not terms:
            return View({})
        match = " OR ".join('"' + term.replace('"', '""') + '"' for term in terms)
        weights = ", ".join(str(float(weight)) for weight in ranking()["field_weights"][table])
        rows = self._db.execute(
            f"select rowid, -bm25({table}, {weights}) from {table} where {table} match ?", [match]
        ).fetchall()
        scores = np.array([score for _, score in rows])
        mean = float(scores.sum()) / len(self._ids)
        deviation = max(float((scores**2).sum()) / len(self._ids) - mean**2, 0.0) ** 0.5
        return View(
            {self._ids[key]: score for key, score in rows if allowed is None or key in allowed},
            mean,
            deviation or 1.0,
        )

    def _telling(self, table: str, terms: Sequence[str]) -> list[str]:
        """*terms* without those that too many cases hold; the rarest ones if there are very many.

        Full-text search scores every case that holds any of the words: common words cost most and tell least.
        """
        limits = ranking()["terms"]
        counts = {term: self._count(table, term) for term in terms}
        known = [term for term in terms if counts[term]]
        common = max(limits["common_share"][table] * len(self._ids), limits["common_least"])
        kept = [term for term in known if counts[term] <= common] or known
        return sorted(kept, key=lambda term: counts[term])[: limits["most"]]

    def _count(self, table: str, term: str) -> int:
        """How many cases hold *term*; a term of several parts (国办发〔2023〕29号) counts as rare."""
        row = self._db.execute(f"select doc from {table}_count where term = ?", [term]).fetchone()
        if row:
            return int(row[0])
        return 0 if term.isalnum() else 1

    def by_case(self, hits: Hits) -> tuple[View, dict[str, Place]]:
        """*hits* by case: the best score of its passages, and where that passage stands."""
        scores: dict[str, float] = {}
        places: dict[str, Place] = {}
        rows = np.searchsorted(self._pieces, hits.ids)
        for row, score in zip(rows.tolist(), hits.scores.tolist(), strict=True):
            case_id = self._ids[int(self._owners[row])]
            if case_id not in scores:
                scores[case_id], places[case_id] = score, self._places[row]
        floor = float(hits.scores[-1]) if len(hits.scores) else 0.0
        return View(scores, hits.mean, hits.deviation, floor), places

    def with_number(self, number: str) -> list[str]:
        """Ids of the cases that have *number*."""
        rows = self._db.execute(
            "select distinct id from numbers join cases using (key) where number = ? order by date desc, id",
            [number],
        )
        return [row[0] for row in rows]


def _conditions(filters: Filters) -> Iterable[tuple[str, list[str]]]:
    """Queries for keys, one a filter."""
    if filters.region.isdigit():
        code = filters.region[:6]
        while len(code) > 2 and code.endswith("00") and len(code) % 2 == 0:
            code = code[:-2]
        yield "select key from cases where substr(region, 1, length(?)) = ?", [code, code]
    elif filters.region:
        yield "select key from places where substr(place, 1, length(?)) = ?", [filters.region] * 2
    for column in ("domain", "outcome"):
        if value := getattr(filters, column):
            yield f"select key from cases where {column} = ?", [value]
    if filters.barrier:
        yield "select key from barriers where barrier = ?", [filters.barrier]
    if filters.since:
        yield "select key from cases where date >= ?", [filters.since]
