"""The embedded engine: what it holds, when it trusts its files, what it finds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kb.config import Settings
from kb.model import Case
from kb.store import Store
from search import words
from search.embedder.fake import FakeEmbedder
from search.engine import Changes, Filters
from search.engine.embedded import EmbeddedEngine
from search.query import Query, Synonym, understand

from .conftest import CASES, CHANGSHA, JINING

#: What every case of `CASES` is near to in some view.
ALL = "窗口办理公积金登记许可认证名字证明"


def found(engine: EmbeddedEngine, text: str, **filters: str) -> set[str]:
    """Ids that any view lists."""
    return listed(engine, understand(text), **filters)


def listed(engine: EmbeddedEngine, query: Query, **filters: str) -> set[str]:
    """Ids that any view lists."""
    answer = engine.search(query, Filters(**filters), 50)
    return {case_id for view in answer.views.values() for case_id in view.scores}


def holding(engine: EmbeddedEngine, *phrases: str, without: tuple[str, ...] = ()) -> set[str]:
    """Ids of the cases that hold *phrases* and nothing of *without*."""
    return listed(engine, replace(understand(ALL), phrases=phrases, without=without))


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
def test_missing_files_are_noticed(settings: Settings, engine: EmbeddedEngine, store: Store, name: str) -> None:
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
def test_broken_stamp_is_noticed(settings: Settings, engine: EmbeddedEngine, store: Store, content: str) -> None:
    (engine.folder / "current.json").write_text(content)
    other = EmbeddedEngine(settings, FakeEmbedder())
    assert other.problem(store)
    other.sync(store)
    assert other.problem(store) == "" and other.count() == len(CASES)


def test_a_stamp_without_a_count_is_noticed(engine: EmbeddedEngine, store: Store) -> None:
    path = engine.folder / "current.json"
    path.write_text(path.read_text().replace(f'"cases": {len(CASES)}', '"cases": "many"'))
    assert "尚未" in engine.problem(store)
    engine.sync(store)
    assert engine.count() == len(CASES)


def test_a_broken_lock_is_made_anew(engine: EmbeddedEngine, store: Store) -> None:
    store.withdraw("a5", by="test", reason="重复")
    (engine.folder / "lock.db").write_bytes(b"no database, but long enough to look like one" * 30)
    engine.sync(store)
    assert engine.count() == len(CASES) - 1


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


def test_another_process_may_replace_the_index(settings: Settings, engine: EmbeddedEngine, store: Store) -> None:
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
    assert found(engine, ALL, **filters) == expected


MORE = [
    Case("b1", title="身份证到期换领", demand="身份证到期了。", measure="窗口当场换领。", region=JINING,
         matter={"name": "居民身份证换领", "standard": "居民身份证办理", "code": "11370812MB28000000437010"},
         handling=["当场办结", "帮办代办"], lead_dept="兖州区公安局", accepted="2022-12-31",
         solidified={"kind": "流程", "text": "改为一次办"}),
    Case("b2", title="医保 关系转移", demand="转不出来。", measure="两地协同。", region=CHANGSHA, handling=["协办"],
         matter={"name": "医保关系转移（跨省）"}, lead_dept="长沙市医疗保障局", coop_depts=["兖州区医保局"],
         received="2023-01-01", closed="2024-01-02", solidified={"text": "否"}),
    Case("b3", title="身份证异地受理", domain="住房公积金", measure="跨省通办。", lead_dept="公安局",
         matter={"name": "身份证", "standard": "居民身份证办理"}, solidified={"text": "办事指南改了"}),
]  # fmt: skip


@pytest.fixture
def full(engine: EmbeddedEngine, store: Store) -> EmbeddedEngine:
    """The engine of `CASES` with cases that have more fields."""
    store.publish(MORE, by="test")
    engine.sync(store)
    return engine


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"matter": "不动产转移登记"}, {"a1"}),
        ({"matter": "居民身份证办理"}, {"b1", "b3"}),
        ({"matter": "居民身份证换领"}, {"b1"}),
        ({"matter": "11370812mb28000000437010"}, {"b1"}),
        ({"matter": "医保关系转移(跨省)"}, {"b2"}),
        ({"matter": "补办身份证"}, {"b1", "b3"}),  # no case says just this: another name of the standard matter
        ({"matter": "养狗登记"}, set()),
        ({"handling": "帮办代办"}, {"b1"}),
        ({"domain": "公积金"}, {"a2", "b3"}),  # b3 says it in another word
        ({"department": "不动产登记中心"}, {"a1"}),
        ({"department": "兖州区医保局"}, {"b2"}),
        ({"department": "医疗保障局"}, {"b2"}),
        ({"department": "医保局"}, {"b2"}),
        ({"department": "公安局"}, {"b3"}),  # a case says just this
        ({"department": "曲阜市公安局"}, set()),
        ({"year": "2024"}, {"a1", "a3", "a4", "b2"}),
        ({"year": "2022"}, {"b1"}),
        ({"solidified": "是"}, {"b1", "b3"}),
        ({"solidified": "否", "year": "2024", "region": "430000"}, {"a1", "b2"}),
    ],
)
def test_more_filters(full: EmbeddedEngine, filters: dict[str, str], expected: set[str]) -> None:
    assert found(full, ALL + "身份证医保", **filters) == expected


@pytest.mark.parametrize(
    ("phrases", "expected"),
    [
        (["互为前置"], {"a4"}),  # a1 has it only as a label
        (["带押"], {"a1"}),
        (["押"], {"a1"}),
        (["公积金", "跨省通办"], {"a2"}),
        (["公積金"], {"a2"}),
        (["医保关系 转移"], {"b2"}),
        (["居民身份證换领"], {"b1"}),
        (["证换"], {"b1"}),
        (["金异地提"], {"a2"}),
        (["妻子的名字。"], {"a1"}),
        (["自然资发〔2023〕29号"], {"a1"}),
        (['" OR title:"'], set()),
        (["%"], set()),
        (["'); drop table cases; --"], set()),
        (["　"], {case.id for case in [*CASES, *MORE]}),
    ],
)
def test_phrases_must_stand_in_the_case(full: EmbeddedEngine, phrases: list[str], expected: set[str]) -> None:
    assert holding(full, *phrases) == expected


def test_what_is_left_out_is_not_listed(full: EmbeddedEngine) -> None:
    every = {case.id for case in [*CASES, *MORE]}
    assert holding(full, without=("身份证",)) == every - {"b1", "b3"}
    assert holding(full, "身份证", without=("异地", "*")) == {"b1"}
    assert holding(full, "身份证", without=("身份证",)) == set()
    query = replace(understand(ALL), phrases=("身份证",))
    assert listed(full, query, region="济宁市") == {"b1"}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_may_be_a_phrase(engine: EmbeddedEngine, text: str) -> None:
    everything = {case.id for case in CASES}
    held, others = holding(engine, text), holding(engine, without=(text,))
    assert held | others == everything
    assert not held & others or not text.strip()


def test_official_terms_are_a_view_of_their_own(engine: EmbeddedEngine) -> None:
    asked = understand("本子上添人")
    assert engine.search(asked, Filters(), 9).views["official"].scores == {}
    asked = replace(asked, synonyms=(Synonym("本子", ("不动产权证", "房屋所有权证")), Synonym("添人", ("加名字",))))
    assert list(engine.search(asked, Filters(), 9).views["official"].scores) == ["a1"]
    assert engine.search(asked, Filters(region="济宁市"), 9).views["official"].scores == {}


def test_meaning_is_embedded_not_what_was_typed(engine: EmbeddedEngine) -> None:
    asked = understand("公积金提取")
    misspelt = replace(asked, text="公鸡金提取")
    views = [engine.search(one, Filters(), 9).views["message"].scores for one in (asked, misspelt)]
    assert views[0] == views[1]


def test_counts_of_words_and_of_pairs(engine: EmbeddedEngine) -> None:
    asked = ["公积金", "許可", "刷脸", "脸认", "外星人", "", '"', "*"]
    assert engine.counts(asked) == {"公积金": 1, "許可": 1, "刷脸": 1, "脸认": 1}
    assert engine.counts([]) == {}


def test_homophones_are_words_of_several_cases(engine: EmbeddedEngine, store: Store) -> None:
    assert engine.homophones("renzheng") == []
    store.publish([Case("c1", title="资格认证"), Case("c2", title="认证失败"), Case("c3", title="人证不符")], by="test")
    engine.sync(store)
    assert engine.homophones("renzheng") == [("认证", 3)]
    store.publish([Case("c4", title="人证核验"), Case("c5", title="人证"), Case("c6", title="人证合一")], by="test")
    engine.sync(store)
    assert engine.homophones("renzheng") == [("人证", 4), ("认证", 3)]
    for case_id in ("c1", "c2"):
        store.withdraw(case_id, by="test", reason="重复")
    engine.sync(store)
    known = engine.homophones("renzheng")
    engine.sync(store, afresh=True)
    assert engine.homophones("renzheng") == known == [("人证", 4)]
    assert engine.homophones("' or 1=1") == []


def test_cases_with_all_words(engine: EmbeddedEngine) -> None:
    assert engine.with_words(["许可"]) == {"a4"}
    assert engine.with_words(["缴存", "公积金"]) == {"a2"}
    assert engine.with_words(["公积金", "许可"]) == set()
    assert engine.with_words(['"', "公积金"]) == engine.with_words([]) == set()


@pytest.mark.parametrize("number", ["a1", "2024-001", "自然资发〔2023〕29号"])
def test_numbers_lead_to_their_case(engine: EmbeddedEngine, number: str) -> None:
    assert "a1" in engine.with_number(understand(number).number or number)


def test_the_code_of_an_item_leads_to_its_cases(full: EmbeddedEngine) -> None:
    typed = understand("11370812 mb28000000437010").number
    assert full.with_number(typed) == ["b1"]


def test_numbers_in_running_text_are_known(engine: EmbeddedEngine) -> None:
    assert engine.with_number("国办发〔2023〕29号") == ["a4"]
