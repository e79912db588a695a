"""Exports: stable names, nothing that a spreadsheet would run, and documents that open."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from urllib.parse import quote

import openpyxl
import pytest
from datasette.app import Datasette
from docx import Document
from hypothesis import given
from hypothesis import strategies as st

from kb import export, validity
from kb.citation import citation, position, rule, source
from kb.config import Settings
from kb.errors import Fault
from kb.model import Case
from kb.store import Store
from kb.web import serve

from ..library import BARE, EVIL, EVIL_TEXT, FULL, REFUSED, TWIN, WITHDRAWN, fill
from ..people import sign_in
from ..sites import only

CASE = Case(id="a", demand="=HYPERLINK(\"http://x\")", barriers=["互为前置", "信息不一致"], source_no="-7")
CONTROLS = Case(
    id="c", title="竖\x0b排\x00符号\ufffe", measure="第一行\n第二行\t后\x1b", obstacle="[不是列表", result="{也不是"
)  # fmt: skip
HEADING = export.Heading("办成案例库", "领域：住房公积金", "2026-01-02")


def written(form: str, *cases: Case) -> bytes:
    out = io.BytesIO()
    export.write(out, form, cases, HEADING)
    return out.getvalue()


def sheet_of(data: bytes) -> openpyxl.worksheet.worksheet.Worksheet:
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert isinstance(sheet, openpyxl.worksheet.worksheet.Worksheet)
    return sheet


def text_of(data: bytes) -> str:
    return "\n".join(paragraph.text for paragraph in Document(io.BytesIO(data)).paragraphs)


@given(st.text(max_size=20))
def test_no_cell_is_live(text: str) -> None:
    cell = export.safe_cell(text)
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "  =1", "\ufeff=1"])
def test_formulas_are_neutralised(text: str) -> None:
    assert export.safe_cell(text).startswith("'")


def test_jsonl_has_the_fields_of_the_design() -> None:
    first, second = written("jsonl", CASE, FULL).decode().splitlines()
    assert json.loads(first)["barriers"] == ["互为前置", "信息不一致"]
    assert json.loads(first)["demand"] == CASE.demand
    assert json.loads(second) == FULL.to_dict()


def test_csv_has_bom_and_chinese_header() -> None:
    data = written("csv", CASE)
    assert data.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
    assert row["诉求"].startswith("'=") and row["壁垒类型"] == "互为前置、信息不一致"


def test_xlsx_holds_text_not_formulas() -> None:
    sheet = sheet_of(written("xlsx", CASE, EVIL))
    values = [cell.value for row in sheet.iter_rows(min_row=2) for cell in row if isinstance(cell.value, str)]
    assert EVIL_TEXT in values
    assert not any(value.startswith(("=", "+", "-", "@")) for value in values)
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_xlsx_is_laid_out_for_reading() -> None:
    sheet = sheet_of(written("xlsx", FULL))
    assert sheet.freeze_panes == "A2"
    header = {cell.value: cell for cell in sheet[1]}
    column = header["办法"].column_letter
    assert sheet.column_dimensions[column].width == 60 and sheet[f"{column}2"].alignment.wrap_text
    assert sheet[f"{column}2"].value == FULL.measure


@pytest.mark.parametrize("form", ["xlsx", "docx", "csv", "jsonl"])
def test_odd_characters_break_no_document(form: str) -> None:
    data = written(form, CONTROLS, EVIL, BARE)
    if form == "xlsx":
        assert sheet_of(data)["D2"].value == "竖排符号"
    elif form == "docx":
        assert "竖排符号" in text_of(data) and "[不是列表" in text_of(data)
    else:
        assert "竖" in data.decode("utf-8-sig")


def test_docx_reads_in_the_order_of_a_consultation() -> None:
    data = written("docx", FULL, REFUSED)
    text = text_of(data)
    assert "领域：住房公积金　共 2 件　2026-01-02 导出" in text
    parts = [f"{name}　" for name in ("卡点", "办法", "依据", "找谁", "结果", "来源")]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "《旧的操作办法》（榕公积金〔2010〕1号）［已废止］" in text and "用时 3 个工作日" in text
    document = Document(io.BytesIO(data))
    titles = [paragraph.text for paragraph in document.paragraphs if paragraph.style.name == "Heading 1"]
    assert titles == [f"1. {FULL.title}", f"2. {REFUSED.title}"]
    assert 'w:instr="PAGE"' in document.sections[0].footer._element.xml


@pytest.mark.parametrize("form", ["docx", "xlsx", "csv"])
async def test_files_say_that_a_rule_has_changed(site: Datasette, settings: Settings, form: str) -> None:
    with Store(settings) as store:
        validity.declare(store, "国务院令第350号", "废止", "2024-05", "由新条例代替")
    data = (await site.client.get(f"/export?format={form}&ids={FULL.id}")).content
    sheet = "\n".join(str(cell.value) for row in sheet_of(data) for cell in row) if form == "xlsx" else ""
    text = text_of(data) if form == "docx" else sheet or data.decode("utf-8-sig")
    assert "2024-05 已废止：由新条例代替" in text


def test_docx_holds_markup_as_text() -> None:
    data = written("docx", EVIL)
    assert EVIL_TEXT in text_of(data)
    document = Document(io.BytesIO(data))
    assert not document.element.xpath("//w:hyperlink") and "javascript" not in "".join(
        rel.target_ref for rel in document.part.rels.values()
    )


def test_a_file_that_is_too_large_says_what_to_do() -> None:
    export.check_size("docx", 500)
    with pytest.raises(Fault, match="Word 一次至多 500 件.*筛选"):
        export.check_size("docx", 501)
    with pytest.raises(Fault, match="50,000"):
        export.check_size("csv", 50_001)


def test_citation_names_whose_it_is_and_what_still_holds() -> None:
    quoted = citation(FULL, "http://x/case/1")
    assert quoted.startswith(f"《{FULL.title}》（闽侯县政务服务中心，2024-03-07，办成）")
    assert "住房公积金管理条例" in quoted and "旧的操作办法" not in quoted and quoted.endswith("http://x/case/1")
    assert "台账.xlsx 三月 第 7 行" in source(FULL)
    assert rule({"title": "", "doc_no": "税总发〔2022〕15号"}) == "税总发〔2022〕15号"
    assert citation(Case(id="z")) == "《（无标题）》。案例编号 z"


@pytest.mark.parametrize(
    ("row", "words"),
    [("7", "第 7 行"), ("L8-L8", "第 8 行"), ("L9-L10", "第 9—10 行"), ("p3-p13", "第 3—13 段"), ("case1", "case1")],
)
def test_the_place_in_a_file_is_told_in_words(row: str, words: str) -> None:
    assert position(row) == words


# Through HTTP


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return fill(Settings(tmp_path / "kb-data"))


@pytest.fixture
def site(settings: Settings) -> Datasette:
    return serve.make_datasette(settings)


@pytest.fixture(autouse=True)
def _ground_floor_only():  # type: ignore[no-untyped-def]
    with only("kb.web.plugin"):
        yield


async def test_export_takes_what_the_filters_leave(site: Datasette) -> None:
    answer = await site.client.get("/export?format=jsonl&barrier=信息不一致")
    ids = [json.loads(line)["id"] for line in answer.text.splitlines()]
    assert ids == [TWIN.id, FULL.id]  # newest first
    name = answer.headers["content-disposition"]
    assert f"filename*=UTF-8''{quote('办成案例库-')}20" in name and name.isascii() and name.endswith(".jsonl")


async def test_export_takes_a_selection_in_its_order(site: Datasette) -> None:
    wanted = f"{REFUSED.id},{FULL.id},nosuch,{WITHDRAWN.id},{REFUSED.id}"
    for address in (f"/export?format=jsonl&chosen=1&ids={wanted}", f"/api/v1/export?format=jsonl&ids={wanted}",
                    "/export?format=jsonl&ids=" + wanted.replace(",", "&ids=")):  # fmt: skip
        lines = (await site.client.get(address)).text.splitlines()
        assert [json.loads(line)["id"] for line in lines] == [REFUSED.id, FULL.id], address


@pytest.mark.parametrize("form", ["xlsx", "docx", "csv", "jsonl"])
async def test_every_format_is_served_whole(site: Datasette, form: str) -> None:
    for address in ("/export", "/api/v1/export"):
        answer = await site.client.get(f"{address}?format={form}")
        assert answer.status_code == 200 and answer.headers["content-type"] == export.FORMATS[form].type
        if form == "xlsx":
            assert sheet_of(answer.content).max_row == 6
        elif form == "docx":
            assert EVIL_TEXT in text_of(answer.content)
        else:
            assert FULL.measure in answer.text
        assert WITHDRAWN.demand.encode() not in answer.content


@pytest.mark.parametrize(("query", "said"), [
    ("format=pdf", "xlsx"),
    ("format=xlsx&chosen=1", "还没有选中"),
    ("format=csv&ids=" + ",".join(map(str, range(1001))), "1000"),
])  # fmt: skip
async def test_a_wrong_export_is_refused_in_chinese(site: Datasette, query: str, said: str) -> None:
    answer = await site.client.get(f"/export?{query}")
    assert answer.status_code == 400 and said in answer.text


async def test_more_than_fits_is_refused(site: Datasette, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    monkeypatch.setitem(export.FORMATS, "docx", replace(export.FORMATS["docx"], most=2))
    answer = await site.client.get("/api/v1/export?format=docx")
    assert answer.status_code == 400 and "要导出的有 5 件，Word 一次至多 2 件" in answer.json()["error"]
    assert "Word 至多 2 件" in (await site.client.get("/cases")).text


async def test_strangers_export_from_an_open_library_only(settings: Settings) -> None:
    cookies = sign_in(settings, "window")
    site = serve.make_datasette(settings)
    for address in ("/export?format=csv", "/api/v1/export?format=csv"):
        refused = await site.client.get(address)
        assert refused.status_code in (302, 401, 403) and FULL.title not in refused.text, address
        assert FULL.title in (await site.client.get(address, cookies=cookies)).text
