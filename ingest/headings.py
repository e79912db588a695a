"""Column names: what is known of them (`columns.yml`), and which fields a name may mean."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from .records import PERSONAL_FIELDS

EXACT, SURE, LIKELY, MAYBE = 1.0, 0.85, 0.6, 0.42
_PERSONAL_FIRST = 0.03  # in doubt a column is personal
_LONGEST = 60  # characters of a column name as written
#: Fields that hold telling text, in sentences.
TEXTS = frozenset({"demand", "obstacle", "measure", "result", "followup", "solidified", "remarks"})

_NOTE = re.compile(r"[(（\[【〔<《][^)）\]】〕>》]*[)）\]】〕>》]")
_NUMBERING = re.compile(
    r"^([*※★☆#●•]+|\d{1,2}[.、．)）]|[(（]\d{1,2}[)）]|[一二三四五六七八九十]{1,3}[、.．]|[①-⑳])+(?=.)"
)
_QUOTES = re.compile(r"[“”\"'‘’「」『』:：*?？!！.。,，、\s_\-—–]+")
DATE = re.compile(
    r"(民国\d{1,3}年|民國\d{1,3}年|(19|20)?\d{2}\s*[-./年]\s*)?\d{1,2}\s*[-./月]\s*\d{1,2}\s*(日|号)?"
    r"([ T]*\d{1,2}[:：时]\d{1,2}([:：分]\d{1,2}秒?)?(\.\d+)?(Z|[+-]\d\d:?\d\d)?)?"
    r"|(19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])(\d{6})?"
)
SERIAL_DATE = re.compile(r"[34]\d{4}(\.\d+)?")
NUMBER = re.compile(r"[-+]?\d+([.,]\d+)*%?")
SENTENCE = re.compile(r"[，,。；;！？?]")


@dataclass(frozen=True)
class Heading:
    """A column's own heading and the one above it."""

    name: str
    parent: str = ""


@dataclass(frozen=True)
class Field:
    """What is known of one field: whole names, scored patterns, what its cells look like."""

    names: frozenset[str]
    patterns: tuple[tuple[float, re.Pattern[str]], ...]
    #: What a whole cell of such a column looks like; `values_only`: that alone tells the field.
    values: re.Pattern[str] | None
    values_only: bool


@dataclass(frozen=True)
class Vocabulary:
    """`columns.yml`, with names normalised and patterns compiled."""

    fields: dict[str, Field]
    not_told: re.Pattern[str]
    #: What a heading that asks yes or no may mean.
    asked: frozenset[str]
    about: frozenset[str]
    generic: frozenset[str]
    #: Every known name of any field.
    names: frozenset[str]
    #: What a department and a service item look like, and the words of demands, obstacles and measures.
    department: re.Pattern[str]
    matter: re.Pattern[str]
    place: re.Pattern[str]
    cues: dict[str, re.Pattern[str]]


@cache
def vocabulary() -> Vocabulary:
    """The vocabulary of headings, read once."""
    raw: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("columns.yml").read_text("utf-8"))
    words = raw["words"]

    def compiled(pattern: str) -> re.Pattern[str]:
        for word, meaning in words.items():
            pattern = pattern.replace("{" + word + "}", meaning)
        return re.compile(pattern)

    fields = {}
    for name, entry in raw["fields"].items():
        patterns = [
            (score, compiled(pattern))
            for kind, score in (("sure", SURE), ("likely", LIKELY), ("maybe", MAYBE))
            for pattern in entry.get(kind, [])
        ]
        values = "|".join(f"(?:{value})" for value in entry.get("values", []))
        fields[name] = Field(
            frozenset(normalise(str(known)) for known in entry["names"]),
            tuple(patterns),
            re.compile(values, re.IGNORECASE) if values else None,
            bool(entry.get("values_only")),
        )
    return Vocabulary(
        fields,
        re.compile(raw["not_told"]),
        frozenset(raw["asked"]),
        frozenset(map(normalise, raw["about"])),
        frozenset(map(normalise, raw["generic"])),
        frozenset().union(*(field.names for field in fields.values())),
        re.compile(raw["cells"]["department"]),
        re.compile(raw["cells"]["matter"]),
        re.compile(raw["cells"]["place"]),
        {name: re.compile(cue) for name, cue in raw["cells"]["cues"].items()},
    )


@lru_cache(maxsize=4096)
def normalise(name: str) -> str:
    """A heading without blanks, bracketed notes, numbering and quotes; lower case, camelCase taken apart.

    A heading that is all in brackets, or nothing but marks, keeps what it has.
    """
    text = unicodedata.normalize("NFKC", name).strip()
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    bare = _NUMBERING.sub("", _NOTE.sub("", _NOTE.sub("", text))) or text.strip("()（）[]【】〔〕<>《》")
    ascii_only = bare.isascii()
    short = _QUOTES.sub("_" if ascii_only else "", bare).strip("_")
    return (short or bare).lower()


def is_known(name: str) -> bool:
    """Whether a text is a known column name (the whole of it), or surely reads like one."""
    return 0 < len(name) <= _LONGEST and _is_known(name)


@lru_cache(maxsize=4096)
def _is_known(name: str) -> bool:
    text = normalise(name)
    if not text or len(text) > 24:
        return False
    if text in vocabulary().generic or text in vocabulary().names:
        return True
    if len(text) > 12 or SENTENCE.search(name):
        return False
    return max(by_name(text).values(), default=0.0) >= SURE and not is_value(name)


def is_name(name: str) -> bool:
    """Whether a text is, as a whole, a known column name."""
    return 0 < len(name) <= _LONGEST and normalise(name) in vocabulary().names


def is_answer(name: str, text: str) -> bool:
    """Whether a text is one of the values that stand under a known column name (反映方式: 电话)."""
    known = normalise(name)
    return any(
        known in field.names and field.values is not None and field.values.fullmatch(text) is not None
        for field in vocabulary().fields.values()
    )


def is_value(text: str) -> bool:
    """Whether a text is a date, a number or the like: something that stands under a heading, never in it."""
    return bool(DATE.fullmatch(text) or NUMBER.fullmatch(text))


def by_name(text: str) -> dict[str, float]:
    """The fields that a normalised heading may mean, each with a score (0 to 1)."""
    found: dict[str, float] = {}
    not_told = vocabulary().not_told.search(text)
    for name, field in vocabulary().fields.items():
        if text in field.names:
            found[name] = EXACT
            continue
        if not_told and name in TEXTS or text.startswith("是否") and name not in vocabulary().asked:
            continue
        score = max((score for score, pattern in field.patterns if pattern.search(text)), default=0.0)
        if score:
            found[name] = score + (_PERSONAL_FIRST if name in PERSONAL_FIELDS else 0)
    return found
