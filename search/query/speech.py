"""Everyday speech put into plain words: dialect, fillers, greetings, question tails, long stories.

The word lists and cues lie in ``speech.yml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from .. import words

FILE = Path(__file__).with_name("speech.yml")
LONG = 40  # characters from which a text is a story, of which asides are dropped
VERY_LONG = 200  # characters from which only the first clause, those with a cue and their neighbours are kept
_LEAST, _LEAST_VERY_LONG = 8, 100  # characters that must be left of a story; else more of it is kept

_CLAUSE = re.compile(r"[^，。！？；：,!?;…~～\s]+")
_GAP = r"[，。！？；：、,!?;…~～\s]"
# What dropped words leave behind: marks at the beginning, one after another, before the end.
_LOOSE = re.compile(rf"^{_GAP}+|(?<=[，。！？；：、,!?;…~～]){_GAP}+|\s+(?={_GAP}|$)|[，、,;；~～…\s]+$")


@dataclass(frozen=True)
class _Lists:
    """``speech.yml``, ready for use."""

    dialect: dict[str, str]
    forms: re.Pattern[str]
    fillers: re.Pattern[str]
    greetings: re.Pattern[str]
    addressed: re.Pattern[str]
    tails: re.Pattern[str]
    cues: re.Pattern[str]
    asides: re.Pattern[str]


def plain(text: str, protected: Sequence[str] = ()) -> str:
    """*text* in plain words; as it is where there is nothing to do or nothing would be left.

    Nothing within a *protected* phrase is touched, and clauses with one are kept.
    """
    lists = _lists()
    said = _without(text, lists.greetings, protected)
    said = _without(said, lists.addressed, protected)
    said = _replaced(said, protected)
    said = _without(said, lists.fillers, protected)
    said = _without(said, lists.tails, protected)
    said = _shortened(said, protected)
    if said == text:
        return text
    said = _LOOSE.sub("", said)
    return said if words.content_words(said) else text


def _replaced(text: str, protected: Sequence[str]) -> str:
    """*text* with dialect forms in standard words."""
    lists = _lists()
    for start, end in reversed(list(_matches(lists.forms, text, protected))):
        text = text[:start] + lists.dialect[words.fold(text[start:end])] + text[end:]
    return text


def _without(text: str, pattern: re.Pattern[str], protected: Sequence[str]) -> str:
    """*text* with a blank for each match of *pattern*."""
    for start, end in reversed(list(_matches(pattern, text, protected))):
        text = f"{text[:start]} {text[end:]}"
    return text


def _matches(pattern: re.Pattern[str], text: str, protected: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where *pattern* stands in *text* between known words and outside of protected phrases."""
    folded = words.fold(text)
    found = [one.span() for one in pattern.finditer(folded)]
    if not found:
        return
    known = [word for word in words.words(folded) if len(word.text) > 1 and words.known(word.text)]
    # Where a match would cut a known word apart (娃 in 娃哈哈).
    within = {at for word in known for at in range(word.start + 1, word.end)}
    whole = [one.span() for phrase in protected for one in re.finditer(re.escape(words.fold(phrase)), folded)]
    for start, end in found:
        if not {start, end} & within and not any(first < end and start < last for first, last in whole):
            yield start, end


def _shortened(text: str, protected: Sequence[str]) -> str:
    """The clauses of a long *text* that say what is wanted and what stands in the way; when unsure, all."""
    if len(text) < LONG:
        return text
    lists = _lists()
    clauses = _CLAUSE.findall(text)
    cues, asides = set(), set()
    for at, clause in enumerate(clauses):
        folded = words.fold(clause)
        if lists.cues.search(lists.asides.sub("", folded)) or any(phrase in clause for phrase in protected):
            cues.add(at)
        elif lists.asides.search(folded):
            asides.add(at)
    kept = [at for at in range(len(clauses)) if at not in asides]
    core = [at for at in kept if cues & {at - 1, at, at + 1} or at == kept[0]]
    if len(text) >= VERY_LONG and sum(len(clauses[at]) for at in core) >= _LEAST_VERY_LONG:
        kept = core
    left = "，".join(clauses[at] for at in kept)
    return left if cues and len(left) >= _LEAST and len(kept) < len(clauses) else text


@cache
def _lists() -> _Lists:
    data = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    dialect = {words.fold(form): standard for standard, forms in data["dialect"].items() for form in forms}
    greetings, thanks, calls, addressed = (_any(data[name]) for name in ("greetings", "thanks", "calls", "addressed"))
    begin, end = rf"(?:^|(?<={_GAP}))", rf"(?={_GAP}|$)"
    particles = data["particles"]
    tails = _any(tail for line in data["tails"] for tail in line)
    return _Lists(
        dialect,
        re.compile(_any(dialect)),
        re.compile(_any(filler for line in data["fillers"] for filler in line)),
        re.compile(
            rf"{begin}(?:{addressed})?(?:{greetings})(?:(?:{addressed}){end})?"
            rf"|(?:{greetings}|{thanks})(?:{addressed})?{end}|{begin}(?:{calls}){end}"
        ),
        re.compile(rf"{begin}(?:{addressed}){end}"),
        re.compile(rf"(?:该?(?:{tails})[{particles}]*|[{particles}]+){end}"),
        re.compile("|".join(data["cues"])),
        re.compile("|".join(data["asides"])),
    )


def _any(forms: Iterator[str] | Sequence[str] | dict[str, str]) -> str:
    """A pattern for any of *forms*, longest first."""
    return "|".join(re.escape(form) for form in sorted(map(words.fold, forms), key=len, reverse=True))
