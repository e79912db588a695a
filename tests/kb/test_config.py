"""kb.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb import config
from kb.errors import Fault


def test_defaults_without_a_file(tmp_path: Path) -> None:
    assert config.load(tmp_path) == config.Settings(tmp_path)


def test_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KB_DATA", str(tmp_path / "x"))
    assert config.load().data_dir == tmp_path / "x"


def test_reads_what_is_set(tmp_path: Path) -> None:
    (tmp_path / "kb.toml").write_text('title = "某市案例库"\n[embedding]\nmodel = "some/model"\n', "utf-8")
    found = config.load(tmp_path)
    assert (found.title, found.embedding_model) == ("某市案例库", "some/model")


@pytest.mark.parametrize("text", ["title = ", "[search]\nthreads = 'two'", "embedding = 3"])
def test_a_wrong_file_is_explained(tmp_path: Path, text: str) -> None:
    (tmp_path / "kb.toml").write_text(text, "utf-8")
    with pytest.raises(Fault, match="kb.toml"):
        config.load(tmp_path)
