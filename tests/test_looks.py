"""What holds for every page in a real browser: accessible, readable, light, from this host alone, fit for a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kb import submissions
from kb.config import Access, Settings
from kb.model import Case
from kb.store import Draft, Store

from .browsers import CHROMIUM, WITHOUT, browser, opened, serving
from .library import FULL, REFUSED, TWIN, WITHDRAWN, fill
from .people import sign_in
from .search import barriers

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="没有安装 axe-playwright-python")
__all__ = ["browser"]  # a fixture
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=WITHOUT)
WAITING, OWN = "0000000000d1", "0000000000d2"
READING = (
    "/", "/?q=公积金楼栋号不一致", "/?q=想去火星种土豆", "/cases", "/cases?barrier=信息不一致", f"/case/{FULL.id}",
    f"/case/{WITHDRAWN.id}", "/halls", "/hall/350121", f"/report?q=公积金&ids={FULL.id},{REFUSED.id}", "/library",
    "/library/cases?_facet=domain&outcome__exact=办成", f"/library/cases/{FULL.id}", "/library/revisions",
    "/library/barriers_by_outcome", "/case/none",
)  # fmt: skip
WORKING = (
    "/me", "/watches", "/drafts", "/drafts/new?q=公积金", f"/draft/{OWN}", "/review", f"/review/{WAITING}", "/upload",
    "/policy", "/unmet", "/classes", "/classes?state=accepted", "/barriers", "/barriers/pictures", "/barriers/compare",
    "/barriers/prerequisites", "/barriers/watch", "/barriers/cases", "/accounts",
    "/rules", "/rules?rule=国务院令第350号", "/playbooks",
    "/library?sql=select+title+from+cases", "/library?sql=select+nosuch",
)  # fmt: skip
ROLES = ("window", "submit", "review", "policy", "admin")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
RULES = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
#: What is pressed with a finger and is lower or narrower than 44 px; links within running text may be.
SMALL = """() => [...document.querySelectorAll(
  "button, .button, input:not([type=checkbox], [type=radio], [type=hidden]), select, nav a, summary, a.chip")]
  .filter((each) => each.checkVisibility() && !each.closest(".unseen, .skip"))
  .map((each) => [each, each.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.height < 43.5 || box.width < 24))
  .map(([each, box]) => `${each.tagName} ${each.textContent.trim().slice(0, 12)} ${Math.round(box.height)}`)"""
#: Lines of running text of more than 44 Chinese characters.
LONG = """() => [...document.querySelectorAll("main p, main dd, main li")]
  .filter((each) => each.checkVisibility() && !each.querySelector("p, li, dd, a, .tag, button, select")
    && !each.closest("td, .soft, .notice, .why, .source, pre") && each.textContent.trim().length > 60)
  .filter((each) => each.getBoundingClientRect().width / parseFloat(getComputedStyle(each).fontSize) > 44)
  .map((each) => each.textContent.trim().slice(0, 30))"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Settings]]:
    """A server of a small library, open to readers, with a draft of one's own and one that waits for review."""
    settings = fill(Settings(tmp_path_factory.mktemp("looks") / "kb-data", access=Access(open=True)))
    Path(settings.data_dir / "kb.toml").write_text("[access]\nopen = true\n", encoding="utf-8")
    barriers.fill(settings)
    with Store(settings) as store:
        told = dict(hall=FULL.hall, region=FULL.region, demand=FULL.demand, obstacle=FULL.obstacle)
        waiting, own = Case(id=WAITING, title="等待审核的草稿", **told), Case(id=OWN, title="自己的草稿", **told)
        store.save_drafts([Draft(waiting, []), Draft(own, [])], by="测试")
        submissions.put(store, [WAITING], "submitted", "测试", "350121")
        submissions.put(store, [OWN], "writing", "测试", "350121")
    with serving(settings) as address:
        yield address, settings


@pytest.fixture(scope="module")
def cookies(site: tuple[str, Settings]) -> list[dict[str, str]]:
    address, settings = site
    return [{"name": name, "value": value, "url": address} for name, value in sign_in(settings, *ROLES).items()]


def _visited(browser: Any, site: tuple[str, Settings], cookies: list[dict[str, str]], **context: Any) -> Iterator[Any]:
    """One page after the other: those of a reader as a stranger, those of work signed in."""
    address, _ = site
    page = opened(browser, **context)
    outside: list[str] = []
    page.on("request", lambda request: request.url.startswith((address, "data:")) or outside.append(request.url))
    for path in ("/login", *READING, *WORKING):
        if path == WORKING[0]:
            page.context.add_cookies(cookies)
        answer = page.goto(address + path)
        expected = {f"/case/{WITHDRAWN.id}": 410, "/case/none": 404, "/library?sql=select+nosuch": 400}.get(path, 200)
        assert answer.status == expected, (path, answer.status)
        yield path, page
        page.complaints[:] = [text for text in page.complaints if f"status of {expected}" not in text]
        assert page.complaints == [], path
        assert outside == [], path
    page.context.close()


