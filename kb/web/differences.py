"""What a revision changed, field by field, with the words that went and the words that came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from ..model import Case
from ..vocabulary import labels

#: Longer texts are shown whole, one after the other: to compare them letter by letter takes too long.
_MOST_LETTERS = 6000
#: Shorter agreements between changes are taken for chance: single letters that survive make confetti.
_LEAST_ALIKE = 2
Piece = tuple[str, bool]  # text, and whether it changed


@dataclass(frozen=True)
class Difference:
    label: str
    before: list[Piece]
    after: list[Piece]


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """The fields in which two contents of a case (`Case.to_dict`) differ, in the order of the case."""
    names = labels()
    before, after = Case.from_dict(dict(old)).content(), Case.from_dict(dict(new)).content()
    return [
        Difference(names.get(name, name), *_pieces(_text(before[name], name), _text(after[name], name)))
        for name in before
        if name != "id" and before[name] != after[name]
    ]


def compared(old: Mapping[str, str], new: Mapping[str, str]) -> list[Difference]:
    """The texts, by label, in which two versions of anything differ."""
    return [Difference(label, *_pieces(old.get(label, ""), text)) for label, text in new.items()
            if old.get(label, "") != text]  # fmt: skip


def _text(value: Any, field: str = "") -> str:
    """A value of any shape in words, a line for each entry."""
    if isinstance(value, dict):
        said = ((_part(field, key), _text(each)) for key, each in value.items())
        return "\n".join(f"{name}：{text}" if name else text for name, text in said if text)
    if isinstance(value, list):
        if all(isinstance(each, str) for each in value):
            return "、".join(value)
        return "\n".join(_entry(each) for each in value)
    return "" if value is None else str(value)


def _part(field: str, key: str) -> str:
    """What a part of a field is called; nothing for that which is the field itself, such as the name of a 事项."""
    names = labels()
    return "" if field and key in ("name", "text") else names.get(f"{field}_{key}") or names.get(key, key)


def _entry(value: Any) -> str:
    """A step, a rule, a place of the source: its values in one line."""
    if not isinstance(value, dict):
        return _text(value)
    said = {True: "有效", False: "已废止"}
    parts = (said[each] if isinstance(each, bool) else _text(each) for each in value.values())
    return " ".join(part for part in parts if part)


def _pieces(old: str, new: str) -> tuple[list[Piece], list[Piece]]:
    if not old or not new or len(old) + len(new) > _MOST_LETTERS:
        return [(old, True)], [(new, True)]
    before: list[Piece] = []
    after: list[Piece] = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        short = kind == "equal" and b - a < _LEAST_ALIKE and before and (b < len(old) or d < len(new))
        _add(before, old[a:b], kind != "equal" or bool(short))
        _add(after, new[c:d], kind != "equal" or bool(short))
    return before, after


def _add(pieces: list[Piece], text: str, changed: bool) -> None:
    if not text:
        return
    if pieces and pieces[-1][1] == changed:
        pieces[-1] = (pieces[-1][0] + text, changed)
    else:
        pieces.append((text, changed))
