"""Lexical half of the embedded engine: one SQLite file with cases, what filters compare, and two FTS5 tables.

``facts`` holds what filters and numbers are compared with, ``texts`` what phrases are looked up in, ``words``
jieba words by field, ``pairs`` character bigrams; these two keep their text, because this SQLite cannot delete
from a contentless table.  ``sounds`` holds the pronunciation of the words of several cases.  ``pieces`` says which
passage of which case a vector belongs to, ``later`` holds the vectors that came after the files of
:mod:`.vectors` were written.  :mod:`.wordwriter` writes all this, here it is read.
"""

from __future__ import annotations

import heapq
import math
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.fields import departments, matters, regions

from ...query import Query
from ...ranking import settings as ranking
from ...words import fold, stopwords
from .. import Filters, View
from ..document import compact
from .vectors import Hits, Later

FILE = "words.db"
LOOKUP = 500  # words in one SELECT, below SQLite's limit of 999
REMEMBERED = 50_000  # terms whose numbers of cases are kept: counting a frequent one reads all places where it stands
_SCORED = np.dtype([("case", np.int64), ("score", np.float64)])
#: Where a passage stands: field, start, end.
Place = tuple[str, int, int]
#: Filters that name one fact of a case.
_FACTS = ("domain", "barrier", "outcome", "handling", "year", "solidified")


@dataclass(frozen=True)
class Held:
    """What is kept in memory: ids of cases by key, and the passages in the order of their numbers: whose they are
    and where they stand (``fields``: numbers in ``names``)."""

    ids: dict[int, str]
    pieces: NDArray[np.int64]
    owners: NDArray[np.int64]
    fields: NDArray[np.int8]
    starts: NDArray[np.int32]
    stops: NDArray[np.int32]
    names: tuple[str, ...]

    @classmethod
    def read(cls, db: sqlite3.Connection, earlier: Held | None = None) -> Held:
        """What *db* holds.  Keys and numbers are never used twice: of what *earlier* held, only what is gone and what
        came since is looked at."""
        last = max(earlier.ids, default=0) if earlier else 0
        ids = dict(db.execute("select key, id from cases where key > ?", [last]))
        rows = db.execute(
            "select piece, key, field, start, stop from pieces where key > ? order by piece", [last]
        ).fetchall()
        names = tuple(dict.fromkeys([*(earlier.names if earlier else ()), *(row[2] for row in rows)]))
        found = cls(
            ids,
            np.array([row[0] for row in rows], np.int64),
            np.array([row[1] for row in rows], np.int64),
            np.array([names.index(row[2]) for row in rows], np.int8),
            np.array([row[3] for row in rows], np.int32),
            np.array([row[4] for row in rows], np.int32),
            names,
        )
        if earlier is None:
            return found
        left = db.execute("select count(*) from cases where key <= ?", [last]).fetchone()[0]
        if left == len(earlier.ids):
            return earlier._followed_by(found, earlier.ids.keys())
        return earlier._followed_by(found, _keys(db, "select key from cases where key <= ?", last))

    def _followed_by(self, later: Held, left: Set[int]) -> Held:
        ids = self.ids
        kept: NDArray[np.bool_] | slice = slice(None)
        if len(left) != len(ids):
            gone = np.array(sorted(ids.keys() - left), np.int64)
            ids = {key: case_id for key, case_id in ids.items() if key in left}
            kept = ~np.isin(self.owners, gone)
        return Held(
            {**ids, **later.ids},
            np.concatenate([self.pieces[kept], later.pieces]),
            np.concatenate([self.owners[kept], later.owners]),
            np.concatenate([self.fields[kept], later.fields]),
            np.concatenate([self.starts[kept], later.starts]),
            np.concatenate([self.stops[kept], later.stops]),
            later.names,
        )

    def places(self, rows: NDArray[np.int64]) -> Iterator[Place]:
        """Where the passages of these rows stand."""
        names = [self.names[field] for field in self.fields[rows].tolist()]
        return zip(names, self.starts[rows].tolist(), self.stops[rows].tolist(), strict=True)


