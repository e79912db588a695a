"""Layouts of registers as halls of different provinces keep them: which rows are cases, what columns say.

Every register here is invented.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from ingest.readers import read
from ingest.records import Reading

STORY = "想给老房子装天然气，燃气公司要房产证，可房产证还压在银行，跑了三趟都没装上。"
WHY = "报装须查验产权证原件，抵押期间原件由银行保管。"
HOW = "专窗联系银行出具抵押证明，燃气公司凭证明和复印件受理，三天后通气。"


def book(path: Path, **sheets: list[list[Any]]) -> Path:
    """A work book with the given sheets; `None` cells stay empty."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


def merge(path: Path, sheet: str, *ranges: str) -> Path:
    made = openpyxl.load_workbook(path)
    for block in ranges:
        made[sheet].merge_cells(block)
    made.save(path)
    return path


def rows(reading: Reading) -> list[str]:
    return [record.place.row for record in reading.records]


def case(n: int) -> list[Any]:
    return [
        n,
        f"2024-03-0{n}",
        "夏侯安",
        "燃气报装",
        f"第{n}件，{STORY}",
        WHY,
        HOW,
        "市住建局",
        f"2024-03-1{n}",
        "办成",
    ]


NAMES = [
    "序号",
    "收件日期",
    "来访人",
    "申办事项",
    "诉求内容",
    "未办成原因",
    "处理经过",
    "主办单位",
    "办结日期",
    "办结结果",
]


def test_header_on_the_fifth_row_below_title_and_reporting_unit(tmp_path: Path) -> None:
    path = book(
        tmp_path / "台账.xlsx",
        台账=[
            ["青禾县政务服务中心2024年一季度“办不成事”反映窗口登记台账"],
            ["填报单位：青禾县政务服务中心", None, None, "填报人：梁某", None, None, "联系电话：12345"],
            [],
            ["单位：件"],
            NAMES,
            case(1),
            case(2),
        ],
    )
    reading = read(path)
    assert rows(reading) == ["6", "7"]
    assert "青禾县政务服务中心2024年一季度" in reading.records[0].heading
    assert "填报单位：青禾县政务服务中心" in reading.records[0].heading
    assert reading.records[1].values["demand"] == f"第2件，{STORY}"


def test_repeated_header_sum_continuation_signature_and_blank_rows_are_no_cases(tmp_path: Path) -> None:
    path = book(
        tmp_path / "a.xlsx",
        S=[
            NAMES, case(1), [], ["续表"], NAMES, case(2), ["小计", None, None, None, "2件"],
            ["二、企业类"], case(3), ["合 计", "3件"],
            ["填表人：某某", None, "审核人：某某", None, "填报日期：2024年3月31日"],
            ["注：本表按季度报送。"],
        ],
    )  # fmt: skip
    reading = read(path)
    assert rows(reading) == ["2", "6", "9"]
    assert "二、企业类" in reading.records[2].heading
    assert not [problem for problem in reading.problems if problem.row]


def test_two_level_header_with_merges(tmp_path: Path) -> None:
    path = book(
        tmp_path / "b.xlsx",
        S=[
            ["序号", "反映人", None, "受理情况", None, None, "办理情况", None, None, None, "回访情况", None],
            [None, "姓名", "电话", "时间", "经办人", "内容", "单位", "时间", "过程", "结果", "时间", "结果"],
            [1, "夏侯安", "0631-5550123", "2024-1-5", "小某", STORY, "市住建局", "2024-1-9",
             HOW, "办成", "2024-2-1", "满意，已用上气"],
        ],
    )  # fmt: skip
    merge(path, "S", "A1:A2", "B1:C1", "D1:F1", "G1:J1", "K1:L1")
    record = read(path).records[0]
    assert record.place.row == "3"
    expected = {
        "serial": "1", "applicant": "夏侯安", "phone": "0631-5550123", "received": "2024-1-5", "clerk": "小某",
        "demand": STORY, "lead_dept": "市住建局", "closed": "2024-1-9", "measure": HOW, "outcome": "办成",
        "followup": "满意，已用上气",
    }  # fmt: skip
    assert {name: record.values.get(name) for name in expected} == expected
    assert record.extra == {"回访情况·时间": "2024-2-1"}


