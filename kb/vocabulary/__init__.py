"""The closed lists of the library and the Chinese names of its fields, read from the `*.yml` beside this module.

A list file holds a label and values, each with a line of help and the other words that clerks use for it;
`none` names words that are understood and belong to no value (未办成). A new value or synonym goes there
and nowhere else.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

LISTS = (
    "barriers", "natures", "handling", "outcomes", "states", "domains", "applicant_types", "channels",
    "solidified_kinds", "stages", "playbook_states",
)  # fmt: skip
LONGEST_CELL = 24  # characters: in a longer text a synonym is part of a story, not the value of a cell
_SEPARATORS = re.compile(r"[、，,;；/／|+＋\s]+|(?<=\D)\d[.)）]")
_DENIED = re.compile(r"(?:未|没|无法|不能|不予|不可|尚|难以|待|不)[^,.;()]{0,4}$")
_EDGES = " \t\r\n　。.,，;；:：、-—_*·“”\"'()（）[]【】"


@dataclass(frozen=True)
class _List:
    label: str
    values: dict[str, dict[str, Any]]
    words: dict[str, str | None]  # value or synonym → value; None for words that mean no value
    pattern: re.Pattern[str]  # all words of two or more characters, longest first


def values(name: str) -> list[str]:
    """The values of a list (barriers, natures, … as in `LISTS`), in the order to show them."""
    return list(_list(name).values)


def title(name: str) -> str:
    """The Chinese name of a list."""
    return _list(name).label


def label(name: str, value: str) -> str:
    """A value as it is shown: 草稿 for `draft`; most values are Chinese and stand for themselves."""
    return str(_list(name).values.get(value, {}).get("label", value))


def helps(name: str) -> dict[str, str]:
    """One line of explanation for each value of a list."""
    return {value: entry.get("help", "") for value, entry in _list(name).values.items()}


def clean(name: str, text: str | None) -> str | None:
    """The value of list `name` that a cell means; `None` where it means none of them or more than one.

    Tried in turn: the value or a synonym itself; in a short cell, the only value whose words occur in it
    (the longest word counts: 部分办成 is not 办成; one that is denied, 未能按时办结, counts as none); what
    stands outside brackets.
    """
    entries, plain = _list(name), _plain(text)
    if plain in entries.words:
        return entries.words[plain]
    if len(plain) <= LONGEST_CELL:
        found = {
            None if _DENIED.search(plain[: match.start()]) else entries.words[match[0]]
            for match in entries.pattern.finditer(plain)
        }
        if found:
            return found.pop() if len(found) == 1 else None
    return entries.words.get(re.sub(r"\([^()]*\)", "", plain).strip(_EDGES))


def is_none(name: str, text: str | None) -> bool:
    """Whether a cell is a word that is understood and means none of the values (未办成 as an outcome)."""
    words, plain = _list(name).words, _plain(text)
    return plain in words and words[plain] is None


def clean_many(name: str, text: str | None) -> list[str]:
    """The values that a cell names, in its order, each once; parts that are no value are left out."""
    whole = _list(name).words.get(_plain(text))
    if whole:
        return [whole]
    found = [clean(name, part) for part in split(text)]
    return list(dict.fromkeys(value for value in found if value))


def split(text: str | None) -> list[str]:
    """The parts of a cell that lists several things."""
    return [part for part in _SEPARATORS.split(text or "") if part.strip(_EDGES)]


@cache
def labels() -> dict[str, str]:
    """The Chinese name of every case field and of every flattened column."""
    return {name: entry["label"] for name, entry in _read("fields").items()}


@cache
def field_helps() -> dict[str, str]:
    """One line of explanation for every case field."""
    return {name: entry["help"] for name, entry in _read("fields").items()}


def _plain(text: str | None) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text or "")).strip("。.,;:、-—_*·“”\"'[]【】")


@cache
def _list(name: str) -> _List:
    if name not in LISTS:
        raise KeyError(name)
    data = _read(name)
    words: dict[str, str | None] = {_plain(word): None for word in data.get("none", ())}
    for entry in data["values"]:
        words.update({_plain(word): entry["value"] for word in (entry["value"], *entry.get("synonyms", ()))})
    longest_first = sorted((word for word in words if len(word) > 1), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)))
    return _List(data["label"], {entry["value"]: entry for entry in data["values"]}, words, pattern)


def _read(name: str) -> dict[str, Any]:
    text = files(__package__).joinpath(f"{name}.yml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.safe_load(text)
    return data
