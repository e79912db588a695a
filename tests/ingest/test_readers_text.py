"""Text tables and exports of systems: encodings, delimiters, quotation marks. Registers here are invented."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.readers import read

HEAD = "登记日期,诉求内容,办理过程,责任单位"
ROW = "2024-03-05,房产证丢了怎么补办，登报要多久,窗口指导在线声明，当天补发,县不动产登记中心"


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    rows = "\r\n".join([HEAD, *[ROW] * 3, ""])
    reading = read(write(tmp_path / "a.csv", rows, encoding))
    assert list(reading.columns.values()) == ["received", "demand", "measure", "lead_dept"]
    assert [record.place.row for record in reading.records] == ["2", "3", "4"]
    assert reading.records[0].values["lead_dept"] == "县不动产登记中心"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(tmp_path: Path, delimiter: str) -> None:
    text = f"{HEAD}\n{ROW}\n".replace(",", delimiter)
    assert len(read(write(tmp_path / "a.csv", text)).columns) == 4


def test_records_are_counted_with_header_and_leading_lines(tmp_path: Path) -> None:
    text = f'某县窗口导出，2024年一季度\n\n{HEAD}\n2024-3-5,"两行\n内容",已办,县局\n{ROW}\n'
    reading = read(write(tmp_path / "a.csv", text))
    assert [record.place.row for record in reading.records] == ["4", "5"]
    assert reading.records[0].values["demand"] == "两行\n内容"
    assert "2024年一季度" in reading.records[0].heading


def test_an_unpaired_quotation_mark_spoils_its_own_line_only(tmp_path: Path) -> None:
    text = f'{HEAD}\n2024-3-4,"没有收尾,已办,县局\n' + f"{ROW}\n" * 300
    reading = read(write(tmp_path / "a.csv", text))
    assert len(reading.records) == 300
    assert [problem.row for problem in reading.problems] == ["2"]


def test_a_quotation_mark_inside_a_cell_does_not_hurt(tmp_path: Path) -> None:
    text = f'{HEAD}\n2024-3-4,"办"不成"事",已办,县局\n{ROW}\n'
    reading = read(write(tmp_path / "a.csv", text))
    assert len(reading.records) == 2 and "不成" in reading.records[0].values["demand"]


def test_lines_in_a_second_encoding_are_read_with_a_notice(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = [HEAD.encode("gb18030"), *[ROW.encode("gb18030")] * 4, ROW.encode("utf-8"), ROW.encode("gb18030")]
    path.write_bytes(b"\r\n".join(lines))
    reading = read(path)
    assert len(reading.records) == 6
    assert any("编码" in problem.message for problem in reading.problems)
    assert all("不动产" in record.values["lead_dept"] for record in reading.records)


def test_formulas_and_scripts_are_text(tmp_path: Path) -> None:
    text = f'{HEAD}\n2024-3-5,"=HYPERLINK(""http://example.com"")",<script>alert(1)</script>,县局\n'
    values = read(write(tmp_path / "a.csv", text)).records[0].values
    assert values["demand"] == '=HYPERLINK("http://example.com")'
    assert values["measure"] == "<script>alert(1)</script>"


def test_control_characters_go_with_a_notice(tmp_path: Path) -> None:
    reading = read(write(tmp_path / "a.csv", f"{HEAD}\n2024-3-5,户\x00口\x1b[31m迁移,已\x0b办,县局\n"))
    assert reading.records[0].values["demand"] == "户口迁移"
    assert len(reading.problems) == 1


def test_a_line_of_absurd_length_is_left_out_and_the_rest_read(tmp_path: Path) -> None:
    text = f'{HEAD}\n2024-3-5,"{"办" * 700_000}",已办,县局\n{ROW}\n'
    reading = read(write(tmp_path / "a.csv", text))
    assert [record.place.row for record in reading.records] == ["3"]
    assert [problem.row for problem in reading.problems] == ["2"]


@given(st.binary(max_size=400))
def test_no_bytes_make_a_text_table_fail(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("wild") / "a.csv"
    path.write_bytes(HEAD.encode() + b"\n" + data)
    reading = read(path)
    assert not reading.rejected
    assert all(record.place.row.isdigit() for record in reading.records)


def test_json_lines(tmp_path: Path) -> None:
    lines = [
        {"caseNo": "A-1", "ts": "2024-03-05T09:00:00Z", "content": "想办证",
         "assist": ["县局", "市局"], "handle": None},
        {"caseNo": "A-2", "content": "想过户", "handle": "已办", "caller": {"name": "夏侯安", "phone": "13900000000"}},
    ]  # fmt: skip
    text = "\n".join([json.dumps(lines[0]), "{broken", json.dumps(lines[1]), '"word"', ""])
    reading = read(write(tmp_path / "a.jsonl", text))
    assert [(r.place.row, r.values["source_no"]) for r in reading.records] == [("1", "A-1"), ("3", "A-2")]
    assert reading.records[0].values["coop_depts"] == "县局、市局"
    assert reading.records[1].values["applicant"] == "夏侯安" and reading.records[1].values["phone"] == "13900000000"
    assert {problem.row for problem in reading.problems} == {"2", "4"}


def test_one_json_document_with_a_list(tmp_path: Path) -> None:
    document = {
        "total": 2,
        "data": [{"content": "想办证", "handle": "已办"}, {"content": "想过户", "handle": "已办"}],
    }
    reading = read(write(tmp_path / "a.json", json.dumps(document, indent=1)))
    assert [record.values["demand"] for record in reading.records] == ["想办证", "想过户"]


def test_a_file_without_json_is_refused(tmp_path: Path) -> None:
    assert "JSON" in read(write(tmp_path / "a.jsonl", "不是数据")).rejected
