"""The radar: what ranks high and why, what is kept apart, what is counted once, and `kb barriers`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kb.config import Settings
from kb.errors import Fault
from kb.store import Store, writing
from search import barrier_commands
from search.calibration import NONE
from search.insight import barriers, membership, naming, numbers, same_problem, watch
from search.insight.barriers import Barrier, radar

from .insights import LIANJIANG, MINHOU, YANGGU, case, classed, ids, publish


@pytest.fixture
def store(settings: Settings) -> Any:
    with Store(settings) as opened:
        yield opened


def only(found: list[Barrier]) -> Barrier:
    (one,) = found
    return one


def parts(one: Barrier) -> dict[str, tuple[int, list[str]]]:
    return {part.name: (part.number, part.case_ids) for part in one.components}


def test_a_barrier_shows_every_number_with_its_cases(store: Store) -> None:
    publish(store, [case(1, "2024-01-05"), case(2, "2024-02-05", LIANJIANG), case(3, "2024-02-09", YANGGU)])
    classed(store, "c1", 1, 2, 3)
    one = only(barriers.barriers(store))
    assert (one.id, one.label, one.barrier, one.case_ids) == ("c1", "坐落与门牌对不上", "信息不一致", ids(3, 2, 1))
    assert one.halls == {"连江县": 1, "闽侯县": 1, "阳谷县": 1} and one.months == {"2024-01": 1, "2024-02": 2}
    assert one.of_months["2024-02"] == ids(3, 2) and one.cities == {"福州市": 2, "聊城市": 1}
    found = parts(one)
    assert found["cases"] == (3, ids(3, 2, 1)) and found["halls"][0] == 3 and found["months"][0] == 2
    assert all(len(case_ids) == number for number, case_ids in (found["cases"], found["halls"]))


def test_a_date_to_come_is_a_slip_and_ends_no_scope(store: Store) -> None:
    publish(store, [case(1, "2024-01-05"), case(2, "2024-01-09"), case(3, "9031-01-01", closed="2024-01-20")])
    classed(store, "c1", 1, 2, 3)
    found = radar(store).barriers[0]
    assert found.months == {"2024-01": 3} and parts(found)["growth"][0] == 0  # nothing is known of the days before
    publish(store, [case(4, "2023-01-01")])
    assert parts(radar(store).barriers[0])["growth"][0] == 3


def test_the_score_is_the_sum_of_weight_times_value(store: Store) -> None:
    publish(store, [case(1), case(2, hall=LIANJIANG)])
    classed(store, "c1", 1, 2)
    one = only(barriers.barriers(store))
    assert one.score == pytest.approx(sum(part.weight * part.value for part in one.components), abs=0.02)
    weights = barriers.settings()["weights"]
    assert all(part.weight == weights[part.name] for part in one.components)


def test_more_cases_at_more_halls_rank_higher(store: Store) -> None:
    publish(store, [case(1), case(2), case(3), case(4, hall=LIANJIANG), case(5, hall=YANGGU)])
    classed(store, "few", 1, 2)
    classed(store, "many", 3, 4, 5)
    assert [one.id for one in barriers.barriers(store)] == ["many", "few"]


def test_what_came_back_only_elsewhere_is_not_said_of_the_hall_of_the_fix(store: Store) -> None:
    fixed = {"kind": "指南", "text": "写清要什么证明", "date": "2024-02-10"}
    publish(store, [case(1, "2024-01-05"), case(2, "2024-02-01", solidified=fixed), case(3, "2024-06-01", YANGGU)])
    classed(store, "c1", 1, 2, 3)
    one = only(barriers.barriers(store))
    assert (one.verdict, one.standing) == ("recurs_after_fix", "recurs_elsewhere")
    for command in (("list",), ("show", "c1")):
        assert "固化处未再发，别处仍有 1 件" in run(store, *command).stdout
        assert "仍再发" not in run(store, *command).stdout


def test_a_class_mostly_written_as_no_matter_of_government_says_what_it_counts(store: Store) -> None:
    publish(store, [case(1), case(2), *(case(n, barriers=["非政务诉求"]) for n in (3, 4, 5))])
    classed(store, "c1", 1, 2, 3, 4, 5)
    with writing(store.workbench):
        store.workbench.table("classes").update("c1", {"barriers": '["非政务诉求", "信息不一致"]'})
    said = "多写作非政务诉求，这里只计不是的 2 件"
    assert only(barriers.barriers(store)).type_said == said
    assert said in run(store, "list").stdout and said in run(store, "show", "c1").stdout


def test_halls_are_told_by_who_solved_it_and_who_did_not(store: Store) -> None:
    publish(store, [
        case(1, "2024-01-05", measure="窗口代查"), case(2, "2024-02-05", outcome="部分办成"),
        case(3, hall=LIANJIANG, outcome="转其他渠道"), case(4, hall=YANGGU, outcome=""), case(5, hall={}, outcome=""),
    ])  # fmt: skip
    solved, unsolved, unsaid = numbers.by_hall(store.published())
    assert [(one.name, one.case_ids, one.solved, one.unsolved, one.how) for one in solved] == [
        ("闽侯县", ids(1, 2), 1, 1, "窗口代查")
    ]
    assert [(one.name, one.unsolved) for one in unsolved] == [("连江县", 1)]
    assert [one.name for one in unsaid] == ["阳谷县", ""]


def test_equal_barriers_keep_a_stable_order(store: Store) -> None:
    publish(store, [case(number) for number in range(4)])
    classed(store, "b", 0, 1)
    classed(store, "a", 2, 3)
    found = barriers.barriers(store)
    assert [one.id for one in found] == ["a", "b"] and found[0].score == found[1].score


def test_one_case_is_no_barrier_but_two_of_one_hall_are(store: Store) -> None:
    publish(store, [case(1), case(2), case(3)])
    classed(store, "alone", 1)
    classed(store, "again", 2, 3)
    assert [one.id for one in barriers.barriers(store)] == ["again"]


def test_duplicates_count_once_and_are_named(store: Store) -> None:
    publish(store, [case(1), case(2), case(3, hall=LIANJIANG, duplicate_of=ids(1)[0])])
    classed(store, "c1", 1, 2)
    one = only(barriers.barriers(store))
    assert one.case_ids == ids(2, 1) and one.again == ids(3) and "重复登记" in one.why[0]


def test_a_class_that_only_has_a_case_and_its_duplicate_is_no_barrier(store: Store) -> None:
    publish(store, [case(1), case(2, duplicate_of=ids(1)[0])])
    classed(store, "c1", 1, 2)
    assert barriers.barriers(store) == []


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"outcome": "依法不能办已释因", "barriers": ["依法不能办"]}, "lawful"),
        ({"outcome": "依法不能办已释因", "barriers": ["资格条件限制"]}, "lawful"),
        ({"outcome": "", "barriers": ["依法不能办"]}, "lawful"),
        ({"outcome": "转其他渠道", "barriers": ["非政务诉求"]}, "outside"),
        ({"outcome": "办成", "nature": "非政务"}, "outside"),
    ],
)
def test_refusals_and_private_matters_are_never_in_a_barrier(store: Store, more: dict[str, Any], name: str) -> None:
    publish(store, [case(1), case(2), case(3, **more), case(4, **more)])
    classed(store, "c1", 1, 2, 3)
    found = radar(store)
    assert only(found.barriers).case_ids == ids(2, 1)
    assert getattr(found, name) == ids(4, 3) and found.loose == 0


def test_members_that_were_lawfully_refused_are_told_with_their_share(store: Store) -> None:
    publish(store, [case(1), case(2), case(3, outcome="依法不能办已释因")])
    classed(store, "c1", 1, 2, 3)
    one = only(barriers.barriers(store))
    part = next(part for part in one.components if part.name == "refused")
    assert "不算案例数，只按比例加分" in part.text and "不计入" not in part.text
    assert one.refused == part.case_ids == ids(3) and part.value == pytest.approx(1 / 3, abs=0.001)


def test_growth_counts_the_newer_half_against_the_older_one(store: Store) -> None:
    newer = [case(number, "2024-06-01") for number in range(3)]
    publish(store, [*newer, case(3, "2023-11-01"), *(case(n, "2023-11-01") for n in (4, 5)), case(6, "2024-06-01")])
    classed(store, "growing", 0, 1, 2, 3)
    classed(store, "waning", 4, 5, 6)
    growing, waning = barriers.barriers(store)
    assert growing.id == "growing" and parts(growing)["growth"] == (2, ids(2, 1, 0, 3))
    assert parts(waning)["growth"] == (-1, ids(6, 5, 4)) and not any("此前" in line for line in waning.why)


def test_a_period_too_short_to_be_halved_shows_no_growth(store: Store) -> None:
    publish(store, [case(0, "2024-05-01"), case(1, "2024-06-01"), case(2, "2024-06-30"), case(3, "2023-10-01")])
    classed(store, "c1", 0, 1, 2, 3)
    assert parts(barriers.barriers(store)[0])["growth"][0] == 2
    assert parts(barriers.barriers(store, since="2024-04")[0])["growth"] == (0, [])


def test_recurrence_counts_where_the_fix_reached_and_is_shown_by_place(store: Store) -> None:
    fixed: dict[str, Any] = {"kind": "流程", "text": "由窗口统一核对坐落", "date": "2024-01-10"}
    publish(store, [
        case(1, "2024-01-01", solidified=fixed), case(2, "2024-03-01"), case(3, "2024-04-01", LIANJIANG),
        case(4, "2024-05-01", YANGGU),
    ])  # fmt: skip
    classed(store, "c1", 1, 2, 3, 4)
    one = only(barriers.barriers(store))
    assert one.verdict == "recurs_after_fix" and one.fix and one.fix["case_id"] == ids(1)[0]
    assert one.counts["after"] == {"hall": ids(2), "city": ids(3), "elsewhere": ids(4)}
    assert parts(one)["recurrence"] == (2, ids(2, 3))


def test_a_heap_of_doubtful_members_ranks_below_a_sure_class(store: Store) -> None:
    publish(store, [case(n, f"2024-0{n}-01") for n in range(1, 7)])
    classed(store, "heap", 1, 2, 3)
    classed(store, "sure", 4, 5, 6)
    store.workbench.conn.execute("update class_members set borderline = 1 where case_id in (?, ?)", ids(2, 3))
    first, second = barriers.barriers(store)
    assert (first.id, second.id) == ("sure", "heap") and parts(second)["unsure"] == (2, ids(3, 2))
    assert second.score == pytest.approx(first.score - 2)


def test_a_fix_before_the_first_case_is_told(store: Store) -> None:
    fixed: dict[str, Any] = {"kind": "文件", "text": "早有规定", "date": "2020-01-01"}
    publish(store, [case(1, "2024-01-01", solidified=fixed), case(2, "2024-02-01")])
    classed(store, "c1", 1, 2)
    assert only(barriers.barriers(store)).fix


@pytest.mark.parametrize("region", ["3715", "371521", "370000", "聊城市", "阳谷县", "山东省", "阳谷"])
def test_the_region_is_a_code_or_a_name(store: Store, region: str) -> None:
    publish(store, [case(1), case(2), case(3, hall=YANGGU), case(4, hall=YANGGU)])
    classed(store, "c1", 1, 2, 3, 4)
    assert only(barriers.barriers(store, region=region)).case_ids == ids(4, 3)


def test_cases_without_a_code_are_found_by_the_name_of_their_area(store: Store) -> None:
    bare: dict[str, Any] = {"hall": {"name": "阳谷县"}, "region": {"county": "阳谷县"}}
    publish(store, [case(1, **bare), case(2, **bare), case(3)])
    classed(store, "c1", 1, 2, 3)
    assert only(barriers.barriers(store, region="阳谷县")).case_ids == ids(2, 1)


def test_the_period_counts_by_receipt_else_by_closing_and_undated_cases_are_told(store: Store) -> None:
    publish(store, [
        case(1, "2024-01-01"), case(2, "2024-05-01"), case(3, "", closed="2024-05-20"), case(4, "2024-07-01"),
        case(5, ""),
    ])  # fmt: skip
    classed(store, "c1", 1, 2, 3, 4, 5)
    found = radar(store, since="2024-04", until="2024-05")
    assert only(found.barriers).case_ids == ids(3, 2) and found.undated == ids(5) and found.cases == 2
    whole = only(barriers.barriers(store))
    assert len(whole.case_ids) == 5 and whole.undated == ids(5) and sum(whole.months.values()) == 4


@pytest.mark.parametrize("dates", [{"since": "去年"}, {"until": "很久"}, {"since": "2024-05", "until": "2024-04"}])
def test_a_period_that_cannot_be_is_named(store: Store, dates: dict[str, str]) -> None:
    with pytest.raises(Fault):
        barriers.barriers(store, **dates)


def test_nothing_at_all_and_one_case_give_an_empty_list(store: Store) -> None:
    assert barriers.barriers(store) == []
    publish(store, [case(1)])
    assert radar(store).to_dict() == {
        "barriers": [], "lawful": [], "outside": [], "loose": 1, "cases": 1, "undated": [],
    }  # fmt: skip


def test_withdrawn_members_do_not_count(store: Store) -> None:
    publish(store, [case(1), case(2), case(3)])
    classed(store, "c1", 1, 2, 3)
    store.withdraw(ids(3)[0], by="测试", reason="测试")
    assert only(barriers.barriers(store)).case_ids == ids(2, 1)


def test_rejected_classes_are_no_barriers(store: Store) -> None:
    publish(store, [case(1), case(2)])
    classed(store, "c1", 1, 2, state="rejected")
    assert barriers.barriers(store) == []


def test_cases_without_dates_and_halls_still_make_a_barrier(store: Store) -> None:
    publish(store, [case(n, "", hall={}, region={}) for n in (1, 2)])
    classed(store, "c1", 1, 2)
    one = only(barriers.barriers(store))
    assert one.halls == {} and one.months == {} and parts(one)["cases"][0] == 2 and "没有写明大厅" in one.why


def test_an_unmet_question_near_a_class_adds_to_it(store: Store) -> None:
    far = "船员指纹只能到市里采集"
    publish(store, [case(1), case(2), case(3, obstacle=far), case(4, obstacle=far)])
    classed(store, "address", 1, 2)
    classed(store, "finger", 3, 4, title="船员指纹只能到市里采集")
    store.log_question("船员指纹能在县里采集吗", "船员指纹能在县里采集吗", NONE)
    found = {one.id: one for one in barriers.barriers(store)}
    assert found["finger"].unmet[0]["asked"] == 1 and found["address"].unmet == []
    assert parts(found["finger"])["unmet"][1][0] in found["finger"].case_ids


# One problem told by many


def letters(store: Store, hall: dict[str, str], first: int = 100, people: int = 6, **more: Any) -> list[str]:
    """Letters of so many people about one mixing plant."""
    said = ("老人孩子睡不着，粉尘也大", "粉尘满天，窗户不敢开")
    inferred = {"confidence": {"barriers": 0.8}}
    private: dict[str, Any] = {"barriers": ["非政务诉求"], "nature": "非政务", "outcome": "", **inferred}
    cases = [
        case(first + n, "2024-05-01", hall, title="青柳新苑旁边的搅拌站夜里轰鸣", matter={}, obstacle="",
             demand=f"青柳新苑旁边的搅拌站夜里轰鸣，{said[n % 2]}，请管一管。", **{**private, **more})
        for n in range(people)
    ]  # fmt: skip
    titles = ("公交首班车能早些吗", "退休金什么时候发", "学区怎么划分", "医保报销比例", "落户要什么材料", "执照怎么换")
    other = [case(first + 50 + n, obstacle="", matter={}, title=title, demand=title) for n, title in enumerate(titles)]
    publish(store, [*cases, *other])
    return [one.id for one in cases]


def test_one_problem_told_by_many_people_is_a_barrier_of_its_own(store: Store) -> None:
    told = letters(store, MINHOU)
    found = radar(store)
    one = only(found.barriers)
    assert set(one.case_ids) == set(told) and one.kind == "reports" and one.people == 6
    assert "搅拌站" in one.label and found.outside == [] and "6 个不同的人反映同一问题" in one.why


def test_a_class_about_a_problem_told_by_many_counts_the_same_cases_everywhere(store: Store) -> None:
    told = letters(store, MINHOU)
    classed(store, "c1", 100, 101, 102, 103)
    ranked = only(radar(store).barriers)
    assert ranked.kind == "class" and set(ranked.case_ids) == set(told)
    asked = dict.fromkeys(("since", "until", "region"), "")
    one, found = numbers.subject(store, "c1", asked)
    assert {fact.case_id for fact in numbers.told(store, one, found)[1]} == set(told)
    assert set(numbers.behind(store, asked, "c1", "whole", {}).case_ids) == set(told)


def test_the_same_person_writing_again_and_again_is_not_many(store: Store) -> None:
    told = letters(store, MINHOU)
    store.remember({}, {case_id: ["o:abcdef"] for case_id in told})
    assert barriers.barriers(store) == []
    store.remember({}, {case_id: [f"o:{n:06x}", "c:same"] for n, case_id in enumerate(told)})
    assert only(barriers.barriers(store)).people == 6


def test_what_a_hall_itself_called_private_stays_apart(store: Store) -> None:
    letters(store, MINHOU, confidence={})
    found = radar(store)
    assert found.barriers == [] and len(found.outside) == 6


def test_one_wording_at_many_halls_is_not_one_problem(store: Store) -> None:
    for place, hall in enumerate((MINHOU, LIANJIANG, YANGGU)):
        letters(store, hall, first=100 * (place + 1), people=2)
    assert [one for one in barriers.barriers(store) if one.kind == "reports"] == []


def test_found_problems_are_kept_until_the_library_changes(store: Store) -> None:
    letters(store, MINHOU)
    first = same_problem.known(store)
    path = store.settings.index_dir / "same_problem.json"
    kept = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**kept, "groups": [["x"]]}), "utf-8")
    assert same_problem.known(store) == [["x"]]
    publish(store, [case(900)])
    assert same_problem.known(store) == first
    path.write_text("{broken", "utf-8")
    assert same_problem.known(store) == first


def test_a_large_library_is_compared_for_the_patient_only(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    letters(store, MINHOU)
    monkeypatch.setitem(same_problem._SETTINGS, "at_once", 3)
    assert same_problem.known(store) == [] and len(same_problem.known(store, patient=True)) == 1
    publish(store, [case(900)])
    assert len(same_problem.known(store)) == 1


# The command line


def run(store: Store, *arguments: str) -> Any:
    env = {"KB_DATA": str(store.settings.data_dir)}
    return CliRunner(env=env).invoke(barrier_commands.barriers, arguments)


def test_the_list_and_one_barrier_as_json_and_for_people(store: Store) -> None:
    publish(store, [case(1), case(2, hall=YANGGU)])
    classed(store, "c1", 1, 2)
    (listed,) = json.loads(run(store, "list", "--json").stdout)
    assert set(listed) >= {"id", "label", "barrier", "case_ids", "halls", "months", "verdict", "score", "why"}
    assert listed["verdict"] == "no_fix_yet" and "坐落与门牌对不上" in run(store, "list").stdout
    assert json.loads(run(store, "show", "c1", "--json").stdout)["id"] == "c1"
    assert "案例 2：" in run(store, "show", "c1").stdout
    assert json.loads(run(store, "list", "--region", "阳谷县", "--json").stdout) == []


@pytest.mark.parametrize("command", ["list", "show c1", "compare", "prerequisites", "report -o 线索.docx"])
def test_an_area_of_which_no_case_is_is_a_slip(store: Store, command: str) -> None:
    publish(store, [case(1), case(2)])
    classed(store, "c1", 1, 2)
    for area in ("火星", "北京市", "11"):
        failed = run(store, *command.split(), "--region", area)
        assert isinstance(failed.exception, Fault) and f"没有“{area}”的案例" in str(failed.exception)


def test_an_empty_list_says_why(store: Store) -> None:
    assert "还没有可看的案例" in run(store, "list").stderr
    publish(store, [case(1)])
    assert "先运行 kb classes propose" in run(store, "list").stderr
    with writing(store.workbench):
        membership.ran(store, store.stamp())
    assert "两件以上" in run(store, "list").stderr and "propose" not in run(store, "list").stderr
    assert "这一时段和地区里没有" in run(store, "list", "--since", "2023").stderr
    assert "这一时段和地区没有案例" in run(store, "list", "--until", "2000").stderr


def test_what_is_no_barrier_any_more_says_so(store: Store) -> None:
    publish(store, [case(1), case(2), case(3)])
    classed(store, "c1", 1, 2)
    classed(store, "c2", 3, state="rejected")
    watch.add(store, "li", class_id="c1")
    assert "坐落" in watch.evaluate(store)[0].text
    for case_id in ids(1, 2):
        store.withdraw(case_id, by="测试", reason="误入库")
    with writing(store.workbench):
        membership.drop_gone(store, {}, {}, ids(1, 2))
        membership.describe(store, {"c1"})
    assert "坐落" not in str([*watch.rules(store, "li"), *watch.notices(store, "li")])
    said = str(run(store, "show", "c1").exception)
    assert naming.EMPTIED in said and "信息不一致" in said and "坐落与门牌对不上" not in said
    assert "已被否决" in str(run(store, "show", "c2").exception)


def test_a_report_is_a_document_or_a_page(store: Store, tmp_path: Path) -> None:
    refused = run(store, "report", "-o", str(tmp_path / "线索.pdf"))
    assert refused.exit_code == 2 and ".docx" in refused.output and not (tmp_path / "线索.pdf").exists()


def test_what_is_not_there_is_said_or_empty(store: Store) -> None:
    assert "没有编号为 c9" in str(run(store, "show", "c9").exception)
    assert json.loads(run(store, "compare", "--json").stdout) == []
    assert json.loads(run(store, "prerequisites", "--json").stdout) == {"nodes": {}, "edges": [], "cycles": []}
