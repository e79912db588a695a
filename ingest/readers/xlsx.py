"""Excel work books (.xlsx, .xlsm): streamed, so that memory stays bounded whatever the file claims.

openpyxl gives the values; merged blocks, hidden rows and formulas without a stored result, which its
streaming mode leaves out, are read from the XML of the sheet.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
from openpyxl.utils import coordinate_to_tuple, range_boundaries

from ingest.records import Problem, Reading
from ingest.registers import assemble
from ingest.sheets import Merge, Row, Sheet

from .cells import has_invisible, shorten, text_of
from .limits import Unreadable, check_package, limits

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_BROKEN = "文件已损坏或没有传完，无法打开；请在 Excel 或 WPS 中打开原件，另存为 .xlsx 后重新导入"


@dataclass
class _Layout:
    """What the streaming mode does not tell about a sheet."""

    merges: list[Merge] = field(default_factory=list)
    hidden_rows: int = 0
    formulas: dict[tuple[int, int], str] = field(default_factory=dict)


def read(path: Path, name: str) -> Reading:
    """Read every work sheet. Raises Unreadable for files that are broken or unpack to too much."""
    try:
        with zipfile.ZipFile(path) as archive:
            check_package(archive)
            layouts = _layouts(archive)
        sheets = list(_sheets(path, layouts))
    except Unreadable:
        raise
    except MemoryError as error:
        raise Unreadable("文件太大，内存不够，请拆成几个文件再导入") from error
    except Exception as error:  # a damaged file makes openpyxl fail in any way; the clerk needs one answer
        raise Unreadable(_BROKEN) from error
    return assemble(sheets, name, "xlsx")


def _sheets(path: Path, layouts: dict[str, _Layout]) -> Iterator[Sheet]:
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        for work_sheet in book.worksheets:
            layout = layouts.get(work_sheet.title, _Layout())
            sheet = Sheet(work_sheet.title, [], layout.merges, hidden=work_sheet.sheet_state != "visible")
            work_sheet.reset_dimensions()  # the size that the file claims may be wrong
            _fill(sheet, work_sheet.iter_rows(values_only=True), layout)
            yield sheet
    finally:
        book.close()


def _fill(sheet: Sheet, rows: Iterator[tuple[Any, ...]], layout: _Layout) -> None:
    cut: list[str] = []
    cleaned = False
    for number, values in enumerate(rows, 1):
        if len(sheet.rows) >= limits().max_rows:
            message = f"超过 {limits().max_rows} 行，后面的没有读入，请拆成几个文件"
            sheet.problems.append(Problem(message, sheet.name, str(number)))
            break
        values = values[: limits().max_columns]
        cells = [text_of(value) for value in values]
        for i, value in enumerate(values):
            if value is None and (number, i) in layout.formulas:
                cells[i] = text_of(layout.formulas[number, i])
            cleaned = cleaned or (isinstance(value, str) and has_invisible(value))
            if len(cells[i]) > limits().max_cell_chars:
                cells[i] = shorten(cells[i])
                cut.append(str(number))
        if any(cells):
            sheet.rows.append(Row(number, cells))
    for row in cut:
        message = f"单元格超过 {limits().max_cell_chars} 个字，只读入了前面的部分，请核对"
        sheet.problems.append(Problem(message, sheet.name, row))
    if cleaned:
        sheet.problems.append(Problem("有看不见的控制字符，已清除", sheet.name))
    if layout.hidden_rows and sheet.rows:
        sheet.problems.append(Problem(f"有 {layout.hidden_rows} 行是隐藏的，也已读入，请核对是否需要", sheet.name))


# ---- the XML of a sheet -----------------------------------------------------------------------------------


def _layouts(archive: zipfile.ZipFile) -> dict[str, _Layout]:
    names = set(archive.namelist())
    return {title: _layout(archive, part) for title, part in _parts(archive) if part in names}


def _parts(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Title of each sheet and the part of the package that holds it."""
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    for element in ElementTree.fromstring(archive.read("xl/workbook.xml")).iter():
        if element.tag in (_MAIN + "sheet", _STRICT + "sheet"):
            identifier = element.get(_RELATION) or next((v for k, v in element.attrib.items() if k.endswith("}id")), "")
            target = targets.get(identifier, "")
            yield element.get("name", ""), posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


def _layout(archive: zipfile.ZipFile, part: str) -> _Layout:
    layout = _Layout()
    formula, stored = "", False
    with archive.open(part) as stream:
        for _, element in ElementTree.iterparse(stream):
            match element.tag.rpartition("}")[2]:
                case "f":
                    formula = element.text or ""
                case "v":
                    stored = bool(element.text)
                case "c":
                    if formula and not stored and element.get("r"):
                        row, column = coordinate_to_tuple(element.get("r", ""))
                        layout.formulas[row, column - 1] = "=" + formula
                    formula, stored = "", False
                    element.clear()
                case "row":
                    layout.hidden_rows += element.get("hidden") in ("1", "true") and len(element) > 0
                    element.clear()
                case "mergeCell":
                    left, top, right, bottom = range_boundaries(element.get("ref", ""))
                    layout.merges.append(Merge(int(top), int(left) - 1, int(bottom), int(right) - 1))
    return layout
