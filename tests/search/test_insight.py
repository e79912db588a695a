"""What changed in a period: new barriers, those that come back after a fix, growing ones, and what is left out."""

from __future__ import annotations

from typing import Any

import pytest

from kb import vocabulary
from kb.config import Settings
from kb.errors import Fault
from kb.model import Case
from kb.store import Store
from search.insight import changes, needs

from ..library import CASES, WITHDRAWN

TODAY = "2026-06-30"
MINHOU = {"code": "350121", "name": "闽侯县政务服务中心"}
LIANJIANG = {"code": "350122", "name": "连江县政务服务中心"}
ZHUZHOU = {"code": "430200", "name": "株洲市政务服务中心"}
FUZHOU = {"province": "福建省", "city": "福州市"}
HUNAN = {"province": "湖南省", "city": "株洲市"}


def case(number: int, received: str, hall: dict[str, str] = MINHOU, **more: Any) -> Case:
    values: dict[str, Any] = {
        "matter": {"name": "落户"}, "barriers": ["信息不一致"], "hall": hall, "received": received,
        "region": HUNAN if hall is ZHUZHOU else FUZHOU, "title": f"第{number}件", "outcome": "办成",
    }  # fmt: skip
    return Case(f"{number:012}", **{**values, **more})


#: A case that only makes the period last until its day.
LAST = case(99, "2026-06-30", matter={}, barriers=[])


def changed(settings: Settings, cases: list[Case], since: str = "2026-06-01") -> dict[str, Any]:
    with Store(settings) as store:
        store.publish(cases, by="测试")
        return changes.changes(store, since, TODAY)


@pytest.fixture
def settings(tmp_path: Any) -> Settings:
    return Settings(tmp_path / "library", embedding_model="fake")


def test_the_default_period_ends_with_the_newest_case_that_is_not_in_the_future(settings: Settings) -> None:
    found = changed(settings, [case(1, "2026-05-01"), case(2, "2099-01-01")], since="")
    assert found["period"] == {
        "since": "2026-02-01", "until": "2026-05-01", "before_since": "2025-11-03", "before_until": "2026-01-31",
    }  # fmt: skip
    assert found["cases"] == 1 and found["left_out"]["undated"] == 1


def test_a_pair_never_seen_before_is_new(settings: Settings) -> None:
    cases = [
        case(1, "2020-01-01"), case(2, "2026-06-02"),
        case(3, "2026-06-03", barriers=["互为前置"]), case(4, "2026-06-04", LIANJIANG, barriers=["互为前置"]),
        case(5, "2026-06-05", matter={"name": "迁户口", "standard": "落户"}),
    ]  # fmt: skip
    (entry,) = changed(settings, cases)["new"]
    assert (entry["matter"], entry["barrier"], entry["cases"], entry["before"]) == ("落户", "互为前置", 2, 0)
    assert entry["halls"] == {"闽侯县政务服务中心": 1, "连江县政务服务中心": 1}
    assert entry["case_ids"] == ["000000000004", "000000000003"] and entry["first"] == "2026-06-03"


def test_cases_without_a_matter_stand_under_their_domain(settings: Settings) -> None:
    found = changed(settings, [case(1, "2026-06-01", matter={}, domain="户籍"), case(2, "2026-06-01", matter={})])
    assert [(entry["matter"], entry["domain"]) for entry in found["new"]] == [("", "户籍")]
    assert found["left_out"]["without_matter"] == 2 and not found["older"]


def test_growing_needs_enough_cases_and_clearly_more_than_before(settings: Settings) -> None:
    before = [case(number, "2026-05-20") for number in range(2)]
    few = changed(settings, [LAST, *before, case(10, "2026-06-02"), case(11, "2026-06-02")])
    assert few["growing"] == [] and few["before"] == 2
    (entry,) = changed(settings, [case(12, "2026-06-03")])["growing"]
    assert (entry["cases"], entry["before"]) == (3, 2)
    assert changed(settings, [case(13, "2026-05-10")])["growing"] == []


def test_what_comes_back_after_a_fix_is_told_by_place(settings: Settings) -> None:
    fixed = {"kind": "流程", "text": "改了受理流程", "date": "2026-03-01"}
    cases = [
        case(1, "2026-01-05", LIANJIANG), case(2, "2026-02-01", solidified=fixed),
        case(3, "2026-04-01"), case(4, "2026-06-02"), case(5, "2026-06-03", LIANJIANG), case(6, "2026-06-04", ZHUZHOU),
        case(7, "2026-06-05", barriers=["互为前置"]), case(8, "2026-06-05", matter={"name": "过户"}),
        case(9, "2026-03-01"), case(10, "", closed="2026-06-05"),
    ]  # fmt: skip
    (entry,) = changed(settings, cases)["recurring"]
    assert (entry["matter"], entry["barrier"], entry["cases"]) == ("落户", "信息不一致", 3)
    assert (entry["before_fix"], entry["after_fix"], entry["fixed"]) == (3, 4, "2026-03-01")
    assert entry["fixes"] == [
        {"case_id": "000000000002", "date": "2026-03-01", "what": "改了受理流程", "hall": MINHOU["name"]}
    ]
    assert {place: after["case_ids"] for place, after in entry["after"].items()} == {
        "hall": ["000000000004", "000000000003"], "city": ["000000000005"], "elsewhere": ["000000000006"],
    }  # fmt: skip


