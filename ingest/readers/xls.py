"""Old Excel work books (.xls) and WPS tables (.et): real ones by xlrd; many are HTML or text inside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import xlrd
from xlrd.sheet import Cell

from ingest.records import Problem, Reading
from ingest.registers import assemble
from ingest.sheets import Merge, Row, Sheet

from .cells import shorten, text_of
from .limits import Unreadable, limits


def read(path: Path, name: str) -> Reading:
    """Read every work sheet of a BIFF file. Raises Unreadable for broken and encrypted files."""
    try:
        book = xlrd.open_workbook(path, formatting_info=True)
    except xlrd.XLRDError as error:
        if "encrypt" in str(error).lower():
            raise Unreadable("文件设有打开密码，请在 Excel 中去掉密码（文件→信息→保护工作簿）后重新导入") from error
        raise Unreadable("不是能识别的 .xls 表格，请用 Excel 或 WPS 打开后另存为 .xlsx 再导入") from error
    except Exception as error:  # a damaged file makes xlrd fail in any way; the clerk needs one answer
        raise Unreadable("文件已损坏或没有传完，请用 Excel 或 WPS 打开原件，另存为 .xlsx 后重新导入") from error
    return assemble(list(_sheets(book)), name, "xls")


def _sheets(book: xlrd.Book) -> Iterator[Sheet]:
    for source in book.sheets():
        merges = [Merge(top + 1, left, bottom, right - 1) for top, bottom, left, right in source.merged_cells]
        sheet = Sheet(source.name, [], merges, hidden=source.visibility != 0)
        for i in range(min(source.nrows, limits().max_rows)):
            cells = [_text(cell, book) for cell in source.row(i)[: limits().max_columns]]
            if any(cells):
                sheet.rows.append(Row(i + 1, [shorten(cell) for cell in cells]))
        hidden = sum(info.hidden for i, info in source.rowinfo_map.items() if i < source.nrows)
        if hidden and sheet.rows:
            sheet.problems.append(Problem(f"有 {hidden} 行是隐藏的，也已读入，请核对是否需要", sheet.name))
        yield sheet


def _text(cell: Cell, book: xlrd.Book) -> str:
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return text_of(xlrd.xldate_as_datetime(cell.value, book.datemode))
        except (ValueError, OverflowError, xlrd.XLDateError):
            return text_of(cell.value)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return text_of(bool(cell.value))
    if cell.ctype in (xlrd.XL_CELL_ERROR, xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
        return ""
    return text_of(cell.value)
