"""Whole ways through the application in a real browser, on the demonstration library with the packaged model: the clerk
at a window, the office of a hall, the reviewer, the policy officer.

The screens that the README shows are photographed on the way, into a temporary folder; to renew those in docs/img:

    KB_SCREENSHOTS=1 python -m pytest tests/test_journeys.py
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ingest import pipeline
from ingest.commands import DEMO
from kb import submissions
from kb.accounts import Account, people
from kb.config import Settings
from kb.model import Case
from kb.store import Draft, Store
from search import unmet
from search.calibration import NONE
from search.embedder.store import EmbeddingCache

from .browsers import CHROMIUM, WITHOUT, browser, opened, serving, sync_api
from .people import sign_in

__all__ = ["browser"]  # a fixture
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=WITHOUT)
expect = sync_api.expect
IMAGES = Path(__file__).parents[1] / "docs" / "img"
DESK, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
FUZHOU, ZHANGZHOU = ("350100", "福州市本级"), ("350600", "漳州市本级")
WINDOW = Account("fz-3", "综合窗口 3 号", *FUZHOU, ("window",))
OFFICE = Account("fz-duban", "督办岗", *FUZHOU, ("submit",))
ELSEWHERE = Account("zz-1", "办不成事窗口", *ZHANGZHOU, ("window",))
REVIEWER = Account("shenhe", "审核岗", *FUZHOU, ("review",))
POLICY = Account("zhengce", "政策研究岗", *FUZHOU, ("policy",))
PASSWORD = "huiyi-shuangmu-79"
QUESTION = "老人用的是老年机，手机刷脸认证过不去，公司注册不了"
UNHEARD = "楼顶养信鸽要办什么手续"
FOCUSED = "[data-item]:focus"
#: Made-up persons and numbers, none of which may be left anywhere.
PERSONAL = ("覃玉兰", "13800138000", "110101199003071231")
LEDGER = """编号,收件日期,诉求人,联系电话,诉求内容,卡点,办理措施,办理结果,办结日期
2024-101,2024-03-04,覃玉兰,13800138000,覃玉兰想给老宅补办房产证，当年的批文找不到了,建房批文遗失，档案馆也没有存档,窗口约住建、档案、村委会当面核对，由村委会出具建房证明,办成,2024-03-11
2024-102,2024年2月31日,司徒雷生,13900139000,小餐馆换了法人，排污许可要重新办,系统里旧法人的账号注销不了,联系生态环境局后台解绑旧账号，当天重新申报,办成,2024-03-06
"""
Shot = Callable[[Any, str], None]
Enter = Callable[..., Any]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The demonstration library with accounts, and questions that it could not answer."""
    chosen = Settings(tmp_path_factory.mktemp("journeys") / "kb-data")
    with Store(chosen) as store, EmbeddingCache(chosen) as cache:
        pipeline.ingest(store, [DEMO / "files"], cache.encode_passages, publish=True, by="示范")
        for account in (WINDOW, OFFICE, ELSEWHERE, REVIEWER, POLICY):
            people.add(store, account, PASSWORD if account is REVIEWER else "")
        for question in ("无人机送外卖要不要许可", "无人机送货上门要什么许可", "代步车能不能上牌照"):
            unmet.record(store, question, NONE)
    return chosen


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    with serving(settings) as found:
        yield found


@pytest.fixture
def enter(browser: Any, address: str, settings: Settings) -> Iterator[Enter]:
    """Opens a page for an account that is signed in."""
    contexts = []

    def open_for(account: Account | None, **context: Any) -> Any:
        page = opened(browser, **{"viewport": DESK, "locale": "zh-CN", **context})
        page.set_default_timeout(20_000)
        page.add_init_script("window.print = () => { window.printed = true; }")
        contexts.append(page.context)
        if account:
            cookies = sign_in(settings, *account.roles, account=account.id)
            page.context.add_cookies([{"name": key, "value": text, "url": address} for key, text in cookies.items()])
        return page

    yield open_for
    for context in contexts:
        context.close()


