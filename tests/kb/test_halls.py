"""Halls: their list, their pages, and where two halls differ on the same matter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from datasette.app import Datasette

from kb.config import Settings
from kb.model import Case
from kb.store import Store
from kb.web import serve

from ..library import EVIL_TEXT, FULL, fill
from ..sites import only

HERE = {"code": "350121", "name": "闽侯县政务服务中心"}
THERE = {"code": "430200", "name": "株洲市政务服务中心"}
SOLVED = Case(
    id="solved000001", hall=THERE, title="代办执照", matter={"name": "个体登记", "standard": "个体工商户设立登记"},
    barriers=["材料缺失或历史遗留", "信息不一致"], outcome="办成", measure="由监护人代办。", working_days=4,
    closed="2024-02-02",
)  # fmt: skip
REFUSED = Case(
    id="refused00001", hall=HERE, title="执照办不了", matter={"name": "办执照", "standard": "个体工商户设立登记"},
    barriers=["信息不一致", "依法不能办"], outcome="依法不能办已释因", measure="讲明规定。", working_days=1,
    closed="2024-01-02",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _ground_floor_only() -> Iterator[None]:
    with only("kb.web.plugin"):
        yield


def site_of(settings: Settings, *cases: Case) -> Datasette:
    with Store(settings) as store:
        store.publish(cases, by="测试")
    return serve.make_datasette(settings)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "kb-data")


async def pairs(site: Datasette, code: str = "350121", which: str = "solved_elsewhere") -> list[tuple[str, str]]:
    hall = (await site.client.get(f"/api/v1/halls/{code}")).json()
    return [(pair["refused"]["id"], pair["solved"]["id"]) for pair in hall[which]]


async def test_the_same_matter_and_barrier_solved_elsewhere_is_shown_side_by_side(settings: Settings) -> None:
    site = site_of(settings, SOLVED, REFUSED)
    page = (await site.client.get("/hall/350121")).text
    assert "别处办成、本厅仍办不了" in page
    assert f"/case/{SOLVED.id}" in page and f"/case/{REFUSED.id}" in page and SOLVED.measure in page
    assert 'href="/hall/430200"' in page and "同样的卡点<span class=\"tag\">信息不一致</span>" in page
    reverse = (await site.client.get("/hall/430200")).text
    assert "本厅办成、别处还不行" in reverse and f"/case/{REFUSED.id}" in reverse
    assert await pairs(site) == [(REFUSED.id, SOLVED.id)] == await pairs(site, "430200", "solved_here_alone")


@pytest.mark.parametrize("changed", [
    {"hall": HERE},  # solved by the hall itself
    {"matter": {"name": "个体登记", "standard": "另一件事"}},
    {"barriers": ["依法不能办", "非政务诉求"]},  # what they share is no obstacle
    {"outcome": "转其他渠道"},
    {"outcome": ""},
])  # fmt: skip
async def test_what_is_not_comparable_is_not_compared(settings: Settings, changed: dict[str, object]) -> None:
    assert await pairs(site_of(settings, replace(SOLVED, **changed), REFUSED)) == []  # type: ignore[arg-type]


async def test_matters_without_a_standard_name_meet_by_their_name(settings: Settings) -> None:
    plain = {"name": "个体工商户设立登记"}
    assert await pairs(site_of(settings, replace(SOLVED, matter=plain), REFUSED)) == [(REFUSED.id, SOLVED.id)]


async def test_one_matter_and_barrier_makes_one_pair_with_the_newest_solution(settings: Settings) -> None:
    newer = replace(SOLVED, id="solved000002", closed="2024-05-05")
    again = replace(REFUSED, id="refused00002")
    assert await pairs(site_of(settings, SOLVED, newer, REFUSED, again)) == [(REFUSED.id, newer.id)]


async def test_withdrawn_cases_are_not_compared(settings: Settings) -> None:
    site = site_of(settings, SOLVED, REFUSED)
    with Store(settings) as store:
        store.withdraw(SOLVED.id, by="测试", reason="有误")
    assert await pairs(site) == []
    assert (await site.client.get("/hall/430200")).status_code == 404


async def test_medians_are_of_the_known_durations(settings: Settings) -> None:
    days = [1, 3, 8, None, 20]
    site = site_of(settings, *(replace(SOLVED, id=f"solved{n:06}", working_days=each) for n, each in enumerate(days)))
    hall = (await site.client.get("/api/v1/halls/430200")).json()
    assert hall["by_matter"] == [{"value": "个体工商户设立登记", "cases": 5, "solved": 5, "days": 5.5}]
    assert {row["value"]: row["days"] for row in hall["by_barrier"]} == dict.fromkeys(SOLVED.barriers, 5.5)
    assert "5.5" in (await site.client.get("/hall/430200")).text


async def test_halls_are_listed_by_place_with_counts(settings: Settings) -> None:
    fill(settings)
    site = serve.make_datasette(settings)
    halls = (await site.client.get("/api/v1/halls")).json()
    found = {hall["key"]: hall for hall in halls["halls"]}
    assert found["430200"] == {"key": "430200", "name": "株洲市政务服务中心", "province": "湖南省", "city": "株洲市",
                               "cases": 1, "solved": 0, "refused": 1}  # fmt: skip
    assert list(found).index("350100") < list(found).index("350121") < list(found).index("430200")
    page = (await site.client.get("/halls")).text
    assert 'href="/hall/350121"' in page and "福建省" in page
    one = (await site.client.get("/halls?province=湖南省")).text
    assert "株洲市政务服务中心" in one and "闽侯县" not in one


async def test_many_halls_are_listed_one_province_at_a_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb.web.halls.MOST_HALLS", 2)
    fill(settings)
    page = (await serve.make_datasette(settings).client.get("/halls")).text
    assert "湖南省" in page and "株洲市政务服务中心" not in page


async def test_a_hall_without_code_is_found_by_its_name(settings: Settings) -> None:
    name = "城南街道/便民服务中心 100%"
    site = site_of(settings, replace(FULL, hall={"name": name}))
    address = f"/hall/{quote(name, safe='')}"
    assert f'href="{address}"' in (await site.client.get(f"/case/{FULL.id}")).text
    assert name in (await site.client.get(address)).text
    assert (await site.client.get(f"/api/v1/halls/{quote(name, safe='')}")).json()["name"] == name


@pytest.mark.parametrize("path", ["/hall/999999", "/hall/' or 1=1 --", "/hall/%00", "/hall/..%2f..", "/api/v1/halls/x"])
async def test_unknown_halls_are_not_found(settings: Settings, path: str) -> None:
    fill(settings)
    answer = await serve.make_datasette(settings).client.get(path)
    assert answer.status_code == 404 and "Traceback" not in answer.text


async def test_names_become_no_markup(settings: Settings) -> None:
    fill(settings)
    site = serve.make_datasette(settings)
    for path in ("/halls", f"/hall/{quote(EVIL_TEXT, safe='')}"):
        page = await site.client.get(path)
        assert page.status_code == 200
        assert "<script" not in page.text.replace('<script src="/-/', "") and "<img" not in page.text
        assert "&lt;script&gt;" in page.text
