"""Pages and the API of hidden barriers through HTTP: every number leads to as many cases; rules raise notices."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from datasette.app import Datasette

from kb.config import Settings
from kb.store import Store
from kb.web import serve
from search.insight import classes, pictures
from search.insight.barriers import barriers as ranked
from search.insight.verdicts import verdict

from ..library import EVIL_TEXT
from ..people import call, read, sign_in
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
def cookies(made: Made) -> dict[str, str]:
    return sign_in(made[0], "policy")


def _numbers(page: str) -> list[tuple[str, int]]:
    """Links to the cases of a number, with the number."""
    found = re.findall(r'<a href="([^"]*/barriers/cases[^"]*)"[^>]*>([+-]?\d+)</a>', page)
    return [(unescape(href), abs(int(number))) for href, number in found]


@pytest.mark.parametrize("query", ["", "?since=2023-02&until=2023-08&region=福州市"])
async def test_every_number_of_the_ranking_and_the_pictures_leads_to_as_many_cases(
    site: Datasette, made: Made, cookies: dict[str, str], query: str
) -> None:
    pages = [await read(site, path + query, cookies)
             for path in ("/barriers", "/barriers/pictures", f"/barrier/{made[1]['names']}")]  # fmt: skip
    links = {href: number for page in pages for href, number in _numbers(page) if "part=growth" not in href}
    assert len(links) > 15
    for href, number in links.items():
        told = await read(site, href, cookies)
        if "part=halls" in href or "part=months" in href:
            groups = re.findall(r'<a class="chip" href="([^"]*/barriers/cases[^"]*)">[^<]* (\d+)</a>', told)
            assert len(groups) == number, href
            for group, count in groups:
                assert f"共 <strong>{count}</strong> 件" in await read(site, unescape(group), cookies), group
        else:
            assert f"共 <strong>{number}</strong> 件" in told, href


async def test_a_growth_leads_to_both_halves(site: Datasette, cookies: dict[str, str]) -> None:
    page = await read(site, "/barriers", cookies)
    links = [href for href, _ in _numbers(page) if "part=growth" in href]
    assert links and "最近 180 天和此前 180 天" in await read(site, links[0], cookies)


async def test_the_reason_of_a_rank_stands_in_its_row(site: Datasette, cookies: dict[str, str]) -> None:
    row = (await read(site, "/barriers", cookies)).split("<tbody>")[1].split("</tr>")[0]
    score, sum_of = re.findall(r"([\d.]+) 分＝([^<]*)<", row)[0]
    assert float(score) == pytest.approx(sum(map(float, re.findall(r"[\d.]+", sum_of))), abs=0.01)
    assert "固化后再发" in sum_of


async def test_the_verdict_stands_with_its_counts_and_refusals_apart(
    site: Datasette, made: Made, cookies: dict[str, str]
) -> None:
    page = await read(site, "/barriers", cookies)
    assert "仍再发" in page and "2023-03-20 固化" in page
    apart = page.split("另计，不算壁垒")[1]
    assert "依法不能办 1 件" in apart and barriers.REFUSED.id in apart
    assert barriers.REFUSED.id not in page.split("另计，不算壁垒")[0]


async def test_only_elsewhere_is_no_red_verdict_and_where_it_came_back_is_said(
    site: Datasette, made: Made, cookies: dict[str, str]
) -> None:
    page = await read(site, "/barriers", cookies)
    assert '<span class="tag gone">仍再发</span>' in page and "同一大厅 <a" in page
    assert "政策动态</a>的“固化后又出现”" in page
    assert "隐性壁垒线索</a>的“仍再发”" in await read(site, "/policy", cookies)
    far = {"province": "山东省", "city": "聊城市"}
    with Store(made[0]) as store:
        store.publish([replace(one, region=far, hall={"name": "阳谷县"}) for one in barriers.NAMES[3:]], by="测试")
    label = '<span class="tag partly">固化处未再发，别处仍有 2 件</span>'
    for path in ("/barriers", f"/barrier/{made[1]['names']}"):
        page = await read(site, path, cookies)
        assert label in page and '<span class="tag gone">' not in page


async def test_a_barrier_shows_each_hall_once_with_its_cases_and_what_it_did(
    site: Datasette, made: Made, cookies: dict[str, str]
) -> None:
    with Store(made[0]) as store:
        store.publish([replace(one, hall={"name": "连江县政务服务中心"}, outcome="转其他渠道")
                       for one in barriers.NAMES[3:4]], by="测试")  # fmt: skip
    page = (await read(site, f"/barrier/{made[1]['names']}", cookies)).split("<h2>案例</h2>")[1]
    solved, unsolved = page.split("还没有办成的")
    assert solved.count("<strong>闽侯县政务服务中心</strong>") == 1 and "窗口代查派出所档案" in solved
    assert "办成 3 件" in solved and "<strong>连江县政务服务中心</strong>" in unsolved
    assert barriers.NAMES[3].id in unsolved and barriers.NAMES[3].id not in solved


async def test_where_cases_name_no_hall_they_are_one_list(
    site: Datasette, made: Made, cookies: dict[str, str]
) -> None:
    with Store(made[0]) as store:
        store.publish([replace(one, hall={}) for one in barriers.NAMES], by="测试")
    page = (await read(site, f"/barrier/{made[1]['names']}", cookies)).split("<h2>案例</h2>")[1]
    assert page.count("data-item") == len(barriers.NAMES) and "没有写明大厅" not in page


async def test_a_barrier_shows_months_with_the_fix_and_both_sides_of_it(
    site: Datasette, made: Made, cookies: dict[str, str]
) -> None:
    page = await read(site, f"/barrier/{made[1]['names']}", cookies)
    assert 'data-kind="timeline"' in page
    assert re.search(r'<tr data-fix="2023-03-20 闽侯县政务服务中心 流程">\s*<th scope="row">2023-03</th>', page)
    assert "两库差错由窗口合并" in page
    cell = r'<td class="number">'
    rows = dict(re.findall(rf'<th scope="row">(同一\w+|其他地方)</th>{cell}(.*?)</td>{cell}', page))
    assert ">2<" in rows["同一大厅"] and ">1<" in rows["同一市"]


async def test_circles_are_drawn_from_what_cases_say(site: Datasette, cookies: dict[str, str]) -> None:
    page = await read(site, "/barriers/prerequisites", cookies)
    assert 'data-kind="rings"' in page and 'data-kind="graph"' in page
    assert page.count(" data-cycle") == 2 and "住建局说要先有民政局的备案回执" in page


@pytest.mark.parametrize("path", PAGES)
async def test_pages_carry_no_inline_script_or_style_and_no_foreign_text(
    site: Datasette, made: Made, cookies: dict[str, str], path: str
) -> None:
    page = await read(site, f"/barriers{path}", cookies)
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
        page = await read(serve.make_datasette(settings), f"/barriers{path}", cookies)
    assert 'class="empty"' in page


async def test_what_cannot_be_understood_is_said(site: Datasette, cookies: dict[str, str]) -> None:
    for path, said in (
        ("/barriers?since=某天", "起始日期看不懂"), ("/barriers?until=某天", "截止日期看不懂"),
        ("/barriers?since=2024&until=2023", "截止日期早于起始日期"), ("/barriers/cases?clue=none", "没有这条线索"),
        ("/barriers/cases?part=none", "没有这个数"), ("/barriers/cases?notice=9", "没有这条提醒"),
        ("/barriers/cases?notice=none", "没有这条提醒"), ("/barrier/none", "没有编号为"),
    ):  # fmt: skip
        answer = await site.client.get(path, cookies=cookies)
        assert answer.status_code in (400, 404) and said in answer.text, path


@pytest.mark.parametrize("path", ["", "/pictures", "/compare", "/prerequisites"])
async def test_where_the_choice_leaves_nothing_it_is_said_and_led_out_of(
    site: Datasette, cookies: dict[str, str], path: str
) -> None:
    page = await read(site, f"/barriers{path}?since=2023&region=火星", cookies)
    assert 'class="empty"' in page and f'<a href="/barriers{path}">不限时段和地区</a>' in page
    assert "不限时段和地区" not in await read(site, f"/barriers{path}", cookies)


async def test_a_page_beyond_the_last_is_the_last(site: Datasette, cookies: dict[str, str]) -> None:
    assert barriers.NAMES[0].title in await read(site, "/barriers/cases?page=99", cookies)


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
    for path in ("/barriers", "/policy"):
        assert "1 条新提醒" in await read(site, path, cookies)
    assert notices[0]["text"] in unescape(await read(site, "/barriers/watch", cookies))
    seen = await call(site, "POST", "/barrier-notices/seen", cookies, json={})
    assert seen.json()["seen"] == 1
    gone = await call(site, "DELETE", f"/barrier-rules/{made.json()['id']}", cookies)
    assert gone.status_code == 200
    assert (await call(site, "GET", "/barrier-rules", cookies)).json() == {"rules": []}


async def test_a_notice_leads_to_its_cases_and_a_rule_is_changed(
    site: Datasette, made: Made, cookies: dict[str, str]
) -> None:
    rule = {"words": "姓名对不上", "halls": 2, "cases": 2, "days": 3000, "name": ""}
    number = (await call(site, "POST", "/barrier-rules", cookies, json=rule)).json()["id"]
    (one,) = (await call(site, "GET", "/barrier-notices", cookies)).json()["notices"]
    path = f"/barriers/cases?notice={one['id']}"
    assert path in await read(site, "/barriers/watch", cookies)
    told = await read(site, path, cookies)
    assert f"共 <strong>{len(one['case_ids'])}</strong> 件" in told and f"有 {len(one['case_ids'])} 件" in told
    for other in (path, f"/barriers/watch?rule={number}"):
        page = await site.client.get(other, cookies=sign_in(made[0], "policy", account="other"))
        assert "姓名对不上" not in page.text
    form = await read(site, f"/barriers/watch?rule={number}", cookies)
    assert f'data-api="PUT /api/v1/barrier-rules/{number}"' in form and 'name="days" value="3000"' in form
    changed = await call(site, "PUT", f"/barrier-rules/{number}", cookies, json={**rule, "halls": 9})
    assert changed.status_code == 200
    assert (await call(site, "GET", "/barrier-notices", cookies)).json()["notices"] == []
    assert (await call(site, "PUT", "/barrier-rules/999", cookies, json=rule)).status_code == 404
    assert (await call(site, "PUT", f"/barrier-rules/{number}", cookies, json={})).status_code == 400


async def test_a_rule_on_a_class_that_is_gone_says_so(site: Datasette, made: Made, cookies: dict[str, str]) -> None:
    await call(site, "POST", "/barrier-rules", cookies, json={"class_id": made[1]["names"]})
    assert "规则不再起作用" not in await read(site, "/barriers/watch", cookies)
    with Store(made[0]) as store:
        classes.reject(store, made[1]["names"], "测试")
    page = await read(site, "/barriers/watch", cookies)
    assert "规则不再起作用" in page and f"/barrier/{made[1]['names']}" not in page


async def test_another_account_has_its_own_rules(site: Datasette, made: Made, cookies: dict[str, str]) -> None:
    kept = await call(site, "POST", "/barrier-rules", cookies, json={"barrier": "信息不一致"})
    other = sign_in(made[0], "policy", account="other")
    assert (await call(site, "GET", "/barrier-rules", other)).json() == {"rules": []}
    assert (await call(site, "DELETE", f"/barrier-rules/{kept.json()['id']}", other)).status_code == 404


async def test_what_cases_do_not_tell_is_said_instead_of_drawn(site: Datasette, made: Made) -> None:
    with Store(made[0]) as store:
        store.publish([replace(one, region={}, matter={}) for one in barriers.CASES], by="测试")
    page = await read(site, "/barriers/pictures", sign_in(made[0], "policy"))
    assert "没有写明地区" in page and "没有写明事项" in page and 'data-kind="grid"' not in page


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


async def test_a_day_to_come_is_a_slip_and_its_month_that_of_the_closing(
    site: Datasette, made: Made, cookies: dict[str, str]
) -> None:
    one = replace(barriers.NAMES[4], received="9031-09-02", closed="2023-09-12")
    with Store(made[0]) as store:
        store.publish([one], by="测试")
    page = await read(site, f"/barrier/{made[1]['names']}", cookies)
    assert "9031" not in page.split("<h2>案例</h2>")[0]
    page = await read(site, f"/barriers/cases?clue={made[1]['names']}&month=2023-09", cookies)
    assert "共 <strong>1</strong> 件" in page


def test_history_of_cases_without_dates_is_empty(made: Made) -> None:
    with Store(made[0]) as store:
        store.publish([barriers.Case("undated00001", demand="没有日期")], by="测试")
        found = pictures.facts(store, [pictures.Whole("x", "没有日期", "", ["undated00001"])])
        told = verdict(list(store.published_of(["undated00001"]).values()))
        assert pictures.history(found, told).rows == []
        assert ranked(store)[0].id == made[1]["names"]