@pytest.fixture
def shot(tmp_path: Path) -> Shot:
    folder = IMAGES if os.environ.get("KB_SCREENSHOTS") else tmp_path

    def take(page: Any, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=folder / f"{name}.png", animations="disabled", caret="hide")
        assert (folder / f"{name}.png").stat().st_size < 250_000

    return take


def _fits(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def _focus_on(page: Any, title: str) -> None:
    """Goes down a list by keyboard to the item of that title."""
    for _ in range(page.locator("[data-item]").count()):
        page.keyboard.press("ArrowDown")
        if title in page.locator(FOCUSED).inner_text():
            return
    raise AssertionError(f"no item {title}")


def _found(settings: Settings, sql: str) -> Case:
    """A published case of the demonstration library."""
    with Store(settings) as store:
        case_id = store.library.execute(f"select id from cases where state = 'published' and {sql}").fetchone()[0]
        found = store.get(case_id)
    assert found
    return found


def _waiting(settings: Settings, case: Case) -> None:
    """A draft of the hall of Fuzhou that waits for review."""
    with Store(settings) as store:
        store.save_drafts([Draft(case, [])], by=OFFICE.id)
        submissions.put(store, [case.id], "submitted", OFFICE.id, FUZHOU[0])


def test_from_a_question_to_a_printed_report_by_keyboard(enter: Enter, address: str, shot: Shot) -> None:
    page = enter(WINDOW, permissions=["clipboard-read", "clipboard-write"])
    page.goto(address)
    shot(page, "front")
    expect(page.locator("[autofocus]")).to_be_focused()
    page.keyboard.type(QUESTION)
    page.locator(".grade.same").wait_for()
    page.keyboard.press("Escape")
    shot(page, "search")
    page.keyboard.press("ArrowDown")
    first = page.locator(".result h2").first.inner_text()
    assert page.locator(f"{FOCUSED} h2").inner_text() == first
    page.keyboard.press("c")
    expect(page.locator("#said")).to_contain_text("已复制引用")
    assert first in page.evaluate("navigator.clipboard.readText()")
    page.keyboard.press("Enter")
    expect(page.locator("article.case h1")).to_contain_text(first)
    page.go_back()
    page.locator(".result").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("x")
    page.keyboard.press("p")
    page.locator(".sheet").wait_for()
    assert page.locator(".sheet h2").all_inner_texts() == [first]
    assert page.evaluate("window.printed") is True
    shot(page, "report")
    paper = page.pdf(prefer_css_page_size=True)
    assert paper.count(b"/Type /Page\n") == 1
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper)
    assert box and (round(float(box[1])), round(float(box[2]))) == (595, 842)  # A4 in points
    assert page.complaints == []


