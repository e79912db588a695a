"""The pages in a real browser: typing finds, nothing overflows, contrast holds, scripts are not needed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote

import pytest

from kb.config import Settings
from search import asking

from .answers import Searcher
from .browsers import CHROMIUM, WITHOUT, browser, opened, serving, sync_api
from .library import FULL, REFUSED, TWIN, fill

__all__ = ["browser"]  # a fixture
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=WITHOUT)
PAGES = (
    "/", "/?q=公积金楼栋号不一致", "/?q=想去火星种土豆", "/cases", f"/case/{FULL.id}", "/library/cases", "/case/none",
)  # fmt: skip
PREPARED = (
    "/?q=公几金贷款本子“楼栋号” -提取&region=350100&domain=公积金", "/?q=公几金&literally=1", "/?q=近似的事",
    "/?q=想去火星种土豆",
)  # fmt: skip
SUGGESTIONS = [
    {"text": text, "kind": "事项", "count": 3}
    for text in ("公积金贷款", "公积金提取", *(f"公积金业务{n}" for n in range(9)))
]
#: Text of a page whose contrast is below WCAG AA: 4.5, or 3 for large text (24 px, or bold from 18.66 px).
LOW_CONTRAST = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const part = (v) => v <= 10 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const colour = numbers(getComputedStyle(element).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.tagName === "OPTION") continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(numbers(style.color)), light(ground(element))].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if ((a + 0.05) / (b + 0.05) < (large ? 3 : 4.5)) poor.push(element.textContent.trim().slice(0, 30));
  }
  return poor;
}"""
#: Fields of a page that no label names.
UNNAMED = """() => [...document.querySelectorAll("input, select, textarea")]
  .filter((field) => !["hidden", "submit"].includes(field.type))
  .filter((field) => !field.labels.length && !field.getAttribute("aria-label")).map((field) => field.name)"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of the small library."""
    with serving(fill(Settings(tmp_path_factory.mktemp("site") / "kb-data"))) as found:
        yield found


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose searcher has prepared answers, with all that a page can show."""
    settings = fill(Settings(tmp_path_factory.mktemp("prepared") / "kb-data"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "precedents", cache(lambda settings: Searcher()))
        patch.setattr(asking, "suggest", lambda store, typed: [each for each in SUGGESTIONS if typed in each["text"]])
        with serving(settings) as found:
            yield found


def test_typing_finds_without_a_click(browser: Any, address: str) -> None:
    page = opened(browser)
    page.goto(address)
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.type("公积金楼栋号对不上")
    found = page.locator(".result h2").first
    found.wait_for()
    assert found.inner_text() == FULL.title
    assert page.locator(".result mark").count() > 0
    assert "q=" in page.url
    found.locator("a").click()
    sync_api.expect(page.locator("h1")).to_have_text(FULL.title)
    page.go_back()
    assert page.locator(".result h2").first.inner_text() == FULL.title
    assert page.complaints == []


def test_pinyin_in_the_making_asks_nothing(browser: Any, address: str) -> None:
    page = opened(browser)
    asked: list[str] = []
    page.on("request", lambda request: "/search/results" in request.url and asked.append(request.url))
    page.goto(address)
    page.evaluate(
        """() => {
        const box = document.querySelector("[name=q]");
        box.value = "gong ji";
        box.dispatchEvent(new InputEvent("input", {isComposing: true, bubbles: true}));
        box.value = "公积金";
        box.dispatchEvent(new CompositionEvent("compositionend", {bubbles: true}));
    }"""
    )
    page.locator(".result").first.wait_for()
    assert len(asked) == 1 and "gong" not in asked[0]


def test_slash_goes_to_the_box_and_a_filter_narrows(browser: Any, address: str) -> None:
    page = opened(browser)
    page.goto(f"{address}/?q=执照 公积金")
    page.locator("footer").click()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    refused = page.locator(".result", has_text=REFUSED.title)
    refused.locator(".tag", has_text="资格条件限制").click()
    chip = page.locator(".chip", has_text="资格条件限制")
    chip.wait_for()
    assert page.locator(".result h2").all_inner_texts() == [REFUSED.title]
    page.fill("[name=q]", "公积金 执照")
    sync_api.expect(page).to_have_title("公积金 执照")
    assert page.locator(".result h2").all_inner_texts() == [REFUSED.title]
    chip.click()
    page.locator(".result h2", has_text=FULL.title).first.wait_for()


def _typed(browser: Any, prepared: str, text: str) -> Any:
    page = opened(browser)
    page.goto(prepared)
    page.keyboard.type(text)
    page.locator("[role=option]").first.wait_for()
    return page


def test_the_first_character_typed_is_not_lost(browser: Any, prepared: str) -> None:
    def slow_to_focus(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace(" autofocus", ""))

    page = opened(browser)
    page.route(f"{prepared}/", slow_to_focus)
    page.goto(prepared)
    page.keyboard.type("公积金")
    assert page.input_value("[name=q]") == "公积金"


def test_the_next_question_is_corrected_again(browser: Any, prepared: str) -> None:
    page = opened(browser)
    page.goto(f"{prepared}/?q=公几金贷款")
    page.get_by_role("link", name="改回").click()
    page.get_by_role("link", name="自动纠错").wait_for()
    page.fill("[name=q]", "公几金提取")
    page.get_by_role("link", name="改回").wait_for()
    assert "literally" not in page.url


def test_suggestions_are_chosen_with_the_arrow_keys(browser: Any, prepared: str) -> None:
    page = _typed(browser, prepared, "公积金")
    box, options = page.get_by_role("combobox"), page.get_by_role("option")
    assert options.count() == 8 and box.get_attribute("aria-expanded") == "true"
    assert page.get_by_role("listbox").get_attribute("id") == box.get_attribute("aria-controls")
    assert box.get_attribute("aria-activedescendant") is None
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("option", selected=True).inner_text().startswith("公积金提取")
    assert box.get_attribute("aria-activedescendant") == page.get_by_role("option", selected=True).get_attribute("id")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.get_by_role("option", selected=True).count() == 0
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert box.input_value() == "公积金贷款" and box.get_attribute("aria-expanded") == "false"
    sync_api.expect(page).to_have_url(f"{prepared}/?q={quote('公积金贷款')}")
    assert page.complaints == []


def test_enter_alone_searches_what_was_typed(browser: Any, prepared: str) -> None:
    page = _typed(browser, prepared, "公积金")
    page.keyboard.press("Enter")
    page.locator(".result").first.wait_for()
    assert page.input_value("[name=q]") == "公积金"
    assert not page.get_by_role("listbox").is_visible()


def test_escape_and_leaving_close_the_suggestions(browser: Any, prepared: str) -> None:
    page = _typed(browser, prepared, "公积金")
    page.keyboard.press("Escape")
    assert not page.get_by_role("listbox").is_visible() and page.input_value("[name=q]") == "公积金"
    page.keyboard.press("Alt+ArrowDown")
    assert page.get_by_role("listbox").is_visible()
    page.keyboard.press("Tab")
    assert not page.get_by_role("listbox").is_visible()


def test_a_click_takes_a_suggestion(browser: Any, prepared: str) -> None:
    page = _typed(browser, prepared, "公积金")
    page.get_by_role("option", name="公积金提取").click()
    assert page.input_value("[name=q]") == "公积金提取" and page.evaluate("document.activeElement.name") == "q"


def test_a_question_without_an_answer_is_noted_when_it_has_stood(browser: Any, prepared: str) -> None:
    page = opened(browser)
    page.clock.install()
    page.goto(prepared)
    page.keyboard.type("想去火星种土豆")
    page.clock.run_for(500)
    page.locator(".grade.none").wait_for()
    assert page.locator("#said").inner_text().startswith("没有找到先例")
    page.clock.run_for(2000)
    assert page.locator(".noted").count() == 0
    page.clock.run_for(2000)
    page.locator(".noted").wait_for()
    assert "settled" not in page.url and page.complaints == []


@pytest.mark.parametrize("scripts", [True, False])
def test_filters_unfold_on_a_phone_and_stand_beside_on_a_desk(browser: Any, prepared: str, scripts: bool) -> None:
    page = opened(browser, viewport={"width": 390, "height": 844}, java_script_enabled=scripts)
    page.goto(f"{prepared}/?q=公积金")
    filters = page.get_by_role("complementary", name="筛选")
    assert filters.count() == 0
    page.locator("summary", has_text="筛选").click()
    filters.get_by_role("link", name="福州市").click()
    page.locator(".chip", has_text="福州市").wait_for()
    page.set_viewport_size({"width": 1366, "height": 768})
    assert filters.is_visible()
    beside, first = filters.bounding_box(), page.locator(".result").first.bounding_box()
    assert beside["x"] + beside["width"] <= first["x"] and abs(beside["y"] - first["y"]) < 40


def test_almost_the_same_cases_unfold(browser: Any, prepared: str) -> None:
    page = opened(browser, java_script_enabled=False)
    page.goto(f"{prepared}/?q=公积金")
    twin = page.locator(".alike a", has_text=TWIN.title)
    assert not twin.is_visible()
    page.locator(".alike summary").first.click()
    assert twin.is_visible()


def test_search_and_reading_work_without_scripts(browser: Any, address: str) -> None:
    page = opened(browser, java_script_enabled=False)
    page.goto(address)
    page.fill("[name=q]", "公积金楼栋号不一致")
    page.click("button")
    page.locator(".result h2 a").first.click()
    assert page.locator("#measure").inner_text().endswith(FULL.measure)


def test_a_key_held_down_acts_once(browser: Any, prepared: str) -> None:
    page = opened(browser, viewport={"width": 1366, "height": 768})
    page.goto(f"{prepared}/?q=公积金")
    page.keyboard.press("ArrowDown")
    held = "new KeyboardEvent('keydown', {key: 'x', repeat: true, bubbles: true})"
    page.evaluate(f"document.activeElement.dispatchEvent({held})")
    assert page.locator("[name=ids]:checked").count() == 0
    page.keyboard.press("x")
    assert page.locator("[name=ids]:checked").count() == 1


def test_personal_data_does_not_stay_in_the_address(browser: Any, address: str) -> None:
    page = opened(browser)
    page.goto(address)
    page.keyboard.insert_text("13812345678 公积金楼栋号对不上")
    page.locator(".result").first.wait_for()
    page.wait_for_function("location.search")
    assert "13812345678" not in page.url and "13812345678" not in page.title()
    assert page.input_value("[name=q]").startswith("13812345678")
    page.goto(f"{address}/?q=13812345678 公积金楼栋号对不上")
    page.wait_for_function("!location.search.includes('13812345678')")
    assert page.locator(".result").count() > 0


@pytest.mark.parametrize("width", [390, 1366])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_and_can_be_read(browser: Any, address: str, prepared: str, width: int, scheme: str) -> None:
    page = opened(browser, viewport={"width": width, "height": 768}, color_scheme=scheme)
    outside: list[str] = []
    page.on("request", lambda request: request.url.startswith((address, prepared)) or outside.append(request.url))
    for url in [address + path for path in PAGES] + [prepared + path for path in PREPARED]:
        page.goto(url)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), url
        assert page.evaluate(LOW_CONTRAST) == [], url
        assert page.evaluate(UNNAMED) == [], url
    page.goto(prepared)
    page.keyboard.type("公积金")
    page.locator("[role=option]").first.wait_for()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(LOW_CONTRAST) == []
    assert outside == []
