"""Text tables (.csv, .tsv): any encoding of a Chinese office, any usual delimiter, line breaks inside cells.

Rows are numbered as csv records, header and leading lines included. A quotation mark without its partner
spoils its own line only, and is reported.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ingest import columns
from ingest.records import Problem, Reading
from ingest.registers import assemble
from ingest.sheets import Row, Sheet

from .cells import clean, has_invisible, shorten
from .encoding import decode
from .limits import MB, limits

_DELIMITERS = ",\t;|，；"
_LONGEST_RECORD = 200  # physical lines; beyond that a quotation mark has lost its partner
_UNPAIRED = "引号没有成对，这一行无法分清各栏，已跳过；请在原表中补上或删去多余的引号后重新导入"


@dataclass
class _Lines:
    """Physical lines of the file, with what is wrong with some of them (line number → message)."""

    lines: list[str]
    spoilt: dict[int, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


def read(path: Path, name: str) -> Reading:
    """Read one text table."""
    source = _load(path)
    delimiter = _delimiter(source.lines)
    sheet = Sheet("", [])
    csv.field_size_limit(limits().max_file_mb * MB)
    for number, (first, last, cells) in enumerate(_records(source, delimiter), 1):
        wrong = {source.spoilt[line] for line in range(first, last + 1) if line in source.spoilt}
        for message in sorted(wrong):
            sheet.problems.append(Problem(message, row=str(number)))
        texts = [clean(cell) for cell in cells[: limits().max_columns]]
        if any(len(text) > limits().max_cell_chars for text in texts):
            message = f"单元格超过 {limits().max_cell_chars} 个字，只读入了前面的部分，请核对"
            sheet.problems.append(Problem(message, row=str(number)))
            texts = [shorten(text) for text in texts]
        if any(texts):
            sheet.rows.append(Row(number, texts))
        if len(sheet.rows) >= limits().max_rows:
            sheet.problems.append(Problem("行数过多，后面的没有读入，请拆成几个文件", row=str(number)))
            break
    sheet.problems += [Problem(message) for message in source.notices]
    return assemble([sheet], name, "csv")


def _load(path: Path) -> _Lines:
    """The lines of the file; lines that are too long or whose characters are lost are left out and noted."""
    data, spoilt = _bounded(path)
    text, problems = decode(data)
    source = _Lines(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), spoilt)
    if source.lines and not source.lines[-1]:
        source.lines.pop()
    for problem in problems:
        if problem.row:
            source.spoilt[int(problem.row)] = problem.message
        else:
            source.notices.append(problem.message)
    for number, line in enumerate(source.lines, 1):
        if "\ufffd" in line:
            source.lines[number - 1] = ""
            source.spoilt[number] = "这一行的文字编码无法识别，已跳过；请核对原件，另存为 UTF-8 编码后重新导入"
    if any(map(has_invisible, source.lines)):
        source.notices.append("有看不见的控制字符，已清除")
    return source


def _bounded(path: Path) -> tuple[bytes, dict[int, str]]:
    """The bytes of the file without lines of absurd length, which are never held in memory as a whole."""
    most = limits().max_line_mb * MB
    kept: list[bytes] = []
    spoilt: dict[int, str] = {}
    with path.open("rb") as stream:
        head = stream.read(2)
        stream.seek(0)
        if head in (b"\xff\xfe", b"\xfe\xff") or b"\n" not in stream.read(most):
            stream.seek(0)  # UTF-16, or the line ends of old Macs: no lines to count in bytes
            return stream.read(), {}
        stream.seek(0)
        while line := stream.readline(most + 1):
            if len(line) > most:
                while line and not line.endswith(b"\n"):
                    line = stream.readline(most)
                spoilt[len(kept) + 1] = f"有超过 {limits().max_line_mb} MB 的超长内容，这一行没有读入，请在原表中删减"
                line = b"\n"
            kept.append(line)
    return b"".join(kept), spoilt


def _delimiter(lines: list[str]) -> str:
    """The delimiter that gives most known column names in some row near the top, else most cells."""

    def score(delimiter: str) -> tuple[int, int]:
        rows = [line.replace('"', "").split(delimiter) for line in lines[:20]]
        known = max((sum(columns.is_known(cell) for cell in row if len(cell) < 40) for row in rows), default=0)
        return known, max(map(len, rows), default=0) if delimiter in ",\t;|" else 0

    return max(_DELIMITERS, key=score)


def _records(source: _Lines, delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    """(first line, last line, cells) of every record; line numbers from 1.

    Read strictly, so that a stray quotation mark shows; the line that has it is then read by itself.
    """
    at = width = 0
    while at < len(source.lines):
        start = at  # the line before the record that is being read

        def feed(offset: int = at) -> Iterator[str]:
            for i in range(offset, len(source.lines)):
                if i - start >= _LONGEST_RECORD:  # noqa: B023 - the record of this very moment is meant
                    raise csv.Error("record too long")
                yield source.lines[i] + "\n"

        reader = csv.reader(feed(), delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                yield start + 1, at + reader.line_num, cells
                start, width = at + reader.line_num, max(width, len(cells))
            return
        except csv.Error:
            yield start + 1, start + 1, _alone(source, start, delimiter, width)
            at = start + 1


def _alone(source: _Lines, at: int, delimiter: str, width: int) -> list[str]:
    """The cells of one line with a stray quotation mark, if they are as many as elsewhere; else none."""
    cells = next(csv.reader([source.lines[at]], delimiter=delimiter), [])
    if len(cells) == width:
        return cells
    source.spoilt[at + 1] = _UNPAIRED
    return []
