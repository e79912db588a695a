"""A real browser for tests of the pages as people see them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from .servers import serving

__all__ = ["CHROMIUM", "WITHOUT", "browser", "opened", "serving", "sync_api"]
sync_api = pytest.importorskip("playwright.sync_api", reason="没有安装 playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
#: Why tests are skipped where CHROMIUM is None.
WITHOUT = "没有 Chromium，可用 apt-get 安装"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


def opened(browser: Any, **context: Any) -> Any:
    """A new page of its own context; `complaints` collects what scripts and the console report."""
    page = browser.new_context(**context).new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda message: message.type == "error" and page.complaints.append(message.text))
    return page
