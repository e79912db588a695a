"""Labelled examples nearest in meaning: a second opinion beside the cues (k nearest neighbours).

Examples are short sentences of this package (`examples.yml`) and the packaged demonstration cases. Their
vectors are computed once per process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from kb.config import Settings

#: Texts → unit vectors, float32 [n, d] (the embedder's `encode_passages`).
Encode = Callable[[list[str]], np.ndarray]

_HERE = Path(__file__).parent
_DEMO_CASES = _HERE.parent / "demo" / "cases"
_NEIGHBOURS = 12
#: Centred cosines of two sentences with one label lie around 0.3–0.6; 0.1 lets the nearest few decide.
_TEMPERATURE = 0.07


@dataclass(frozen=True)
class Example:
    text: str
    barrier: str
    domain: str


class SimilarExamples:
    """Labelled examples with their vectors; `shares` says how the neighbours of a text vote."""

    def __init__(self, encode: Encode, examples: list[Example]) -> None:
        self._encode = encode
        self._examples = examples
        vectors = np.asarray(encode([example.text for example in examples]), dtype=np.float32)
        # Raw cosines of the model crowd together; what all texts share says nothing and is taken off.
        self._centre = vectors.mean(axis=0)
        self._vectors = _unit(vectors - self._centre)

    def shares(self, text: str) -> dict[str, dict[str, tuple[float, str]]]:
        """For "barriers" and "domain": label → (share of the vote 0–1, its nearest example)."""
        vector = np.asarray(self._encode([text]), dtype=np.float32)
        likeness = self._vectors @ _unit(vector - self._centre)[0]
        nearest = np.argsort(-likeness)[:_NEIGHBOURS]
        votes = np.exp((likeness[nearest] - likeness[nearest[0]]) / _TEMPERATURE)
        votes /= votes.sum()
        found: dict[str, dict[str, tuple[float, str]]] = {"barriers": {}, "domain": {}}
        for i, vote in zip(nearest, votes, strict=True):
            example = self._examples[i]
            for name, label in (("barriers", example.barrier), ("domain", example.domain)):
                share, nearest_text = found[name].get(label, (0.0, example.text))
                found[name][label] = share + float(vote), nearest_text
        return found


@lru_cache(maxsize=2)
def similar_examples(encode: Encode) -> SimilarExamples:
    """The packaged examples, embedded once per process and encoder."""
    return SimilarExamples(encode, load_examples())


def forgetful(settings: Settings) -> Callable[[Sequence[str]], NDArray[np.float32]]:
    """Vectors of texts of which not even those may be kept. The vectors of the packaged examples are kept in the
    library's cache, because they take seconds and every process needs them."""
    from search.embedder.store import EmbeddingCache

    keeping = EmbeddingCache(settings)
    keeping.encode_passages([example.text for example in load_examples()])
    return EmbeddingCache(settings, keeping.embedder, keep=False).encode_passages


@lru_cache(maxsize=1)
def load_examples() -> list[Example]:
    """Examples of this package and of the demonstration library, where that is present."""
    raw = yaml.safe_load((_HERE / "examples.yml").read_text(encoding="utf-8"))
    found = [
        Example(text, barrier, domain)
        for barrier, domains in raw.items()
        for domain, texts in domains.items()
        for text in texts
    ]
    for path in sorted(_DEMO_CASES.glob("*.yml")):
        found.extend(_demo_examples(path))
    return found


def _demo_examples(path: Path) -> list[Example]:
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    cases = raw.get("cases", []) if isinstance(raw, dict) else raw
    return [
        Example(f"{case['obstacle']} {case.get('demand', '')}"[:160], case["barriers"][0], case["domain"])
        for case in cases
        if case.get("obstacle") and case.get("barriers") and case.get("domain")
    ]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
