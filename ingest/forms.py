"""Forms: one case on one sheet as label and value pairs (登记表: 申请人 | 张三 | 联系电话 | …)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from openpyxl.utils import get_column_letter

from . import columns
from .sheets import Row, Sheet

_PAIRS = 4
_COVERED = 0.2  # of the rows of a sheet: a register whose cells hold a few labelled letters is no sheet of forms
_LABELLED = re.compile(r"(?:^|(?<=[\s；;]))([^\s：:；;，,。]{2,12})\s*[：:]\s*")


@dataclass
class Form:
    """What one form says: its first row (or its column), (label, value) in order, and the lines above it."""

    row: str
    pairs: list[tuple[str, str]] = field(default_factory=list)
    title: list[str] = field(default_factory=list)


def forms(sheet: Sheet) -> list[Form]:
    """The forms of a sheet, one below the other; none if the sheet is no form.

    A form has at least four known labels with a value to their right (or below, for a label that fills its
    row), in at least three rows. A label that comes again starts the next form. Labels down the first column
    with several values to their right are one form per column.
    """
    if by_column := _columns(sheet):
        return by_column
    found: list[Form] = []
    title: list[str] = []
    rows_with_pairs = 0
    for number, pairs, line in _rows(sheet):
        if not pairs:
            title.append(line)
            continue
        rows_with_pairs += 1
        first = columns.normalise(pairs[0][0])
        if not found or any(columns.normalise(label) == first for label, _ in found[-1].pairs):
            found.append(Form(str(number), title=title))
        found[-1].pairs += pairs
        title = []
    whole = [form for form in found if sum(columns.is_name(label) for label, _ in form.pairs) >= _PAIRS]
    enough = max(3 * max(len(whole), 1), _COVERED * len(sheet.rows))
    return whole if rows_with_pairs >= enough else []


def _columns(sheet: Sheet) -> list[Form]:
    """One form per column, where the labels stand in the first column only."""
    labels = [row for row in sheet.rows if columns.is_name(row.at(0)) and len(row.filled()) >= 3]
    values = [cell for row in labels for cell in row.cells[1:] if cell]
    distinct = {columns.normalise(row.at(0)) for row in labels}
    if len(distinct) < max(_PAIRS, 0.8 * len(labels)) or sum(map(columns.is_name, values)) > 0.1 * len(values):
        return []
    width = max(len(row.cells) for row in labels)
    # A label that nobody knows, with as many answers as the known ones, is part of the forms too.
    usual = min(len(row.filled()) for row in labels)
    labels = [row for row in sheet.rows if row in labels or _is_asked(row, usual, labels[0].number)]
    title = ["  ".join(filter(None, row.cells)) for row in sheet.rows if row.number < labels[0].number]
    found = []
    for place in range(1, width):
        pairs = [(row.at(0), row.at(place)) for row in labels if row.at(place)]
        if len(pairs) >= _PAIRS:
            found.append(Form(get_column_letter(place + 1), pairs, title))
    return found


def _is_asked(row: Row, answers: int, first: int) -> bool:
    return row.number > first and bool(row.at(0)) and len(row.filled()) >= answers and _is_label(row.at(0))


def _rows(sheet: Sheet) -> Iterator[tuple[int, list[tuple[str, str]], str]]:
    """For each row: its number, the label-value pairs in it, and its text."""
    waiting, begun = "", False
    for row in sheet.rows:
        filled = [part for i in row.filled() for part in _parts(row.cells[i])]
        if waiting and len(filled) == 1 and not columns.is_name(filled[0]):
            yield row.number, [(waiting, filled[0])], ""
            waiting = ""
            continue
        waiting = ""
        pairs: list[tuple[str, str]] = []
        i = 0
        while i + 1 < len(filled):
            label, value = filled[i], filled[i + 1]
            # An unknown label counts beside a known one: 申请人 | … | 紧急程度 | …
            if not _is_heading(value, label) and (columns.is_name(label) or (pairs and _is_label(label))):
                pairs.append((label, value))
                i += 2
            else:
                i += 1
        begun = begun or bool(pairs)
        if begun and not pairs and len(filled) == 2 and _is_label(filled[0]) and len(filled[1]) > len(filled[0]):
            pairs = [(filled[0], filled[1])]  # a line of its own in a form that has begun
        if len(filled) == 1 and columns.is_name(filled[0]):
            waiting = filled[0]
        yield row.number, pairs, "  ".join(filled)


def _parts(text: str) -> list[str]:
    """A cell as written, or its labels and values where it holds both (登记编号：001  登记时间：3月2日)."""
    marks = [mark for mark in _LABELLED.finditer(text) if columns.is_name(mark[1]) or columns.is_known(mark[1])]
    if not marks or marks[0].start() > 0:
        return [text]
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    values = [text[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True)]
    return [part for mark, value in zip(marks, values, strict=True) if value for part in (mark[1], value)]


def _is_label(text: str) -> bool:
    return len(columns.normalise(text)) <= 8 and not columns.is_value(text)


def _is_heading(text: str, label: str) -> bool:
    """Whether the text right of a label is a label too. 电话 is one, but not beside 反映方式."""
    return columns.is_name(text) and not columns.is_answer(label, text)
