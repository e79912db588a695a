"""The policy officer's pages and canned queries through HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from datasette.app import Datasette

from ingest.demo import load_cases
from kb.accounts import ROLES
from kb.config import Settings
from kb.model import Case
from kb.store import Store
from kb.vocabulary import labels
from kb.web import api, serve
from search import policy_web, unmet
from search.calibration import NONE
from search.engine import Filters

from ..library import EVIL_TEXT, FULL, REFUSED, WITHDRAWN, fill, without_model
from ..people import call, sign_in
from ..sites import only

PHONE = "13812345678"
METADATA = Path(__file__).parents[2] / serve.METADATA_FILE
QUERIES = yaml.safe_load(METADATA.read_text(encoding="utf-8"))["databases"]["library"]["queries"]
#: What the demonstration library has none of.
MAY_BE_EMPTY = {"repealed_rules", "repealed_basis", "outcomes_differ", "without_obstacle"}
AGAIN = Case("bb0000000001", title="又来一件", hall=FULL.hall, region=FULL.region, matter=FULL.matter,
             barriers=["信息不一致"], received="2024-05-06", outcome="依法不能办已释因")  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = fill(without_model(tmp_path / "kb-data"))
    with Store(settings) as store:
        store.publish([AGAIN], by="测试")
        for question in ("宠物狗办证去哪里", "去哪里办证宠物狗", "祖坟迁移补偿找谁"):
            unmet.record(store, question, NONE, Filters(region="3501", domain="其他" if "祖坟" in question else ""))
    return settings


@pytest.fixture
def site(settings: Settings) -> Iterator[Datasette]:
    with only("kb.web.plugin", "search.web"):
        yield serve.make_datasette(settings)


@pytest.fixture
def cookies(settings: Settings) -> dict[str, str]:
    return sign_in(settings, "policy")


@pytest.mark.parametrize("role", [*sorted(ROLES), ""])
async def test_only_policy_staff_and_administrators_see_it(site: Datasette, settings: Settings, role: str) -> None:
    cookies = sign_in(settings, role or "window")
    cookies = cookies if role else {}
    allowed = role in ("policy", "admin")
    for path in ("/policy", "/policy/cases", "/unmet"):
        page = await site.client.get(path, cookies=cookies)
        assert (page.status_code == 200) == allowed, path
        assert allowed or ("宠物狗" not in page.text and page.status_code in (302, 401, 403))
    for method, path in (("GET", "/changes"), ("GET", "/unmet"), ("POST", "/unmet/1/close")):
        answer = await call(site, method, path, cookies, **({"json": {"reason": "无"}} if method == "POST" else {}))
        assert (answer.status_code == 200) == (role == "policy" or (allowed and method == "GET")), path
    home = await site.client.get("/cases", cookies=cookies)
    assert ('href="/policy"' in home.text) == allowed


async def test_every_number_leads_to_as_many_cases(site: Datasette, cookies: dict[str, str]) -> None:
    text = (await site.client.get("/policy?since=2024-03", cookies=cookies)).text
    links = re.findall(r'href="(/policy/cases\?[^"]+)"[^>]*>(?:<strong>)?(\d+)', text)
    assert len(links) > 5
    for link, count in links:
        page = await site.client.get(unescape(link), cookies=cookies)
        assert f"共 <strong>{count}</strong> 件" in page.text, link


async def test_a_barrier_that_comes_back_names_the_fix_and_the_case(site: Datasette, cookies: dict[str, str]) -> None:
    text = (await site.client.get("/policy?since=2024-05", cookies=cookies)).text
    part = text.partition('id="recurring"')[2].partition('id="new"')[0]
    assert "个人住房商业性贷款转公积金贷款" in part and f'href="/case/{FULL.id}"' in part and "2024-04-01" in part
    assert "本大厅 1 件" in part and f'href="/case/{AGAIN.id}"' in part


async def test_the_page_says_what_it_did_not_count(site: Datasette, cookies: dict[str, str]) -> None:
    text = (await site.client.get("/policy?since=2020", cookies=cookies)).text
    assert "没有可用的日期" in text and "库里没有更早的案例可以比较" in text
    assert EVIL_TEXT not in text and WITHDRAWN.title not in text
    assert "宠物狗办证去哪里" not in text or "没有先例的需求" in text


@pytest.mark.parametrize("path", ["/policy?since=昨天", "/policy?since=0001-01-01", "/policy?since=9999-12-31",
                                  "/policy?since=2024-02-31"])  # fmt: skip
async def test_a_wrong_date_is_told_in_chinese(site: Datasette, cookies: dict[str, str], path: str) -> None:
    page = await site.client.get(path, cookies=cookies)
    assert page.status_code in (200, 400) and "Traceback" not in page.text and 'lang="zh-CN"' in page.text


async def test_script_in_an_address_stays_text(site: Datasette, cookies: dict[str, str]) -> None:
    names = ("matter", "domain", "barrier", "since", "until", "month", "region", "closed", "page")
    asked = dict.fromkeys(names, EVIL_TEXT)
    for path in ("/policy/cases", "/unmet"):
        page = await site.client.get(path, params=asked, cookies=cookies)
        assert page.status_code == 200 and "<script>alert" not in page.text and "<img src=x" not in page.text


async def test_an_empty_library_has_pages(tmp_path: Path) -> None:
    settings = without_model(tmp_path / "empty")
    with only("kb.web.plugin", "search.web"):
        site = serve.make_datasette(settings)
        cookies = sign_in(settings, "policy")
        for path in ("/policy", "/policy/cases", "/unmet"):
            assert (await site.client.get(path, cookies=cookies)).status_code == 200


# Unmet needs


async def test_wordings_of_one_need_stand_together(site: Datasette, cookies: dict[str, str]) -> None:
    text = (await site.client.get("/unmet", cookies=cookies)).text
    assert text.count('<li class="card"') == 2 and "2 种问法" in text and "去哪里办证宠物狗" in text
    assert text.index("宠物狗") < text.index("祖坟")
    other = (await site.client.get("/unmet?domain=其他", cookies=cookies)).text
    assert "祖坟" in other and "宠物狗" not in other
    assert "没有符合这些条件的" in (await site.client.get("/unmet?month=1999-01", cookies=cookies)).text


async def test_a_need_is_closed_for_a_reason_without_names(
    site: Datasette, settings: Settings, cookies: dict[str, str]
) -> None:
    (first, _) = (await call(site, "GET", "/unmet", cookies)).json()["needs"]
    answer = await call(site, "POST", f"/unmet/{first['id']}/close", cookies, json={"reason": f"请打{PHONE}咨询"})
    assert answer.json() == {"ok": True, "closed": 2, "location": "/unmet"}
    assert "宠物狗" not in (await site.client.get("/unmet", cookies=cookies)).text
    shown = (await site.client.get("/unmet?closed=1", cookies=cookies)).text
    assert "宠物狗" in shown and "已了结" in shown and PHONE not in shown and "〔手机号〕" in shown
    assert (await call(site, "GET", "/unmet", cookies)).json()["total"] == 1
    assert (await call(site, "GET", "/unmet?closed=true", cookies)).json()["total"] == 2


async def test_a_need_is_closed_with_a_case(site: Datasette, cookies: dict[str, str]) -> None:
    (_, second) = (await call(site, "GET", "/unmet", cookies)).json()["needs"]
    body = {"case_id": REFUSED.id, "reason": ""}
    assert (await call(site, "POST", f"/unmet/{second['id']}/close", cookies, json=body)).status_code == 200
    assert REFUSED.title in (await site.client.get("/unmet?closed=1", cookies=cookies)).text


@pytest.mark.parametrize(
    ("number", "body", "status"),
    [("1", {}, 400), ("1", {"case_id": "x", "reason": "y"}, 400), ("1", {"case_id": WITHDRAWN.id}, 400),
     ("1", {"case_id": "' or 1=1"}, 400), ("1", {"reason": "长" * 501}, 400), ("1", {"reason": 5}, 400),
     ("999", {"reason": "无"}, 404), ("0", {"reason": "无"}, 400), ("abc", {"reason": "无"}, 400)],
)  # fmt: skip
async def test_what_cannot_be_closed_is_said(
    site: Datasette, cookies: dict[str, str], number: str, body: dict[str, Any], status: int
) -> None:
    answer = await call(site, "POST", f"/unmet/{number}/close", cookies, json=body)
    assert answer.status_code == status and answer.json()["ok"] is False
    assert len((await call(site, "GET", "/unmet", cookies)).json()["needs"]) == 2


async def test_a_form_of_another_site_closes_nothing(site: Datasette, cookies: dict[str, str]) -> None:
    answer = await site.client.post("/api/v1/unmet/1/close", json={"reason": "无"}, cookies=cookies)
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/changes", "/changes?since=2023", "/unmet", "/unmet?closed=true&since=2020-01"])
async def test_answers_are_as_described(site: Datasette, cookies: dict[str, str], path: str) -> None:
    answer = await call(site, "GET", path, cookies)
    described = api.document(site)
    operation = described["paths"][path.partition("?")[0]]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(answer.json(), {**schema, "components": described["components"]})


@pytest.mark.parametrize("since", ["昨天", "2024-99", "x" * 50])
async def test_wrong_parameters_are_told(site: Datasette, cookies: dict[str, str], since: str) -> None:
    for path in ("/changes", "/unmet"):
        answer = await call(site, "GET", path, cookies, params={"since": since})
        assert answer.status_code == 400 and answer.json()["ok"] is False


def test_months_are_bars_of_at_most_a_year_with_gaps() -> None:
    assert policy_web._bars({"2025-11": 2, "2026-01": 8}) == [("2025-11", 2, 2), ("2025-12", 0, 0), ("2026-01", 8, 8)]
    assert [each[0] for each in policy_web._bars({"2020-01": 1, "2026-03": 1})][:2] == ["2025-04", "2025-05"]


# Canned queries


def _demo_library(settings: Settings) -> None:
    fields = Case("x").to_dict()
    cases = [
        Case(f"{number:012}", **{name: value for name, value in raw.items() if name in fields and name not in
                                 ("matter", "source", "basis", "id")},
             matter={"name": raw["matter"]}, basis=[each if isinstance(each, dict) else {"title": str(each)}
                                                    for each in raw["basis"]])
        for number, raw in enumerate(load_cases())
    ]  # fmt: skip
    with Store(settings) as store:
        store.publish(cases, by="测试")


@pytest.mark.parametrize("library", ["small", "demo"])
async def test_every_canned_query_answers_with_chinese_columns(
    tmp_path: Path, settings: Settings, library: str
) -> None:
    chosen = settings if library == "small" else Settings(tmp_path / "demo", embedding_model="fake")
    if library == "demo":
        _demo_library(chosen)
    values = {"壁垒类型": "信息不一致", "领域": "社保", "省份": "福建省", "事项": "落户", "起始日期": "2024-01-01",
              "依据": "办法", "大厅": "福州"}  # fmt: skip
    with only("kb.web.plugin", "search.web"):
        site = serve.make_datasette(chosen)
        cookies = sign_in(chosen, "policy")
        for name, query in QUERIES.items():
            assert query["title"] and re.search("[一-鿿]", query["title"]), name
            empty = (await site.client.get(f"/library/{name}.json?_shape=objects", cookies=cookies)).json()
            assert empty["ok"], (name, empty)
            assert all(re.search("[一-鿿]", column) for column in empty["columns"]), name
            if library == "demo" and name not in MAY_BE_EMPTY:
                assert empty["rows"], name
            asked = {one: values[one] for one in query.get("params", [])}
            page = await site.client.get(f"/library/{name}", params=asked, cookies=cookies)
            assert page.status_code == 200, name
            assert all(f'name="{one}"' in page.text for one in asked), name
            narrowed = await site.client.get(f"/library/{name}.json?_shape=objects", params=asked, cookies=cookies)
            assert len(narrowed.json()["rows"]) <= len(empty["rows"]), name


async def test_a_parameter_is_a_value_not_sql(site: Datasette, cookies: dict[str, str]) -> None:
    found = await site.client.get("/library/halls.json", params={"省份": "' or 1=1 --"}, cookies=cookies)
    assert found.json()["rows"] == []


async def test_a_canned_query_leads_to_the_case(site: Datasette, cookies: dict[str, str]) -> None:
    page = await site.client.get("/library/repealed_basis", cookies=cookies)
    assert f'<a href="/case/{FULL.id}">' in page.text


def test_labels_do_not_shadow_the_columns_of_canned_queries() -> None:
    assert "案例编号" not in labels()
