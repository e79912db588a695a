"""Pages and the API of hidden barriers through HTTP: every number leads to as many cases; rules raise notices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from datasette.app import Datasette

from kb.config import Settings
from kb.store import Store
from kb.web import serve
from search.insight import pictures
from search.insight.barriers import barriers as ranked
from search.insight.verdicts import verdict

from ..library import EVIL_TEXT
from ..people import call, sign_in
from ..sites import only
from . import barriers

Made = tuple[Settings, dict[str, str]]
PAGES = ("", "/pictures", "/compare", "/prerequisites", "/watch")


class _Elements(HTMLParser):
    """The elements of a page with the names of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [name for name, _ in attrs]))


@pytest.fixture
def made(tmp_path: Path) -> Made:
    (tmp_path / "kb.toml").write_text('[embedding]\nmodel = "fake"\n', "utf-8")
    settings = Settings(tmp_path, embedding_model="fake")
    return settings, barriers.fill(settings)


@pytest.fixture
def site(made: Made) -> Iterator[Datasette]:
    with only("kb.web.plugin", "search.web"):
        yield serve.make_datasette(made[0])


@pytest.fixture
def cookies(made: Made) -> dict[str, str]:
    return sign_in(made[0], "policy")


async def _page(site: Datasette, path: str, cookies: dict[str, str]) -> str:
    answer = await site.client.get(path, cookies=cookies)
    assert answer.status_code == 200, (path, answer.text[-600:])
    return str(answer.text)


def _numbers(page: str) -> list[tuple[str, int]]:
    """Links to the cases of a number, with the number."""
    found = re.findall(r'<a href="([^"]*/barriers/cases[^"]*)"[^>]*>([+-]?\d+)</a>', page)
    return [(unescape(href), abs(int(number))) for href, number in found]


@pytest.mark.parametrize("query", ["", "?since=2023-02&until=2023-08&region=福州市"])
async def test_every_number_of_the_ranking_and_the_pictures_leads_to_as_many_cases(
    site: Datasette, made: Made, cookies: dict[str, str], query: str
) -> None:
    pages = [await _page(site, path + query, cookies)
             for path in ("/barriers", "/barriers/pictures", f"/barrier/{made[1]['names']}")]  # fmt: skip
    links = {href: number for page in pages for href, number in _numbers(page)
             if "part=halls" not in href and "part=months" not in href and "part=growth" not in href}  # fmt: skip
    assert len(links) > 15
    for href, number in links.items():
        told = await _page(site, href, cookies)
        assert f"共 <strong>{number}</strong> 件" in told, href


async def test_the_verdict_stands_with_its_counts_and_refusals_apart(
    site: Datasette, made: Made, cookies: dict[str, str]
) -> None:
    page = await _page(site, "/barriers", cookies)
    assert "仍再发" in page and "2023-03-20 固化" in page
    apart = page.split("另计，不算壁垒")[1]
    assert "依法不能办 1 件" in apart and barriers.REFUSED.id in apart
    assert barriers.REFUSED.id not in page.split("另计，不算壁垒")[0]


async def test_a_barrier_shows_months_with_the_fix_and_both_sides_of_it(
    site: Datasette, made: Made, cookies: dict[str, str]
) -> None:
    page = await _page(site, f"/barrier/{made[1]['names']}", cookies)
    assert 'data-kind="timeline"' in page
    assert re.search(r'<tr data-fix="2023-03-20 闽侯县政务服务中心 流程">\s*<th scope="row">2023-03</th>', page)
    assert "两库差错由窗口合并" in page
    cell = r'<td class="number">'
    rows = dict(re.findall(rf'<th scope="row">(同一\w+|其他地方)</th>{cell}(.*?)</td>{cell}', page))
    assert ">2<" in rows["同一大厅"] and ">1<" in rows["同一市"]


async def test_circles_are_drawn_from_what_cases_say(site: Datasette, cookies: dict[str, str]) -> None:
    page = await _page(site, "/barriers/prerequisites", cookies)
    assert 'data-kind="rings"' in page and 'data-kind="graph"' in page
    assert page.count(" data-cycle") == 2 and "住建局说要先有民政局的备案回执" in page


@pytest.mark.parametrize("path", PAGES)
async def test_pages_carry_no_inline_script_or_style_and_no_foreign_text(
    site: Datasette, made: Made, cookies: dict[str, str], path: str
) -> None:
    page = await _page(site, f"/barriers{path}", cookies)
    assert EVIL_TEXT not in page and "<img src=x" not in page
    elements = _Elements()
    elements.feed(page)
    named = {name for tag, names in elements.found for name in names}
    assert "style" not in named and not any(name.startswith("on") for name in named)
    assert all("src" in names for tag, names in elements.found if tag == "script")
    assert "style" not in {tag for tag, _ in elements.found}
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


@pytest.mark.parametrize("path", PAGES)
async def test_an_empty_library_has_sensible_pages(tmp_path: Path, path: str) -> None:
    settings = Settings(tmp_path / "empty", embedding_model="fake")
    with Store(settings):
        cookies = sign_in(settings, "policy")
    with only("kb.web.plugin", "search.web"):
        page = await _page(serve.make_datasette(settings), f"/barriers{path}", cookies)
    assert 'class="empty"' in page


