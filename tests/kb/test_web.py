"""Pages of the ground floor, through HTTP, without the upper floors."""

from __future__ import annotations

import json
import logging
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pluggy
import pytest
from datasette.app import Datasette

from kb import hookspecs
from kb.config import Settings
from kb.hookspecs import Panel, hookimpl
from kb.model import Case
from kb.store import Store
from kb.vocabulary import labels
from kb.web import plugin, serve
from kb.web.differences import differences
from kb.web.timeline import timeline

from ..library import BARE, EVIL, EVIL_TEXT, FULL, REFUSED, TWIN, WITHDRAWN, fill
from ..sites import only


@pytest.fixture(autouse=True)
def _ground_floor_only() -> Iterator[None]:
    with only("kb.web.plugin"):
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return fill(Settings(tmp_path / "kb-data"))


@pytest.fixture
def site(settings: Settings) -> Datasette:
    return serve.make_datasette(settings)


async def test_front_page_lists_published_cases(site: Datasette) -> None:
    page = await site.client.get("/")
    assert page.status_code == 200
    assert 'lang="zh-CN"' in page.text
    for case in (FULL, TWIN, REFUSED):
        assert case.title in page.text
    assert WITHDRAWN.title not in page.text


async def test_a_page_for_reading_takes_nothing(site: Datasette) -> None:
    answer = await site.client.post("/cases")
    assert answer.status_code == 405 and "只供查看" in answer.text


async def test_facets_narrow_and_count(site: Datasette) -> None:
    page = await site.client.get("/cases?barrier=信息不一致")
    assert FULL.title in page.text and TWIN.title in page.text and REFUSED.title not in page.text
    assert "共 <strong>2</strong> 件" in page.text
    page = await site.client.get("/cases?barrier=信息不一致&province=福建省&city=福州市&county=闽侯县")
    assert "共 <strong>1</strong> 件" in page.text
    page = await site.client.get("/cases", params={"domain": "没有的领域' or 1=1 --"})
    assert "没有同时符合这些条件的案例" in page.text


@pytest.mark.parametrize("number", ["0", "-3", "999999999999", "二", "abc", "²", "9" * 5000])
async def test_any_page_number_is_answered(site: Datasette, number: str) -> None:
    assert (await site.client.get("/cases", params={"page": number})).status_code == 200


async def test_paging(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "many")
    with Store(settings) as store:
        store.publish([replace(REFUSED, id=f"{n:012}", title=f"第{n}件") for n in range(45)], by="测试")
    site = serve.make_datasette(settings)
    seen: list[str] = []
    for number in (1, 2, 3):
        page = (await site.client.get(f"/cases?page={number}")).text
        seen += re.findall(r'href="/case/(\d+)"', page)
    assert len(seen) == len(set(seen)) == 45
    assert 'rel="next"' not in page and 'rel="prev"' in page


async def test_empty_library_says_how_to_fill_it(tmp_path: Path) -> None:
    site = serve.make_datasette(Settings(tmp_path / "empty"))
    page = await site.client.get("/")
    assert page.status_code == 200 and "库里还没有案例" in page.text


async def test_case_page_shows_all_that_is_known(site: Datasette) -> None:
    text = (await site.client.get(f"/case/{FULL.id}")).text
    for shown in (FULL.title, FULL.demand, FULL.obstacle, FULL.measure, FULL.result, FULL.followup, "住建局",
                  "榕公积金〔2010〕1号", "楼栋号变更说明", "2024-03-06", "闽侯县政务服务中心", "台账.xlsx",
                  "不再让群众跑银行", "值班领导批示", "3 个工作日", "入库"):  # fmt: skip
        assert shown in text, shown
    assert re.search(r"国务院令第350号[^<]*<span class=\"tag done\">有效", text)
    assert re.search(r"榕公积金〔2010〕1号[^<]*<span class=\"tag gone\">已废止", text)
    assert "推断 82%" in text
    assert "姓名 2 处" in text and "手机号 1 处" in text
    assert f"/case/{TWIN.id}" in text
    assert 'href="https://example.org/a?b=1&amp;c=2"' in text


