"""Answers about a whole library are made once for each state of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kb.config import Settings
from kb.store import Store
from search.insight import classes, remembering
from search.insight.remembering import remembered

from ..library import CASES, FULL


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(Settings(tmp_path))
    made.publish(CASES, by="测试")
    return made


def test_an_answer_is_made_again_when_its_grounds_have_changed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "PATIENCE", 1e12)
    asked: list[str] = []

    @remembered
    def number(store: Store, region: str = "") -> int:
        asked.append(region)
        return len(list(store.published()))

    assert [number(store), number(store), number(store, region="35")] == [len(CASES)] * 3
    assert asked == ["", "35"]
    store.publish([replace(FULL, id="later0000001")], by="测试")
    assert number(store) == len(CASES) + 1 and asked == ["", "35", ""]
    classes.make(store, [FULL.id, "later0000001"], "测试", "一类")
    number(store)
    assert asked == ["", "35", "", ""]


def test_only_so_many_answers_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "KEPT", 2)
    monkeypatch.setattr(remembering, "_answers", remembering.OrderedDict())
    asked: list[str] = []
    tell = remembered(lambda store, word: asked.append(word))
    for word in "甲乙丙甲":
        tell(store, word)
    assert asked == list("甲乙丙甲") and len(remembering._answers) == 2
