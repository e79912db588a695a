"""How well a run of Chinese characters reads as ordinary words, with and without a name in it.

The run is cut by the usual unigram model (the best path through the dictionary).
`Reading.gain(start, end, cost)` says how much better (or worse) the run reads if [start, end) is
one word of the given cost: the log of a likelihood ratio.
"""

from __future__ import annotations

from .lexicon import MAX_WORD, background, openings, unknown_cost


class Reading:
    """Best word paths of one run, from the left and from the right. Costs are -ln of probabilities."""

    def __init__(self, run: str) -> None:
        vocabulary, unknown, begun = background(), unknown_cost(), openings()
        size = len(run)
        left = [0.0] + [float("inf")] * size
        right = [float("inf")] * size + [0.0]
        edges: list[tuple[int, int, float]] = []
        for start in range(size):
            for end in range(start + 1, min(start + MAX_WORD, size) + 1):
                word = run[start:end]
                cost = vocabulary.get(word)
                if cost is None and end == start + 1:
                    cost = unknown
                if cost is not None:
                    edges.append((start, end, cost))
                    if left[start] + cost < left[end]:
                        left[end] = left[start] + cost
                if end > start + 1 and word not in begun:
                    break
        for start, end, cost in reversed(edges):
            if right[end] + cost < right[start]:
                right[start] = right[end] + cost
        self._left, self._right = left, right

    def gain(self, start: int, end: int, cost: float) -> float:
        """Log-likelihood gained by reading [start, end) as one word of `cost` (negative: ordinary
        words fit better).
        """
        return self._left[-1] - (self._left[start] + cost + self._right[end])
