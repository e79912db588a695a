"""Playbooks: what may be stored, states, versions, and what becomes of their cases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kb import playbooks, review, validity
from kb.config import Settings
from kb.errors import Conflict, Fault, Missing
from kb.model import Case
from kb.playbooks import MOVES, Playbook
from kb.store import Draft, Store

from ..library import EVIL_TEXT, FULL, REFUSED, TWIN

SENTENCE = "由住建出具楼栋号变更说明，公积金中心认可后预审。"
BOOK = Playbook(
    title="楼栋号对不上",
    obstacle="房产证和银行档案里的楼栋号不是一个。",
    obstacle_cases=[FULL.id],
    applies=[{"text": "事项：商转公", "cases": [FULL.id]}],
    not_applies=[{"text": "不符合主体资格条件。", "cases": [REFUSED.id]}],
    steps=[{"action": SENTENCE, "dept": "住建局", "days": 2, "other": False, "cases": [FULL.id, TWIN.id]},
           {"action": "银行改档案。", "cases": [TWIN.id]}],
    materials=[{"name": "楼栋号变更说明", "cases": [FULL.id]}],
    basis=[{"title": "住房公积金管理条例", "doc_no": "国务院令第350号", "clause": "第二十六条", "valid": True,
            "cases": [FULL.id]}],
    models=[FULL.id],
    refusals=[{"text": "当面讲明规定。", "cases": [REFUSED.id]}],
    window=[{"text": "闽侯县：住房公积金管理中心", "cases": [FULL.id]}],
    case_ids=[FULL.id, TWIN.id],
    solidified={"kind": "流程", "text": "由住建出说明。", "date": "2024-04-01", "where": "闽侯县", "cases": [FULL.id]},
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(Settings(tmp_path / "kb-data")) as found:
        found.publish([FULL, TWIN, REFUSED], by="测试")
        yield found


def on_trial(store: Store, book: Playbook = BOOK) -> Playbook:
    made = playbooks.create(store, book, "甲")
    return playbooks.set_state(store, made.id, "trial", "甲")


def membership(store: Store) -> dict[str, str]:
    return {case.id: case.playbook for case in store.published() if case.playbook}


def test_a_playbook_comes_back_as_it_was_stored(store: Store) -> None:
    made = playbooks.create(store, BOOK, "甲", "由案例起草")
    assert made.id and made.revision == 1 and made.state == "draft" and made.doubts == []
    assert playbooks.get(store, made.id) == made == Playbook.from_dict(made.to_dict())
    assert made.steps[1] == {"action": "银行改档案。", "dept": "", "days": None, "other": False, "cases": [TWIN.id]}
    again = playbooks.save(store, made.id, {name: getattr(made, name) for name in playbooks.WRITTEN}, "乙")
    assert replace(again, revision=1) == made
    entries = playbooks.revisions(store, made.id)
    assert [(each["revision"], each["by"], each["action"]) for each in entries] == [
        (2, "乙", "edit"), (1, "甲", "create")]  # fmt: skip
    assert entries[1]["note"] == "由案例起草" and entries[1]["playbook"] == made


def test_only_cases_of_a_playbook_that_readers_see_are_marked(store: Store) -> None:
    made, version = playbooks.create(store, BOOK, "甲"), store.version()
    assert membership(store) == {} and playbooks.titles(store) == {} and playbooks.listing(store) == []
    playbooks.set_state(store, made.id, "trial", "甲")
    assert membership(store) == dict.fromkeys([FULL.id, TWIN.id], made.id) and store.version() > version
    assert playbooks.titles(store) == {made.id: BOOK.title}
    version = store.version()
    playbooks.save(store, made.id, {"title": "楼栋号不一致", "case_ids": [FULL.id]}, "甲")
    assert membership(store) == {FULL.id: made.id} and store.version() > version
    assert playbooks.titles(store) == {made.id: "楼栋号不一致"}
    playbooks.join(store, made.id, [TWIN.id], "甲")
    assert set(membership(store)) == {FULL.id, TWIN.id}
    playbooks.set_state(store, made.id, "retired", "甲", "规定变了")
    assert membership(store) == {} and playbooks.listing(store) == []
    assert [each.id for each in playbooks.listing(store, MOVES)] == [made.id]


def test_membership_is_no_revision_of_a_case_and_outlives_one(store: Store) -> None:
    made, before = on_trial(store), store.revisions(FULL.id)
    assert store.revisions(FULL.id) == before
    store.save_drafts([Draft(replace(FULL, result="改过的结果"), [])], "甲")
    review.publish(store, [FULL.id], "乙")
    found = store.get(FULL.id)
    assert found and found.playbook == made.id and found.result == "改过的结果"
    assert store.revisions(FULL.id)[-1]["changed"] == ["result"]
    assert store.leftovers() == []


def test_derived_data_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(playbooks, "tell_changed", told.append)
    on_trial(store)
    assert told == [store, store]


@pytest.mark.parametrize("start", MOVES)
@pytest.mark.parametrize("end", MOVES)
def test_states_follow_one_another_as_the_table_says(store: Store, start: str, end: str) -> None:
    made = playbooks.create(store, BOOK, "甲")
    for step in {"draft": [], "trial": ["trial"], "solid": ["trial", "solid"], "retired": ["retired"]}[start]:
        playbooks.set_state(store, made.id, step, "甲", "理由")
    if end in MOVES[start]:
        assert playbooks.set_state(store, made.id, end, "乙", "理由").state == end
    else:
        with pytest.raises(Conflict, match="不能直接改为"):
            playbooks.set_state(store, made.id, end, "乙", "理由")
        assert playbooks.find(store, made.id).state == start


@pytest.mark.parametrize(("changed", "said"), [
    ({"obstacle": ""}, "卡点"), ({"steps": []}, "步骤"), ({"case_ids": [], "models": []}, "案例"),
])  # fmt: skip
def test_what_lacks_is_named_before_the_trial(store: Store, changed: dict[str, Any], said: str) -> None:
    made = playbooks.create(store, replace(BOOK, **changed), "甲")
    with pytest.raises(Fault, match=f"还缺{said}"):
        playbooks.set_state(store, made.id, "trial", "甲")


def test_solid_says_what_was_changed_and_retired_says_why(store: Store) -> None:
    made = on_trial(store, replace(BOOK, solidified={"text": "由住建出说明。", "cases": []}))
    with pytest.raises(Fault, match="固化还须写明方式、从哪天起"):
        playbooks.set_state(store, made.id, "solid", "甲")
    with pytest.raises(Fault, match="理由"):
        playbooks.set_state(store, made.id, "retired", "甲", "  ")
    playbooks.save(store, made.id, {"solidified": {**BOOK.solidified, "date": ""}}, "甲")
    with pytest.raises(Fault, match="固化还须写明从哪天起"):
        playbooks.set_state(store, made.id, "solid", "甲")


def test_who_comes_back_to_one_that_was_seen_hears_what_became_of_it(store: Store) -> None:
    made = on_trial(store)
    playbooks.set_state(store, made.id, "draft", "甲")
    with pytest.raises(Missing, match="正在修订"):
        playbooks.find(store, made.id, playbooks.SHOWN)
    playbooks.set_state(store, made.id, "retired", "甲", "规定变了")
    with pytest.raises(Missing, match="已停用.*规定变了"):
        playbooks.find(store, made.id, playbooks.SHOWN)


def test_texts_are_deidentified_again(store: Store) -> None:
    number = "13912345678"
    parts = {
        "title": f"楼栋号对不上 {number}", "obstacle": f"打 {number} 问过。",
        "steps": [{"action": f"联系王建国（{number}）。", "cases": []}],
        "materials": [{"name": f"说明 {number}", "substitute": f"电话 {number} 确认", "cases": []}],
        "window": [{"text": f"找李秀英，手机 {number}", "cases": []}],
        "solidified": {"kind": "流程", "text": f"打 {number}", "where": "闽侯县"},
    }  # fmt: skip
    made = playbooks.create(store, BOOK, "甲")
    saved = playbooks.save(store, made.id, parts, "甲", note=f"按 {number} 说的改")
    told = str(saved.to_dict()) + str(playbooks.revisions(store, made.id))
    assert number not in told and "王建国" not in told and "李秀英" not in told
    assert told.count("〔手机号〕") >= 6
    kept = store.workbench.conn.execute("select group_concat(data || note) from playbook_revisions").fetchone()[0]
    assert number not in kept


def doubtful(store: Store) -> Playbook:
    """A playbook whose text holds something that may be a name."""
    book = replace(BOOK, steps=[{"action": "居民石头来窗口，由专窗联系。", "cases": []},
                                {"action": "由专窗收件。", "cases": []}])  # fmt: skip
    return playbooks.create(store, book, "甲")


def test_doubts_hold_back_the_trial_until_a_person_has_looked(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kb import privacy
    from kb.privacy import Doubt, Redaction

    def one_doubt(values: dict[str, str]) -> Redaction:
        texts = {place: text.replace("石头", "〔姓名1〕") for place, text in values.items()}
        starts = {place: text.index("石头") for place, text in values.items() if "石头" in text}
        doubts = [Doubt(place, "姓名", start, start + 5, "可能是人名") for place, start in starts.items()]
        return Redaction(texts, [], doubts)

    monkeypatch.setattr(privacy, "redact", one_doubt)
    made = doubtful(store)
    assert made.doubts == [{"field": "steps", "mark": "〔姓名1〕", "reason": "可能是人名"}]
    with pytest.raises(Fault, match="存疑"):
        playbooks.set_state(store, made.id, "trial", "甲")
    kept = playbooks.save(store, made.id, {"title": "换个名称"}, "甲")
    assert kept.doubts == made.doubts  # the placeholder alone raises no doubt any more
    reworded = playbooks.save(store, made.id, {"steps": [{"action": "由专窗联系。"}]}, "甲")
    assert reworded.doubts == []
    again = playbooks.save(store, made.id, {"steps": [{"action": "居民石头来窗口。"}]}, "甲")
    done = playbooks.set_state(store, again.id, "trial", "甲", cleared=True)
    assert done.state == "trial" and done.doubts == []
    assert playbooks.revisions(store, made.id)[0]["note"] == playbooks.CLEARED
    with pytest.raises(Fault, match="存疑"):
        playbooks.save(store, made.id, {"obstacle": "居民石头办不了。"}, "甲")
    assert playbooks.find(store, made.id).obstacle == BOOK.obstacle


def test_of_two_editors_the_second_is_told(store: Store) -> None:
    made = playbooks.create(store, BOOK, "甲")
    playbooks.save(store, made.id, {"title": "甲改的"}, "甲", revision=1)
    with pytest.raises(Conflict, match="有人改过"):
        playbooks.save(store, made.id, {"title": "乙改的"}, "乙", revision=1)
    with pytest.raises(Conflict, match="有人改过"):
        playbooks.set_state(store, made.id, "trial", "乙", revision=1)
    assert playbooks.find(store, made.id).title == "甲改的"


@pytest.mark.parametrize(("values", "said"), [
    ({"title": "长" * 10_000}, "名称：太长"),
    ({"title": " \u200b "}, "请写上名称"),
    ({"obstacle": "长" * 10_000}, "卡点：太长"),
    ({"steps": [{"action": "长" * 10_000}]}, "步骤：太长"),
    ({"steps": [{"action": "办", "dept": "局" * 301}]}, "步骤：太长"),
    ({"steps": [{"action": "办", "days": -1}]}, "工作日"),
    ({"steps": [{"action": "办", "days": "两天"}]}, "工作日"),
    ({"steps": [{"action": "办"}] * 101}, "至多 100 项"),
    ({"steps": "办"}, "应为列表"),
    ({"steps": ["办"]}, "写法不对"),
    ({"applies": [{"text": ["办"]}]}, "应为文字"),
    ({"case_ids": ["0" * 12]}, "不在库里"),
    ({"steps": [{"action": "办", "cases": ["' or 1=1 --"]}]}, "不在库里"),
    ({"obstacle_cases": [{"id": 1}]}, "案例编号写法不对"),
    ({"models": [REFUSED.id]}, "样板案例"),
    ({"solidified": {"kind": "口头", "text": "说过"}}, "方式请从这些里选"),
    ({"solidified": {"kind": "流程", "text": "改了", "date": "去年"}}, "看不懂这个日期"),
    ({"solidified": []}, "写法不对"),
    ({"state": "solid"}, "不认识的字段"),
])  # fmt: skip
def test_what_cannot_be_stored_is_refused_in_words_and_changes_nothing(
    store: Store, values: dict[str, Any], said: str
) -> None:
    made = playbooks.create(store, BOOK, "甲")
    with pytest.raises(Fault, match=said) as caught:
        playbooks.save(store, made.id, values, "甲")
    assert "长长长" not in str(caught.value) and "or 1=1" not in str(caught.value)
    assert playbooks.find(store, made.id) == made


def test_markup_is_kept_as_the_text_that_it_is(store: Store) -> None:
    values = {"steps": [{"action": EVIL_TEXT, "dept": EVIL_TEXT}], "title": EVIL_TEXT}
    saved = playbooks.save(store, playbooks.create(store, BOOK, "甲").id, values, "甲")
    assert saved.steps[0]["action"] == saved.title == EVIL_TEXT


def test_unknown_playbooks_are_missing(store: Store) -> None:
    assert playbooks.get(store, "' or 1=1 --") is None
    with pytest.raises(Missing):
        playbooks.save(store, "pb", {"title": "名称"}, "甲")
    made = playbooks.create(store, BOOK, "甲")
    with pytest.raises(Missing):
        playbooks.find(store, made.id, playbooks.SHOWN)


def test_a_case_is_in_one_playbook_only(store: Store) -> None:
    on_trial(store)
    other = playbooks.create(store, replace(BOOK, title="另一类", case_ids=[TWIN.id], models=[]), "甲")
    with pytest.raises(Conflict, match="楼栋号对不上"):
        playbooks.set_state(store, other.id, "trial", "甲")
    free = playbooks.save(store, other.id, {"case_ids": [REFUSED.id]}, "甲")
    playbooks.set_state(store, free.id, "trial", "甲")
    with pytest.raises(Conflict, match="先从那里移出"):
        playbooks.join(store, free.id, [TWIN.id], "甲")
    assert membership(store)[TWIN.id] != free.id == membership(store)[REFUSED.id]


def test_what_only_a_withdrawn_case_said_goes_with_it_from_every_version(store: Store) -> None:
    made = on_trial(store)
    review.withdraw(store, TWIN.id, "审核", "有误")
    found = playbooks.find(store, made.id)
    assert found.case_ids == [FULL.id] and [step["action"] for step in found.steps] == [SENTENCE]
    assert found.steps[0]["cases"] == [FULL.id] and found.state == "trial"
    assert playbooks.revisions(store, made.id)[0]["action"] == "drop"
    kept = store.workbench.conn.execute("select group_concat(data) from playbook_revisions").fetchone()[0]
    assert "银行改档案" not in kept and TWIN.id not in kept
    assert membership(store) == {FULL.id: made.id}


def test_a_withdrawn_case_is_left_out_even_before_it_is_forgotten(store: Store) -> None:
    made = on_trial(store)
    store.withdraw(TWIN.id, "审核", "有误")
    assert playbooks.find(store, made.id).case_ids == [FULL.id]
    assert [step["action"] for step in playbooks.find(store, made.id).steps] == [SENTENCE]


def test_a_playbook_that_loses_all_its_cases_is_still_there_and_empty(store: Store) -> None:
    made = on_trial(store)
    for case_id in (FULL.id, TWIN.id, REFUSED.id):
        review.withdraw(store, case_id, "审核", "有误")
    found = playbooks.find(store, made.id)
    assert (found.case_ids, found.steps, found.obstacle, found.solidified) == ([], [], "", {})
    assert found.title == BOOK.title and found.state == "trial"
    playbooks.set_state(store, made.id, "draft", "甲")
    with pytest.raises(Fault, match="还缺卡点、步骤、案例"):
        playbooks.set_state(store, made.id, "trial", "甲")


def test_a_name_made_of_the_sentence_of_a_withdrawn_case_goes_with_it(store: Store) -> None:
    named = on_trial(store, replace(BOOK, title="房产证和银行档案里的楼栋号", case_ids=[FULL.id]))
    review.withdraw(store, FULL.id, "审核", "有误")
    assert playbooks.find(store, named.id).title == playbooks.titles(store)[named.id] == playbooks.UNNAMED
    for db in (store.library, store.workbench):
        tables = [row["name"] for row in db.query("select name from sqlite_master where name like 'playbook%'"
                                                  " and type = 'table'")]  # fmt: skip
        assert tables and not any("银行档案里的楼栋号" in str(row) for name in tables for row in db.table(name).rows)


def test_playbooks_of_a_library_from_before_come_into_the_workbench(store: Store) -> None:
    shown, hidden = on_trial(store), playbooks.create(store, BOOK, "甲")
    for name in ("playbook_revisions", "playbooks"):
        rows = list(store.workbench.table(name).rows)
        key = ("playbook_id", "revision") if name == "playbook_revisions" else "id"
        store.library.table(name).insert_all(rows, pk=key, replace=True)
        store.workbench.table(name).delete_where()
    with Store(store.settings) as opened:
        assert playbooks.find(opened, hidden.id) == hidden and playbooks.find(opened, shown.id).state == "trial"
        assert len(playbooks.revisions(opened, shown.id)) == 2
        assert playbooks.titles(opened) == {shown.id: shown.title}
        assert not opened.library.table("playbook_revisions").exists()


def test_nothing_is_written_to_either_file_if_one_refuses(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = playbooks.create(store, BOOK, "甲")
    monkeypatch.setattr(playbooks, "_mark_cases", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        playbooks.set_state(store, made.id, "trial", "甲")
    assert playbooks.find(store, made.id).state == "draft" and not list(store.library.table("playbooks").rows)
    assert len(playbooks.revisions(store, made.id)) == 1


def test_a_withdrawn_case_that_is_published_again_is_in_no_playbook(store: Store) -> None:
    on_trial(store)
    review.withdraw(store, TWIN.id, "审核", "有误")
    store.publish([replace(TWIN, playbook="pb-old")], by="乙")
    found = store.get(TWIN.id)
    assert found and found.playbook == ""


# Rules that were repealed

RULE = {"title": "《住房公积金管理条例》", "doc_no": "国务院令 第350号", "clause": "", "valid": False}


def test_a_rule_repealed_in_any_case_marks_what_leans_on_it(store: Store) -> None:
    made = on_trial(store)
    assert validity.fallen(made.basis, validity.changed(store)) == {}
    store.publish([Case("later0000001", title="新办法", basis=[RULE])], by="测试")
    gone = validity.changed(store)
    assert list(validity.fallen(made.basis, gone)) == [0] and list(validity.fallen(FULL.basis, gone)) == [0, 1]


@pytest.mark.parametrize("rule", ["国务院令第350号", "住房公积金管理条例", "《住房公积金管理条例》"])
def test_what_leans_on_a_rule_is_found_by_number_or_title(store: Store, rule: str) -> None:
    made = playbooks.create(store, BOOK, "甲")
    found = playbooks.leaning(store, rule)
    assert found.case_ids == [FULL.id] and found.playbook_ids == [made.id]
    assert playbooks.leaning(store, "国务院令第351号") == playbooks.leaning(store, "") == validity.Leaning()


def test_a_rule_that_a_playbook_marks_as_repealed_is_repealed_everywhere(store: Store) -> None:
    made = on_trial(store)
    assert "榕公积金〔2010〕1号" in [rule["doc_no"] for rule in validity.changed(store)]
    playbooks.save(store, made.id, {"basis": [{**BOOK.basis[0], "valid": False}]}, "甲")
    assert list(validity.fallen(FULL.basis, validity.changed(store))) == [0, 1]


@pytest.mark.parametrize(("one", "other", "expected"), [
    ({"doc_no": "国办发〔2023〕29号"}, {"doc_no": "国办发[2023]第29号"}, True),
    ({"title": "办法", "doc_no": "甲〔2010〕1号"}, {"title": "办法", "doc_no": "甲〔2020〕2号"}, False),
    ({"title": "《办法》"}, {"title": "办法", "doc_no": "甲〔2020〕2号"}, True),
    ({"title": "", "doc_no": ""}, {"title": "", "doc_no": ""}, False),
])  # fmt: skip
def test_rules_are_the_same_by_number_else_by_title(one: dict[str, str], other: dict[str, str], expected: bool) -> None:
    assert validity.same(one, other) is validity.same(other, one) is expected
