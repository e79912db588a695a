"""Grid → tables: finds the header of a register, its two or three levels, and the rows that are cases.

A sheet may hold several tables one below the other, or two side by side. Titles, 填报单位 lines, repeated
headers, 合计, 续表, signatures and notes are no cases; what stands above a table is kept as its heading.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from . import columns
from .records import Problem
from .sheets import Merge, Row, Sheet
from .wording import says

_SEARCHED = 80  # rows looked at for a first header
_LABEL_CHARS = 24  # without blanks and bracketed notes
_LONGEST_LABEL = 60  # as written
_SENTENCE = re.compile(r"[。；;！!]|[，,].*[，,]")


@dataclass(frozen=True)
class Column:
    """A column: its place in the grid, its own heading and the one above it, if there is one."""

    index: int
    name: str
    parent: str = ""


@dataclass
class Entry:
    """A data row: its number in the sheet, its texts by column place, and the section it stands in."""

    number: int
    texts: dict[int, str]
    section: str = ""
    #: Columns whose cell is the same merged cell as in the entry above.
    merged: frozenset[int] = frozenset()


@dataclass
class Table:
    """One register: what stands above it, its columns, its data rows."""

    sheet: str
    title: list[str]
    columns: list[Column]
    entries: list[Entry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    #: Without a header: the columns can be told by their cells only.
    bare: bool = False

    def sample(self, column: Column, size: int = 200) -> list[str]:
        """Texts of a column, for finding out what it holds."""
        texts = (entry.texts.get(column.index, "") for entry in self.entries)
        return [text for _, text in zip(range(size), filter(None, texts), strict=False)]


@dataclass(frozen=True)
class _Header:
    rows: list[Row]
    columns: list[Column]

    @property
    def last(self) -> int:
        return self.rows[-1].number


def tables(sheet: Sheet) -> list[Table]:
    """All registers of a sheet, from top to bottom; none if it holds no table."""
    if sheet.keys is not None:
        return [_named(sheet, sheet.keys)]
    sheet = sheet.fill_merges()
    rows = sheet.rows
    at = _first_header(rows)
    if at is None:
        return _bare(sheet)
    found: list[Table] = []
    above = [row for row in rows[:at]]
    while at is not None:
        header = _header(sheet, rows, at)
        title = [line for row in above if row.number < header.rows[0].number for line in _lines(row)]
        start = next((i for i, row in enumerate(rows) if row.number > header.last), len(rows))
        table = Table(sheet.name, title or (found[-1].title if found else []), header.columns)
        at = _fill(table, header, sheet, rows, start)
        found.append(table)
        above = [row for row in rows[:at] if row.number > _last_number(table, header)] if at else []
    return [part for table in found for part in _side_by_side(_fold_dates(table))]


def header_strength(sheet: Sheet) -> float:
    """How much the best row near the top reads like a header: about the number of names known in it."""
    return max((_known_share(row) for row in sheet.rows[:_SEARCHED]), default=0.0)


def _named(sheet: Sheet, keys: Sequence[str]) -> Table:
    entries = [Entry(row.number, {i: row.cells[i] for i in row.filled()}) for row in sheet.rows]
    return Table(sheet.name, [], [Column(i, key) for i, key in enumerate(keys)], entries)


def _bare(sheet: Sheet) -> list[Table]:
    """A table without a header, as some exports are: rows of one width, with dates or numbers among them."""
    width = max((len(row.filled()) for row in sheet.rows), default=0)
    full = [row for row in sheet.rows if len(row.filled()) >= max(3, 0.6 * width)]
    if len(full) < 2 or len(full) < 0.8 * len(sheet.rows) or not all(map(_has_data, full)):
        return []
    table = Table(sheet.name, [], [], bare=True)
    _name_bare_columns(table, full)
    table.entries = [Entry(row.number, {i: row.cells[i] for i in row.filled()}) for row in full]
    table.problems.append(Problem("没有表头，各栏是按内容判断的，请核对", sheet.name))
    return [table]


def _last_number(table: Table, header: _Header) -> int:
    return table.entries[-1].number if table.entries else header.last


def _lines(row: Row) -> list[str]:
    line = "  ".join(cell for cell in row.cells if cell)
    return [line] if line else []


# ---- header ---------------------------------------------------------------------------------------------


def _first_header(rows: Sequence[Row]) -> int | None:
    """The place of the first row that reads like column names: by known names, else by the rows below."""
    scores = [_known_share(row) for row in rows[:_SEARCHED]]
    best = max(scores, default=0.0)
    if best > 0:
        return next(i for i, score in enumerate(scores) if score >= 0.7 * best)
    for i, row in enumerate(rows[:_SEARCHED]):
        below = rows[i + 1 : i + 6]
        if len(row.filled()) >= 3 and _all_labels(row) and below and any(map(_has_data, below)):
            return i
    return None


def _known_share(row: Row) -> float:
    """Known names minus other cells; 0 unless at least two cells, and half of all, are known names."""
    cells = [cell for cell in row.cells if cell]
    known = sum(columns.is_known(cell) for cell in cells)
    labels = [cell for cell in cells if _is_label(cell)]
    if known < 2 or known < 0.4 * len(cells) or len(labels) < 0.8 * len(cells):
        return 0.0
    return known - 0.5 * (len(cells) - known)


def _is_label(text: str) -> bool:
    """Whether a text could be a column name rather than a value."""
    name = columns.normalise(text)
    return 0 < len(name) <= _LABEL_CHARS and not columns.is_value(text) and not _SENTENCE.search(name)


def _all_labels(row: Row) -> bool:
    cells = [cell for cell in row.cells if cell]
    return all(map(_is_label, cells)) and len(set(cells)) == len(cells)


def _has_data(row: Row) -> bool:
    return any(columns.is_value(cell) or len(cell) > _LABEL_CHARS for cell in row.cells)


def _header(sheet: Sheet, rows: Sequence[Row], at: int) -> _Header:
    """The header that starts (or is one level up) at `at`, with all its levels."""
    levels = [rows[at]]
    while at + len(levels) < len(rows) and len(levels) < 3:
        row = rows[at + len(levels)]
        if not _is_sublevel(levels, row, sheet.merges):
            break
        levels.append(row)
    while at > 0 and len(levels) < 3 and _is_group_row(rows[at - 1], levels[0], sheet.merges):
        at -= 1
        levels.insert(0, rows[at])
    return _Header(levels, _columns(levels, sheet.merges))


def _is_sublevel(levels: Sequence[Row], row: Row, merges: Sequence[Merge]) -> bool:
    """Whether `row` is a further header level: it names the parts of what stands above it."""
    top, above = levels[0], levels[-1]
    filled = row.filled()
    if row.number != above.number + 1 or not filled or not all(_is_label(row.cells[i]) for i in filled):
        return False
    if any(m.top <= above.number and m.top >= top.number and m.bottom >= row.number for m in merges):
        return True
    spans = [m for m in merges if m.top == above.number and m.right > m.left]
    width = max(len(above.cells), len(row.cells))
    parted = [i for i in filled if not above.at(i) or any(m.left <= i <= m.right for m in spans) or not above.at(i + 1)]
    bare = [i for i in range(width) if not above.at(i) and row.at(i)]
    known = sum(columns.is_known(row.cells[i]) for i in filled)
    return bool(bare) and len(parted) == len(filled) and known >= 0.5 * len(filled)


def _is_group_row(row: Row, below: Row, merges: Sequence[Merge]) -> bool:
    """Whether `row` groups the columns named in the row below it (基本信息 | 办理信息 | 回访信息)."""
    filled = row.filled()
    if row.number != below.number - 1 or len(filled) < 2 or len(filled) >= len(below.filled()):
        return False
    if not all(_is_label(row.cells[i]) and not says("labelled", row.cells[i]) for i in filled):
        return False
    spanning = [m for m in merges if m.top == row.number and m.right > m.left]
    # Without merges: a group stands over its first part only, or it has no parts (序号).
    return bool(spanning) or all(not row.at(i + 1) or not below.at(i) for i in filled[:-1])


def _columns(levels: Sequence[Row], merges: Sequence[Merge]) -> list[Column]:
    width = max(len(row.cells) for row in levels)
    grid = [[row.at(i) for i in range(width)] for row in levels]
    numbers = [row.number for row in levels]
    merged_rows = {m.top for m in merges if m.right > m.left}
    for level, line in enumerate(grid):
        for merge in merges:
            if merge.top == numbers[level]:
                for i in range(merge.left, min(merge.right, width - 1) + 1):
                    line[i] = line[merge.left]
        if level < len(grid) - 1 and numbers[level] not in merged_rows:
            for i in range(1, width):  # no merges kept (csv): a group heading stands over its first part only
                if not line[i] and grid[level + 1][i]:
                    line[i] = line[i - 1]
    found = []
    for i in range(width):
        names = [_one_line(line[i]) for line in grid if line[i]]
        if names:
            parents = [name for name in names[:-1] if name != names[-1]]
            found.append(Column(i, names[-1], parents[-1] if parents else ""))
    return found


def _one_line(text: str) -> str:
    return re.sub(r"(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])|\n", "", text)


# ---- rows -----------------------------------------------------------------------------------------------


def _fill(table: Table, header: _Header, sheet: Sheet, rows: Sequence[Row], start: int) -> int | None:
    """Put the data rows after the header into the table; the place of the next table's header, if any."""
    _name_bare_columns(table, rows[start:])
    vertical = _vertical(sheet.merges)
    section = ""
    for i, row in enumerate(rows[start:], start):
        filled = row.filled()
        texts = [row.cells[j] for j in filled]
        if not filled and not any((row.number, j) in vertical for j in range(len(table.columns))):
            continue
        if all(len(text) <= _LONGEST_LABEL for text in texts):
            if _repeats(row, header) or (not table.entries and _is_guide_row(texts)):
                continue
            if len(texts) >= 3 and _known_share(row) >= 0.6 * len(texts):
                return i
        if texts and (kind := _kind_of_row(row, texts, table)):
            if kind == "section":
                section = texts[0]
            elif kind == "note":
                table.notes += _lines(row)
            if kind == "example":
                table.problems.append(Problem("这一行是填写示例，没有作为案例读入", table.sheet, str(row.number)))
            if says("void", texts[0]):
                message = "这一行注明作废或仅供测试，请核对本表是否应当入库"
                table.problems.append(Problem(message, table.sheet, str(row.number)))
            continue
        table.entries.append(_entry(row, table, vertical, section))
    return None


