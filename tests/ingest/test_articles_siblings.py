"""Section headings in words of their own are read by their place among known ones."""

from __future__ import annotations

import pytest

from ingest.articles.document import BODY, Line
from ingest.articles.siblings import unnamed


def _headings(*texts: str, level: int = BODY) -> list[Line]:
    return [Line(text, number, level) for number, text in enumerate(texts, start=1)]


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (("一、诉求", "二、山重水复", "三、办理过程"), {2: "obstacle"}),
        (("一、基本情况", "二、堵点", "三、柳暗花明", "四、办理结果"), {3: "measure"}),
        (("一、一波三折", "二、堵点", "三、办法"), {1: "demand"}),
        (("（一）诉求", "（二）堵点", "（三）办法", "（四）皆大欢喜", "（五）弦外之音"), {4: "result", 5: "drop"}),
        (("一、基本情况", "二、工作动态", "三、下周安排"), {}),  # a bulletin, not a case
        (("一、食品许可", "二、户口迁移", "三、诉求"), {}),
        (("一、诉求", "二、办法", "四、山重水复"), {}),  # the numbering does not go on
    ],
)
def test_unknown_heading_takes_its_place(texts: tuple[str, ...], found: dict[int, str]) -> None:
    assert unnamed(_headings(*texts)) == found


def test_row_that_every_case_repeats_is_its_outline() -> None:
    names = ("从哪来", "为什么", "怎么着", "怎么样")
    texts = [Line("老界址", 1, 1), *_headings(*names, level=2), Line("新界址", 6, 1)]
    lines = [Line(line.text, number, line.level) for number, line in enumerate(texts + texts[1:5], start=1)]
    fields = ["demand", "obstacle", "measure", "result"]
    assert unnamed(lines) == dict(zip([2, 3, 4, 5, 7, 8, 9, 10], fields * 2, strict=True))


def test_heading_by_style_alone_may_be_the_next_title() -> None:
    inside = _headings("诉求", "山重水复", "办法", level=2)
    between = _headings("诉求", "办法", "养犬登记", "诉求", "办法", level=2)
    assert unnamed(inside) == {2: "obstacle"}
    assert unnamed(between) == {}