def test_what_nobody_has_asked_becomes_a_precedent_for_another_hall(
    enter: Enter, address: str, settings: Settings, shot: Shot
) -> None:
    name, phone, number = PERSONAL
    clerk = enter(WINDOW)
    clerk.goto(f"{address}/?q={UNHEARD}")
    clerk.locator(".grade.none").wait_for()
    clerk.locator("footer").click()
    clerk.keyboard.press("n")
    clerk.wait_for_url("**/drafts/new?q=*")
    assert clerk.input_value("[name=demand]") == UNHEARD
    clerk.get_by_role("textbox", name="诉求").fill(f"{UNHEARD}。当事人{name}，电话{phone}")
    clerk.get_by_role("textbox", name="卡点").fill(f"没有哪个部门说归自己管，会员证上的号码{number}各家也不认")
    clerk.get_by_role("textbox", name="办法").fill("专窗约信鸽协会、城管、社区到楼顶看过，定期消毒，登记备案")
    clerk.get_by_role("button", name="保存草稿").click()
    clerk.wait_for_url("**/draft/*")
    shot(clerk, "draft")
    expect(clerk.locator("[data-said]")).to_contain_text("姓名 1 处")
    expect(clerk.locator("[data-said]")).to_contain_text("手机号 1 处")
    assert not any(each in clerk.content() for each in PERSONAL)
    clerk.get_by_role("button", name="提交审核").click()
    clerk.wait_for_url("**/drafts?stage=submitted")
    expect(clerk.locator("[data-said]")).to_contain_text("已提交审核")

    reviewer = enter(None)
    reviewer.goto(f"{address}/review")
    expect(reviewer.locator("[autofocus]")).to_be_focused()
    reviewer.keyboard.type(REVIEWER.id)
    reviewer.keyboard.press("Tab")
    reviewer.keyboard.type(PASSWORD)
    reviewer.keyboard.press("Enter")
    reviewer.wait_for_url("**/review")
    _focus_on(reviewer, "没有哪个部门")
    reviewer.keyboard.press("Enter")
    reviewer.get_by_role("heading", name="审核草稿").wait_for()
    reviewer.wait_for_load_state()  # keys work from then on
    assert "存疑" in reviewer.locator("main").inner_text() and number not in reviewer.content()
    shot(reviewer, "review")
    reviewer.keyboard.press("n")
    expect(reviewer.locator(".doubt:focus")).to_have_count(1)
    reviewer.keyboard.press("a")
    expect(reviewer.locator("[data-gate]")).to_be_visible()
    reviewer.keyboard.press("c")
    reviewer.keyboard.press("a")
    expect(reviewer.locator("[data-said]")).to_contain_text("已入库")

    other = enter(ELSEWHERE)
    other.goto(address)
    expect(other.locator("[autofocus]")).to_be_focused()
    other.keyboard.type("居民在楼顶养信鸽，没有部门管")
    result = other.locator(".result", has_text="信鸽").first
    result.wait_for()
    expect(result).to_contain_text("信鸽协会")
    result.get_by_role("link").first.click()
    expect(other.locator("article.case")).to_contain_text(FUZHOU[1])
    assert not any(each in other.content() for each in PERSONAL)
    assert clerk.complaints == other.complaints == []


def test_a_ledger_with_a_bad_row_is_dropped_checked_and_handed_in(
    enter: Enter, address: str, settings: Settings, shot: Shot
) -> None:
    page = enter(OFFICE)
    page.goto(f"{address}/upload")
    page.locator("form.drop").wait_for()
    dropped = page.evaluate_handle(
        "([name, text]) => { const all = new DataTransfer(); all.items.add(new File([text], name)); return all; }",
        ["三月台账.csv", LEDGER],
    )
    page.dispatch_event("form.drop", "drop", {"dataTransfer": dropped})
    sure = page.get_by_role("button", name="确认报送 2 件")
    sure.wait_for(timeout=90_000)
    told = page.locator("#uploads").inner_text()
    assert "第 3 行" in told and "不是可识别的日期" in told
    assert "姓名 1" in told and "“诉求人”整栏" in told and "“联系电话”整栏" in told
    assert not any(each in page.content() for each in (*PERSONAL, "司徒雷生", "13900139000"))
    page.locator("#uploads section").first.evaluate("(section) => section.scrollIntoView()")
    shot(page, "upload")
    with Store(settings) as store:
        assert not [draft for draft in store.drafts() if draft.case.source_no.startswith("2024-10")]
    sure.click()
    page.locator("#uploads .notice.done").wait_for()
    reviewer = enter(REVIEWER)
    reviewer.goto(f"{address}/review")
    for title in ("建房批文遗失", "旧法人的账号注销不了"):
        expect(reviewer.locator("[data-item]", has_text=title)).to_be_visible()
    assert page.complaints == []


