"""Registers that share a number become one case each. Registers here are invented."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl

from ingest.readers import read, read_all
from ingest.remarks import split

OPEN = [
    ["受理编号", "受理日期", "受理窗口", "申请人", "联系电话", "办理事项", "反映问题", "受理人"],
    [
        "QH-001",
        "2024-03-01",
        "青禾县",
        "夏侯安",
        "13900000001",
        "燃气报装",
        "甲：房产证押在银行，装不了气",
        "小某",
    ],
    [
        "QH-002",
        "2024-03-02",
        "青禾县",
        "尉迟平",
        "13900000002",
        "水表过户",
        "乙：前房东找不到，过不了户",
        "小某",
    ],
    ["QH-003", "2024-03-03", "白石县", "端木青", "13900000003", "电表分户", "丙：两家一个表，分不开", "小某"],
]
CHASE = [
    ["编号", "牵头单位", "卡在哪里", "协调经过", "办结日期"],
    ["QH-003", "县供电公司", "没有分户图", "现场勘测出图", "2024-03-20"],
    ["QH-001", "县住建局", "要原件", "银行出证明", "2024-03-05"],
    ["QH-002", "县水务局", "要双方到场", "凭网签合同单方办理", "2024-03-06"],
]
CALL = [
    ["编号", "日期", "回访人", "对象", "结果", "满意度"],
    ["QH-002", "2024-03-10", "小某", "尉迟平", "已过户", "满意"],
    ["QH-001", "2024-03-11", "小某", "夏侯安", "已通气", "非常满意"],
    ["QH-009", "2024-03-12", "小某", "无名", "无", "满意"],
]


def book(path: Path, **sheets: list[list[Any]]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


def test_three_registers_in_one_work_book(tmp_path: Path) -> None:
    reading = read(book(tmp_path / "三簿.xlsx", 回访登记簿=CALL, 受理登记簿=OPEN, 督办台账=CHASE))
    assert [(r.place.sheet, r.place.row) for r in reading.records] == [
        ("受理登记簿", "2"),
        ("受理登记簿", "3"),
        ("受理登记簿", "4"),
    ]
    first = reading.records[0]
    assert first.values["obstacle"] == "要原件" and first.values["measure"] == "银行出证明"
    assert first.values["closed"] == "2024-03-05" and first.values["received"] == "2024-03-01"
    assert first.values["followup"] == "已通气" and first.values["satisfaction"] == "非常满意"
    assert {(place.sheet, place.row) for place in first.linked} == {("回访登记簿", "3"), ("督办台账", "3")}
    assert [problem.row for problem in reading.problems] == ["4"]


def test_registers_in_separate_files_of_one_folder(tmp_path: Path) -> None:
    book(tmp_path / "1回访.xlsx", 回访=CALL[:3])
    book(tmp_path / "2受理.xlsx", 受理=OPEN)
    book(tmp_path / "3督办.xlsx", 督办=CHASE)
    found = dict(read_all([tmp_path]))
    assert [len(found[name].records) for name in sorted(found)] == [0, 3, 0]
    first = found["2受理.xlsx"].records[0]
    assert first.values["followup"] == "已通气" and first.values["measure"] == "银行出证明"
    assert {place.file for place in first.linked} == {"1回访.xlsx", "3督办.xlsx"}


def test_sheets_that_count_from_one_again_are_different_cases(tmp_path: Path) -> None:
    half = [["编号", "反映问题", "办理过程"], ["1", "甲办不成", "协调"], ["2", "乙办不成", "协调"]]
    assert len(read(book(tmp_path / "a.xlsx", 上半年=half, 下半年=half)).records) == 4


def test_a_number_told_in_two_registers_with_demands_is_one_case(tmp_path: Path) -> None:
    more = [["编号", "诉求内容", "处理过程"], ["QH-001", "甲：房产证押在银行，装不了气", "银行出证明"]]
    reading = read(book(tmp_path / "a.xlsx", 受理=OPEN, 办理=more))
    assert len(reading.records) == 3
    assert reading.records[0].values["measure"] == "银行出证明"
    assert reading.records[0].values["demand"] == OPEN[1][6]


def test_a_further_register_that_repeats_the_demand_does_not_double_it(tmp_path: Path) -> None:
    chase = [["编号", "诉求摘要", "责任单位", "办理情况"], ["QH-001", "装气难", "县住建局", "银行出证明"]]
    reading = read(book(tmp_path / "a.xlsx", 督办簿=chase, 受理簿=OPEN))
    first = reading.records[0]
    assert (len(reading.records), first.place.sheet, first.place.row) == (3, "受理簿", "2")
    assert first.values["demand"] == OPEN[1][6] and first.values["measure"] == "银行出证明"
    assert first.extra == {"督办簿·诉求": "装气难"}


def test_small_numbers_do_not_link_files(tmp_path: Path) -> None:
    book(tmp_path / "1台账.xlsx", S=[["编号", "诉求内容"], ["1", "甲办不成"]])
    book(tmp_path / "2别处回访.xlsx", S=[["编号", "回访情况"], ["1", "满意"]])
    found = dict(read_all([tmp_path]))
    assert "followup" not in found["1台账.xlsx"].records[0].values
    assert found["2别处回访.xlsx"].problems


def test_registers_linked_by_serial_number(tmp_path: Path) -> None:
    opening = [["序号", "诉求内容"], ["1", "甲办不成"], ["2", "乙办不成"]]
    chase = [["序号", "责任单位", "办理情况"], ["2", "县水务局", "上门办"], ["1", "县住建局", "容缺办"]]
    found = read(book(tmp_path / "a.xlsx", 诉求=opening, 办理=chase)).records
    assert [record.values["lead_dept"] for record in found] == ["县住建局", "县水务局"]


def test_columns_not_understood_are_reported_and_kept(tmp_path: Path) -> None:
    rows = [["诉求内容", "办理过程", "玄学指数"], ["甲办不成", "协调", "甲等"], ["乙办不成", "协调", ""]]
    reading = read(book(tmp_path / "a.xlsx", S=rows))
    assert reading.columns == {"诉求内容": "demand", "办理过程": "measure", "玄学指数": None}
    assert [record.extra for record in reading.records] == [{"玄学指数": "甲等"}, {}]


def test_age_and_sex_are_not_kept(tmp_path: Path) -> None:
    rows = [["姓名", "性别", "年龄", "诉求内容"], ["夏侯安", "男", "81", "甲办不成"]]
    record = read(book(tmp_path / "a.xlsx", S=rows)).records[0]
    assert record.values == {"applicant": "夏侯安", "demand": "甲办不成"} and record.extra == {}


def test_remarks_are_taken_apart_by_their_labels(tmp_path: Path) -> None:
    remark = "固化：写入指南；回访：4月2日电话回访，满意；依据：国办发〔2020〕45号；已录入系统"
    rows = [
        ["诉求内容", "办理过程", "备注"],
        ["甲办不成", "协调", remark],
        ["乙办不成", "协调", "已录入系统"],
    ]
    found = read(book(tmp_path / "a.xlsx", S=rows)).records
    assert found[0].values["solidified"] == "写入指南"
    assert found[0].values["followup"] == "4月2日电话回访，满意"
    assert found[0].values["basis"].startswith("国办发〔2020〕45号")
    assert found[1].values["remarks"] == "已录入系统"


def test_a_cell_made_of_labelled_parts_is_taken_apart(tmp_path: Path) -> None:
    told = "【诉求】装不了气\n【原因】房产证押在银行\n【办理情况】银行出具证明\n【结果】办成"
    record = read(book(tmp_path / "a.xlsx", S=[["日期", "反映情况"], ["2024-3-1", told]])).records[0]
    assert record.values == {
        "received": "2024-3-1", "demand": "装不了气", "obstacle": "房产证押在银行", "measure": "银行出具证明",
        "outcome": "办成",
    }  # fmt: skip


def test_a_remark_without_labels() -> None:
    assert split("4月2日电话回访，满意") == ({"followup": "4月2日电话回访，满意"}, "")
    assert split("回访人：小某") == ({"clerk": "小某"}, "")
    assert split("需要补一次：下月再看") == ({}, "需要补一次：下月再看")