async def test_what_cannot_be_understood_is_said(site: Datasette, cookies: dict[str, str]) -> None:
    for path in ("/barriers?since=某天", "/barriers?since=2024&until=2023", "/barriers/cases?clue=none",
                 "/barrier/none"):  # fmt: skip
        answer = await site.client.get(path, cookies=cookies)
        assert answer.status_code in (400, 404) and "Traceback" not in answer.text, path


async def test_the_report_is_a_download_the_same_each_time(site: Datasette, cookies: dict[str, str]) -> None:
    for form, kind in (("docx", "wordprocessingml"), ("html", "text/html")):
        first, again = [await call(site, "GET", f"/barriers/report?format={form}&since=2023", cookies) for _ in "ab"]
        assert first.status_code == 200 and first.content == again.content
        assert kind in first.headers["content-type"] and "attachment" in first.headers["content-disposition"]


async def test_the_api_answers_what_the_pages_show(site: Datasette, made: Made, cookies: dict[str, str]) -> None:
    radar = (await call(site, "GET", "/barriers", cookies)).json()
    assert [one["id"] for one in radar["barriers"]][0] == made[1]["names"] and radar["lawful"] == [barriers.REFUSED.id]
    one = (await call(site, "GET", f"/barriers/{made[1]['names']}", cookies)).json()
    assert one["verdict"]["label"] == "仍再发" and one["barrier"]["id"] == made[1]["names"]
    waits = (await call(site, "GET", "/barriers/prerequisites", cookies)).json()
    assert len(waits["cycles"]) == 1
    assert (await call(site, "GET", "/barriers/compare?region=福州市", cookies)).json()["comparisons"] == []


async def test_a_rule_is_kept_raises_a_notice_and_goes(site: Datasette, cookies: dict[str, str]) -> None:
    wrong = await call(site, "POST", "/barrier-rules", cookies, json={"halls": 2})
    assert wrong.status_code == 400
    made = await call(site, "POST", "/barrier-rules", cookies,
                      json={"barrier": "信息不一致", "words": "", "halls": 2, "cases": 2, "days": 365})  # fmt: skip
    assert made.status_code == 201
    notices = (await call(site, "GET", "/barrier-notices?unseen=true", cookies)).json()["notices"]
    assert len(notices) == 1 and "2 个大厅" in notices[0]["text"]
    assert "1 条新提醒" in await _page(site, "/barriers", cookies)
    assert notices[0]["text"] in unescape(await _page(site, "/barriers/watch", cookies))
    seen = await call(site, "POST", "/barrier-notices/seen", cookies, json={})
    assert seen.json()["seen"] == 1
    gone = await call(site, "DELETE", f"/barrier-rules/{made.json()['id']}", cookies)
    assert gone.status_code == 200
    assert (await call(site, "GET", "/barrier-rules", cookies)).json() == {"rules": []}


async def test_another_account_has_its_own_rules(site: Datasette, made: Made, cookies: dict[str, str]) -> None:
    kept = await call(site, "POST", "/barrier-rules", cookies, json={"barrier": "信息不一致"})
    other = sign_in(made[0], "policy", account="other")
    assert (await call(site, "GET", "/barrier-rules", other)).json() == {"rules": []}
    assert (await call(site, "DELETE", f"/barrier-rules/{kept.json()['id']}", other)).status_code == 404


def test_months_have_no_gaps_and_many_become_quarters() -> None:
    assert pictures.months(["2023-11", "2024-02", ""]) == ["2023-11", "2023-12", "2024-01", "2024-02"]
    assert pictures.spans(["2019-01", "2023-12"])[:2] == ["2019-Q1", "2019-Q2"]
    assert pictures.months([]) == pictures.spans([]) == []


def test_counties_of_the_same_name_are_told_apart(made: Made) -> None:
    from kb.model import Case

    with Store(made[0]) as store:
        store.publish([Case(f"same{at}", demand="同名", region={"province": "某省", "city": city, "county": "鼓楼区"})
                       for at, city in enumerate(("福州市", "南京市"))], by="测试")  # fmt: skip
        found = pictures.facts(store, [pictures.Whole("x", "同名", "", ["same0", "same1"])])
    assert {fact.county for fact in found} == {"某省福州市鼓楼区", "某省南京市鼓楼区"}


def test_a_picture_leaves_out_what_there_is_no_room_for_and_says_how_much(made: Made) -> None:
    many = [pictures.Fact(str(at), str(at), f"第{at}条", ("信息不一致",), "事项", "县", "厅", "2023-01", "协调", "办成")
            for at in range(40)]  # fmt: skip
    grid = pictures.by_county(many)
    assert len(grid.rows) == pictures.MOST_ROWS and grid.hidden == (40 - pictures.MOST_ROWS, 0)


def test_history_of_cases_without_dates_is_empty(made: Made) -> None:
    with Store(made[0]) as store:
        store.publish([barriers.Case("undated00001", demand="没有日期")], by="测试")
        found = pictures.facts(store, [pictures.Whole("x", "没有日期", "", ["undated00001"])])
        told = verdict(list(store.published_of(["undated00001"]).values()))
        assert pictures.history(found, told).rows == []
        assert ranked(store)[0].id == made[1]["names"]
