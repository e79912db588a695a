"""Lay words and the official terms that say the same, from the reviewed list ``synonyms.yml``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ..words import Word, fold, known
from ..words import words as cut
from .model import Synonym

FILE = Path(__file__).with_name("synonyms.yml")
MOST_TERMS = 4  # of one word
MOST_IN_ALL = 12  # terms of one question


@dataclass(frozen=True)
class Entry:
    """Words that people say, the terms that mean the same in files, and words one of which must stand nearby."""

    say: tuple[str, ...]
    mean: tuple[str, ...]
    when: tuple[str, ...] = ()
    both: bool = False  # whoever writes a term is also given the first of what people say


def find(text: str, words: Sequence[str]) -> tuple[Synonym, ...]:
    """The lay words in *text*, in its order, with at most MOST_TERMS official terms each and MOST_IN_ALL together.

    *words* are the words that *text* was cut into: one of them is taken as it is, anything else must begin and end
    where words do.  Of overlapping matches the longest counts.  Terms that already stand in *text* are left out.
    """
    folded = fold(text)
    taken: list[tuple[int, int]] = []
    found: list[tuple[int, Synonym]] = []
    whole = frozenset(words)
    pieces: list[Word] = []
    for start, end in sorted(_matches(folded), key=lambda span: span[0] - span[1]):
        if any(start < other_end and other_start < end for other_start, other_end in taken):
            continue
        said = folded[start:end]
        terms = _terms(said, folded[:start] + "\n" + folded[end:])
        if not terms:
            continue
        if said not in whole:
            pieces = pieces or cut(folded)
        if said in whole or _stands_alone(pieces, start, end):
            taken.append((start, end))
            missing = tuple(term for term in terms if term not in folded)[:MOST_TERMS]
            found.append((start, Synonym(text[start:end], missing)))
    return tuple(_within_limits(synonym for _, synonym in sorted(found, key=lambda one: one[0])))


def _within_limits(found: Iterable[Synonym]) -> Iterator[Synonym]:
    left = MOST_IN_ALL
    seen: set[str] = set()
    for synonym in found:
        terms = tuple(term for term in synonym.terms if term not in seen)[:left]
        if terms:
            seen.update(terms)
            left -= len(terms)
            yield Synonym(synonym.word, terms)


def _matches(folded: str) -> Iterator[tuple[int, int]]:
    """Where words of the list stand in *folded*, whatever is around them."""
    _, by_beginning = _index()
    for start in range(len(folded) - 1):
        for said in by_beginning.get(folded[start : start + 2], ()):
            if folded.startswith(said, start):
                yield start, start + len(said)


def _terms(said: str, around: str) -> list[str]:
    """The terms of all entries with *said* that fit what stands *around* it."""
    by_word, _ = _index()
    terms: dict[str, None] = {}
    for mean, when in by_word[said]:
        if not when or any(near in around for near in when):
            terms.update(dict.fromkeys(mean))
    return list(terms)


def _stands_alone(pieces: list[Word], start: int, end: int) -> bool:
    """Whether words begin at *start* and end at *end*, or only guessed words reach over either."""
    if any(word.start == start for word in pieces) and any(word.end == end for word in pieces):
        return True
    across = [word for word in pieces if word.start < start < word.end or word.start < end < word.end]
    return not any(known(word.text) for word in across)


_Meaning = tuple[tuple[str, ...], tuple[str, ...]]  # terms, context


@cache
def _index() -> tuple[dict[str, list[_Meaning]], dict[str, list[str]]]:
    """Lay word → its meanings, and first two characters → lay words."""
    by_word: dict[str, list[_Meaning]] = {}
    by_beginning: dict[str, list[str]] = {}
    for entry in entries():
        pairs = [(said, entry.mean) for said in entry.say]
        if entry.both:
            pairs += [(term, entry.say[:1]) for term in entry.mean]
        for said, terms in pairs:
            if said not in by_word:
                by_beginning.setdefault(said[:2], []).append(said)
            by_word.setdefault(said, []).append((terms, entry.when))
    return by_word, by_beginning


@cache
def entries() -> tuple[Entry, ...]:
    """All entries of ``synonyms.yml``, in its order."""
    # The parser in C reads the list ten times as fast; PyYAML comes without it on some machines.
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    sections = yaml.load(FILE.read_text(encoding="utf-8"), Loader=loader)
    return tuple(
        Entry(tuple(one["say"]), tuple(one["mean"]), tuple(one.get("when", ())), bool(one.get("both")))
        for section in sections.values()
        for one in section
    )
