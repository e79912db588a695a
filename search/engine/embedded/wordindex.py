"""Lexical half of the embedded engine: one SQLite file with cases, what filters compare, and two FTS5 tables.

``facts`` holds what filters and numbers are compared with, ``texts`` what phrases are looked up in, ``words``
jieba words by field, ``pairs`` character bigrams; these two keep their text, because this SQLite cannot delete
from a contentless table.  ``sounds`` holds the pronunciation of the words of several cases.  ``pieces`` says which
passage of which case a vector belongs to.
"""

from __future__ import annotations

import heapq
import math
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.fields import departments, matters, regions

from ...passages import Passage
from ...query import Query
from ...ranking import settings as ranking
from ...words import fold, stopwords
from ...words.sounds import sound
from .. import Filters, View
from ..document import WORD_FIELDS, Document, compact
from .vectors import Hits

FILE = "words.db"
LOOKUP = 500  # words in one SELECT, below SQLite's limit of 999
#: Where a passage stands: field, start, end.
Place = tuple[str, int, int]
_SCHEMA = """
create table cases (key integer primary key, id text unique, digest text, region text, date text);
create table facts (name text, value text, key integer);
create index facts_by_value on facts (name, value);
create index facts_by_key on facts (key);
create table texts (key integer primary key, text text);
create table sounds (word text primary key, sound text, cases integer);
create index sounds_by_sound on sounds (sound);
create table pieces (piece integer primary key, key integer, field text, start integer, stop integer);
create index pieces_by_key on pieces (key);
create virtual table words using fts5({fields}, tokenize = "unicode61 remove_diacritics 0");
create virtual table pairs using fts5(title, body, tokenize = "unicode61 remove_diacritics 0");
create virtual table words_count using fts5vocab(words, row);
create virtual table pairs_count using fts5vocab(pairs, row);
"""
_BY_KEY = ("facts", "texts", "pieces")
#: Filters that name one fact of a case.
_FACTS = ("domain", "barrier", "outcome", "handling", "year", "solidified")
#: Words whose sound is kept: what people misspell is short, and a word of one case may be misspelt itself.
_SOUNDED = re.compile(r"[\u4e00-\u9fff]{2,6}")
_SOUNDED_LEAST = 2  # cases


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
            "insert into cases (id, digest, region, date) values (?, ?, ?, ?)",
            [case.id, digest, case.region.get("code", ""), document.date],
        ).lastrowid
        facts = [(name, value, key) for name, value in document.facts]
        self._db.executemany("insert into facts values (?, ?, ?)", facts)
        execute("insert into texts values (?, ?)", [key, document.text])
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
        """Merges the word lists, sounds the words and makes everything written last."""
        for table in ("words", "pairs"):
            self._db.execute(f"insert into {table} ({table}) values ('optimize')")
        self._sound()
        self._db.execute("commit")

    def _sound(self) -> None:
        """Brings the sounds in line with the words; those known already are not worked out again."""
        known = dict(self._db.execute("select word, sound from sounds"))
        rows = self._db.execute("select term, doc from words_count where doc >= ?", [_SOUNDED_LEAST])
        held = [(word, cases) for word, cases in rows if _SOUNDED.fullmatch(word)]
        self._db.execute("delete from sounds")
        self._db.executemany(
            "insert into sounds values (?, ?, ?)",
            [(word, known.get(word) or sound(word), cases) for word, cases in held],
        )

    # —— reading

    def passing(self, filters: Filters, query: Query) -> set[int] | None:
        """Keys of the cases that pass *filters* and hold the phrases of *query* and nothing that it leaves out;
        None if all do."""
        found = [*self._chosen(filters), *self._holding(query)]
        return set.intersection(*found) if found else None

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
        return {row[0] for row in self._db.execute(query, values)}

    def pieces(self, keys: set[int]) -> NDArray[np.int64]:
        """Numbers of the pieces of the cases *keys*."""
        return self._pieces[np.isin(self._owners, np.fromiter(keys, np.int64, len(keys)))]

    def search(self, table: str, terms: Sequence[str], allowed: set[int] | None) -> View:
        """BM25 of the cases that hold any of *terms* in *table* (words or pairs)."""
        terms = self._telling(table, terms)
        if not terms:
            return View({})
        match = " OR ".join(map(_quoted, terms))
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
        documents = self._documents(table, terms)
        # A term of several parts (国办发〔2023〕29号) is no single word of the index: it counts as rare.
        counts = {term: documents.get(term, 0 if term.isalnum() else 1) for term in terms}
        known = [term for term in terms if counts[term]]
        kept = [term for term in known if counts[term] <= self._common(table)] or known
        return sorted(kept, key=lambda term: counts[term])[: ranking()["terms"]["most"]]

    def _common(self, table: str) -> float:
        """What more cases hold than this says too little."""
        limits = ranking()["terms"]
        return float(max(limits["common_share"][table] * len(self._ids), limits["common_least"]))

    def _documents(self, table: str, terms: Iterable[str]) -> dict[str, int]:
        """How many cases hold each of *terms*, as they were indexed; without those that none holds."""
        given = list(terms)
        found: dict[str, int] = {}
        for start in range(0, len(given), LOOKUP):
            part = given[start : start + LOOKUP]
            marks = ",".join("?" * len(part))
            found.update(self._db.execute(f"select term, doc from {table}_count where term in ({marks})", part))
        return found

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
            for word, times in held.items():
                weights[word] += share * times / held.total()
        for word in {*stopwords(), *known} & weights.keys():
            del weights[word]
        documents = self._documents(
            "words", heapq.nlargest(limits["considered"], weights, key=lambda word: weights[word])
        )
        rarity = {
            word: math.log(len(self._ids) / count)
            for word, count in documents.items()
            if limits["least"] <= count <= self._common("words")
        }
        return sorted(rarity, key=lambda word: -weights[word] * rarity[word])[: limits["terms"]]

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
            "select distinct id from facts join cases using (key) "
            "where name = 'number' and value = ? order by date desc, id",
            [number],
        )
        return [row[0] for row in rows]

    def with_words(self, words: Iterable[str]) -> set[str]:
        """Ids of the cases that hold each of *words*."""
        found = [self._keys("select rowid from words where words match ?", _quoted(fold(word))) for word in words]
        return {self._ids[key] for key in set.intersection(*found)} if found else set()

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


def _quoted(term: str) -> str:
    """*term* as a string of the full-text query language."""
    return '"' + term.replace('"', '""') + '"'
