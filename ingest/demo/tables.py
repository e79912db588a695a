"""Demonstration ledgers: workbooks, comma-separated files, a JSON Lines export; each has its own layout."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from itertools import groupby

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from ingest.demo import load_cases
from ingest.demo.package import frozen
from ingest.demo.values import (
    Case,
    Columns,
    Row,
    closed,
    hall,
    joined,
    place,
    received,
    rows,
    solidified,
    solidified_text,
    spoken_outcome,
    text,
)


def two_level_workbook() -> bytes:
    """One sheet: merged title, two header rows, the domain merged down its cases, a total at the end."""
    groups: dict[str, Columns] = {
        "业务领域": {"": text("domain")},
        "编号": {"": text("source_no")},
        "报送单位": {"": hall},
        "诉求情况": {
            "事项名称": text("matter"), "诉求人类别": text("applicant_type"), "诉求性质": text("nature"),
            "诉求内容": text("demand"), "登记日期": received("iso"),
        },
        "办理情况": {
            "卡点原因": text("obstacle"), "办理方式": joined("handling"), "办理过程": text("measure"),
            "责任单位": text("lead_dept"), "配合单位": joined("coop_depts"),
            "政策依据": joined("basis", "；"), "办理结果": text("outcome"), "结果说明": text("result"),
            "办结日期": closed("iso"),
        },
        "长效机制": {"固化情况": solidified},
        "回访": {"": text("followup")},
        "来源": {"": text("source")},
    }  # fmt: skip
    cases = sorted(load_cases("fujian"), key=lambda case: case["domain"])
    book, sheet = workbook("诉求台账")
    flat = [(group, name, value) for group, columns in groups.items() for name, value in columns.items()]
    sheet.append(["“办不成事”诉求窗口受理办理台账（示范）"])
    merge(sheet, (1, 1), (1, len(flat)))
    sheet.append([group for group, _, _ in flat])
    sheet.append([name for _, name, _ in flat])
    column = 1
    for columns in groups.values():
        merge(sheet, (2, column), (3 if "" in columns else 2, column + len(columns) - 1))
        column += len(columns)
    for case in cases:
        sheet.append([value(case) for _, _, value in flat])
    row = 4
    for _, same in groupby(cases, key=lambda case: case["domain"]):
        last = row + len(list(same)) - 1
        merge(sheet, (row, 1), (last, 1))
        row = last + 1
    sheet.append(["合计", f"{len(cases)}件"])
    return saved(book)


def linked_registers() -> bytes:
    """Three sheets keyed by 编号: taken in, handled, called back; not every case was called back."""
    cases = load_cases("jining")
    intake: Columns = {
        "编号": text("source_no"), "登记日期": received("cn"), "受理窗口": hall, "反映人": text("reporter"),
        "联系电话": text("phone"), "反映渠道": text("channel"), "想办事项": text("matter"),
        "反映问题": text("demand"), "为啥没办成": text("obstacle"), "来源": text("source"),
    }  # fmt: skip
    handled: Columns = {
        "编号": text("source_no"), "责任单位": text("lead_dept"), "协办单位": joined("coop_depts"),
        "办理方式": joined("handling"), "协调过程": text("measure"), "依据": joined("basis", "；"),
        "办结日期": closed("cn"), "办理结论": spoken_outcome, "办理结果": text("result"),
        "长效措施": solidified,
    }  # fmt: skip
    called: Columns = {"编号": text("source_no"), "回访情况": text("followup")}
    book, sheet = workbook("受理登记")
    fill(sheet, rows(intake, cases))
    fill(book.create_sheet("督办台账"), rows(handled, cases))
    fill(book.create_sheet("回访登记"), rows(called, [case for case in cases if case["followup"]]))
    return saved(book)


def half_years() -> bytes:
    """One sheet for each half-year, each with a title line above its header."""
    columns: Columns = {
        "日期": received("dot"), "大厅": hall, "办事人类型": text("applicant_type"),
        "办什么事": text("matter"), "群众反映内容": text("demand"), "卡在哪里": text("obstacle"),
        "怎么办成的": text("measure"), "谁牵头": text("lead_dept"), "谁配合": joined("coop_depts"),
        "结果": text("outcome"), "结果说明": text("result"), "举一反三": solidified_text,
        "备注（来源）": text("source"),
    }  # fmt: skip
    book = Workbook()
    del book[book.sheetnames[0]]
    ordered = sorted(load_cases("jiangsu"), key=lambda case: case["received"])
    for half, cases in groupby(ordered, key=half_year):
        sheet = book.create_sheet(half)
        sheet.append([f"{half}疑难事项台账"])
        merge(sheet, (1, 1), (1, len(columns)))
        fill(sheet, rows(columns, cases))
    return saved(book)


def half_year(case: Case) -> str:
    """The half-year in which a case was taken in, as a sheet's name: 2023年上半年."""
    year, month = case["received"].split("-")[:2]
    return f"{year}年{'上' if int(month) <= 6 else '下'}半年"


def annotated_sheet() -> bytes:
    """A plain table with remarks of the compiler above and below."""
    columns: Columns = {
        "案例编号": text("source_no"), "填报单位": hall, "服务事项": text("matter"),
        "服务对象类型": text("applicant_type"), "诉求类型": text("nature"), "诉求描述": text("demand"),
        "主要症结": text("obstacle"), "壁垒类型": joined("barriers"), "解决措施": text("measure"),
        "牵头部门": text("lead_dept"), "协同部门": joined("coop_depts"), "政策依据": joined("basis", "；"),
        "所需材料": joined("materials"), "办理成效": text("outcome"), "成效说明": text("result"),
        "推广固化": solidified, "受理时间": received("slash"), "办结时间": closed("slash"),
        "资料来源": text("source"),
    }  # fmt: skip
    book, sheet = workbook("汇总")
    sheet.append(["填表说明：一事一行；没有的栏目空着，不要写“无”。"])
    fill(sheet, rows(columns, load_cases("sichuan_ningxia")))
    sheet.append(["注：本表只收已办结和已答复的事项。"])
    return saved(book)


