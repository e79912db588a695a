"""bm25s over jieba's words: its Tokenizer takes a splitter, its list of Chinese stop words is ``zh``.

https://github.com/xhluca/bm25s: ``lucene`` is the default method, ``bm25+`` one of its variants.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bm25s
import jieba
from bm25s.tokenization import Tokenizer

from ..material import Material
from . import DEPTH, Search, Variant, documents


def variant(method: str, splitter: Callable[[str], list[str]]) -> Variant:
    def build(material: Material, folder: Path) -> Search:
        del folder
        tokenizer = Tokenizer(splitter=splitter, stopwords="zh")
        retriever = bm25s.BM25(method=method)
        retriever.index(
            tokenizer.tokenize([unit.text for unit in material.whole], return_as="tuple", show_progress=False),
            show_progress=False,
        )
        names = [unit.docid for unit in material.whole]

        def search(question: str) -> list[str]:
            asked = tokenizer.tokenize([question], update_vocab=False, return_as="ids", show_progress=False)
            rows, scores = retriever.retrieve(asked, k=DEPTH, show_progress=False)
            return documents(names[row] for row, score in zip(rows[0], scores[0], strict=True) if score > 0)

        return search

    return build


VARIANTS: dict[str, Variant] = {
    "lucene, words": variant("lucene", jieba.lcut),
    "lucene, search mode": variant("lucene", jieba.lcut_for_search),
    "bm25+, search mode": variant("bm25+", jieba.lcut_for_search),
}
