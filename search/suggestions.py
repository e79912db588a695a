"""Suggestions for a search box while someone types: matters, playbooks, frequent questions, titles of the library.

What was typed is looked for in the text itself, then, where it is Latin letters, in the initials (sb → 社保) and in
the full pinyin (shebao, also half-typed sheb).  All of a kind lies in three long strings, a suggestion a line, most
frequent first: looking through 100,000 of them with `str.find` takes milliseconds and needs no other index.
"""

from __future__ import annotations

import datetime
import json
import logging
import re
import threading
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from kb.config import Settings
from kb.store import Store

from . import unmet
from .words import fold

log = logging.getLogger(__name__)

LONGEST = 40  # characters of a suggestion
MOST = 50
LONG = 0.2  # seconds that nobody should wait for suggestions
REST = 20  # times as long as reading took the next one is put off
KINDS = ("事项", "一类事", "常问", "标题")
_LONGEST_SYLLABLE = 6  # zhuang
_MOST_READINGS = 8  # xian: xi'an or xian
_NOT_LETTERS = re.compile(r"[\s'’]+")
_LETTERS = re.compile(r"[a-z]+")


class _Lines:
    """Many short texts in one string, to be searched by plain containment."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._text = "\n"
        self._starts = [1]
        pieces = []
        for line in lines:
            pieces.append(line)
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._text += "\n".join([*pieces, ""])

    def beginning_with(self, wanted: str) -> Iterator[int]:
        """Numbers of the lines that begin with *wanted*."""
        return self._having("\n" + wanted, 1)

    def holding(self, wanted: str) -> Iterator[int]:
        """Numbers of the lines that hold *wanted* anywhere."""
        return self._having(wanted, 0)

    def _having(self, wanted: str, lead: int) -> Iterator[int]:
        at = self._text.find(wanted)
        while at >= 0:
            line = bisect_right(self._starts, at + lead) - 1
            yield line
            at = self._text.find(wanted, self._starts[line + 1] - lead)


@dataclass
class _Kind:
    """The suggestions of one kind, most frequent first."""

    name: str
    found: list[tuple[str, int]]  # text, count
    texts: _Lines = field(init=False)
    initials: _Lines = field(init=False)
    sounds: _Lines = field(init=False)  # SheBaoKa: a capital where a syllable begins

    def __post_init__(self) -> None:
        self.found.sort(key=lambda one: (-one[1], len(one[0]), one[0]))
        read = [_syllables(text) for text, _ in self.found]
        self.texts = _Lines(fold(text) for text, _ in self.found)
        self.initials = _Lines("".join(syllable[0] for syllable in line) for line in read)
        self.sounds = _Lines("".join(map(str.capitalize, line)) for line in read)

    def matches(self, typed: str, letters: str, spellings: list[str]) -> Iterator[int]:
        """Numbers of suggestions that match, best place of the match first; some come more than once."""
        yield from self.texts.beginning_with(typed)
        yield from self.texts.holding(typed)
        if letters:
            yield from self.initials.beginning_with(letters)
            for spelling in spellings:
                yield from self.sounds.beginning_with(spelling)
        if len(letters) > 1:
            yield from self.initials.holding(letters)
            for spelling in spellings:
                yield from self.sounds.holding(spelling)


_Stamp = tuple[dict[str, int], datetime.date]  # of the library; questions asked often are looked up once a day


@dataclass
class _Index:
    """What a library offers, and how long reading it took."""

    stamp: _Stamp
    kinds: list[_Kind]
    took: float
    read: float  # on the clock of `time.monotonic`


_indexes: dict[Path, _Index] = {}  # by data folder
_lock = threading.Lock()
_rereading = threading.Lock()


def suggest(store: Store, typed: str, k: int = 8) -> list[dict[str, Any]]:
    """At most *k* suggestions {"text", "kind", "count"} for what was *typed* so far; none for nothing.

    ``kind`` is one of :data:`KINDS` and comes first in the order, then where it matches, then ``count``: how many
    published cases are behind it, or how often a frequent question was asked.  Never fails, whatever was typed.
    """
    wanted = " ".join(fold(typed[:LONGEST]).split())
    if not wanted:
        return []
    letters = _NOT_LETTERS.sub("", wanted)
    letters = letters if _LETTERS.fullmatch(letters) else ""
    spellings = _spellings(letters)
    k = max(0, min(k, MOST))
    answer: dict[str, dict[str, Any]] = {}
    for kind in _kinds(store):
        for number in kind.matches(wanted, letters, spellings):
            if len(answer) >= k:
                return list(answer.values())
            text, count = kind.found[number]
            answer.setdefault(text, {"text": text, "kind": kind.name, "count": count})
    return list(answer.values())


def _kinds(store: Store) -> list[_Kind]:
    """What the library of *store* offers, read again only when the library has changed or a day has passed.

    Where that takes long it is done aside, while what was read before goes on to serve, and takes up no more than a
    small part (`REST`) of the time.
    """
    stamp = _stamp(store)
    with _lock:
        known = _indexes.get(store.settings.data_dir)
        if known is None or (known.stamp != stamp and (known.took < LONG or _taken_back(store, known.stamp[0]))):
            known = _indexes[store.settings.data_dir] = _timed(store, stamp)
    rested = time.monotonic() - known.read > REST * known.took
    if known.stamp != stamp and rested and _rereading.acquire(blocking=False):
        threading.Thread(target=_reread, args=(store.settings,), name="suggestions", daemon=True).start()
    return known.kinds


def _reread(settings: Settings) -> None:
    """Reads what a library offers, in a thread of its own."""
    try:
        with Store(settings) as store:
            _indexes[settings.data_dir] = _timed(store, _stamp(store))
    except Exception as error:  # what was read before goes on to serve, and whoever types next tries again
        log.error("输入提示未能更新：%s", type(error).__name__)
    finally:
        _rereading.release()


def _stamp(store: Store) -> _Stamp:
    return store.stamp(), datetime.date.today()


def _taken_back(store: Store, before: dict[str, int]) -> bool:
    """Whether anything that stood in the library then was withdrawn or corrected: nobody may be offered it again."""
    ids = store.changed_since(before)
    if ids is None:
        return True
    query = (
        "select 1 from cases where id in (select value from json_each(?)) "
        "and (state != 'published' or created != updated) limit 1"
    )
    return any(store.library.query(query, [json.dumps(list(ids))]))


def _timed(store: Store, stamp: _Stamp) -> _Index:
    began = time.monotonic()
    kinds = _read(store)
    return _Index(stamp, kinds, time.monotonic() - began, time.monotonic())


def _read(store: Store) -> list[_Kind]:
    matters = _counted(store, "coalesce(nullif(matter_standard, ''), matter)")
    titles = _counted(store, "title")
    # What several offices wrote over their cases in the same words is asked again and again, too.
    often = {text: count for text, count in titles.items() if count > 1} | _shown(unmet.frequent(store))
    groups = [matters, _playbooks(store), often, titles]
    seen: set[str] = set()
    kinds = []
    for name, group in zip(KINDS, groups, strict=True):
        kinds.append(_Kind(name, [(text, count) for text, count in group.items() if text not in seen]))
        seen |= group.keys()
    return kinds


def _counted(store: Store, column: str) -> dict[str, int]:
    """Texts of a *column* of the published cases with how many have it."""
    rows = store.library.query(
        f"select {column} as text, count(*) as count from cases where state = 'published' group by 1"
    )
    return _shown((row["text"] or "", row["count"]) for row in rows)


def _playbooks(store: Store) -> dict[str, int]:
    """Titles of the playbooks of a library that keeps any, with their numbers of cases."""
    if not {"id", "title"} <= store.library.table("playbooks").columns_dict.keys():
        return {}
    rows = store.library.query(
        "select playbooks.title as text, count(cases.id) as count from playbooks "
        "join cases on cases.playbook = playbooks.id and cases.state = 'published' group by playbooks.id"
    )
    return _shown((row["text"] or "", row["count"]) for row in rows)


def _shown(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Texts as they are suggested: on one line, of bearable length, without those that de-identification broke."""
    counts: dict[str, int] = {}
    for text, count in rows:
        text = " ".join(text.split())[:LONGEST].strip()
        if text and "〔" not in text:
            counts[text] = counts.get(text, 0) + count
    return counts


