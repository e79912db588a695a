"""The search page through HTTP; the searcher is a stand-in that answers as DESIGN section 4 says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from datasette.app import Datasette

from kb.config import Settings
from kb.errors import Fault
from kb.web import serve
from search import web
from search.engine import Filters, Found, View
from search.query import Query

from ..library import CASES, EVIL, EVIL_TEXT, FULL, REFUSED, WITHDRAWN, fill
from ..sites import only


class Index:
    """Words of the cases by plain containment."""

    def with_number(self, number: str) -> list[str]:
        return [case.id for case in CASES if number in (case.id, case.source_no)]

    def search(self, query: Query, filters: Filters, depth: int) -> Found:
        texts = {case.id: case.title + case.demand + case.obstacle for case in CASES}
        return Found({"words": View({key: 1.0 for key, text in texts.items() if query.words[0] in text})})


class Searcher:
    """Finds `FULL` for whatever holds 公积金, else says that there is no precedent."""

    engine = Index()

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, Filters]] = []

    def refresh(self) -> None:
        pass

    def find(self, text: str, k: int = 10, filters: Filters | None = None) -> dict[str, Any]:
        self.asked.append((text, k, filters or Filters()))
        if filters and filters.since == "昨天":
            raise Fault("起始日期看不懂")
        sure = "公积金" in text
        cases = [FULL] if sure else [EVIL, REFUSED] if "近" in text else []
        results = [{
            "id": case.id, "source_no": case.source_no, "title": case.title,
            "matter": case.matter.get("name", ""), "region": "", "outcome": case.outcome,
            "barriers": case.barriers, "obstacle": case.obstacle, "measure": case.measure,
            "basis": case.basis, "playbook": None, "score": 1.0, "why": [{"kind": "词", "text": case.title}],
            "highlights": {"obstacle": [[0, 3], [2, 5], [-4, 99999], [7, 7]], "title": [[0, 2]]},
            "source": case.source,
        } for case in cases]  # fmt: skip
        note = "" if sure else "没有找到足够接近的先例"
        return {"query": text, "answerable": sure, "note": note, "took_ms": 1.5, "results": results}


@pytest.fixture
def searcher(monkeypatch: pytest.MonkeyPatch) -> Searcher:
    found = Searcher()
    monkeypatch.setattr(web, "precedents", lambda settings: found)
    return found


@pytest.fixture
def site(tmp_path: Path, searcher: Searcher) -> Iterator[Datasette]:
    with only("kb.web.plugin", "search.web"):
        yield serve.make_datasette(fill(Settings(tmp_path / "kb-data")))


async def test_front_page_is_a_search_box_with_the_cursor(site: Datasette) -> None:
    text = (await site.client.get("/")).text
    assert re.search(r'<input type="search" name="q" value=""[^>]* autofocus>', text)
    assert "库里有 5 件" in text and "信息不一致" in text
    assert WITHDRAWN.title not in text
    examples = re.findall(r'<li><a href="/\?q=[^"]+">([^<]+)</a>', text)
    questions = [text.rstrip("。") for case in CASES for text in (case.obstacle, case.title)]
    assert 1 <= len(examples) <= 3 and set(examples) <= set(questions)


async def test_results_read_as_a_consultation(site: Datasette) -> None:
    text = (await site.client.get("/?q=公积金贷款")).text
    heads = re.findall(r"<dt>([^<]+)</dt>", text)
    assert heads == ["卡点", "办法", "依据", "找谁", "多久", "结果"]
    assert "住房公积金管理中心" in text and "3 个工作日" in text
    assert '<span class="tag done">有效</span>' in text and '<span class="tag gone">已废止</span>' in text
    assert f'href="/case/{FULL.id}"' in text
    assert "<b>词</b>" in text
    assert "找到先例" in text


async def test_no_precedent_is_said_honestly(site: Datasette) -> None:
    text = (await site.client.get("/?q=近似的事")).text
    assert "没有足够接近的先例" in text and "没有找到足够接近的先例" in text
    assert "找到先例" not in text
    assert REFUSED.title in text
    assert "没有找到" in (await site.client.get("/?q=毫无")).text


async def test_filters_reach_the_searcher_and_can_be_removed(site: Datasette, searcher: Searcher) -> None:
    page = await site.client.get("/?q=公积金&region=福州市&domain=住房公积金&barrier=信息不一致&outcome=办成")
    asked = Filters(region="福州市", domain="住房公积金", barrier="信息不一致", outcome="办成")
    assert searcher.asked[-1] == ("公积金", web.RESULTS, asked)
    assert 'aria-label="取消筛选 福州市"' in page.text
    assert re.search(r'<option value="福州市" selected>', page.text)


async def test_the_part_for_live_refresh_is_the_same_list(site: Datasette) -> None:
    part = (await site.client.get("/search/results?q=公积金贷款")).text
    assert "<html" not in part
    assert part.strip() in (await site.client.get("/?q=公积金贷款")).text


@pytest.mark.parametrize("path", ["/?q=近", "/search/results?q=近", "/?q=%3Cscript%3Ealert(1)%3C/script%3E近",
                                  "/?q=近&region=%22%3E%3Cscript%3E&barrier=%3Cscript%3E"])  # fmt: skip
async def test_no_text_becomes_markup(site: Datasette, path: str) -> None:
    page = await site.client.get(path)
    assert page.status_code == 200
    for script in re.findall(r"<script[^>]*>", page.text):
        assert re.fullmatch(r'<script src="/-/search/search\.js\?v=\w+" defer>', script)
    assert "<img" not in page.text and EVIL_TEXT not in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]


async def test_api_gives_the_search_result_as_it_is(site: Datasette, searcher: Searcher) -> None:
    answer = await site.client.get("/api/search.json?q=公积金&k=3&since=2024")
    assert answer.json() == Searcher().find("公积金")
    assert searcher.asked[-1] == ("公积金", 3, Filters(since="2024"))
    assert "公积金" in answer.text


@pytest.mark.parametrize("query", ["q=公积金&k=abc", "q=公积金&k=-1", "q=公积金&since=昨天"])
async def test_api_says_in_chinese_what_is_wrong(site: Datasette, query: str) -> None:
    answer = await site.client.get(f"/api/search.json?{query}")
    assert answer.status_code == 400 and answer.json()["ok"] is False
    assert re.search("[一-龥]", answer.json()["error"])


async def test_very_long_questions_are_answered(site: Datasette) -> None:
    assert (await site.client.get("/", params={"q": "公积金" * 2400})).status_code == 200


async def test_table_page_json_and_csv_search_chinese(site: Datasette) -> None:
    page = await site.client.get("/library/cases?_jieba=公积金 楼栋号")
    assert page.status_code == 200 and 'name="_jieba" value="公积金 楼栋号"' in page.text
    rows = (await site.client.get("/library/cases.json?_jieba=营业执照&_shape=array")).json()
    assert [row["id"] for row in rows] == [REFUSED.id]
    csv = await site.client.get("/library/cases.csv?_jieba=营业执照")
    assert REFUSED.title in csv.text and FULL.title not in csv.text
    rows = (await site.client.get(f"/library/cases.json?_jieba={FULL.source_no}&_shape=array")).json()
    assert [row["id"] for row in rows] == [FULL.id]
    rows = (await site.client.get("/library/cases.json?_jieba=没有这回事') or 1=1 --&_shape=array")).json()
    assert rows == []


async def test_facets_follow_the_chinese_search(site: Datasette) -> None:
    answer = (await site.client.get("/library/cases.json?_jieba=营业执照&_facet=outcome")).json()
    assert [value["value"] for value in answer["facet_results"]["outcome"]["results"]] == [REFUSED.outcome]


async def test_pages_of_the_ground_floor_stand_beside(site: Datasette) -> None:
    text = (await site.client.get("/cases")).text
    assert "检索</a>" in text and "浏览</a>" in text
