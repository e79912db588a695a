"""Work books: values of every type, damaged and hostile files. Registers here are invented."""

from __future__ import annotations

import base64
import datetime as dt
import zipfile
from pathlib import Path

import openpyxl
import pytest

from ingest.readers import limits as limits_module
from ingest.readers import read
from ingest.readers.limits import limits

HEADER = ["登记日期", "诉求内容", "办理过程", "是否办成"]


def save(path: Path, *rows: list[object]) -> Path:
    made = openpyxl.Workbook()
    for row in [HEADER, *rows]:
        made.active.append(row)
    made.save(path)
    return path


def test_values_of_every_type_become_text(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.xlsx",
        [dt.date(2024, 3, 5), "想办证", "已办", True],
        [dt.datetime(2024, 3, 5, 9, 24), 123.0, 0.5, False],
        [45356, "办不了", "协调", "是"],
    )
    found = [record.values for record in read(path).records]
    assert [values["received"] for values in found] == ["2024-03-05", "2024-03-05 09:24", "45356"]
    assert found[1]["demand"] == "123" and found[1]["measure"] == "0.5"
    assert [values["outcome"] for values in found] == ["是", "否", "是"]


def test_formulas_without_a_stored_result_stay_as_text(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xlsx", ["2024-3-5", '=HYPERLINK("http://example.com","附件")', "=1+1", "是"])
    values = read(path).records[0].values
    assert values["demand"] == '=HYPERLINK("http://example.com","附件")'
    assert values["measure"] == "=1+1"


def test_invisible_characters_go_and_blanks_are_collapsed(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.xlsx",
        ["2024-3-5", "医\u200b保\u202e断缴\u202c　　两  年\r\n\r\n怎么补_x000D_", "补缴", "是"],
    )
    reading = read(path)
    assert reading.records[0].values["demand"] == "医保断缴 两 年\n怎么补"
    assert [problem.row for problem in reading.problems] == [""]


def test_width_and_script_stay_as_written(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xlsx", ["２０２４年", "不動產登記（Ａ座）①", "㎡", "是"])
    assert read(path).records[0].values["demand"] == "不動產登記（Ａ座）①"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "空"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 100, "图片"),
        (b"PK\x03\x04" + b"\x00" * 200, "损坏"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "密码"),
        (b"%PDF-1.4", "PDF"),
        (bytes(range(256)), "另存为"),
    ],
)
def test_files_that_are_no_work_book_are_refused_with_advice(tmp_path: Path, content: bytes, word: str) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    reading = read(path)
    assert word in reading.rejected and not reading.records


def test_a_truncated_work_book_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xlsx", ["2024-3-5", "想办证", "已办", "是"])
    path.write_bytes(path.read_bytes()[:-600])
    assert "损坏" in read(path).rejected


