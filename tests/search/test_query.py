"""What a typed question is taken for: marks, numbers, speech together; and wild input."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.query import LONGEST, Query, number, understand
from search.query.operators import split


@pytest.mark.parametrize(
    ("typed", "question", "phrases", "without"),
    [
        ('"容缺受理" 食品', "容缺受理 食品", ("容缺受理",), ()),
        ("“带押过户”", "带押过户", ("带押过户",), ()),
        ("”老人”“低保“ 公交卡", "老人 低保 公交卡", ("老人", "低保"), ()),
        ("「一件事」落户", "一件事 落户", ("一件事",), ()),
        ("『居住证』", "居住证", ("居住证",), ()),
        ("想查'容缺受理'的", "想查 容缺受理 的", ("容缺受理",), ()),
        ("公积金提取 -贷款", "公积金提取", (), ("贷款",)),
        ("公积金 －贷款 −装修", "公积金", (), ("贷款", "装修")),
        ("-公积金 异地提取", "异地提取", (), ("公积金",)),
        ('入学 -"学区房"', "入学", (), ("学区房",)),
        ("-公积金", "", (), ("公积金",)),
        ('"落户" -"集体户"', "落户", ("落户",), ("集体户",)),
    ],
)
def test_marks_say_what_must_and_must_not_stand_in_a_case(
    typed: str, question: str, phrases: tuple[str, ...], without: tuple[str, ...]
) -> None:
    assert split(typed) == (question, phrases, without)


@pytest.mark.parametrize(
    "typed",
    [
        "2024-05-01 到 2024-06",
        "0531-88888888",
        "电话 -88888888",
        "社保 - 提取",
        "社保 --转移",
        "落户－长沙",
        "it's don't",
        '"',
        '""""',
        "“”",
        "材料清单： -身份证 -户口本 -房产证 原件和复印件都要带，另外还要提供无房证明和收入证明各一份，缺一样都不给办理",
        "窗口说这叫“容缺受理”，材料后补就行，可是后来又说我的事项不在“容缺受理”清单里面，一直没有给我办下来",
    ],
)
def test_marks_in_words_numbers_and_prose_are_only_marks(typed: str) -> None:
    assert split(typed) == (typed, (), ())


def test_words_excluded_at_the_end_of_a_long_question_count() -> None:
    long = "孩子要上小学，学校说要居住证满一年，可是房东不肯给我备案租房合同，居住证就办不下来，到处都问过了"
    assert split(f"{long} -积分 -学区房") == (long, (), ("积分", "学区房"))


def test_a_phrase_is_also_a_word_and_is_left_as_it_was_typed() -> None:
    asked = understand("“咋办”指南")
    assert asked.phrases == ("咋办",) and "咋办" in asked.meaning and "咋办" in asked.pairs


def test_only_excluded_words_leave_nothing_to_look_for() -> None:
    asked = understand("-公积金")
    assert asked.empty and asked.without == ("公积金",) and asked.text == "-公积金"


@pytest.mark.parametrize("typed", ["国办发〔2023〕29号", "2024-001", "11440100MB2C-0012", "浙A20240001号"])
def test_numbers_go_straight_through(typed: str) -> None:
    asked = understand(typed)
    assert asked.number == number(typed) != "" and asked.meaning == typed and asked.synonyms == ()


def test_a_number_may_be_typed_with_marks() -> None:
    asked = understand('"2024-001" -公积金')
    assert (asked.number, asked.without) == ("2024-001", ("公积金",))


def test_a_sentence_with_a_number_in_it_is_a_sentence() -> None:
    assert understand("请问满60岁能领养老金吗").meaning == "满60岁能领养老金"


def test_a_plain_question_stays_as_it_is() -> None:
    asked = understand("老人刷脸认证通不过")
    assert asked.meaning == asked.text and "刷脸" in "".join(asked.words) and "认证" in asked.pairs


def test_speech_is_embedded_as_plain_words() -> None:
    asked = understand("您好，冇得房产证\n咋个办嘛")
    assert asked.text == "您好，冇得房产证 咋个办嘛" and asked.meaning == "没有房产证"


@pytest.mark.parametrize("typed", ["", "   ", "。。。！？", "\x00\x1f", "\ud800\udfff", "“”", "-", "''"])
def test_nothing_to_look_for(typed: str) -> None:
    assert understand(typed).empty


@pytest.mark.parametrize(
    "typed",
    [
        "公积金，" * 2500,
        "a" * 10000,
        '"' * 10000,
        "“" * 10000,
        "-a " * 4000,
        "-" * 10000,
        "怎么" * 5000,
        "\ud800" * 10000,
    ],
)
def test_whatever_is_too_long_is_cut(typed: str) -> None:
    asked = understand(typed)
    assert asked.cut and len(asked.text) <= LONGEST and len(asked.meaning) <= LONGEST


WILD = st.lists(
    st.one_of(
        st.text(st.characters(), max_size=12),
        st.sampled_from(
            ['"', "“", "”", "'", "「", "-", " -", "－", "AND", "NOT", "NEAR(", "*", "^", ":", "；DROP TABLE cases", "%",
             "\x00", "\ud800", "冇得", "咋个办", "请问一下", "社保", "国办发〔2023〕29号", "2024-05", "，",
             "。", "吗", "〔姓名1〕"]
        ),
    ),
    max_size=30,
).map("".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(WILD)
def test_whatever_is_typed_is_understood(typed: str) -> None:
    asked = understand(typed)
    assert isinstance(asked, Query) and asked.empty == (not asked.words and not asked.pairs)
    assert all(phrase.strip() == phrase and phrase for phrase in (*asked.phrases, *asked.without))
    assert "\x00" not in asked.text and not any("\ud800" <= char <= "\udfff" for char in asked.text)
    assert asked.corrections == ()
    assert understand(asked.text).meaning == asked.meaning