def test_who_may_not_is_told_so_in_plain_words(enter: Enter, address: str, settings: Settings) -> None:
    secret = "只有福州看得到的草稿内容"
    _waiting(settings, Case("0000000fff01", hall={"code": FUZHOU[0], "name": FUZHOU[1]}, demand=secret))
    page = enter(ELSEWHERE)
    for path, status, words in (
        ("/review", 403, "审核"), ("/accounts", 403, "管理账号"), ("/draft/0000000fff01", 404, "没有"),
        ("/review/0000000fff01", 403, "审核"), ("/case/0000000fff01", 404, "没有"), ("/workbench", 404, "没有"),
    ):  # fmt: skip
        answer = page.goto(address + path)
        shown = page.locator("main").inner_text()
        assert answer.status == status, path
        assert words in shown and secret not in page.content(), (path, shown)
        assert not re.search(r"Traceback|Error|Exception|sqlite|\.py", page.locator("body").inner_text()), path
        assert page.get_by_role("navigation", name="主导航").get_by_text("审核").count() == 0
    stranger = enter(None)
    stranger.goto(f"{address}/draft/0000000fff01")
    stranger.wait_for_url("**/login*")
    assert secret not in stranger.content()


def test_a_phone_is_enough(enter: Enter, address: str, shot: Shot) -> None:
    page = enter(ELSEWHERE, viewport=PHONE, is_mobile=True, has_touch=True, device_scale_factor=1)
    page.goto(address)
    assert _fits(page)
    page.locator("[name=q]").tap()
    expect(page.locator("[autofocus]")).to_be_focused()
    page.keyboard.type("公积金贷款 楼栋号对不上")
    page.get_by_role("button", name="检索", exact=True).tap()
    page.locator(".grade.same").wait_for()
    assert _fits(page)
    shot(page, "phone-search")
    page.locator(".result h2 a").first.tap()
    page.locator("article.case").wait_for()
    assert _fits(page)
    shot(page, "phone-case")
    page.get_by_role("button", name="用上了").tap()
    expect(page.locator("[data-said]")).to_have_text("1 个大厅用上过")
    page.locator(".unsuited summary").tap()
    page.get_by_label("情况不同").check()
    page.get_by_role("button", name="提交", exact=True).tap()
    expect(page.locator("[data-mine]")).to_have_text("不适用：情况不同")
    assert _fits(page) and page.complaints == []


def test_dark_screens_are_dark(enter: Enter, address: str, shot: Shot) -> None:
    page = enter(WINDOW, color_scheme="dark")
    page.goto(f"{address}/?q={quote(QUESTION)}")
    page.locator(".grade.same").wait_for()
    shot(page, "dark-search")
    page.locator(".result h2 a").first.click()
    page.locator("article.case").wait_for()
    shot(page, "dark-case")
    ground, text = page.evaluate(
        "['backgroundColor', 'color'].map((name) => getComputedStyle(document.body)[name].match(/\\d+/g).slice(0, 3)"
        ".reduce((sum, part) => sum + Number(part), 0) / 3)"
    )
    assert ground < 60 and text > 190 and _fits(page)


def test_a_case_is_read_with_all_that_belongs_to_it(enter: Enter, address: str, settings: Settings, shot: Shot) -> None:
    case = _found(settings, "title like '不动产抵押权注销登记%'")
    page = enter(WINDOW)
    page.goto(f"{address}/case/{case.id}")
    for words in (case.obstacle, case.measure, "依据", "找谁", "来源", "引用", "已去除的个人信息"):
        expect(page.locator("article.case")).to_contain_text(words)
    shot(page, "case")
    page.get_by_role("link", name=case.hall["name"]).first.click()
    expect(page.locator("h1")).to_contain_text(case.hall["name"])


def test_policy_staff_see_what_changed_and_settle_a_need(enter: Enter, address: str, shot: Shot) -> None:
    page = enter(POLICY)
    page.goto(address)
    page.get_by_role("link", name="政策", exact=True).click()
    expect(page.locator("h1")).to_have_text("政策动态")
    page.get_by_role("link", name="近一年").click()
    page.wait_for_url("**/policy?since=*")
    shot(page, "policy")
    page.get_by_role("link", name=re.compile("件$")).first.click()
    assert "/policy/cases" in page.url and page.locator("main").inner_text().strip()
    page.goto(f"{address}/unmet")
    need = page.locator("main", has_text="代步车能不能上牌照")
    expect(need).to_be_visible()
    assert page.complaints == []


