"""The data files of this room, read once: surnames, given-name characters, cue words, and background
word frequencies.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jieba
import yaml

HERE = Path(__file__).parent
MAX_WORD = 4
_RARE = 20  # dictionary names seen less often than this are treated as names, not as background words


@dataclass(frozen=True)
class Surnames:
    """Surname → class value (about -ln of its share); the length of the longest one; what surnames, and what
    compound ones, begin with.
    """

    cost: dict[str, float]
    longest: int
    first: frozenset[str]
    openers: frozenset[str]


@cache
def words(section: str) -> tuple[str, ...]:
    """The word list of one section of words.yml, longest first (so that regular expressions prefer
    long words).
    """
    content = _words_file()[section]
    return tuple(sorted(set(content), key=lambda word: (-len(word), word)))


@cache
def word_set(section: str) -> frozenset[str]:
    """The same list, for membership tests."""
    return frozenset(words(section))


@cache
def any_of(section: str) -> str:
    """The same list as alternatives of a regular expression."""
    return "|".join(map(re.escape, words(section)))


@cache
def _words_file() -> dict[str, list[str] | str]:
    return yaml.safe_load((HERE / "words.yml").read_text(encoding="utf-8"))


@cache
def surnames() -> Surnames:
    """Single and compound surnames of surnames.txt; the first class a surname is listed in counts."""
    cost: dict[str, float] = {}
    for line in _lines("surnames.txt"):
        compound = line.startswith("compound ")
        value, _, rest = line.removeprefix("compound ").partition(" ")
        for surname in rest.split() if compound else rest:
            cost.setdefault(surname, float(value))
    first = frozenset(surname[0] for surname in cost)
    openers = frozenset(surname[0] for surname in cost if len(surname) > 1)
    return Surnames(cost, max(map(len, cost)), first, openers)


@cache
def given_chars() -> dict[str, float]:
    """Character → -ln of its share among all characters of given names."""
    costs: dict[str, float] = {}
    for line in _lines("given_chars.txt"):
        value, _, chars = line.partition(" ")
        costs.update((char, float(value)) for char in chars)
    return costs


@cache
def background() -> dict[str, float]:
    """Ordinary word → -ln of its frequency, from jieba's dictionary without personal names, plus
    `not_names`.
    """
    counts: dict[str, int] = {}
    with jieba.get_dict_file() as lines:
        for raw in lines:
            word, count, tag = raw.decode("utf-8").split()
            if len(word) > MAX_WORD or (tag.startswith("nr") and (len(word) > 2 or int(count) < _RARE)):
                continue
            counts[word] = int(count)
    total = sum(counts.values())
    for word in words("not_names"):
        counts[word] = max(counts.get(word, 0), 2000)
    return {word: math.log(total / max(count, 1)) for word, count in counts.items()}


@cache
def openings() -> frozenset[str]:
    """What longer words of the background begin with (two characters and more)."""
    return frozenset(word[:end] for word in background() for end in range(2, len(word)))


@cache
def acts() -> frozenset[str]:
    """Dictionary words of two characters that are verbs, adverbs or particles: they may follow a label
    without being a name (申请人同意, 当事人明确).
    """
    with jieba.get_dict_file() as lines:
        entries = (raw.decode("utf-8").split() for raw in lines)
        return frozenset(word for word, _, tag in entries if len(word) == 2 and tag[0] in "vdcpmrtfaibl")


@cache
def unknown_cost() -> float:
    """Background cost of a character that the dictionary lacks."""
    return max(background().values()) + 1


def _lines(name: str) -> list[str]:
    text = (HERE / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