def _name_bare_columns(table: Table, rows: Sequence[Row]) -> None:
    """Columns with texts but without a heading get a name that a clerk can find."""
    named = {column.index for column in table.columns}
    width = max((len(row.cells) for row in rows[:200]), default=0)
    for i in range(width):
        texts = sum(bool(row.at(i)) for row in rows[:200])
        if i not in named and texts >= 1:
            table.columns.append(Column(i, f"第{i + 1}列（无列名）"))
    table.columns.sort(key=lambda column: column.index)


def _vertical(merges: Sequence[Merge]) -> dict[tuple[int, int], tuple[int, int]]:
    """(row, column) → (row, column) of the cell that a vertically merged cell takes its text from."""
    return {
        (number, column): (merge.top, merge.left)
        for merge in merges
        if merge.bottom > merge.top and merge.bottom - merge.top < 1000
        for number in range(merge.top + 1, merge.bottom + 1)
        for column in range(merge.left, merge.right + 1)
        if column == merge.left
    }


def _entry(row: Row, table: Table, vertical: dict[tuple[int, int], tuple[int, int]], section: str) -> Entry:
    texts = {column.index: row.at(column.index) for column in table.columns if row.at(column.index)}
    merged = set()
    if table.entries:
        above = table.entries[-1]
        for column in table.columns:
            origin = vertical.get((row.number, column.index))
            if origin and origin[0] <= above.number and column.index in above.texts:
                texts[column.index] = above.texts[column.index]
                merged.add(column.index)
    return Entry(row.number, texts, section, frozenset(merged))


