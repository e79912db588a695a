"""Rules that clerks quote: titles, 文号, orders, standards, articles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.fields.documents import Basis, find, replaced_by


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("国办发〔2020〕45号", "国办发〔2020〕45号"),
        ("根据国办发〔2020〕45号", "国办发〔2020〕45号"),
        ("济政办字[2021]38号", "济政办字〔2021〕38号"),
        ("济政办字【2021】第38号", "济政办字〔2021〕38号"),
        ("国发（2022） 5 号", "国发〔2022〕5号"),
        ("国发﹝２０２２﹞５号", "国发〔2022〕5号"),
        ("国办发2020年45号", "国办发〔2020〕45号"),
        ("省住建厅鲁建村字〔2021〕3号", "鲁建村字〔2021〕3号"),
        ("人力资源社会保障部人社部发〔2021〕104号", "人社部发〔2021〕104号"),
        ("榕委人才〔2022〕6号", "榕委人才〔2022〕6号"),
        ("教监管厅函〔2021〕9号", "教监管厅函〔2021〕9号"),
        ("国务院令第809号", "国务院令第809号"),
        ("国务院第746号令", "国务院令第746号"),
        ("住房和城乡建设部令第33号", "住房和城乡建设部令第33号"),
        ("国家税务总局公告2019年第13号", "国家税务总局公告2019年第13号"),
        ("GB/T 44191—2024", "GB/T 44191-2024"),
        ("DB32/T 4452-2023", "DB32/T 4452-2023"),
    ],
)
def test_numbers(text: str, number: str) -> None:
    assert find(text) == [Basis(doc_no=number)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("《企业名称登记管理规定》第六条", [Basis("企业名称登记管理规定", "", "第六条")]),
        ("《民法典》第二百条、第二百零一条", [Basis("民法典", "", "第二百条、第二百零一条")]),
        ("根据民法典第一千零七十七条的规定", [Basis("民法典", "", "第一千零七十七条")]),
        ("依据土地管理法第62条第一款第（二）项", [Basis("土地管理法", "", "第62条第一款第（二）项")]),
        (
            "《国务院关于加快推进政务服务标准化规范化便利化的指导意见》（国发〔2022〕5号）",
            [Basis("国务院关于加快推进政务服务标准化规范化便利化的指导意见", "国发〔2022〕5号")],
        ),
        ("政务数据共享条例（国务院令第809号）", [Basis("政务数据共享条例", "国务院令第809号")]),
        ("国发〔2022〕5号《指导意见》", [Basis("指导意见", "国发〔2022〕5号")]),
        (
            "国发〔2022〕5号和鲁政发〔2021〕8号",
            [Basis(doc_no="国发〔2022〕5号"), Basis(doc_no="鲁政发〔2021〕8号")],
        ),
        ("《民宿管理办法（试行）》", [Basis("民宿管理办法（试行）")]),
        ("《关于印发《居住证办法》的通知》", [Basis("关于印发《居住证办法》的通知")]),
        (
            "持《身份证》《不动产权证书》到窗口，按《不动产登记暂行条例》第十四条办理",
            [Basis("不动产登记暂行条例", "", "第十四条")],
        ),
    ],
)  # fmt: skip
def test_rules(text: str, expected: list[Basis]) -> None:
    assert find(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", None, "3楼305号", "身份证和户口本", "《出生医学证明》", "窗口令牌第3号", "按该条例第六条办理",
     "门牌12号", "工单2022第38号", "想个办法"],
)  # fmt: skip
def test_nothing_quoted(text: str | None) -> None:
    assert find(text) == []


def test_bare_titles_only_where_asked() -> None:
    text = "不动产登记暂行条例、民法典"
    assert find(text) == []
    assert find(text, bare_titles=True) == [Basis("不动产登记暂行条例"), Basis("民法典")]


def test_abolished_rules_are_known() -> None:
    (basis,) = find("《中华人民共和国物权法》第三十条")
    assert basis.valid is False
    assert replaced_by(basis.title) == "民法典"
    assert find("《民法典》第二条")[0].valid is None
    assert replaced_by("民法典") is None


@pytest.mark.parametrize(
    "text", ["《民法典》第二条", "国办发〔2020〕45号", "《指导意见》（国发〔2022〕5号）"]
)
def test_quoted_again_as_written(text: str) -> None:
    assert [str(basis) for basis in find(text)] == [text]


@given(
    st.text(max_size=80)
    | st.text("《》〔〕（）[]第一二条款项号令法办发〔2020公告年GB/T-、，根据", max_size=60)
)
def test_never_raises(text: str) -> None:
    for basis in find(text, bare_titles=True):
        assert str(basis)
        assert basis.valid in (None, False)


@given(
    st.sampled_from(["〔〕", "[]", "【】", "()", "（）", "﹝﹞"]),
    st.integers(1990, 2030),
    st.integers(1, 999),
)
def test_every_bracket_is_the_same_number(brackets: str, year: int, number: int) -> None:
    text = f"济政办字{brackets[0]}{year}{brackets[1]}{number}号"
    assert find(text) == [Basis(doc_no=f"济政办字〔{year}〕{number}号")]
