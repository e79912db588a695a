"""Renders the demonstration cases into office files such as halls keep: `python -m ingest.demo.build`.

Each file has a layout of its own, with its own column names; not every ledger prints every field. The
same cases give the same bytes, as long as the versions of the office libraries stay the same. xlwt, for
the .xls, is needed here only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ingest.demo import FILES, prose, tables

RENDERERS: dict[str, Callable[[], bytes]] = {
    "福建省办不成事诉求台账.xlsx": tables.two_level_workbook,
    "济宁市受理督办回访登记簿.xlsx": tables.linked_registers,
    "江苏省疑难事项半年台账.xlsx": tables.half_years,
    "四川宁夏疑难案例汇总表.xlsx": tables.annotated_sheet,
    "广东湖南疑难件登记表.xls": tables.old_workbook,
    "河北河南导出工单.csv": tables.gb18030_csv,
    "浙江省案例清单.csv": tables.utf8_csv,
    "湖北省案例导出.jsonl": tables.json_lines,
    "山西省典型案例.docx": prose.write_up(
        "shanxi", "山西省“办不成事”典型案例", ("基本情况", "难点堵点", "主要做法", "取得成效")
    ),
    "北京上海典型案例.docx": prose.write_up(
        "beijing_shanghai", "城区大厅典型案例选编", ("事件经过", "问题症结", "解决办法", "办理成效")
    ),
    "安徽江西案例选登.html": prose.web_page,
    "聊城两地办事窗口见闻.txt": prose.news,
}


def main() -> None:
    """Write every demonstration file anew."""
    build(FILES)


def build(folder: Path) -> None:
    """Write the demonstration files into folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, render in RENDERERS.items():
        (folder / name).write_bytes(render())


if __name__ == "__main__":
    main()
