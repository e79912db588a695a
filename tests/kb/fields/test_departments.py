"""Departments: cells that name several, and the standard name of one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.fields.departments import clean, split, standard


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (" 县 公 安 局。", "县公安局"),
        ("县住建局（牵头）", "县住建局"),
        ("牵头单位：市人社局", "市人社局"),
        ("（县医保局）", "县医保局"),
        ("县法院等部门", "县法院"),
        ("县法院等3个部门", "县法院"),
        ("某区交通部门", "某区交通部门"),
        ("“办不成事”反映窗口", "“办不成事”反映窗口"),
        ("市公安局（户政）", "市公安局（户政）"),
        ("无", ""),
        ("—", ""),
        (None, ""),
    ],
)
def test_clean(text: str | None, name: str) -> None:
    assert clean(text) == name


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("县公安局、县民政局", ["县公安局", "县民政局"]),
        ("县公安局，县民政局；县税务局", ["县公安局", "县民政局", "县税务局"]),
        ("县公安局和县医保局", ["县公安局", "县医保局"]),
        ("县公安局 县民政局", ["县公安局", "县民政局"]),
        ("县公安局\n县民政局", ["县公安局", "县民政局"]),
        ("自然资源和规划局", ["自然资源和规划局"]),
        ("教育和体育局和文化和旅游局", ["教育和体育局", "文化和旅游局"]),
        ("住房和城乡建设局及人力资源和社会保障局", ["住房和城乡建设局", "人力资源和社会保障局"]),
        ("市公安局（户政、治安）、市民政局", ["市公安局（户政、治安）", "市民政局"]),
        ("县住建局（牵头）、县法院、县住建局", ["县住建局", "县法院"]),
        ("无", []),
        ("", []),
        (None, []),
    ],
)
def test_split(text: str | None, names: list[str]) -> None:
    assert split(text) == names


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("县医保局", "医疗保障局"),
        ("省医疗保障局", "医疗保障局"),
        ("区人社局", "人力资源和社会保障局"),
        ("市监局", "市场监督管理局"),
        ("市市场监管局注册科", "市场监督管理局"),
        ("县行政审批局", "行政审批服务局"),
        ("某市行政审批服务管理局审批一科", "行政审批服务局"),
        ("县自然资源和规划局不动产登记中心", "自然资源和规划局"),
        ("市不动产登记服务中心", "不动产登记中心"),
        ("城关派出所", "公安局"),
        ("市车管所", "公安局"),
        ("县卫健委", "卫生健康局"),
        ("县教体局", "教育和体育局"),
        ("区城管局", "城市管理局"),
        ("消防大队", "消防救援机构"),
        ("市中级人民法院", "人民法院"),
        ("镇政府", "人民政府"),
        ("区政务服务中心", "政务服务中心"),
        ("政务大厅医保窗口", "医疗保障局"),
        ("市住房公积金管理中心", "住房公积金管理中心"),
        ("开户银行", None),
        ("小区业主", None),
        ("", None),
        (None, None),
    ],
)
def test_standard(name: str | None, kind: str | None) -> None:
    assert standard(name) == kind


@given(st.text(max_size=40) | st.text("县市局和及、，（）等部门公安医保 \n住建委办窗口", max_size=30))
def test_never_raises(text: str) -> None:
    for name in split(text):
        assert name == clean(name)
        standard(name)