def workbook(title: str) -> tuple[Workbook, Worksheet]:
    """A workbook with one empty sheet of that title."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = title
    return book, sheet


def fill(sheet: Worksheet, lines: Sequence[Row]) -> None:
    """Append the lines to the sheet."""
    for line in lines:
        sheet.append(line)


def merge(sheet: Worksheet, first: tuple[int, int], last: tuple[int, int]) -> None:
    """Merge the cells from first to last (row, column, from 1), if they are more than one."""
    if first != last:
        sheet.merge_cells(start_row=first[0], start_column=first[1], end_row=last[0], end_column=last[1])


def saved(book: Workbook) -> bytes:
    """The workbook's bytes, with columns as wide as their text needs and fixed time stamps."""
    for sheet in book.worksheets:
        for number, column in enumerate(sheet.iter_cols(), 1):
            longest = max((len(str(cell.value)) for cell in column[1:] if cell.value), default=6)
            sheet.column_dimensions[get_column_letter(number)].width = min(max(longest * 2, 10), 44)
            for cell in column:
                cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet["A1"].font = Font(bold=True)
    buffer = io.BytesIO()
    book.save(buffer)
    return frozen(buffer.getvalue())


def old_workbook() -> bytes:
    """A workbook in the format of Excel 97; needs xlwt, which only this builder uses."""
    import xlwt

    columns: Columns = {
        "件号": text("source_no"), "受理时间": received("dot"), "办事大厅": hall,
        "办理事项": text("matter"), "申请人类型": text("applicant_type"), "诉求内容": text("demand"),
        "存在问题": text("obstacle"), "办理措施": text("measure"), "责任部门": text("lead_dept"),
        "配合部门": joined("coop_depts"), "法规依据": joined("basis", "；"), "完成情况": spoken_outcome,
        "落实情况": text("result"), "完成时间": closed("dot"), "改进措施": solidified_text,
        "来源": text("source"),
    }  # fmt: skip
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("疑难件")
    for y, line in enumerate(rows(columns, load_cases("guangdong_hunan"))):
        for x, value in enumerate(line):
            sheet.write(y, x, value)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def gb18030_csv() -> bytes:
    """A comma-separated export of an older system, in GB18030."""
    columns: Columns = {
        "单号": text("source_no"), "反映时间": received("iso"), "受理大厅": hall,
        "事项名称": text("matter"), "申请人类别": text("applicant_type"), "反映方式": text("channel"),
        "反映问题": text("demand"), "为啥没办成": text("obstacle"), "问题归类": joined("barriers"),
        "办理情况": text("measure"), "承办单位": text("lead_dept"), "会办单位": joined("coop_depts"),
        "办结时间": closed("iso"), "办理结论": text("outcome"), "处理结果": text("result"),
        "相关文件": joined("basis", "；"), "资料出处": text("source"),
    }  # fmt: skip
    return written(rows(columns, load_cases("hebei_henan"))).encode("gb18030")


def utf8_csv() -> bytes:
    """A comma-separated file as Excel saves it: UTF-8 with a byte order mark."""
    columns: Columns = {
        "案例号": text("source_no"), "所属地区": place, "服务大厅": hall, "业务类别": text("domain"),
        "诉求类别": text("nature"), "事项": text("matter"), "群众诉求": text("demand"),
        "堵点原因": text("obstacle"), "处理方式": joined("handling"), "处理过程": text("measure"),
        "牵头单位": text("lead_dept"), "配合单位": joined("coop_depts"), "依据": joined("basis", "；"),
        "办理结果": text("outcome"), "结果说明": text("result"), "机制成果": solidified,
        "受理日期": received("slash"), "办结日期": closed("slash"), "回访评价": text("followup"),
        "来源链接": text("source"),
    }  # fmt: skip
    return written(rows(columns, load_cases("zhejiang"))).encode("utf-8-sig")


def written(lines: Sequence[Row]) -> str:
    """The lines as comma-separated text with Windows line ends."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(lines)
    return buffer.getvalue()


def json_lines() -> bytes:
    """One JSON object per line; empty fields are left out."""
    lines = []
    for case in load_cases("hubei"):
        record = {
            "编号": case["source_no"], "大厅": hall(case), "地区": place(case), "事项": case["matter"],
            "申请人类型": case["applicant_type"], "诉求性质": case["nature"], "诉求": case["demand"],
            "卡点": case["obstacle"], "壁垒类型": case["barriers"], "办理方式": case["handling"],
            "办法": case["measure"], "牵头部门": case["lead_dept"], "配合部门": case["coop_depts"],
            "依据": case["basis"], "材料": case["materials"], "结果": case["outcome"],
            "结果说明": case["result"], "固化": solidified(case), "受理日期": case["received"],
            "办结日期": case["closed"], "回访": case["followup"], "来源": case["source"],
        }  # fmt: skip
        said = {key: value for key, value in record.items() if value}
        lines.append(json.dumps(said, ensure_ascii=False))
    return ("\n".join(lines) + "\n").encode()