def test_one_obstacle_becomes_a_procedure_that_the_window_sees_first(
    enter: Enter, address: str, settings: Settings, shot: Shot
) -> None:
    page = enter(POLICY)
    page.goto(f"{address}/policy")
    page.get_by_role("link", name="一类事候选").click()
    page.get_by_role("button", name="归并新案例").click()
    page.locator("[data-item]").first.wait_for()
    shot(page, "classes")
    page.locator("[data-item] h2 a").first.click()
    page.get_by_role("button", name="认定", exact=True).click()
    expect(page.locator("h1 + .meta")).to_contain_text("已认定")
    page.get_by_role("button", name="起草一类事").click()
    page.wait_for_url("**/playbook/*/edit")
    title = f"{page.input_value('#b-title')}怎么办"
    page.fill("#b-title", title)
    page.get_by_role("button", name="保存").click()
    page.wait_for_url(re.compile(r"/playbook/\w+$"))
    expect(page.locator(".panel", has_text="固化以后")).to_be_visible()
    if page.locator("[name=cleared]").count():
        page.locator("[name=cleared]").check()
    page.get_by_role("button", name="试行", exact=True).click()
    expect(page.locator("h1 + .meta")).to_contain_text("试行")
    shot(page, "playbook")
    followed = page.locator("#models a").first.inner_text()

    clerk = enter(WINDOW)
    clerk.goto(f"{address}/?q={quote(followed)}")
    clerk.locator(".grade").wait_for()
    expect(clerk.locator("main").get_by_role("link", name=title).first).to_be_visible()
    clerk.locator("footer").click()
    clerk.keyboard.press("b")
    expect(clerk.locator("h1")).to_have_text(title)

    page.goto(f"{address}/barriers")
    page.locator("table tbody tr").first.wait_for()
    shot(page, "barriers")
    with page.expect_download() as word:
        page.get_by_role("link", name="生成报告（Word）").click()
    assert word.value.suggested_filename.endswith(".docx") and Path(word.value.path()).read_bytes()[:2] == b"PK"
    assert page.complaints == clerk.complaints == []


def test_a_reviewer_merges_what_tells_the_same(enter: Enter, address: str, settings: Settings) -> None:
    case = _found(settings, "title like '%商业住房贷款转公积金%'")
    again = replace(case, id="0000000fff02", source_no="又-1", materials=[*case.materials, "楼栋号变更说明（又一份）"],
                    revision=0, duplicate_of=case.id, hall={"code": FUZHOU[0], "name": FUZHOU[1]})  # fmt: skip
    _waiting(settings, again)
    page = enter(REVIEWER)
    page.goto(f"{address}/review")
    _focus_on(page, case.title)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="可能是同一件事").wait_for()
    page.wait_for_load_state()  # until then its keys do nothing
    assert page.locator("[name=twin]:checked").get_attribute("value") == case.id
    page.keyboard.press("m")
    expect(page.get_by_role("dialog")).to_contain_text("材料")
    page.keyboard.press("Enter")
    expect(page.locator("[data-said]")).to_contain_text("已合并")
    page.goto(f"{address}/case/{case.id}")
    expect(page.locator("#materials")).to_contain_text("又一份")
    assert page.goto(f"{address}/draft/{again.id}").status == 404


