"""The closed lists, and what clerks write for their values."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb import vocabulary
from kb.model import NESTED_COLUMNS, STATES, Case


@pytest.mark.parametrize("name", vocabulary.LISTS)
def test_every_value_has_help_and_means_itself(name: str) -> None:
    assert vocabulary.title(name)
    for value in vocabulary.values(name):
        assert vocabulary.helps(name)[value]
        assert vocabulary.clean(name, value) == value
        assert vocabulary.clean(name, f" {value}。") == value


@pytest.mark.parametrize("name", vocabulary.LISTS)
def test_no_word_means_two_values(name: str) -> None:
    data = vocabulary._read(name)
    words = [word for entry in data["values"] for word in (entry["value"], *entry.get("synonyms", ()))]
    words += data.get("none", [])
    assert sorted(words) == sorted(set(words))


def test_contract_lists() -> None:
    assert vocabulary.values("outcomes") == ["办成", "部分办成", "依法不能办已释因", "转其他渠道"]
    assert len(vocabulary.values("barriers")) == 13
    assert len(vocabulary.values("handling")) == 10
    assert vocabulary.values("natures") == ["办不了", "很难办", "诉求不清", "建议", "非政务"]
    assert tuple(vocabulary.values("states")) == STATES
    assert [vocabulary.label("states", state) for state in STATES] == ["草稿", "入库", "出库"]
    assert vocabulary.label("outcomes", "办成") == "办成"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("outcomes", "是", "办成"),
        ("outcomes", "√", "办成"),
        ("outcomes", "已 办结", "办成"),
        ("outcomes", "是（已办结）", "办成"),
        ("outcomes", "是（12月5日回访满意）", "办成"),
        ("outcomes", "问题已于当日解决", "办成"),
        ("outcomes", "部分解决", "部分办成"),
        ("outcomes", "是（部分）", "部分办成"),
        ("outcomes", "否（依法不能办）", "依法不能办已释因"),
        ("outcomes", "不予办理", "依法不能办已释因"),
        ("outcomes", "不符合政策，已解释", "依法不能办已释因"),
        ("outcomes", "转办其他部门", "转其他渠道"),
        ("outcomes", "不属于本窗口，已引导", "转其他渠道"),
        ("outcomes", "否", None),
        ("outcomes", "未办成", None),
        ("outcomes", "未能按时办结", None),
        ("outcomes", "正在办理，尚未办结", None),
        ("outcomes", "满意", None),
        ("outcomes", "", None),
        ("outcomes", None, None),
        ("outcomes", "办成一部分，余下的转办", None),
        ("channels", "来电", "电话"),
        ("channels", "12345热线工单", "12345转办"),
        ("channels", "公众号留言", "微信公众号"),
        ("channels", "来厅反映", "现场窗口"),
        ("channels", "政务服务网留言", "网上留言"),
        ("applicant_types", "个体户", "个体工商户"),
        ("applicant_types", "自然人", "个人"),
        ("applicant_types", "合作社", "农民专业合作社"),
        ("domains", "社会保险", "社保"),
        ("domains", "不动产", "不动产登记"),
        ("barriers", "循环前置", "互为前置"),
        ("barriers", "跨部门", "跨部门跨层级跨区域"),
        ("natures", "疑难", "很难办"),
        ("states", "入库", "published"),
    ],
)
def test_what_clerks_write(name: str, text: str | None, value: str | None) -> None:
    assert vocabulary.clean(name, text) == value


def test_a_story_is_no_value() -> None:
    story = "群众在窗口反映无法办理，经工作人员多次与相关科室沟通，最终在次日上午顺利办成"
    assert vocabulary.clean("outcomes", story) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("当场办结、帮办代办", ["当场办结", "帮办代办"]),
        ("帮办/代办", ["帮办代办"]),
        ("会商，上报上级", ["联席会议", "提请上级"]),
        ("转办\n协调", ["转办", "协调"]),
        ("协调；协调；其他办法", ["协调"]),
        ("1.协调 2.转办", ["协调", "转办"]),
        ("", []),
    ],
)
def test_several_values(text: str, found: list[str]) -> None:
    assert vocabulary.clean_many("handling", text) == found


def test_a_value_with_separators_stays_whole() -> None:
    assert vocabulary.clean_many("barriers", "跨部门、跨层级、跨区域") == ["跨部门跨层级跨区域"]


def test_every_field_has_a_chinese_name() -> None:
    names = {field.name for field in fields(Case)} | set(NESTED_COLUMNS)
    assert set(vocabulary.labels()) == names == set(vocabulary.field_helps())
    assert vocabulary.labels()["obstacle"] == "卡点"


def test_unknown_list() -> None:
    with pytest.raises(KeyError):
        vocabulary.values("../fields")


@given(st.sampled_from(vocabulary.LISTS), st.text(max_size=40))
def test_never_raises(name: str, text: str) -> None:
    assert vocabulary.clean(name, text) in [None, *vocabulary.values(name)]
    assert set(vocabulary.clean_many(name, text)) <= set(vocabulary.values(name))
