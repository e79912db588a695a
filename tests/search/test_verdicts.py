"""Whether a fix stopped a class: which fix counts, what came before and after and where, when it is too early."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from kb.config import Settings
from kb.model import Case
from kb.playbook import Playbook
from kb.store import Store
from search.insight import fixes, verdicts
from search.insight.fixes import Fix
from search.insight.verdicts import NO_FIX, RECURS, STOPPED, TOO_EARLY, verdict

LEDGERS = Path(__file__).resolve().parents[3] / "shared" / "ledgers"
HALLS = {
    "甲县": ("东省", "一市"), "乙县": ("东省", "一市"), "丙县": ("东省", "二市"), "丁县": ("西省", "一市"),
}  # fmt: skip


def case(case_id: str, received: str = "", hall: str = "甲县", fix: str = "", fixed: str = "", **more: Any) -> Case:
    province, city = HALLS[hall]
    solidified = {"text": fix, "date": fixed} if fix or fixed else {}
    return Case(case_id, received=received, hall={"name": hall}, region={"province": province, "city": city},
                solidified=solidified, **more)  # fmt: skip


BEFORE = [
    case("a", "2022-01-10"), case("b", "2022-03-10"), case("c", "2022-05-10", closed="2022-06-01", fix="改了指南"),
]  # fmt: skip


def test_a_fix_after_which_cases_came_in_recurs_with_places() -> None:
    later = [case("d", "2022-06-02"), case("e", "2022-07-01", "乙县"), case("f", "2022-08-01", "丁县")]
    found = verdict([*later, *BEFORE])
    assert (found.verdict, found.label) == (RECURS, "仍再发")
    assert found.fix and (found.fix.case_id, found.fix.date, found.fix.hall, found.fix.city) == (
        "c", "2022-06-01", "甲县", "一市",
    )  # fmt: skip
    # 一市 of another province is another city.
    assert found.after == {"hall": ["d"], "city": ["e"], "elsewhere": ["f"]}
    assert found.before == {"hall": ["a", "b", "c"], "city": [], "elsewhere": []}
    assert any("同一大厅 1 件" in line and "3 件" in line for line in found.why)


def test_a_day_to_come_is_a_slip_and_lengthens_no_watch(settings: Settings) -> None:
    slip = case("d", "9031-01-01", closed="2022-07-01")
    found = verdict([*BEFORE, slip], until="2022-12-31")
    assert found.until == "2022-12-31" and found.undated == ["d"] and found.verdict != RECURS
    with Store(settings) as store:
        store.publish([case("e", "9031-01-01"), case("f", "2022-01-10", closed="2022-02-01")], by="测试")
        assert verdicts.watched_until(store) == {"甲县": "2022-02-01"}


def test_a_fix_after_which_none_came_for_long_has_stopped_it() -> None:
    found = verdict(BEFORE, until="2023-12-31")
    assert (found.verdict, found.observed_days, found.until) == (STOPPED, 578, "2023-12-31")
    assert found.rates["all"]["before"].cases == 3 and found.rates["all"]["after"].cases == 0
    assert found.chance is not None and found.chance < 0.05
    json.dumps(found.to_dict())


@pytest.mark.parametrize("until", ["", "2022-06-02", "2022-07-15"])
def test_a_short_time_is_too_early(until: str) -> None:
    found = verdict(BEFORE, until)
    assert found.verdict == TOO_EARLY and any("%" in line for line in found.why)


def test_a_rare_class_needs_longer_than_a_frequent_one() -> None:
    rare = [case("a", "2020-01-10"), case("c", "2022-05-10", closed="2022-06-01", fix="改了指南")]
    assert verdict(rare, "2022-12-01").verdict == TOO_EARLY
    assert verdict(BEFORE, "2022-12-01").verdict == STOPPED


def test_the_earliest_dated_fix_counts() -> None:
    cases = [
        case("a", "2022-01-01", fix="培训", fixed="2022-09-01"),
        case("b", "2022-02-01", fix="发文件", fixed="2022-04-01"),
        case("c", "2022-03-01", fix="没有日期"), case("d", "2022-06-01"),
    ]  # fmt: skip
    found = verdict(cases)
    assert found.fix and found.fix.text == "发文件" and [fix.case_id for fix in found.fixes] == ["b", "a", "c"]
    assert found.verdict == RECURS and found.after["hall"] == ["d"]


@pytest.mark.parametrize("said", ["无", "否", "未固化", "没有"])
def test_what_was_not_fixed_is_no_fix(said: str) -> None:
    assert verdict([case("a", "2022-01-01", fix=said), case("b", "2022-02-01")]).verdict == NO_FIX


def test_the_case_of_the_fix_is_never_a_recurrence() -> None:
    found = verdict([case("a", "2022-05-01", fix="引用旧规定", fixed="2019-01-01"), case("b", "2022-06-01")])
    assert found.before["hall"] == ["a"] and found.after["hall"] == ["b"]
    assert found.verdict == RECURS and any("早于第一件" in line for line in found.why)


def test_where_nothing_came_back_where_the_fix_was_made_it_is_said_so() -> None:
    found = verdict([*BEFORE, case("e", "2022-07-01", "丙县"), case("f", "2022-08-01", "丁县")])
    assert (found.verdict, found.standing) == (RECURS, verdicts.BEYOND)
    assert found.label == "固化处未再发，别处仍有 2 件" and verdicts.TONES[found.standing] == "partly"
    assert any("固化的大厅和同市没有再发，别处又有 2 件" in line for line in found.why)
    doubtful = verdict([*BEFORE, case("d", "2022-06-02"), case("f", "2022-08-01", "丁县")], borderline={"d"})
    assert doubtful.label == "固化处待核对，别处仍有 1 件" and "拿不准" in doubtful.why[-1]
    assert not any("没有再发" in line for line in doubtful.why)
    # Of the same city is where the fix should have worked; a fix of no known place should have worked anywhere.
    assert verdict([*BEFORE, case("e", "2022-07-01", "乙县")]).standing == RECURS
    nowhere = Fix("", "指南", "统一口径", "2022-06-01", "", "")
    assert verdict([*BEFORE, case("f", "2022-08-01", "丁县")], stated=nowhere).standing == RECURS


def test_of_a_fix_older_than_all_cases_nothing_is_concluded() -> None:
    found = verdict([case("a", "2022-05-01", fix="引用旧规定", fixed="2019-01-01"), case("b", "2022-06-01")])
    assert (found.verdict, found.label, found.to_dict()["label"]) == (RECURS, "待核对", "待核对")
    assert verdicts.TONES[found.standing] == "partly" and "核对以前，看不出固化有没有用" in found.why[-1]
    # Cases of which only the closing is known came before the fix, if they were closed before it.
    closed = [case("x", closed="2018-01-01"), case("a", fix="改了", fixed="2019-01-01"), case("b", closed="2020-01-01")]
    assert verdict(closed, "2022-01-01").standing != verdicts.UNCHECKED


def test_a_fix_without_any_date_cannot_be_judged() -> None:
    found = verdict([case("a", "2022-01-01", fix="改了流程"), case("b", "2022-02-01")])
    assert (found.verdict, found.fix) == (TOO_EARLY, None) and "没有日期" in found.why[0]


def test_cases_without_a_beginning_are_told_apart() -> None:
    found = verdict([*BEFORE, case("x"), case("y", closed="2023-01-01"), case("z", closed="2022-02-02")], "2023-12-31")
    assert set(found.undated) == {"x", "y"}
    assert "z" in found.before["hall"] and found.verdict == STOPPED and any("2 件没有收件日期" in w for w in found.why)


def test_later_cases_that_are_borderline_are_told_but_do_not_count() -> None:
    later = case("d", "2022-09-01")
    assert verdict([*BEFORE, later], "2023-12-31", {"d"}).verdict == STOPPED
    assert any("拿不准" in line for line in verdict([*BEFORE, later], "2023-12-31", {"d"}).why)
    assert verdict([*BEFORE, later, case("e", "2022-10-01")], "2023-12-31", {"d"}).verdict == RECURS


def test_none_one_and_undated_cases() -> None:
    assert verdict([]).verdict == NO_FIX
    assert verdict([case("a")]).verdict == NO_FIX
    assert verdict([case("a", "2022-01-01", fix="改了", fixed="2022-01-01")], "2024-01-01").verdict == TOO_EARLY


def test_how_long_was_watched_is_known_by_hall(settings: Settings) -> None:
    with Store(settings) as store:
        store.publish([*BEFORE, case("q", "2023-05-05", "丙县"), case("r", "2999-01-01", "丁县")], by="test")
        ends = verdicts.watched_until(store)
    assert ends["甲县"] == "2022-06-01" and ends["丙县"] == "2023-05-05" and ends["丁县"] < "2999"
    # What other halls saw later says nothing about these.
    assert verdict(BEFORE, ends).until == "2022-06-01"


def test_intervals_are_the_exact_ones_of_a_poisson_rate() -> None:
    found = verdicts.rate(5, 365, 2)
    assert found.low is not None and found.high is not None and found.per_year == pytest.approx(5, abs=0.01)
    years = 365 / 365.25
    assert poisson.sf(4, found.low * years) == pytest.approx(0.025, abs=0.002)
    assert poisson.cdf(5, found.high * years) == pytest.approx(0.025, abs=0.002)
    assert verdicts.rate(0, 365, 5).low == 0 and verdicts.rate(0, 365, 5).high == pytest.approx(3.69, abs=0.01)


@pytest.mark.parametrize(("cases", "days", "others"), [(1, 365, 0), (0, 365, 4), (9, 0, 9), (9, -3, 9), (9, 30, 9)])
def test_of_few_cases_or_days_no_rate_is_told(cases: int, days: int, others: int) -> None:
    found = verdicts.rate(cases, days, others)
    assert (found.cases, found.per_year, found.low, found.high) == (cases, None, None, None) and found.days >= 0


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "2022-01", "2022-02-30", "坏", "2021-05-06", "2023-11-01"]),
                  st.sampled_from(["", "无", "改了"]), st.sampled_from(["", "2022-03-03", "2022", "2025-13-01"])),
        max_size=6,
    ), st.sampled_from(["", "2024-01-01", "坏"]),
)  # fmt: skip
def test_no_dates_break_it(told: list[tuple[str, str, str]], until: str) -> None:
    cases = [case(f"c{n}", received, fix=fix, fixed=fixed) for n, (received, fix, fixed) in enumerate(told)]
    found = verdict(cases, until)
    placed = [one for by in (found.before, found.after) for ids in by.values() for one in ids] + found.undated
    assert found.fix is None or sorted(placed) == sorted(one.id for one in cases)
    json.dumps(found.to_dict())


@pytest.mark.skipif(not LEDGERS.exists(), reason="needs ../shared/ledgers")
def test_the_ledgers_own_verdicts_are_met() -> None:
    with (LEDGERS / "truth_dev.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["truth_id"]: row for row in csv.DictReader(file)}
    expected = json.loads((LEDGERS / "dev" / "barriers_expected.json").read_text("utf-8"))
    for one in expected["classes"]:
        cases = [
            Case(number, received=row["received"], closed=row["closed"], hall={"name": row["hall"]},
                 region={"province": row["province"], "city": row["city"]}, solidified={"text": row["solidified"]})
            for number, row in ((number, rows[number]) for number in one["truth_ids"])
        ]  # fmt: skip
        found = verdict(cases, expected["last_received"])
        assert found.verdict == one["verdict"]
        if found.fix:
            assert (found.fix.case_id, found.fix.date) == (one["fix_truth_id"], one["fix_date"])
            assert sum(map(len, found.before.values())) == one["before_incl_fix_case"]
            assert sum(map(len, found.after.values())) == one["after"]
            assert len(found.after["hall"]) == one["after_same_hall"]
            assert len(found.after["hall"]) + len(found.after["city"]) == one["after_same_city"]
            assert found.observed_days == one["observed_days_after_fix"]


@pytest.mark.parametrize(("text", "closed", "date"), [
    ("4月起设老人专席，不再刷脸。", "2022-04-07", "2022-04"), ("自1月1日起一窗受理", "2022-11-20", "2023-01-01"),
    ("2021年5月印发纪要，12月起推行", "2022-04-07", "2021-05"), ("逐月上报，13月起执行", "2022-04-07", ""),
    ("改了指南", "2022-04-07", ""), ("4月起执行", "", ""), ("3月15日前反馈", "2022-03-01", ""),
])  # fmt: skip
def test_a_fix_whose_text_tells_its_day_has_it(text: str, closed: str, date: str) -> None:
    assert fixes.told_date(case("a", "", fix=text, closed=closed)) == date


def test_no_fix_is_older_than_the_case_that_tells_of_it_and_a_later_day_counts() -> None:
    early, late = (fixes.fix_of(case("a", "2022-10-01", fix=text, closed="2022-11-20")) for text in
                   ("自11月起设采集点", "自1月1日起一窗受理"))  # fmt: skip
    assert (early.date, early.by_closing) == ("2022-11-20", True)
    assert (late.date, late.by_closing) == ("2023-01-01", False)
    assert "（办结日）" in verdict([case("a", "2022-10-01", fix="改了指南", closed="2022-11-20")]).why[0]


@pytest.mark.parametrize(("kind", "text", "found"), [
    ("", "流程：复印件由窗口打印", ("流程", "复印件由窗口打印")), ("系统", "加了选项", ("系统", "加了选项")),
    ("", "两家会签合并规程", ("文件", "两家会签合并规程")), ("", "不再收纸质证明", ("流程", "不再收纸质证明")),
    ("", "平台增加台胞证类型", ("系统", "平台增加台胞证类型")), ("", "大家更重视了", ("", "大家更重视了")),
])  # fmt: skip
def test_the_kind_of_a_fix_is_read_from_its_words(kind: str, text: str, found: tuple[str, str]) -> None:
    assert fixes.told(Case("a", solidified={"kind": kind, "text": text})) == found


def test_of_a_month_in_a_playbook_the_day_is_that_of_the_case_of_the_fix() -> None:
    own = case("c", "2022-05-10", closed="2022-06-20", fix="改了指南")
    book = Playbook(solidified={"kind": "指南", "text": "改了指南", "date": "2022-06", "where": "", "cases": ["c"]})
    found = verdicts.stated(book, [*BEFORE[:2], own])
    assert found is not None and found.date == "2022-06-20"