def _repeats(row: Row, header: _Header) -> bool:
    """Whether a row is (a level of) the header once more, as on a new printed page."""
    filled = row.filled()
    if len(filled) < 2:
        return False
    for level in header.rows:
        same = sum(columns.normalise(row.cells[i]) == columns.normalise(level.at(i)) for i in filled)
        if same >= 0.8 * len(filled):
            return True
    names = {columns.normalise(name) for column in header.columns for name in (column.name, column.parent)}
    return len(filled) >= 3 and all(columns.normalise(row.cells[i]) in names for i in filled)


def _is_guide_row(texts: Sequence[str]) -> bool:
    """Whether a row under the header only numbers the columns (1 2 3, 甲 乙) or says how to fill them in."""
    if len(texts) < 2:
        return False
    numbers = [text.strip("()（）①②③④⑤⑥⑦⑧⑨⑩.、栏") for text in texts]
    if len(texts) >= 3 and numbers == [str(i) for i in range(1, len(texts) + 1)]:
        return True
    if len(texts) >= 3 and "".join(texts).startswith(("甲乙", "ABC", "栏次")):
        return True
    return sum(says("hint", text) for text in texts) >= 0.6 * len(texts)


def _kind_of_row(row: Row, texts: Sequence[str], table: Table) -> str:
    """What a row is if it is no case: "total", "continued", "note", "example", "section"; else ""."""
    first = texts[0]
    short = all(len(text) <= 40 for text in texts)
    if says("total", first) and short and len(texts) <= 0.7 * len(table.columns):
        return "total"
    if says("continued", first) and len(texts) <= 2:
        return "continued"
    if says("example", first) and row.filled()[0] == table.columns[0].index and len(texts) > 2:
        return "example"
    if len(table.columns) < 3:
        return "note" if says("footer", first) else ""
    if all(says("footer", text) for text in texts):
        return "note"
    if len(texts) == 1 and row.filled()[0] <= table.columns[0].index + 1:
        if says("footer", first) or says("note", first):
            return "note"
        if not columns.is_value(first):
            usual = [len(entry.texts.get(row.filled()[0], "")) for entry in table.entries]
            if len(first) <= 40:
                return "section"
            if usual and len(first) > 4 * max(usual):  # a paragraph under a column of short words
                return "note"
    if len(texts) <= 3 and says("footer", first) and len(texts) < 0.5 * len(table.columns):
        return "note"
    return ""


