"""The packaged model: multilingual-e5-small for Chinese in eight bits, run by onnxruntime.

What it is and how it was made: ``model/README.md`` and ``build_model.py``.  Neither torch nor
transformers is imported.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from kb.errors import Fault

from . import Vectors, clean

MODEL = Path(__file__).parent / "model"
QUERY, PASSAGE = "query: ", "passage: "
LONGEST = 512  # tokens; the model has no positions beyond
# Letters beyond this cannot fall within the first 512 tokens (a token is hardly ever longer than 16).
LONGEST_TEXT = 8192


class PackagedEmbedder:
    """Embedder over the files in *folder* (``model.onnx``, ``tokenizer.json``)."""

    dim = 384

    def __init__(self, folder: Path = MODEL, threads: int = 0) -> None:
        """Loads the model; Fault when files are missing or broken.

        *threads* is the number of texts embedded at a time, 0: as many as there are cores, two at most.
        """
        import onnxruntime
        from tokenizers import Tokenizer

        self._threads = threads or min(2, os.cpu_count() or 1)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            data = (folder / "model.onnx").read_bytes()
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            # That fusion takes 4 of 25 ms on 80 tokens; the two operators it replaces take under 1 ms.
            slow = ["SkipLayerNormFusion"]
            self._session = onnxruntime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"], disabled_optimizers=slow
            )
        except Exception as error:  # both libraries raise bare Exception subclasses of their own
            raise Fault(f"向量模型无法加载（{folder}）：文件缺失或损坏，请重新安装 bancheng") from error
        self._tokenizer.enable_truncation(LONGEST)
        self.fingerprint = f"e5-small-zh-tuned-int8-{hashlib.sha256(data).hexdigest()[:12]}"

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """See :class:`search.embedder.Embedder`."""
        return self._encode(QUERY, texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """See :class:`search.embedder.Embedder`."""
        return self._encode(PASSAGE, texts)

    def _encode(self, prompt: str, texts: Sequence[str]) -> Vectors:
        """Embeds one text a run and several runs at a time.

        Activations are quantised over a whole run: in a batch, the vector of a text would depend on its
        neighbours (cosine 0.995), and the cache would not give what a fresh run gives.
        """

        def one(text: str) -> Vectors:
            ids = np.array([self._tokenizer.encode(prompt + clean(text[:LONGEST_TEXT])).ids], np.int64)
            inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
            vector: Vectors = self._session.run(None, inputs)[0][0]
            return vector

        vectors = np.empty((len(texts), self.dim), np.float32)
        if len(texts) == 1:
            vectors[0] = one(texts[0])
            return vectors
        with ThreadPoolExecutor(self._threads) as pool:
            for row, vector in enumerate(pool.map(one, texts)):
                vectors[row] = vector
        return vectors
