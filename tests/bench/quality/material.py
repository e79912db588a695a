"""What every search gets: the published cases of a library, as texts and as vectors of the library's own model.

The vectors of the cases are computed once and kept as a file; a question is embedded while a peer answers it and
counts as the peer's time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.config import load
from kb.store import Store
from search.embedder import Vectors, open_embedder
from search.embedder.store import EmbeddingCache
from search.passages import passages

FIELDS = ("title", "demand", "obstacle", "measure", "result")


@dataclass(frozen=True)
class Unit:
    """A text to index, whole case or passage: of which document, its text, its unit vector [dim]."""

    docid: str
    text: str
    vector: NDArray[np.float32]


@dataclass(frozen=True)
class Material:
    """The cases in *folder*, where `prepare` has put them."""

    folder: Path

    @cached_property
    def cases(self) -> list[dict[str, str]]:
        """docid and `FIELDS` of every case."""
        return _lines(self.folder / "cases.jsonl")

    @cached_property
    def whole(self) -> list[Unit]:
        """Every case as one text; its vector is of the first 512 tokens, as the model takes no more."""
        return self._units([{"docid": case["docid"], "text": text(case)} for case in self.cases], "whole")

    @cached_property
    def passages(self) -> list[Unit]:
        """Every case in pieces of at most 140 characters, the title in front of those of the message."""
        return self._units(_lines(self.folder / "passages.jsonl"), "passages")

    @cached_property
    def embed(self) -> Callable[[str], Vectors]:
        """The vector of a question, by the library's model."""
        embedder = open_embedder(replace(load(self.library), threads=1))
        return lambda question: embedder.encode_queries([question])[0]

    @property
    def library(self) -> Path:
        """The folder of the library itself."""
        return Path((self.folder / "library.txt").read_text("utf-8"))

    def _units(self, pieces: list[dict[str, str]], name: str) -> list[Unit]:
        vectors = np.load(self.folder / "vectors.npz")[name]
        return [Unit(piece["docid"], piece["text"], row) for piece, row in zip(pieces, vectors, strict=True)]


def text(case: dict[str, str]) -> str:
    """The fields of *case* as one text, a line each."""
    return "\n".join(filter(None, (case[field] for field in FIELDS)))


def prepare(library: Path, folder: Path, docid: str) -> Material:
    """Puts the published cases of *library*, under their *docid* (id or source_no), and their vectors in *folder*.

    What was embedded before, by the library or for this folder, is not embedded again.
    """
    with Store(load(library)) as store:
        published = list(store.published())
    names = [str(getattr(case, docid) or case.id) for case in published]
    cases = [
        {"docid": name, **{field: str(getattr(case, field)) for field in FIELDS}}
        for name, case in zip(names, published, strict=True)
    ]
    pieces = [(name, piece.text) for name, case in zip(names, published, strict=True) for piece in passages(case)]
    settings = replace(load(library), threads=1)
    whole = EmbeddingCache(replace(settings, data_dir=folder)).encode_passages([text(case) for case in cases])
    parts = EmbeddingCache(settings).encode_passages([piece for _, piece in pieces])
    np.savez(folder / "vectors.npz", whole=whole, passages=parts)
    (folder / "library.txt").write_text(str(library.resolve()), "utf-8")
    _write(folder / "cases.jsonl", cases)
    _write(folder / "passages.jsonl", [{"docid": name, "text": piece} for name, piece in pieces])
    return Material(folder)


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def _write(path: Path, entries: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries), "utf-8")
