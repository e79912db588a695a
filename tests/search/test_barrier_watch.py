"""Rules on barriers: when they hold, whom they tell, how often, and that they never stand in the way of a publish."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kb.config import Settings
from kb.errors import Conflict, Fault, Missing
from kb.store import Store, writing
from search import barrier_commands
from search.insight import watch

from .insights import LIANJIANG, MINHOU, YANGGU, case, classed, ids, publish

ADDRESS: dict[str, Any] = {"obstacle": "网签合同的地址属历史遗留，和门牌对不上"}


@pytest.fixture
def store(settings: Settings) -> Any:
    with Store(settings) as opened:
        yield opened


def test_words_hold_with_enough_halls_in_the_days(store: Store) -> None:
    number = watch.add(store, "li", words="网签历史遗留", halls=3, days=90)
    publish(store, [case(1, "2024-03-01", **ADDRESS), case(2, "2024-04-01", LIANJIANG, **ADDRESS),
                    case(3, "2023-04-01", YANGGU, **ADDRESS)])  # fmt: skip
    assert watch.evaluate(store) == []
    publish(store, [case(4, "2024-05-01", YANGGU, **ADDRESS), case(5, "2024-05-01", YANGGU, obstacle="只说网签")])
    (raised,) = watch.evaluate(store)
    assert raised.rule == number and raised.class_id == "" and not raised.seen
    assert raised.text == "“网签历史遗留”：2024-03-01 至 2024-05-01 有 3 件，涉及 3 个大厅"


def test_a_word_that_the_dictionary_does_not_know_is_looked_for_whole(store: Store) -> None:
    publish(store, [case(1, obstacle="刷脸总是不过"), case(2, obstacle="脸上有伤，刷卡不过")])
    watch.add(store, "li", words="刷脸")
    (raised,) = watch.evaluate(store)
    assert raised.case_ids == ids(1)
    publish(store, [case(3, obstacle="社保认证要刷脸")])
    watch.add(store, "li", name="两个词", words="社保 刷脸")
    assert [one.case_ids for one in watch.evaluate(store)] == [ids(3)]


def test_a_class_and_a_barrier_type_are_looked_at_class_by_class(store: Store) -> None:
    publish(store, [case(1), case(2, hall=LIANJIANG), case(3), case(4, hall=YANGGU)])
    classed(store, "c1", 1, 2)
    classed(store, "c2", 3, 4)
    by_class = watch.add(store, "li", class_id="c1", cases=2)
    by_type = watch.add(store, "li", barrier="信息不一致", halls=2)
    assert {(one.rule, one.class_id) for one in watch.evaluate(store)} == {
        (by_class, "c1"), (by_type, "c1"), (by_type, "c2"),
    }  # fmt: skip


def test_a_notice_is_raised_once_until_seen_and_again_only_for_new_cases(store: Store) -> None:
    watch.add(store, "li", words="门牌地址")
    publish(store, [case(1)])
    (first,) = watch.evaluate(store)
    assert watch.evaluate(store) == []
    assert watch.mark_seen(store, "li", first.id) == 1 and watch.mark_seen(store, "li") == 0
    assert watch.evaluate(store) == []
    publish(store, [case(2)])  # in the same second as the notice, perhaps
    assert len(watch.evaluate(store)) == 1 and len(watch.notices(store, "li", unseen=True)) == 1


def test_a_notice_that_waits_to_be_seen_grows_with_its_cases(store: Store) -> None:
    watch.add(store, "li", words="门牌地址")
    publish(store, [case(1)])
    watch.evaluate(store)
    publish(store, [case(2, hall=LIANJIANG)])
    assert watch.evaluate(store) == []
    (one,) = watch.notices(store, "li")
    assert "有 2 件，涉及 2 个大厅" in one.text and one.case_ids == ids(2, 1)


def test_the_same_cases_in_another_class_are_no_news(store: Store) -> None:
    watch.add(store, "li", words="门牌地址")
    watch.add(store, "li", barrier="信息不一致", cases=2)
    publish(store, [case(1), case(2), case(3), case(4)])
    classed(store, "c1", 1, 2)
    classed(store, "c2", 3, 4)
    assert len(watch.evaluate(store)) == 3
    watch.mark_seen(store, "li")
    with writing(store.workbench):
        store.workbench.execute("update class_members set class_id = 'c1'")
    assert watch.evaluate(store) == []
    publish(store, [case(5)])
    classed(store, "c5", 5)
    with writing(store.workbench):
        store.workbench.execute("update class_members set class_id = 'c1'")
    assert sorted(one.class_id for one in watch.evaluate(store)) == ["c1", "c1"]


def test_a_rule_that_was_changed_tells_anew_what_it_holds_for(store: Store) -> None:
    number = watch.add(store, "li", words="门牌地址", cases=2)
    publish(store, [case(1), case(2, hall=LIANJIANG)])
    assert len(watch.evaluate(store)) == 1
    watch.change(store, "li", number, words="门牌地址", halls=3)
    assert watch.evaluate(store) == [] and watch.notices(store, "li") == []
    watch.change(store, "li", number, name="路名", words="门牌地址", halls=2)
    assert len(watch.evaluate(store)) == 1
    (rule,) = watch.rules(store, "li")
    assert (rule.id, rule.name, rule.halls, rule.cases, rule.days) == (number, "路名", 2, 1, 90)
    with pytest.raises(Missing):
        watch.change(store, "wang", number, words="门牌地址")
    with pytest.raises(Fault):
        watch.change(store, "li", number, words="门牌地址", barrier="信息不一致")


def test_all_cases_are_searched_for_words_only_where_one_that_holds_them_has_changed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.add(store, "li", words="门牌地址", cases=2)
    publish(store, [case(1)])
    assert watch.evaluate(store) == []
    looked: list[str] = []
    groups = watch._groups

    def noted(store: Store, rule: watch.Rule) -> Any:
        looked.append(rule.words)
        return groups(store, rule)

    monkeypatch.setattr(watch, "_groups", noted)
    publish(store, [case(2, obstacle="刷脸不过")])
    assert watch.evaluate(store) == [] and looked == []
    publish(store, [case(3)])
    assert len(watch.evaluate(store)) == 1 and looked == ["门牌地址"]
    store.withdraw(ids(1)[0], by="测试", reason="重复")
    watch.evaluate(store)
    assert looked == ["门牌地址"] * 2


def test_refusals_duplicates_and_undated_cases_do_not_count(store: Store) -> None:
    watch.add(store, "li", words="门牌", cases=2)
    publish(store, [
        case(1), case(2, outcome="依法不能办已释因"), case(3, barriers=["非政务诉求"]), case(4, ""),
        case(5, duplicate_of=ids(1)[0]), case(6, "2999-01-01"),
    ])  # fmt: skip
    assert watch.evaluate(store) == []


def test_rules_and_notices_belong_to_an_account(store: Store) -> None:
    number = watch.add(store, "li", words="门牌")
    publish(store, [case(1)])
    (raised,) = watch.evaluate(store)
    assert watch.rules(store, "wang") == [] and watch.notices(store, "wang") == []
    with pytest.raises(Missing):
        watch.remove(store, "wang", number)
    with pytest.raises(Missing):
        watch.mark_seen(store, "wang", raised.id)
    watch.remove(store, "li", number)
    assert watch.rules(store, "li") == [] and watch.notices(store, "li") == []


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"words": "门牌", "barrier": "信息不一致"},
        {"barrier": "没有这种"},
        {"words": "的"},
        {"words": "门牌", "days": 0},
        {"words": "门牌", "cases": 0},
        {"words": "门牌", "halls": -1},
    ],
)
def test_a_rule_that_looks_at_nothing_is_refused(store: Store, rule: dict[str, Any]) -> None:
    with pytest.raises(Fault):
        watch.add(store, "li", **rule)
    assert watch.rules(store, "li") == []


def test_a_class_that_is_not_there_and_too_many_rules(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Missing):
        watch.add(store, "li", class_id="c9")
    monkeypatch.setitem(watch.settings()["watch"], "most", 1)
    watch.add(store, "li", words="门牌")
    with pytest.raises(Conflict):
        watch.add(store, "li", words="地址")


def test_names_are_kept_without_personal_data(store: Store) -> None:
    watch.add(store, "li", name="给13912345678打电话", words="门牌")
    (rule,) = watch.rules(store, "li")
    assert "13912345678" not in rule.name


def test_signs_of_sql_in_words_are_only_signs(store: Store) -> None:
    publish(store, [case(1)])
    watch.add(store, "li", words="门牌%' or 1=1 --")
    assert all(one.text for one in watch.evaluate(store))
    assert store.published_of(ids(1))


def test_what_goes_wrong_is_logged_and_the_publish_stands(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Store) -> list[watch.Notice]:
        raise ValueError("张三的事")

    monkeypatch.setattr(watch, "evaluate", broken)
    with caplog.at_level(logging.WARNING):
        watch.after_change(store)
    assert "ValueError" in caplog.text and "张三" not in caplog.text


def test_a_report_that_cannot_be_written_is_said(store: Store, tmp_path: Path) -> None:
    done = CliRunner(env={"KB_DATA": str(store.settings.data_dir)}).invoke(
        barrier_commands.barriers, ["report", "-o", str(tmp_path / "none" / "r.docx")]
    )
    assert isinstance(done.exception, Fault) and "无法写入" in str(done.exception)


def test_rules_at_the_command_line(store: Store) -> None:
    publish(store, [case(1), case(2, hall=MINHOU)])
    env = {"KB_DATA": str(store.settings.data_dir)}

    def run(*arguments: str) -> Any:
        return CliRunner(env=env).invoke(barrier_commands.barriers, ["watch", *arguments])

    assert "现在就够数的有 1 条" in run("add", "--words", "门牌", "--cases", "2").stderr
    assert "90 天内至少 2 件" in run("list").stdout
    assert "有 2 件" in run("notices", "--seen").stdout and run("notices").stdout == ""
    assert run("remove", "1").exit_code == 0 and run("list").stdout == ""
    assert isinstance(run("add").exception, Fault)
