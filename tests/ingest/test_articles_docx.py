"""Word documents: headings by style or bold type, forms and registers in tables, refusals."""

from __future__ import annotations

from pathlib import Path

import docx
import pytest

from ingest import readers
from ingest.records import Reading


def _saved(document: docx.document.Document, folder: Path) -> Reading:
    path = folder / "材料.docx"
    document.save(str(path))
    return readers.read(path)


def test_headings_by_style(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("青江市政务服务典型案例", 0)
    document.add_paragraph("现将一则案例印发，供学习借鉴。")
    document.add_heading("案例一 社会团体法人变更登记", 1)
    for label, text in (
        (
            "案例背景",
            "2023年8月1日，青江市政务服务中心“办不成事”窗口收到市书画协会反映。"
            "协会换届后原会长失联，变更登记表无人签字。",
        ),
        ("问题症结", "变更登记须原法定代表人签字。"),
        ("办理过程", "由市民政局牵头，会同市文联。市文联出具主管单位意见，以会员大会决议代替原会长签字。"),
        ("办理成效", "该事项于8月20日办结。协会如期开展了活动。"),
        ("经验启示", "规则之内要有温度。"),
    ):
        document.add_heading(label, 2)
        document.add_paragraph(text)
    document.add_paragraph("（市民政局供稿）")
    reading = _saved(document, tmp_path)
    (record,) = reading.records
    assert record.values == {
        "title": "社会团体法人变更登记",
        "matter": "社会团体法人变更登记",
        "received": "2023年8月1日",
        "hall": "青江市政务服务中心“办不成事”窗口",
        "applicant": "市书画协会",
        "demand": "协会换届后原会长失联，变更登记表无人签字。",
        "obstacle": "变更登记须原法定代表人签字。",
        "lead_dept": "市民政局",
        "coop_depts": "市文联",
        "measure": "市文联出具主管单位意见，以会员大会决议代替原会长签字。",
        "closed": "2023年8月20日",
        "followup": "协会如期开展了活动。",
    }
    assert (record.place.row, record.place.kind) == ("p3-p13", "docx")
    assert "青江市" in record.heading


def test_bold_paragraphs_as_headings(tmp_path: Path) -> None:
    document = docx.Document()
    for title, demand, measure in (
        ("道路运输证换发", "车主到期换证，系统显示车辆已报废。", "交通运输局核对车架号后更正了系统数据。"),
        ("就业困难人员认定", "申请人户籍在外地，街道不予认定。", "人社局明确按常住地认定，街道当天受理。"),
    ):
        document.add_paragraph().add_run(f"{title}").bold = True
        for label, text in (("群众诉求", demand), ("解决措施", measure)):
            document.add_paragraph().add_run(label).bold = True
            document.add_paragraph(text)
    reading = _saved(document, tmp_path)
    assert [r.values["matter"] for r in reading.records] == ["道路运输证换发", "就业困难人员认定"]
    assert reading.records[1].values["measure"] == "人社局明确按常住地认定，街道当天受理。"
    assert [r.place.row for r in reading.records] == ["p1-p5", "p6-p10"]


def test_form_in_a_table(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("案例上报表")
    rows = (
        ("案例名称", "无障碍坡道审批无处受理"),
        ("事项名称", "占用城市道路审批"),
        ("受理时间", "2024年1月9日"),
        ("诉求", "老旧小区想在单元门口修无障碍坡道，不知向谁申请。"),
        ("难点堵点", "清单中没有坡道改造事项。"),
        ("主要做法", "住建局牵头并联审批，街道代办。"),
        ("办理结果", "办成"),
        ("经验启示", "以人为本。"),
    )
    table = document.add_table(rows=0, cols=2)
    for label, value in rows:
        cells = table.add_row().cells
        cells[0].text, cells[1].text = label, value
    (record,) = _saved(document, tmp_path).records
    assert record.values["title"] == "无障碍坡道审批无处受理"
    assert record.values["matter"] == "占用城市道路审批"
    assert record.values["demand"].startswith("老旧小区")
    assert record.values["obstacle"] == "清单中没有坡道改造事项。"
    assert record.values["measure"] == "住建局牵头并联审批，街道代办。"
    assert record.values["outcome"] == "办成"
    assert "以人为本。" not in record.values.values()


def test_register_in_a_table_is_read_as_a_register(tmp_path: Path) -> None:
    document = docx.Document()
    table = document.add_table(rows=0, cols=4)
    for row in (
        ("序号", "登记日期", "群众诉求", "办理结果"),
        ("1", "2024-02-01", "想补办独生子女证，原单位已撤销", "街道核实后补办"),
        ("2", "2024-02-03", "企业迁址后社保账户转不出来", "两地经办机构协商后转出"),
    ):
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    reading = _saved(document, tmp_path)
    assert [record.values["demand"][:4] for record in reading.records] == ["想补办独", "企业迁址"]


def test_document_without_cases_says_so(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("关于做好节假日值班工作的通知")
    document.add_paragraph("各窗口要严格落实值班制度，确保通讯畅通。")
    reading = _saved(document, tmp_path)
    assert reading.records == []
    assert [problem.message for problem in reading.problems] == ["未发现可入库的案例。"]


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"", "0 字节"),
        (b"PK\x03\x04broken", "另存"),
        (b"\x89PNG\r\n\x1a\n0000", "图片"),
        (b"plain text", "另存为 .docx"),
    ],
)
def test_unreadable_documents_are_refused_with_advice(content: bytes, advice: str, tmp_path: Path) -> None:
    path = tmp_path / "材料.docx"
    path.write_bytes(content)
    reading = readers.read(path)
    assert not reading.records
    assert advice in reading.rejected


def test_truncated_document_is_refused(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("案例一")
    path = tmp_path / "材料.docx"
    document.save(str(path))
    path.write_bytes(path.read_bytes()[:-4000])
    assert "另存" in readers.read(path).rejected
