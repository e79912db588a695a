"""Classes of cases: what the machine proposes, what people decide and that it stands, how new cases join."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kb import review
from kb.config import Settings
from kb.errors import Conflict, Fault, Missing
from kb.model import Case
from kb.store import Draft, Store
from search import upkeep
from search.class_commands import classes as command
from search.embedder.fake import FakeEmbedder
from search.insight import classes, naming

encode = FakeEmbedder().encode_passages
FACE = "老人没有智能手机，刷脸认证通不过"
SEAL = "原开发公司已经注销，过户没有人盖章"
LOOP = "消防和公安互相要对方的意见书，谁都不先收件"


def case(case_id: str, obstacle: str, matter: str = "", hall: str = "", **more: Any) -> Case:
    return Case(case_id, obstacle=obstacle, demand=obstacle, measure=obstacle, matter={"name": matter},
                hall={"name": hall or f"{case_id}大厅"}, barriers=more.pop("barriers", ["互为前置"]),
                outcome=more.pop("outcome", "办成"), **more)  # fmt: skip


FACES = [case(f"f{n}", FACE + word, f"事项{n}") for n, word in enumerate(["，窗口不办", "，网上办不成", "，很着急"])]
SEALS = [case(f"s{n}", SEAL + word, "转移登记") for n, word in enumerate(["，怎么办", "，拖了三年"])]
ALONE = case("alone", "想给孩子补办出生医学证明但是医院搬走了")


@pytest.fixture
def library(settings: Settings) -> Any:
    with Store(settings) as store:
        store.publish([*FACES, *SEALS, ALONE], by="test")
        yield store


def members(found: Sequence[classes.CaseClass]) -> set[frozenset[str]]:
    return {frozenset(one.case_ids) for one in found}


def home(store: Store, case_id: str) -> str:
    return classes.class_of(store, [case_id])[case_id]


# The machine


def test_cases_with_one_obstacle_are_proposed_with_reasons(library: Store) -> None:
    found = classes.propose(library, encode)
    assert members(found) == {frozenset({"f0", "f1", "f2"}), frozenset({"s0", "s1"})}
    faces = found[0]
    assert faces.state == "proposed" and FACE[:8] in faces.obstacle and faces.title and faces.barriers == ["互为前置"]
    assert any("跨事项" in line for line in faces.why) and any("跨大厅" in line for line in faces.why)
    assert any(faces.obstacle in line for line in faces.why)
    assert set(faces.borderline) <= set(faces.case_ids)
    assert classes.classes(library) == found
    assert set(found[0].to_dict()) == {"id", "title", "obstacle", "barriers", "case_ids", "borderline", "why", "state",
                                       "playbook"}  # fmt: skip


def test_proposing_again_changes_nothing(library: Store) -> None:
    assert classes.propose(library, encode) == classes.propose(library, encode)


def test_progress_is_told(library: Store) -> None:
    told: list[tuple[int, int]] = []
    classes.propose(library, encode, lambda done, total: told.append((done, total)))
    assert told == [(6, 6)]


def test_new_cases_join_or_open_and_old_ones_stay(library: Store) -> None:
    before = {one.id: one for one in classes.propose(library, encode)}
    library.publish([case("f3", FACE + "，又来一次"), case("l1", LOOP), case("l2", LOOP + "，跑了很多趟")], by="test")
    after = {one.id: one for one in classes.propose(library, encode)}
    for class_id, one in before.items():
        assert set(one.case_ids) <= set(after[class_id].case_ids)
        assert (one.title, one.obstacle) == (after[class_id].title, after[class_id].obstacle)
    assert home(library, "f3") == home(library, "f0") and home(library, "l1") == home(library, "l2")
    assert len(after) == len(before) + 1


@pytest.mark.parametrize("cases", [[], [ALONE], [case("e1", ""), case("e2", "")]])
def test_nothing_to_compare_is_no_class(settings: Settings, cases: list[Case]) -> None:
    with Store(settings) as store:
        store.publish(cases, by="test")
        assert classes.propose(store, encode) == []


def test_cases_that_are_all_equal_are_one_class(settings: Settings) -> None:
    with Store(settings) as store:
        store.publish([case(f"e{n:03}", FACE, hall="一厅") for n in range(120)], by="test")
        (one,) = classes.propose(store, encode)
    assert len(one.case_ids) == 120 and any("几乎相同" in line for line in one.why)


def test_duplicates_count_once_and_belong_to_the_class_of_their_original(library: Store) -> None:
    again = [replace(SEALS[0], id="s9", duplicate_of="s0"), replace(ALONE, id="a9", duplicate_of="alone")]
    library.publish(again, by="test")
    found = classes.propose(library, encode)
    assert all("s9" not in one.case_ids for one in found)
    assert home(library, "s9") == home(library, "s0")
    assert classes.class_of(library, ["a9", "alone", "nothing"]) == {}


def test_a_member_that_turns_out_to_be_a_duplicate_gives_way_to_its_original(library: Store) -> None:
    one = classes.propose(library, encode)[0]
    library.publish([replace(FACES[1], duplicate_of="f0")], by="test")
    classes.propose(library, encode)
    assert set(classes.get(library, one.id).case_ids) == {"f0", "f2"}
    classes.assign(library, ["alone"], one.id, "张三")
    library.publish([replace(ALONE, duplicate_of="new"), replace(ALONE, id="new")], by="test")
    classes.propose(library, encode)
    assert home(library, "new") == home(library, "alone") == one.id


def test_lawful_refusals_and_private_matters_make_no_class_and_join_none(library: Store) -> None:
    library.publish(
        [case("r1", FACE, barriers=["依法不能办"], outcome="依法不能办已释因"),
         case("p1", FACE, barriers=["非政务诉求"], outcome="转其他渠道"),
         case("p2", LOOP, barriers=["非政务诉求"], outcome="转其他渠道"),
         case("p3", LOOP, barriers=["非政务诉求"], outcome="转其他渠道")], by="test",
    )  # fmt: skip
    found = classes.propose(library, encode)
    assert not {"r1", "p1", "p2", "p3"} & {one for each in found for one in each.case_ids}
    with pytest.raises(Fault, match="不归入"):
        classes.assign(library, ["r1"], found[0].id, "张三")


# Withdrawal


def test_withdrawn_cases_leave_and_an_empty_class_is_kept_as_emptied(library: Store) -> None:
    seals = next(one for one in classes.propose(library, encode) if "s0" in one.case_ids)
    library.withdraw("s0", "test", "误入库")
    assert "s0" not in {one for each in classes.propose(library, encode) for one in each.case_ids}
    assert classes.get(library, seals.id).case_ids == ["s1"]
    library.withdraw("s1", "test", "误入库")
    classes.propose(library, encode)
    emptied = classes.get(library, seals.id)
    assert (emptied.state, emptied.title, emptied.case_ids) == ("emptied", naming.EMPTIED, [])
    assert emptied.barriers == seals.barriers
    assert emptied.why == ["类中已没有在库的案例"]
    assert seals.id not in [one.id for one in classes.classes(library)]
    with pytest.raises(Conflict):
        classes.accept(library, seals.id, "张三")


# People


def test_a_rejected_class_stays_away_with_what_is_like_it(library: Store) -> None:
    faces = classes.propose(library, encode)[0]
    assert classes.reject(library, faces.id, "张三", "只是说法相近").state == "rejected"
    library.publish([case("f3", FACE + "，又来一次"), case("f4", FACE + "，还是不行")], by="test")
    found = classes.propose(library, encode)
    assert not {"f0", "f3", "f4"} & {one for each in found for one in each.case_ids}
    assert classes.class_of(library, ["f0", "f3"]) == {}
    assert [one["kind"] for one in classes.decisions(library, faces.id)] == ["rejected"]
    assert classes.accept(library, faces.id, "李四").state == "accepted"  # people may change their mind
    assert home(library, "f3") == faces.id


def test_a_merge_stands(library: Store) -> None:
    faces, seals = classes.propose(library, encode)
    merged = classes.merge(library, faces.id, [seals.id], "张三")
    assert set(merged.case_ids) == {"f0", "f1", "f2", "s0", "s1"} and merged.title == faces.title
    assert classes.get(library, seals.id).state == "emptied"
    classes.propose(library, encode)
    assert set(classes.get(library, faces.id).case_ids) == set(merged.case_ids)
    assert classes.get(library, faces.id).borderline == [] or "s0" not in classes.get(library, faces.id).borderline
    with pytest.raises(Fault):
        classes.merge(library, faces.id, [faces.id], "张三")
    with pytest.raises(Conflict):
        classes.merge(library, faces.id, [seals.id], "张三")


def test_a_split_stands(library: Store) -> None:
    faces = classes.propose(library, encode)[0]
    new = classes.split(library, faces.id, ["f2"], "张三", "另一类")
    assert (new.case_ids, new.title) == (["f2"], "另一类")
    classes.propose(library, encode)
    assert home(library, "f2") == new.id != home(library, "f0")
    # Even when the case had gone in between.
    library.withdraw("f2", "test", "改正")
    classes.propose(library, encode)
    library.publish([FACES[2]], by="test")
    classes.propose(library, encode)
    assert classes.class_of(library, ["f2"]).get("f2") != faces.id
    for chosen in (["s0"], ["f0", "f1"], []):
        with pytest.raises(Fault):
            classes.split(library, faces.id, chosen, "张三")


def test_a_case_taken_out_does_not_come_back_by_itself(library: Store) -> None:
    faces = classes.propose(library, encode)[0]
    assert classes.assign(library, ["f0"], "", "张三") is None
    classes.propose(library, encode)
    assert "f0" not in classes.get(library, faces.id).case_ids
    assert classes.assign(library, ["f0"], faces.id, "张三") is not None  # until people put it back
    classes.propose(library, encode)
    assert home(library, "f0") == faces.id
    with pytest.raises(Fault, match="不在任何一类"):
        classes.assign(library, ["alone"], "", "张三")


def test_an_assigned_case_stays_where_people_put_it(library: Store) -> None:
    faces, seals = classes.propose(library, encode)
    found = classes.assign(library, ["f0", "alone"], seals.id, "张三")
    assert found and {"f0", "alone"} <= set(found.case_ids) and any("2 件由工作人员" in line for line in found.why)
    classes.propose(library, encode)
    assert home(library, "f0") == home(library, "alone") == seals.id
    assert [one["by"] for one in classes.decisions(library, faces.id)] == ["张三"]


def test_people_make_a_class_of_their_own(library: Store) -> None:
    faces = classes.propose(library, encode)[0]
    made = classes.make(library, ["alone", "f1"], "张三", " 我的 一类 ")
    assert (made.state, made.title, set(made.case_ids)) == ("accepted", "我的 一类", {"alone", "f1"})
    classes.propose(library, encode)
    assert home(library, "f1") == made.id and "f1" not in classes.get(library, faces.id).case_ids
    with pytest.raises(Fault):
        classes.make(library, ["s0"], "张三")
    with pytest.raises(Fault):
        classes.rename(library, made.id, "  ", "张三")


def test_what_is_not_there_is_said_so(library: Store) -> None:
    faces = classes.propose(library, encode)[0]
    with pytest.raises(Missing, match="一类事"):
        classes.get(library, "c0")
    with pytest.raises(Missing, match="已入库"):
        classes.assign(library, ["没有"], faces.id, "张三")
    with pytest.raises(Fault):
        classes.assign(library, [], faces.id, "张三")


def test_a_class_with_a_procedure_is_not_lost(library: Store) -> None:
    faces, seals = classes.propose(library, encode)
    assert classes.set_playbook(library, seals.id, "p1", "张三").playbook == "p1"
    with pytest.raises(Conflict):
        classes.reject(library, seals.id, "张三")
    with pytest.raises(Conflict):
        classes.merge(library, faces.id, [seals.id], "张三")
    assert classes.merge(library, seals.id, [faces.id], "张三").playbook == "p1"


def test_words_that_only_a_withdrawn_case_said_leave_the_class_and_a_name_of_staff_stays(library: Store) -> None:
    faces, seals = classes.propose(library, encode)
    classes.rename(library, seals.id, "无人盖章", "张三")
    for case_id in ("f0", "f1", "f2", "s0", "s1"):
        library.withdraw(case_id, "test", "误入库")
    classes.join_new(library, encode)
    for one, title in ((faces, naming.EMPTIED), (seals, "无人盖章")):
        found = classes.get(library, one.id)
        assert (found.state, found.obstacle, found.title) == ("emptied", "", title)
        assert one.obstacle and one.obstacle not in str(found)


def test_a_class_that_was_emptied_is_named_anew_by_the_cases_that_come_in(library: Store) -> None:
    seals = next(one for one in classes.propose(library, encode) if "s0" in one.case_ids)
    for case_id in ("s0", "s1"):
        library.withdraw(case_id, "test", "误入库")
    classes.join_new(library, encode)
    filled = classes.assign(library, ["f0"], seals.id, "张三")
    assert filled and filled.state == "proposed" and filled.title == naming.title(filled.obstacle) != naming.EMPTIED


def test_the_name_stays_while_a_member_says_so(library: Store) -> None:
    faces = classes.propose(library, encode)[0]
    saying = [case.id for case in library.published() if faces.obstacle in case.obstacle]
    other = next(one for one in faces.case_ids if one not in saying[:1])
    library.withdraw(other, "test", "误入库")
    classes.join_new(library, encode)
    assert classes.get(library, faces.id).title == faces.title


# New cases, one at a time


def test_new_cases_join_at_once_without_opening_a_class(library: Store) -> None:
    assert classes.join_new(library, encode) == {}  # before there are classes
    faces = classes.propose(library, encode)[0]
    library.publish([case("f3", FACE + "，又来一次"), case("l1", LOOP), case("l2", LOOP)], by="test")
    assert classes.join_new(library, encode) == {"f3": faces.id}
    assert classes.join_new(library, encode) == {}
    assert any("4 件" in line for line in classes.get(library, faces.id).why)
    library.withdraw("f3", "test", "误入库")
    classes.join_new(library, encode)
    assert "f3" not in classes.get(library, faces.id).case_ids
    assert len(classes.propose(library, encode)) == 3


def test_new_cases_join_after_people_changed_a_class(library: Store) -> None:
    faces, seals = classes.propose(library, encode)
    classes.merge(library, faces.id, [seals.id], "张三")
    classes.split(library, faces.id, ["s0", "s1"], "张三")
    classes.assign(library, ["alone"], "", "张三") if classes.class_of(library, ["alone"]) else None
    library.publish([case("f3", FACE + "，又来一次"), case("s3", SEAL + "，又来一次")], by="test")
    assert set(classes.join_new(library, encode)) == {"f3", "s3"}
    assert home(library, "f3") == faces.id != home(library, "s3")


def test_publishing_takes_new_cases_into_classes(library: Store) -> None:
    with_index = upkeep.after_change(library)
    assert with_index is None
    faces = classes.propose(library, encode)[0]
    library.save_drafts([Draft(case("f3", FACE + "，又来一次"), [])], by="test")
    review.publish(library, ["f3"], "test", cleared=True)
    assert home(library, "f3") == faces.id


def test_a_failure_to_join_does_not_fail_the_publication(
    library: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    classes.propose(library, encode)
    monkeypatch.setattr(classes, "join_new", lambda *_: 1 / 0)
    library.save_drafts([Draft(case("f3", FACE), [])], by="test")
    review.publish(library, ["f3"], "test", cleared=True)
    assert library.published_of(["f3"]) and "ZeroDivisionError" in caplog.text and FACE not in caplog.text


# Names


def test_the_sentence_that_most_share_names_the_class() -> None:
    said = ["尊敬的领导您好。系统里没有这个职业。", "系统里没有这个职业，选不了。", "没有这个职业"]
    told = [case(f"c{n}", text) for n, text in enumerate(said)]
    assert naming.shared_obstacle(told) == "系统里没有这个职业，选不了"
    assert naming.title("一二三四五六七八九十，" + "办" * 30) == "一二三四五六七八九十"
    assert len(naming.title("办" * 100)) <= 30 and naming.title("办" * 100).endswith("…")


def test_letters_without_an_obstacle_are_named_by_a_title() -> None:
    told = [Case(f"c{n}", title="反映搅拌站噪音扰民", demand="尊敬的书记：\n您好！旁边有搅拌站。") for n in range(3)]
    assert naming.shared_obstacle(told) == "反映搅拌站噪音扰民"
    assert naming.shared_obstacle([Case("x")]) == "" and naming.title("")


# Commands


@pytest.fixture
def kb(library: Store, settings: Settings) -> Any:
    def run(*args: str) -> Result:
        return CliRunner().invoke(command, list(args), obj={"data": str(settings.data_dir)})

    (settings.data_dir / "kb.toml").write_text('[embedding]\nmodel = "fake"\n', "utf-8")
    return run


def test_commands_list_show_and_settle(kb: Any) -> None:
    assert kb("list").output.strip().startswith("还没有")
    found = json.loads(kb("propose", "--json").stdout)
    assert [set(one["case_ids"]) for one in found] == [{"f0", "f1", "f2"}, {"s0", "s1"}]
    assert {"id", "title", "obstacle", "barriers", "case_ids", "why", "borderline"} <= set(found[0])
    faces, seals = (one["id"] for one in found)
    shown = kb("show", faces).output
    assert "f0" in shown and "固化与再发：未固化" in shown and "待定" in shown
    assert json.loads(kb("show", faces, "--json").stdout)["verdict"]["verdict"] == "no_fix_yet"
    assert "已认定" in kb("accept", faces).output and "已否决" in kb("reject", seals, "--note", "不是").output
    assert [one["id"] for one in json.loads(kb("list", "--state", "rejected", "--json").stdout)] == [seals]
    assert "认定" in kb("show", faces).output


def test_a_list_without_classes_names_the_next_step_only_where_there_is_one(kb: Any, library: Store) -> None:
    assert "kb classes propose" in kb("list").output
    for case in list(library.published()):
        if case.id != "alone":
            library.withdraw(case.id, "test", "误入库")
    kb("propose")
    assert "两件以上" in kb("list").output and "propose" not in kb("list").output


def test_commands_merge_split_and_assign(kb: Any) -> None:
    faces, seals = (one["id"] for one in json.loads(kb("propose", "--json").stdout))
    assert len(json.loads(kb("merge", faces, seals, "--json").stdout)["case_ids"]) == 5
    new = json.loads(kb("split", faces, "s0", "s1", "--title", "无人盖章", "--json").stdout)
    assert new["title"] == "无人盖章"
    assert "alone" in json.loads(kb("assign", "alone", "--to", faces, "--json").stdout)["case_ids"]
    assert json.loads(kb("assign", "alone", "--out", "--json").stdout) is None
    assert set(json.loads(kb("assign", "alone", "f0", "--new", "--json").stdout)["case_ids"]) == {"alone", "f0"}
    assert kb("assign", "f0").exit_code == 2


@pytest.mark.parametrize("name", sorted(command.commands))
def test_every_command_shows_an_example(kb: Any, name: str) -> None:
    assert f"例：kb classes {name}" in " ".join(kb(name, "--help").output.split())


def test_what_cannot_be_settled_is_told_and_the_rest_is_done(kb: Any, library: Store) -> None:
    faces, seals = classes.propose(library, encode)
    done = kb("reject", faces.id, "nowhere", seals.id, "--note", "打 13812345678 问过", "--json")
    assert done.exit_code == 1 and "nowhere 未能完成：没有编号" in done.stderr
    assert [(one["id"], one["state"]) for one in json.loads(done.stdout)] == [
        (faces.id, "rejected"), (seals.id, "rejected")]  # fmt: skip
    assert "13812345678" not in str(classes.decisions(library, faces.id))
    again = kb("accept", faces.id, "--json")
    assert again.exit_code == 0 and json.loads(again.stdout)[0]["state"] == "accepted"


def test_one_case_alone_is_told_without_counting() -> None:
    told = naming.why("老人刷脸过不去", [Case("a", matter={"name": "开办"}, hall={"name": "甲县"})], [])
    assert "事项：开办" in told and "大厅：甲县" in told and not any("1 件" in line for line in told)
    unsure = naming.why("", [Case("a", title="甲事"), Case("b1b2b3", title="乙事")], ["b1b2b3"])
    assert any("“乙事”" in line for line in unsure) and not any("b1b2b3" in line for line in unsure)


def test_of_a_large_class_the_most_central_cases_are_told_and_that_is_said(
    library: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(naming.settings(), "counted", 2)
    told = [one for one in classes.propose(library, encode) if len(one.case_ids) > 2]
    assert told and all(f"共 {len(one.case_ids)} 件，以下按最典型的 2 件说" in one.why for one in told)
    far = naming.why("", [Case("a", title="甲事")], ["z"], size=9)
    assert "拿不准的 1 件，请核对" in far