def test_a_published_case_is_revised_and_keeps_its_history(enter: Enter, address: str, settings: Settings) -> None:
    case = _found(settings, f"hall_name = '{FUZHOU[1]}' and measure <> ''")
    office = enter(OFFICE)
    office.goto(f"{address}/case/{case.id}")
    office.get_by_role("button", name="提出修订").click()
    office.wait_for_url(f"**/draft/{case.id}")
    office.get_by_role("textbox", name="办法").fill(case.measure + "以后可在网上预约。")
    office.get_by_role("button", name="提交审核").click()
    office.wait_for_url("**/drafts?stage=submitted")
    office.goto(f"{address}/case/{case.id}")
    assert "以后可在网上预约" not in office.locator("article.case").inner_text()

    reviewer = enter(REVIEWER)
    reviewer.goto(f"{address}/review/{case.id}")
    expect(reviewer.locator("ins", has_text="以后可在网上预约")).to_be_visible()
    if reviewer.locator("[data-cleared]").count():
        reviewer.keyboard.press("c")
    reviewer.keyboard.press("a")
    expect(reviewer.locator("[data-said]")).to_contain_text("已入库")
    office.reload()
    expect(office.locator("#measure")).to_contain_text("以后可在网上预约")
    office.get_by_role("link", name="看改动").first.click()
    expect(office.locator("main")).to_contain_text("以后可在网上预约")
    assert office.complaints == []


def test_what_is_withdrawn_leaves_a_reason_and_no_content(enter: Enter, address: str, settings: Settings) -> None:
    case = _found(settings, "title like '%剧本%'")
    page = enter(REVIEWER)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{address}/case/{case.id}")
    page.locator("summary", has_text="出库").press("Enter")
    expect(page.get_by_label("出库理由")).to_be_focused()
    page.keyboard.insert_text("所依据的办法已经废止")
    page.get_by_role("button", name="确定出库").click()
    page.get_by_role("heading", name="这件案例已出库").wait_for()
    assert "所依据的办法已经废止" in page.locator("main").inner_text() and case.measure not in page.content()
    clerk = enter(WINDOW)
    assert clerk.goto(f"{address}/case/{case.id}").status == 410
    clerk.goto(f"{address}/?q={quote(case.title)}")
    clerk.locator(".grade").wait_for()
    assert clerk.locator(f".result a[href$='{case.id}']").count() == 0


def test_who_watches_is_told_of_a_new_case(enter: Enter, address: str, settings: Settings) -> None:
    page = enter(WINDOW)
    page.goto(f"{address}/?q=水产养殖证过期以后续不上")
    page.locator(".grade").wait_for()
    page.locator("footer").click()
    page.keyboard.press("w")
    page.wait_for_url("**/watches?*")
    expect(page.get_by_label("名称")).to_be_focused()
    page.keyboard.press("Enter")
    watch = page.locator("[data-item]", has_text="水产养殖证")
    expect(watch).to_contain_text("没有新的")
    made = Case("0000000fff03", title="水域滩涂养殖证过期后续期：原批准单位已撤并", domain="农业农村",
                hall={"code": ZHANGZHOU[0], "name": ZHANGZHOU[1]}, demand="水产养殖证过期以后续不上",
                obstacle="原来发证的单位撤并了，水产养殖证没有人续", measure="由承接职能的农业农村局调旧档后续期",
                barriers=["材料缺失或历史遗留"], outcome="办成", closed="2024-06-03")  # fmt: skip
    with Store(settings) as store:
        store.publish([made], by=REVIEWER.id)
    for _ in range(20):  # the index takes the case over while the old one serves
        page.reload()
        if "新 1 件" in watch.inner_text():
            break
    expect(watch).to_contain_text("新 1 件")
    expect(page.locator(".account summary")).to_have_attribute("title", re.compile("1 件新案例"))
    with page.expect_response("**/seen"):
        watch.get_by_role("link").first.click()
    expect(page.locator("[data-item] h2")).to_have_text(made.title)
    page.goto(f"{address}/watches")
    expect(watch).to_contain_text("没有新的")
    assert page.complaints == []


def test_a_very_long_story_is_cut_and_answered(enter: Enter, address: str) -> None:
    page = enter(WINDOW)
    page.goto(address)
    typed = "(box, text) => { box.focus(); document.execCommand('insertText', false, text); }"
    page.locator("[name=q]").evaluate(typed, "公积金楼栋号对不上，" * 1000)
    page.locator(".grade", has_text="输入过长").wait_for()
    page.reload()
    page.locator(".result").first.wait_for()
