"""A few changes of a larger index: taken over in place, equal to a rebuild, seen by whoever has it open."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from kb.config import Settings
from kb.model import Case
from kb.store import Store
from search.embedder.fake import FakeEmbedder
from search.engine import Changes, Filters
from search.engine import embedded as module
from search.engine.embedded import EmbeddedEngine
from search.precedents import Precedents
from search.query import understand
from tests.bench import synthetic

MANY = 120
ASKED = ("房产证上加名字", "公司注册刷脸认证过不去", "公积金提取", "水管", "船舶检验证书")
SHIP = Case("zz01", title="船舶检验证书换发", demand="船舶检验证书到期，没有地方换。", measure="请海事部门上门。",
            domain="船舶", outcome="办成")  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "library", embedding_model="fake")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with Store(settings) as store:
        store.publish(synthetic.cases(MANY), by="test")
        yield store


@pytest.fixture
def engine(settings: Settings, store: Store) -> EmbeddedEngine:
    engine = EmbeddedEngine(settings, FakeEmbedder())
    engine.sync(store)
    return engine


def views(engine: EmbeddedEngine, text: str, **filters: str) -> dict[str, tuple[dict[str, float], float, float]]:
    found = engine.search(understand(text), Filters(**filters), 1000).views
    return {name: (view.scores, view.mean, view.deviation) for name, view in found.items()}


def assert_like_a_rebuild(engine: EmbeddedEngine, settings: Settings, store: Store) -> None:
    """The same scores, spread, counts and sounds as an index that is built from nothing in another folder."""
    other = EmbeddedEngine(settings, FakeEmbedder())
    other.folder = other.folder.with_name("other")
    other.sync(store, afresh=True)
    assert engine.count() == other.count()
    for text in ASKED:
        for filters in ({}, {"outcome": "办成"}):
            mine, fresh = views(engine, text, **filters), views(other, text, **filters)
            assert mine.keys() == fresh.keys()
            for name, (scores, mean, deviation) in mine.items():
                assert scores == pytest.approx(fresh[name][0], abs=1e-6)
                assert (mean, deviation) == pytest.approx(fresh[name][1:], abs=1e-6)
    with engine._words() as words, other._words() as rebuilt:
        sounds = "select * from sounds order by word"
        assert words._db.execute(sounds).fetchall() == rebuilt._db.execute(sounds).fetchall()


def generation(engine: EmbeddedEngine) -> int:
    return int(engine._stamp()["generation"])


def test_one_case_is_taken_over_in_place_and_equals_a_rebuild(
    engine: EmbeddedEngine, settings: Settings, store: Store
) -> None:
    before = generation(engine)
    store.publish([SHIP], by="test")
    assert engine.sync(store) == Changes(added=1)
    assert generation(engine) == before and not engine.problem(store)
    assert_like_a_rebuild(engine, settings, store)


def test_changed_and_removed_cases_equal_a_rebuild(engine: EmbeddedEngine, settings: Settings, store: Store) -> None:
    first, second, *_ = store.published()
    store.publish([replace(first, title="船舶检验证书", demand="船舶检验证书怎么换。")], by="test")
    store.withdraw(second.id, by="test", reason="重复")
    assert engine.sync(store) == Changes(changed=1, removed=1)
    assert_like_a_rebuild(engine, settings, store)
    store.publish([first, second], by="test")  # back as they were
    assert engine.sync(store) == Changes(changed=1, added=1)
    assert_like_a_rebuild(engine, settings, store)


def test_the_last_case_may_go_and_come_again(engine: EmbeddedEngine, settings: Settings, store: Store) -> None:
    store.publish([SHIP], by="test")
    engine.sync(store)
    for _ in range(2):
        store.withdraw(SHIP.id, by="test", reason="重复")
        engine.sync(store)
        store.publish([SHIP], by="test")
        engine.sync(store)
    assert_like_a_rebuild(engine, settings, store)


def test_what_gathers_is_written_into_the_files(engine: EmbeddedEngine, settings: Settings, store: Store) -> None:
    before = generation(engine)
    chance = random.Random(1)
    published = list(store.published())
    for case in chance.sample(published, 20):
        store.publish([replace(case, title=f"{case.title}（二）")], by="test")
        assert engine.sync(store) == Changes(changed=1)
    assert generation(engine) > before
    assert_like_a_rebuild(engine, settings, store)


def test_many_changes_are_a_new_generation(engine: EmbeddedEngine, settings: Settings, store: Store) -> None:
    before = generation(engine)
    store.publish(synthetic.cases(30, first=1 << 20), by="test")
    assert engine.sync(store) == Changes(added=30)
    assert generation(engine) == before + 1
    assert_like_a_rebuild(engine, settings, store)


def test_another_process_sees_a_change_made_in_place(settings: Settings, engine: EmbeddedEngine, store: Store) -> None:
    other = EmbeddedEngine(settings, FakeEmbedder())
    assert SHIP.id not in views(other, "船舶检验证书")["words"][0]
    store.publish([SHIP], by="test")
    engine.sync(store)
    assert not other.problem(store)
    assert SHIP.id in views(other, "船舶检验证书")["words"][0]


def test_a_search_goes_on_in_the_state_that_it_began_in(engine: EmbeddedEngine, store: Store) -> None:
    with engine._using() as opened:
        store.publish([SHIP], by="test")
        engine.sync(store)
        assert engine.with_number("ZZ01") == [SHIP.id]  # others see the new one
        with opened.lock:
            assert opened.words.with_number("ZZ01") == []
    assert opened.retired and not opened.users


def test_a_cut_off_change_leaves_what_there_was(
    engine: EmbeddedEngine, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    store.publish([SHIP], by="test")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(engine, "_add", stop)
        engine.sync(store)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(engine, "_stamp_with", stop)  # written, but not yet stamped
        engine.sync(store)
    other = EmbeddedEngine(settings, FakeEmbedder())
    assert "更新" in other.problem(store)
    other.sync(store)
    assert not other.problem(store)
    assert_like_a_rebuild(other, settings, store)


def test_words_older_than_their_stamp_are_not_trusted(engine: EmbeddedEngine, settings: Settings, store: Store) -> None:
    (path,) = engine.folder.glob("*/words.db")
    earlier = path.read_bytes()
    store.publish([SHIP], by="test")
    engine.sync(store)
    for name in path.parent.glob("words.db*"):
        name.unlink()
    path.write_bytes(earlier)
    assert "损坏" in EmbeddedEngine(settings, FakeEmbedder()).problem(store)


def test_a_library_brought_back_from_a_copy_is_noticed(
    engine: EmbeddedEngine, settings: Settings, store: Store
) -> None:
    """It has the version of the index, but other cases."""
    version = store.version()
    copy = sqlite3.connect(":memory:")
    with closing(copy):
        store.library.conn.backup(copy)
        store.publish([SHIP], by="test")
        engine.sync(store)
        copy.backup(store.library.conn)
    assert store.version() == version
    store.publish([replace(SHIP, id="zz02")], by="test")
    assert store.version() == engine._stamp()["version"]
    assert "更新" in engine.problem(store)
    engine.sync(store)
    assert_like_a_rebuild(engine, settings, store)


def test_changes_by_hand_are_logged(store: Store) -> None:
    stamp = store.stamp()
    first, second, third, *_ = (case.id for case in store.published())
    run = store.library.conn.execute
    run("update cases set title = '手工' where id = ?", [first])
    run("update cases set id = 'renamed' where id = ?", [second])
    run("insert or replace into cases (id, state) values (?, 'published')", [third])
    run("delete from cases where id = ?", [third])
    assert store.changed_since(stamp) == {first, second, "renamed", third}
    assert store.changed_since({**stamp, "mark": stamp["mark"] + 1}) is None
    assert store.changed_since({"version": -1, "mark": 0}) is None


def test_searches_do_not_wait_for_a_server_that_takes_changes_over(
    engine: EmbeddedEngine, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    searcher = Precedents(settings, engine, aside=True)
    begun, go_on, synced = threading.Event(), threading.Event(), threading.Event()
    add, sync = engine._add, engine.sync

    def slow(*args: object) -> None:
        begun.set()
        assert go_on.wait(60)
        add(*args)  # type: ignore[arg-type]

    def watched(*args: object, **named: object) -> Changes | None:
        done = sync(*args, **named)  # type: ignore[arg-type]
        synced.set()
        return done

    monkeypatch.setattr(engine, "_add", slow)
    monkeypatch.setattr(engine, "sync", watched)
    store.publish([SHIP], by="test")
    assert searcher.find("公积金提取")["results"]
    assert begun.wait(60)
    assert SHIP.id not in {entry["id"] for entry in searcher.find("船舶检验证书")["results"]}
    go_on.set()
    assert synced.wait(60)
    assert searcher.find("船舶检验证书")["results"][0]["id"] == SHIP.id


def test_a_large_index_is_read_aside_while_the_old_one_serves(
    engine: EmbeddedEngine, settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert views(engine, "公积金提取")["words"]
    monkeypatch.setattr(module, "SMALL", 0)
    go_on, renewed = threading.Event(), threading.Event()
    read, renew = engine._read, engine._renew

    def slow(stamp: dict[str, object]) -> object:
        assert go_on.wait(60)
        return read(stamp)

    def watched() -> None:
        renew()
        renewed.set()

    monkeypatch.setattr(engine, "_read", slow)
    monkeypatch.setattr(engine, "_renew", watched)
    store.publish([SHIP], by="test")
    EmbeddedEngine(settings, FakeEmbedder()).sync(store, afresh=True)
    assert SHIP.id not in views(engine, "船舶检验证书")["words"][0]
    go_on.set()
    assert renewed.wait(60)
    assert SHIP.id in views(engine, "船舶检验证书")["words"][0]
