"""The same case told twice is linked; the same matter of other people is not."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.duplicates import Candidate, find_duplicates
from ingest.traces import masked_names, traces

SECRET = b"0123456789abcdef"
COUNTY = {"hall": {"code": "370826", "name": "微山县"}, "region": {"county": "微山县", "code": "370826"}}
CITY = {"hall": {"code": "370800", "name": "济宁市本级"}, "region": {"county": "", "code": "370800"}}
NEXT = {"hall": {"code": "370829", "name": "嘉祥县"}, "region": {"county": "嘉祥县", "code": "370829"}}

LAMP = (
    "开灯具铺的聋哑夫妻来补领残疾车行驶证，原车在洪水里泡烂，发动机号拓不出来。",
    "发动机号无法拓印，补证系统要求必须上传拓印膜。",
    "车管所派查验员到铺里看车，以出厂合格证和照片代替拓印。",
)
RETOLD = (
    "市热线：微山一对聋哑夫妻的残疾车被洪水泡过，发动机号拓不出，行驶证补不了。",
    "拓印膜传不上去，补证卡住。",
    "责成当地车管所上门查验，凭合格证补发。",
)


def told(
    id: str, texts: tuple[str, str, str], place: dict[str, Any], people: list[str] | None = None, **more: Any
) -> Candidate:
    fields = {**dict(zip(("demand", "obstacle", "measure"), texts, strict=True)), **place, **more}
    return Candidate(id, id, fields, None, traces(people or [], SECRET))


ORIGINAL = told("a", LAMP, COUNTY, ["李小明", "13800000000"], received="2022-05-06", closed="2022-05-20")


def test_county_and_city_tell_one_case() -> None:
    again = told("b", RETOLD, CITY, ["李小明"], received="2022-05-09", closed="2022-05-20")
    (link,) = find_duplicates([again, ORIGINAL], [])
    assert (link.id, link.duplicate_of) == ("b", "a")
    assert any("人名" in sentence for sentence in link.evidence)
    assert "李小明" not in "".join(link.evidence)


def test_news_with_a_masked_name() -> None:
    news = told("b", RETOLD, COUNTY, masked_names("李先生"))
    (link,) = find_duplicates([news], [ORIGINAL])
    assert link.duplicate_of == "a"


def test_another_surname_is_another_case() -> None:
    news = told("b", RETOLD, COUNTY, masked_names("张女士"))
    assert find_duplicates([news], [ORIGINAL]) == []


@pytest.mark.parametrize("place", [COUNTY, NEXT])
def test_the_same_words_about_other_people(place: dict[str, Any]) -> None:
    other = told("b", LAMP, place, ["王大力", "13911111111"], received="2022-05-07", closed="2022-05-20")
    assert find_duplicates([other], [ORIGINAL]) == []


def test_the_same_obstacle_in_another_county() -> None:
    ours = ("船员换证要去市里采指纹，来回一天。", "采集点只设在市区。", "市局携带设备到码头采集。")
    theirs = ("跑船的说按指纹得上济宁，误工一天。", "县里没有采集点。", "安排集中采集日，送设备下来。")
    a = told("a", ours, COUNTY, ["李小明"], received="2022-05-06", closed="2022-05-20")
    b = told("b", theirs, NEXT, ["王大力"], received="2022-05-06", closed="2022-05-20")
    assert find_duplicates([a, b], []) == []


def test_one_person_with_two_matters() -> None:
    other = ("给孩子落户，门牌和房本写法不同。", "地址对不上。", "地名办出证明后落户。")
    b = told("b", other, COUNTY, ["李小明", "13800000000"], received="2022-05-06", closed="2022-05-20")
    assert find_duplicates([b], [ORIGINAL]) == []


def test_a_number_that_everyone_gives_is_no_trace() -> None:
    crowd = [
        told(
            f"c{i}", (f"第{i}家想办{i * 7919}号证照。", f"缺第{i}件材料。", f"第{i}天补齐。"), COUNTY, ["0537-1234567"]
        )
        for i in range(60)
    ]
    assert find_duplicates(crowd, []) == []


def test_a_known_record_stays_the_original_and_chains_end_there() -> None:
    second = told("b", RETOLD, CITY, ["李小明"], closed="2022-05-20", duplicate_of="a")
    third = told("0", LAMP, COUNTY, ["李小明"], received="2022-01-01", closed="2022-05-20")
    (link,) = find_duplicates([third], [ORIGINAL, second])
    assert (link.id, link.duplicate_of) == ("0", "a")


def test_meaning_brings_together_what_has_no_other_block() -> None:
    vector = np.eye(1, 8, dtype=np.float32)[0]
    a = Candidate("a", 1, ORIGINAL.fields, vector, ORIGINAL.traces)
    b = Candidate("b", 2, told("b", RETOLD, COUNTY).fields, vector, frozenset())
    (link,) = find_duplicates([b], [a])
    assert any("意思相近" in sentence for sentence in link.evidence)


def test_two_rows_of_one_register_are_two_cases() -> None:
    register = {"source": {"file": "台账.xlsx", "sheet": "2022"}}
    ours = told("a", LAMP, COUNTY, received="2022-05-06", **register)
    theirs = told("b", RETOLD, COUNTY, received="2022-05-09", **register)
    elsewhere = told("b", RETOLD, COUNTY, received="2022-05-09", source={"file": "报道.docx", "sheet": ""})
    assert find_duplicates([theirs], [ours]) == []
    assert [link.duplicate_of for link in find_duplicates([elsewhere], [ours])] == ["a"]


def test_one_report_cannot_tell_the_cases_of_two_counties() -> None:
    ours = told("a", LAMP, COUNTY, received="2022-05-06", closed="2022-05-20")
    theirs = told("c", LAMP, NEXT, received="2022-05-06", closed="2022-05-20")
    report = told("b", RETOLD, CITY, received="2022-05-09", closed="2022-05-20")
    links = find_duplicates([ours, theirs, report], [])
    assert [(link.id, link.duplicate_of) for link in links] == [("b", "a")]


@pytest.mark.parametrize("new", [[], [ORIGINAL], [Candidate("x", 1, {}, None, frozenset())] * 1])
def test_little_or_nothing_to_compare(new: list[Candidate]) -> None:
    assert find_duplicates(new, []) == []


def test_judged_ledgers(shared: Path) -> None:
    """Pairs found on the truth texts, without the help of vectors: precise, if not complete."""
    with (shared / "ledgers" / "truth_dev.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    original = {row["truth_id"]: row["dup_of"] or row["truth_id"] for row in rows}
    links = find_duplicates([_candidate(i, row) for i, row in enumerate(rows)], [])
    assert all(original[link.id] == original[link.duplicate_of] for link in links)
    assert len(links) >= 5


def _candidate(order: int, row: dict[str, str]) -> Candidate:
    people = [entry["text"] for entry in json.loads(row["pii"])]
    texts = (row["demand"], row["obstacle"], row["resolution"])
    for person in people:
        texts = tuple(text.replace(person, "〔〕") for text in texts)  # type: ignore[assignment]
    place = {
        "hall": {"code": row["adcode"], "name": row["hall"]},
        "region": {"county": "" if row["adcode"].endswith("00") else row["hall"], "code": row["adcode"]},
    }
    printed = row["fields_present"].split("、")
    days = {name: row[name] for name in ("received", "closed") if name in printed}
    names = masked_names(row["applicant"]) or (row["applicant"].split("/") if "matter" in printed else [])
    candidate = told(row["truth_id"], texts, place, [*people, *names], **days)
    return Candidate(candidate.id, order, candidate.fields, None, candidate.traces)
