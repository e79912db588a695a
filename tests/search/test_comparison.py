"""甲县能办、乙县不能办: which pairs are listed, and which are not."""

from __future__ import annotations

from typing import Any

import pytest

from kb.config import Settings
from kb.store import Store
from search.embedder.store import EmbeddingCache
from search.insight.comparison import comparable, comparisons

from .insights import LIANJIANG, MINHOU, YANGGU, case, classed, ids, publish

REFUSED: dict[str, Any] = {"outcome": "依法不能办已释因", "measure": "当面讲明原因", "working_days": 1}


@pytest.fixture
def store(settings: Settings) -> Any:
    with Store(settings) as opened:
        yield opened


def test_the_same_obstacle_done_here_and_refused_there(store: Store) -> None:
    publish(store, [
        case(1, measure="按更名证明办理", working_days=3, closed="2024-03-05"),
        case(2, measure="按更名证明办理", working_days=6), case(3, hall=YANGGU, **REFUSED),
    ])  # fmt: skip
    (row,) = comparisons(store)
    assert (row.matter, row.barrier, row.same, row.class_id) == ("户口迁移", "信息不一致", "barrier", "")
    (can,), (cannot,) = row.can, row.cannot
    assert (can.hall, can.case_ids, can.how, can.days) == ("闽侯县", ids(2, 1), "按更名证明办理", 4)
    assert (cannot.hall, cannot.case_ids, cannot.how, cannot.outcome) == (
        "阳谷县", ids(3), "当面讲明原因", "依法不能办已释因",
    )  # fmt: skip
    assert "闽侯县能办，阳谷县不能办" in row.text


def test_one_class_is_a_surer_reason_than_one_type(store: Store) -> None:
    publish(store, [
        case(1), case(2, hall=YANGGU, outcome="部分办成"),
        case(3, matter={"name": "开户"}), case(4, hall=YANGGU, matter={"name": "开户"}, outcome="部分办成"),
    ])  # fmt: skip
    classed(store, "c1", 1, 2)
    first, second = comparisons(store)
    assert (first.class_id, first.same, first.obstacle) == ("c1", "class", "坐落与门牌对不上。")
    assert second.same == "barrier" and first.score > second.score


def test_a_lawful_refusal_is_compared_by_its_words(store: Store) -> None:
    lawful: dict[str, Any] = {**REFUSED, "barriers": ["依法不能办"]}
    publish(store, [
        case(1), case(2, hall=YANGGU, obstacle="产权证坐落与门牌地址对不上号", **lawful),
        case(3, hall=LIANJIANG, obstacle="不符合落户年限规定", **lawful),
    ])  # fmt: skip
    (row,) = comparisons(store)
    assert row.same == "words" and [side.hall for side in row.cannot] == ["阳谷县"]


@pytest.mark.parametrize(
    "second",
    [
        {"hall": MINHOU, **REFUSED},
        {"hall": YANGGU, "outcome": "办成"},
        {"hall": YANGGU, "outcome": ""},
        {"hall": YANGGU, **REFUSED, "matter": {"name": "执照补发"}},
        {"hall": YANGGU, **REFUSED, "barriers": ["互为前置"], "obstacle": "消防与文旅互等"},
        {"hall": YANGGU, **REFUSED, "nature": "非政务"},
        {"hall": {}, **REFUSED},
        {"hall": YANGGU, **REFUSED, "duplicate_of": ids(1)[0]},
        {"hall": YANGGU, **REFUSED, "obstacle": "身份证照片与本人相貌差别大"},
    ],
)
def test_what_is_no_comparison(store: Store, second: dict[str, Any]) -> None:
    publish(store, [case(1), case(2, **second)])
    assert comparisons(store) == []


def test_one_type_and_the_same_words_are_not_yet_one_obstacle(store: Store) -> None:
    asked = {"demand": "户口迁移要开证明，窗口说办不了"}
    other = {"obstacle": "乡镇便民中心没有受理权限", "demand": "户口迁移要开证明，窗口说办不了，跑了两趟"}
    publish(store, [case(1, **asked), case(2, hall=YANGGU, **other, outcome="转其他渠道")])
    with EmbeddingCache(store.settings) as cache:
        one, two = cache.encode_passages(["产权证坐落与门牌地址对不上", other["obstacle"]])
    assert one @ two < 0.8
    assert [row for row in comparisons(store) if row.same == "barrier"] == []


def test_a_pair_by_type_needs_two_obstacles(store: Store) -> None:
    asked = {"demand": "坐落与门牌地址对不上，开不出证明", "obstacle": ""}
    publish(store, [case(1, **asked), case(2, hall=YANGGU, **asked, outcome="转其他渠道")])
    assert [row.same for row in comparisons(store)] == ["words"]


def test_a_class_that_is_only_proposed_needs_one_meaning(store: Store) -> None:
    publish(store, [case(1), case(2, hall=YANGGU, obstacle="乡镇便民中心没有受理权限", outcome="转其他渠道")])
    classed(store, "c1", 1, 2)
    assert comparisons(store) == []


def test_a_class_that_staff_accepted_is_one_obstacle(store: Store) -> None:
    publish(store, [case(1), case(2, hall=YANGGU, obstacle="乡镇便民中心没有受理权限", outcome="转其他渠道")])
    classed(store, "c1", 1, 2, state="accepted")
    assert [row.same for row in comparisons(store)] == ["class"]


def test_what_lies_in_two_classes_is_not_the_same_obstacle(store: Store) -> None:
    publish(store, [case(1), case(2, hall=YANGGU, **REFUSED)])
    classed(store, "c1", 1)
    classed(store, "c2", 2)
    assert comparisons(store) == []


def test_it_is_said_how_the_other_hall_left_it(store: Store) -> None:
    publish(store, [case(1, closed="2024-05"), case(2, hall=YANGGU, outcome="部分办成")])
    (row,) = comparisons(store)
    assert row.left == "只办成一部分" and row.text.startswith("闽侯县能办，阳谷县只办成一部分：户口迁移")
    assert row.can[0].date == "2024-05" and row.can[0].obstacle == "产权证坐落与门牌地址对不上"


def test_how_many_cases_can_be_compared_at_all(store: Store) -> None:
    publish(store, [case(1), case(2, hall={}), case(3, outcome=""), case(4, matter={}), case(5, **REFUSED)])
    assert comparable(store) == (2, 5)


def test_a_hall_that_has_done_it_once_is_not_one_that_cannot(store: Store) -> None:
    publish(store, [case(1), case(2, hall=YANGGU), case(3, hall=YANGGU, **REFUSED)])
    assert comparisons(store) == []


def test_the_period_and_the_area_narrow_both_sides(store: Store) -> None:
    publish(store, [case(1), case(2, hall=LIANJIANG, **REFUSED), case(3, "2020-01-01", hall=YANGGU, **REFUSED)])
    (row,) = comparisons(store, since="2024", region="福建省")
    assert [side.hall for side in row.cannot] == ["连江县"]
    assert comparisons(store, region="山东省") == []


def test_names_of_matters_meet_under_the_standard_one(store: Store) -> None:
    other = {"name": "迁户口", "standard": "户口迁移"}
    publish(store, [case(1), case(2, hall=YANGGU, matter=other, **REFUSED)])
    assert len(comparisons(store)) == 1


def test_an_empty_library_has_nothing_to_compare(store: Store) -> None:
    assert comparisons(store) == []
