"""Unmet needs for pages: as `search.unmet.needs` groups them, with the vectors of known questions kept in memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from kb.config import Settings
from kb.errors import Fault
from kb.store import Store

from .. import unmet
from ..embedder import Embedder, Vectors, open_embedder

_MOST = 4000  # questions whose vectors are kept


class Remembering:
    """An embedder that embeds a question once: pages compare the same questions again and again."""

    def __init__(self, embedder: Embedder) -> None:
        self.fingerprint, self.dim = embedder.fingerprint, embedder.dim
        self._embedder = embedder
        self._known: dict[str, NDArray[np.float32]] = {}
        self._lock = threading.Lock()

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """As the embedder's own."""
        with self._lock:
            new = list(dict.fromkeys(text for text in texts if text not in self._known))
            if len(self._known) + len(new) > _MOST:
                self._known.clear()
                new = list(dict.fromkeys(texts))
            if new:
                self._known.update(zip(new, self._embedder.encode_queries(new), strict=True))
            return np.array([self._known[text] for text in texts], dtype=np.float32).reshape(len(texts), self.dim)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """As the embedder's own."""
        return self._embedder.encode_passages(texts)


@cache
def embedder(settings: Settings) -> Embedder | None:
    """What compares the questions of a library; None where its model cannot be loaded (then words alone count)."""
    try:
        return Remembering(open_embedder(settings))
    except Fault:
        return None


def needs(store: Store, since: str = "", closed: bool = False) -> list[unmet.Need]:
    """Unmet needs, the most asked first; with `closed` also those that were settled."""
    return unmet.needs(store, embedder(store.settings), since, closed)


def settle(store: Store, number: int, case_id: str = "", reason: str = "") -> int:
    """Close the need of question `number`; how many wordings were closed. See `unmet.settle`."""
    return unmet.settle(store, number, embedder(store.settings), case_id, reason)
