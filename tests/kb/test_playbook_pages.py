"""Pages and API of playbooks: who sees which, what a clerk reads in which order, editing, versions, bad input."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from datasette.app import Datasette

from kb import playbooks, review, validity
from kb.config import Settings
from kb.hookspecs import PlaybookPanel, hookimpl
from kb.model import Case
from kb.playbooks import Playbook
from kb.plugins import manager
from kb.store import Store
from kb.web import serve

from .. import browsers
from ..library import EVIL, EVIL_TEXT, FULL, REFUSED, TWIN, fill
from ..people import call, sign_in
from ..sites import only
from .test_playbooks import BOOK, RULE


@pytest.fixture(autouse=True)
def _ground_floor_only() -> Iterator[None]:
    with only("kb.web.plugin"):
        yield


browser = browsers.browser


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return fill(Settings(tmp_path / "kb-data"))


@pytest.fixture
def site(settings: Settings) -> Datasette:
    return serve.make_datasette(settings)


def made(settings: Settings, book: Playbook = BOOK, *states: str) -> str:
    """The id of a new playbook that went through these states."""
    with Store(settings) as store:
        found = playbooks.create(store, book, "甲")
        for state in states:
            playbooks.set_state(store, found.id, state, "甲", "理由")
        return found.id


async def test_readers_see_what_is_on_trial_or_solid(settings: Settings, site: Datasette) -> None:
    ids = {state: made(settings, replace(BOOK, title=f"第{number}类事", case_ids=[case.id], models=[]), *steps)
           for number, (state, case, steps) in enumerate([
               ("draft", FULL, ()), ("trial", FULL, ("trial",)), ("solid", TWIN, ("trial", "solid")),
               ("retired", FULL, ("retired",))])}  # fmt: skip
    reader, editor = sign_in(settings, "window"), sign_in(settings, "policy")
    for who, seen in ((reader, {"trial", "solid"}), (editor, set(ids))):
        page = (await site.client.get("/playbooks", cookies=who)).text
        listed = {state for state, each in ids.items() if f'href="/playbook/{each}"' in page}
        answer = (await call(site, "GET", "/playbooks", who)).json()
        assert listed == {line["state"] for line in answer["playbooks"]} == seen
        for state, each in ids.items():
            for path in (f"/playbook/{each}", f"/playbook/{each}/revision/1", f"/api/v1/playbooks/{each}",
                         f"/api/v1/playbooks/{each}/revisions"):  # fmt: skip
                status = (await site.client.get(path, cookies=who)).status_code
                early = path.endswith("/revision/1") and who is reader  # of when it was still a draft
                assert status == (200 if state in seen and not early else 404), (path, state)
    none = (await call(site, "GET", "/playbooks?state=draft", reader)).json()
    assert none["playbooks"] == []
    assert [line["cases"] for line in answer["playbooks"]] == [1, 1, 1, 1]


async def test_the_page_answers_in_the_order_in_which_a_clerk_asks(settings: Settings, site: Datasette) -> None:
    page = (await site.client.get(f"/playbook/{made(settings, BOOK, 'trial')}")).text
    assert re.findall(r"<h2>([^<]+)</h2>", page)[:10] == [
        "卡点", "什么情况适用", "什么情况不适用", "步骤", "材料", "依据", "找哪个窗口", "样板案例",
        "依法不能办的怎么解释", "出处",
    ]  # fmt: skip
    steps = page.partition("<h2>步骤</h2>")[2].partition("</section>")[0]
    assert BOOK.steps[0]["action"] in steps and "2 个工作日" in steps
    assert steps.count(f'href="/case/{FULL.id}"') == 1 and steps.count(f'href="/case/{TWIN.id}"') == 2
    assert f'title="{FULL.title}"' in steps
    assert "试行" in page and "2 件案例，2 个大厅" in page and f'value="2"><a href="/case/{REFUSED.id}"' in page
    assert "不在这一类里" in page and "data-print" in page and "/edit" not in page


async def test_a_rule_that_nobody_checked_says_so_and_trying_it_out_warns(settings: Settings, site: Datasette) -> None:
    unsure = {**BOOK.basis[0], "doc_no": "榕公积金〔2011〕3号", "title": "", "valid": None}
    editor, tag, warning = sign_in(settings, "policy"), "没有核实效力</span>", "条依据没有核实效力，试行以前"
    checked = made(settings, replace(BOOK, case_ids=[FULL.id]))
    page = (await site.client.get(f"/playbook/{checked}", cookies=editor)).text
    assert tag not in page and warning not in page
    book = made(settings, replace(BOOK, basis=[*BOOK.basis, unsure], case_ids=[TWIN.id], models=[]))
    page = (await site.client.get(f"/playbook/{book}", cookies=editor)).text
    assert page.count(tag) == 1 and f"有 1 {warning}" in page
    body = {"state": "trial", "revision": 1}
    assert (await call(site, "POST", f"/playbooks/{book}/state", editor, json=body)).status_code == 200
    for who in (editor, sign_in(settings, "window")):
        page = (await site.client.get(f"/playbook/{book}", cookies=who)).text
        assert page.count(tag) == 1 and warning not in page


async def test_steps_that_went_another_way_stand_apart(settings: Settings, site: Datasette) -> None:
    book = replace(BOOK, steps=[BOOK.steps[0], {**BOOK.steps[1], "other": True}])
    page = (await site.client.get(f"/playbook/{made(settings, book, 'trial')}")).text
    assert page.index(BOOK.steps[0]["action"]) < page.index("别处还这样办成过") < page.index("银行改档案")


async def test_the_case_and_the_menu_lead_to_it(settings: Settings, site: Datasette) -> None:
    cookies = sign_in(settings, "window")
    assert "/playbooks" not in (await site.client.get("/cases", cookies=cookies)).text
    draft = made(settings)
    assert "/playbooks" not in (await site.client.get("/cases", cookies=cookies)).text
    assert f"/playbook/{draft}" not in (await site.client.get(f"/case/{FULL.id}", cookies=cookies)).text
    with Store(settings) as store:
        playbooks.set_state(store, draft, "trial", "甲")
    assert 'href="/playbooks"' in (await site.client.get("/cases", cookies=cookies)).text
    page = (await site.client.get(f"/case/{FULL.id}", cookies=cookies)).text
    assert "这类事已有办法" in page and f'href="/playbook/{draft}"' in page and BOOK.title in page
    assert (await site.client.get(f"/case/{FULL.id}.json", cookies=cookies)).json()["playbook"] == draft


async def test_the_case_says_the_state_of_the_procedure_and_that_a_rule_changed(
    settings: Settings, site: Datasette
) -> None:
    made(settings, BOOK, "trial")

    async def notice() -> str:
        page = (await site.client.get(f"/case/{FULL.id}")).text
        return page.partition("这类事已有办法")[2].partition("</section>")[0]

    assert '<span class="tag partly">试行</span>' in await notice() and "依据有变" not in await notice()
    with Store(settings) as store:
        validity.declare(store, RULE["doc_no"], "修订", "2024-05", "改了第三条")
    assert '<span class="tag gone">依据有变' in await notice() and "2024-05 已修订：改了第三条" in await notice()


async def test_a_case_near_to_one_with_a_procedure_says_so(
    settings: Settings, site: Datasette, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kb.hookspecs import Panel

    book = made(settings, BOOK, "trial")

    class Near:
        @hookimpl
        def kb_case_panels(self, settings: Settings, case: Case) -> list[Panel]:
            with Store(settings) as store:
                return [Panel("相近案例", [(found, "") for found in store.published_of([FULL.id]).values()])]

    plugin = Near()
    manager().register(plugin)
    writer = sign_in(settings, "submit")
    try:
        page = (await site.client.get(f"/case/{REFUSED.id}", cookies=writer)).text
        form = (await site.client.get("/drafts/new?q=办执照", cookies=writer)).text
    finally:
        manager().unregister(plugin)
    assert "相近的案例已有一类事的办法" in page and f'href="/playbook/{book}"' in page
    notice = form.partition("像是已有办法的一类事")[2].partition("</section>")[0]
    assert f'href="/playbook/{book}"' in notice and '<span class="tag partly">试行</span>' in notice


async def test_upper_floors_add_to_the_page_and_do_not_break_it(settings: Settings, site: Datasette) -> None:
    book = made(settings, BOOK, "trial")

    class Verdict:
        broken = False

        @hookimpl
        def kb_playbook_panels(self, settings: Settings, playbook: Playbook) -> list[PlaybookPanel]:
            if self.broken:
                raise ValueError(EVIL_TEXT)
            entries = ((REFUSED, "同一卡点"),)
            return [PlaybookPanel("固化以后", "未再发", "done", (EVIL_TEXT,), entries, ("/policy", "看明细"))]

    plugin = Verdict()
    manager().register(plugin)
    try:
        page = (await site.client.get(f"/playbook/{book}")).text
        plugin.broken = True
        still = await site.client.get(f"/playbook/{book}")
    finally:
        manager().unregister(plugin)
    assert '<span class="tag done">未再发</span>' in page and "同一卡点" in page and 'href="/policy"' in page
    assert "<script>alert" not in page and "&lt;script&gt;" in page
    assert still.status_code == 200 and "固化以后" not in still.text


async def test_nothing_that_is_written_becomes_markup(settings: Settings, site: Datasette) -> None:
    short, told = EVIL_TEXT[:200], [{"text": EVIL_TEXT, "cases": [EVIL.id]}]
    book = Playbook(
        title=short, obstacle=EVIL_TEXT, obstacle_cases=[EVIL.id],
        applies=told, not_applies=told, refusals=told, window=told,
        steps=[{"action": EVIL_TEXT, "dept": short, "cases": [EVIL.id]}],
        materials=[{"name": short, "substitute": EVIL_TEXT, "cases": [EVIL.id]}, {"name": short, "cases": []}],
        basis=[{"title": short, "doc_no": short, "clause": short, "cases": [EVIL.id]}],
        models=[EVIL.id], case_ids=[EVIL.id], solidified={"kind": "流程", "text": EVIL_TEXT, "where": short},
    )  # fmt: skip
    book_id = made(settings, book, "trial")
    with Store(settings) as store:
        playbooks.save(store, book_id, {"title": short + "x"}, "甲", note=EVIL_TEXT)
    editor = sign_in(settings, "review")
    for path in ("/playbooks", f"/playbook/{book_id}", f"/playbook/{book_id}/edit", f"/playbook/{book_id}/revision/3",
                 f"/case/{EVIL.id}"):  # fmt: skip
        page = await site.client.get(path, cookies=editor)
        assert page.status_code == 200, path
        assert "<script>" not in page.text and "<img" not in page.text and "&lt;script&gt;" in page.text, path


async def test_the_editor_changes_it_and_a_late_one_is_told(settings: Settings, site: Datasette) -> None:
    book, editor = made(settings), sign_in(settings, "policy")
    form = (await site.client.get(f"/playbook/{book}/edit", cookies=editor)).text
    assert 'data-revision="1"' in form and f'data-case="{TWIN.id}"' in form and BOOK.steps[0]["action"] in form
    steps = [{"action": "去 13912345678 问。", "cases": []}]
    changed = {"revision": 1, "title": "新名称", "note": "改名", "steps": steps}
    answer = await call(site, "PUT", f"/playbooks/{book}", editor, json=changed)
    assert answer.json() == {"ok": True, "id": book, "revision": 2, "state": "draft", "doubts": 0,
                             "location": f"/playbook/{book}"}  # fmt: skip
    late = await call(site, "PUT", f"/playbooks/{book}", editor, json=changed)
    assert late.status_code == 409 and "有人改过" in late.json()["error"]
    shown = (await call(site, "GET", f"/playbooks/{book}", editor)).json()["playbook"]
    assert shown["title"] == "新名称" and shown["steps"][0]["action"] == "去 〔手机号〕 问。"
    page = (await site.client.get(f"/playbook/{book}/revision/2", cookies=editor)).text
    assert "改名" in page and "<ins>" in page and "<del>" in page and BOOK.steps[1]["action"] in page
    entries = (await call(site, "GET", f"/playbooks/{book}/revisions", editor)).json()["revisions"]
    assert [(each["revision"], each["action"], each["state"]) for each in entries] == [
        (2, "edit", "draft"), (1, "create", "draft")]  # fmt: skip


@pytest.mark.parametrize("body", [
    {"title": "长" * 10_000}, {"steps": [{"action": "长" * 10_000}]}, {"case_ids": ["forged"]}, {"unknown": 1}, [],
    {"steps": [{"action": "办", "cases": ["../../etc"]}]}, {"steps": [{"action": "办", "days": 1.5}]}, {"title": ""},
    {"solidified": {"kind": "口头"}}, {"models": [REFUSED.id]},
])  # fmt: skip
async def test_bad_input_is_refused_and_changes_nothing(settings: Settings, site: Datasette, body: Any) -> None:
    book, editor = made(settings), sign_in(settings, "policy")
    answer = await call(site, "PUT", f"/playbooks/{book}", editor, json=body)
    assert answer.status_code == 400 and answer.json()["error"]
    assert "长长长" not in answer.text and "etc" not in answer.text
    assert (await call(site, "GET", f"/playbooks/{book}", editor)).json()["playbook"]["revision"] == 1


async def test_states_are_changed_by_those_who_may(settings: Settings, site: Datasette) -> None:
    book, editor, reader = made(settings), sign_in(settings, "review"), sign_in(settings, "window")
    path = f"/playbooks/{book}/state"
    assert (await call(site, "POST", path, reader, json={"state": "trial"})).status_code == 403
    assert (await call(site, "POST", path, editor, json={"state": "solid"})).status_code == 409
    assert (await call(site, "POST", path, editor, json={"state": "published"})).status_code == 400
    assert (await call(site, "POST", path, editor, json={"state": "trial", "revision": 7})).status_code == 409
    done = await call(site, "POST", path, editor, json={"state": "trial", "revision": 1, "note": "两个大厅先试"})
    assert done.json()["state"] == "trial" and done.json()["revision"] == 2
    page = (await site.client.get(f"/playbook/{book}", cookies=editor)).text
    assert 'value="solid"' in page and 'value="draft"' in page and "两个大厅先试" in page and "/edit" in page
    assert 'value="solid"' not in (await site.client.get(f"/playbook/{book}", cookies=reader)).text
    assert (await call(site, "POST", path, editor, json={"state": "retired"})).status_code == 400


@pytest.mark.parametrize("path", [
    "/playbook/x", "/playbook/' or 1=1 --", "/playbook/%00", "/playbook/x/edit", "/playbook/x/revision/1",
    "/api/v1/playbooks/x", "/api/v1/playbooks/x/revisions",
])  # fmt: skip
async def test_unknown_playbooks_are_not_found(settings: Settings, site: Datasette, path: str) -> None:
    answer = await site.client.get(path, cookies=sign_in(settings, "policy"))
    assert answer.status_code == 404 and "Traceback" not in answer.text


async def test_a_playbook_whose_cases_were_all_withdrawn_says_so(settings: Settings, site: Datasette) -> None:
    book = made(settings, BOOK, "trial")
    with Store(settings) as store:
        for case_id in (FULL.id, TWIN.id, REFUSED.id):
            review.withdraw(store, case_id, "审核", "有误")
    page = await site.client.get(f"/playbook/{book}")
    assert page.status_code == 200 and "案例都已出库" in page.text and BOOK.steps[0]["action"] not in page.text
    assert "没有在库的案例" in (await site.client.get("/playbooks")).text


async def test_a_repealed_basis_marks_the_playbook_and_the_cases(settings: Settings, site: Datasette) -> None:
    book = made(settings, BOOK, "trial")
    assert "依据有变" not in (await site.client.get(f"/playbook/{book}")).text
    with Store(settings) as store:
        store.publish([Case("later0000001", title="新办法", basis=[RULE])], by="测试")
    page = (await site.client.get(f"/playbook/{book}")).text
    assert "依据有变" in page and "别处记为已废止" in page
    assert "依据有变" in (await site.client.get("/playbooks")).text
    answer = (await site.client.get(f"/api/v1/playbooks/{book}")).json()
    assert [rule["doc_no"] for rule in answer["repealed"]] == ["国务院令第350号"]
    case = (await site.client.get(f"/case/{FULL.id}")).text
    assert "国务院令第350号 别处记为已废止。" in case


async def test_sql_reaches_what_readers_see_and_nothing_that_is_still_being_written(
    settings: Settings, site: Datasette
) -> None:
    writing = replace(BOOK, title="还没写好的名称", case_ids=[], models=[])
    shown, hidden = made(settings, BOOK, "trial"), made(settings, writing)
    with Store(settings) as store:
        playbooks.save(store, shown, {"title": "改过的名称"}, "甲")
    for role in ("policy", "admin", "window"):
        table = await site.client.get("/library/playbooks.json?_shape=array", cookies=sign_in(settings, role))
        assert [row["id"] for row in table.json()] == [shown] and hidden not in table.text
    cookies = sign_in(settings, "admin")
    tables = (await site.client.get("/library.json", cookies=cookies)).text
    assert "playbook_revisions" not in tables
    with Store(settings) as store:
        playbooks.set_state(store, shown, "draft", "甲")
    assert (await site.client.get("/library/playbooks.json?_shape=array", cookies=cookies)).json() == []
    assert "还没写好".encode() not in settings.library_path.read_bytes()


@pytest.mark.skipif(browsers.CHROMIUM is None, reason=browsers.WITHOUT)
def test_the_form_is_filled_in_and_saved_in_a_browser(settings: Settings, browser: Any) -> None:
    book, cookies = made(settings), sign_in(settings, "policy")
    with browsers.serving(settings) as address:
        page = browsers.opened(browser)
        page.context.add_cookies([{"name": name, "value": value, "url": address} for name, value in cookies.items()])
        page.goto(f"{address}/playbook/{book}/edit")
        page.fill("#b-title", "新名称")
        steps = page.locator("[data-part=steps]")
        steps.locator("[data-add]").click()
        last = steps.locator("[data-row]").last
        last.locator("[data-field=action]").fill("通知当事人来取。")
        last.locator("[data-field=days]").fill("1")
        last.locator("[data-field=cases]").fill("9")
        last.locator("[data-up]").click()
        page.click("button[type=submit]")
        assert "9 不是案例列表里的号码" in page.locator("[role=alert]").inner_text()
        last = steps.locator("[data-row]").nth(1)
        last.locator("[data-field=cases]").fill("1")
        steps.locator("[data-row]").last.locator("[data-drop]").click()
        page.click("button[type=submit]")
        page.wait_for_url(f"{address}/playbook/{book}")
        assert page.locator("h1").inner_text() == "新名称"
        page.click("button[value=trial]")
        page.wait_for_selector(".tag.partly")
        assert page.complaints == []
    with Store(settings) as store:
        saved = playbooks.find(store, book)
    added = {"action": "通知当事人来取。", "dept": "", "days": 1, "other": False, "cases": [FULL.id]}
    assert saved.steps == [BOOK.steps[0], added] and saved.state == "trial" and saved.basis == BOOK.basis
    assert saved.materials[0]["name"] == "楼栋号变更说明" and saved.solidified == BOOK.solidified
