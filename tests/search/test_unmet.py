"""What is kept of questions, how unmet ones are grouped, who is named as responsible, and kb unmet."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

import kb.store
from kb.config import Settings
from kb.model import Case
from kb.store import Store
from search import plugin, unmet
from search.calibration import NONE, PERHAPS, PRECEDENT
from search.embedder.fake import FakeEmbedder
from search.engine import Filters
from search.unmet_commands import unmet as command

PHONE, CARD = "13812345678", "11010519491231002X"  # the card: the example of GB 11643


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the time at which questions are asked."""

    def set_to(time: str) -> None:
        monkeypatch.setattr(kb.store, "now", lambda: f"{time}+08:00")

    return set_to


def asked(store: Store) -> dict[str, int]:
    return {one.text: sum(count["asked"] for count in one.counts) for one in store.questions()}


def test_a_question_is_counted_with_its_month_grade_and_filters(store: Store, clock: Callable[[str], None]) -> None:
    clock("2026-05-30T10:00:00")
    assert unmet.record(store, "宠物狗办证去哪里？", NONE, Filters(region="4301", domain="公积金"))
    clock("2026-06-01T10:00:00")
    assert unmet.record(store, "宠物狗 办证去哪里", NONE, Filters(region="岳麓区"))
    (one,) = store.questions()
    assert (one.text, one.folded, one.first[:10], one.last[:10]) == (
        "宠物狗办证去哪里？", "宠物狗办证去哪里", "2026-05-30", "2026-06-01",
    )  # fmt: skip
    assert one.counts == [
        {"month": "2026-05", "grade": NONE, "region": "湖南省长沙市", "domain": "公积金", "hall_code": "", "asked": 1},
        {"month": "2026-06", "grade": NONE, "region": "湖南省长沙市岳麓区", "domain": "", "hall_code": "", "asked": 1},
    ]
    assert [count["month"] for one in store.questions("2026-06") for count in one.counts] == ["2026-06"]


def test_a_page_loaded_again_is_not_a_second_asking(store: Store, clock: Callable[[str], None]) -> None:
    clock("2026-05-01T10:00:00")
    assert unmet.record(store, "宠物狗办证去哪里", NONE)
    clock("2026-05-01T10:00:59")
    assert not unmet.record(store, "宠物狗办证去哪里", NONE)
    clock("2026-05-01T10:01:00")
    assert unmet.record(store, "宠物狗办证去哪里", NONE)
    assert asked(store) == {"宠物狗办证去哪里": 2}


def test_a_question_half_typed_gives_way_to_the_whole(store: Store, clock: Callable[[str], None]) -> None:
    clock("2026-05-01T10:00:00")
    unmet.record(store, "二手房过户", PRECEDENT)
    clock("2026-05-01T11:00:00")
    unmet.record(store, "宠物狗办证", NONE)
    clock("2026-05-01T11:00:20")
    unmet.record(store, "宠物狗办证去哪里", NONE)
    unmet.record(store, "二手房过户要多久", NONE)
    assert list(asked(store)) == ["二手房过户", "宠物狗办证去哪里", "二手房过户要多久"]
    assert len(list(store.workbench.table("question_counts").rows)) == 3


@pytest.mark.parametrize(
    "typed", ["", "  ", "？？？", "2024-001", PHONE, CARD, "王小明", "社保", "shebaoka", "国办发〔2023〕29号",
              "1234 5678", "\ud800", "张伟"],
)  # fmt: skip
def test_what_is_no_question_is_not_kept(store: Store, typed: str) -> None:
    assert not unmet.record(store, typed, NONE)
    assert store.questions() == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("我叫王小明，办不了社保卡", "我叫〔姓名1〕，办不了社保卡"),
        (f"打电话{PHONE}没人接怎么投诉", "打电话〔手机号〕没人接怎么投诉"),
        (f"身份证{CARD}的社保断缴", "身份证〔身份证号〕的社保断缴"),
        ("張偉傑的房子怎麼過戶", "〔姓名1〕的房子怎么过户"),
        ("学生编号20230145的学籍查不到", "学生编号〔号码〕的学籍查不到"),
        ("帐号abc_2023x登录不了政务网", "帐号〔号码〕登录不了政务网"),
        ("帐号ＡＢ２０２３０１登不上，ETC办不了", "帐号〔号码〕登不上，ETC办不了"),
        ("按国办发〔2023〕29号能不能容缺办理", "按国办发〔2023〕29号能不能容缺办理"),
        ("2岁孩子\n落户  要什么材料", "2岁孩子 落户 要什么材料"),
    ],
)
def test_personal_data_does_not_get_in(typed: str, kept: str) -> None:
    assert unmet.deidentified(typed) == kept


def test_doubtful_data_is_replaced_too() -> None:
    wrong_check_digit = "6222021234567890123"
    assert wrong_check_digit[:6] not in unmet.deidentified(f"银行卡{wrong_check_digit}社保待遇发不进来")


