"""Where words stand in a text, as words and not by chance.

All look at the folded text, which is as long as the stored one, so that offsets hold for traditional and full-width
characters too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from . import words

AROUND = 4  # characters on either side that decide how a text is cut into words


@lru_cache(maxsize=2048)
def folded(text: str) -> str:
    """*text* folded, with blanks for placeholders: 姓名 in 〔姓名1〕 is no word of a case."""
    return words.without_placeholders(words.fold(text))


def spans(text: str, wanted: Sequence[str]) -> list[list[int]]:
    """[start, end] of the *wanted* words in *text* (both folded), in order; what overlaps or touches is one."""
    covered = bytearray(len(text))
    places = []
    for word in sorted(wanted, key=len, reverse=True):
        for start in _places(word, text, covered):
            end = start + len(word)
            covered[start:end] = b"\1" * len(word)
            places.append((start, end))
    merged: list[list[int]] = []
    for start, end in sorted(places):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged


def _places(word: str, text: str, covered: Sequence[int] = b"") -> Iterator[int]:
    """Where *word* stands in *text* as a word, leaving out places that are *covered* already."""
    at = text.find(word) if word else -1
    while at >= 0:
        if not (covered and all(covered[at : at + len(word)])) and not _torn(word, text, at):
            yield at
        at = text.find(word, at + 1)


def stands(word: str, text: str) -> bool:
    """Whether *word* stands somewhere in *text* as a word; both folded."""
    return next(_places(word, text), None) is not None


def _torn(word: str, text: str, start: int) -> bool:
    """Whether the characters at *start* belong to other words: 学车 in 大学车站, app in happy.

    Chinese is checked for words of two characters only: longer ones hardly ever arise by chance.
    """
    end = start + len(word)
    if word.isascii():
        before, after = text[max(0, start - 1) : start], text[end : end + 1]
        return any(char.isascii() and char.isalnum() for char in (before, after) if char)
    if len(word) != 2:
        return False
    middle = start + 1
    sizes = range(2, AROUND + 1)
    if not any(words.known(text[max(0, middle - size) : middle]) for size in sizes) or not any(
        words.known(text[middle : middle + size]) for size in sizes
    ):
        return False  # spares the cutting, which takes a hundred times as long
    first = max(0, start - AROUND)
    cut = _outer_words(text[first : end + AROUND])
    starts_before = any(left + first < start and right + first == middle for left, right in cut)
    ends_after = any(left + first == middle and right + first > end for left, right in cut)
    return starts_before and ends_after


@lru_cache(maxsize=8192)
def _outer_words(text: str) -> tuple[tuple[int, int], ...]:
    """(start, end) of the words of *text*, without those inside longer ones."""
    found: list[tuple[int, int]] = []
    for word in sorted(words.words(text), key=lambda word: (word.start, -word.end)):
        if not found or word.start >= found[-1][1]:
            found.append((word.start, word.end))
    return tuple(found)