@pytest.mark.parametrize("width", [390, 1366])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_breaks_the_rules_of_accessibility(
    browser: Any, site: tuple[str, Settings], cookies: list[dict[str, str]], width: int, scheme: str
) -> None:
    broken = {}
    view = {"width": width, "height": 844 if width == 390 else 768}
    for path, page in _visited(browser, site, cookies, viewport=view, color_scheme=scheme, bypass_csp=True):
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        found = axe.Axe().run(page, options=RULES).response["violations"]
        told = [f"{rule['id']}: {rule['nodes'][0]['html'][:160]} ({len(rule['nodes'])})" for rule in found]
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        told += [f"wider than the screen by {wide}"] if wide > 0 else []
        if told:
            broken[path] = told
    assert broken == {}


def test_a_thumb_meets_what_it_aims_at(browser: Any, site: tuple[str, Settings], cookies: list[dict[str, str]]) -> None:
    view = {"width": 390, "height": 844}
    pages = _visited(browser, site, cookies, viewport=view, has_touch=True, is_mobile=True)
    assert {path: small for path, page in pages if (small := page.evaluate(SMALL))} == {}


def test_lines_are_short_enough_to_read(
    browser: Any, site: tuple[str, Settings], cookies: list[dict[str, str]]
) -> None:
    pages = _visited(browser, site, cookies, viewport={"width": 1366, "height": 768})
    assert {path: lines for path, page in pages if (lines := page.evaluate(LONG))} == {}


def test_every_page_is_light(browser: Any, site: tuple[str, Settings], cookies: list[dict[str, str]]) -> None:
    weights = {}
    page = opened(browser)
    page.context.add_cookies(cookies)
    for path in ("/login", *READING, *WORKING):
        bodies: list[int] = []
        page.on("response", lambda answer, bodies=bodies: bodies.append(len(answer.body())))
        page.goto(site[0] + path, wait_until="networkidle")
        page.remove_listener("response", page._impl_obj.listeners("response")[0])
        weights[path] = sum(bodies)
    assert max(weights.values()) < 200_000, weights


def test_search_stands_above_the_fold_of_an_old_screen(browser: Any, site: tuple[str, Settings]) -> None:
    page = opened(browser, viewport={"width": 1366, "height": 650})  # what a browser leaves of 768 lines
    page.goto(f"{site[0]}/?q=公积金楼栋号不一致")
    assert page.locator(".searchbox [name=q]").bounding_box()["y"] < 200
    first = page.locator(".result").first.bounding_box()
    assert first["y"] < 400


@pytest.mark.parametrize("path", [f"/case/{FULL.id}", f"/report?q=公积金&ids={FULL.id}", "/cases", "/?q=公积金"])
def test_print_leaves_out_what_paper_cannot_use(browser: Any, site: tuple[str, Settings], path: str) -> None:
    page = opened(browser, color_scheme="dark")
    page.goto(site[0] + path)
    page.emulate_media(media="print")
    for what in ("header.site", "footer.site", "button", ".button", "input"):
        assert not any(each.is_visible() for each in page.locator(what).all()), what
    assert page.locator("main").is_visible()
    colours = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]


def test_the_section_is_marked_on_its_subpages(browser: Any, site: tuple[str, Settings]) -> None:
    page = opened(browser)
    for path, section in (("/", "检索"), (f"/case/{TWIN.id}", "浏览"), ("/hall/350121", "大厅"),
                          ("/library/revisions", "数据表")):  # fmt: skip
        page.goto(site[0] + path)
        assert page.locator("nav [aria-current]").all_inner_texts() == [section], path


def test_the_account_menu_opens_by_keyboard_and_signs_out(browser: Any, site: tuple[str, Settings]) -> None:
    address, settings = site
    page = opened(browser)
    given = sign_in(settings, "window", account="menu").items()
    page.context.add_cookies([{"name": name, "value": value, "url": address} for name, value in given])
    page.goto(f"{address}/cases")
    summary = page.locator(".account summary")
    summary.focus()
    page.keyboard.press("Enter")
    menu = page.get_by_role("banner")
    assert all(menu.get_by_role("link", name=name).is_visible() for name in ("我的账号", "关注"))
    page.keyboard.press("Escape")
    assert not page.get_by_role("button", name="退出").is_visible()
    summary.click()
    page.get_by_role("button", name="退出").click()
    page.get_by_role("link", name="登录").wait_for()
    assert page.goto(f"{address}/me").url.startswith(f"{address}/login")