class _Panels:
    """An upper floor that knows a similar case."""

    @hookimpl
    def kb_case_panels(self, settings: Settings, case: Case) -> list[Panel]:
        return [Panel("相近案例", [(REFUSED, f"与{case.title}相近")]), Panel("空的", [])]


class _BrokenPanels:
    @hookimpl
    def kb_case_panels(self, settings: Settings, case: Case) -> list[Panel]:
        raise RuntimeError(case.demand)


async def test_upper_floors_add_panels(site: Datasette) -> None:
    with _hooked(_Panels()):
        text = (await site.client.get(f"/case/{FULL.id}")).text
    assert "<h2>相近案例</h2>" in text and f'href="/case/{REFUSED.id}"' in text and "<h2>空的</h2>" not in text
    assert f"与{FULL.title}相近" in text


async def test_a_broken_panel_leaves_the_case(site: Datasette, caplog: pytest.LogCaptureFixture) -> None:
    with _hooked(_BrokenPanels()):
        page = await site.client.get(f"/case/{FULL.id}")
    assert page.status_code == 200 and FULL.measure in page.text
    assert "RuntimeError" in caplog.text and FULL.demand not in caplog.text


@contextmanager
def _hooked(floor: object) -> Iterator[None]:
    found = pluggy.PluginManager("bancheng")
    found.add_hookspecs(hookspecs)
    found.register(floor)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kb.web.beside.manager", lambda: found)
        yield


async def test_a_bare_case_shows_no_empty_headings(site: Datasette) -> None:
    text = (await site.client.get(f"/case/{BARE.id}")).text
    assert BARE.demand in text
    for absent in (labels()["obstacle"], labels()["basis"], labels()["followup"], "None"):
        assert f"<h2>{absent}" not in text


async def test_case_json_is_the_export_form(site: Datasette) -> None:
    answer = await site.client.get(f"/case/{FULL.id}.json")
    assert answer.json() == {**FULL.to_dict(), "state": "published", "revision": 1}


@pytest.mark.parametrize("path", ["/", "/cases", f"/case/{EVIL.id}", "/library/cases",
                                  f"/library/cases/{EVIL.id}",
                                  "/cases?barrier=%3Cscript%3Ealert(1)%3C/script%3E",
                                  "/library?sql=select+demand+from+cases"])  # fmt: skip
async def test_no_text_becomes_markup(site: Datasette, path: str) -> None:
    answer = await site.client.get(path)
    assert answer.status_code == 200
    assert "<script" not in answer.text.replace('<script src="/-/', "")
    assert "<img" not in answer.text
    assert 'href="javascript:' not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_evil_text_is_shown_as_text(site: Datasette) -> None:
    text = (await site.client.get(f"/case/{EVIL.id}")).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text and EVIL_TEXT not in text


async def test_withdrawn_case_is_a_tombstone(site: Datasette) -> None:
    page = await site.client.get(f"/case/{WITHDRAWN.id}")
    assert page.status_code == 410
    assert "已出库" in page.text and "依据已废止" in page.text
    assert WITHDRAWN.demand not in page.text and WITHDRAWN.title not in page.text
    answer = await site.client.get(f"/case/{WITHDRAWN.id}.json")
    assert answer.status_code == 410 and answer.json()["reason"] == "依据已废止"
    assert WITHDRAWN.demand not in answer.text


@pytest.mark.parametrize("path", ["/case/nosuch", "/case/" + "x" * 70, "/case/'--", "/nosuch",
                                  "/library/nosuch", "/nosuch/cases", "/library/cases/nosuch",
                                  "/-/kb/nosuch.css"])  # fmt: skip
async def test_unknown_pages_answer_in_chinese(site: Datasette, path: str) -> None:
    page = await site.client.get(path)
    assert page.status_code == 404
    assert "没有找到这一页" in page.text and "Traceback" not in page.text


async def test_errors_of_json_addresses_are_json(site: Datasette) -> None:
    answer = await site.client.get("/case/nosuch.json")
    assert answer.status_code == 404 and answer.json()["ok"] is False and "没有找到" in answer.json()["error"]


