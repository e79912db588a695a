"""Typing errors put right: words that the library does not know but for one that sounds or looks the same.

A window of two to six Chinese characters is taken for a misspelling if

* a pair of its characters at each changed place hardly stands in the library's cases,
* no word of the dictionary that the cases use, or of three characters, is touched, only what it does not know,
* a word of dictionary and cases sounds the same (tones aside) or differs in one character that looks alike
  (``lookalikes.txt``), and stands in far more cases.

Sounds that regions mix up (n/l, zh/z, in/ing …) need more cases.  Longer windows come first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .. import words
from ..words import Word
from ..words.sounds import syllables
from .model import Correction, Vocabulary

LOOKALIKES = Path(__file__).with_name("lookalikes.txt")
SETTINGS = Path(__file__).with_name("typos.yml")
_SIZES = range(6, 1, -1)
_HAN = re.compile(r"[\u4e00-\u9fff]+")


@cache
def settings() -> dict[str, Any]:
    """The content of ``typos.yml``."""
    found: dict[str, Any] = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    return found


@cache
def _place() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, settings()["places"])))


@dataclass(frozen=True)
class _Window:
    """A stretch of the question that may be a misspelt word."""

    start: int
    text: str
    syllables: tuple[str, ...]
    changeable: frozenset[int]  # places (from the window's start) at which an error may be
    strange: tuple[int, ...]  # for each place, in how many cases the rarer of its two pairs stands


def correct(text: str, vocabulary: Vocabulary, protected: Sequence[str] = ()) -> tuple[str, tuple[Correction, ...]]:
    """*text* with its typing errors put right, and the corrections in the order of the text.

    Nothing within a *protected* phrase is touched.
    """
    folded = words.fold(text[: settings()["looked_at"]])
    windows = list(_windows(folded, vocabulary, protected))[-settings()["windows"] :]
    meant = _best(windows, vocabulary)
    found: list[tuple[int, Correction]] = []
    taken: set[int] = set()
    for window in windows:
        places = set(range(window.start, window.start + len(window.text)))
        if window in meant and not places & taken and len(found) < settings()["most"]:
            taken |= places
            found.append((window.start, Correction(window.text, meant[window])))
    found.sort(key=lambda one: one[0])
    for start, one in reversed(found):
        text = text[:start] + one.meant + text[start + len(one.typed) :]
    return text, tuple(one for _, one in found)


def _windows(folded: str, vocabulary: Vocabulary, protected: Sequence[str]) -> Iterator[_Window]:
    """The suspicious windows of *folded*, longest first."""
    runs = [(run.start(), run.group(), syllables(run.group())) for run in _HAN.finditer(folded)]
    tokens = [word for word in words.words(folded) if len(word.text) > 1 and words.known(word.text)]
    pairs = {run[at : at + 2] for _, run, _ in runs for at in range(len(run) - 1)}
    counts = vocabulary.counts([*pairs, *{word.text for word in tokens}])
    # What has three characters or more and is in the dictionary is hardly an error, even if no case uses it: 台胞证.
    sure = [word for word in tokens if counts.get(word.text) or len(word.text) > 2]
    fixed = _fixed(folded, sure, protected)
    rare = settings()["rare"]
    for size in _SIZES:
        for start, run, spoken in runs:
            for at in range(len(run) - size + 1):
                typed, first, last = run[at : at + size], start + at, start + at + size
                edges = fixed.get(first), fixed.get(last - 1)
                # Neither edge may cut a known word apart.
                cut = (edges[0] and edges[0].start < first) or (edges[1] and edges[1].end > last)
                if cut or words.known(typed) or _place().match(folded, last):
                    continue
                strange = _strange(typed, counts)
                changeable = frozenset(i for i in range(size) if first + i not in fixed and strange[i] <= rare)
                if changeable:
                    yield _Window(first, typed, spoken[at : at + size], changeable, strange)


def _strange(typed: str, counts: Mapping[str, int]) -> tuple[int, ...]:
    rare = [counts.get(typed[at : at + 2], 0) for at in range(len(typed) - 1)]
    return tuple(min(rare[max(at - 1, 0) : at + 1]) for at in range(len(typed)))


def _fixed(folded: str, used: Iterable[Word], protected: Sequence[str]) -> dict[int, Word]:
    """Place → the longest known word or protected phrase over it."""
    spans = [*used, *words.document_numbers(folded)]
    for phrase in map(words.fold, protected):
        spans += [Word(phrase, at.start(), at.end()) for at in re.finditer(re.escape(phrase), folded)]
    fixed: dict[int, Word] = {}
    for span in sorted(spans, key=lambda word: word.end - word.start):
        fixed.update(dict.fromkeys(range(span.start, span.end), span))
    return fixed


def _best(windows: Sequence[_Window], vocabulary: Vocabulary) -> dict[_Window, str]:
    """For each window that is a misspelling, the word that was meant."""
    shapes = {window: list(_shapes(window)) for window in windows}
    chars = {char for window in windows if len(window.text) == 2 for char in window.text}
    counts = vocabulary.counts(["的", *chars, *{word for found in shapes.values() for word in found}])
    meant: dict[_Window, str] = {}
    for window in windows:
        same = vocabulary.homophones("".join(window.syllables))
        good = [(count, word) for word, count in same if _stands(window, word, count, counts)]
        if not good:
            similar = [(word, counts.get(word, 0)) for word in shapes[window]]
            for sound in _similar_sounds(window) if len(windows) <= settings()["few"] else ():
                similar += vocabulary.homophones(sound)
            good = [(count, word) for word, count in similar if _stands(window, word, count, counts, similar=True)]
        if good:
            meant[window] = max(good)[1]
    return meant


def _stands(window: _Window, word: str, count: int, counts: Mapping[str, int], similar: bool = False) -> bool:
    """Whether *word*, found in *count* cases, may be what was meant by *window*."""
    least = settings()["least"]
    if len(word) != len(window.text) or count < least["similar" if similar else "same"] or not words.known(word):
        return False
    changed = {place for place, char in enumerate(word) if char != window.text[place]}
    if not changed <= window.changeable or not 0 < len(changed) <= (len(word) + 1) // 2:
        return False
    if len(word) == 2:
        return _pair_stands(window, changed, count, counts, similar)
    return all(window.strange[place] * settings()["times"]["word"] <= count for place in changed)


def _pair_stands(window: _Window, changed: set[int], count: int, counts: Mapping[str, int], similar: bool) -> bool:
    """:func:`_stands` for two characters, which often are no word but two words side by side: 有事, 证在."""
    given = settings()
    looked_at = range(2) if similar else changed
    if any(window.text[place] in words.stopwords() for place in looked_at) or _place().search(window.text):
        return False
    cases = counts.get("的", 0)  # it stands in nearly every case
    alone = [counts.get(char, 0) for char in window.text]
    chance = (alone[0] + 1) * (alone[1] + 1) / (cases + 1)
    return (
        count * given["share"] >= cases
        and count >= chance * given["lift"]["similar" if similar else "same"]
        and (not similar or count >= given["least"]["similar_pair"])
        and all(max(alone[place], window.strange[place] * given["times"]["pair"]) <= count for place in changed)
    )


def _similar_sounds(window: _Window) -> Iterator[str]:
    """Sounds of *window* with one syllable said as in another region."""
    for place in window.changeable:
        for other in _neighbours(window.syllables[place]):
            yield "".join((*window.syllables[:place], other, *window.syllables[place + 1 :]))


@cache
def _neighbours(syllable: str) -> tuple[str, ...]:
    """Syllables that are mixed up with *syllable*."""
    found = []
    for one, other in settings()["initials"]:
        for here, there in ((one, other), (other, one)):
            if syllable.startswith(here) and not syllable.startswith(here + "h"):
                found.append(there + syllable[len(here) :])
    for one, other in settings()["finals"]:
        for here, there in ((one, other), (other, one)):
            if syllable.endswith(here):
                found.append(syllable[: -len(here)] + there)
    return tuple(found)


def _shapes(window: _Window) -> Iterator[str]:
    """Words of the dictionary that are *window* with one character replaced by one that looks alike."""
    for place in window.changeable:
        for other in _lookalikes().get(window.text[place], ""):
            word = window.text[:place] + other + window.text[place + 1 :]
            if words.known(word):
                yield word


@cache
def _lookalikes() -> dict[str, str]:
    """Character → the characters that it is mistaken for."""
    alike: dict[str, set[str]] = {}
    for line in LOOKALIKES.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            for char in line:
                alike.setdefault(char, set()).update(set(line) - {char})
    return {char: "".join(sorted(others)) for char, others in alike.items()}
