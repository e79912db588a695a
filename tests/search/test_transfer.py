"""举一反三: where a playbook would help, and where it would not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kb.config import Settings
from kb.model import Case
from kb.playbooks import Playbook
from kb.store import Store
from search.insight.transfer import Candidate, transfer

CITY = {"province": "福建省", "city": "福州市"}
GOOD = Case("good00000001", hall={"code": "350121", "name": "闽侯县"}, region=CITY, matter={"standard": "商转公"},
            outcome="办成", closed="2024-03-01", working_days=2)  # fmt: skip
ELSE = Case("good00000002", hall={"code": "430200", "name": "株洲市"}, matter={"standard": "房产过户"}, outcome="办成",
            closed="2024-02-01", working_days=4)  # fmt: skip
STUCK = Case("stuck0000001", hall={"code": "350102", "name": "鼓楼区"}, region=CITY, matter={"standard": "商转公"},
             outcome="转其他渠道", closed="2024-05-01")  # fmt: skip
BOOK = Playbook(id="pb1", title="楼栋号对不上", case_ids=[GOOD.id, ELSE.id], models=[ELSE.id, GOOD.id])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(Settings(tmp_path / "kb-data")) as found:
        found.publish([GOOD, ELSE], by="测试")
        yield found


def found(store: Store, *cases: Case, book: Playbook = BOOK) -> list[Candidate]:
    store.publish(cases, by="测试")
    return transfer(store, book, [case.id for case in cases])


def test_a_hall_that_sends_people_away_is_named_with_the_case_to_follow(store: Store) -> None:
    (one,) = found(store, STUCK)
    assert (one.matter, one.hall, one.kind, one.case_ids, one.example) == (
        "商转公", "鼓楼区", "unsolved", [STUCK.id], GOOD.id)  # fmt: skip
    assert one.why == ["1 件转其他渠道，最近一件 2024-05", "同市的闽侯县办成了同一事项，2 个工作日"]
    assert one.to_dict()["hall_code"] == "350102"


def test_a_case_to_follow_in_the_same_hall_is_called_so(store: Store) -> None:
    (one,) = found(store, replace(STUCK, hall=GOOD.hall, matter={"standard": "买房提取"}))
    assert one.why[1] == "本大厅办成了“商转公”，2 个工作日"


def test_unsolved_comes_before_half_and_half_before_slow(store: Store) -> None:
    half = replace(STUCK, id="half00000001", hall={"code": "1", "name": "甲县"}, outcome="部分办成")
    slow = replace(STUCK, id="slow00000001", hall={"code": "2", "name": "乙县"}, outcome="办成", working_days=40)
    many = replace(STUCK, id="stuck0000002")
    listed = found(store, slow, half, STUCK, many)
    assert [(each.kind, each.hall) for each in listed] == [("unsolved", "鼓楼区"), ("partly", "甲县"), ("slow", "乙县")]
    assert listed[0].case_ids == [many.id, STUCK.id] and listed[0].score > found(store, STUCK)[0].score
    assert listed[2].why[0] == "办成了，但用了 40 个工作日；这一类的中位是 3 个，最近一件 2024-05"


@pytest.mark.parametrize("changed", [
    {"outcome": "办成", "working_days": 5},  # as quick as others
    {"outcome": "办成", "working_days": None},
    {"outcome": "办成", "working_days": 40, "solidified": {"text": "以后一窗受理"}},  # slow, and made better since
    {"outcome": ""},  # nobody knows
    {"barriers": ["非政务诉求"]},
    {"duplicate_of": GOOD.id},
])  # fmt: skip
def test_what_needs_no_help_is_left_out(store: Store, changed: dict[str, Any]) -> None:
    assert found(store, replace(STUCK, **changed)) == []


@pytest.mark.parametrize(("closed", "expected"), [("2024-06-01", 0), ("2024-04-01", 1), ("", 0)])
def test_a_hall_that_has_solved_it_since_is_left_out(store: Store, closed: str, expected: int) -> None:
    solved = replace(STUCK, id="since0000001", outcome="办成", working_days=2, closed=closed)
    assert len(found(store, STUCK, solved)) == expected


def test_a_lawful_refusal_comes_last_and_says_that_it_has_to_be_looked_at(store: Store) -> None:
    lawful = replace(STUCK, id="lawful000001", hall={"code": "3", "name": "丙县"}, outcome="依法不能办已释因",
                     barriers=["依法不能办"])  # fmt: skip
    listed = found(store, lawful, STUCK)
    assert [each.hall for each in listed] == ["鼓楼区", "丙县"] and "请先核对" in listed[1].why[-1]


def test_withdrawn_and_unknown_cases_count_for_nothing(store: Store) -> None:
    store.publish([STUCK], by="测试")
    store.withdraw(STUCK.id, by="测试", reason="有误")
    assert transfer(store, BOOK, [STUCK.id, "' or 1=1 --"]) == []


def test_without_a_solved_case_there_is_nothing_to_carry_over(store: Store) -> None:
    assert found(store, STUCK, book=replace(BOOK, case_ids=[], models=[])) == []
    assert transfer(store, BOOK, []) == []
