"""txtai's hybrid index: its BM25 and dense vectors, weighted half and half as by default.

https://neuml.github.io/txtai/embeddings/configuration: external vectors through ``transform``, scores normalised.
Its own tokenizer cuts Chinese into single characters; words come in through the whitespace tokenizer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jieba
import numpy as np
from txtai import Embeddings

from ..material import Material, Unit
from . import DEPTH, PASSAGES, Search, Variant, documents


def plain(text: str) -> str:
    return text


def words(text: str) -> str:
    return " ".join(jieba.cut_for_search(text))


def variant(units: str, write: Callable[[str], str], scoring: dict[str, Any]) -> Variant:
    """*units*: "whole" or "passages"; *write* makes of a text what the tokenizer of *scoring* understands."""

    def build(material: Material, folder: Path) -> Search:
        del folder
        pieces: list[Unit] = getattr(material, units)
        known = {write(piece.text): piece.vector for piece in pieces}
        asked: dict[str, str] = {}

        def transform(texts: list[str]) -> np.ndarray:
            return np.stack([known[text] if text in known else material.embed(asked[text]) for text in texts])

        embeddings = Embeddings(
            method="external",
            transform=transform,
            scoring={"method": "bm25", "terms": True, "normalize": True, **scoring},
        )
        embeddings.index((row, write(piece.text), None) for row, piece in enumerate(pieces))
        limit = DEPTH if units == "whole" else PASSAGES

        def search(question: str) -> list[str]:
            written = write(question)
            asked[written] = question
            return documents(pieces[row].docid for row, _ in embeddings.search(written, limit))

        return search

    return build


BY_WORD = {"tokenizer": {"whitespace": True}}
VARIANTS: dict[str, Variant] = {
    "cases, its tokenizer": variant("whole", plain, {}),
    "cases, jieba": variant("whole", words, BY_WORD),
    "passages, jieba": variant("passages", words, BY_WORD),
    "passages, jieba, bb25": variant("passages", words, {**BY_WORD, "normalize": "bb25"}),
}
