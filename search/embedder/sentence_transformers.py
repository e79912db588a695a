"""Any sentence-transformers model, by name or folder (``[embedding] model = …`` in the settings)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kb.errors import Fault

from . import Vectors, clean


class SentenceTransformersEmbedder:
    """Embedder over a sentence-transformers model; its own prompts for queries and passages are used."""

    def __init__(self, model: str) -> None:
        """Loads *model*; Fault when it cannot be loaded.

        The import is here and not above: it takes seconds and hundreds of megabytes.
        """
        try:
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging

            logging.set_verbosity_error()
            logging.disable_progress_bar()
            # Half precision, in which many models are stored, is slow on a CPU.
            self._model = SentenceTransformer(model, device="cpu", model_kwargs={"dtype": "float32"})
        except Exception as error:  # the library raises whatever its parts raise
            raise Fault(
                f"向量模型“{model}”无法加载：请检查 kb.toml 中 [embedding] model 的名称或文件夹"
            ) from error
        self.dim = int(self._model.get_embedding_dimension() or 0)
        self.fingerprint = f"sentence-transformers-{Path(model).name}-{self._digest()}"

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """See :class:`search.embedder.Embedder`."""
        return self._encode(texts, query=True)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """See :class:`search.embedder.Embedder`."""
        return self._encode(texts, query=False)

    def _encode(self, texts: Sequence[str], query: bool) -> Vectors:
        if not texts:
            return np.empty((0, self.dim), np.float32)
        encode = self._model.encode_query if query else self._model.encode_document
        return np.asarray(
            encode([clean(text) for text in texts], normalize_embeddings=True, show_progress_bar=False),
            np.float32,
        )

    def _digest(self) -> str:
        """Tells apart two models of one name: a hash over a few probe vectors."""
        vectors = np.concatenate([self.encode_queries(["办不成事"]), self.encode_passages(["不动产权证书"])])
        return hashlib.sha256(np.round(vectors, 2).tobytes()).hexdigest()[:12]
