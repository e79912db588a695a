"""Three floors, arrows only downwards (the contract stands in pyproject.toml)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from kb.config import Settings
from kb.model import Case
from kb.store import Store

ROOT = Path(__file__).resolve().parents[1]


def test_no_floor_imports_one_above_it() -> None:
    # In a process of its own: the tool switches off every logger that exists already.
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


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
