"""What a report is made of: sentences with the numbers of their notes, tables, sections. How much it holds stands in
``report.yml``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .. import words


@dataclass(frozen=True)
class Words:
    """A sentence or the text of a cell (of several lines perhaps), the numbers of the notes that stand behind it, and
    the shade of the cell, from 0 for none; `marked`: a fix stands here; `number`: set as a number."""

    text: str
    notes: tuple[int, ...] = ()
    shade: int = 0
    marked: bool = False
    number: bool = False


@dataclass(frozen=True)
class Table:
    """A table or, with shades, a picture made of one. `widths`: shares of the width of the page."""

    caption: str
    head: list[str]
    rows: list[list[Words]]
    widths: list[float]
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it, in order: sentences (one paragraph or a list) and tables."""

    title: str
    level: int = 1
    blocks: list[Words | list[Words] | Table] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """`about`: period, area and state of the data in lines; `day`: that of the newest case; `notes`: the cases, `key`:
    how to read them; `name`: of a file of it, without ending."""

    title: str
    name: str
    author: str
    day: str
    about: list[str]
    sections: list[Section]
    notes: list[str]
    key: str = ""


@cache
def settings() -> dict[str, Any]:
    """The content of ``report.yml``."""
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "report.yml").read_text(encoding="utf-8"))
    return found


def marks(notes: Sequence[int]) -> list[tuple[int, str]]:
    """(the first note, what stands there) of each run of notes: 1 2 3 5 → [1~3] [5]."""
    runs: list[list[int]] = []
    for number in notes:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return [(run[0], f"[{run[0]}]" if len(run) == 1 else f"[{run[0]}~{run[-1]}]") for run in runs]


def shortened(text: str, most: int) -> str:
    """So many characters at most; cut between words."""
    plain = " ".join(text.split())
    if len(plain) <= most:
        return plain
    end = most - 1
    for word in reversed(words.words(plain)):
        if word.start < end < word.end and word.start:
            end = word.start
    return plain[:end].rstrip("，、；：（“《 ") + "…"
