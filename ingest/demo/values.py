"""How ledgers write a case's values: dates, lists, places, outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Case = dict[str, Any]
Row = list[str]
Columns = dict[str, Callable[[Case], str]]

# How some ledgers word an outcome.
SPOKEN = {
    "办成": "已办结",
    "部分办成": "部分解决",
    "依法不能办已释因": "不符合规定，已解释",
    "转其他渠道": "已转有关单位",
}


def day(iso: str, style: str = "iso") -> str:
    """A date (to the day, month or year) as written in a ledger: iso, cn (2024年3月8日), dot or slash."""
    parts = iso.split("-") if iso else []
    if style == "iso" or not parts:
        return iso
    numbers = [str(int(part)) for part in parts]
    if style == "cn":
        return "".join(number + unit for number, unit in zip(numbers, "年月日", strict=False))
    return {"dot": ".", "slash": "/"}[style].join(numbers)


def joined(key: str, mark: str = "、") -> Callable[[Case], str]:
    """A column: the list of that key, joined."""
    return lambda case: mark.join(case[key])


def text(key: str) -> Callable[[Case], str]:
    """A column: the text of that key."""
    return lambda case: str(case[key])


def hall(case: Case) -> str:
    """The hall's name."""
    return str(case["hall"]["name"])


def place(case: Case) -> str:
    """Province, city and county in one; a municipality's name once."""
    return "".join(dict.fromkeys(case["region"].values()))


def solidified(case: Case) -> str:
    """What was changed for good, with its kind: 指南：……"""
    kind, words = case["solidified"]["kind"], case["solidified"]["text"]
    return f"{kind}：{words}" if kind else ""


def solidified_text(case: Case) -> str:
    """What was changed for good."""
    return str(case["solidified"]["text"])


def received(style: str) -> Callable[[Case], str]:
    """A column: the date of intake."""
    return lambda case: day(case["received"], style)


def closed(style: str) -> Callable[[Case], str]:
    """A column: the date of closing."""
    return lambda case: day(case["closed"], style)


def spoken_outcome(case: Case) -> str:
    """The outcome in other words than the vocabulary's."""
    return SPOKEN[case["outcome"]]


def rows(columns: Columns, cases: Iterable[Case]) -> list[Row]:
    """The header and one row per case."""
    return [list(columns), *([value(case) for value in columns.values()] for case in cases)]
