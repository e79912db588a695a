"""Remarks that hold several fields at once, taken apart by their labels (`remarks.yml`)."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_ENDS = " \t\n；;，,、|｜/"


@cache
def _rules() -> tuple[dict[str, str], re.Pattern[str], dict[str, re.Pattern[str]]]:
    raw: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text("utf-8"))
    fields = {label: field for field, labels in raw["labels"].items() for label in labels}
    either = "|".join(sorted(map(re.escape, fields), key=len, reverse=True))
    start = r"(?:^|(?<=[；;。\n|｜/，,\s]))(?:[(（]?\d{1,2}[.、)）]\s*|[①-⑨]\s*|[一二三四五六七]、\s*)?"
    label = re.compile(rf"{start}(?:[【\[]({either})[】\]]\s*[:：]?|({either})\s*[:：])\s*")
    begins = {field: re.compile("|".join(patterns)) for field, patterns in raw["begins"].items()}
    return fields, label, begins


def split(text: str) -> tuple[dict[str, str], str]:
    """The labelled parts of a remark by field, and what is left of it.

    A remark without any label that begins like one field (“4月2日回访，…”) is that field as a whole.
    """
    fields, label, begins = _rules()
    marks = list(label.finditer(text))
    if not marks:
        for field, pattern in begins.items():
            if pattern.match(text):
                return {field: text}, ""
        return {}, text
    parts: dict[str, str] = {}
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        said = text[mark.end() : after.start() if after else len(text)].strip(_ENDS)
        field = fields[mark[1] or mark[2]]
        if said:
            parts[field] = f"{parts[field]}\n{said}" if field in parts else said
    return parts, text[: marks[0].start()].strip(_ENDS)


def is_labelled(text: str) -> bool:
    """Whether a cell is made of labelled parts: two different fields at least, the first at its beginning."""
    fields, label, _ = _rules()
    marks = list(label.finditer(text))
    return bool(marks) and marks[0].start() == 0 and len({fields[m[1] or m[2]] for m in marks}) >= 2