def test_a_damaged_sheet_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xlsx", ["2024-3-5", "想办证", "已办", "是"])
    broken = tmp_path / "b.xlsx"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(broken, "w") as target:
        for part in source.infolist():
            data = source.read(part)
            target.writestr(part.filename, data[: len(data) // 2] if "sheet1" in part.filename else data)
    assert "损坏" in read(broken).rejected


def test_a_part_that_unpacks_to_too_much_is_refused_unopened(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xlsx", ["2024-3-5", "想办证", "已办", "是"])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/media/big.xml", b"0" * 30_000_000)
    assert "不正常" in read(path).rejected


def test_a_cell_beyond_the_limit_is_cut_with_its_row_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = limits_module.Limits(**{**vars(limits()), "max_cell_chars": 50})
    monkeypatch.setattr("ingest.readers.xlsx.limits", lambda: small)
    monkeypatch.setattr("ingest.readers.cells.limits", lambda: small)
    reading = read(save(tmp_path / "a.xlsx", ["2024-3-5", "长" * 80, "已办", "是"], ["2024-3-6", "短", "已办", "是"]))
    assert [len(record.values["demand"]) for record in reading.records] == [50, 1]
    assert [problem.row for problem in reading.problems] == ["2"]


def test_an_xls_that_is_a_web_page_is_read_as_a_table(tmp_path: Path) -> None:
    path = tmp_path / "导出.xls"
    path.write_bytes(
        "<html><head><meta charset='gb2312'></head><body><table><tr><td colspan=4>某县台账</td></tr>"
        "<tr><th>登记日期</th><th>诉求内容</th><th>责任单位</th><th>办理过程</th></tr>"
        "<tr><td>2024-3-5</td><td>想办证<br>办不了</td><td rowspan=2>县住建局</td><td>已办</td></tr>"
        "<tr><td>2024-3-6</td><td>想过户</td><td>已办</td></tr></table></body></html>".encode("gb18030")
    )
    reading = read(path)
    assert [(r.place.row, r.values["demand"], r.values["lead_dept"]) for r in reading.records] == [
        ("3", "想办证\n办不了", "县住建局"), ("4", "想过户", "县住建局"),
    ]  # fmt: skip


def test_an_xls_that_is_spreadsheet_xml_is_read_as_a_table(tmp_path: Path) -> None:
    cells = "".join(f'<Cell><Data ss:Type="String">{name}</Data></Cell>' for name in HEADER)
    values = (
        '<Cell><Data>2024-3-5</Data></Cell><Cell><Data>想办证</Data></Cell><Cell ss:Index="4"><Data>是</Data></Cell>'
    )
    path = tmp_path / "导出.xls"
    path.write_text(
        '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
        'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="表"><Table>'
        f"<Row>{cells}</Row><Row>{values}</Row></Table></Worksheet></Workbook>",
        "utf-8",
    )
    record = read(path).records[0]
    assert (record.place.sheet, record.place.row) == ("表", "2")
    assert record.values == {"received": "2024-3-5", "demand": "想办证", "outcome": "是"}


def test_an_xls_that_is_a_web_archive_is_read_as_a_table(tmp_path: Path) -> None:
    page = (
        "<table><tr><td><table><tr><td>登记日期</td><td>诉求内容</td><td>办理过程</td></tr>"
        "<tr><td>2024-3-5</td><td>想办证</td><td>已办</td></tr></table></td></tr></table>"
    )
    body = base64.encodebytes(page.encode("gb18030")).decode()
    head = "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=X\n\n--X\n"
    part = f"Content-Type: text/html; charset=gb2312\nContent-Transfer-Encoding: base64\n\n{body}\n--X--\n"
    path = tmp_path / "导出.xls"
    path.write_text(head + part, "ascii")
    assert read(path).records[0].values["demand"] == "想办证"


def test_an_xls_that_is_text_is_read_as_text(tmp_path: Path) -> None:
    path = tmp_path / "导出.xls"
    path.write_bytes("登记日期\t诉求内容\t办理过程\r\n2024-3-5\t想办证\t已办\r\n".encode("gb18030"))
    assert read(path).records[0].values["demand"] == "想办证"


def test_old_work_books_keep_dates_numbers_and_merges(tmp_path: Path) -> None:
    xlwt = pytest.importorskip("xlwt")
    made = xlwt.Workbook()
    sheet = made.add_sheet("台账")
    sheet.write_merge(0, 0, 0, 3, "某县2022年台账")
    for i, name in enumerate(["登记日期", "诉求内容", "责任单位", "办理过程"]):
        sheet.write(1, i, name)
    sheet.write(2, 0, dt.datetime(2022, 5, 6), xlwt.easyxf(num_format_str="YYYY-MM-DD"))
    sheet.write(3, 0, 44739)
    sheet.write_merge(2, 3, 2, 2, "县住建局")
    for row in (2, 3):
        sheet.write(row, 1, "想办证")
        sheet.write(row, 3, "已办")
    made.save(str(tmp_path / "a.xls"))
    found = [(r.place.row, r.values["received"], r.values["lead_dept"]) for r in read(tmp_path / "a.xls").records]
    assert found == [("3", "2022-05-06", "县住建局"), ("4", "44739", "县住建局")]
