"""The report on hidden barriers: what it says, that it is made again to the byte, and that no text breaks it."""

from __future__ import annotations

import dataclasses
import io
import re
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from docx import Document

from kb.config import Settings
from kb.errors import Fault
from kb.model import Case
from kb.store import Store
from search import barrier_commands
from search.insight import classes, report
from search.insight.report_files import TYPES, write
from search.insight.report_parts import Table, marks, shortened

from ..library import EVIL_TEXT
from . import barriers


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
    assert "依法不能办的 1 件另计" in said and "其余" not in said
    assert "固化后又有 2 件" in said
    assert "民政局 → 住房和城乡建设局 → 民政局" in said or "住房和城乡建设局 → 民政局 → 住房和城乡建设局" in said
    assert made.day == "2023-09-02"


def test_the_fix_is_told_with_what_came_before_and_after(settings: Settings) -> None:
    barriers.fill(settings)
    made = _made(settings)
    told = next(_said(made, each.title) for each in made.sections if "姓名" in each.title and each.level == 2)
    assert "2023-03-20 闽侯县政务服务中心固化（流程）：两库差错由窗口合并" in told
    assert "固化前 3 件（同一大厅 2 件、同一市 1 件），其后 166 天又有 2 件（同一大厅 1 件、同一市 1 件）" in told
    assert "折合每年由" in told and "95% 区间" in told and "判断：仍再发" in told


def test_what_came_back_only_elsewhere_is_counted_and_told_apart(settings: Settings) -> None:
    barriers.fill(settings)
    far = {"province": "山东省", "city": "聊城市", "county": "阳谷县"}
    with Store(settings) as store:
        later = [dataclasses.replace(one, region=far, hall={"name": "阳谷县政务服务中心"}, outcome=outcome)
                 for one, outcome in zip(barriers.NAMES[3:], ("部分办成", "转其他渠道"), strict=True)]  # fmt: skip
        store.publish(later, by="测试")
    made = _made(settings)
    said = _said(made, "概要")
    assert "只在别处仍有 1 个" in said and "仍再发" not in said and "固化后又有" not in said
    told = next(_said(made, each.title) for each in made.sections if "姓名" in each.title and each.level == 2)
    assert "判断：固化处未再发，别处仍有 2 件" in told
    asked = "可问：闽侯县政务服务中心（办成 2 件）、长乐区政务服务中心（办成 1 件）"
    assert f"{asked}；可告：阳谷县政务服务中心（未办成 2 件）。" in told


def test_of_few_cases_no_rate_is_told(settings: Settings) -> None:
    barriers.fill(settings)
    with Store(settings) as store:
        store.withdraw(barriers.NAMES[0].id, by="测试", reason="试")
    made = _made(settings)
    told = next(_said(made, each.title) for each in made.sections if "姓名" in each.title and each.level == 2)
    assert "固化前 2 件" in told and "折合" not in told


#: What seven people tell of one mixing plant; each letter alone would be sent elsewhere.
PLANT = [
    Case(f"plant{at:07}", title="新城小区旁的搅拌站整夜噪音", demand=f"搅拌站整夜施工，第{at}天睡不着",
         obstacle="搅拌站整夜噪音", barriers=["非政务诉求"], confidence={"barriers": 0.5}, received=f"2023-05-0{at}")
    for at in range(1, 8)
]  # fmt: skip


def test_a_problem_told_by_many_says_by_how_many_and_is_no_non_government_matter(settings: Settings) -> None:
    """What each letter alone would be sent elsewhere for, but many tell, is listed as what it is."""
    with Store(settings) as store:
        store.publish(PLANT, by="测试")
    made = _made(settings)
    said, told = _said(made, "概要"), next(_said(made, each.title) for each in made.sections if each.level == 2)
    assert "7 件落在 1 个反复出现的卡点上，都没有写明大厅" in said and "都由程序归类，还没有人认定" in said
    assert "逐件看多是非政务诉求" in said and "7 个不同的人反映同一问题" in told
    assert "另计，不算壁垒" not in said
    assert not any("非政务诉求" in text for table in _pictures(made) for text in table.head)
    assert "没有写明县（市、区），不画分布" in _said(made, "图表") and "只有 0 件写明结果" in _said(made, "图表")


def test_what_many_tell_and_what_is_kept_apart_do_not_contradict_each_other(settings: Settings) -> None:
    with Store(settings) as store:
        store.publish(PLANT, by="测试")
        other = Case("other0000001", title="讨要网购退款", demand="商家不给退款", barriers=["非政务诉求"],
                     received="2023-05-01")  # fmt: skip
        store.publish([other], by="测试")
    said = _said(_made(settings), "概要")
    assert "非政务诉求 1 件另计，不算壁垒（另有 7 件逐件看也是这样，但许多人反映的是同一个问题，算在线索里" in said


def _pictures(made: report.Report) -> list[Table]:
    section = next(each for each in made.sections if each.title == "图表")
    return [block for block in section.blocks if isinstance(block, Table)]


