"""Embedding: texts become vectors, and texts that mean alike get vectors that lie close.

:class:`Embedder` is the one interface; :func:`open_embedder` gives the one that the settings name:
the packaged model (no network, no torch), any sentence-transformers model, or the test embedder.
:class:`~search.embedder.store.EmbeddingCache` remembers what has been embedded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kb.config import Settings

Vectors = NDArray[np.float32]

PACKAGED = "packaged"
FAKE = "fake"


class Embedder(Protocol):
    """What turns texts into unit vectors.

    ``fingerprint`` changes whenever the same text would get another vector; it is the key under which
    vectors are cached and indexes stamped.  ``dim`` is the length of a vector.
    """

    fingerprint: str
    dim: int

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions, float32 [texts, dim], each of length one."""

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts to be found, float32 [texts, dim], each of length one."""


def open_embedder(settings: Settings) -> Embedder:
    """The embedder that *settings* name (kb.toml: ``[embedding] model``).

    ``packaged`` (or empty) is the model inside this package, ``fake`` the one for tests; anything else
    is the name or folder of a sentence-transformers model.  Raises Fault when it cannot be loaded.
    """
    model = settings.embedding_model
    if model in ("", PACKAGED):
        from .packaged import PackagedEmbedder

        return PackagedEmbedder(threads=settings.threads)
    if model == FAKE:
        from .fake import FakeEmbedder

        return FakeEmbedder()
    from .sentence_transformers import SentenceTransformersEmbedder

    return SentenceTransformersEmbedder(model)


def clean(text: str) -> str:
    """*text* without what tokenizers refuse: NUL and lone surrogates."""
    return text.replace("\0", " ").encode("utf-8", "ignore").decode("utf-8")
