"""Pieces of a case's text for a list of results: cut around what was found, marked, safe to print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

_STOPS = "。！？；\n"


def snippet(text: str, spans: Iterable[Sequence[int]] = (), longest: int = 160) -> Markup:
    """`text` as escaped HTML with `spans` ([start, end] in characters) in <mark>.

    A longer text is cut to at most `longest` characters, where most of what was looked for can be seen; the
    beginning is kept if no other place shows more. Spans that make no sense are left out.
    """
    start, end = _window(text, _merged(spans, 0, len(text)), longest)
    parts = [Markup("……") if start else Markup("")]
    at = start
    for first, last in _merged(spans, start, end):
        parts += [escape(text[at:first]), Markup("<mark>{}</mark>").format(text[first:last])]
        at = last
    parts += [escape(text[at:end]), Markup("……") if end < len(text) else Markup("")]
    return Markup("").join(parts)


def _window(text: str, spans: list[tuple[int, int]], longest: int) -> tuple[int, int]:
    """Where to cut: [start, end), ends of sentences preferred."""
    if len(text) <= longest:
        return 0, len(text)
    starts = {0, *(_start(text, first, longest) for first, _ in spans)}
    start = max(starts, key=lambda start: (_seen(text, spans, start, start + longest), -start))
    end = min(len(text), start + longest)
    stop = max(text.rfind(stop, start, end) for stop in _STOPS) + 1
    least = max([start + longest * 2 // 3, *(last for _, last in spans if last <= end)])
    return start, stop if stop >= least else end


def _start(text: str, first: int, longest: int) -> int:
    """Where the sentence begins that holds the mark at `first`, or a little before the mark in a long one."""
    start = max(text.rfind(stop, 0, first) for stop in _STOPS) + 1
    return start if first - start <= longest // 2 else first - longest // 4


def _seen(text: str, spans: list[tuple[int, int]], start: int, end: int) -> int:
    """How many characters of different marks lie between `start` and `end`: a word told twice says no more."""
    return sum(map(len, {text[first:last] for first, last in spans if start <= first and last <= end}))


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
