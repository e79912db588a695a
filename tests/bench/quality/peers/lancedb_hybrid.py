"""LanceDB: full-text index with jieba or ngrams, and dense vectors, fused by its rerankers.

https://docs.lancedb.com (hybrid search; RRF is the default reranker), https://lance.org/guide/tokenizer: the jieba
tokenizer reads a dictionary from ``LANCE_LANGUAGE_MODEL_HOME``; it gets the one of the jieba package.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import jieba
import lancedb
from lancedb.rerankers import LinearCombinationReranker, Reranker, RRFReranker

from ..material import Material, Unit
from . import DEPTH, PASSAGES, Search, Variant, documents

#: Neither stemming nor stop words: both are lists of European languages.
PLAIN: dict[str, Any] = {"stem": False, "remove_stop_words": False, "ascii_folding": False}
JIEBA: dict[str, Any] = {"base_tokenizer": "jieba/default", **PLAIN}
NGRAM: dict[str, Any] = {"base_tokenizer": "ngram", "ngram_min_length": 2, "ngram_max_length": 3, **PLAIN}


def variant(units: str, tokenizer: dict[str, Any], reranker: Reranker) -> Variant:
    """*units*: "whole" or "passages"."""

    def build(material: Material, folder: Path) -> Search:
        dictionary = folder / "language_models" / "jieba" / "default"
        dictionary.mkdir(parents=True)
        shutil.copy(Path(jieba.__file__).parent / "dict.txt", dictionary)
        os.environ["LANCE_LANGUAGE_MODEL_HOME"] = str(folder / "language_models")
        pieces: list[Unit] = getattr(material, units)
        table = lancedb.connect(folder / "lance").create_table(
            "cases",
            [{"docid": piece.docid, "text": piece.text, "vector": piece.vector} for piece in pieces],
        )
        table.create_fts_index("text", **tokenizer)
        limit = DEPTH if units == "whole" else PASSAGES

        def search(question: str) -> list[str]:
            asked = table.search(query_type="hybrid").vector(material.embed(question)).text(question)
            rows = asked.distance_type("cosine").rerank(reranker).limit(limit).to_list()
            return documents(row["docid"] for row in rows)

        return search

    return build


VARIANTS: dict[str, Variant] = {
    "cases, ngram, RRF": variant("whole", NGRAM, RRFReranker()),
    "cases, jieba, RRF": variant("whole", JIEBA, RRFReranker()),
    "passages, jieba, RRF": variant("passages", JIEBA, RRFReranker()),
    "passages, jieba, linear 0.7": variant("passages", JIEBA, LinearCombinationReranker(0.7)),
}
