"""An embedder for tests: no model, the same vectors on every machine, similar texts close together."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from . import Vectors, clean


class FakeEmbedder:
    """Feature hashing of character bigrams: texts that share bigrams get close vectors."""

    fingerprint = "fake-bigrams-1"
    dim = 64

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """See :class:`search.embedder.Embedder`."""
        return np.array([self._vector(clean(text)) for text in texts], np.float32).reshape(-1, self.dim)

    encode_passages = encode_queries

    def _vector(self, text: str) -> Vectors:
        vector = np.zeros(self.dim, np.float32)
        vector[0] = 1e-3  # so that an empty text has a direction
        for first, second in zip(text, text[1:], strict=False):
            number = zlib.crc32((first + second).encode())
            vector[number % self.dim] += 1 if number >> 16 & 1 else -1
        unit: Vectors = vector / np.linalg.norm(vector)
        return unit
