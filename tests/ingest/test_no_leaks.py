"""What is personal in the files that come in is in no byte of what `kb ingest` leaves: databases, index,
report, screen. Drafts that are held back are no exception.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import openpyxl
import pytest

from kb.cli import main

PEOPLE = ["欧阳震华", "司徒雷生", "令狐明霞", "钟离国栋", "夏侯建英", "皇甫秀兰", "慕容德厚"]
MOBILES = ["13869421357", "15964238571", "18753816429"]
ID_NUMBER = "370802197506123019"
CARD = "6222021203001234565"
PLATE = "鲁P8K321"
EMAIL = "zhenhua1975@example.com"
WECHAT = "zhenhua_75hua"
HOME = "3号楼2单元501"

HEADINGS = ["序号", "编号", "所属大厅", "申请人", "联系电话", "身份证号", "收件日期", "事项名称", "事项编码",
            "申请人类型", "领域", "诉求内容", "卡点原因", "办理情况", "办理结果", "牵头部门", "备注",
            f"{PEOPLE[3]}经手补充", "满意度"]  # fmt: skip
ROWS = [
    [1, "BCS-001", "聊城市阳谷县政务服务中心", PEOPLE[0], MOBILES[0], ID_NUMBER, "2024-03-05", "不动产转移登记",
     "370000117004", "个人", "不动产", f"{PEOPLE[0]}来窗口反映，住{'幸福家园' + HOME}，过户办不了，"
     f"电话{MOBILES[0][:3]} {MOBILES[0][3:7]} {MOBILES[0][7:]}。", f"{PEOPLE[0]}身份证{ID_NUMBER}与档案不符",
     f"联系{PEOPLE[1]}科长（{MOBILES[1]}）核实后办结", "办成", "县自然资源局", f"微信号{WECHAT}，车牌{PLATE}",
     f"已告知{PEOPLE[0]}", "满意"],
    [2, f"BCS-002-{MOBILES[2]}", f"阳谷县{PEOPLE[5]}代办点", f"{PEOPLE[2]}（{MOBILES[2]}）", "", "",
     f"3月6日 {PEOPLE[2]} {MOBILES[2]}", f"{PEOPLE[2]}养老待遇领取", f"{PEOPLE[2]}{MOBILES[2]}", f"{PEOPLE[2]}本人",
     f"{PEOPLE[2]}养老", f"{PEOPLE[2]}养老金打不进卡{CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:16]} {CARD[16:]}",
     "账户信息不一致", f"{PEOPLE[4]}帮办，邮箱{EMAIL}", f"{PEOPLE[2]}已领到", f"县人社局{PEOPLE[1]}", "", "",
     f"{PEOPLE[2]}满意"],
    [3, "BCS-003", "阳谷县", PEOPLE[5], "", "", "2024年3月7日", "户口迁移", "", "个人", "户籍",
     "身份证号37080219750612301录入有误，请核", f"证件号{ID_NUMBER[:6]} {ID_NUMBER[6:14]} {ID_NUMBER[14:]}", "已更正",
     "办成", "县公安局", "", "", ""],
]  # fmt: skip
ARTICLE = (
    f"{PEOPLE[6]}的难事办成了\n\n2024年3月5日，市民{PEOPLE[6]}（电话{MOBILES[0]}）来到阳谷县政务服务中心“办不成事”"
    f"反映窗口，反映营业执照注销办不了。卡点是系统里显示联络员{PEOPLE[6]}已失效。窗口工作人员协调县市场监管局，"
    f"修改了联络员信息，当天办结。{PEOPLE[6]}表示感谢。\n"
)


def write_files(folder: Path) -> list[Path]:
    """A ledger, one without a header row, a csv, a jsonl and an article, full of personal data."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = f"{PEOPLE[0]}{MOBILES[0]}"
    sheet.append([f"阳谷县办不成事台账（填报人：{PEOPLE[4]} 电话{MOBILES[1]}）"])
    sheet.append(HEADINGS)
    for row in ROWS:
        sheet.append(row)
    bare = book.create_sheet(f"{PEOPLE[2]}的件")  # no header: data may be taken for one
    for row in ROWS:
        bare.append(row)
    ledger = folder / f"{PEOPLE[0]}_{MOBILES[0]}的台账.xlsx"
    book.save(ledger)
    table = folder / f"台账{PEOPLE[2]}.csv"
    table.write_text(
        "\n".join(",".join(str(cell) for cell in row) for row in [HEADINGS, *ROWS]), encoding="utf-8"
    )
    lines = folder / "导出.jsonl"
    lines.write_text(
        "\n".join(json.dumps(dict(zip(HEADINGS, row, strict=True)), ensure_ascii=False) for row in ROWS)
        + f'\n{{"诉求内容": "{PEOPLE[0]}坏行{MOBILES[0]}',
        encoding="utf-8",
    )
    article = folder / f"{PEOPLE[6]}.txt"
    article.write_text(ARTICLE, encoding="utf-8")
    broken = folder / f"{PEOPLE[1]}{MOBILES[1]}.xlsx"
    broken.write_bytes(b"PK\x03\x04 not a workbook")
    return [ledger, table, lines, article, broken]


def secrets() -> list[str]:
    return [*PEOPLE, *MOBILES, ID_NUMBER, CARD, PLATE, EMAIL, WECHAT, HOME, "37080219750612301"]


def leaks(content: bytes) -> list[str]:
    """The personal strings in some bytes: as UTF-8 or UTF-16, escaped as in JSON, with or without separators."""
    text = content.decode("utf-8", errors="ignore")
    closed_up = re.sub(r"(?<=\d)[ -](?=\d)", "", text)
    found = []
    for secret in secrets():
        escaped = json.dumps(secret).strip('"')
        if secret in text or secret in closed_up or escaped in text or secret.encode("utf-16-le") in content:
            found.append(secret)
    return found


@pytest.mark.parametrize("publish", [True, False])
def test_nothing_personal_is_left_by_an_ingest(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], publish: bool
) -> None:
    source, data = tmp_path / "in", tmp_path / "data"
    source.mkdir()
    data.mkdir()
    (data / "kb.toml").write_text('[embedding]\nmodel = "fake"\n', encoding="utf-8")
    report = tmp_path / "report.json"
    options = ["--report", str(report), "--json", *(["--publish"] if publish else [])]
    with pytest.raises(SystemExit) as stop:
        main(["--data", str(data), "ingest", *map(str, write_files(source)), *options])
    assert stop.value.code == 1  # one file is broken
    shown = capfd.readouterr()
    told = json.loads(report.read_text(encoding="utf-8"))
    assert sum(file["cases"] for file in told["files"]) >= 9
    assert sum(file["redactions"] for file in told["files"]) > 30
    left = {"stdout": shown.out.encode(), "stderr": shown.err.encode(), "report": report.read_bytes()}
    left |= {str(path.relative_to(data)): path.read_bytes() for path in data.rglob("*") if path.is_file()}
    assert {name: leaks(content) for name, content in left.items() if leaks(content)} == {}
