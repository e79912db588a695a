"""The gate, merging, and what a crash between the two files leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kb import review, submissions
from kb.config import Settings
from kb.errors import Conflict, Fault, Missing
from kb.model import Case
from kb.privacy import Doubt
from kb.store import Draft, Store
from tests.library import FULL, REFUSED, fill

DRAFT = Case(
    "newdraft0001", demand="〔姓名1〕也想办", result="〔姓名1〕办好了", followup="〔姓名2〕满意", accepted="2023-10-01",
    barriers=["信息不一致"], steps=[{"date": "2024-03-05", "dept": "银行", "action": "补登"}],
    basis=[FULL.basis[0], {"title": "新办法", "doc_no": "", "clause": "", "valid": None}],
    source={"file": "四月.xlsx", "row": "3"}, redactions=[{"kind": "姓名", "field": "followup", "count": 1}],
    confidence={"followup": 0.5, "demand": 0.4}, extra={"备注": "新"},
)  # fmt: skip
DOUBT = Doubt("demand", "姓名", 0, 5, "请核对")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(fill(Settings(tmp_path, embedding_model="fake"))) as found:
        found.save_drafts([Draft(DRAFT, [])], "测试")
        yield found


def test_a_merge_fills_unites_and_never_overwrites() -> None:
    merged = review.merged_case(REFUSED, DRAFT)
    assert (merged.demand, merged.outcome) == (REFUSED.demand, REFUSED.outcome)
    assert (merged.result, merged.accepted) == (DRAFT.result, "2023-10-01")
    assert merged.barriers == [*REFUSED.barriers, "信息不一致"]
    assert merged.sources == [DRAFT.source] and merged.extra == DRAFT.extra
    assert merged.confidence == {"followup": 0.5}
    assert merged.redactions == DRAFT.redactions


def test_steps_stand_in_the_order_of_their_days_and_rules_once() -> None:
    merged = review.merged_case(FULL, DRAFT)
    assert [step["date"] for step in merged.steps] == ["2024-03-04", "2024-03-05", "2024-03-06"]
    assert merged.basis == [*FULL.basis, DRAFT.basis[1]]


def test_persons_of_two_cases_are_not_taken_for_one() -> None:
    case = replace(REFUSED, measure="由〔姓名3〕讲明")
    merged = review.merged_case(case, DRAFT)
    assert (merged.result, merged.followup) == ("〔姓名4〕办好了", "〔姓名5〕满意")


def test_dates_that_do_not_fit_together_are_not_mixed() -> None:
    merged = review.merged_case(replace(REFUSED, received=""), replace(DRAFT, received="2024-05-01"))
    assert merged.received == ""


def test_merging_again_after_a_crash_adds_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(ids: Any) -> None:
        raise OSError

    with monkeypatch.context() as broken:
        broken.setattr(store, "discard_drafts", crash)
        with pytest.raises(OSError):
            review.merge(store, DRAFT.id, REFUSED.id, "审核")
    half = store.get(REFUSED.id)
    assert half and store.draft(DRAFT.id)
    assert review.merge(store, DRAFT.id, REFUSED.id, "审核") == []
    whole = store.get(REFUSED.id)
    assert whole and whole.content() == half.content() and store.draft(DRAFT.id) is None


def test_a_case_that_is_being_revised_takes_no_merge(store: Store) -> None:
    store.save_drafts([Draft(REFUSED, [])], "测试")
    with pytest.raises(Conflict):
        review.merge(store, DRAFT.id, REFUSED.id, "审核")
    assert store.draft(DRAFT.id) and store.draft(REFUSED.id)


@pytest.mark.parametrize("act", [
    lambda store: review.publish(store, [DRAFT.id], "审核"),
    lambda store: review.merge(store, DRAFT.id, FULL.id, "审核"),
])  # fmt: skip
def test_the_gate_stands_before_publishing_and_merging(store: Store, act: Any) -> None:
    store.save_drafts([Draft(DRAFT, [DOUBT])], "测试")
    before = store.get(FULL.id)
    with pytest.raises(Fault, match="1 处存疑"):
        act(store)
    assert store.draft(DRAFT.id) and store.get(DRAFT.id) is None and store.get(FULL.id) == before


def test_who_cleared_a_draft_and_when_is_kept(store: Store) -> None:
    store.save_drafts([Draft(DRAFT, [DOUBT])], "测试")
    review.publish(store, [DRAFT.id], "审核", cleared=True)
    last = store.revisions(DRAFT.id)[-1]
    assert (last["by"], last["note"], bool(last["at"])) == ("审核", review.CLEARED, True)


def test_publishing_some_that_may_not_pass_publishes_none(store: Store) -> None:
    with pytest.raises(Missing):
        review.publish(store, [DRAFT.id, "nothing"], "审核")
    assert store.get(DRAFT.id) is None


def test_one_being_written_is_published_by_hand_only(store: Store) -> None:
    submissions.put(store, [DRAFT.id], submissions.WRITING, "x", "350121")
    with pytest.raises(Conflict):
        review.publish(store, [DRAFT.id], "审核", handed_in=True)
    assert review.publish(store, [DRAFT.id], "命令行") == [DRAFT.id]


def test_returning_needs_a_reason_and_cleans_it(store: Store) -> None:
    with pytest.raises(Fault):
        review.give_back(store, DRAFT.id, "审核", " \n")
    review.give_back(store, DRAFT.id, "审核", "请问申请人，电话13812345678")
    found = submissions.of(store, DRAFT.id)
    assert (found.stage, found.note) == ("returned", "请问申请人，电话〔手机号〕")


def test_withdrawing_what_is_not_there_is_told_apart(store: Store) -> None:
    with pytest.raises(Missing):
        review.withdraw(store, "nothing", "审核", "理由")
    review.withdraw(store, FULL.id, "审核", "理由")
    with pytest.raises(Conflict):
        review.withdraw(store, FULL.id, "审核", "理由")
