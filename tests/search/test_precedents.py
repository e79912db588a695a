"""What a question gets as its answer."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kb.config import Settings
from kb.errors import Fault
from kb.store import Store
from search import precedents as module
from search import ranking
from search.engine import Filters
from search.engine.embedded import EmbeddedEngine
from search.folding import unfolded
from search.precedents import Precedents

from .conftest import CASES

ANSWER = {"query", "understood", "answerable", "grade", "probability", "note", "departments", "facets", "took_ms",
          "playbooks", "results"}  # fmt: skip
KEYS = {"id", "source_no", "grade", "probability", "alike", "title", "matter", "region", "outcome",
        "barriers", "obstacle", "measure", "basis", "playbook", "score", "why", "highlights", "source"}  # fmt: skip
KINDS = {"词", "义", "同义", "事项", "文号", "地区", "时效", "复用"}


def test_the_answer_has_the_agreed_form(precedents: Precedents) -> None:
    answer = precedents.find("不动产权证加名字", k=3)
    assert set(answer) == ANSWER
    assert answer["answerable"] is True and len(answer["results"]) == 3
    first = answer["results"][0]
    assert set(first) == KEYS and first["id"] == "a1"
    assert first["region"] == "湖南省长沙市岳麓区" and first["matter"] == "不动产转移登记"
    assert first["basis"][0]["valid"] is True
    assert {reason["kind"] for entry in answer["results"] for reason in entry["why"]} <= KINDS
    json.dumps(answer)


def test_results_come_best_first(precedents: Precedents) -> None:
    scores = [entry["score"] for entry in precedents.find("公积金提取")["results"]]
    assert scores == sorted(scores, reverse=True)


def test_highlights_point_at_the_words_asked(precedents: Precedents) -> None:
    first = precedents.find("公積金提取")["results"][0]
    case = next(case for case in CASES if case.id == first["id"])
    marked = [getattr(case, name)[start:end] for name, spans in first["highlights"].items() for start, end in spans]
    assert "公积金" in "".join(marked) and "提取" in marked


def test_words_shared_are_named(precedents: Precedents) -> None:
    first = precedents.find("刷脸认证失败")["results"][0]
    assert any(reason["kind"] == "词" and "认证" in reason["text"] for reason in first["why"])


@pytest.mark.parametrize(
    "typed", ["2024-001", " a1 ", "自然资发〔2023〕29号", "自然资发（2023）29号", "《自然资发[2023]29号》"]
)
def test_a_number_goes_straight_to_its_case(precedents: Precedents, typed: str) -> None:
    answer = precedents.find(typed)
    assert [entry["id"] for entry in answer["results"]] == ["a1"]
    assert answer["answerable"] is True and answer["results"][0]["why"][0]["kind"] == "文号"


def test_nothing_close_is_said_and_the_nearest_shown(precedents: Precedents) -> None:
    answer = precedents.find("明天股票会涨吗")
    assert answer["answerable"] is False and answer["grade"] == "没有找到先例" and answer["results"]


@pytest.mark.parametrize("typed", ["", "   ", "？！。", "\0\x01", "\ud800"])
def test_nothing_asked_gets_a_message(precedents: Precedents, typed: str) -> None:
    answer = precedents.find(typed)
    assert answer["results"] == [] and "请输入" in answer["note"]


def test_long_speech_is_cut_and_told(precedents: Precedents) -> None:
    answer = precedents.find("我要办不动产权证。" * 1200)
    assert "过长" in answer["note"] and answer["results"]


@pytest.mark.parametrize(
    "typed",
    [
        '"',
        "公积金 AND",
        "NEAR(公积金 提取)",
        "title:公积金*",
        "') OR 1=1 --",
        "^公积金",
        "公积金\ud83d",
        "a\0b",
        "-公积金 {提取}",
        "_",
        "٣٤",
    ],
)
def test_operators_are_only_characters(precedents: Precedents, typed: str) -> None:
    answer = precedents.find(typed)
    json.dumps(answer).encode()
    assert isinstance(answer["note"], str)


@given(st.text(alphabet=st.characters(codec=None), max_size=300))
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_gets_an_answer(precedents: Precedents, typed: str) -> None:
    json.dumps(precedents.find(typed), ensure_ascii=False).encode()


def test_filters_narrow_and_are_told_when_nothing_passes(precedents: Precedents) -> None:
    inside = precedents.find("公积金", filters=Filters(region="山东省"))
    assert {entry["id"] for entry in inside["results"]} == {"a3", "a4"}
    assert all({"kind": "地区", "text": "山东省济宁市兖州区"} in entry["why"] for entry in inside["results"])
    assert "放宽" in precedents.find("公积金", filters=Filters(region="火星"))["note"]


def test_exclusions_alone_are_no_question(precedents: Precedents) -> None:
    answer = precedents.find("-餐饮 -食品")
    assert answer["results"] == [] and answer["understood"]["without"] == ["餐饮", "食品"]
    assert "不要的词" in answer["note"]


@pytest.mark.parametrize("typed", ['"公积金" "小餐馆"', '"公积金" -公积金'])
def test_marks_that_no_case_fits_are_told(precedents: Precedents, typed: str) -> None:
    answer = precedents.find(typed)
    assert answer["results"] == [] and "引号" in answer["note"]


@pytest.mark.parametrize("name", [name for name in Filters.__dataclass_fields__ if name not in ("since", "year")])
def test_a_filter_that_is_no_text_is_refused_or_fits_no_case(precedents: Precedents, name: str) -> None:
    try:
        assert precedents.find("公积金", filters=Filters(**{name: "\udcff"}))["results"] == []
    except Fault as fault:
        assert "看不懂" in str(fault)


@pytest.mark.parametrize(
    ("typed", "iso"),
    [("2024", "2024"), ("2024-5", "2024-05"), ("2024.05.01", "2024-05-01"), ("2024年5月1日", "2024-05-01")],
)
def test_dates_are_understood(typed: str, iso: str) -> None:
    assert module.checked(Filters(since=typed)).since == iso


@pytest.mark.parametrize("typed", ["昨天", "2024-13", "20240", "24-1"])
def test_dates_that_are_none_are_refused(typed: str) -> None:
    with pytest.raises(Fault, match="起始日期"):
        module.checked(Filters(since=typed))


def test_an_empty_library_says_so(settings: Settings) -> None:
    assert "还没有" in Precedents(settings).find("公积金")["note"]


def test_a_change_is_found_at_once(precedents: Precedents, store: Store) -> None:
    store.publish([replace(CASES[4], title="船舶检验证书换发")], by="test")
    assert precedents.find("船舶检验")["results"][0]["id"] == "a5"
    store.withdraw("a5", by="test", reason="重复")
    assert "a5" not in {entry["id"] for entry in precedents.find("船舶检验")["results"]}


def test_while_another_process_indexes_the_old_index_serves(
    precedents: Precedents, engine: EmbeddedEngine, store: Store
) -> None:
    store.withdraw("a5", by="test", reason="重复")
    with closing(sqlite3.connect(engine.folder / "lock.db", isolation_level=None)) as other:
        other.execute("begin exclusive")
        answer = precedents.find("出生医学证明")
        assert engine.problem(store) and answer["results"]
        assert "a5" not in {entry["id"] for entry in answer["results"]}
    precedents.find("出生医学证明")
    assert not engine.problem(store)


def test_many_threads_may_ask_while_cases_change(precedents: Precedents, settings: Settings) -> None:
    def change() -> None:
        with Store(settings) as store:
            for number in range(5):
                store.publish([replace(CASES[2], title=f"认证 {number}")], by="test")

    with ThreadPoolExecutor(5) as pool:
        changing = pool.submit(change)
        answers = list(pool.map(lambda _: precedents.find("公积金提取"), range(40)))
        changing.result()
    assert {answer["results"][0]["id"] for answer in answers} == {"a2"}


def test_filters_know_other_words_for_a_value(precedents: Precedents) -> None:
    assert module.checked(Filters(outcome="部分办成")).outcome == "部分办成"
    assert module.checked(Filters(outcome=" 已办结 ", region=" 长沙 ")).region == "长沙"


def test_damage_under_a_running_server_is_repaired(precedents: Precedents, engine: EmbeddedEngine) -> None:
    precedents.find("公积金")
    (path,) = engine.folder.glob("*/words.db")
    path.write_bytes(b"\0" * path.stat().st_size)
    assert precedents.find("公积金提取")["results"][0]["id"] == "a2"


def test_similar_cases_leave_out_the_case_itself(precedents: Precedents) -> None:
    assert "a1" not in {case.id for case, _ in precedents.similar(CASES[0])}


def test_what_was_understood_is_told(precedents: Precedents) -> None:
    answer = precedents.find("“当场受理” 本子上加名字，房子是结婚前买的 -公积金")
    told = answer["understood"]
    assert told["phrases"] == ["当场受理"] and told["without"] == ["公积金"]
    assert {"word": "本子", "terms": ["不动产权证书"]} in told["synonyms"]
    assert [entry["id"] for entry in answer["results"]] == ["a1"]


def test_facets_count_the_result_set(precedents: Precedents) -> None:
    found = precedents.find("食品店的执照和许可互为前置")["facets"]
    assert {"value": "互为前置", "label": "互为前置", "count": 2} in found["barrier"] or found["barrier"][0][
        "count"
    ] == 1
    assert set(found) >= {"domain", "matter", "region", "department", "year", "solidified"}


def test_copies_stand_under_one_result_and_are_listed_for_machines(precedents: Precedents, store: Store) -> None:
    copy = replace(CASES[1], id="b2", source_no="2024-999")
    store.publish([copy], by="test")
    answer = precedents.find("公积金异地提取交房租")
    first = answer["results"][0]
    assert {first["id"], *(one["id"] for one in first["alike"])} == {"a2", "b2"}
    assert {one["id"] for one in unfolded(answer, 2)} == {"a2", "b2"}


def test_the_nearest_hall_comes_first_among_equals(precedents: Precedents, store: Store) -> None:
    store.publish([replace(CASES[1], id="b2", region=dict(CASES[2].region), outcome="部分办成")], by="test")
    for code, expected in (("430104", "a2"), ("370812", "b2")):
        assert precedents.find("公积金异地提取", home=code)["results"][0]["id"] == expected


def test_nothing_found_names_whom_to_ask(precedents: Precedents) -> None:
    answer = precedents.find("今晚的球赛几点开始转播")
    assert answer["answerable"] is False
    assert all(isinstance(name, str) for name in answer["departments"])


def test_a_document_number_that_no_case_names_is_said(precedents: Precedents) -> None:
    answer = precedents.find("国发〔2019〕15号")
    assert answer["note"] == module.NO_NUMBER and answer["results"]
    assert precedents.find("自然资发〔2023〕29号")["note"] == ""


def test_many_results_are_answered_without_comparing_all_of_them(
    precedents: Precedents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ranking.settings(), "folded", 2)
    assert len(precedents.find("公积金提取", k=1000)["results"]) == len(CASES)
