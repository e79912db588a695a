"""Datasette's own pages as policy staff meet them: in Chinese, whichever link they follow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import pytest
from datasette.app import Datasette

from kb.config import Settings
from kb.store import Store
from kb.web import cells, serve
from kb.web.words import words

from ..library import FULL, REFUSED, TWIN, WITHDRAWN, fill
from ..people import sign_in
from ..sites import only

#: Words that are no English text: formats, the language of queries, and what stands in the cases themselves.
ALLOWED = {"SQL", "JSON", "JSONL", "CSV", "Excel", "like", "glob", "BBC", "xlsx", "https", "example", "org"}
#: What explanations of wrong SQL name.
NAMED = {"nosuch", "where", "count", "sum", "select", "with", "explain"}
STARTS = (
    "/library", "/library/cases", "/library/revisions", f"/library/cases/{FULL.id}", "/library/barriers_by_outcome",
    "/library/cases?_facet=domain&outcome__exact=办成&_sort=received&_size=1",
    "/library?sql=select+title+from+cases&_hide_sql=1", "/library/halls", "/library/repealed_basis",
)  # fmt: skip


class _Text(HTMLParser):
    """The text and names that a page shows, without code, what is typed and what cannot be seen; and its links."""

    SILENT = ("code", "pre", "textarea", "script", "style")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.links: list[str] = []
        self._within: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.SILENT:
            self._within.append(tag)
        given = {name: value or "" for name, value in attrs}
        self.texts += [given[name] for name in ("aria-label", "placeholder", "alt") if name in given]
        if tag == "input" and given.get("type") == "submit":
            self.texts.append(given.get("value", ""))
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if not self._within:
            self.texts.append(data)

    def english(self) -> set[str]:
        found = {word for text in self.texts for word in re.findall(r"[A-Za-z]{2,}", text)}
        return {word for word in found - ALLOWED if not re.fullmatch("[a-f]+", word)}  # pieces of case ids


@pytest.fixture(autouse=True)
def _ground_floor_only() -> Iterator[None]:
    with only("kb.web.plugin"):
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = Settings(tmp_path / "kb-data")
    with Store(found) as store:
        store.publish([FULL, TWIN, REFUSED, WITHDRAWN], by="测试")
        store.withdraw(WITHDRAWN.id, by="测试", reason="依据已废止")
    return found


@pytest.fixture
def site(settings: Settings) -> Datasette:
    return serve.make_datasette(settings)


async def test_no_page_that_a_link_leads_to_speaks_english(site: Datasette) -> None:
    waiting, seen, left = list(STARTS), set(STARTS), {}
    while waiting and len(seen) < 400:
        path = waiting.pop(0)
        answer = await site.client.get(path, follow_redirects=True)
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        own_words = path.startswith("/library?sql=")  # what SQL finds is shown as it is stored
        page = _Text(re.sub("<td>.*?</td>", "", answer.text, flags=re.DOTALL) if own_words else answer.text)
        if page.english():
            left[path] = page.english()
        links = {urldefrag(urljoin(path, link))[0] for link in page.links}
        new = sorted(link for link in links - seen if link.startswith("/library"))
        kept = [link for link in new if link.count("=") <= 3][:25]  # combinations of filters look alike
        waiting += kept
        seen |= set(kept)
    assert len(seen) > 60
    assert left == {}


async def test_states_and_actions_are_words(site: Datasette) -> None:
    table = (await site.client.get("/library/cases?_facet=state")).text
    assert "入库</a> 3" in table and "出库</a> 1" in table and ">入库</td>" in table
    assert "published" not in _shown(table)
    revisions = (await site.client.get("/library/revisions?_facet=action")).text
    assert ">入库</td>" in revisions and ">出库</td>" in revisions
    assert f'href="/case/{FULL.id}"' in revisions


async def test_lists_and_objects_read_as_text(site: Datasette) -> None:
    row = (await site.client.get(f"/library/cases/{FULL.id}")).text
    assert "信息不一致、跨部门跨层级跨区域" in row
    assert "住房公积金管理条例 国务院令第350号 第二十六条 有效；旧的操作办法 榕公积金〔2010〕1号 已废止" in row
    assert "姓名 诉求 2；手机号 办法 1" in row and "壁垒类型：0.82；领域：0.7" in row


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        ("state", "draft", "草稿"), ("action", "publish", "入库"), ("title", "published", None),
        ("source_kind", "ledger", "台账"), ("barriers", "[]", " "), ("extra", "{}", " "), ("demand", "[不是列表", None),
        ("changed", '["title", "nosuch"]', "标题、nosuch"), ("at", "2024-03-04T05:06:07+00:00", "2024-03-04 05:06"),
        ("extra", '{"甲": true, "乙": null}', "甲：是"),
    ],
)  # fmt: skip
def test_a_value_is_shown_as_people_read_it(column: str, value: str, shown: str | None) -> None:
    assert cells.shown("cases", column, value, str) == shown


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select nosuch from cases", "没有“nosuch”这一列"), ("select * from nosuch", "没有“nosuch”这张表"),
        ("select nosuch(1)", "没有“nosuch”这个函数"), ("select selec from where", "语法不对"),
        ("drop table cases", "只能查询"), ("select max(count(*)) from cases", "统计函数"),
        ("select 1; select 2", "一次只能运行一条"), ("select 'x", "认不出的符号"),
        ("with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n", "查询超过时限"),
    ],
)  # fmt: skip
async def test_wrong_sql_is_explained_and_can_be_put_right(site: Datasette, sql: str, said: str) -> None:
    answer = await site.client.get("/library", params={"sql": sql})
    assert answer.status_code == 400
    page = _Text(answer.text)
    assert said in "".join(page.texts) and page.english() <= NAMED
    assert "<textarea" in answer.text and "<script>" not in answer.text


@pytest.mark.parametrize(
    ("query", "said"),
    [("_sort=nosuch", "不能按“nosuch”排序"), ("_size=x", "每页行数"), ("_col=nosuch", "没有“nosuch”这一列"),
     ("_sort=title&_sort_desc=title", "只能选一种")],
)  # fmt: skip
async def test_wrong_parameters_of_a_table_are_explained(site: Datasette, query: str, said: str) -> None:
    answer = await site.client.get(f"/library/cases?{query}")
    assert answer.status_code == 400 and said in answer.text
    assert said in (await site.client.get(f"/library/cases.json?{query}")).json()["error"]


async def test_methods_that_a_page_lacks_are_refused_in_chinese(site: Datasette) -> None:
    for method, path in (("POST", "/library/cases"), ("POST", "/library"), ("PUT", "/library/cases")):
        answer = await site.client.request(method, path)
        assert answer.status_code == 405 and words()["errors"][405][0] in answer.text, (method, path)


async def test_a_forged_form_is_refused_in_chinese(site: Datasette, settings: Settings) -> None:
    cookies = sign_in(settings, "window")
    answer = await site.client.post("/logout", data={"csrftoken": "wrong"}, cookies=cookies)
    assert answer.status_code == 403 and "页面已经过期" in answer.text and "csrf" not in _shown(answer.text).lower()
    assert (await site.client.get("/me", cookies=cookies)).status_code == 200


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 429, 500, "csrf"])
def test_every_error_says_what_to_do(status: int | str) -> None:
    title, advice = words()["errors"][status]
    assert 3 < len(title) <= 10 and len(advice) <= 45 and not advice.endswith("。")


def _shown(html: str) -> str:
    return "".join(_Text(html).texts)


async def test_the_library_of_evil_text_is_crawled_without_markup(tmp_path: Path) -> None:
    site = serve.make_datasette(fill(Settings(tmp_path / "evil")))
    for path in ("/library/revisions", "/library/cases?_facet=domain", "/library/revisions?_facet_array=changed"):
        text = (await site.client.get(path)).text
        assert "<img" not in text and "<script>" not in text
