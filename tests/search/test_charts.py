"""The pictures of barriers in a real browser: drawn from their tables, walked with keys, saved as files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from kb.config import Settings
from kb.model import Case
from kb.store import Store

from ..browsers import CHROMIUM, WITHOUT, browser, opened, serving
from ..library import without_model
from ..people import sign_in
from . import barriers

__all__ = ["browser"]  # a fixture
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=WITHOUT)
#: For each picture how many links its table has (but for those of the row's own name) and how many it has itself.
LINKS = """() => [...document.querySelectorAll("figure[data-kind]")].map((each) => [each.dataset.kind,
  each.querySelectorAll("tbody td:not([data-skip]) a").length, each.querySelectorAll("svg a:not(.label)").length])"""
WIDE = "document.documentElement.scrollWidth - innerWidth"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Settings, dict[str, str]]]:
    settings = without_model(tmp_path_factory.mktemp("charts") / "kb-data")
    made = barriers.fill(settings)
    with Store(settings) as store:  # a circle that no case tells alone
        told = {"公安局": "消防救援支队", "消防救援支队": "公安局"}
        store.publish([
            Case(f"ring{at:08}", title=f"旅馆第{at}件", obstacle=f"{one}说要先有{other}的意见书", received="2023-05-06")
            for at, (one, other) in enumerate(told.items())
        ], by="测试")  # fmt: skip
    with serving(settings) as address:
        yield address, settings, made


@pytest.fixture
def page(browser: Any, site: tuple[str, Settings, dict[str, str]]) -> Iterator[Any]:
    address, settings, _ = site
    found = opened(browser, base_url=address, viewport={"width": 1366, "height": 768})
    found.context.add_cookies(
        [{"name": name, "value": value, "url": address} for name, value in sign_in(settings, "policy").items()]
    )
    yield found
    assert found.complaints == []
    found.context.close()


@pytest.mark.parametrize("width", [390, 1366])
def test_every_number_of_a_table_is_a_link_in_its_picture(
    page: Any, site: tuple[str, Settings, dict[str, str]], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    times = {"flow": 2}  # each stream is drawn from left to middle and from middle to right
    kinds = set()
    for path in ("/barriers/pictures", f"/barrier/{site[2]['names']}", "/barriers/prerequisites"):
        page.goto(path)
        for kind, listed, drawn in page.evaluate(LINKS):
            kinds.add(kind)
            # A circle is drawn with one arrow for each of its members.
            assert drawn == listed * times.get(kind, 2 if kind == "rings" else 1) > 0, (path, kind)
        assert page.evaluate(WIDE) <= 0
    assert kinds == {"grid", "timeline", "flow", "graph", "rings"}


def test_a_picture_is_one_stop_for_tab_and_arrows_go_on(page: Any) -> None:
    page.goto("/barriers/pictures")
    first = page.locator("figure[data-kind=grid] svg").first
    assert first.locator("a[tabindex='0']").count() == 1
    first.locator("a.cell").first.focus()
    before = page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("ArrowDown")
    after = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert after != before and after.endswith("件")
    assert first.locator("a[tabindex='0']").count() == 1


def test_heads_are_written_across_where_there_is_room(page: Any) -> None:
    page.goto("/barriers/pictures")
    heads = page.locator("figure[data-kind=grid]").nth(1).locator("svg > g.label > text").all_text_contents()
    assert "信息不一致" in "".join(heads) and all(len(each) > 1 for each in heads)


def test_a_circle_put_together_of_several_cases_is_drawn_as_such(page: Any) -> None:
    page.goto("/barriers/prerequisites")
    rings = page.locator("figure[data-kind=rings]")
    assert rings.locator("path.joined, .joined path").count() == 2 and rings.locator(".edge.cycle").count() == 4
    assert "虚线的由几件案例拼成，请核对" in rings.inner_text()


def test_a_picture_wider_than_the_screen_says_so(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/barriers/pictures")
    page.get_by_text("左右滑动看全图").first.wait_for()
    assert page.locator("figure[data-kind=flow]").get_by_text("左右滑动看全图").count() == 1


def test_a_saved_picture_tells_its_time_its_area_and_how_to_read_it(page: Any, tmp_path: Path) -> None:
    page.goto("/barriers/pictures?since=2023&region=福州市")
    with page.expect_download() as waiting:
        page.locator("figure[data-kind=flow] [data-save=svg]").click()
    waiting.value.save_as(tmp_path / "svg")
    said = [each.text for each in ElementTree.parse(tmp_path / "svg").getroot().findall("{http://www.w3.org/2000/svg}text")]
    assert said[:2] == ["从壁垒到办理方式到结果", "福州市，2023 起"] and "绿办成" in str(said[2])


def test_a_picture_is_saved_as_svg_png_and_csv(page: Any, tmp_path: Path) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto("/barriers/pictures")
    figure = page.locator("figure[data-kind=grid]").first
    saved = {}
    for form in ("svg", "png", "csv"):
        with page.expect_download() as waiting:
            figure.locator(f"[data-save={form}]").click()
        assert waiting.value.suggested_filename.endswith(f".{form}")
        waiting.value.save_as(tmp_path / form)
        saved[form] = (tmp_path / form).read_bytes()
    root = ElementTree.fromstring(saved["svg"])
    rects = root.findall(".//{http://www.w3.org/2000/svg}rect")
    assert rects[0].get("fill") == "rgb(255, 255, 255)" and all(each.get("fill") for each in rects)
    assert "哪条线索在哪个县" in saved["svg"].decode() and b"class=" not in saved["svg"]
    assert saved["png"].startswith(b"\x89PNG")
    lines = saved["csv"].decode("utf-8-sig").splitlines()
    assert lines[0].startswith('"线索",') and len(lines) == 1 + figure.locator("tbody tr").count()


def test_without_scripts_the_tables_are_there(browser: Any, site: tuple[str, Settings, dict[str, str]]) -> None:
    address, settings, _ = site
    found = opened(browser, java_script_enabled=False)
    found.context.add_cookies(
        [{"name": name, "value": value, "url": address} for name, value in sign_in(settings, "policy").items()]
    )
    found.goto(address + "/barriers/pictures")
    assert found.locator("figure table").count() >= 4 and found.locator("[data-tools]:visible").count() == 0
    found.context.close()


def test_cases_are_ticked_and_split_off_by_hand(
    browser: Any, page: Any, site: tuple[str, Settings, dict[str, str]]
) -> None:
    page.goto(f"/class/{site[2]['circle']}")
    split = page.get_by_role("button", name="拆出来")
    assert split.is_disabled()
    page.locator("input[name='case_ids[]']").first.check()
    page.get_by_label("另成一类，名称").fill("单独的一件")
    split.click()
    page.wait_for_url("**/class/*")
    page.get_by_role("heading", name="单独的一件").wait_for()
    assert page.locator(".pick li").count() == 1