class WordIndex:
    """One state of the file ``words.db`` in *folder*: what is written later is not seen.

    Not safe for threads, but for `pieces`, `by_case` and `held`: callers hold a lock.
    """

    def __init__(self, folder: Path, earlier: WordIndex | None = None) -> None:
        """Opens the file; OSError or sqlite3.DatabaseError if it cannot be read.  *earlier* is an older state of the
        same file, which makes this one quicker to read."""
        path = folder / FILE
        if not path.exists():
            raise FileNotFoundError(path)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            self._db.execute("begin")
            self.meta: dict[str, int] = dict(self._db.execute("select name, value from meta"))
            self.held: Held = Held.read(self._db, earlier.held if earlier else None)
            self._known: dict[tuple[str, str], int] = {}  # table, term → in how many cases it stands
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    @staticmethod
    def check(folder: Path) -> None:
        """sqlite3.DatabaseError if the file in *folder* is damaged."""
        with closing(sqlite3.connect(folder / FILE)) as db:
            if db.execute("pragma quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("quick_check")

    def later(self) -> Later:
        """The vectors that are not in the files of :mod:`.vectors`, by view: numbers, and vectors [n, dim] in fp16."""
        found: dict[str, tuple[list[int], list[NDArray[np.float16]]]] = defaultdict(lambda: ([], []))
        for piece, view, vector in self._db.execute("select piece, view, vector from later order by piece"):
            found[view][0].append(piece)
            found[view][1].append(np.frombuffer(vector, np.float16))
        return {view: (np.array(ids, np.int64), np.array(vectors)) for view, (ids, vectors) in found.items()}

    def passing(self, filters: Filters, query: Query) -> NDArray[np.int64] | None:
        """Keys of the cases that pass *filters* and hold the phrases of *query* and nothing that it leaves out;
        None if all do."""
        found = [*self._chosen(filters), *self._holding(query)]
        return np.array(sorted(set.intersection(*found)), np.int64) if found else None

    def _chosen(self, filters: Filters) -> Iterator[set[int]]:
        """Keys that pass, one set a filter."""
        for name in _FACTS:
            if value := getattr(filters, name):
                yield self._having(name, value)
        if filters.matter:
            standard = matters.standard(filters.matter) or ""
            yield self._having("matter", compact(filters.matter)) or self._having("matter", compact(standard))
        if filters.department:
            # 医保局 means every such office unless some case writes just that; 曲阜市医保局 means the one.
            kind = "" if regions.find(filters.department) else departments.standard(filters.department) or ""
            name = compact(filters.department)
            yield self._having("department", name) or self._having("department_kind", kind)
        if filters.region.isdigit():
            code = filters.region[:6]
            while len(code) > 2 and code.endswith("00") and len(code) % 2 == 0:
                code = code[:-2]
            yield self._keys("select key from cases where substr(region, 1, length(?)) = ?", code, code)
        elif filters.region:
            yield self._keys(
                "select key from facts where name = 'place' and substr(value, 1, length(?)) = ?",
                filters.region,
                filters.region,
            )
        if filters.since:
            yield self._keys("select key from cases where date >= ?", filters.since)

    def _holding(self, query: Query) -> Iterator[set[int]]:
        """Keys of the cases that hold all phrases and nothing that is left out."""
        wanted = [(">", phrase) for phrase in map(compact, query.phrases) if phrase]
        wanted += [("=", phrase) for phrase in map(compact, query.without) if phrase]
        if wanted:
            condition = " and ".join(f"instr(text, ?) {sign} 0" for sign, _ in wanted)
            yield self._keys(f"select key from texts where {condition}", *(phrase for _, phrase in wanted))

    def _having(self, name: str, value: str) -> set[int]:
        return self._keys("select key from facts where name = ? and value = ?", name, value)

    def _keys(self, query: str, *values: str) -> set[int]:
        return _keys(self._db, query, *values)

    def pieces(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Numbers of the pieces of the cases *keys*."""
        return self.held.pieces[np.isin(self.held.owners, keys)]

    def search(self, table: str, terms: Sequence[str], allowed: NDArray[np.int64] | None) -> View:
        """BM25 of the cases that hold any of *terms* in *table* (words or pairs)."""
        terms = self._telling(table, terms)
        match = " OR ".join(map(_quoted, terms))
        weights = ", ".join(str(float(weight)) for weight in ranking()["field_weights"][table])
        query = f"select rowid, -bm25({table}, {weights}) from {table} where {table} match ?"
        rows = np.fromiter(self._db.execute(query, [match]) if terms else (), _SCORED)
        cases, scores = np.ascontiguousarray(rows["case"]), np.ascontiguousarray(rows["score"])
        mean = float(scores.sum()) / len(self.held.ids)
        deviation = max(float((scores**2).sum()) / len(self.held.ids) - mean**2, 0.0) ** 0.5
        if allowed is not None:
            passing = np.isin(cases, allowed)
            cases, scores = cases[passing], scores[passing]
        return View(self.held.ids, cases, scores, mean, deviation or 1.0)

    def _telling(self, table: str, terms: Sequence[str]) -> list[str]:
        """*terms* without those that too many cases hold; the rarest ones if there are very many.

        Full-text search scores every case that holds any of the words: common words cost most and tell least.
        """
        holding = self._documents(table, terms)
        # A term of several parts (国办发〔2023〕29号) is no single word of the index: it counts as rare.
        counts = {term: holding.get(term, 0 if term.isalnum() else 1) for term in terms}
        known = [term for term in terms if counts[term]]
        kept = [term for term in known if counts[term] <= self._common(table)] or known
        return sorted(kept, key=lambda term: counts[term])[: ranking()["terms"]["most"]]

    def _common(self, table: str) -> float:
        """What more cases hold than this says too little."""
        limits = ranking()["terms"]
        return float(max(limits["common_share"][table] * len(self.held.ids), limits["common_least"]))

    def _documents(self, table: str, terms: Iterable[str]) -> dict[str, int]:
        """How many cases hold each of *terms*, as they were indexed; without those that none holds."""
        wanted = list(terms)
        if len(self._known) > REMEMBERED:
            self._known.clear()
        new = [term for term in wanted if (table, term) not in self._known]
        counts = documents(self._db, table, new)
        self._known |= {(table, term): counts.get(term, 0) for term in new}
        return {term: count for term in sorted(wanted) if (count := self._known[table, term])}

    def telling_words(self, leaders: Iterable[tuple[str, float]], known: Sequence[str]) -> list[str]:
        """Words that stand out in the cases *leaders* [(id, share)] and are not *known*, the most telling first.

        A relevance model (RM3: Lavrenko and Croft, SIGIR 2001; Abdul-Jaleel et al., TREC 2004) cut down to a list:
        a word weighs its share of each case, times the case's, times its inverse document frequency.
        """
        limits = ranking()["feedback"]
        weights: dict[str, float] = defaultdict(float)
        for case_id, share in leaders:
            row = self._db.execute(
                "select title, title, obstacle, demand, measure from words "
                "where rowid = (select key from cases where id = ?)",
                [case_id],
            ).fetchone()
            held = Counter(word for text in row or () for word in text.split())
            total = held.total()
            for word, times in held.items():
                weights[word] += share * times / total
        for word in {*stopwords(), *known} & weights.keys():
            del weights[word]
        holding = self._documents(
            "words", heapq.nlargest(limits["considered"], weights, key=lambda word: weights[word])
        )
        rarity = {
            word: math.log(len(self.held.ids) / count)
            for word, count in holding.items()
            if limits["least"] <= count <= self._common("words")
        }
        return sorted(rarity, key=lambda word: -weights[word] * rarity[word])[: limits["terms"]]

    def by_case(self, hits: Hits) -> tuple[View, dict[str, Place]]:
        """*hits* by case: the best score of its passages, and where that passage stands."""
        rows = np.searchsorted(self.held.pieces, hits.ids)
        cases, best = np.unique(self.held.owners[rows], return_index=True)  # hits come best first
        floor = float(hits.scores[-1]) if len(hits.scores) else 0.0
        view = View(self.held.ids, cases, hits.scores[best].astype(np.float64), hits.mean, hits.deviation, floor)
        places = zip(map(self.held.ids.__getitem__, cases.tolist()), self.held.places(rows[best]), strict=True)
        return view, dict(places)

    def with_number(self, number: str) -> list[str]:
        """Ids of the cases that have *number*."""
        rows = self._db.execute(
            "select distinct id from facts join cases using (key) "
            "where name = 'number' and value = ? order by date desc, id",
            [number],
        )
        return [row[0] for row in rows]

    def with_words(self, words: Iterable[str]) -> set[str]:
        """Ids of the cases that hold each of *words*."""
        found = [self._keys("select rowid from words where words match ?", _quoted(fold(word))) for word in words]
        return {self.held.ids[key] for key in set.intersection(*found)} if found else set()

    def counts(self, words: Iterable[str]) -> dict[str, int]:
        """In how many cases each of *words* stands, without those that stand in none."""
        folded = {word: fold(word) for word in words}
        found = self._documents("words", set(folded.values()))
        pairs = {form for word, form in folded.items() if len(word) == 2 and form not in found}
        found.update(self._documents("pairs", pairs))
        return {word: found[form] for word, form in folded.items() if form in found}

    def homophones(self, sound: str) -> list[tuple[str, int]]:
        """Words that sound so, with the number of cases that hold them, most frequent first."""
        query = "select word, cases from sounds where sound = ? order by cases desc, word"
        return self._db.execute(query, [sound]).fetchall()


def documents(db: sqlite3.Connection, table: str, terms: Sequence[str]) -> dict[str, int]:
    """In how many rows of *table* (words or pairs) each of *terms* stands, without those that stand in none."""
    found: dict[str, int] = {}
    for start in range(0, len(terms), LOOKUP):
        part = terms[start : start + LOOKUP]
        marks = ",".join("?" * len(part))
        found.update(db.execute(f"select term, doc from {table}_count where term in ({marks})", part))
    return found


def _keys(db: sqlite3.Connection, query: str, *values: str | int) -> set[int]:
    return {row[0] for row in db.execute(query, values)}


def _quoted(term: str) -> str:
    """*term* as a string of the full-text query language."""
    return '"' + term.replace('"', '""') + '"'
