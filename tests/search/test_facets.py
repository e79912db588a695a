"""Facets: what the cases that were found have in common, as filters that would narrow them."""

from __future__ import annotations

from typing import Any

from kb.model import Case
from kb.store import Store
from search.engine import Filters
from search.engine.embedded import EmbeddedEngine
from search.facets import NAMES, facets
from search.query import understand

from .conftest import CASES, CHANGSHA, JINING

BEIJING = {"province": "北京市", "city": "北京市", "county": "朝阳区", "code": "110105"}
XIANTAO = {"province": "湖北省", "county": "仙桃市", "code": "429004"}
MORE = [
    Case("b1", title="户口登记甲", region={**CHANGSHA, "county": "", "code": "430100"}, handling=["协调", "转办"],
         matter={"name": "迁户口", "standard": "户口迁移"}, lead_dept="公安局", coop_depts=["公安局", "民政局"],
         received="2021-12-31", solidified={"kind": "流程", "text": "一次办"}),
    Case("b2", title="户口登记乙", region=BEIJING, handling=["协调"], matter={"name": "户口迁移"},
         lead_dept="民政局", solidified={"text": "否"}),
    Case("b3", title="户口登记丙", region=XIANTAO, matter={"name": "迁户口", "standard": "户口迁移"}),
    Case("b4", title="户口登记丁", region={"province": "火星省", "county": "环形山区"}),
]  # fmt: skip
IDS = [case.id for case in [*CASES, *MORE]]


def counts(entries: list[dict[str, Any]]) -> dict[str, int]:
    return {entry["value"]: entry["count"] for entry in entries}


def test_values_come_with_their_counts_most_frequent_first(store: Store) -> None:
    store.publish(MORE, by="test")
    found = facets(store, IDS)
    assert tuple(found) == NAMES
    assert list(counts(found["barrier"])) == ["互为前置", "数字鸿沟与实名认证", "跨部门跨层级跨区域"]
    assert list(counts(found["barrier"]).values()) == [2, 1, 1]
    assert found["outcome"][0] == {"value": "办成", "label": "办成", "count": 4}
    assert counts(found["matter"]) == {"户口迁移": 3, "不动产转移登记": 1}
    assert counts(found["handling"]) == {"协调": 2, "转办": 1}
    assert counts(found["department"]) == {"民政局": 2, "公安局": 1, "不动产登记中心": 1}
    assert counts(found["year"]) == {"2024": 3, "2023": 1, "2021": 1}
    assert counts(found["solidified"]) == {"否": 8, "是": 1}


def test_places_form_a_tree(store: Store) -> None:
    store.publish(MORE, by="test")
    hunan = {
        "value": "430000", "label": "湖南省", "count": 3,
        "children": [{
            "value": "430100", "label": "长沙市", "count": 3,
            "children": [{"value": "430104", "label": "岳麓区", "count": 2}],
        }],
    }  # fmt: skip
    tree = facets(store, IDS)["region"]
    assert tree[0] == hunan
    others = {entry["label"]: entry.get("children") for entry in tree[1:]}
    assert others["北京市"] == [{"value": "110105", "label": "朝阳区", "count": 1}]
    assert others["湖北省"] == [{"value": "429004", "label": "仙桃市", "count": 1}]
    assert others["火星省"] == [{"value": "环形山区", "label": "环形山区", "count": 1}]


def test_only_the_given_published_cases_count(store: Store) -> None:
    assert counts(facets(store, ["a1", "a1", "a2"])["outcome"]) == {"办成": 2}
    store.withdraw("a1", by="test", reason="重复")
    found = facets(store, ["a1", "a2", "nowhere", "'); drop table cases; --"])
    assert counts(found["region"]) == {"430000": 1}
    assert found["department"] == []


def test_nothing_found_has_empty_facets(store: Store) -> None:
    assert facets(store, []) == {name: [] for name in NAMES}


def test_the_filter_leaves_as_many_cases_as_its_value_says(engine: EmbeddedEngine, store: Store) -> None:
    store.publish(MORE, by="test")
    engine.sync(store)
    asked = understand("窗口办理公积金登记许可认证名字证明户口")

    def left(name: str, value: str) -> int:
        views = engine.search(asked, Filters(**{name: value}), 50).views.values()
        return len({case_id for view in views for case_id in view.scores})

    found = facets(store, IDS)
    places = found["region"]
    while places:
        below = [child for place in places for child in place.get("children", [])]
        found["region"] += below
        places = below
    for name, entries in found.items():
        assert {entry["value"]: left(name, entry["value"]) for entry in entries} == counts(entries)
    assert left("region", JINING["code"]) == 2
