"""Remembers embeddings, so that a text that did not change is never embedded again.

Vectors are kept as fp16 in one SQLite file under (embedder fingerprint, SHA-256 of the text); the texts
themselves are not in it.  The file is derived: a broken one is thrown away.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import numpy as np

from kb.config import Settings

from . import Embedder, Vectors, open_embedder

PART = 128  # texts embedded between two commits
LOOKUP = 500  # keys in one SELECT, below SQLite's limit of 999


class EmbeddingCache:
    """Passage vectors of a library's embedder, remembered in ``DATA/index/embeddings.db``."""

    def __init__(self, settings: Settings, embedder: Embedder | None = None, keep: bool = True) -> None:
        """The cache of the library of *settings*; *embedder* defaults to the one that they name and is then
        loaded when first needed.  Without *keep* it gives what is remembered and remembers nothing more."""
        self.path = settings.index_dir / "embeddings.db"
        self._settings = settings
        self._embedder = embedder
        self._keep = keep

    def __enter__(self) -> EmbeddingCache:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing stays open between two calls."""

    @property
    def embedder(self) -> Embedder:
        """The embedder whose vectors these are; Fault if it cannot be loaded."""
        if self._embedder is None:
            self._embedder = open_embedder(self._settings)
        return self._embedder

    def encode_passages(self, texts: Sequence[str], progress: Callable[[int], None] | None = None) -> Vectors:
        """Vectors of *texts*, float32 [texts, dim], rounded to fp16 so that the first answer and every
        later one agree.  *progress* is called with the number of further texts that are done.
        """
        keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
        unique = dict(zip(keys, texts, strict=True))
        with self._open() as database:
            known = self._known(database, list(unique))
            missing = [key for key in unique if key not in known]
            if progress:
                progress(len(keys) - len(missing))
            for start in range(0, len(missing), PART):
                part = missing[start : start + PART]
                vectors = self.embedder.encode_passages([unique[key] for key in part]).astype(np.float16)
                if self._keep:
                    self._remember(database, part, vectors)
                known.update(zip(part, vectors, strict=True))
                if progress:
                    progress(len(part))
        result = np.empty((len(keys), self.embedder.dim), np.float32)
        for row, key in enumerate(keys):
            result[row] = known[key]
        return result

    def _remember(self, database: sqlite3.Connection, keys: Sequence[bytes], vectors: np.ndarray) -> None:
        with database:
            database.executemany(
                "insert or replace into embeddings values (?, ?, ?)",
                [
                    (self.embedder.fingerprint, key, vector.tobytes())
                    for key, vector in zip(keys, vectors, strict=True)
                ],
            )

    def _known(self, database: sqlite3.Connection, keys: list[bytes]) -> dict[bytes, np.ndarray]:
        found: dict[bytes, np.ndarray] = {}
        for start in range(0, len(keys), LOOKUP):
            part = keys[start : start + LOOKUP]
            marks = ",".join("?" * len(part))
            rows = database.execute(
                f"select text_hash, vector from embeddings where fingerprint = ? and text_hash in ({marks})",
                [self.embedder.fingerprint, *part],
            )
            found.update(
                (key, np.frombuffer(blob, np.float16))
                for key, blob in rows
                if len(blob) == 2 * self.embedder.dim
            )
        return found

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            database = self._connect()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            for name in (self.path, *self.path.parent.glob(f"{self.path.name}-*")):
                name.unlink(missing_ok=True)
            database = self._connect()
        with closing(database):
            yield database

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=60)
        try:
            database.execute("pragma journal_mode = wal")
            database.execute("pragma synchronous = normal")
            database.execute(
                "create table if not exists embeddings (fingerprint text, text_hash blob, vector blob,"
                " primary key (fingerprint, text_hash)) without rowid"
            )
        except sqlite3.DatabaseError:
            database.close()
            raise
        return database
