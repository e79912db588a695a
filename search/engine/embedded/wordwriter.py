"""Writes ``words.db``, the lexical half of the embedded engine (see :mod:`.wordindex`): a new one from nothing, or
a few cases more and less into the one that is being read."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from ...embedder import Vectors
from ...passages import Passage
from ...words.sounds import sound
from ..document import WORD_FIELDS, Document
from .wordindex import FILE, documents

# Keys and numbers are never used twice: a reader knows by them what is new to it.
_SCHEMA = """
create table meta (name text primary key, value integer);
create table cases (key integer primary key autoincrement, id text unique, digest text, region text, date text);
create table facts (name text, value text, key integer);
create index facts_by_value on facts (name, value);
create index facts_by_key on facts (key);
create table texts (key integer primary key, text text);
create table sounds (word text primary key, sound text, cases integer);
create index sounds_by_sound on sounds (sound);
create table pieces (piece integer primary key autoincrement, key integer, field text, start integer, stop integer);
create index pieces_by_key on pieces (key);
create table later (piece integer primary key, view text, vector blob);
create virtual table words using fts5({fields}, tokenize = "unicode61 remove_diacritics 0");
create virtual table pairs using fts5(title, body, tokenize = "unicode61 remove_diacritics 0");
create virtual table words_count using fts5vocab(words, row);
create virtual table pairs_count using fts5vocab(pairs, row);
"""
_BY_KEY = ("facts", "texts", "pieces")
#: Words whose sound is kept: what people misspell is short, and a word of one case may be misspelt itself.
_SOUNDED = re.compile(r"[\u4e00-\u9fff]{2,6}")
_SOUNDED_LEAST = 2  # cases
_PARTS = re.compile(r"[^\W_]+")  # of a word, as the tokenizer of the full-text tables cuts it


class WordWriter:
    """Changes the file ``words.db`` in *folder* in one transaction; use `writing`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._touched: set[str] = set()  # words of the cases that came and went

    def digests(self, ids: Sequence[str] | None = None) -> dict[str, str]:
        """Case id → digest of what is indexed, of all cases or of those of *ids* that are there."""
        if ids is None:
            return dict(self._db.execute("select id, digest from cases"))
        found = (self._db.execute("select id, digest from cases where id = ?", [case_id]).fetchone() for case_id in ids)
        return dict(row for row in found if row)

    def count(self) -> int:
        """How many cases there are."""
        return int(self._db.execute("select count(*) from cases").fetchone()[0])

    def remove(self, ids: Iterable[str]) -> list[int]:
        """Removes cases; returns the numbers of their pieces."""
        pieces: list[int] = []
        for case_id in ids:
            (key,) = self._db.execute("select key from cases where id = ?", [case_id]).fetchone()
            pieces += [row[0] for row in self._db.execute("select piece from pieces where key = ?", [key])]
            self._db.execute("delete from later where piece in (select piece from pieces where key = ?)", [key])
            for table in _BY_KEY:
                self._db.execute(f"delete from {table} where key = ?", [key])
            self._touch(self._db.execute("select * from words where rowid = ?", [key]).fetchone())
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
        self._touch(document.words)
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

    def add_later(self, view: str, numbers: Sequence[int], vectors: Vectors) -> None:
        """Keeps vectors [n, dim] until the files of vectors are written next."""
        rows = zip(numbers, vectors.astype(np.float16), strict=True)
        self._db.executemany("insert into later values (?, ?, ?)", [(n, view, one.tobytes()) for n, one in rows])

    def later_count(self) -> int:
        """How many vectors are kept so."""
        return int(self._db.execute("select count(*) from later").fetchone()[0])

    def piece_count(self) -> int:
        """How many passages there are."""
        return int(self._db.execute("select count(*) from pieces").fetchone()[0])

    def drop_later(self) -> None:
        """Forgets them: they are in the files now."""
        self._db.execute("delete from later")

    def finish(self, whole: bool, **meta: int) -> None:
        """Sounds the words and sets *meta*; where the *whole* file is written anew, merges the word lists."""
        if whole:
            for table in ("words", "pairs"):
                self._db.execute(f"insert into {table} ({table}) values ('optimize')")
            counts = dict(self._db.execute("select term, doc from words_count where doc >= ?", [_SOUNDED_LEAST]))
            self._sound(counts, {word for (word,) in self._db.execute("select word from sounds")} | counts.keys())
        else:
            touched = {word for word in self._touched if _SOUNDED.fullmatch(word)}
            self._sound(documents(self._db, "words", sorted(touched)), touched)
        self._db.executemany("insert or replace into meta values (?, ?)", meta.items())

    def _sound(self, counts: dict[str, int], looked_at: set[str]) -> None:
        """Brings the sounds of the words *looked_at* in line with *counts*; known ones are not worked out again."""
        known = dict(self._db.execute("select word, sound from sounds"))
        self._db.executemany("delete from sounds where word = ?", [(word,) for word in looked_at])
        self._db.executemany(
            "insert into sounds values (?, ?, ?)",
            [
                (word, known.get(word) or sound(word), count)
                for word, count in counts.items()
                if count >= _SOUNDED_LEAST and _SOUNDED.fullmatch(word)
            ],
        )

    def _touch(self, texts: Iterable[str]) -> None:
        for text in texts:
            self._touched.update(_PARTS.findall(text))


@contextmanager
def writing(folder: Path, whole: bool) -> Iterator[WordWriter]:
    """A writer of the file in *folder*.  *whole*: nobody reads the folder yet, and it is thrown away if this fails, so
    that no journal is needed; otherwise those who read go on with what there was."""
    path = folder / FILE
    new = not path.exists()
    if new and not whole:
        raise FileNotFoundError(path)
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as db:
        if whole:
            db.execute("pragma journal_mode = off")
            db.execute("pragma synchronous = off")
        if new:
            db.executescript(_SCHEMA.format(fields=", ".join(WORD_FIELDS)))
        db.execute("begin immediate")
        try:
            yield WordWriter(db)
        except BaseException:
            if not whole:
                db.execute("rollback")
            raise
        db.execute("commit")
        if whole:
            db.execute("pragma journal_mode = wal")


def copy(source: Path, target: Path) -> None:
    """Copies the file as it stands, whoever else has it open."""
    with closing(sqlite3.connect(source / FILE)) as old, closing(sqlite3.connect(target / FILE)) as new:
        old.backup(new)