def test_two_level_header_without_merges_as_in_csv(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(
        "某县台账,,,,,\n序号,诉求情况,,办理情况,,备注\n,事项,内容,责任单位,办理过程,\n"
        f"1,燃气报装,{STORY},市住建局,{HOW},\n",
        "gb18030",
    )
    reading = read(path)
    assert rows(reading) == ["4"]
    assert reading.columns == {
        "序号": "serial", "事项": "matter", "内容": "demand", "责任单位": "lead_dept", "办理过程": "measure",
        "备注": "remarks",
    }  # fmt: skip


def test_group_row_above_the_real_header(tmp_path: Path) -> None:
    path = book(
        tmp_path / "d.xlsx",
        S=[
            ["基本信息", None, None, "过程信息", None],
            ["登记日期", "办理事项", "群众诉求", "卡点", "解决办法"],
            ["2024-5-6", "燃气报装", STORY, WHY, HOW],
        ],
    )
    merge(path, "S", "A1:C1", "D1:E1")
    assert read(path).records[0].values == {
        "received": "2024-5-6", "matter": "燃气报装", "demand": STORY, "obstacle": WHY, "measure": HOW,
    }  # fmt: skip


def test_vertical_merges_are_inherited(tmp_path: Path) -> None:
    path = book(
        tmp_path / "e.xlsx",
        S=[
            ["所属区县", "序号", "诉求内容", "承办单位", "办理情况"],
            ["东川县", 1, "甲：" + STORY, "县住建局", HOW],
            [None, 2, "乙：" + STORY, None, HOW],
            ["西川县", 3, "丙：" + STORY, "县水务局", HOW],
        ],
    )
    merge(path, "S", "A2:A3", "D2:D3")
    found = [(record.values["region"], record.values["lead_dept"]) for record in read(path).records]
    assert found == [("东川县", "县住建局"), ("东川县", "县住建局"), ("西川县", "县水务局")]


def test_one_case_over_several_rows_of_steps(tmp_path: Path) -> None:
    path = book(
        tmp_path / "f.xlsx",
        S=[
            ["序号", "诉求内容", "办理过程", "办理结果"],
            [1, STORY, "3月1日：专窗登记，转住建局。", "办成"],
            [None, None, "3月4日：银行出具抵押证明。", None],
            [2, "另一件：" + STORY, HOW, "办成"],
        ],
    )
    merge(path, "S", "A2:A3", "B2:B3", "D2:D3")
    reading = read(path)
    assert rows(reading) == ["2", "4"]
    assert reading.records[0].values["measure"] == "3月1日：专窗登记，转住建局。\n3月4日：银行出具抵押证明。"
    assert [place.row for place in reading.records[0].linked] == ["3"]


def test_one_sheet_per_month_gives_the_month_in_the_heading(tmp_path: Path) -> None:
    sheets = {f"{month}月": [NAMES, case(month)] for month in (1, 2, 3)}
    reading = read(book(tmp_path / "青禾县2024年台账.xlsx", **sheets))
    assert [(record.place.sheet, record.place.row) for record in reading.records] == [
        ("1月", "2"),
        ("2月", "2"),
        ("3月", "2"),
    ]
    assert "2024年" in reading.records[2].heading and "3月" in reading.records[2].heading


def test_headings_with_breaks_brackets_marks_and_blanks(tmp_path: Path) -> None:
    path = book(
        tmp_path / "g.xlsx",
        S=[
            [
                "*登记\n日期",
                "诉求内容\n（简述）",
                "3.未办成 原 因",
                "【必填】处理过程",
                "责任单位：",
                "“办不成事”结果",
            ],
            ["2024/1/2", STORY, WHY, HOW, "市住建局", "办成"],
        ],
    )
    reading = read(path)
    assert list(reading.columns.values()) == [
        "received",
        "demand",
        "obstacle",
        "measure",
        "lead_dept",
        "outcome",
    ]
    assert "登记日期" in next(iter(reading.columns))


def test_rows_of_units_numbers_and_examples_below_the_header(tmp_path: Path) -> None:
    path = book(
        tmp_path / "h.xlsx",
        S=[
            ["登记日期", "诉求内容", "未办成原因", "办理过程"],
            ["（yyyy-mm-dd）", "（必填）", "（必填）", "（选填）"],
            [1, 2, 3, 4],
            ["示例", "某人来窗口反映某事办不成", "缺少材料", "补齐后办理"],
            ["2024-1-2", STORY, WHY, HOW],
        ],
    )
    reading = read(path)
    assert rows(reading) == ["5"]
    assert [problem.row for problem in reading.problems] == ["4"]


def test_english_header(tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_text(
        "Ticket ID,Date Opened,County,Applicant Name,Mobile,Service Item,Description,Root Cause,Action Taken,"
        "Lead Dept,Date Closed,Outcome\n"
        f"T-1,2024-03-01,青禾县,夏侯安,13900000000,燃气报装,{STORY},{WHY},{HOW},市住建局,2024-03-05,办成\n",
        "utf-8",
    )
    assert list(read(path).columns.values()) == [
        "source_no", "received", "region", "applicant", "phone", "matter", "demand", "obstacle", "measure",
        "lead_dept", "closed", "outcome",
    ]  # fmt: skip


def test_two_registers_one_below_the_other(tmp_path: Path) -> None:
    path = book(
        tmp_path / "j.xlsx",
        S=[
            ["一、群众类"], NAMES[:7], case(1)[:7], case(2)[:7], [],
            ["二、企业类"], ["序号", "企业名称", "反映问题", "堵点", "解决措施"], [1, "青禾某某公司", STORY, WHY, HOW],
        ],
    )  # fmt: skip
    reading = read(path)
    assert rows(reading) == ["3", "4", "8"]
    assert reading.records[2].values["applicant"] == "青禾某某公司"


def test_two_registers_side_by_side(tmp_path: Path) -> None:
    names = ["序号", "诉求内容", "未办成原因", "办理过程"]
    path = book(
        tmp_path / "k.xlsx",
        S=[[*names, None, *names], [1, "甲" + STORY, WHY, HOW, None, 2, "乙" + STORY, WHY, HOW]],
    )
    assert [record.values["demand"][0] for record in read(path).records] == ["甲", "乙"]


@pytest.mark.parametrize("merged", [True, False])
def test_form_with_labels_and_values(tmp_path: Path, merged: bool) -> None:
    path = book(
        tmp_path / "登记表.xlsx",
        登记表=[
            ["青禾县“办不成事”反映窗口登记表"],
            ["申请人", "夏侯安", "联系电话", "13900000000"],
            ["登记时间", "2024年3月1日", "办理事项", "燃气报装"],
            ["诉求内容", STORY],
            ["未办成原因", WHY],
            ["办理过程", HOW],
            ["责任单位", "市住建局", "办结时间", "2024年3月5日"],
            ["办理结果", "办成", "回访情况", "满意"],
            ["备注"],
        ],
    )
    if merged:
        merge(path, "登记表", "A1:D1", "B4:D4", "B5:D5", "B6:D6")
    reading = read(path)
    assert len(reading.records) == 1
    record = reading.records[0]
    assert record.place.row == "2"
    assert record.values["demand"] == STORY and record.values["obstacle"] == WHY and record.values["measure"] == HOW
    assert record.values["applicant"] == "夏侯安" and record.values["closed"] == "2024年3月5日"
    assert "青禾县" in record.heading


def test_several_forms_on_one_sheet_and_one_form_per_sheet(tmp_path: Path) -> None:
    def form(n: int) -> list[list[Any]]:
        return [
            ["登记表"],
            ["编号", f"QH-{n:03}", "登记日期", f"2024-3-{n}"],
            ["姓名", "夏侯安", "电话", "13900000000"],
            ["反映问题", f"第{n}件：{STORY}"],
            ["卡在哪里", WHY],
            ["怎么办的", HOW],
        ]

    reading = read(book(tmp_path / "l.xlsx", 甲=[*form(1), [], *form(2)], 乙=form(3)))
    assert [(r.place.sheet, r.place.row, r.values["source_no"]) for r in reading.records] == [
        ("甲", "2", "QH-001"), ("甲", "9", "QH-002"), ("乙", "2", "QH-003"),
    ]  # fmt: skip


def test_letters_with_labelled_parts_do_not_make_a_register_a_sheet_of_forms(tmp_path: Path) -> None:
    letters = [
        "标题：水表 事由：过户 地点：旧街",
        "背景：老房 请求：立户 内容：水费",
        "问题：不给办 诉求：尽快 申请人：夏侯安",
    ]
    rows = [[f"2024{n:04}", f"用户{n}", "水表立户", "2024-03-05", letters[n // 20] if n % 20 == 0 else STORY]
            for n in range(60)]  # fmt: skip
    path = book(tmp_path / "n.xlsx", S=[["留言编号", "留言用户", "留言主题", "留言时间", "留言详情"], *rows])
    assert len(read(path).records) == 60


def test_cases_in_columns(tmp_path: Path) -> None:
    path = book(
        tmp_path / "m.xlsx",
        S=[
            ["项目", "案例一", "案例二", "案例三"],
            ["办理事项", "燃气报装", "水表过户", "电表分户"],
            ["反映问题", "甲" + STORY, "乙" + STORY, "丙" + STORY],
            ["未办成原因", WHY, WHY, WHY],
            ["解决办法", HOW, HOW, HOW],
            ["责任单位", "市住建局", "市水务局", "市供电公司"],
        ],
    )
    reading = read(path)
    assert [record.values["demand"][0] for record in reading.records] == ["甲", "乙", "丙"]
    assert [record.place.row for record in reading.records] == ["B", "C", "D"]


def test_sheets_that_are_no_register_are_named(tmp_path: Path) -> None:
    path = book(tmp_path / "n.xlsx", 填表说明=[["一、逐件登记。"], ["二、次月5日前报送。"]], 台账=[NAMES, case(1)])
    reading = read(path)
    assert rows(reading) == ["2"]
    assert [(problem.sheet, problem.row) for problem in reading.problems] == [("填表说明", "")]


def test_hidden_sheets_and_rows_are_read_and_named(tmp_path: Path) -> None:
    path = book(tmp_path / "o.xlsx", 台账=[NAMES, case(1), case(2)], 旧表=[NAMES, case(3)], 选项=[["是"], ["否"]])
    made = openpyxl.load_workbook(path)
    made["旧表"].sheet_state = "hidden"
    made["选项"].sheet_state = "veryHidden"
    made["台账"].row_dimensions[3].hidden = True
    made.save(path)
    reading = read(path)
    assert len(reading.records) == 3
    assert [problem.sheet for problem in reading.problems] == ["台账", "旧表"]


def test_rows_that_tell_nothing_are_skipped_and_named(tmp_path: Path) -> None:
    path = book(tmp_path / "p.xlsx", S=[NAMES, case(1), [2], [3, "2024-03-09", "夏侯安", "燃气报装"], case(4)])
    reading = read(path)
    assert rows(reading) == ["2", "5"]
    assert [problem.row for problem in reading.problems] == ["3", "4"]
    assert not any("夏侯安" in problem.message for problem in reading.problems)


def test_empty_work_book_is_accepted_with_a_notice(tmp_path: Path) -> None:
    reading = read(book(tmp_path / "q.xlsx", S=[]))
    assert not reading.rejected and reading.rows == 0
    assert len(reading.problems) == 1 and not reading.problems[0].row


def test_a_table_without_header_is_understood_by_its_cells(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    lines = [f"2024-03-0{n},夏侯安,1390000000{n},市住建局,来电反映我家{STORY}".replace("，", "；") for n in range(1, 5)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    reading = read(path)
    assert rows(reading) == ["1", "2", "3", "4"]
    assert reading.records[0].values["phone"] == "13900000001"
    assert "demand" in reading.columns.values()


def test_the_day_of_filling_in_does_not_blur_the_year(tmp_path: Path) -> None:
    note = ["填表单位：青禾县", None, "填报日期：2024年1月5日"]
    path = book(tmp_path / "台账.xlsx", 台账=[["2023年度台账"], NAMES, case(1), note])
    assert read(path).records[0].heading == "2023年度台账\n台账\n台账\n填表单位：青禾县"
    path = book(tmp_path / "台账.xlsx", 台账=[["年度台账"], NAMES, case(1), note])
    assert "2024年1月5日" in read(path).records[0].heading


def test_a_paragraph_below_the_table_is_no_case(tmp_path: Path) -> None:
    told = (
        "一、本表由专窗当班人员逐件登记，次月五日前报送；二、疑难件须附会议纪要，由专班研究；三、咨询请拨打服务热线。"
    )
    reading = read(book(tmp_path / "u.xlsx", S=[NAMES, case(1), case(2), [told]]))
    assert rows(reading) == ["2", "3"] and not reading.problems


def test_three_level_header(tmp_path: Path) -> None:
    path = book(
        tmp_path / "s.xlsx",
        S=[
            ["某市2024年台账"],
            ["序号", "受理环节", None, None, None, "办理环节", None, None],
            [None, "反映人", None, "反映情况", None, "责任部门", "办理过程", None],
            [None, "姓名", "电话", "日期", "内容", "牵头单位", "措施", "结果"],
            [1, "夏侯安", "13900000001", "2024.1.2", STORY, "市住建局", HOW, "办成"],
        ],
    )
    merge(path, "S", "A1:H1", "A2:A4", "B2:E2", "F2:H2", "B3:C3", "D3:E3", "G3:H3")
    record = read(path).records[0]
    assert record.place.row == "5" and record.extra == {}
    assert record.values == {
        "serial": "1", "applicant": "夏侯安", "phone": "13900000001", "received": "2024.1.2", "demand": STORY,
        "lead_dept": "市住建局", "measure": HOW, "outcome": "办成",
    }  # fmt: skip


def test_blank_region_cells_mean_as_above_and_sections_go_to_the_heading(tmp_path: Path) -> None:
    path = book(
        tmp_path / "t.xlsx",
        S=[
            ["区县", "诉求", "怎么办成的"], ["青禾县", "甲" + STORY, HOW], [None, "乙" + STORY, HOW],
            ["白石县（1件）"], ["白石县", "丙" + STORY, HOW],
        ],
    )  # fmt: skip
    found = read(path).records
    assert [record.values["region"] for record in found] == ["青禾县", "青禾县", "白石县"]
    assert "白石县（1件）" in found[2].heading and "白石县（1件）" not in found[0].heading


def test_two_levels_without_merges_beside_a_column_without_parts(tmp_path: Path) -> None:
    path = book(
        tmp_path / "a.xlsx",
        台账=[
            ["序号", "来访", None, "问题", None, "办理", None, "回访", None],
            [None, "时间", "姓名", "内容", "原因", "措施", "时间", "时间", "情况"],
            [1, "2024-03-01", "夏侯安", STORY, WHY, HOW, "2024-03-09", "2024-03-15", "满意"],
        ],
    )
    record = read(path, "a.xlsx").records[0]
    found = tuple(record.values[name] for name in ("serial", "received", "closed"))
    assert found == ("1", "2024-03-01", "2024-03-09")
    assert record.extra == {"回访·时间": "2024-03-15"}


def test_year_month_and_day_in_columns_of_their_own(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", 台账=[["年", "月", "日", "诉求", "办理情况"], [2021, 3, 5, STORY, HOW]])
    assert read(path, "a.xlsx").records[0].values["received"] == "2021年3月5日"


def test_a_form_written_as_lines_with_colons(tmp_path: Path) -> None:
    lines = [
        ["某县反映登记表"], ["登记编号：DA-001    登记时间：2024年3月1日"], ["反映人：夏侯安   联系电话：13900000001"],
        [f"反映问题：{STORY}"], [f"办不成原因：{WHY}"], [f"处理措施：{HOW}"], ["回访情况：满意"],
    ]  # fmt: skip
    record = read(book(tmp_path / "a.xlsx", 登记表=lines), "a.xlsx").records[0]
    assert record.values["source_no"] == "DA-001" and record.values["received"] == "2024年3月1日"
    assert (record.values["demand"], record.values["obstacle"], record.values["measure"]) == (STORY, WHY, HOW)
    assert "满意" in (record.values.get("satisfaction"), record.values.get("followup"))


def test_an_answer_in_a_form_may_be_a_word_that_is_also_a_label(tmp_path: Path) -> None:
    path = book(
        tmp_path / "a.xlsx",
        办理单=[
            ["登记日期", "2024-03-01", "反映方式", "电话"],
            ["拟办事项", "燃气报装"], ["反映问题", STORY], ["问题原因", WHY], ["办理过程", HOW],
        ],
    )  # fmt: skip
    assert read(path, "a.xlsx").records[0].values["channel"] == "电话"


def test_labels_that_nobody_knows_are_kept_where_cases_stand_in_columns(tmp_path: Path) -> None:
    lines = [
        ["项目", "案例一", "案例二"], ["反映日期", "2024-03-01", "2024-03-02"], ["反映事项", "燃气报装", "水表过户"],
        ["诉求内容", STORY, STORY], ["拦路虎", WHY, WHY], ["解决办法", HOW, HOW],
        ["责任单位", "市住建局", "市水务局"],
    ]  # fmt: skip
    first = read(book(tmp_path / "a.xlsx", 案例=lines), "a.xlsx").records[0]
    assert WHY in {*first.values.values(), *first.extra.values()}


def test_cells_that_say_nothing_are_empty(tmp_path: Path) -> None:
    header = ["诉求", "办理情况", "固化措施", "依据", "回访情况"]
    record = read(book(tmp_path / "a.xlsx", 台账=[header, [STORY, HOW, "—", "无", "无"]]), "a.xlsx").records[0]
    assert record.values == {"demand": STORY, "measure": HOW, "followup": "无"}


def test_the_last_of_several_closing_dates_counts(tmp_path: Path) -> None:
    path = book(
        tmp_path / "a.xlsx",
        台账=[
            ["编号", "诉求", "办理日期", "办理进展"],
            ["A-1", STORY, "2024-03-01", "核实情况"], [None, None, "2024-03-09", HOW],
        ],
    )  # fmt: skip
    record = read(merge(path, "台账", "A2:A3", "B2:B3"), "a.xlsx").records[0]
    assert record.values["closed"] == "2024-03-09" and record.values["measure"] == f"核实情况\n{HOW}"


def test_columns_that_hold_two_things(tmp_path: Path) -> None:
    header = ["姓名及电话", "诉求", "办理情况", "办结时间及结果"]
    path = book(tmp_path / "a.xlsx", 台账=[header, ["夏侯安 13900000001", STORY, HOW, "2024年3月5日，已办结"]])
    values = read(path, "a.xlsx").records[0].values
    assert values["applicant"] == "夏侯安" and values["closed"] == "2024年3月5日"


def test_objects_inside_the_answer_of_a_service(tmp_path: Path) -> None:
    steps = [{"time": "2024-03-02", "dept": "住建局", "action": "勘测"}, {"dept": "银行", "action": "出证明"}]
    answer = {"code": 0, "data": {"list": [{"id": "A-1", "appealDetail": STORY, "steps": steps}]}}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(answer, ensure_ascii=False), "utf-8")
    record = read(path, "a.json").records[0]
    assert record.values["measure"] == "2024-03-02 住建局 勘测\n银行 出证明"


def test_a_line_of_a_form_with_a_label_that_nobody_knows(tmp_path: Path) -> None:
    lines = [
        ["编号", "JX-1", "日期", "2024-03-01"], ["办理事项", "燃气报装"], ["反映内容", STORY], ["未办成原因", WHY],
        ["窗口这样办", HOW], ["办理结果", "已办结"],
    ]  # fmt: skip
    record = read(book(tmp_path / "a.xlsx", 登记表=lines), "a.xlsx").records[0]
    assert HOW in {*record.values.values(), *record.extra.values()}


def test_a_sheet_of_counts_beside_the_register_is_no_loss(tmp_path: Path) -> None:
    counts = [["月份", "受理数", "办结数", "办结率"], ["1月", 1, 1, "100%"], ["2月", 0, 0, "-"]]
    path = book(tmp_path / "a.xlsx", 台账=[["诉求", "办理情况"], [STORY, HOW]], 汇总=counts)
    reading = read(path, "a.xlsx")
    assert len(reading.records) == 1 and not reading.loose
    assert [problem.row for problem in reading.problems] == [""]
