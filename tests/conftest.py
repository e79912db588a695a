"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of test data beside the checkout; tests that need it skip where it is absent."""
    if not (SHARED / "DESIGN.md").exists():
        pytest.skip("../shared（测试数据）不在这台机器上")
    return SHARED


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may touch a library outside its own temporary folder."""
    monkeypatch.setenv("KB_DATA", str(tmp_path / "kb-data"))
