"""Web pages: main text with its headings, page furniture gone, tables that are registers, encodings."""

from __future__ import annotations

from pathlib import Path

from ingest import readers
from ingest.records import Reading

STORY = (
    "<p>市民仲女士想给新能源车安装充电桩，物业以车位没有产权为由拒绝盖章，供电公司无法受理报装。</p>"
    "<p>窗口工作人员联系住建局和供电公司，由社区出具车位使用证明代替物业盖章，一周后充电桩装好通电。</p>"
)


UTF8 = '<meta charset="utf-8">'


def _read(body: str, folder: Path, head: str = UTF8, encoding: str = "utf-8") -> Reading:
    path = folder / "网页.html"
    page = f"<html><head>{head}<title>网页</title></head><body>{body}</body></html>"
    path.write_bytes(page.encode(encoding))
    return readers.read(path)


def test_story_without_page_furniture(tmp_path: Path) -> None:
    body = (
        '<ul class="nav"><li><a href="/">首页</a></li><li><a href="/a">政务公开</a></li><li><a>互动</a></li></ul>'
        f"<h1>一根充电桩的落地记</h1><p>发布时间：2024-03-02 来源：青江发布</p>{STORY}"
        '<div style="display: none">市民贾先生想退款，窗口立即联系部门协调解决。</div>'
        '<div class="share">分享到：微信</div><div class="footer">主办：青江市人民政府 政府热线：12345</div>'
    )
    reading = _read(body, tmp_path)
    (record,) = reading.records
    assert record.place.row == "case1"
    assert "充电桩" in record.values["demand"]
    assert "社区出具车位使用证明" in record.values["measure"]
    assert "贾先生" not in "".join(record.values.values())
    assert "一根充电桩的落地记" in record.heading
    assert "2024-03-02" in record.heading


def test_labels_in_bold_without_headings(tmp_path: Path) -> None:
    body = "<div id='zoom'>" + "".join(
        f"<p><b>（{number}）{title}</b></p><p><b>诉求：</b>{demand}</p><p><b>症结：</b>{obstacle}</p>"
        f"<p><b>办理：</b>{measure}（区民政局、东岸街道办事处）2023年{month}月9日办结，办成。</p>"
        for number, title, demand, obstacle, measure, month in (
            (
                *("一", "临时救助申请", "租户突发重病想申请救助，因没有居住证被拒。"),
                *("救助以居住证为前提。", "先救助后补证。", 4),
            ),
            (
                *("二", "孤儿保障待遇认定", "祖母带孩子申请，缺父亲失踪证明。"),
                *("法院宣告失踪需公告。", "以公安协查结论代替。", 5),
            ),
        )
    )
    reading = _read(body, tmp_path)
    assert [r.values["matter"] for r in reading.records] == ["临时救助申请", "孤儿保障待遇认定"]
    first = reading.records[0].values
    assert first["demand"] == "租户突发重病想申请救助，因没有居住证被拒。"
    assert first["measure"] == "先救助后补证。"
    assert (first["lead_dept"], first["coop_depts"]) == ("区民政局", "东岸街道办事处")
    assert (first["closed"], first["outcome"]) == ("2023年4月9日", "办成")
    assert [r.place.row for r in reading.records] == ["case1", "case2"]


def test_gbk_page_without_charset(tmp_path: Path) -> None:
    (record,) = _read(f"<h2>暖心故事</h2>{STORY}", tmp_path, head="", encoding="gbk").records
    assert "仲女士" in record.values["applicant"]


def test_register_in_a_page(tmp_path: Path) -> None:
    rows = "".join(
        f"<tr><td>{i}</td><td>2024-05-0{i}</td><td>第{i}位群众反映证照遗失无法补办</td><td>协调后已补办</td></tr>"
        for i in range(1, 5)
    )
    table = f"<table><tr><th>序号</th><th>登记日期</th><th>群众诉求</th><th>办理情况</th></tr>{rows}</table>"
    reading = _read(table, tmp_path)
    assert len(reading.records) == 4
    assert {record.place.kind for record in reading.records} == {"html"}


def test_page_of_links_has_no_case(tmp_path: Path) -> None:
    links = "".join(f'<li><a href="/{i}">窗口协调解决企业难题之{i}</a></li>' for i in range(20))
    reading = _read(f"<ul>{links}</ul><p>版权所有</p>", tmp_path)
    assert reading.records == []
    assert reading.problems
