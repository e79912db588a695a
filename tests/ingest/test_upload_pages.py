"""The page on which ledgers are dropped: who sees it, and a clerk's way through it in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from datasette.app import Datasette

from kb.accounts import sessions
from kb.config import Settings
from kb.store import Store
from kb.web import serve

from ..browsers import CHROMIUM, WITHOUT, browser, opened, serving
from ..people import sign_in
from ..sites import only
from .test_uploads import PERSONAL, ROWS, ledger, settings

__all__ = ["browser", "settings"]  # fixtures
in_browser = pytest.mark.skipif(CHROMIUM is None, reason=WITHOUT)
BAD = ["A-2", "2024年2月31日", *ROWS[1][2:]]


@pytest.fixture
def site(settings: Settings) -> Iterator[Datasette]:
    with only("kb.web.plugin", "ingest.web"):
        yield serve.make_datasette(settings)


@pytest.mark.parametrize(("role", "status"), [("submit", 200), ("review", 200), ("window", 403), ("policy", 403)])
async def test_who_sees_the_page(site: Datasette, settings: Settings, role: str, status: int) -> None:
    answer = await site.client.get("/upload", cookies=sign_in(settings, role))
    assert answer.status_code == status
    assert ('id="hall"' in answer.text) == (role == "review")  # a clerk has but one hall
    assert "style=" not in answer.text and "<script>" not in answer.text


async def test_strangers_are_asked_to_sign_in(site: Datasette, settings: Settings) -> None:
    sign_in(settings, "submit")
    answer = await site.client.get("/upload", follow_redirects=False)
    assert answer.status_code in (302, 401)


def page_of(browser: Any, address: str, cookies: dict[str, str], **context: Any) -> Any:
    page = opened(browser, **context)
    page.context.add_cookies([{"name": sessions.COOKIE, "value": cookies[sessions.COOKIE], "url": address}])
    page.goto(f"{address}/upload")
    return page


def file(name: str, content: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


@in_browser
def test_a_ledger_with_a_bad_row_is_previewed_and_handed_in(settings: Settings, browser: Any) -> None:
    with serving(settings) as address:
        page = page_of(browser, address, sign_in(settings, "submit"), viewport={"width": 1366, "height": 768})
        page.set_input_files("#files", [file("司徒雷生的台账.xlsx", ledger([ROWS[0], BAD])), file("空.xlsx", b"")])
        sure = page.get_by_role("button", name="确认报送 2 件")
        sure.wait_for(timeout=90_000)
        text = page.inner_text("#uploads")
        assert "三月 第 4 行" in text and "没有认出 1 栏（甲乙丙丁）" in text and "文件是空的" in text
        assert not any(word in text for word in PERSONAL)
        page.get_by_text("将要保存的内容").first.click()
        assert page.locator(".removed").first.inner_text() == "〔姓名1〕"
        page.locator(".cases input[type=checkbox]").nth(1).press("Space")
        page.get_by_role("button", name="确认报送 1 件").click()
        page.locator("#uploads .notice.done", has_text="已报送 1 件新案例").wait_for()
        assert page.complaints == []
    with Store(settings) as store:
        assert [draft.case.source_no for draft in store.drafts()] == ["A-1"]


@in_browser
def test_a_preview_outlives_a_reload_and_nothing_stays_when_given_up(
    settings: Settings, browser: Any
) -> None:
    with serving(settings) as address:
        cookies = sign_in(settings, "submit")
        page = page_of(browser, address, cookies, viewport={"width": 390, "height": 844}, color_scheme="dark")
        page.set_input_files("#files", file("台账.xlsx", ledger()))
        page.get_by_role("button", name="确认报送 2 件").wait_for(timeout=90_000)
        page.reload()
        page.get_by_role("button", name="确认报送 2 件").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="放弃").click()
        page.locator(".upload").wait_for(state="detached")
        assert page.complaints == []
    with Store(settings) as store:
        assert list(store.drafts()) == []
    assert not list(Path(settings.data_dir / "incoming").glob("*"))
