"""One record becomes one case: whose it is, when it was, how it ended. Records here are invented."""

from __future__ import annotations

import pytest

from ingest.drafting import Drafted, draft
from ingest.records import Place, Record

STORY = {"demand": "想办燃气报装，房产证押在银行，窗口只认原件", "measure": "住建局与银行联系，凭复印件受理"}


def drafted(heading: str = "", **values: str) -> Drafted:
    return draft(Record(Place("台账.csv", kind="csv"), {**STORY, **values}, heading=heading))


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("√ 已解决", "办成"), ("是", "办成"), ("已办结\n不予办理", "依法不能办已释因"), ("是\n部分办成", "部分办成"),
        ("阶段性办结", "部分办成"), ("办结\n办成", "办成"),
    ],
)  # fmt: skip
def test_one_or_two_columns_say_how_it_ended(said: str, outcome: str) -> None:
    assert drafted(outcome=said).case.outcome == outcome


def test_a_column_that_denies_the_outcome_counts() -> None:
    assert drafted(outcome="已办结\n未办成").case.outcome == ""


def test_how_content_people_are_is_no_outcome() -> None:
    assert drafted(outcome="已办结\n基本满意").case.outcome == "办成"
    assert drafted(outcome="基本满意").case.outcome != "部分办成"


def test_a_case_that_is_still_going_on_is_not_taken_for_solved() -> None:
    assert drafted(outcome="持续推进").case.outcome == ""


def test_the_type_of_a_hotline_ticket_is_no_problem_to_report() -> None:
    one = drafted(nature="投诉")
    assert not one.problems and one.case.extra["性质"] == "投诉"


@pytest.mark.parametrize(
    ("values", "hall"),
    [
        ({"region_code": "331102"}, ("331102", "莲都区")),
        ({"region": "达州市\n通川区\n凤凰镇"}, ("511702", "通川区")),
        ({"region_code": "331102", "coop_depts": "浙江省科学技术厅"}, ("331102", "莲都区")),
        ({"coop_depts": "浙江省科学技术厅"}, None),
    ],
)  # fmt: skip
def test_whose_case_it_is(values: dict[str, str], hall: tuple[str, str] | None) -> None:
    found = drafted(**values).case.hall
    assert found == ({"code": hall[0], "name": hall[1]} if hall else {})


@pytest.mark.parametrize(
    ("heading", "received", "closed", "days"),
    [
        ("", "2022年12月20日", "1月8日", ("2022-12-20", "2023-01-08")),
        ("2021—2023年台账", "2022-03-01", "3月9日", ("2022-03-01", "2022-03-09")),
        ("2023年台账", "12月28日", "2023年1月5日", ("2022-12-28", "2023-01-05")),
        ("2023年台账", "3月5日", "3月9日", ("2023-03-05", "2023-03-09")),
        ("", "2024年2月29日", "当日", ("2024-02-29", "2024-02-29")),
        ("", "2024.3.20", "2024.3.28（已电话告知）", ("2024-03-20", "2024-03-28")),
    ],
)
def test_a_date_without_a_year_takes_it_from_its_row(
    heading: str, received: str, closed: str, days: tuple[str, str]
) -> None:
    case = drafted(heading, received=received, closed=closed).case
    assert (case.received, case.closed) == days


@pytest.mark.parametrize(
    ("values", "fix"),
    [
        ({"solidified": "写进指南", "solidified_date": "2023年3月1日", "solidified_kind": "办事指南"},
         {"kind": "指南", "text": "写进指南", "date": "2023-03-01"}),
        ({"solidified": "写进指南", "solidified_date": "自2023年3月起"}, {"text": "写进指南", "date": "2023-03"}),
        ({"solidified": "两家一起收件", "solidified_kind": "口头约定"}, {"text": "两家一起收件\n口头约定"}),
        ({"solidified": "写进指南并培训", "solidified_kind": "指南、培训"}, {"text": "写进指南并培训\n指南、培训"}),
        ({"solidified_kind": "流程"}, {"kind": "流程"}),
        ({"solidified_kind": "未固化"}, {}),
        ({"solidified": "写进指南", "solidified_date": "4月6日", "received": "2023年4月1日"},
         {"text": "写进指南", "date": "2023-04-06"}),
    ],
)  # fmt: skip
def test_a_fix_has_the_day_and_the_kind_of_their_own_columns(values: dict[str, str], fix: dict[str, str]) -> None:
    one = drafted(**values)
    assert one.case.solidified == fix and not one.problems


def test_what_is_no_day_of_a_fix_is_told_and_kept_apart() -> None:
    one = drafted(solidified="写进指南", solidified_date="条件成熟时")
    assert one.case.solidified == {"text": "写进指南"} and one.case.extra["固化日期"] == "条件成熟时"
    assert [problem.kept for problem in one.problems] == [True]
