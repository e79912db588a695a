"""Three floors, arrows only downwards (the contract stands in pyproject.toml)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from kb.config import Settings
from kb.model import Case
from kb.store import Store

ROOT = Path(__file__).resolve().parents[1]


def test_no_floor_imports_one_above_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


def test_a_search_from_the_command_line_loads_no_heavy_library(tmp_path: Path) -> None:
    with Store(Settings(tmp_path)) as store:
        store.publish([Case(id="a1", demand="社保断缴几个月还能买房吗")], "甲")
    code = (
        "import sys; from kb import cli\n"
        f"try: cli.main(['--data', {str(tmp_path)!r}, 'search', '社保'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'transformers', 'sentence_transformers', 'datasette'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "社保断缴" in done.stdout and done.stdout.splitlines()[-1] == "[]"
