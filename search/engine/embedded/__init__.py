"""The embedded engine: SQLite FTS5 for words and FAISS for meaning, in ``DATA/index/embedded``.

The files of one state lie together in a folder of their own (a generation); ``current.json`` names it and
carries the stamp of what it was built from.  A sync writes the next generation and then renames a new
``current.json`` over the old one, so that a reader sees one state or the other and a crash leaves the old.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from kb.config import Settings
from kb.model import Case
from kb.store import Store

from ... import passages, words
from ...embedder import Embedder
from ...embedder.store import EmbeddingCache
from ...query import Query
from .. import Changes, Filters, Found, Leaders, Progress, Tuned, document
from .vectors import VectorIndex
from .wordindex import Place, WordIndex

#: Raise when the layout of the files changes.
SCHEMA = 2
#: What must agree if an index is to be kept and only brought up to date.
_FORM = ("schema", "embedder", "words")
#: What reading damaged or missing files raises (FAISS: RuntimeError).
_BROKEN = (OSError, sqlite3.DatabaseError, RuntimeError, ValueError)
PART = 500  # cases embedded and written between two looks at the progress


class EmbeddedEngine:
    """See :class:`search.engine.Engine`.  Safe to use from several threads and processes."""

    def __init__(self, settings: Settings, embedder: Embedder | None = None) -> None:
        """The engine of the library of *settings*; *embedder* defaults to the one that they name."""
        self.folder = settings.index_dir / "embedded"
        self.cache = EmbeddingCache(settings, embedder)
        self.embedder = self.cache.embedder
        self.fingerprint = self.embedder.fingerprint
        self._lock = threading.RLock()
        self._open: tuple[dict[str, Any], WordIndex, VectorIndex] | None = None

    # —— state

    def problem(self, store: Store) -> str:
        """See :class:`search.engine.Engine`."""
        stamp, wanted = self._stamp(), self._wanted(store)
        if not stamp:
            return "检索索引尚未建立"
        if any(stamp.get(key) != wanted[key] for key in _FORM):
            return "检索索引由另一版本的程序、词典或向量模型建立，需要重建"
        if not self.usable():
            return "检索索引文件损坏，需要重建"
        return "" if stamp.get("version") == wanted["version"] else "案例库有变动，检索索引需要更新"

    def usable(self) -> bool:
        """See :class:`search.engine.Engine`."""
        try:
            self._indexes()
        except _BROKEN:
            return False
        return self._stamp().get("embedder") == self.fingerprint

    def count(self) -> int:
        """See :class:`search.engine.Engine`."""
        return int(self._stamp().get("cases", 0))

    def _wanted(self, store: Store) -> dict[str, Any]:
        return {
            "schema": f"{SCHEMA}.{document.VERSION}.{passages.VERSION}",
            "embedder": self.embedder.fingerprint,
            "words": words.fingerprint(),
            "version": store.version(),
        }

    def _stamp(self) -> dict[str, Any]:
        """What ``current.json`` says; empty if there is none or it cannot be read."""
        try:
            stamp = json.loads((self.folder / "current.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(stamp, dict):
            return {}
        return stamp if all(isinstance(stamp.get(name), int) for name in ("generation", "cases")) else {}

    def _generation(self, stamp: dict[str, Any]) -> Path:
        return self.folder / f"{stamp['generation']:06d}"

    def _indexes(self) -> tuple[WordIndex, VectorIndex]:
        """The open files of the current generation; opened anew when another process wrote a newer one."""
        with self._lock:
            stamp = self._stamp()
            if self._open is None or self._open[0] != stamp:
                self._close()
                try:
                    self._open = stamp, *self._read(stamp)
                except FileNotFoundError:
                    if self._stamp() == stamp:
                        raise
                    return self._indexes()  # switched by another process while we were opening
            return self._open[1:]

    def _read(self, stamp: dict[str, Any]) -> tuple[WordIndex, VectorIndex]:
        """Opens the files of a generation; raises one of ``_BROKEN`` if they are not sound."""
        if not stamp:
            raise FileNotFoundError(self.folder / "current.json")
        folder = self._generation(stamp)
        vectors = VectorIndex(folder, self.embedder.dim)
        index = WordIndex(folder)
        if index.piece_count != vectors.count:
            index.close()
            raise ValueError("words and vectors differ")
        return index, vectors

    def _close(self) -> None:
        if self._open:
            self._open[1].close()
            self._open = None

    # —— building

    def sync(
        self, store: Store, progress: Progress | None = None, afresh: bool = False, wait: bool = True
    ) -> Changes | None:
        """See :class:`search.engine.Engine`."""
        with self._alone(wait) as mine:
            if not mine:
                return None
            if not afresh and not self.problem(store):
                return Changes()
            old = self._stamp()
            new = {**self._wanted(store), "generation": max([0, *self._numbers()]) + 1}
            folder = self._generation(new)
            folder.mkdir(parents=True)
            try:
                if afresh or not self._copied(old, new, folder):
                    WordIndex(folder, write=True).finish()
                    VectorIndex(folder, self.embedder.dim, new=True).save(folder)
                changes, new["cases"] = self._update(folder, store, progress)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            self._switch(new)
            return changes

    def _switch(self, new: dict[str, Any]) -> None:
        """Makes *new* the current generation and removes all others."""
        waiting = self.folder / "current.json.new"
        waiting.write_text(json.dumps(new), encoding="utf-8")
        with self._lock:
            os.replace(waiting, self.folder / "current.json")
            self._close()
        for number in self._numbers():
            if number != new["generation"]:
                shutil.rmtree(self._generation({"generation": number}), ignore_errors=True)

    def _numbers(self) -> list[int]:
        """Generations that lie in the folder."""
        return [int(path.name) for path in self.folder.glob("[0-9]*") if path.name.isdigit()]

    def _copied(self, old: dict[str, Any], new: dict[str, Any], folder: Path) -> bool:
        """Copies the files of *old* into *folder*, if they are sound and fit what is wanted."""
        if any(old.get(key) != new[key] for key in _FORM):
            return False
        try:
            WordIndex.check(self._generation(old))
            self._read(old)[0].close()
        except _BROKEN:
            return False
        shutil.copytree(self._generation(old), folder, dirs_exist_ok=True)
        return True

    def _update(self, folder: Path, store: Store, progress: Progress | None) -> tuple[Changes, int]:
        """Makes the indexes in *folder* hold what is published; returns what changed, and the count."""
        index, vectors = WordIndex(folder, write=True), VectorIndex(folder, self.embedder.dim)
        with closing(index):
            known = index.digests()
            fresh: list[tuple[Case, str]] = []
            seen = set()
            for case in store.published():
                seen.add(case.id)
                digest = document.digest(case)
                if known.get(case.id) != digest:
                    fresh.append((case, digest))
            gone = [case_id for case_id in known if case_id not in seen]
            changed = [case.id for case, _ in fresh if case.id in known]
            vectors.remove(index.remove([*gone, *changed]))
            for start in range(0, len(fresh), PART):
                self._add(index, vectors, fresh[start : start + PART])
                if progress:
                    progress(min(start + PART, len(fresh)), len(fresh))
            index.finish()
            vectors.save(folder)
        return Changes(len(fresh) - len(changed), len(changed), len(gone)), len(seen)

    def _add(self, index: WordIndex, vectors: VectorIndex, cases: list[tuple[Case, str]]) -> None:
        pieces = []
        for case, digest in cases:
            pieces += index.add(document.document(case), digest)
        embedded = self.cache.encode_passages([passage.text for _, passage in pieces])
        for view in passages.VIEWS:
            rows = [row for row, (_, passage) in enumerate(pieces) if passage.view == view]
            vectors.add(view, [pieces[row][0] for row in rows], embedded[rows])

    @contextmanager
    def _alone(self, wait: bool) -> Iterator[bool]:
        """Keeps other threads and processes from syncing, by the write lock of a small SQLite file; yields
        False if another has it and *wait* is false."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "lock.db"
        if path.exists() and path.stat().st_size:
            path.unlink()  # nothing is ever written into it: the file is damaged
        with closing(sqlite3.connect(path, timeout=3600 if wait else 0, isolation_level=None)) as lock:
            try:
                lock.execute("begin exclusive")
            except sqlite3.OperationalError:
                yield False
                return
            yield True

    # —— finding

    def search(
        self, query: Query, filters: Filters, depth: int, tuned: Tuned | None = None, leaders: Leaders | None = None
    ) -> Found:
        """See :class:`search.engine.Engine`."""
        vector = self.embedder.encode_queries([words.fold(query.spelled_out)])[0]
        with self._lock:
            index, vectors = self._indexes()
            allowed = index.passing(filters, query)
            views = {
                "words": index.search("words", query.words, allowed),
                "pairs": index.search("pairs", query.pairs, allowed),
                "official": index.search("words", _official(query), allowed),
            }
            places: dict[str, Place] = {}
            for name in passages.VIEWS:
                hits = vectors.search(
                    name,
                    tuned.query_vector(vector, name) if tuned else vector,
                    depth,
                    None if allowed is None else index.pieces(allowed),
                )
                view, best = index.by_case(hits)
                views[name] = view.raised(tuned.offset(vector, name)) if tuned else view
                for case_id, place in best.items():
                    places.setdefault(case_id, place)
            if leaders:
                views["feedback"] = index.search("words", index.telling_words(leaders(views), query.words), allowed)
        return Found(views, places)

    def with_number(self, number: str) -> list[str]:
        """See :class:`search.engine.Engine`."""
        with self._lock:
            return self._indexes()[0].with_number(number)

    def with_words(self, words: Iterable[str]) -> set[str]:
        """See :class:`search.engine.Engine`."""
        with self._lock:
            return self._indexes()[0].with_words(words)

    def counts(self, words: Sequence[str]) -> dict[str, int]:
        """See :class:`search.engine.Engine`."""
        with self._lock:
            return self._indexes()[0].counts(words)

    def homophones(self, sound: str) -> list[tuple[str, int]]:
        """See :class:`search.engine.Engine`."""
        with self._lock:
            return self._indexes()[0].homophones(sound)


def _official(query: Query) -> list[str]:
    """The words of the official terms for what is asked."""
    terms = (term for synonym in query.synonyms for term in synonym.terms)
    return list(dict.fromkeys(word.text for term in terms for word in words.content_words(term)))
