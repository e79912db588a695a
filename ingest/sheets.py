"""A grid of text: what every table reader makes of its file, before anybody asks what the columns mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from .records import Problem


@dataclass(frozen=True)
class Merge:
    """A merged block of cells: rows as the spreadsheet shows them, columns from 0, both ends included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass
class Row:
    """One row: its number as the spreadsheet shows it, and the clean text of its cells."""

    number: int
    cells: list[str]

    def at(self, column: int) -> str:
        """The text of a cell, "" beyond the end of the row."""
        return self.cells[column] if 0 <= column < len(self.cells) else ""

    def filled(self) -> list[int]:
        """The columns that hold text."""
        return [index for index, cell in enumerate(self.cells) if cell]


@dataclass
class Sheet:
    """One work sheet (or one text table): rows with any text in them, merged blocks, problems met so far."""

    name: str
    rows: list[Row]
    merges: list[Merge] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    hidden: bool = False
    #: Column names, for files that name their values themselves; then every row is data.
    keys: list[str] | None = None

    def fill_merges(self) -> Sheet:
        """The sheet with every row of a vertical merge present, so that merged values can be inherited."""
        present = {row.number for row in self.rows}
        missing = {
            number
            for merge in self.merges
            if merge.bottom > merge.top and merge.top in present and merge.bottom - merge.top < 1000
            for number in range(merge.top, merge.bottom + 1)
        } - present
        rows = sorted([*self.rows, *(Row(n, []) for n in missing)], key=lambda row: row.number)
        return replace(self, rows=rows)


def sheet_of(name: str, rows: Iterable[list[str]], first: int = 1) -> Sheet:
    """A sheet from lists of clean texts, numbered from `first`; rows without text are left out."""
    numbered = (Row(number, cells) for number, cells in enumerate(rows, first))
    return Sheet(name, [row for row in numbered if any(row.cells)])