@pytest.mark.parametrize("before", range(184, 201))
def test_a_number_at_the_cut_is_not_cut_in_two(before: int) -> None:
    text = "办" * before + CARD
    kept = unmet.deidentified(text)
    assert len(kept) <= 200 and not any(char.isdigit() for char in kept) and not kept.endswith("〔")


@given(st.text(max_size=300))
@examples(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_input_and_no_long_number_gets_through(text: str) -> None:
    kept = unmet.deidentified(text + PHONE)
    assert PHONE not in kept and len(kept) <= 200
    kept.encode()


def test_filters_are_kept_only_by_names_of_our_lists(store: Store) -> None:
    unmet.record(store, "宠物狗办证去哪里", NONE, Filters(region="张伟家", domain=PHONE))
    (one,) = store.questions()
    assert (one.counts[0]["region"], one.counts[0]["domain"]) == ("", "")


def test_a_locked_database_is_skipped_and_the_log_does_not_quote(
    store: Store, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    other = sqlite3.connect(settings.workbench_path, isolation_level=None)
    other.execute("begin immediate")
    with caplog.at_level(logging.WARNING):
        assert not unmet.record(store, "宠物狗办证去哪里", NONE)
    other.execute("rollback")
    other.close()
    assert "OperationalError" in caplog.text and "宠物" not in caplog.text
    assert unmet.record(store, "宠物狗办证去哪里", NONE)
    assert store.workbench.execute("pragma busy_timeout").fetchone() == (10_000,)


def test_recording_in_the_background_arrives(store: Store, settings: Settings) -> None:
    assert unmet.record_soon(settings, "宠物狗办证去哪里", NONE).result(timeout=30)
    assert asked(store) == {"宠物狗办证去哪里": 1}


def test_recording_where_there_is_no_folder_harms_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert unmet.record_soon(Settings(tmp_path / "file" / "x"), "宠物狗办证去哪里", NONE).result(timeout=30) is False


def test_of_too_many_questions_the_oldest_go(store: Store, clock: Callable[[str], None]) -> None:
    for number in range(100):
        clock(f"2026-05-01T{number // 60:02}:{number % 60:02}:00")
        store.log_question(f"问题{number}", f"问题{number}", NONE, pause=0, keep=10)
    assert [one.text for one in store.questions()] == [f"问题{number}" for number in range(90, 100)]
    assert len(list(store.workbench.table("question_counts").rows)) == 10


def test_frequent_questions_were_answered_and_hold_nothing_redacted(store: Store, clock: Callable[[str], None]) -> None:
    for day in range(1, 5):
        clock(f"2026-05-0{day}T10:00:00")
        unmet.record(store, "公积金异地提取", PRECEDENT)
        unmet.record(store, "王小明的公积金提取", PRECEDENT)
        unmet.record(store, "宠物狗办证去哪里", NONE)
        if day < 4:
            unmet.record(store, "老人认证不通过", PERHAPS)
        if day < 3:
            unmet.record(store, "补办出生证明", PRECEDENT)
    assert unmet.frequent(store) == [("公积金异地提取", 4), ("老人认证不通过", 3)]
    assert unmet.frequent(store, least=4) == [("公积金异地提取", 4)]


@pytest.fixture
def log(store: Store, clock: Callable[[str], None]) -> Store:
    """Two needs (the first in three wordings) and a question that was answered."""
    for time, text, grade in [
        ("2026-03-01T08:00:00", "宠物狗办证去哪里", NONE),
        ("2026-04-01T08:00:00", "去哪里办证宠物狗", NONE),
        ("2026-04-02T08:00:00", "去哪里办证宠物狗", NONE),
        ("2026-04-03T08:00:00", "无人机飞行要审批吗", NONE),
        ("2026-04-04T08:00:00", "公积金异地提取", PRECEDENT),
        ("2026-05-01T08:00:00", "去哪里办证,宠物狗一只", NONE),
    ]:
        clock(time)
        unmet.record(store, text, grade, Filters(region="济宁市"))
    return store


def test_questions_with_the_same_words_are_one_need(log: Store) -> None:
    first, *others = unmet.needs(log)
    assert (first.text, first.asked, first.months) == ("去哪里办证宠物狗", 3, {"2026-03": 1, "2026-04": 2})
    assert (first.first[:10], first.last[:10], first.regions) == ("2026-03-01", "2026-04-02", {"山东省济宁市": 3})
    assert [need.text for need in others] == ["无人机飞行要审批吗", "去哪里办证,宠物狗一只"]


def test_questions_near_in_meaning_are_one_need(log: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {**unmet.settings(), "similar": {"fake": 0.6}}
    monkeypatch.setattr(unmet, "settings", lambda: chosen)
    first, second = unmet.needs(log, FakeEmbedder())
    assert [len(need.questions) for need in (first, second)] == [3, 1] and first.asked == 4


def test_a_chain_of_wordings_does_not_make_one_need(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fan:
        """Vectors 30 degrees apart."""

        fingerprint, dim = "fan", 2

        def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
            angles = np.radians(30 * np.arange(len(texts)))
            return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)

        encode_passages = encode_queries

    chosen = {**unmet.settings(), "similar": {"fan": 0.8}}
    monkeypatch.setattr(unmet, "settings", lambda: chosen)
    assert unmet._groups(["办证甲乙", "落户丙丁", "年检戊己", "提取庚辛"], Fan()) == [0, 0, 2, 2]


def test_needs_of_some_months_and_settled_ones(log: Store) -> None:
    assert [need.months for need in unmet.needs(log, since="2026-05-01")] == [{"2026-05": 1}]
    drones = next(need for need in unmet.needs(log) if "无人机" in need.text)
    log.close_questions([drones.id], reason="不属于政务服务")
    assert drones.id not in {need.id for need in unmet.needs(log)}
    settled = next(need for need in unmet.needs(log, closed=True) if need.id == drones.id)
    assert settled.questions[0]["reason"] == "不属于政务服务"


def test_beyond_the_most_asked_questions_stand_alone(log: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {**unmet.settings(), "grouped": 1}
    monkeypatch.setattr(unmet, "settings", lambda: chosen)
    assert [len(need.questions) for need in unmet.needs(log)] == [1, 1, 1, 1]


def test_who_is_responsible() -> None:
    cases = [
        Case("1", lead_dept="县医保局"),
        Case("2", lead_dept="市人社局、市医疗保障局"),
        Case("3", lead_dept="某某盐业专卖办"),
        Case("4", measure="经市公安局核实后办理。"),
        Case("5", lead_dept="县政府"),
        Case("6"),
    ]
    assert unmet.responsible(cases) == ["医疗保障局", "人力资源和社会保障局", "某某盐业专卖办"]
    assert unmet.responsible(cases[3:]) == ["公安局"]
    assert unmet.responsible([Case("5", lead_dept="县人民政府")]) == ["人民政府"]
    assert unmet.responsible([]) == [] == unmet.responsible([Case("6")])


# kb unmet


def run(store: Store, *arguments: str) -> Result:
    data = store.settings.data_dir
    (data / "kb.toml").write_text('[embedding]\nmodel = "fake"\n', "utf-8")
    return CliRunner(env={"KB_DATA": str(data)}).invoke(command, arguments)


def test_list_for_people_and_as_json(log: Store) -> None:
    shown = run(log, "list").stdout.splitlines()
    assert shown[0].split() == ["2", "3", "次", "2026-03", "至", "2026-04", "去哪里办证宠物狗（2", "种问法）"]
    found = json.loads(run(log, "list", "--json").stdout)
    assert [need["asked"] for need in found] == [3, 1, 1]
    assert json.loads(run(log, "list", "--since", "2026-05", "--json").stdout)[0]["months"] == {"2026-05": 1}


def test_show_tells_months_and_wordings(log: Store) -> None:
    shown = run(log, "show", "1").stdout
    assert all(text in shown for text in ("共问 3 次", "2026-04 2 次", "山东省济宁市 3 次", "宠物狗办证去哪里"))
    assert json.loads(run(log, "show", "2", "--json").stdout)["id"] == 2


def test_close_with_a_case_closes_every_wording(log: Store) -> None:
    assert "2 个问法" in run(log, "close", "1", "--case", "a1").stderr
    assert [one.case_id for one in log.questions() if one.closed] == ["a1", "a1"]
    assert "a1" in run(log, "show", "1").stdout
    assert "宠物狗办证" not in run(log, "list").stdout


def test_close_one_wording_for_a_reason_without_names(log: Store) -> None:
    run(log, "close", "1", "--only", "--reason", f"王小明来电{PHONE}说不办了")
    (closed,) = [one for one in log.questions() if one.closed]
    assert closed.id == 1 and "王小明" not in closed.reason and PHONE not in closed.reason


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "99"], "没有编号为 99 的问题"),
        (["close", "99", "--reason", "无"], "没有编号为 99 的问题"),
        (["close", "99", "--only", "--reason", "无"], "没有编号为 99 的问题"),
        (["close", "1", "--case", "nowhere"], "没有编号为 nowhere 的已入库案例"),
        (["list", "--since", "去年"], "起始日期看不懂"),
    ],
)
def test_what_cannot_be_done_is_said(log: Store, arguments: list[str], message: str) -> None:
    assert message in str(run(log, *arguments).exception)


@pytest.mark.parametrize("arguments", [["close", "1"], ["close", "1", "--case", "a1", "--reason", "无"], ["show", "x"]])
def test_wrong_usage(log: Store, arguments: list[str]) -> None:
    assert run(log, *arguments).exit_code == 2


def test_the_command_is_registered() -> None:
    from kb.cli import KbGroup

    cli = KbGroup("kb")
    plugin.kb_register_commands(cli)
    assert "unmet" in cli.commands
