"""Asks one search all questions: `python -m tests.bench.quality.answer PEER FOLDER`, in a Python that has it.

FOLDER is what `material.prepare` filled, with ``queries.jsonl``; each set-up leaves a TREC run and the times in
``FOLDER/runs``.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import tempfile
import time
from pathlib import Path

from .material import Material
from .peers import Variant

NOT_INSTALLED = 3  # exit status


def answer(material: Material, queries: list[dict[str, str]], peer: str, name: str, variant: Variant) -> None:
    """Indexes, asks, and writes ``runs/PEER__NAME.trec`` and ``.json`` (peer, setup, build_s, ms of each question)."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        search = variant(material, Path(folder))
        built = time.perf_counter() - started
        search(queries[0]["query"])  # what is loaded when first needed
        lines, took = [], []
        for entry in queries:
            started = time.perf_counter()
            found = search(entry["query"])
            took.append((time.perf_counter() - started) * 1000)
            lines += [f"{entry['qid']} Q0 {docid} {at} {100 - at} {peer}" for at, docid in enumerate(found, 1)]
    target = material.folder / "runs" / re.sub(r"\W+", "_", f"{peer}__{name}")
    target.parent.mkdir(exist_ok=True)
    target.with_name(f"{target.name}.trec").write_text("\n".join(lines) + "\n", "utf-8")
    figures = {"peer": peer, "setup": name, "build_s": round(built, 1), "ms": took}
    target.with_name(f"{target.name}.json").write_text(json.dumps(figures), "utf-8")


def main() -> None:
    peer, folder = sys.argv[1], Path(sys.argv[2])
    try:
        variants: dict[str, Variant] = importlib.import_module(f"{__package__}.peers.{peer}").VARIANTS
    except ImportError as error:
        print(error)
        sys.exit(NOT_INSTALLED)
    lines = (folder / "queries.jsonl").read_text("utf-8-sig").split("\n")
    queries = [json.loads(line) for line in lines if line.strip()]
    material = Material(folder)
    for name, variant in variants.items():
        answer(material, queries, peer, name, variant)


if __name__ == "__main__":
    main()
