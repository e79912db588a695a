"""Cases out of the library: jsonl (nested, as DESIGN section 5), csv with BOM and xlsx (flat, safe cells)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from .model import Case, to_row
from .vocabulary import labels

FORMATS = ("jsonl", "csv", "xlsx")
#: A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_cell(value: Any) -> Any:
    """A value that no spreadsheet runs: texts that look like a formula get an apostrophe in front."""
    if not isinstance(value, str):
        return value
    text = "".join(c for c in value if c >= " " or c in "\n\t")
    return "'" + text if text.lstrip(" 　\ufeff").startswith(_FORMULA_STARTS) else text


def jsonl(cases: Iterable[Case]) -> Iterator[str]:
    for case in cases:
        yield json.dumps(case.to_dict(), ensure_ascii=False)


def flat(cases: Iterable[Case]) -> tuple[list[str], Iterator[list[Any]]]:
    """Header (Chinese labels) and rows of safe cells."""
    columns = list(to_row(Case(id="")))
    names = labels()
    header = [names.get(column, column) for column in columns]
    return header, ([safe_cell(_readable(value)) for value in to_row(case).values()] for case in cases)


def _readable(value: Any) -> Any:
    if not (isinstance(value, str) and value[:1] == "["):
        return "" if value in ("[]", "{}", None) else value
    items = json.loads(value)
    return "、".join(items) if all(isinstance(item, str) for item in items) else ("" if not items else value)


def csv_bytes(cases: Iterable[Case]) -> bytes:
    """UTF-8 with BOM, so that Excel shows Chinese."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    header, rows = flat(cases)
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue().encode("utf-8-sig")


def xlsx_bytes(cases: Iterable[Case]) -> bytes:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("案例")
    header, rows = flat(cases)
    sheet.append(header)
    for row in rows:
        sheet.append([value[:32_767] if isinstance(value, str) else value for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()
