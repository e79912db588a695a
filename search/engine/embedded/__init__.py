"""The embedded engine: SQLite FTS5 for words and FAISS for meaning, in ``DATA/index/embedded``.

The files of one state lie together in a folder of their own (a generation); ``current.json`` names it and
carries the stamp of what it was built from.  A few changed cases are written into the file of words in one
transaction, their vectors with them, and a new ``current.json`` is renamed over the old one; if many have changed, or
many vectors have gathered there, the next generation is written beside.  Either way a reader sees one state or the
other and a crash leaves the old, or the new under the old stamp, which is then brought up to date again.

What is open is a state, too, and searches go on in it until the next one has been read.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kb.config import Settings
from kb.model import Case
from kb.store import Store

from ... import passages, words
from ...embedder import Embedder, Vectors
from ...embedder.store import EmbeddingCache
from ...query import Query
from .. import Changes, Filters, Found, Leaders, Progress, Tuned, document
from . import wordwriter
from .vectors import VectorFiles, VectorIndex
from .wordindex import Place, WordIndex
from .wordwriter import WordWriter

log = logging.getLogger(__name__)

#: Raise when the layout of the files changes.
SCHEMA = 3
#: What must agree if an index is to be kept and only brought up to date.
_FORM = ("schema", "embedder", "words")
#: What reading damaged or missing files raises (FAISS: RuntimeError).
_BROKEN = (OSError, sqlite3.DatabaseError, RuntimeError, ValueError)
PART = 500  # cases embedded and written between two looks at the progress
#: Changed cases, and passages outside of the files of vectors, that are few: shares of what there is.
FEW = 0.05
#: An index of so many cases is read anew at once; reading a larger one takes long enough for searches not to wait.
SMALL = 5000


@dataclass
class _Open:
    """A state that is open: its stamp, what is in it, and how many searches are at it."""

    stamp: dict[str, Any]
    words: WordIndex
    vectors: VectorIndex
    lock: threading.Lock = field(default_factory=threading.Lock)  # of `words`
    users: int = 0
    retired: bool = False


class EmbeddedEngine:
    """See :class:`search.engine.Engine`.  Safe to use from several threads and processes."""

    def __init__(self, settings: Settings, embedder: Embedder | None = None) -> None:
        """The engine of the library of *settings*; *embedder* defaults to the one that they name."""
        self.folder = settings.index_dir / "embedded"
        self.cache = EmbeddingCache(settings, embedder)
        self.embedder = self.cache.embedder
        self.fingerprint = self.embedder.fingerprint
        self._lock = threading.Lock()  # of `_open`
        self._open: _Open | None = None
        self._renewing = threading.Lock()

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
        return "" if _same(stamp, wanted) else "案例库有变动，检索索引需要更新"

    def usable(self) -> bool:
        """See :class:`search.engine.Engine`."""
        try:
            with self._using():
                pass
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
            **store.stamp(),
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

    @contextmanager
    def _using(self) -> Iterator[_Open]:
        """What is open, for as long as a search takes; raises one of ``_BROKEN`` if nothing can be opened.

        When another process, or this one, has written a newer state, it is read by the first search that notices, or
        aside if it takes long; the others go on in the old one meanwhile.
        """
        with self._lock:
            if self._open is None:
                self._open = self._read(self._stamp())
            opened, stamp = self._open, self._stamp()
        if opened.stamp != stamp:
            if opened.stamp["cases"] <= SMALL:
                self._renew()
            elif not self._renewing.locked():
                threading.Thread(target=self._renew, name="index", daemon=True).start()
        with self._lock:
            opened = self._open or self._read(self._stamp())
            self._open = opened
            opened.users += 1
        try:
            yield opened
        finally:
            with self._lock:
                opened.users -= 1
                self._close_unused(opened)

    def _renew(self) -> None:
        """Reads the newest state and puts it in place of what is open, unless another thread is about it."""
        if not self._renewing.acquire(blocking=False):
            return
        try:
            found = self._read(self._stamp())
        except _BROKEN:
            found = None  # whoever comes next finds the same, and says so
        finally:
            self._renewing.release()
        with self._lock:
            old, self._open = self._open, found
            if old:
                old.retired = True
                self._close_unused(old)

    def _close_unused(self, opened: _Open) -> None:
        if opened.retired and not opened.users:
            opened.words.close()

    def _read(self, stamp: dict[str, Any]) -> _Open:
        """Opens the files of a generation; raises one of ``_BROKEN`` if they are not sound."""
        if not stamp:
            raise FileNotFoundError(self.folder / "current.json")
        folder, earlier = self._generation(stamp), self._open
        if earlier and earlier.stamp.get("made") != stamp.get("made"):
            earlier = None
        try:
            index = WordIndex(folder, earlier.words if earlier else None)
            try:
                files = earlier.vectors.files if earlier else VectorFiles(folder, self.embedder.dim)
                if index.meta.get("vectors") != files.count or index.meta.get("version", 0) < stamp.get("version", 0):
                    raise ValueError("files of different states")
                return _Open(stamp, index, VectorIndex(files, index.later(), index.held.pieces))
            except BaseException:
                index.close()
                raise
        except FileNotFoundError:
            newer = self._stamp()
            if newer == stamp:
                raise
            return self._read(newer)  # switched by another process while we were opening

    # —— building

    def sync(
        self, store: Store, progress: Progress | None = None, afresh: bool = False, wait: bool = True
    ) -> Changes | None:
        """See :class:`search.engine.Engine`."""
        with self._alone(wait) as mine:
            if not mine:
                return None
            old, new = self._stamp(), self._wanted(store)
            kept = not afresh and all(old.get(key) == new[key] for key in _FORM)
            if kept and _same(old, new) and self.usable():
                return Changes()
            changes = self._changed_in_place(old, new, store, progress) if kept else None
            if changes is None:
                changes = self._next_generation(old if kept else {}, new, store, progress)
            if self._open:
                self._renew()
            return changes

    def _changed_in_place(
        self, old: dict[str, Any], new: dict[str, Any], store: Store, progress: Progress | None
    ) -> Changes | None:
        """Takes a few changes over into the current generation; None if they are many, or if it is not sound."""
        ids = store.changed_since(old)
        if not ids or len(ids) > FEW * old["cases"]:
            return None
        try:
            with wordwriter.writing(self._generation(old), whole=False) as writer:
                if writer.later_count() > FEW * writer.piece_count():
                    return None
                published = store.published_of(ids)
                fresh, gone = _differing(writer.digests(sorted(ids)), list(published.values()))
                changes = self._write(writer, None, fresh, gone, progress)
                writer.finish(whole=False, version=new["version"])
                new |= {"generation": old["generation"], "made": old["made"], "cases": writer.count()}
        except _BROKEN as error:
            log.warning("检索索引不能续写，改为重建：%s", type(error).__name__)
            return None
        self._stamp_with(new)
        return changes

    def _next_generation(
        self, old: dict[str, Any], new: dict[str, Any], store: Store, progress: Progress | None
    ) -> Changes:
        """Writes a generation with what is published, from the one stamped *old* if there is one and it is sound."""
        new |= {"generation": max([0, *self._numbers()]) + 1, "made": secrets.token_hex(8)}
        folder = self._generation(new)
        folder.mkdir(parents=True)
        try:
            vectors = self._copied(old, folder) or VectorFiles(folder, self.embedder.dim, new=True)
            with wordwriter.writing(folder, whole=True) as writer:
                fresh, gone = _differing(writer.digests(), store.published())
                changes = self._write(writer, vectors, fresh, gone, progress)
                vectors.save(folder)
                writer.finish(whole=True, version=new["version"], vectors=vectors.count)
                new["cases"] = writer.count()
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._stamp_with(new)
        for number in self._numbers():
            if number != new["generation"]:
                shutil.rmtree(self._generation({"generation": number}), ignore_errors=True)
        return changes

    def _stamp_with(self, new: dict[str, Any]) -> None:
        """Makes *new* the current state."""
        waiting = self.folder / "current.json.new"
        waiting.write_text(json.dumps(new), encoding="utf-8")
        os.replace(waiting, self.folder / "current.json")

    def _numbers(self) -> list[int]:
        """Generations that lie in the folder."""
        return [int(path.name) for path in self.folder.glob("[0-9]*") if path.name.isdigit()]

    def _copied(self, old: dict[str, Any], folder: Path) -> VectorFiles | None:
        """Copies the file of words of *old* into *folder*; its vectors, all together.  None if they are not sound."""
        if not old:
            return None
        source = self._generation(old)
        try:
            WordIndex.check(source)
            files = VectorFiles(source, self.embedder.dim)
            with closing(WordIndex(source)) as index:
                VectorIndex(files, index.later(), index.held.pieces)
                if index.meta.get("vectors") != files.count:
                    return None
                for view in passages.VIEWS:
                    ids = files.ids(view)
                    files.remove(ids[~np.isin(ids, index.held.pieces)])
                for view, (numbers, vectors) in index.later().items():
                    files.add(view, numbers, vectors.astype(np.float32))
            wordwriter.copy(source, folder)
        except _BROKEN:
            for path in folder.iterdir():
                path.unlink()
            return None
        return files

    def _write(
        self,
        writer: WordWriter,
        files: VectorFiles | None,
        fresh: list[tuple[Case, str]],
        gone: tuple[list[str], list[str]],
        progress: Progress | None,
    ) -> Changes:
        """Writes cases with their digests after removing earlier forms of them and what is gone; vectors go into
        *files*, if given."""
        removed, changed = gone
        numbers = writer.remove([*removed, *changed])
        if files:
            files.remove(numbers)
            writer.drop_later()
        for start in range(0, len(fresh), PART):
            self._add(writer, files, fresh[start : start + PART])
            if progress:
                progress(min(start + PART, len(fresh)), len(fresh))
        return Changes(len(fresh) - len(changed), len(changed), len(removed))

    def _add(self, writer: WordWriter, files: VectorFiles | None, cases: list[tuple[Case, str]]) -> None:
        pieces = []
        for case, digest in cases:
            pieces += writer.add(document.document(case), digest)
        alone = [text for case, _ in cases if (text := passages.obstacle_alone(case))]  # not of the index: remembered
        embedded: Vectors = self.cache.encode_passages([passage.text for _, passage in pieces] + alone)
        for view in passages.VIEWS:
            rows = [row for row, (_, passage) in enumerate(pieces) if passage.view == view]
            numbers, vectors = [pieces[row][0] for row in rows], embedded[rows]
            if files:
                files.add(view, numbers, vectors)
            else:
                writer.add_later(view, numbers, vectors)

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
        with self._using() as opened:
            index, vectors = opened.words, opened.vectors
            with opened.lock:
                allowed = index.passing(filters, query)
                views = {
                    "words": index.search("words", query.words, allowed),
                    "pairs": index.search("pairs", query.pairs, allowed),
                    "official": index.search("words", _official(query), allowed),
                }
            pieces = None if allowed is None else index.pieces(allowed)
            places: dict[str, Place] = {}
            for name in passages.VIEWS:
                asked = tuned.query_vector(vector, name) if tuned else vector
                view, best = index.by_case(vectors.search(name, asked, depth, pieces))
                views[name] = view.raised(tuned.offset(vector, name)) if tuned else view
                places = best | places
            if leaders:
                first = leaders(views)
                with opened.lock:
                    telling = index.telling_words(first, query.words)
                    views["feedback"] = index.search("words", telling, allowed)
        return Found(views, places)

    def with_number(self, number: str) -> list[str]:
        """See :class:`search.engine.Engine`."""
        with self._words() as index:
            return index.with_number(number)

    def with_words(self, words: Iterable[str]) -> set[str]:
        """See :class:`search.engine.Engine`."""
        with self._words() as index:
            return index.with_words(words)

    def counts(self, words: Sequence[str]) -> dict[str, int]:
        """See :class:`search.engine.Engine`."""
        with self._words() as index:
            return index.counts(words)

    def homophones(self, sound: str) -> list[tuple[str, int]]:
        """See :class:`search.engine.Engine`."""
        with self._words() as index:
            return index.homophones(sound)

    @contextmanager
    def _words(self) -> Iterator[WordIndex]:
        with self._using() as opened, opened.lock:
            yield opened.words


def _same(stamp: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether *stamp* is that of the state of the library that is *wanted*."""
    return all(stamp.get(key) == wanted[key] for key in ("version", "mark"))


def _differing(
    known: dict[str, str], published: Iterable[Case]
) -> tuple[list[tuple[Case, str]], tuple[list[str], list[str]]]:
    """Cases, with their digests, that are not *known* (id → digest) as they are *published*; ids of those that are
    known but not published, and of those that are known as something else."""
    fresh, seen = [], set()
    for case in published:
        seen.add(case.id)
        digest = document.digest(case)
        if known.get(case.id) != digest:
            fresh.append((case, digest))
    return fresh, ([case_id for case_id in known if case_id not in seen], [c.id for c, _ in fresh if c.id in known])


def _official(query: Query) -> list[str]:
    """The words of the official terms for what is asked."""
    terms = (term for synonym in query.synonyms for term in synonym.terms)
    return list(dict.fromkeys(word.text for term in terms for word in words.content_words(term)))
