"""The embedded engine: what it holds, when it trusts its files, what it finds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kb.config import Settings
from kb.store import Store
from search import words
from search.embedder.fake import FakeEmbedder
from search.engine import Changes, Filters
from search.engine.embedded import EmbeddedEngine
from search.query import understand

from .conftest import CASES


def found(engine: EmbeddedEngine, text: str, **filters: str) -> set[str]:
    """Ids that any view lists."""
    answer = engine.search(understand(text), Filters(**filters), 50)
    return {case_id for view in answer.views.values() for case_id in view.scores}


def test_index_is_missing_then_current(settings: Settings, store: Store) -> None:
    engine = EmbeddedEngine(settings, FakeEmbedder())
    assert "尚未建立" in engine.problem(store)
    assert engine.sync(store) == Changes(added=len(CASES))
    assert engine.problem(store) == ""
    assert engine.count() == len(CASES)


def test_changes_are_taken_over_one_by_one(engine: EmbeddedEngine, store: Store) -> None:
    store.publish([replace(CASES[0], title="房屋他项权注销")], by="test")
    store.withdraw("a5", by="test", reason="重复")
    assert "更新" in engine.problem(store)
    assert engine.sync(store) == Changes(changed=1, removed=1)
    assert "a5" not in found(engine, "补办出生医学证明")
    assert next(iter(engine.search(understand("他项权"), Filters(), 9).views["words"].scores)) == "a1"


def test_a_sync_without_changes_changes_nothing(engine: EmbeddedEngine, store: Store) -> None:
    assert engine.sync(store) == Changes()
    assert engine.problem(store) == ""


def test_incremental_and_fresh_index_answer_alike(engine: EmbeddedEngine, store: Store) -> None:
    store.publish([replace(CASES[1], measure="凭居住证提取。")], by="test")
    engine.sync(store)
    query = understand("公积金提取")
    before = engine.search(query, Filters(), 50).views
    engine.sync(store, afresh=True)
    after = engine.search(query, Filters(), 50).views
    assert set(before) == set(after)
    for name, view in before.items():
        assert view.scores == pytest.approx(after[name].scores, abs=1e-6)


@pytest.mark.parametrize("name", ["words.db", "message.faiss", "title.faiss"])
def test_broken_files_are_noticed_and_rebuilt(
    settings: Settings, engine: EmbeddedEngine, store: Store, name: str
) -> None:
    (path,) = engine.folder.glob(f"*/{name}")
    path.write_bytes(b"broken" * 300)
    other = EmbeddedEngine(settings, FakeEmbedder())
    assert "损坏" in other.problem(store)
    other.sync(store)
    assert other.problem(store) == ""
    assert "a2" in found(other, "公积金")


@pytest.mark.parametrize("name", ["words.db", "measure.faiss"])
def test_missing_files_are_noticed(
    settings: Settings, engine: EmbeddedEngine, store: Store, name: str
) -> None:
    (path,) = engine.folder.glob(f"*/{name}")
    path.unlink()
    other = EmbeddedEngine(settings, FakeEmbedder())
    assert "损坏" in other.problem(store) and not other.usable()
    other.sync(store)
    assert other.problem(store) == ""


def test_files_of_two_states_do_not_pass(settings: Settings, engine: EmbeddedEngine, store: Store) -> None:
    (path,) = engine.folder.glob("*/message.faiss")
    earlier = path.read_bytes()
    store.withdraw("a5", by="test", reason="重复")
    engine.sync(store)
    (path,) = engine.folder.glob("*/message.faiss")
    path.write_bytes(earlier)
    assert "损坏" in EmbeddedEngine(settings, FakeEmbedder()).problem(store)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"generation": "x"}', '{"generation": 99}'])
def test_broken_stamp_is_noticed(
    settings: Settings, engine: EmbeddedEngine, store: Store, content: str
) -> None:
    (engine.folder / "current.json").write_text(content)
    other = EmbeddedEngine(settings, FakeEmbedder())
    assert other.problem(store)
    other.sync(store)
    assert other.problem(store) == "" and other.count() == len(CASES)


def test_another_model_or_dictionary_means_a_new_index(
    settings: Settings, engine: EmbeddedEngine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = FakeEmbedder()
    other.fingerprint = "another"
    assert "重建" in EmbeddedEngine(settings, other).problem(store)
    monkeypatch.setattr(words, "fingerprint", lambda: "another")
    assert "重建" in engine.problem(store)


def test_an_interrupted_sync_leaves_the_old_index(
    engine: EmbeddedEngine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.publish([replace(CASES[0], title="换了题目")], by="test")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(engine, "_add", stop)
        engine.sync(store)
    assert "a1" in found(engine, "加名字")
    assert "更新" in engine.problem(store)
    assert engine.sync(store) == Changes(changed=1)


def test_another_process_may_replace_the_index(
    settings: Settings, engine: EmbeddedEngine, store: Store
) -> None:
    assert "a5" in found(engine, "出生医学证明")
    store.withdraw("a5", by="test", reason="重复")
    EmbeddedEngine(settings, FakeEmbedder()).sync(store)
    assert engine.problem(store) == ""
    assert "a5" not in found(engine, "出生医学证明")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"region": "湖南省"}, {"a1", "a2"}),
        ({"region": "长沙"}, {"a1", "a2"}),
        ({"region": "岳麓区"}, {"a1", "a2"}),
        ({"region": "430000"}, {"a1", "a2"}),
        ({"region": "4301"}, {"a1", "a2"}),
        ({"region": "370812"}, {"a3", "a4"}),
        ({"domain": "社保"}, {"a3"}),
        ({"barrier": "互为前置"}, {"a1", "a4"}),
        ({"barrier": "互为前置", "region": "山东省"}, {"a4"}),
        ({"outcome": "部分办成"}, {"a4"}),
        ({"since": "2024-02"}, {"a1", "a3", "a4"}),
        ({"region": "火星"}, set()),
    ],
)
def test_filters(engine: EmbeddedEngine, filters: dict[str, str], expected: set[str]) -> None:
    assert found(engine, "窗口办理公积金登记许可认证名字证明", **filters) == expected


@pytest.mark.parametrize("number", ["a1", "2024-001", "自然资发〔2023〕29号"])
def test_numbers_lead_to_their_case(engine: EmbeddedEngine, number: str) -> None:
    assert "a1" in engine.with_number(understand(number).number or number)


def test_numbers_in_running_text_are_known(engine: EmbeddedEngine) -> None:
    assert engine.with_number("国办发〔2023〕29号") == ["a4"]