@pytest.mark.parametrize(
    "solidified",
    [{"kind": "", "text": "否", "date": "2026-03-01"}, {"kind": "流程", "text": "改了", "date": ""},
     {"kind": "", "text": "", "date": "2026-03-01"}, {"kind": "流程", "text": "改了", "date": "2026-06-20"}],
)  # fmt: skip
def test_no_fix_no_date_or_a_later_one_is_no_recurrence(settings: Settings, solidified: dict[str, str]) -> None:
    found = changed(settings, [case(1, "2026-02-01", solidified=solidified), case(2, "2026-06-02")])
    assert found["recurring"] == []
    assert found["left_out"]["undated_fixes"] == int(solidified["text"] == "改了" and not solidified["date"])


def test_refusals_and_private_matters_are_counted_apart(settings: Settings) -> None:
    both, private = ["依法不能办", "资格条件限制"], ["非政务诉求"]
    cases = [LAST, case(1, "2026-06-01", barriers=both), case(2, "2026-05-25", barriers=private)]
    found = changed(settings, cases)
    assert [entry["barrier"] for entry in found["new"]] == ["资格条件限制"]
    assert found["apart"] == [
        {"barrier": "依法不能办", "cases": 1, "before": 0}, {"barrier": "非政务诉求", "cases": 0, "before": 1},
    ]  # fmt: skip
    assert set(changes.settings()["apart"]) <= set(vocabulary.values("barriers"))


def test_a_duplicate_is_counted_once_and_stands_in_when_the_first_has_gone(settings: Settings) -> None:
    first = case(1, "2026-06-01")
    assert changed(settings, [first, case(2, "2026-06-02", duplicate_of=first.id)])["new"][0]["case_ids"] == [first.id]
    with Store(settings) as store:
        store.withdraw(first.id, by="测试", reason="重复")
        assert changes.changes(store, "2026-06-01", TODAY)["new"][0]["case_ids"] == ["000000000002"]


@pytest.mark.parametrize(
    ("written", "day"), [("2026-06", "2026-06-01"), ("2026", ""), ("2026-02-31", ""), ("六月", "")]
)
def test_dates_that_say_no_day(settings: Settings, written: str, day: str) -> None:
    found = changed(settings, [case(1, written)], since="2026-01-01")
    assert [entry["first"] for entry in found["new"]] == ([day] if day else [])
    assert found["left_out"]["undated"] == int(not day)


@pytest.mark.parametrize("since", ["昨天", "2026-02-31", "0001-01-01", "2026-13", "' or 1=1", "1900"])
def test_a_date_that_cannot_be_understood_is_told(settings: Settings, since: str) -> None:
    with pytest.raises(Fault):
        changed(settings, [case(1, "2026-06-01")], since)


def test_an_answer_is_kept_until_the_library_changes(settings: Settings) -> None:
    with Store(settings) as store:
        store.publish([case(1, "2026-06-01")], by="测试")
        first = changes.changes(store, "2026-06-01", TODAY)
        assert changes.changes(store, "2026-06-01", TODAY) is first
        store.publish([case(2, "2026-06-02")], by="测试")
        assert changes.changes(store, "2026-06-01", TODAY)["cases"] == 2


def test_the_small_library_and_an_empty_one_are_answered(settings: Settings) -> None:
    assert changed(settings, [])["cases"] == 0
    with Store(settings) as store:
        store.publish(CASES, by="测试")
        store.withdraw(WITHDRAWN.id, by="测试", reason="错")
        found = changes.changes(store, "2023-10-01", TODAY)
    assert found["cases"] == 2 and found["left_out"]["undated"] == 2  # the twin is not counted


def test_every_number_has_its_cases(settings: Settings) -> None:
    found = changed(settings, [case(number, f"2026-06-{number:02}") for number in range(1, 26)])
    (entry,) = found["new"]
    assert len(entry["case_ids"]) == changes.settings()["ids"]
    with Store(settings) as store:
        for page, count in ((1, 20), (2, 5), (3, 0)):
            rows, total = changes.cases_of(
                store, "落户", barrier="信息不一致", since="2026-06-01", until="2026-06-30", page=page
            )
            assert total == entry["cases"] == 25 and len(rows) == count
        assert changes.cases_of(store, "落户' or 1=1 --")[1] == 0
        assert changes.cases_of(store, domain="户籍")[1] == 0


def test_a_question_is_embedded_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from search.embedder.fake import FakeEmbedder

    seen: list[str] = []
    real = FakeEmbedder.encode_queries

    def counting(self: FakeEmbedder, texts: Any) -> Any:
        seen.extend(texts)
        return real(self, texts)

    monkeypatch.setattr(FakeEmbedder, "encode_queries", counting)
    remembering = needs.Remembering(FakeEmbedder())
    first = remembering.encode_queries(["宠物狗办证", "落户"])
    again = remembering.encode_queries(["落户", "宠物狗办证", "落户"])
    assert seen == ["宠物狗办证", "落户"]
    assert (again[1] == first[0]).all() and (again[0] == again[2]).all()
    assert remembering.encode_queries([]).shape == (0, remembering.dim)
