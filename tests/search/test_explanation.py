"""Every result says why it is there, and marks the right characters."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.model import Case
from search import explanation, words
from search.engine import Filters
from search.query import Correction, Query, Synonym

KUNMING = {"province": "云南省", "city": "昆明市", "county": "呈贡区", "code": "530114"}
CASE = Case(
    "b1",
    title="二手房过户缺原件",
    region=KUNMING,
    matter={"name": "不动产转移登记", "standard": "国有建设用地使用权及房屋所有权转移登记"},
    demand="尊敬的领导：您好！我们结婚以后想把配偶添到不动产权证书上。窗口说抵押没有还清不能办。谢谢领导！",
    measure="银行出具同意书，登记中心同日办结。",
    basis=[{"title": "不动产登记暂行条例", "doc_no": "国令第656号", "valid": None}],
    outcome="办成",
)


def asked(meaning: str, typed: str = "", **more: object) -> Query:
    """A question as it is understood, with the synonyms and corrections of the test."""
    found = words.content_words(meaning)
    return replace(
        Query(typed or meaning, meaning, tuple(dict.fromkeys(word.text for word in found)),
              tuple(dict.fromkeys(words.bigrams(meaning)))),
        **more,
    )  # fmt: skip


def reasons(query: Query, case: Case = CASE, **more: object) -> dict[str, str]:
    given = {"filters": Filters(), "place": None, "near": False} | more
    found = explanation.why(query, case, **given)
    return {one["kind"]: one["text"] for one in found}


def marked(query: Query, case: Case = CASE) -> list[str]:
    found = explanation.highlights(query, case)
    return [getattr(case, name)[start:end] for name, spans in found.items() for start, end in spans]


DEED = Synonym("本子", ("不动产权证书", "产权证"))


def test_a_synonym_is_told_as_a_bridge_and_marked() -> None:
    query = asked("本子上添配偶", synonyms=(DEED,))
    assert reasons(query)["同义"] == "本子 → 不动产权证书"
    assert "不动产权证书" in marked(query)


def test_no_bridge_where_the_case_holds_the_word_itself() -> None:
    case = replace(CASE, measure="本子当场领取，即不动产权证书。")
    assert "同义" not in reasons(asked("本子上添配偶", synonyms=(DEED,)), case)


def test_a_corrected_word_is_a_word_and_no_synonym() -> None:
    query = asked("配偶抵押", typed="配偶底押", corrections=(Correction("底押", "抵押"),))
    assert reasons(query) == {"词": "配偶、抵押"}
    assert "抵押" in marked(query)


@pytest.mark.parametrize("typed", ["可是抵押不了", "抵押，没有人知道怎么办"])
def test_empty_words_are_no_reason_and_not_marked(typed: str) -> None:
    case = replace(CASE, demand="可是抵押办理不了，没有人知道怎么办。")
    assert reasons(asked(typed), case)["词"] == "抵押"
    assert marked(asked(typed), case) == ["抵押"]


def test_empty_words_still_weigh() -> None:
    assert explanation.coverage(asked("可是抵押"), replace(CASE, demand="抵押")) < 1.0


def test_the_matter_is_recognised_by_name_and_through_synonyms() -> None:
    assert reasons(asked("怎样办不动产转移登记"))["事项"] == "不动产转移登记"
    lay = asked("本子过户", synonyms=(DEED, Synonym("过户", ("转移登记",))))
    assert reasons(lay)["事项"] == "不动产转移登记"


@pytest.mark.parametrize("typed", ["不动产抵押登记", "户口登记", "登记", "转移"])
def test_another_matter_is_not_called_the_same(typed: str) -> None:
    assert "事项" not in reasons(asked(typed))


def test_documents_are_named_by_number_or_title() -> None:
    case = replace(CASE, basis=[{"title": "关于带押过户的通知", "doc_no": "自然资发〔2023〕29号"}])
    assert reasons(asked("按自然资发(2023)29号能办吗"), case)["文号"] == "自然资发〔2023〕29号"
    assert reasons(asked("《不动产登记暂行条例》怎么说"))["文号"] == "《不动产登记暂行条例》"
    assert "文号" not in reasons(asked("按自然资发(2023)30号能办吗"), case)


def test_the_sentence_near_in_meaning_is_quoted_without_greetings() -> None:
    place = ("demand", 0, len(CASE.demand))
    query = asked("房产证加名字", synonyms=(Synonym("房产证", ("不动产权证书",)),))
    assert reasons(query, place=place, near=True)["义"] == "我们结婚以后想把配偶添到不动产权证书上。"
    nothing_shared = asked("贷款没还完")
    assert reasons(nothing_shared, place=place, near=True)["义"] == "我们结婚以后想把配偶添到不动产权证书上。"


@pytest.mark.parametrize(
    ("told", "quoted"),
    [
        ("尊敬的李主任：领导您好，电梯停用两年了。", "电梯停用两年了。"),
        ("领导签字一直拿不到，电梯停用两年了。", "领导签字一直拿不到，电梯停用两年了。"),
    ],
)
def test_a_greeting_before_the_sentence_is_not_quoted(told: str, quoted: str) -> None:
    case = replace(CASE, demand=told)
    assert reasons(asked("电梯停用"), case, place=("demand", 0, len(told)), near=True)["义"] == quoted


def test_a_date_with_a_name_is_no_sentence_to_quote() -> None:
    case = replace(CASE, demand="某某市住房保障中心 2019年5月1日。电梯加装一直批不下来。")
    place = ("demand", 0, len(case.demand))
    assert reasons(asked("老楼上下困难"), case, place=place, near=True)["义"] == "电梯加装一直批不下来。"


def test_a_long_sentence_is_quoted_in_part() -> None:
    case = replace(CASE, demand="我家住在六楼，" * 20 + "电梯加装迟迟批不下来，" + "老人出门很难，" * 20)
    quote = reasons(asked("加装电梯批不下来"), case, place=("demand", 0, len(case.demand)), near=True)["义"]
    assert "电梯加装" in quote and len(quote) <= 60


@pytest.mark.parametrize(
    ("home", "told"),
    [
        ("530114", "本区：云南省昆明市呈贡区"),
        ("530102", "本市：云南省昆明市呈贡区"),
        ("530100", "本市：云南省昆明市呈贡区"),
        ("530302", "本省：云南省昆明市呈贡区"),
        ("430104", None),
        ("", None),
        ("无", None),
    ],
)
def test_the_smallest_area_in_common_is_told(home: str, told: str | None) -> None:
    assert reasons(asked("过户"), home=home).get("地区") == told


def test_without_a_hall_the_filter_is_the_place() -> None:
    assert reasons(asked("过户"), filters=Filters(region="昆明"))["地区"] == "云南省昆明市呈贡区"


def test_an_autonomous_area_is_called_by_its_kind() -> None:
    case = replace(CASE, region={}, hall={"code": "451021", "name": "田林县"})
    assert reasons(asked("过户"), case, home="450103")["地区"].startswith("本自治区")


def test_a_void_basis_is_told_and_an_unchecked_one_is_not_praised() -> None:
    assert "时效" not in reasons(asked("过户"))
    void = [{"title": "旧办法", "doc_no": "某发〔2001〕1号", "valid": False}, {"title": "新办法", "valid": True}]
    assert reasons(asked("过户"), replace(CASE, basis=void))["时效"] == "依据已失效：旧办法 某发〔2001〕1号"


@pytest.mark.parametrize(
    ("closed", "recent"),
    [
        ("2025-03-01", True),
        ("2025-03", True),
        ("2024-01-01", False),
        ("2026-01-01", False),
        ("近日", False),
        ("", False),
    ],
)
def test_a_case_of_the_last_year_is_called_recent(closed: str, recent: bool) -> None:
    found = reasons(asked("过户"), replace(CASE, closed=closed), today=date(2025, 6, 1))
    assert ("时效" in found) is recent


def test_a_case_of_a_class_says_that_its_way_can_be_used_again() -> None:
    assert "复用" in reasons(asked("过户"), replace(CASE, playbook="p1"))


def test_reasons_come_in_the_order_that_convinces() -> None:
    case = replace(CASE, playbook="p1", closed="2025-03-01")
    query = asked("按《不动产登记暂行条例》本子过户添配偶，不动产转移登记", synonyms=(DEED,))
    place = ("demand", 0, len(case.demand))
    found = reasons(query, case, place=place, near=True, home="530114", today=date(2025, 6, 1))
    assert list(found) == ["文号", "事项", "词", "同义", "义", "地区", "时效", "复用"]


def test_where_no_word_is_shared_the_common_characters_are_the_reason() -> None:
    query = Query("银行应允", "银行应允", ("银行应允",), tuple(words.bigrams("银行应允")))
    assert reasons(query) == {"词": "银行"}
    assert marked(query) == ["银行"]


def test_a_word_across_two_others_is_neither_marked_nor_shared() -> None:
    case = Case("b2", demand="大学车站没有无障碍坡道。", measure="已在大学车站加装。")
    query = asked("学车 坡道")
    assert "学车" in query.words
    assert marked(query, case) == ["坡道"]
    assert reasons(query, case)["词"] == "坡道"
    assert marked(query, replace(case, measure="学车费用已退。")) == ["坡道", "学车"]


def test_letters_inside_a_longer_word_are_not_marked() -> None:
    case = Case("b3", demand="我的 Happy 小店在APP上提交不了。")
    assert marked(asked("app提交"), case) == ["APP", "提交"]


def test_a_placeholder_is_no_word_of_the_case() -> None:
    assert marked(asked("姓名写错"), Case("b4", demand="〔姓名1〕的姓名登记有误。")) == ["姓名"]


def test_traditional_and_full_width_text_is_marked_in_place() -> None:
    case = Case("b5", title="ＡＢＣ公司", demand="住房公積金提取被拒。")
    assert marked(asked("abc公积金"), case) == ["ＡＢＣ", "公積金"]


def test_coverage_counts_synonyms() -> None:
    query = asked("本子配偶")
    assert explanation.coverage(query, CASE) == 0.5
    assert explanation.coverage(replace(query, synonyms=(DEED,)), CASE) == 1.0
    assert explanation.coverage(Query(""), CASE) == 0.0


_TEXT = st.text(alphabet=st.sampled_from("不动产权证书登记大学车站本子公積金〔姓名1〕Ａa ，。\n\ud800"), max_size=60)


@given(_TEXT, _TEXT, _TEXT, st.integers(-5, 80), st.integers(-5, 80))
def test_any_text_is_explained_and_no_marks_overlap(typed: str, demand: str, term: str, start: int, end: int) -> None:
    case = Case("b6", title=term, demand=demand, matter={"name": term})
    synonyms, corrections = (Synonym(typed[:2], (term,)),), (Correction("甲", term),)
    query = asked(typed, synonyms=synonyms, corrections=corrections, phrases=(term,))
    for one in explanation.why(query, case, Filters(), ("demand", start, end), True, home=typed):
        assert one["text"].strip()
    for name, spans in explanation.highlights(query, case).items():
        assert all(0 <= first < last <= len(getattr(case, name)) for first, last in spans)
        assert all(before[1] < after[0] for before, after in zip(spans, spans[1:], strict=False))
    assert 0.0 <= explanation.coverage(query, case) <= 1.0
