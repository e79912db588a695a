"""The pages in a real browser: typing finds, nothing overflows, contrast holds, scripts are not needed."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from kb.config import Settings
from kb.web import serve

from .library import FULL, REFUSED, fill
from .sites import only

sync_api = pytest.importorskip("playwright.sync_api", reason="没有安装 playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="没有 Chromium，可用 apt-get 安装")
PAGES = (
    "/", "/?q=公积金楼栋号不一致", "/?q=想去火星种土豆", "/cases", f"/case/{FULL.id}", "/library/cases", "/case/none",
)  # fmt: skip
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
    """The address of a running server with both floors and the small library."""
    settings = fill(Settings(tmp_path_factory.mktemp("site") / "kb-data"))
    with only("kb.web.plugin", "search.web"), serve._listen("127.0.0.1", 0) as listening:
        app = serve.make_datasette(settings).app()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 60
        while not server.started and time.monotonic() < deadline:
            thread.join(0.05)
        assert server.started
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def _page(browser: Any, **context: Any) -> Any:
    page = browser.new_context(**context).new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda message: message.type == "error" and page.complaints.append(message.text))
    return page


def test_typing_finds_without_a_click(browser: Any, address: str) -> None:
    page = _page(browser)
    page.goto(address)
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.type("公积金楼栋号对不上")
    found = page.locator(".result h2").first
    found.wait_for()
    assert found.inner_text() == FULL.title
    assert page.locator(".result mark").count() > 0
    assert "q=" in page.url
    found.locator("a").click()
    assert page.locator("h1").inner_text() == FULL.title
    page.go_back()
    assert page.locator(".result h2").first.inner_text() == FULL.title
    assert page.complaints == []


def test_pinyin_in_the_making_asks_nothing(browser: Any, address: str) -> None:
    page = _page(browser)
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
    page = _page(browser)
    page.goto(f"{address}/?q=执照 公积金")
    page.locator("h1").click()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    page.select_option("[name=outcome]", REFUSED.outcome)
    page.locator(".chip", has_text=REFUSED.outcome).wait_for()
    assert page.locator(".result h2").all_inner_texts() == [REFUSED.title]
    page.locator(".chip", has_text=REFUSED.outcome).click()
    page.locator(".result h2", has_text=FULL.title).first.wait_for()


def test_search_and_reading_work_without_scripts(browser: Any, address: str) -> None:
    page = _page(browser, java_script_enabled=False)
    page.goto(address)
    page.fill("[name=q]", "公积金楼栋号不一致")
    page.click("button")
    page.locator(".result h2 a").first.click()
    assert page.locator("#measure").inner_text().endswith(FULL.measure)


@pytest.mark.parametrize("width", [390, 1366])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_and_can_be_read(browser: Any, address: str, width: int, scheme: str) -> None:
    page = _page(browser, viewport={"width": width, "height": 768}, color_scheme=scheme)
    outside: list[str] = []
    page.on("request", lambda request: request.url.startswith(address) or outside.append(request.url))
    for path in PAGES:
        page.goto(address + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.evaluate(LOW_CONTRAST) == [], path
        assert page.evaluate(UNNAMED) == [], path
    assert outside == []
