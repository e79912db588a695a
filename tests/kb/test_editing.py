"""What a person writes becomes a case in standard form without personal data, and stays what it is when saved again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from kb.config import Settings
from kb.editing import FIELDS, TEXTS, Unclear, basis_line, edit, step_line, text_of, tidy
from kb.errors import Fault
from kb.model import Case
from kb.privacy import Doubt
from tests.library import FULL

HERE = Settings(Path("nowhere"))
BLANK = Case("abc")


def edited(values: dict[str, Any], before: Case = BLANK, doubts: tuple[Doubt, ...] = ()) -> Any:
    return edit(HERE, before, values, doubts, suggest=False)


def as_form(case: Case) -> dict[str, Any]:
    """What the form sends when nobody changed anything."""
    nested = ("matter", "solidified", "barriers", "handling")
    flat = {name: text_of(case, name) for name in FIELDS if name not in nested}
    return {**flat, "barriers": case.barriers, "handling": case.handling,
            "matter": {"name": case.matter.get("name", ""), "code": case.matter.get("code", "")},
            "solidified": {name: case.solidified.get(name, "") for name in ("kind", "text", "date")}}  # fmt: skip


def test_words_of_clerks_become_standard_values() -> None:
    case = edited({
        "demand": "想把商业贷款转成公积金贷款", "domain": "住房公积金", "outcome": "已办结", "received": "2024.3.4",
        "closed": "20240307", "accepted": "2024年3月", "barriers": "信息不符、互为前置", "handling": ["协调"],
        "coop_depts": "县住建局、县医保局", "materials": "身份证（正、反面）、户口簿",
        "basis": "《住房公积金管理条例》第二十六条\n国办发[2023]29号", "steps": "2024-03-04 住建局：出具变更说明\n回访",
    }).draft.case  # fmt: skip
    assert (case.domain, case.outcome, case.barriers) == ("公积金", "办成", ["信息不一致", "互为前置"])
    assert (case.received, case.accepted, case.closed, case.working_days) == ("2024-03-04", "2024-03", "2024-03-07", 3)
    assert case.coop_depts == ["县住建局", "县医保局"] and case.materials == ["身份证（正、反面）", "户口簿"]
    assert [basis_line(rule) for rule in case.basis] == ["《住房公积金管理条例》第二十六条", "国办发〔2023〕29号"]
    assert case.steps[0] == {"date": "2024-03-04", "dept": "住建局", "action": "出具变更说明"}
    assert case.steps[1]["action"] == "回访"


def test_saving_without_a_change_changes_nothing() -> None:
    again = edited(as_form(FULL), FULL)
    assert again.draft.case.content() == FULL.content() and again.removed == []


def test_lists_may_come_as_they_are_exported() -> None:
    given_back = {name: getattr(FULL, name) for name in ("steps", "basis", "materials", "coop_depts", "barriers")}
    case = edited(given_back).draft.case
    assert {name: getattr(case, name) for name in given_back} == given_back


def test_fields_that_are_not_named_stay() -> None:
    case = edited({"result": "第二天通过。"}, FULL).draft.case
    assert {**case.content(), "result": FULL.result} == FULL.content()


def test_personal_data_is_replaced_counted_and_numbered_on() -> None:
    before = Case("abc", demand="申请人〔姓名1〕要办证", extra={"备注": "〔姓名3〕陪同"})
    found = edited({"measure": "窗口联系本人王小明，电话13812345678。"}, before)
    assert found.draft.case.measure == "窗口联系本人〔姓名4〕，电话〔手机号〕。"
    assert {(count.kind, count.field, count.count) for count in found.removed} == {
        ("姓名", "measure", 1), ("手机号", "measure", 1),
    }  # fmt: skip
    again = edited({"measure": found.draft.case.measure}, found.draft.case)
    assert again.removed == [] and again.draft.case.redactions == found.draft.case.redactions


def test_invisible_signs_do_not_hide_a_number() -> None:
    assert "〔手机号〕" in edited({"demand": "电话138\u200b1234\u200d5678"}).draft.case.demand


@pytest.mark.parametrize("field, value", [
    ("received", "3月上旬王小明"), ("domain", "王小明"), ("outcome", "没办成"), ("barriers", ["王小明"]),
    ("demand", "王" * 10_001), ("demand", 3), ("steps", {"王小明": 1}), ("steps", [3]), ("basis", 7),
    ("materials", ["王小明"] * 101), ("matter", ["王小明"]), ("solidified", {"kind": "王小明"}), ("received", []),
    ("matter", {"code": "王小明"}), ("steps", [{"date": "王小明"}]),
])  # fmt: skip
def test_what_is_not_understood_is_told_by_field_and_not_quoted(field: str, value: Any) -> None:
    with pytest.raises(Unclear) as told:
        edited({field: value})
    assert [name.partition(".")[0] for name in told.value.fields] == [field]
    assert "王小明" not in str(told.value)


def test_a_case_does_not_end_before_it_begins() -> None:
    for closed in ("2024-03-01", "2024-02"):
        with pytest.raises(Unclear) as told:
            edited({"received": "2024-03-04", "closed": closed})
        assert list(told.value.fields) == ["closed"]


def test_bookkeeping_is_nobodys_to_write() -> None:
    for name in ("id", "state", "revision", "redactions", "hall", "nonsense"):
        with pytest.raises(Fault):
            edited({name: "x"})


def test_what_was_inferred_stays_so_until_somebody_says_otherwise() -> None:
    assert edited(as_form(FULL), FULL).draft.case.confidence == FULL.confidence
    assert "domain" not in edited({"domain": "社保"}, FULL).draft.case.confidence


def test_a_doubt_stays_with_its_placeholder() -> None:
    before = Case("abc", demand="甲〔姓名1〕乙〔姓名2〕", extra={"备注": "〔姓名3〕"})
    doubts = (Doubt("demand", "姓名", 7, 12, "请核对"), Doubt("remarks", "姓名", 0, 5, "请核对"),
              Doubt("url", "姓名", 0, 5, "请核对"))  # fmt: skip
    kept = edited({"demand": "前面加一句，甲〔姓名1〕乙〔姓名2〕"}, before, doubts).draft.doubts
    assert sorted(doubt.field for doubt in kept) == ["demand", "extra.备注", "url"]
    assert next(doubt for doubt in kept if doubt.field == "demand").start == 13
    moved = edited({"demand": "甲〔姓名1〕", "obstacle": "乙〔姓名2〕"}, before, doubts).draft.doubts
    assert ("obstacle", 1) in {(doubt.field, doubt.start) for doubt in moved}
    gone = edited({"demand": "甲〔姓名1〕"}, before, doubts).draft.doubts
    assert sorted(doubt.field for doubt in gone) == ["extra.备注", "url"]


def test_lines_read_as_they_are_written() -> None:
    assert step_line({"date": "2024-03-04", "dept": "住建局", "action": "出具说明"}) == "2024-03-04 住建局：出具说明"
    assert step_line({"action": "回访"}) == "回访"


texts = st.text(max_size=60)
wild = st.recursive(st.none() | st.booleans() | st.integers() | texts,
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=6)


@tuned(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(FIELDS), wild, max_size=5))
def test_whatever_comes_is_taken_or_refused(values: dict[str, Any]) -> None:
    try:
        case = edited(values).draft.case
    except Fault:
        return
    assert all(isinstance(getattr(case, name), str) for name in TEXTS)


@tuned(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*TEXTS, "steps", "basis", "materials", "coop_depts", "lead_dept"]), texts))
def test_a_saved_draft_saved_again_is_the_same(values: dict[str, Any]) -> None:
    once = edited(values).draft
    twice = edited(as_form(once.case), once.case, tuple(once.doubts))
    assert twice.draft.case.content() == once.case.content()
    assert twice.draft.doubts == once.doubts and twice.removed == []


@given(st.text())
def test_a_tidy_text_can_be_stored(text: str) -> None:
    tidied = tidy(text)
    assert tidied.encode("utf-8").decode() == tidied == tidy(tidied)
    assert "\n" not in tidy(text, one_line=True) and "\x00" not in tidied
