"""The search page by keyboard in a real browser: to the results and back, citing, saying 用上了, the printed report."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from kb.config import Settings
from kb.model import Case
from kb.store import Store
from search import asking

from ..answers import Searcher
from ..browsers import CHROMIUM, WITHOUT, browser, opened, serving, sync_api
from ..library import FULL, REFUSED, fill
from ..people import sign_in

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=WITHOUT)
__all__ = ["browser"]
expect = sync_api.expect
FOCUSED = "[data-item]:focus h2"
SUGGESTIONS = [{"text": "公积金提取", "kind": "事项", "count": 3}]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("keys") / "kb-data"
    folder.mkdir()
    (folder / "kb.toml").write_text("[access]\nopen = true\n", encoding="utf-8")
    return fill(Settings(folder))


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "precedents", cache(lambda settings: Searcher()))
        patch.setattr(asking, "suggest", lambda store, typed: [each for each in SUGGESTIONS if typed in each["text"]])
        with serving(settings) as found:
            yield found


@pytest.fixture
def clerk(browser: Any, address: str, settings: Settings) -> Any:
    """A page of somebody at a window who is signed in."""
    page = opened(browser)
    name, value = next(iter(sign_in(settings, "window").items()))
    page.context.add_cookies([{"name": name, "value": value, "url": address}])
    return page


def test_arrows_go_from_the_box_through_the_results_and_back(browser: Any, address: str) -> None:
    page = opened(browser)
    page.goto(f"{address}/?q=公积金")
    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    assert page.locator(FOCUSED).inner_text() == FULL.title
    page.keyboard.press("j")
    assert page.locator(FOCUSED).inner_text() == REFUSED.title
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/case/{FULL.id}")  # its similar cases load the model
    expect(page.locator("h1")).to_contain_text(FULL.title)
    assert page.complaints == []


def test_open_suggestions_have_the_arrows_and_escape_keeps_the_question(browser: Any, address: str) -> None:
    page = opened(browser)
    page.goto(address)
    page.keyboard.type("公积金")
    page.get_by_role("option").first.wait_for()
    page.locator(".result").first.wait_for()
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("option", selected=True).count() == 1
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.input_value("[name=q]") == "公积金"
    page.keyboard.press("ArrowDown")
    assert page.locator(FOCUSED).inner_text() == FULL.title


@pytest.mark.parametrize("secure", [True, False])
def test_a_citation_of_the_focused_result_is_copied(browser: Any, address: str, secure: bool) -> None:
    page = opened(browser, permissions=["clipboard-read", "clipboard-write"])
    if not secure:
        page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.goto(f"{address}/?q=公积金")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("c")
    expect(page.locator("#said")).to_contain_text("已复制引用")
    assert page.locator(FOCUSED).inner_text() == FULL.title
    page.evaluate("document.body.append(Object.assign(document.createElement('textarea'), { id: 'pasted' }))")
    page.focus("#pasted")
    page.keyboard.press("Control+V")
    pasted = page.input_value("#pasted")
    assert FULL.title in pasted and FULL.closed in pasted and FULL.hall["name"] in pasted
    assert pasted.endswith(f"{address}/case/{FULL.id}")


def test_one_key_says_that_it_was_used_and_a_reason_that_it_was_not(clerk: Any, address: str) -> None:
    clerk.goto(f"{address}/?q=公积金")
    clerk.keyboard.press("ArrowDown")
    clerk.keyboard.press("u")
    expect(clerk.locator("[data-item]:focus [data-said]")).to_have_text("1 个大厅用上过")
    expect(clerk.locator("[data-item]:focus .used button")).to_have_attribute("aria-pressed", "true")
    first = clerk.locator(".result").first
    first.locator(".unsuited summary").click()
    first.get_by_label("依据已变").check()
    first.get_by_role("button", name="提交").click()
    expect(first.locator("[data-mine]")).to_have_text("不适用：依据已变")
    expect(first.locator("[data-said]")).to_be_hidden()
    assert clerk.complaints == []


def test_strangers_read_and_are_offered_nothing_else(browser: Any, address: str) -> None:
    page = opened(browser)
    page.goto(f"{address}/?q=想去火星种土豆")
    for words in ("用上了", "不适用", "登记为新诉求", "关注这个检索"):
        assert page.get_by_text(words, exact=True).count() == 0
    assert page.locator("#report").count() == 1


def test_an_empty_search_becomes_a_draft_by_a_key(clerk: Any, address: str) -> None:
    clerk.goto(f"{address}/?q=想去火星种土豆")
    link = clerk.get_by_role("link", name="登记为新诉求")
    assert link.get_attribute("href").startswith("/drafts/new?q=") and link.get_attribute("data-key") == "n"


def test_a_key_opens_the_report_of_what_was_chosen(browser: Any, address: str) -> None:
    page = opened(browser)
    page.add_init_script("window.print = () => { window.printed = true; }")
    page.goto(f"{address}/?q=公积金")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("x")
    page.keyboard.press("p")
    page.locator(".sheet").wait_for()
    assert page.locator(".sheet h2").all_inner_texts() == [REFUSED.title]
    assert page.evaluate("window.printed") is True
    assert "查的事" in page.locator(".sheet").inner_text() and "经办人签字" in page.locator(".sheet").inner_text()


def test_an_older_answer_never_replaces_a_newer_one(browser: Any, address: str) -> None:
    page = opened(browser)
    held: list[Any] = []
    page.route("**/search/results?q=%E5%85%AC", lambda route: held.append(route))
    page.goto(address)
    with page.expect_request("**/search/results?q=%E5%85%AC"):
        page.keyboard.type("公")
    page.keyboard.type("积金")
    page.locator(".result h2", has_text=FULL.title).wait_for()
    for route in held:
        route.fulfill(body="<p id='stale'>旧的</p>", content_type="text/html")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    assert page.locator("#stale").count() == 0 and page.locator(".result").count() == 2


@pytest.mark.parametrize("length", [1, 4000])
@pytest.mark.parametrize("cases", [1, 3])
def test_the_report_is_one_page(browser: Any, address: str, settings: Settings, length: int, cases: int) -> None:
    text = "房产证上的楼栋号与银行档案不一致，\n各家说法不同。" * length
    rules = [{"title": "很长的规定" * 20, "doc_no": "某发〔2024〕1号", "valid": n % 2 == 0} for n in range(1, 9)]
    made = [
        Case(f"long{length}x{n}", title=text[:200], demand=text, obstacle=text, measure=text, result=text,
             basis=rules if length > 1 else [], lead_dept="某某局" * length, outcome="办成", closed="2024-03-07")
        for n in range(cases)
    ]  # fmt: skip
    with Store(settings) as store:
        store.publish(made, by="测试")
    page = opened(browser)
    page.goto(f"{address}/report?q={'公积金' * 40}&ids={','.join(case.id for case in made)}")
    assert page.locator(".sheet h2").count() == cases
    if length > 1:
        assert f"详见案例编号 {made[0].id}" in page.locator(".sheet").inner_text()
    pdf = page.pdf(prefer_css_page_size=True)
    assert pdf.count(b"/Type /Page\n") == 1
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 703, "height": 1000})  # what is left of A4 between the margins, in CSS pixels
    overflow = "(list) => list.scrollHeight - list.clientHeight"
    assert page.locator(".entries").evaluate(overflow) <= 1


def test_question_mark_lists_the_keys(browser: Any, address: str) -> None:
    page = opened(browser)
    page.goto(f"{address}/?q=公积金")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("?")
    shown = page.get_by_role("dialog").inner_text()
    assert "复制引用" in shown and "打印检索报告" in shown
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0
