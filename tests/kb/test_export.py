"""Exports: stable names, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb import export
from kb.model import Case

CASE = Case(id="a", demand="=HYPERLINK(\"http://x\")", barriers=["互为前置", "信息不一致"], source_no="-7")


@given(st.text(max_size=20))
def test_no_cell_is_live(text: str) -> None:
    cell = export.safe_cell(text)
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "  =1", "\ufeff=1"])
def test_formulas_are_neutralised(text: str) -> None:
    assert export.safe_cell(text).startswith("'")


def test_jsonl_has_the_fields_of_the_design() -> None:
    (line,) = export.jsonl([CASE])
    assert json.loads(line)["barriers"] == ["互为前置", "信息不一致"]
    assert json.loads(line)["demand"] == CASE.demand


def test_csv_has_bom_and_chinese_header() -> None:
    data = export.csv_bytes([CASE])
    assert data.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
    assert row["诉求"].startswith("'=") and row["壁垒类型"] == "互为前置、信息不一致"


def test_xlsx_holds_text_not_formulas() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(export.xlsx_bytes([CASE]))).active
    assert sheet is not None
    values = [cell.value for cell in sheet[2] if isinstance(cell.value, str)]
    assert not any(value.startswith(("=", "+", "-", "@")) for value in values)
    assert all(cell.data_type != "f" for cell in sheet[2])
