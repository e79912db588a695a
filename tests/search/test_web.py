"""The search page through HTTP; the searcher is a stand-in that answers as DESIGN section 4 says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, unquote

import pytest
from datasette.app import Datasette

from kb.config import Settings
from kb.web import serve
from search import asking, report, web
from search.calibration import GRADES
from search.engine import Filters
from search.query import operators

from ..answers import Searcher
from ..library import CASES, EVIL_TEXT, FULL, REFUSED, TWIN, WITHDRAWN, fill
from ..people import call, sign_in
from ..sites import only


@pytest.fixture
def searcher(monkeypatch: pytest.MonkeyPatch) -> Searcher:
    found = Searcher()
    monkeypatch.setattr(asking, "precedents", lambda settings: found)
    monkeypatch.setattr(asking, "suggest", lambda store, typed: [])
    return found


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Filters]]:
    """The questions that the pages have counted, with the grades of their answers."""
    noted: list[tuple[str, str, Filters]] = []
    monkeypatch.setattr(web.unmet, "record_soon", lambda settings, *question: noted.append(question))
    return noted


def links(text: str) -> list[tuple[str, dict[str, list[str]]]]:
    """(words of a link, its parameters) for every link to the search page."""
    found = re.findall(r'<a [^>]*href="/\?([^"]*)"[^>]*>(.*?)</a>', text)
    return [(re.sub("<[^>]+>", "", words).strip(), parse_qs(unescape(query))) for query, words in found]


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
    heads = re.findall(r"<dt>([^<]+)</dt>", text.partition("</dl>")[0])
    assert heads == ["卡点", "办法", "依据", "找谁", "多久", "结果"]
    assert "住房公积金管理中心" in text and "3 个工作日" in text
    assert '<span class="tag done">有效</span>' in text and '<span class="tag gone">已废止</span>' in text
    assert f'href="/case/{FULL.id}"' in text


async def test_why_quotes_the_sentence_that_is_near_in_meaning(site: Datasette) -> None:
    text = (await site.client.get("/?q=公积金贷款")).text
    assert "<b>用词相同</b>" in text
    assert "<b>同义</b> 本子→不动产权证书" in text
    assert f"<b>意思相近</b> “{FULL.obstacle}”" in text


async def test_a_precedent_is_graded_and_what_is_less_stands_below(site: Datasette) -> None:
    text = (await site.client.get("/?q=公积金贷款")).text
    assert '<section class="grade same"' in text and "没有找到先例" not in text
    first, below = text.split("以下仅供参考")
    assert FULL.title in first and REFUSED.title not in first
    assert '<span class="tag partly">仅供参考</span>' not in first
    assert '<span class="tag partly">仅供参考</span>' in below


async def test_cases_worth_a_look_are_graded_once_for_all(site: Datasette) -> None:
    text = (await site.client.get("/?q=近似的事")).text
    assert '<section class="grade near"' in text and "没有找到先例" not in text and "同类先例" not in text
    assert "以下仅供参考" not in text


async def test_a_case_that_is_only_near_is_never_called_worth_a_look() -> None:
    same, near, none = GRADES
    assert web._partings([same, none, same, near, none, near, none], same) == {
        3: "以下仅供参考", 6: "以下只是最接近，不是先例，不要照搬",
    }  # fmt: skip
    assert web._partings([same, none], same) == web._partings([near, none], near) == {
        1: "以下只是最接近，不是先例，不要照搬"
    }  # fmt: skip
    assert web._partings([none, near], near) == web._partings([none, none], none) == web._partings([], same) == {}


async def test_the_mark_of_a_result_is_its_own_grade(site: Datasette) -> None:
    text = (await site.client.get("/?q=近似的事，远远的")).text
    near, far = text.split("以下只是最接近，不是先例，不要照搬")
    assert '<span class="tag">只是接近</span>' in far and "仅供参考</span>" not in far
    assert "只是接近" not in near and REFUSED.title in far


async def test_no_precedent_is_said_first_with_whom_to_ask(site: Datasette) -> None:
    text = (await site.client.get("/?q=想去火星种土豆")).text
    grade, rest = text.split("</section>", 1)
    assert "没有找到先例" in grade and "同类先例" not in text
    assert re.search("可以问：<b>住建局</b>、<b>民政局</b>", grade)
    assert 'href="/playbook/p1">楼栋号不一致</a>' in grade
    assert REFUSED.title in rest and "不是先例" in rest and '<ol class="results far"' in rest
    assert "没有找到先例" in (await site.client.get("/?q=毫无")).text


async def test_only_a_question_that_stands_is_counted(site: Datasette, counted: list[tuple[str, str, Filters]]) -> None:
    half = await site.client.get("/search/results?q=想去火星种土豆")
    assert counted == [] and "记下" not in half.text
    whole = await site.client.get("/search/results?q=想去火星种土豆&settled=1")
    assert "政策人员会看到" in whole.text
    page = await site.client.get("/?q=想去火星种土豆&region=福州市")
    assert "政策人员会看到" in page.text
    assert counted == [
        ("想去火星种土豆", "没有找到先例", Filters()), ("想去火星种土豆", "没有找到先例", Filters(region="福州市")),
    ]  # fmt: skip


async def test_a_question_is_noted_only_if_it_says_what_the_library_lacks(
    site: Datasette, counted: list[tuple[str, str, Filters]]
) -> None:
    assert "记下" not in (await site.client.get("/?q=公积金贷款")).text
    assert counted == [("公积金贷款", "同类先例", Filters())]
    assert "记下" not in (await site.client.get("/?q=想去火星种土豆&year=2019")).text
    assert len(counted) == 1


async def test_a_correction_is_shown_and_can_be_taken_back(site: Datasette) -> None:
    text = (await site.client.get("/?q=公几金贷款&domain=公积金")).text
    assert "按 <b>公积金</b> 查找（您输入的是 公几金）" in text
    back = dict(links(text))["改回"]
    assert back == {"q": ["公几金贷款"], "domain": ["公积金"], "literally": ["1"]}
    text = (await site.client.get("/?q=公几金贷款&literally=1")).text
    assert "查找（您输入的是" not in text and "没有找到先例" in text
    assert 'form="search" name="literally"' not in text  # the next question in the same box is corrected again
    assert dict(links(text))["自动纠错"] == {"q": ["公几金贷款"]}


async def test_synonyms_phrases_and_exclusions_are_shown(site: Datasette) -> None:
    text = (await site.client.get("/?q=本子上“楼栋号”不对 公积金 -提取")).text
    assert "本子 → <b>不动产权证书</b>" in text
    shown = dict(links(text))
    assert shown["必须有“楼栋号” ✕"] == {"q": ["本子上 楼栋号 不对 公积金 -提取"]}
    assert shown["不要“提取” ✕"] == {"q": ["本子上“楼栋号”不对 公积金"]}


@pytest.mark.parametrize(("asked", "left"), [
    ('"楼栋号" 公积金', "楼栋号  公积金"), ("「楼栋号」", "楼栋号"), ("没有引号的楼栋号", "没有引号的楼栋号"),
])  # fmt: skip
def test_a_phrase_loses_its_marks(asked: str, left: str) -> None:
    assert operators.without_phrase(asked, "楼栋号") == left


@pytest.mark.parametrize("excluded", ["-提取", "－提取", '-"提取"', "-「提取」"])
def test_an_excluded_word_goes_away(excluded: str) -> None:
    assert operators.without_exclusion(f"公积金 {excluded}", "提取") == "公积金"


async def test_almost_the_same_cases_are_folded(site: Datasette) -> None:
    text = (await site.client.get("/?q=公积金")).text
    folded = re.findall(r'<details class="alike">(.*?)</details>', text, re.DOTALL)
    assert len(folded) == 1 and "另有 1 件几乎相同" in folded[0] and f'href="/case/{TWIN.id}"' in folded[0]


async def test_facets_are_links_that_narrow(site: Datasette) -> None:
    text = (await site.client.get("/?q=公积金&outcome=办成")).text
    shown = dict(links(text))
    assert shown["福州市 2"] == {"q": ["公积金"], "outcome": ["办成"], "region": ["350100"]}
    assert shown["有固化措施 1"]["solidified"] == ["是"] and shown["2024 2"]["year"] == ["2024"]
    assert shown["办成 2 ✕"] == shown["结果：办成 ✕"] == {"q": ["公积金"]}
    assert text.index("福建省") < text.index("福州市 <") < text.index("闽侯县 <")
    assert "事项23" in text and "事项24" not in text
    assert "办理方式" not in text


async def test_filters_reach_the_searcher_and_can_be_removed(site: Datasette, searcher: Searcher) -> None:
    chosen = "region=350100&domain=公积金&barrier=信息不一致&outcome=办成&handling=协调&year=2024&solidified=是"
    page = await site.client.get(f"/?q=公积金&{chosen}&department=住建局&matter=提取&colour=red")
    asked = Filters(
        region="350100", domain="公积金", barrier="信息不一致", outcome="办成", handling="协调", year="2024",
        solidified="是", department="住建局", matter="提取",
    )  # fmt: skip
    assert searcher.asked[-1] == ("公积金", asking.RESULTS, asked)
    assert '<input type="hidden" form="search" name="region" value="350100">' in page.text
    assert 'aria-label="取消筛选 地区：福州市"' in page.text
    assert dict(links(page.text))["全部取消"] == {"q": ["公积金"]}


async def test_a_long_question_makes_no_heavy_page(site: Datasette) -> None:
    for length in (4, 40, 100, 400):
        page = await site.client.get("/", params={"q": "公积金贷" * (length // 4)})
        assert len(page.content) < 200_000


async def test_the_part_for_live_refresh_is_the_same_list(site: Datasette) -> None:
    part = (await site.client.get("/search/results?q=公积金贷款")).text
    assert "<html" not in part
    assert part.strip() in (await site.client.get("/?q=公积金贷款")).text


@pytest.mark.parametrize("path", [
    "/?q=近", "/?q=公积金", "/search/results?q=近", "/?q=%3Cscript%3Ealert(1)%3C/script%3E近",
    "/?q=近&region=%22%3E%3Cscript%3E&barrier=%3Cscript%3E",
])  # fmt: skip
async def test_no_text_becomes_markup(site: Datasette, path: str) -> None:
    page = await site.client.get(path)
    assert page.status_code == 200
    for script in re.findall(r"<script[^>]*>", page.text):
        assert re.fullmatch(r'<script src="/-/(search/search|kb/kb|kb/keys|kb/feedback)\.js\?v=\w+" defer>', script)
    assert "<img" not in page.text and EVIL_TEXT not in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]


async def test_api_gives_the_search_result_as_it_is(site: Datasette, searcher: Searcher) -> None:
    answer = await site.client.get("/api/search.json?q=公积金&k=3&since=2024")
    assert answer.json() == Searcher().find("公积金")
    assert searcher.asked[-1] == ("公积金", 3, Filters(since="2024"))
    assert "公积金" in answer.text


@pytest.mark.parametrize("query", ["q=公积金&k=abc", "q=公积金&k=-1", "q=公积金&since=昨天", "q=公积金&year=去年"])
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


async def test_feedback_of_halls_is_shown_to_all_and_asked_of_those_signed_in(site: Datasette, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "kb-data")
    mine = sign_in(settings, "window")
    await call(site, "POST", f"/cases/{FULL.id}/feedback", mine, json={"kind": "used"})
    text = (await site.client.get("/?q=公积金贷款", cookies=mine)).text
    first = text.partition("</li>\n<li")[0]
    assert "1 个大厅用上过</span>" in first and "<b>已被复用</b> 1 个大厅用上过" in first
    assert 'aria-pressed="true"' in first and "不适用" in first


async def test_an_unmet_need_becomes_a_draft_for_those_who_may(site: Datasette, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "kb-data")
    path = "/?q=想去火星种土豆&domain="
    assert "登记为新诉求" not in (await site.client.get(path)).text
    mine, policy = sign_in(settings, "window"), sign_in(settings, "policy")
    text = (await site.client.get(path, cookies=mine)).text
    assert re.search(r'href="/drafts/new\?q=%E6%83%B3[^"]+">登记为新诉求', text)
    assert "登记为新诉求" not in (await site.client.get(path, cookies=policy)).text
    assert "登记为新诉求" not in (await site.client.get("/?q=公积金", cookies=mine)).text


async def test_near_halls_of_the_asker_come_first(site: Datasette, tmp_path: Path, searcher: Searcher) -> None:
    mine = sign_in(Settings(tmp_path / "kb-data"), "window", hall="350121")
    await site.client.get("/?q=公积金", cookies=mine)
    assert searcher.homes[-1] == "350121"
    strange = sign_in(Settings(tmp_path / "kb-data"), "window", hall="own-1")
    await site.client.get("/?q=公积金", cookies=strange)
    assert searcher.homes[-1] == ""


async def test_the_api_searches_as_the_page_does(site: Datasette, searcher: Searcher) -> None:
    assert (await call(site, "GET", "/search?q=公积金&k=3&year=2024")).json() == Searcher().find("公积金")
    assert searcher.asked[-1] == ("公积金", 3, Filters(year="2024"))
    given = {"q": "公积金", "k": 4, "domain": "公积金"}
    assert (await call(site, "POST", "/search", json=given)).json() == Searcher().find("公积金")
    assert searcher.asked[-1] == ("公积金", 4, Filters(domain="公积金"))
    assert (await call(site, "GET", "/suggest?q=公")).json() == {"suggestions": []}


async def test_a_batch_is_answered_in_order(site: Datasette) -> None:
    queries = [{"qid": "b", "query": "公积金"}, {"qid": "a", "query": "毫无"}]
    answers = (await call(site, "POST", "/search/batch", json={"queries": queries, "k": 2})).json()["answers"]
    assert [(one["qid"], one["grade"], one["answerable"]) for one in answers] == [
        ("b", "同类先例", True), ("a", "没有找到先例", False),
    ]  # fmt: skip
    assert [result["id"] for result in answers[0]["results"]] == [FULL.id, TWIN.id] and answers[1]["results"] == []
    assert set(answers[0]["results"][0]) == {"id", "source_no", "score"}


@pytest.mark.parametrize(("path", "body"), [
    ("/search", {}), ("/search", {"q": 1}), ("/search", {"q": "公", "k": 101}), ("/search", {"q": "公", "since": "x"}),
    ("/search/batch", {"queries": [{"qid": "1", "query": "公积金"}] * 201}), ("/search/batch", {"queries": ["公积金"]}),
])  # fmt: skip
async def test_the_api_refuses_what_is_not_described(site: Datasette, path: str, body: dict[str, object]) -> None:
    answer = await call(site, "POST", path, json=body)
    assert answer.status_code == 400 and re.search("[一-龥]", answer.json()["error"])


@pytest.mark.parametrize("path", ["/", "/search/results"])
async def test_personal_data_in_a_question_goes_into_no_link(
    site: Datasette, tmp_path: Path, searcher: Searcher, path: str
) -> None:
    mine = sign_in(Settings(tmp_path / "kb-data"), "window")
    typed = "张伟 370881199003071236 13812345678 身份证过期了"
    page = (await site.client.get(f"{path}?q={typed}", cookies=mine)).text
    text, _, results = unquote(page).partition('id="results"') if path == "/" else ("", "", unquote(page))
    assert "身份证过期了" in results and "登记为新诉求" in results
    for personal in ("张伟", "370881199003071236", "13812345678"):
        assert personal not in results and f"<title>{personal}" not in text
    assert "姓名、身份证号、手机号" in results
    assert searcher.asked[-1][0] == typed  # what is found is not changed by it
    plain = (await site.client.get(f"{path}?q=公积金贷款 国办发〔2023〕29号", cookies=mine)).text
    assert 'data-asked="公积金贷款 国办发〔2023〕29号"' in plain and "个人信息，检索" not in plain


async def test_the_report_has_no_personal_data_of_the_question(site: Datasette) -> None:
    text = unquote((await site.client.get("/report?q=张伟 13812345678 公积金贷款")).text)
    assert "公积金贷款" in text and "张伟" not in text and "13812345678" not in text


async def test_the_report_says_of_each_case_whether_it_is_a_precedent(site: Datasette) -> None:
    text = (await site.client.get("/report?q=公积金贷款远方")).text
    assert "只是接近，不是先例" in text and "没有找到先例" not in text
    none = (await site.client.get("/report?q=想去火星种土豆")).text
    assert "以下最接近，但不是先例，不要照搬" in none


async def test_nothing_that_can_be_looked_for_is_no_new_demand(site: Datasette, tmp_path: Path) -> None:
    mine = sign_in(Settings(tmp_path / "kb-data"), "window")
    assert "登记为新诉求" not in (await site.client.get("/?q=？？？", cookies=mine)).text


async def test_the_report_has_the_question_its_grade_and_the_sources(site: Datasette) -> None:
    text = (await site.client.get("/report?q=公积金贷款")).text
    for said in ("公积金贷款", "同类先例", FULL.title, REFUSED.title, "台账.xlsx", "经办人签字", "［已废止］"):
        assert said in text
    assert re.search(r"第 \d+ 版", text) and "print=1" not in text


async def test_the_report_shows_what_was_chosen_and_tells_what_is_gone(site: Datasette) -> None:
    text = (await site.client.get(f"/report?q=公积金贷款&ids={REFUSED.id}&ids={WITHDRAWN.id},nothing")).text
    assert REFUSED.title in text and FULL.title not in text and WITHDRAWN.title not in text
    assert "另有 2 件" in text
    assert (await site.client.get("/report")).status_code == 400
    assert EVIL_TEXT not in (await site.client.get("/report?q=近")).text


def test_what_became_of_rules_keeps_its_date_however_little_room_there_is() -> None:
    long = "长" * 300
    rules = [{"title": f"第{n}件规定", "change": f"2024-05-0{n} 已废止：{long}"} for n in range(1, 6)]
    told = report.entry(replace(FULL, basis=rules), "", 3)["changed"]
    assert all(f"《第{n}件规定》［2024-05-0{n} 已废止" in told for n in (1, 2, 3)) and told.endswith("等 5 条")
    assert len(told) < 4 * report.WIDE
    free, less = (report.entry(replace(FULL, measure="办" * 5000), "", 1, spent)["measure"] for spent in (0, 8))
    assert len(less) < len(free)


def test_a_text_is_cut_without_leaving_half_a_placeholder() -> None:
    assert report.cut("找〔姓名1〕办 理\n了", 20) == "找〔姓名1〕办 理 了"
    assert report.cut("找〔姓名1〕办理", 4) == "找……"
