"""Names that are ordinary words, names without surnames, and names of places that look like persons'."""

from __future__ import annotations

import pytest

from kb.privacy import redact


def redacted(text: str, **known: str) -> str:
    return redact({"demand": text}, known).values["demand"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("高兴，女，1962年生，来办证时被告知缺材料。", "高兴"),
        ("联系人：秦岭，电话没人接。", "秦岭"),
        ("安宁（身份证号110101196203154322）称户口本上名字写错。", "安宁"),
        ("记者高原、通讯员柳青青报道。", "高原"),
        ("户主陈大山，次女陈排风，均未迁户口。", "陈排风"),
        ("宋江（弟）、宋清（兄）争抢继承。", "宋江"),
        ("村支书单廷说村里开不了证明。", "单廷"),
        ("阿依古丽反映孩子入学报名缺居住证明。", "阿依古丽"),
        ("牧户乌云其木格要换草原证。", "乌云其木格"),
        ("扎西、多吉才让来办虫草采集证。", "扎西"),
        ("热依汗古丽·阿不都拉来办执照，名字太长。", "阿不都拉"),
    ],
)
def test_unusual_names_go_without_columns(text: str, name: str) -> None:
    assert name not in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "早高峰、晚高峰和高峰期排队久，高峰时段要加窗口。",
        "业务高峰来了系统就慢。",
    ],
)
def test_applicant_whose_name_is_a_word_leaves_the_word(text: str) -> None:
    assert redacted(text, applicant="高峰") == text
    assert redacted("高峰反映取不到号。", applicant="高峰") == "〔姓名1〕反映取不到号。"


@pytest.mark.parametrize(
    "text",
    [
        "景豪庭业主反映办证难，伍家岭片区也有。",
        "彭经理和刘主任都来过。",
        "小满（化名）、扈先生都办成了。",
        "陶家山社区、马坡岭小学、柳叶湖管委会已回复。",
        "张小泉剪刀铺门前占道。",
        "申请人同意，当事人明确，负责人安排。",
        "乌鲁木齐市天山区、巴彦淖尔市、呼和浩特市的件。",
    ],
)
def test_places_titles_and_masked_names_stay(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("text", ["申领须本人面签。", "公章须本人拿来", "高龄津贴申领需本人面签", "登记章须本人盖"])
def test_must_be_there_in_person_is_no_name(text: str) -> None:
    assert redact({"obstacle": text}).values["obstacle"] == text