async def test_wrong_sql_is_answered_in_chinese(site: Datasette) -> None:
    page = await site.client.get("/library?sql=drop+table+cases")
    assert page.status_code == 400 and "Traceback" not in page.text
    assert (await site.client.get("/library?sql=select+nosuch+from+cases")).status_code == 400
    page = await site.client.get("/library/cases?_sort=nosuch")
    assert page.status_code == 400 and "请求无法处理" in page.text


async def test_unforeseen_error_shows_and_logs_no_data(
    site: Datasette,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def broken(*_: object) -> None:
        private = "张三 13800000000"
        raise RuntimeError(private)

    monkeypatch.setattr("kb.web.pages.revisions", broken)
    with caplog.at_level(logging.DEBUG):
        page = await site.client.get(f"/case/{FULL.id}")
    out, err = capfd.readouterr()
    assert page.status_code == 500 and "系统出错" in page.text
    assert "RuntimeError" in caplog.text
    seen = page.text + caplog.text + out + err
    assert "张三" not in seen and "13800000000" not in seen


async def test_sql_reads_the_library_and_nothing_else(site: Datasette, settings: Settings) -> None:
    answer = await site.client.get("/library.json?sql=select+count(*)+as+n+from+cases&_shape=array")
    assert answer.json()[0]["n"] >= 5
    for path in ("/workbench", "/workbench.db", "/workbench/drafts", "/library.db", "/_internal"):
        assert (await site.client.get(path)).status_code in (403, 404), path
    sql = f"attach '{settings.workbench_path}' as w"
    attach = await site.client.get("/library.json", params={"sql": sql})
    assert attach.status_code == 400
    databases = [entry["name"] for entry in (await site.client.get("/-/databases.json")).json()]
    assert databases == ["library"]


async def test_sql_that_fails_leaves_no_word_in_the_log(site: Datasette, capfd: pytest.CaptureFixture[str]) -> None:
    await site.client.get("/cases")
    wrong = {"sql": "select 身份证 from cases where id = :x", "x": "张伟"}
    assert (await site.client.get("/library.json", params=wrong)).status_code == 400
    said = "".join(capfd.readouterr())
    assert "身份证" not in said and "张伟" not in said


async def test_workbench_is_closed_even_if_datasette_gets_it(settings: Settings, tmp_path: Path) -> None:
    renamed = tmp_path / "copy.db"
    Store(settings).close()
    renamed.write_bytes(settings.workbench_path.read_bytes())
    site = Datasette([str(settings.library_path), str(settings.workbench_path), str(renamed)])
    for path in ("/workbench/drafts", "/workbench.json?sql=select+1", "/copy/drafts", "/copy"):
        assert (await site.client.get(path)).status_code == 404, path
    assert (await site.client.get("/cases")).status_code == 200


async def test_plain_datasette_works_with_the_metadata_file(settings: Settings) -> None:
    site = Datasette([str(settings.library_path)], metadata=serve.metadata(settings))
    assert (await site.client.get("/")).status_code == 200
    table = await site.client.get("/library/cases")
    assert table.status_code == 200
    for name in ("领域", "壁垒类型", "结果", "省份", "卡点"):
        assert name in table.text
    answer = (await site.client.get("/library/cases.json?_facet_array=barriers")).json()
    counts = {value["value"]: value["count"] for value in answer["facet_results"]["barriers"]["results"]}
    assert counts["信息不一致"] == 2


async def test_columns_carry_their_chinese_names(site: Datasette) -> None:
    metadata = (await site.client.get("/-/metadata.json")).json()
    columns = metadata["databases"]["library"]["tables"]["cases"]["columns"]
    assert columns["obstacle"] == "卡点" and columns["hall_name"] == labels()["hall_name"]


def test_every_table_column_has_a_label(settings: Settings) -> None:
    with Store(settings) as store:
        columns = set(store.library.table("cases").columns_dict)
    assert columns - set(labels()) - {"created", "updated"} == set()


async def test_canned_queries_run(site: Datasette, settings: Settings) -> None:
    for name in serve.metadata(settings)["databases"]["library"]["queries"]:
        answer = await site.client.get(f"/library/{name}.json?_shape=array")
        assert answer.status_code == 200, (name, answer.text)
        assert isinstance(answer.json(), list), name


async def test_other_databases_are_left_alone(tmp_path: Path) -> None:
    site = Datasette(memory=True)
    page = await site.client.get("/")
    assert "Datasette" in page.text and "浏览" not in page.text
    assert (await site.client.get("/cases")).status_code == 404


async def test_readers_may_be_shut_out(settings: Settings) -> None:
    metadata = {"databases": {"library": {"allow": {"id": "nobody"}}}}
    site = Datasette([str(settings.library_path)], metadata=metadata)
    for path in ("/", "/cases", f"/case/{FULL.id}", f"/case/{FULL.id}.json", "/library/cases"):
        page = await site.client.get(path)
        assert page.status_code == 403, path
        assert FULL.title not in page.text


async def test_changes_are_seen_without_restart(site: Datasette, settings: Settings) -> None:
    assert (await site.client.get("/case/later0000001")).status_code == 404
    with Store(settings) as store:
        store.publish([replace(REFUSED, id="later0000001")], by="测试")
    assert (await site.client.get("/case/later0000001")).status_code == 200


async def test_style_sheet_is_small_and_local(site: Datasette) -> None:
    page = await site.client.get(f"/case/{FULL.id}")
    assert len(page.content) < 200_000
    assert set(re.findall(r'(?:src|href)="(https?://[^"]+)"', page.text)) <= {"https://example.org/a?b=1&amp;c=2"}
    href = re.search(r'<link rel="stylesheet" href="([^"]+)"', page.text)
    assert href
    style = await site.client.get(href.group(1))
    assert style.status_code == 200 and style.headers["content-type"].startswith("text/css")
    assert "http" not in style.text and len(style.content) < 50_000


def test_access_log_keeps_no_question() -> None:
    record = logging.LogRecord("uvicorn.access", logging.INFO, "", 0, '%s - "%s %s HTTP/%s" %d',
                               ("127.0.0.1:1", "GET", "/?q=张三的身份证", "1.1", 200), None)  # fmt: skip
    assert plugin._without_question(record)
    assert record.getMessage() == '127.0.0.1:1 - "GET / HTTP/1.1" 200'


def test_a_taken_port_is_a_clear_fault(settings: Settings) -> None:
    from kb.errors import Fault

    with serve._listen("127.0.0.1", 0) as taken, pytest.raises(Fault, match="端口"):
        serve.run(settings, "127.0.0.1", taken.getsockname()[1])


def test_answers_do_not_wait_for_more_to_send() -> None:
    with serve._listen("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP  # else asyncio leaves TCP_NODELAY off


def test_metadata_in_the_data_folder_wins(settings: Settings) -> None:
    (settings.data_dir / serve.METADATA_FILE).write_text(json.dumps({"title": "本县"}), encoding="utf-8")
    assert serve.metadata(settings) == {"title": "本县"}


# A case's course, its revisions, selections


def test_a_course_is_told_by_date_and_says_what_is_odd() -> None:
    case = Case(
        id="t", received="2024-03-04", accepted="2024-03-05", closed="2024-03-02", outcome="办成", followup="满意",
        steps=[{"date": "2024-03-09", "dept": "住建局", "action": "说明"}, {"dept": "专窗", "action": "预审"},
               {"date": "三月", "dept": "银行", "action": "复核"}, {"date": "2024-03-06", "action": "会商"}],
        solidified={"kind": "流程", "date": "2024-04-01"},
    )  # fmt: skip
    moments = timeline(case)
    assert [moment.text or moment.label for moment in moments] == [
        "办成", "收到", "受理", "会商", "说明", "预审", "复核", "流程", "满意",
    ]  # fmt: skip
    told = {moment.text or moment.label: moment for moment in moments}
    assert told["办成"].note == "早于收到日期，来源如此" and told["会商"].note == "晚于办结日期，来源如此"
    assert told["受理"].days == 1 and told["说明"].days == 3 and told["预审"].days is None
    assert told["复核"].date == "三月" and told["满意"].date == ""
    assert timeline(Case(id="e")) == []


async def test_a_revision_shows_what_changed_field_by_field(site: Datasette, settings: Settings) -> None:
    changed = replace(FULL, measure=FULL.measure.replace("当面会商", "线上会商"), outcome="", steps=FULL.steps[:1])
    with Store(settings) as store:
        store.publish([changed], by="审核人甲", note="更正")
    case = (await site.client.get(f"/case/{FULL.id}")).text
    assert f'href="/case/{FULL.id}/revision/2"' in case and "审核人甲" in case and "（更正）" in case
    page = (await site.client.get(f"/case/{FULL.id}/revision/2")).text
    assert "<del>当面</del>" in page and "<ins>线上</ins>" in page and "与第 1 版" in page
    assert "<del>办成</del>" in page and "（空）" in page and "2024-03-06 住建局" in page
    assert f"<h2>{labels()['demand']}" not in page
    assert "首次入库" in (await site.client.get(f"/case/{FULL.id}/revision/1")).text


@pytest.mark.parametrize("path", [f"/case/{FULL.id}/revision/9", "/case/nosuch/revision/1",
                                  f"/case/{FULL.id}/revision/x", f"/case/{FULL.id}/revision/999999999"])  # fmt: skip
async def test_unknown_revisions_are_not_found(site: Datasette, path: str) -> None:
    assert (await site.client.get(path)).status_code == 404


async def test_revisions_of_a_withdrawn_case_are_gone(site: Datasette, settings: Settings) -> None:
    with Store(settings) as store:
        store.publish([replace(TWIN, demand="第二版的诉求")], by="测试")
        store.withdraw(TWIN.id, by="测试", reason="有误")
    page = await site.client.get(f"/case/{TWIN.id}/revision/2")
    assert page.status_code == 410 and "第二版的诉求" not in page.text


async def test_changes_become_no_markup(site: Datasette, settings: Settings) -> None:
    with Store(settings) as store:
        store.publish([replace(EVIL, measure="<b>改后</b>", extra={})], by="<i>测试</i>", note=EVIL_TEXT)
    for path in (f"/case/{EVIL.id}/revision/2", f"/case/{EVIL.id}"):
        page = (await site.client.get(path)).text
        assert "<b>改后" not in page and "<i>测试" not in page and EVIL_TEXT not in page
        assert "改后" in page


def test_long_texts_are_compared_as_wholes() -> None:
    (change,) = differences({"id": "a", "demand": "甲" * 5000}, {"id": "a", "demand": "甲" * 4999 + "乙"})
    assert change.before == [("甲" * 5000, True)] and change.after[0][1]


def test_parts_of_a_field_are_named_in_chinese() -> None:
    old = {"id": "a", "matter": {"name": "户口迁移"}, "hall": {"code": "350121", "name": "闽侯县"}}
    new = {"id": "a", "matter": {"name": "入户", "code": "X-1"}, "solidified": {"kind": "流程", "text": "改了"}}
    said = "".join(text for change in differences(old, new) for pieces in (change.before, change.after)
                   for text, _ in pieces)  # fmt: skip
    assert not re.search("name|code|kind|text", said)
    assert "户口迁移" in said and "事项编码：X-1" in said and "固化方式：流程" in said


async def test_a_case_can_be_quoted_printed_and_followed_to_its_hall(site: Datasette) -> None:
    page = (await site.client.get(f"/case/{FULL.id}")).text
    assert 'data-key="c"' in page and 'data-key="p"' in page
    assert f"《{FULL.title}》（闽侯县政务服务中心，2024-03-07，办成）" in page and "http://localhost/case/" in page
    assert 'href="/hall/350121"' in page and f"/export?format=docx&amp;ids={FULL.id}" in page


async def test_a_list_offers_selection_export_watching_and_feed_of_its_filters(site: Datasette) -> None:
    page = (await site.client.get("/cases?domain=住房公积金")).text
    assert page.count('name="ids"') == 2 and f'value="{FULL.id}"' in page
    filters = "domain=%E4%BD%8F%E6%88%BF%E5%85%AC%E7%A7%AF%E9%87%91"
    for address in (f"/export?format=docx&amp;{filters}", f"/watches?{filters}", f"/feed.atom?{filters}"):
        assert f'href="{address}"' in page, address
