"""Dates as clerks write them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.fields.dates import has_date_shape, parse_date, reduced_date, working_days


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2021-05-11", date(2021, 5, 11)),
        ("2021年5月11日", date(2021, 5, 11)),
        ("2021年05月11号", date(2021, 5, 11)),
        ("2021 年 5 月 11 日", date(2021, 5, 11)),
        ("2021.5.11", date(2021, 5, 11)),
        ("2021.5.11.", date(2021, 5, 11)),
        ("2021、5、11", date(2021, 5, 11)),
        ("2021—5—11", date(2021, 5, 11)),
        ("2022/4/7 9:30", date(2022, 4, 7)),
        ("2022-1-13 09:24", date(2022, 1, 13)),
        ("2022-01-13 09:24:33.0", date(2022, 1, 13)),
        ("2022年4月7日上午9时30分", date(2022, 4, 7)),
        ("2022年4月7日（星期四）", date(2022, 4, 7)),
        ("２０２２．４．７", date(2022, 4, 7)),
        ("20220706", date(2022, 7, 6)),
        ("20220706093000", date(2022, 7, 6)),
        ("2023-09-05T09:03:00+08:00", date(2023, 9, 5)),
        ("2023-09-05T18:03:00Z", date(2023, 9, 6)),
        ("2023-09-05T09:03:00", date(2023, 9, 5)),
        ("44327", date(2021, 5, 11)),
        ("44327.0", date(2021, 5, 11)),
        (44327.39, date(2021, 5, 11)),
        (44327, date(2021, 5, 11)),
        ("1657065600000", date(2022, 7, 6)),
        ("二〇二二年三月五日", date(2022, 3, 5)),
        ("二零二二年十二月二十一日", date(2022, 12, 21)),
        ("二○二二年十月三十日", date(2022, 10, 30)),
        ("'22.3.5", date(2022, 3, 5)),
        ("22-03-05", date(2022, 3, 5)),
        ("22年3月5日", date(2022, 3, 5)),
        ("2022年3月5日办结", date(2022, 3, 5)),
        (datetime(2022, 3, 5, 10), date(2022, 3, 5)),
        (date(2022, 3, 5), date(2022, 3, 5)),
    ],
)
def test_one_day(text: object, day: date) -> None:
    assert parse_date(text) == day
    assert has_date_shape(text) or text == "1657065600000"


@pytest.mark.parametrize(
    "text", ["3月15日", "3.15", "3/15", "3-15", "三月十五日", "03月15日 10:20", "3月15号上午"]
)
def test_without_year_needs_the_hint(text: str) -> None:
    assert parse_date(text) is None
    assert parse_date(text, 2022) == date(2022, 3, 15)
    assert has_date_shape(text)


@pytest.mark.parametrize(
    "text", ["2023年3月上旬", "2023年3月", "2023年底", "3月初", "2023-13-40", "2023年2月30日"]
)
def test_no_single_or_possible_day(text: str) -> None:
    assert parse_date(text, 2022) is None
    assert has_date_shape(text)


@pytest.mark.parametrize(
    "text",
    ["", "—", "已办结", "13900000000", "2022", "民国十年三月五日", "农历三月初五", "3", "12345", "100000",
     "0591-8765432", "5月11日来窗口反映问题后转至住建局", "鲁政发〔2021〕8号",
     None, True, "1号楼3单元501室"],
)  # fmt: skip
def test_not_a_date(text: object) -> None:
    assert parse_date(text, 2022) is None
    assert not has_date_shape(text)


def test_own_year_wins_over_the_hint() -> None:
    assert parse_date("2021年3月15日", 2022) == date(2021, 3, 15)


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        (date(2022, 4, 7), date(2022, 4, 7), 0),
        (date(2022, 4, 7), date(2022, 4, 8), 1),
        (date(2022, 4, 8), date(2022, 4, 11), 1),  # over a weekend
        (date(2022, 9, 30), date(2022, 10, 8), 1),  # National Day; Saturday the 8th was worked
        (date(2022, 4, 8), date(2022, 4, 7), None),
        (date(1998, 4, 7), date(1998, 4, 9), None),  # no calendar, no guess
    ],
)
def test_working_days(start: date, end: date, days: int | None) -> None:
    assert working_days(start, end) == days


@given(
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.sampled_from(["%Y-%m-%d", "%Y年%m月%d日", "%Y%m%d", "%y.%m.%d"]),
)
def test_every_day_comes_back(day: date, form: str) -> None:
    assert parse_date(day.strftime(form)) == day


@given(
    st.text(max_size=40) | st.text("0123456789年月日.-/: 〇一二三十T+Z'", max_size=24),
    st.integers(1900, 2099),
)
def test_never_raises(text: str, year: int) -> None:
    found = parse_date(text, year)
    assert found is None or has_date_shape(text) or text.strip().isdigit()


@given(st.dates(date(2004, 1, 1), date(2024, 1, 1)), st.integers(0, 60))
def test_working_days_never_exceed_days(start: date, length: int) -> None:
    days = working_days(start, start + timedelta(days=length))
    assert days is not None and 0 <= days <= length


@pytest.mark.parametrize(
    ("text", "said"),
    [("2021-05", "2021-05"), ("2021年5月", "2021-05"), ("2021年05月份", "2021-05"), ("2023年", "2023"),
     ("2021.13", None), ("3月15日", None), ("202105", None), ("", None)],
)  # fmt: skip
def test_a_month_or_year_is_kept_as_far_as_it_is_said(text: str, said: str | None) -> None:
    assert reduced_date(text) == said
