"""Milvus Lite: BM25 by its own function with its jieba analyzer, and dense vectors, fused by its rankers.

https://milvus.io/docs/full-text-search.md, https://milvus.io/docs/multi-vector-search.md; the weights are those
of https://milvus.io/docs/hybrid_search_with_milvus.md.
"""

from __future__ import annotations

from pathlib import Path

from pymilvus import AnnSearchRequest, DataType, Function, FunctionType, MilvusClient, RRFRanker, WeightedRanker

from ..material import Material, Unit
from . import DEPTH, PASSAGES, Search, Variant, documents

PART = 500


def variant(units: str, ranker: RRFRanker | WeightedRanker) -> Variant:
    """*units*: "whole" or "passages"."""

    def build(material: Material, folder: Path) -> Search:
        pieces: list[Unit] = getattr(material, units)
        client = MilvusClient(str(folder / "cases.db"))
        schema = client.create_schema()
        schema.add_field("row", DataType.INT64, is_primary=True)
        schema.add_field("docid", DataType.VARCHAR, max_length=128)
        schema.add_field(
            "text", DataType.VARCHAR, max_length=65535, enable_analyzer=True, analyzer_params={"tokenizer": "jieba"}
        )
        schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
        schema.add_field("dense", DataType.FLOAT_VECTOR, dim=len(pieces[0].vector))
        schema.add_function(Function("bm25", FunctionType.BM25, ["text"], ["sparse"]))
        indexes = client.prepare_index_params()
        indexes.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
        indexes.add_index("dense", index_type="FLAT", metric_type="COSINE")
        client.create_collection("cases", schema=schema, index_params=indexes)
        for start in range(0, len(pieces), PART):
            client.insert(
                "cases",
                [
                    {"row": row, "docid": piece.docid, "text": piece.text, "dense": piece.vector.tolist()}
                    for row, piece in enumerate(pieces[start : start + PART], start)
                ],
            )
        client.flush("cases")  # what is not flushed is searched without an index, fifty times slower
        client.load_collection("cases")
        limit = DEPTH if units == "whole" else PASSAGES

        def search(question: str) -> list[str]:
            requests = [
                AnnSearchRequest([question], "sparse", {"metric_type": "BM25"}, PASSAGES),
                AnnSearchRequest([material.embed(question).tolist()], "dense", {"metric_type": "COSINE"}, PASSAGES),
            ]
            hits = client.hybrid_search("cases", requests, ranker, limit, output_fields=["docid"])[0]
            return documents(hit["entity"]["docid"] for hit in hits)

        return search

    return build


VARIANTS: dict[str, Variant] = {
    "cases, RRF": variant("whole", RRFRanker()),
    "cases, weighted 0.7 : 1": variant("whole", WeightedRanker(0.7, 1.0)),
    "passages, RRF": variant("passages", RRFRanker()),
    "passages, weighted 0.7 : 1": variant("passages", WeightedRanker(0.7, 1.0)),
}
