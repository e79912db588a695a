"""Values of the library's tables as people read them: ids lead to the case, lists read as lists, codes as words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup

from .. import vocabulary
from .words import words

#: Columns that hold the id of a case.
_IDS = {"cases": ("id", "duplicate_of"), "revisions": ("case_id",)}


def word(column: str, value: str) -> str:
    """How a value that stands for a word is shown: 入库 for the state `published`; others stand for themselves."""
    if column == "state":
        return vocabulary.label("states", value)
    lists = {"action": "actions", "source_kind": "source_kinds"}
    return str(words()[lists[column]].get(value, value)) if column in lists else value


def shown(table: str, column: str, value: str, link: Callable[[str], str]) -> str | None:
    """A cell for the table and row pages, None to leave it as it is. `link` gives the address of a case."""
    if value and column in _IDS.get(table, ()):
        return Markup('<a href="{}">{}</a>').format(link(value), value)
    if column == "at":
        return value[:16].replace("T", " ")
    if value[:1] in ("[", "{"):
        return _read(column, value)
    found = word(column, value)
    return None if found == value else found


def _read(column: str, value: str) -> str | None:
    try:
        found = json.loads(value)
    except ValueError:
        return None
    if column == "changed" and isinstance(found, list):
        found = [_name(str(each)) for each in found]
    return _text(found) or " "  # Datasette takes an empty answer for none


def _text(value: Any, name: str = "") -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, dict):
        told = {name: each for name, each in value.items() if each not in ("", None, [], {})}
        return "；".join(f"{_name(name)}：{_text(each, name)}" for name, each in told.items())
    if isinstance(value, list):
        separator = "；" if any(isinstance(each, dict) for each in value) else "、"
        return separator.join(_line(each) if isinstance(each, dict) else _text(each) for each in value)
    return "" if value is None else word("source_kind" if name == "kind" else name, str(value))


def _line(entry: Mapping[str, Any]) -> str:
    """An entry of a list of rules, steps, places or redactions: its values suffice."""
    parts = []
    for name, value in entry.items():
        if name == "valid":
            value = {True: "有效", False: "已废止"}.get(value, "")
        parts.append(_name(value) if name == "field" else _text(value, name))
    return " ".join(part for part in parts if part)


def _name(field: str) -> str:
    known: Mapping[str, str] = {**words()["columns"], **vocabulary.labels()}
    return known.get(field, field)