# Pinyin


def _syllables(text: str) -> list[str]:
    """Toneless pinyin of *text*; whatever is not Chinese stands as a dash, which nobody's letters match.

    Characters get their usual reading, or the one they have in a word of two (银行: yinhang).  pypinyin's own
    segmentation of every title would take minutes in a large library.
    """
    text = fold(text)
    pairs = _pairs()
    read: list[str] = []
    at = 0
    while at < len(text):
        pair = pairs.get(text[at : at + 2])
        read += pair or _sound(text[at])
        at += 2 if pair else 1
    return read


@cache
def _sound(char: str) -> tuple[str, ...]:
    from pypinyin import lazy_pinyin

    return tuple(lazy_pinyin(char, errors=lambda signs: "-"))


@cache
def _pairs() -> dict[str, tuple[str, ...]]:
    """Words of two characters of which one is not read as it is by itself."""
    from pypinyin import lazy_pinyin
    from pypinyin.constants import PHRASES_DICT

    read = {pair: tuple(lazy_pinyin(pair)) for pair in PHRASES_DICT if len(pair) == 2}
    return {pair: sounds for pair, sounds in read.items() if sounds != _sound(pair[0]) + _sound(pair[1])}


@cache
def _known_syllables() -> tuple[frozenset[str], frozenset[str]]:
    """All syllables of pinyin, and all their beginnings."""
    from pypinyin.constants import PINYIN_DICT
    from pypinyin.contrib.tone_convert import to_normal

    readings = {reading for several in PINYIN_DICT.values() for reading in several.split(",")}
    syllables = {to_normal(reading) for reading in readings}
    syllables = {syllable for syllable in syllables if _LETTERS.fullmatch(syllable)}
    beginnings = {syllable[:size] for syllable in syllables for size in range(1, len(syllable) + 1)}
    return frozenset(syllables), frozenset(beginnings)


def _spellings(letters: str) -> list[str]:
    """*letters* cut into syllables of which the last may be half-typed, each with a capital: sheb → SheB."""
    if not letters:
        return []
    syllables, beginnings = _known_syllables()
    ways: list[list[str]] = [[] for _ in letters]
    for at in range(len(letters) - 1, -1, -1):
        rest = letters[at:]
        if rest in beginnings:
            ways[at].append(rest.capitalize())
        for size in range(min(_LONGEST_SYLLABLE, len(rest) - 1), 0, -1):
            if rest[:size] in syllables:
                ways[at] += [rest[:size].capitalize() + way for way in ways[at + size]]
        del ways[at][_MOST_READINGS:]
    return ways[0]
