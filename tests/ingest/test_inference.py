"""What is inferred, what is left empty, and why."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from ingest import inference
from ingest.inference import cues, similar
from ingest.inference.titles import LONGEST, compose_title
from kb.fields import departments

VOCABULARY = Path(inference.__file__).parents[2] / "kb" / "vocabulary"
LISTS = {
    "domain": "domains", "barriers": "barriers", "nature": "natures", "handling": "handling",
    "outcome": "outcomes", "applicant_type": "applicant_types", "channel": "channels",
}  # fmt: skip

LOOP = {
    "matter": "公共场所卫生许可",
    "demand": "卫生让先拿排水证，排水又让先拿卫生许可，两头都等。",
    "obstacle": "两项许可互为前置。",
    "measure": "召集两部门开会商定同步受理，许可证已发。",
}


def closed_list(name: str) -> set[str]:
    raw = yaml.safe_load((VOCABULARY / f"{LISTS[name]}.yml").read_text(encoding="utf-8"))
    return {entry["value"] for entry in raw["values"]}


@pytest.mark.parametrize("name", LISTS)
def test_cue_sheets_name_only_labels_of_the_closed_lists(name: str) -> None:
    sheet = cues.sheet(name)
    assert set(sheet.cues) <= closed_list(name)
    for by_value in sheet.leanings.values():
        assert {label for leanings in by_value.values() for label in leanings} <= set(sheet.cues)


def test_examples_name_only_labels_of_the_closed_lists() -> None:
    examples = similar.load_examples()
    assert {example.barrier for example in examples} == closed_list("barriers")
    assert {example.domain for example in examples} <= closed_list("domain")


def test_a_whole_case_without_an_encoder() -> None:
    guesses = inference.infer(LOOP).guesses
    assert guesses["barriers"].value[0] == "互为前置"
    assert guesses["domain"].value == "资质许可"
    assert guesses["outcome"].value == "办成"
    assert "联席会议" in guesses["handling"].value
    assert guesses["barriers"].why.startswith("卡点")
    assert all(0 < guess.confidence <= 1 for guess in guesses.values())


def test_what_the_source_says_is_not_inferred() -> None:
    said = {"domain": "其他", "barriers": ["作风推诿或超时"], "nature": "建议", "outcome": "部分办成", "title": "标题"}
    guesses = inference.infer({**LOOP, **said}).guesses
    assert not set(said) & set(guesses)


@pytest.mark.parametrize("values", [{}, {"demand": "  "}, {"lead_dept": "市税务局"}])
def test_nothing_to_go_by_gives_nothing(values: dict[str, str]) -> None:
    assert inference.infer(values).guesses == {}


def test_a_text_that_tells_no_outcome_gets_none() -> None:
    guesses = inference.infer({"demand": "想落户。", "obstacle": "门牌已更换，地址对不上。"}).guesses
    assert "outcome" not in guesses
    assert "channel" not in guesses
    assert guesses["barriers"].value == ["信息不一致"]


def test_a_lawful_refusal() -> None:
    guesses = inference.infer(
        {
            "demand": "城里人买了村里的院子，要求发证。",
            "obstacle": "集体土地上的住宅不得转让给本集体以外的人。",
            "measure": "当面出示条文解释，送达不予受理告知书，申请人表示理解。",
        }
    ).guesses
    assert guesses["outcome"].value == "依法不能办已释因"
    assert guesses["barriers"].value[0] == "依法不能办"
    assert guesses["nature"].value == "办不了"


def test_what_is_no_matter_of_government() -> None:
    guesses = inference.infer(
        {
            "demand": "网购的洗衣机坏了，商家不退款。",
            "obstacle": "属消费纠纷，不属于窗口受理范围。",
            "measure": "引导拨打12315投诉。",
        }
    ).guesses
    assert guesses["barriers"].value[0] == "非政务诉求"
    assert guesses["nature"].value == "非政务"
    assert guesses["outcome"].value == "转其他渠道"


def test_an_outcome_that_the_source_says_leans_the_barrier() -> None:
    refused = {"demand": "要求按老规定办。", "obstacle": "条件已变。", "outcome": "依法不能办已释因"}
    assert inference.infer(refused).guesses["barriers"].value[0] == "依法不能办"


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("12345工单：办证被退。", "12345转办"),
        ("网上留言反映办证难。", "网上留言"),
        ("来电咨询落户。", "电话"),
        ("公众号后台问怎么退税。", "微信公众号"),
    ],
)
def test_a_channel_only_where_the_text_names_it(text: str, channel: str) -> None:
    assert inference.infer({"demand": text}).guesses["channel"].value == channel


@pytest.mark.parametrize(
    ("applicant", "kind"),
    [
        ("某某县利民种植专业合作社", "合作社"),
        ("山海贸易有限公司", "公司"),
        ("某县摄影协会", "协会"),
        ("阳光幼儿园", "学校"),
        ("李记面馆", "店"),
        ("王小二", "个人"),
        ("", ""),
    ],
)
def test_the_kind_of_applicant_without_the_name(applicant: str, kind: str) -> None:
    assert inference.applicant_kind(applicant) == kind


def test_applicant_type_follows_the_kind() -> None:
    values = {"demand": "要换证。", "applicant_kind": "合作社"}
    assert inference.infer(values).guesses["applicant_type"].value == "农民专业合作社"


def test_neighbours_speak_where_the_cues_do_not() -> None:
    """A toy encoder that puts every text mentioning 海豚 beside one example."""
    target = similar.load_examples()[0]

    def encode(texts: list[str]) -> np.ndarray:
        near = [text == target.text or "海豚" in text for text in texts]
        return np.array([[1.0, 0.0] if hit else [0.0, 1.0] for hit in near], dtype=np.float32)

    guess = inference.infer({"demand": "海豚"}, encode=encode).guesses["barriers"]
    assert guess.value == [target.barrier]
    assert guess.why.startswith("近似")
    assert "barriers" not in inference.infer({"demand": "海豚"}).guesses


@pytest.mark.parametrize(
    ("texts", "title"),
    [
        (
            {"matter": "商品房分户转移登记", "obstacle": "建设单位已注销，没有主体申请首次登记。"},
            "商品房分户转移登记：建设单位已注销，没有主体申请首次登记",
        ),
        ({"matter": "教师资格认定", "demand": "〔姓名1〕（化名）等了半年。"}, "教师资格认定：等了半年"),
        ({"obstacle": "缺原件"}, "缺原件"),
        (
            {"matter": "养老保险待遇资格认证", "obstacle": "系统只认本人在家里用新的智能手机做人脸识别的结果"},
            "养老保险待遇资格认证：系统只认本人在家里用新的智能手机做…",
        ),
        (
            {"obstacle": "两家窗口都说要先拿到对方的批文，谁也不肯先收件，开店的事已经拖了大半年"},
            "两家窗口都说要先拿到对方的批文，谁也不肯先收件",
        ),
        (
            {"matter": "国有建设用地使用权及房屋所有权转移登记", "obstacle": "缺原件"},
            "国有建设用地使用权及房屋所有权…：缺原件",
        ),
        ({}, ""),
    ],
)
def test_titles(texts: dict[str, str], title: str) -> None:
    assert compose_title(texts) == title


def test_titles_are_short() -> None:
    long = {"matter": "国有建设用地使用权及房屋所有权转移登记", "obstacle": "材料" * 40}
    assert len(compose_title(long)) <= LONGEST


def test_a_gap_in_a_cue_does_not_cross_a_sentence() -> None:
    pattern = cues._compile("先…才{0,1}能|甲…{0,3}乙")
    assert pattern.search("先办这个才能办那个")
    assert not pattern.search("先办这个。才能办那个")
    assert pattern.search("甲一二三乙") and not re.search(pattern, "甲一二三四乙")


def test_the_department_in_the_lead_decides_between_two_domains() -> None:
    texts = {"matter": "公司注销登记", "obstacle": "非正常户未解除，清不了税。"}
    for lead, domain in {"县税务局": "税务", "县行政审批服务局": "企业开办"}.items():
        assert inference.infer({**texts, "lead_dept": lead}).guesses["domain"].value == domain


def test_departments_and_matters_of_the_domain_sheet_are_standard() -> None:
    leanings = cues.sheet("domain").leanings
    assert all(departments.standard(name) == name for name in leanings["department"])
    assert set(leanings["matter_domain"]) == set(cues.sheet("domain").cues)