def _fold_dates(table: Table) -> Table:
    """The columns 年 | 月 | 日 (or 月 | 日) as one column with a date."""
    for i in range(len(table.columns) - 1):
        for units in ("年月日", "月日"):
            parts = table.columns[i : i + len(units)]
            if [part.name for part in parts] != list(units):
                continue
            table.columns[i : i + len(units)] = [Column(parts[0].index, "日期", parts[0].parent)]
            for entry in table.entries:
                said = [(entry.texts.pop(part.index, "").removesuffix(part.name), part.name) for part in parts]
                if text := "".join(number + unit for number, unit in said if number):
                    entry.texts[parts[0].index] = text
            return table
    return table


# ---- two tables side by side ------------------------------------------------------------------------------


def _side_by_side(table: Table) -> list[Table]:
    """Two registers printed next to each other (the same headings twice, an empty column between) as two."""
    names = [column.name for column in table.columns]
    half = len(names) // 2
    gap = half >= 3 and table.columns[half].index - table.columns[half - 1].index > 1
    if not gap or names[:half] != names[half : 2 * half]:
        return [table]
    parts = []
    for own in (table.columns[:half], table.columns[half:]):
        places = {column.index for column in own}
        entries = [
            Entry(e.number, {i: t for i, t in e.texts.items() if i in places}, e.section, e.merged & places)
            for e in table.entries
        ]
        entries = [entry for entry in entries if entry.texts]
        parts.append(Table(table.sheet, table.title, own, entries, table.notes))
    parts[0].problems = table.problems
    return parts
