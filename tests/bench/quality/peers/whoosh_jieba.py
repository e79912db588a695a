"""Whoosh (whoosh-reloaded) with the analyzer that jieba brings for it, BM25F, any word of the question.

https://github.com/fxsjy/jieba (ChineseAnalyzer for Whoosh); https://whoosh.readthedocs.io: OrGroup, and its
factory, which favours documents with more of the words.
"""

from __future__ import annotations

from pathlib import Path

from jieba.analyse import ChineseAnalyzer
from whoosh import index
from whoosh.fields import ID, TEXT, Schema
from whoosh.qparser import MultifieldParser, OrGroup, WhitespacePlugin
from whoosh.scoring import BM25F

from ..material import FIELDS, Material, text
from . import DEPTH, Search, Variant, documents


def indexed(material: Material, folder: Path, fields: tuple[str, ...], boosts: dict[str, float]) -> Search:
    """A search over *fields* (of a case, or "text" for all of them in one)."""
    analyzer = ChineseAnalyzer()
    schema = Schema(docid=ID(stored=True), **{field: TEXT(analyzer=analyzer) for field in fields})
    writer = index.create_in(folder, schema).writer(limitmb=256)
    for case in material.cases:
        whole = {**case, "text": text(case)}
        writer.add_document(docid=case["docid"], **{field: whole[field] for field in fields})
    writer.commit()
    searcher = index.open_dir(folder).searcher(weighting=BM25F())
    # No operators: what people type is text.
    parser = MultifieldParser(
        fields, schema, fieldboosts=boosts, plugins=[WhitespacePlugin()], group=OrGroup.factory(0.9)
    )
    return lambda question: documents(hit["docid"] for hit in searcher.search(parser.parse(question), limit=DEPTH))


VARIANTS: dict[str, Variant] = {
    "one text": lambda material, folder: indexed(material, folder, ("text",), {}),
    "five fields": lambda material, folder: indexed(material, folder, FIELDS, {}),
    "five fields, title twice": lambda material, folder: indexed(material, folder, FIELDS, {"title": 2.0}),
}
