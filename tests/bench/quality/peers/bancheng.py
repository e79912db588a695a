"""Ours: the door through which `kb search` and the pages ask."""

from __future__ import annotations

from pathlib import Path

from kb.config import load
from search.folding import unfolded
from search.precedents import Precedents

from ..material import Material
from . import DEPTH, Search, Variant, documents


def packaged(material: Material, folder: Path) -> Search:
    """As installed, on the library itself."""
    del folder
    precedents = Precedents(load(material.library))
    # Which of the two numbers the judgements use shows in the material.
    known = {case["docid"] for case in material.cases}

    def search(question: str) -> list[str]:
        results = unfolded(precedents.find(question, DEPTH), DEPTH)
        return documents(str(found["source_no"] if found["source_no"] in known else found["id"]) for found in results)

    return search


VARIANTS: dict[str, Variant] = {"kb search": packaged}
