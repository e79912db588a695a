"""What `kb serve` does once it is open."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb import editing
from kb.config import Settings
from kb.store import Store
from kb.web import serve


def test_warming_up_keeps_no_draft(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "library")
    serve.warm(settings)
    with Store(settings) as store:
        assert list(store.drafts()) == [] and list(store.cases()) == []


def test_a_server_that_cannot_warm_up_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise OSError("model")

    monkeypatch.setattr(editing, "edit", broken)
    serve.warm(Settings(tmp_path / "library"))
    assert "OSError" in caplog.text
