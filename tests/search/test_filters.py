"""What people write in a filter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import Fault
from search.engine import Filters
from search.filters import checked, solidified


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ({"year": " 2024 "}, {"year": "2024"}),
        ({"year": "２０２３年"}, {"year": "2023"}),
        ({"year": "2023年度"}, {"year": "2023"}),
        ({"since": "２０２４－５"}, {"since": "2024-05"}),
        ({"solidified": "是"}, {"solidified": "是"}),
        ({"solidified": "已固化"}, {"solidified": "是"}),
        ({"solidified": "未固化"}, {"solidified": "否"}),
        ({"solidified": "没有"}, {"solidified": "否"}),
        ({"handling": "部门协调"}, {"handling": "协调"}),
        ({"outcome": "已办结"}, {"outcome": "办成"}),
        ({"domain": "天上的事"}, {"domain": "天上的事"}),
        ({"region": "\udcff", "since": ""}, {"region": "?"}),
        ({"matter": " 不动产转移登记 ", "department": " "}, {"matter": "不动产转移登记"}),
    ],
)
def test_filters_are_understood(typed: dict[str, str], meant: dict[str, str]) -> None:
    assert checked(Filters(**typed)) == Filters(**meant)


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("year", "24", "年份"),
        ("year", "去年", "年份"),
        ("year", "20245", "年份"),
        ("year", "9999", "年份"),
        ("solidified", "也许", "是否固化"),
        ("since", "昨天", "起始日期"),
        ("since", "٢٠٢٤", "起始日期"),
        ("year", "20٢٤", "年份"),
    ],
)
def test_what_cannot_be_understood_is_said(name: str, typed: str, said: str) -> None:
    with pytest.raises(Fault, match=said):
        checked(Filters(**{name: typed}))


@given(st.sampled_from(["year", "since", "solidified"]), st.text())
def test_any_text_is_understood_or_refused(name: str, typed: str) -> None:
    try:
        once = checked(Filters(**{name: typed}))
    except Fault as fault:
        assert "看不懂" in str(fault)
    else:
        assert checked(once) == once


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("", "", "否"),
        ("", "否", "否"),
        ("", "—", "否"),
        ("", "未固化", "否"),
        ("", "是", "是"),
        ("", "改了办事指南", "是"),
        ("流程", "", "是"),
        ("流程", "无", "是"),
    ],
)
def test_solidified_means_that_something_was_changed(kind: str, text: str, said: str) -> None:
    assert solidified(kind, text) == said
