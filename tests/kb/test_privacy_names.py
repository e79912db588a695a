"""Names drawn at random from the surname and given-name tables, set into the sentences that clerks write."""

import csv
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.privacy import redact
from kb.privacy.lexicon import given_chars, surnames
from kb.privacy.segmentation import Reading
from kb.privacy.spellings import same_person

SURNAMES = sorted(name for name, cost in surnames().cost.items() if cost < 9)
COMMON = sorted(name for name, cost in surnames().cost.items() if cost <= 5)
GIVEN = sorted(char for char, cost in given_chars().items() if cost <= 6)
SENTENCES = [
    "联系人{}，材料已交。",
    "{}跑大厅好几趟都登录不了。",
    "房子是{}的，拿着收据跑了六年。",
    "老人{}走不了路。",
    "钱已取，{}致谢。",
    "经{}申请予以更正。",
    "档案里写的是“{}”。",
    "受{}委托前来办理",
    "（{}）",
    "，{}。",
]
CLEAR_SENTENCES = [
    "联系人：{}",
    "申请人{}，男，1956年生。",
    "{}13800138000",
    "法定代表人{}已去世。",
    "窗口接到{}女士反映。",
    "{}同志多次到镇政府反映。",
    "户主{}，身份证330102197704154021。",
    "他叫{}，今年六十二岁。",
]


@st.composite
def names(draw, family) -> str:
    return draw(st.sampled_from(family)) + draw(st.text(GIVEN, min_size=2, max_size=2))


@settings(max_examples=200, deadline=None)
@given(names(SURNAMES), st.sampled_from(SENTENCES))
def test_names_of_the_columns_never_remain(name, sentence):
    result = redact({"demand": sentence.format(name)}, {"applicant": name})
    assert name not in result.values["demand"]
    assert result.doubts == []


@settings(max_examples=150, deadline=None)
@given(names(COMMON), st.sampled_from(CLEAR_SENTENCES))
def test_names_beside_clear_cues_go_without_columns(name, sentence):
    assert name not in redact({"demand": sentence.format(name)}).values["demand"]


@settings(max_examples=60, deadline=None)
@given(names(COMMON))
def test_company_with_person_in_brackets(name):
    text = f"东海县碧水物业有限公司（{name}）"
    assert (
        redact({"demand": text}, {"applicant": text}).values["demand"]
        == "东海县碧水物业有限公司（〔姓名1〕）"
    )


def test_reading_prefers_words_to_a_name_across_them():
    road = Reading("在和平路口")
    assert road.gain(1, 3, 30.0) < 0 < Reading("在季云峰家").gain(1, 4, 20.0)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("勾声谷", "苟声谷", True), ("宋青山", "宋青河", False), ("张伟", "张炜", True)],
)
def test_same_person_by_sound(one, other, same):
    assert same_person(one, other) is same


def test_ledger_truth(shared):
    """Personal data recall and kept strings on the development ledgers, applicant columns given."""
    rows = list(csv.DictReader((shared / "ledgers/truth_dev.csv").open(encoding="utf-8-sig")))
    fields = ["demand", "obstacle", "resolution", "solidified", "followup", "lead_dept", "policy_basis"]
    leaks, lost, seen, kept = [], [], 0, 0
    for row in rows:
        personal = json.loads(row["pii"] or "[]")
        phones = "、".join(item["text"] for item in personal if item["type"] in ("手机号", "座机"))
        before = "\n".join(row[field] for field in fields)
        result = redact(
            {field: row[field] for field in fields}, {"applicant": row["applicant"], "phone": phones}
        )
        after = "\n".join(result.values.values())
        there = [item for item in personal if item["text"] in before]
        public = [item for item in json.loads(row["keep"] or "[]") if item["text"] in before]
        seen, kept = seen + len(there), kept + len(public)
        leaks += [item["type"] for item in there if item["text"] in after]
        lost += [item["type"] for item in public if item["text"] not in after]
    assert len(leaks) <= seen * 0.01 and not {"身份证号", "手机号", "银行卡"} & set(leaks)
    assert len(lost) <= kept * 0.01


@pytest.mark.parametrize("text", ["想把商转公，张伟去了三次", "想把商改住，电话13800138000"])
def test_short_names_of_matters_are_not_persons(text):
    matter = text[2:5]
    assert redact({"matter": matter, "demand": text}).values["matter"] == matter
