"""Unmet needs for pages: as `search.unmet.needs` groups them, with the vectors of known questions kept in memory; and
the classes of cases that they are near to. Limits lie in ``needs.yml``."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from kb.config import Settings
from kb.errors import Fault
from kb.model import Case
from kb.store import Store

from .. import unmet, words
from ..embedder import Embedder, Vectors, open_embedder
from ..embedder.store import EmbeddingCache
from ..passages import passages
from ..unmet import Need
from .classes import CaseClass

_MOST = 4000  # questions whose vectors are kept


@cache
def settings() -> dict[str, Any]:
    """The content of ``needs.yml``."""
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "needs.yml").read_text(encoding="utf-8"))
    return found


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


def near(
    store: Store, listed: Sequence[CaseClass], everyone: Mapping[str, Case], since: str
) -> dict[str, list[tuple[Need, str]]]:
    """{class id: [(need, the case that it is nearest to)]}: each unmet need at the class that it is nearest to."""
    limits = settings()
    asked = needs(store, since)[: limits["most"]] if listed else []
    if not asked:
        return {}
    nearest = [(one.id, c) for one in listed for c in one.case_ids[: limits["central"]] if c in everyone]
    told = store.published_of(case_id for _, case_id in nearest)
    central = [(class_id, told[case_id]) for class_id, case_id in nearest if case_id in told]
    model = embedder(store.settings)
    likeness = _likeness(store, asked, [case for _, case in central], model)
    least = _least(model)
    found: dict[str, list[tuple[Need, str]]] = {}
    for need, row in zip(asked, likeness, strict=True):
        best = int(np.argmax(row)) if len(row) else -1
        if best >= 0 and row[best] >= least:
            class_id, case = central[best]
            found.setdefault(class_id, []).append((need, case.id))
    return found


def _least(model: Embedder | None) -> float:
    """The likeness from which a question is near a case: of vectors if the embedder's are known, else of words."""
    limits = settings()
    known = limits["cosine"].items() if model else ()
    return next((float(value) for name, value in known if model and model.fingerprint.startswith(name)),
                float(limits["share"]))  # fmt: skip


def _likeness(
    store: Store, asked: Sequence[Need], cases: Sequence[Case], model: Embedder | None
) -> np.ndarray[Any, Any]:
    """[needs, cases]: how like a question is to what a case tells; 0 where they share no word of content."""
    held = [_content(f"{case.title}。{case.obstacle}。{case.demand}") for case in cases]
    wanted = [_content(need.text) for need in asked]
    shares = np.array([[len(a & b) / max(len(a), 1) for b in held] for a in wanted])
    known = settings()["cosine"]
    if model is None or not any(model.fingerprint.startswith(name) for name in known):
        return shares
    with EmbeddingCache(store.settings, model) as vectors:
        texts = [[piece.text for piece in passages(case) if piece.view == "message"] for case in cases]
        flat = vectors.encode_passages([text for some in texts for text in some])
    cosines = model.encode_queries([need.text for need in asked]) @ flat.T
    ends = np.cumsum([len(some) for some in texts])
    best = np.zeros_like(shares)
    for at, (end, some) in enumerate(zip(ends, texts, strict=True)):
        if some:
            best[:, at] = cosines[:, end - len(some) : end].max(axis=1)
    return np.where(shares > 0, best, 0.0)


def _content(text: str) -> set[str]:
    return {word.text for word in words.content_words(text) if len(word.text) > 1}
