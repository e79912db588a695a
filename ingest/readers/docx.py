"""Reads .docx files: write-ups (headings by style or bold type), and forms and registers in tables."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from docx import Document
from docx.document import Document as DocumentType
from docx.opc.exceptions import PackageNotFoundError
from docx.table import Table
from docx.text.paragraph import Paragraph
from lxml.etree import LxmlError

from ingest import columns
from ingest.articles import tell
from ingest.articles.document import BODY, BOLD, MAX_HEADING, Line, tidy
from ingest.records import Reading
from ingest.registers import assemble
from ingest.sheets import Sheet, sheet_of

from .limits import Unreadable, check_package

_DAMAGED = "Word 文件已损坏或没有传完，无法打开。请在 Word 或 WPS 中打开原件核对，另存为新的 .docx 后重新导入"
_REGISTER_COLUMNS, _TOP = 3, 4


def read(path: Path, name: str) -> Reading:
    """The cases of a Word document; `name` is the file's name as the user knows it.

    Places of told cases are `p3-p13`: paragraph numbers from 1, a table row counting as the paragraph before
    it. Tables that are registers are read as such; their rows are numbered in the table. Raises Unreadable
    for files that are damaged or unpack to too much.
    """
    try:
        with zipfile.ZipFile(path) as package:
            check_package(package)
        document = Document(str(path))
        blocks = list(_blocks(document))
    except (PackageNotFoundError, KeyError, ValueError, LxmlError, zipfile.BadZipFile) as error:
        raise Unreadable(_DAMAGED) from error
    lines = [line for block in blocks if isinstance(block, list) for line in block]
    registers = [block for block in blocks if isinstance(block, Sheet)]
    reading = tell(lines, name, "docx", lambda _, first, last: f"p{first.number}-p{last.until}")
    return reading if not registers else _together(reading, assemble(registers, name, "docx"))


def _together(told: Reading, listed: Reading) -> Reading:
    """One reading of a document that has write-ups and registers."""
    if told.records:
        listed.records = told.records + listed.records
        listed.problems = told.problems + listed.problems
        listed.rows += told.rows
    return listed


def _blocks(document: DocumentType) -> Iterator[list[Line] | Sheet]:
    """The document in order: paragraphs and forms as lines, registers as sheets."""
    number = tables = 0
    for block in document.iter_inner_content():
        if isinstance(block, Paragraph):
            number += 1
            # one paragraph may hold several lines (Shift+Enter)
            yield [Line(tidy(text), number, _level(block)) for text in block.text.split("\n")]
        elif isinstance(block, Table):
            tables += 1
            rows = list(_rows(block))
            if any(map(_is_header, rows[:_TOP])):
                yield sheet_of(f"表{tables}", rows)
            else:
                yield [
                    Line(" ".join(filter(None, row)), number, cells=tuple(row)) for row in rows if any(row)
                ]


def _line(row: list[str], number: int) -> Line:
    return Line(" ".join(filter(None, row)), number, BODY, tuple(row))


def _is_header(row: list[str]) -> bool:
    """Whether a row is the header of a register: column names side by side, no labels with values."""
    filled = list(filter(None, row))
    known = sum(map(columns.is_known, filled))
    return known >= _REGISTER_COLUMNS and known > 0.6 * len(filled)


def _rows(table: Table) -> Iterator[list[str]]:
    for row in table.rows:
        cells: list[str] = []
        seen = None
        for cell in row.cells:
            if cell._tc is not seen:  # a merged cell is listed once for each column that it spans
                cells.append("\n".join(filter(None, (tidy(p.text) for p in cell.paragraphs))))
            seen = cell._tc
        yield cells


def _level(paragraph: Paragraph) -> int:
    style = (paragraph.style.name or "") if paragraph.style is not None else ""
    if style in ("Title", "标题"):
        return 1
    for word in ("heading", "标题"):
        depth = style.lower().removeprefix(word).strip()
        if style.lower().startswith(word) and depth.isdigit():
            return max(1, min(int(depth), 6))
    text = paragraph.text.strip()
    runs = [run for run in paragraph.runs if run.text.strip()]
    if 0 < len(text) <= MAX_HEADING and runs and all(run.bold for run in runs):
        return BOLD
    return BODY
