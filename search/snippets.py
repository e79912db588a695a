"""Pieces of a case's text for a list of results: cut around what was found, marked, safe to print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

_STOPS = "。！？；\n"


def snippet(text: str, spans: Iterable[Sequence[int]] = (), longest: int = 160) -> Markup:
    """`text` as escaped HTML with `spans` ([start, end] in characters) in <mark>.

    A longer text is cut to at most `longest` characters, from the sentence of the first mark on if that would
    not be seen otherwise. Spans that make no sense are left out.
    """
    start, end = _window(text, min((span[0] for span in spans), default=0), longest)
    parts = [Markup("……") if start else Markup("")]
    at = start
    for first, last in _merged(spans, start, end):
        parts += [escape(text[at:first]), Markup("<mark>{}</mark>").format(text[first:last])]
        at = last
    parts += [escape(text[at:end]), Markup("……") if end < len(text) else Markup("")]
    return Markup("").join(parts)


def _window(text: str, first: int, longest: int) -> tuple[int, int]:
    """Where to cut: [start, end). The beginning of the text is kept if the first mark lies within it."""
    if len(text) <= longest:
        return 0, len(text)
    start = 0
    if first > longest * 2 // 3:
        start = max(text.rfind(stop, 0, first) for stop in _STOPS) + 1
        if first - start > longest // 2:
            start = first - longest // 4
    end = min(len(text), start + longest)
    stop = max(text.rfind(stop, start, end) for stop in _STOPS)
    return start, stop + 1 if stop > start + longest * 2 // 3 else end


def _merged(spans: Iterable[Sequence[int]], start: int, end: int) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted((max(span[0], start), min(span[1], end)) for span in spans):
        if first >= last:
            continue
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
