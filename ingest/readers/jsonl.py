"""Exports of systems: one JSON object a line (.jsonl), or one array of objects (.json)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest.records import Problem, Reading
from ingest.registers import assemble
from ingest.sheets import Row, Sheet

from .cells import shorten, text_of
from .encoding import decode
from .limits import MB, Unreadable, limits

_DEEPEST = 3


def read(path: Path, name: str) -> Reading:
    """Read the objects as rows: keys are column names, the row is the line (in an array: its place)."""
    text, problems = decode(path.read_bytes())
    sheet = Sheet("", [], problems=[Problem(problem.message, row=problem.row) for problem in problems])
    whole = _whole(text)
    objects = enumerate(whole, 1) if whole is not None else _lines(text, sheet)
    found: list[tuple[int, dict[str, str]]] = []
    for number, value in objects:
        if isinstance(value, dict):
            found.append((number, {key: shorten(said) for key, said in _flat(value)}))
        else:
            sheet.problems.append(Problem("这一行不是 JSON 对象（{…}），已跳过", row=str(number)))
    if not found:
        raise Unreadable("文件里没有一行能按 JSON 读懂，请回到原系统重新导出")
    keys = list(dict.fromkeys(key for _, said in found for key in said))
    sheet.keys = keys
    sheet.rows = [Row(number, [said.get(key, "") for key in keys]) for number, said in found]
    return assemble([sheet], name, "jsonl")


def _whole(text: str) -> list[Any] | None:
    """The objects of a file that is one JSON document; None if it is one object a line."""
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if start not in ("[", "{"):
        return None
    try:
        document = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None
    if isinstance(document, list):
        return document
    return max(_lists(document), key=len, default=[document])


def _lists(value: dict[str, Any], depth: int = 0) -> Iterator[list[Any]]:
    """The lists of objects in what a service answers: {"data": {"list": […]}}."""
    for inner in value.values():
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            yield inner
        elif isinstance(inner, dict) and depth < _DEEPEST:
            yield from _lists(inner, depth + 1)


def _lines(text: str, sheet: Sheet) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.lstrip("\ufeff").split("\n"), 1):
        line = line.strip()
        if not line:
            continue
        if len(line) > limits().max_line_mb * MB:
            sheet.problems.append(Problem("这一行过长，没有读入", row=str(number)))
            continue
        try:
            yield number, json.loads(line.replace("\x00", ""))
        except (ValueError, RecursionError):
            sheet.problems.append(Problem("这一行不是完整的 JSON，已跳过；请核对原件", row=str(number)))


def _flat(value: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    for key, inner in value.items():
        if isinstance(inner, dict) and depth < _DEEPEST:
            yield from _flat(inner, f"{prefix}{key}.", depth + 1)
        elif text := text_of(inner):
            yield prefix + str(key), text
        else:
            yield prefix + str(key), ""