def test_what_was_kept_apart_by_the_machine_alone_is_said_to_be_so(settings: Settings) -> None:
    with Store(settings) as store:
        guessed = dataclasses.replace(barriers.REFUSED, id="guessed", confidence={"outcome": 0.6})
        store.publish([barriers.REFUSED, guessed], by="测试")
    assert "2 件，其中 1 件由程序从内容判断，没有人核对" in _said(_made(settings), "另计的")


def test_an_undated_fix_is_told_as_one_that_cannot_be_judged(settings: Settings) -> None:
    with Store(settings) as store:
        fixed = {"kind": "流程", "text": "两库差错由窗口合并"}
        cases = [dataclasses.replace(case, received="", solidified=fixed) for case in barriers.NAMES[:2]]
        store.publish(cases, by="测试")
        classes.make(store, [case.id for case in cases], "测试")
    made = _made(settings)
    told = next(_said(made, each.title) for each in made.sections if each.level == 2)
    assert "两库差错由窗口合并" in told and "没有日期，无法比较前后" in told and "没有记固化措施" not in told
    assert made.about[2].endswith("案例都没有日期，数据版本 2")


def test_the_cases_of_a_barrier_follow_one_another_and_stand_as_a_run(settings: Settings) -> None:
    barriers.fill(settings)
    made = _made(settings)
    assert marks((1, 2, 3, 5, 8, 9)) == [(1, "[1~3]"), (5, "[5]"), (8, "[8~9]")]
    ranking = next(block for each in made.sections if each.title == "线索" for block in each.blocks)
    assert isinstance(ranking, Table) and [row[3].notes for row in ranking.rows][0] == (1, 2, 3, 4, 5)
    assert all(len(row[3].notes) == int(row[3].text) for row in ranking.rows)


def test_a_long_label_is_cut_between_words() -> None:
    text = "不动产登记中心的系统里没有这一类房屋的登记选项"
    assert shortened(text, 8) == "不动产登记中心…" and shortened(text, 7) != "不动产登记中…"
    assert shortened(text, 99) == text and len(shortened("长" * 80, 20)) in (19, 20)


def test_numbers_and_dates_have_room_in_their_cells(settings: Settings) -> None:
    barriers.fill(settings)
    heads = [text for table in _pictures(_made(settings)) for text in table.head]
    assert "2023\n3月" in heads  # in two lines, so that none is broken within a number


def test_every_note_is_a_case_with_id_hall_and_title_and_every_number_has_its_note(settings: Settings) -> None:
    barriers.fill(settings)
    made = _made(settings)
    case = barriers.NAMES[4]
    assert any(case.id in note and "闽侯县政务服务中心" in note and case.title in note for note in made.notes)
    page = write(made, "html").decode()
    runs = re.findall(r'href="#case(\d+)">\[(\d+)(?:~(\d+))?\]', page)
    assert all(first == start for first, start, _ in runs)
    named = {number for _, start, end in runs for number in range(int(start), int(end or start) + 1)}
    listed = [int(number) for number in re.findall(r'id="case(\d+)"', page)]
    assert listed == sorted(named) == list(range(1, len(made.notes) + 1))


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
    assert made.name == "隐性壁垒线索报告-长乐区-2023-02至2023-03"
    assert made.about[1] == "地区：长乐区" and "案例 2 件" in _said(made, "概要")
    with pytest.raises(Fault):
        _made(settings, since="前年某天")


def test_without_cases_it_says_so(settings: Settings) -> None:
    made = _made(settings)
    assert _said(made, "概要") == "案例库里还没有案例，没有什么可报。" and made.notes == []
    assert "还没有案例" in made.about[2] and [each.title for each in made.sections] == ["概要"]
    assert all(write(made, form) for form in TYPES)


def test_a_library_of_one_case_or_one_without_classes_says_what_is_missing(settings: Settings) -> None:
    with Store(settings) as store:
        store.publish(barriers.NAMES[:1], by="测试")
        assert "没有两件以上卡点相同的案例" in _said(_made(settings), "概要")
        store.publish(barriers.CIRCLE, by="测试")
    assert "案例还没有归类" in _said(_made(settings), "概要")
    assert "这个时段和地区里没有案例" in _said(_made(settings, since="2030"), "概要")
    assert _made(settings, region="火星").about[1] == "地区：火星（区划表里没有，按名称找）"


def test_the_command_writes_the_file(settings: Settings, tmp_path: Path) -> None:
    barriers.fill(settings)
    wanted = tmp_path / "线索.html"
    asked = ["report", "--since", "2023", "-o", str(wanted)]  # what kind of file, its name says
    done = CliRunner(env={"KB_DATA": str(settings.data_dir)}).invoke(barrier_commands.barriers, asked)
    assert done.exit_code == 0, done.output
    assert wanted.read_bytes() == write(_made(settings, since="2023"), "html")
    for other in (["--format", "html"], []):
        asked = ["report", *other, "-o", str(tmp_path / "没有的文件夹" / "线索.docx")]
        done = CliRunner(env={"KB_DATA": str(settings.data_dir)}).invoke(barrier_commands.barriers, asked)
        assert isinstance(done.exception, Fault) and "没有的文件夹" in str(done.exception)
