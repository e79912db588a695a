"""The report on hidden barriers: what it says, that it is made again to the byte, and that no text breaks it."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from docx import Document

from kb.config import Settings
from kb.errors import Fault
from kb.store import Store
from search import barrier_commands
from search.insight import report
from search.insight.report import Table
from search.insight.report_files import TYPES, write

from ..library import EVIL_TEXT
from . import barriers


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "kb.toml").write_text('[embedding]\nmodel = "fake"\n', "utf-8")
    return Settings(tmp_path, embedding_model="fake")


def _made(settings: Settings, **asked: str) -> report.Report:
    with Store(settings) as store:
        return report.make(store, **asked)


def _said(made: report.Report, title: str) -> str:
    section = next(each for each in made.sections if each.title == title)
    lines = [block if isinstance(block, list) else [block] for block in section.blocks if not isinstance(block, Table)]
    return "".join(words.text for each in lines for words in each)


def test_findings_count_each_case_once_and_keep_refusals_apart(settings: Settings) -> None:
    barriers.fill(settings)
    made = _made(settings)
    said = _said(made, "概要")
    assert "案例 10 件" in said and "落在 3 个反复出现的卡点上" in said
    assert "依法不能办的 1 件另计" in said
    assert "固化后又有 2 件" in said
    assert "民政局 → 住房和城乡建设局 → 民政局" in said or "住房和城乡建设局 → 民政局 → 住房和城乡建设局" in said
    assert made.day == "2023-09-02"


def test_the_fix_is_told_with_what_came_before_and_after(settings: Settings) -> None:
    barriers.fill(settings)
    made = _made(settings)
    told = next(_said(made, each.title) for each in made.sections if "姓名" in each.title and each.level == 2)
    assert "2023-03-20 闽侯县政务服务中心固化（流程）：两库差错由窗口合并" in told
    assert "同一大厅 2 件变 1 件，同一市 1 件变 1 件" in told and "判断：仍再发" in told


def test_every_note_is_a_case_with_id_hall_and_title_and_every_number_has_its_note(settings: Settings) -> None:
    barriers.fill(settings)
    made = _made(settings)
    case = barriers.NAMES[4]
    assert any(case.id in note and "闽侯县政务服务中心" in note and case.title in note for note in made.notes)
    page = write(made, "html").decode()
    assert set(re.findall(r'href="#(case\d+)"', page)) == set(re.findall(r'id="(case\d+)"', page)) != set()


@pytest.mark.parametrize("form", TYPES)
def test_the_same_data_gives_the_same_bytes(settings: Settings, form: str) -> None:
    barriers.fill(settings)
    first = write(_made(settings), form)
    assert first == write(_made(settings), form)
    if form == "docx":
        with zipfile.ZipFile(io.BytesIO(first)) as whole:
            assert {entry.date_time for entry in whole.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_word_document_has_headings_tables_and_jumps_to_the_cases(settings: Settings) -> None:
    barriers.fill(settings)
    content = write(_made(settings), "docx")
    document = Document(io.BytesIO(content))
    headings = [each.text for each in document.paragraphs if each.style and str(each.style.name).startswith("Heading")]
    assert {"概要", "线索", "图表", "互为前置", "方法", "局限", "案例"} <= set(headings)
    assert len(document.tables) >= 5
    with zipfile.ZipFile(io.BytesIO(content)) as whole:
        body = whole.read("word/document.xml").decode()
    marks = set(re.findall(r'w:bookmarkStart [^>]*w:name="(\w+)"', body))
    assert set(re.findall(r'w:hyperlink w:anchor="(\w+)"', body)) <= marks != set()


def test_a_hostile_text_stays_a_text(settings: Settings) -> None:
    barriers.fill(settings)
    made = _made(settings)
    page = write(made, "html").decode()
    assert "&lt;script&gt;" in page and "<script" not in page and "<img" not in page
    text = "\n".join(each.text for each in Document(io.BytesIO(write(made, "docx"))).paragraphs)
    assert EVIL_TEXT[:20] in text


def test_period_and_area_narrow_the_report(settings: Settings) -> None:
    barriers.fill(settings)
    made = _made(settings, since="2023-02", until="2023-03", region="长乐区")
    assert made.about[0] == "时段：2023-02 至 2023-03（案例 2023-02-11 至 2023-03-05）"
    assert made.about[1] == "地区：长乐区" and "案例 2 件" in _said(made, "概要")
    with pytest.raises(Fault):
        _made(settings, since="前年某天")


def test_without_cases_it_says_so(settings: Settings) -> None:
    made = _made(settings)
    assert "没有两件以上卡点相同的案例" in _said(made, "概要") and made.notes == []
    assert all(write(made, form) for form in TYPES)


def test_the_command_writes_the_file(settings: Settings, tmp_path: Path) -> None:
    barriers.fill(settings)
    wanted = tmp_path / "线索.html"
    asked = ["report", "--since", "2023", "--format", "html", "-o", str(wanted)]
    done = CliRunner(env={"KB_DATA": str(settings.data_dir)}).invoke(barrier_commands.barriers, asked)
    assert done.exit_code == 0, done.output
    assert wanted.read_bytes() == write(_made(settings, since="2023"), "html")
