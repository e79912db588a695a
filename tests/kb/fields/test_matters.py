"""Matters: what people call a service, its standard name, its code."""

from __future__ import annotations

from importlib.resources import files

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kb import vocabulary
from kb.fields.matters import clean, code, domain, standard


def _entries() -> dict[str, list[dict[str, list[str]]]]:
    data: dict[str, list[dict[str, list[str]]]] = yaml.safe_load(
        files("kb.fields").joinpath("matters.yml").read_text(encoding="utf-8")
    )
    return data


def test_the_list_is_sound() -> None:
    entries = _entries()
    words = [
        word for area in entries.values() for entry in area for word in (entry["name"], *entry["aliases"])
    ]
    assert sum(map(len, entries.values())) >= 150
    assert sorted(map(str, words)) == sorted({str(word) for word in words}), "a word stands for two matters"
    assert set(entries) == set(vocabulary.values("domains"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("1.个体户注销", "个体户注销"),
        ("（2）房产过户。", "房产过户"),
        ("“养老保险转移”", "养老保险转移"),
        ("房屋所有权\n转移登记（二手房）", "房屋所有权转移登记（二手房）"),
        ("3岁以下婴幼儿照护", "3岁以下婴幼儿照护"),
        (None, ""),
    ],
)
def test_clean(text: str | None, name: str) -> None:
    assert clean(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("个体户注销", "个体工商户注销登记"),
        ("个体工商户注销登记（简易）", "个体工商户注销登记"),
        ("过户", "国有建设用地使用权及房屋所有权转移登记"),
        ("二手房过户办证", "国有建设用地使用权及房屋所有权转移登记"),
        ("车辆过户", "机动车转移登记"),
        ("自来水过户", "供水报装与过户"),
        ("给孩子上户口", "出生登记"),
        ("办理食品经营许可证", "食品经营许可"),
        ("异地就医备案", "异地就医备案"),
        ("不属于政务服务的纠纷", None),
        ("", None),
        (None, None),
    ],
)
def test_standard(text: str | None, name: str | None) -> None:
    assert standard(text) == name


def test_a_story_names_no_matter() -> None:
    assert (
        standard(
            "群众反映邻里之间因为排水问题长期争执不下多次报警也没有结果后来又提到自己还想顺便问问个体户注销怎么办"
        )
        is None
    )


def test_domain_of_a_standard_name() -> None:
    assert domain("个体工商户注销登记") == "企业开办"
    assert domain("个体户注销") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("11370000MB2847291X4370117002000", "11370000MB2847291X4370117002000"),
        ("事项编码：000115015000", "000115015000"),
        ("编码为11370000MB2847291X4370117002000的事项", "11370000MB2847291X4370117002000"),
        ("无", None),
        ("ABCDEFGHIJKL", None),
        ("", None),
        (None, None),
    ],
)
def test_code(text: str | None, expected: str | None) -> None:
    assert code(text) == expected


@pytest.mark.parametrize(
    "text",
    ["13900000000", "11010519491231002X", "91350100M000100Y43", "6222020000000000000", "0591-87654321"],
)
def test_other_numbers_are_no_codes(text: str) -> None:
    assert code(text) is None


@given(st.text(max_size=60) | st.text("0123456789ABX事项编码：-", max_size=40))
def test_never_raises(text: str) -> None:
    assert standard(text) is None or domain(standard(text) or "")
    assert clean(text) == clean(text).strip()
    found = code(text)
    assert found is None or sum(char.isdecimal() for char in found) >= 8
