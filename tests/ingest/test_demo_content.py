"""The demonstration library: enough cases, every label, no personal data, files that match their source."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlrd
import yaml
from docx import Document

from ingest.demo import CASES, FILES, HERE, ILLUSTRATIVE, build, load_article, load_cases
from kb import vocabulary
from kb.fields import regions

MOBILE = re.compile(r"(?<![0-9A-Za-z])1[3-9]\d{9}(?![0-9A-Za-z])")
IDENTITY = re.compile(r"(?<!\d)[1-9]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])\d{5}[\dXx](?!\d)")


def content(path: Path) -> Any:
    """What a reader sees in a file: independent of compression and of the writing library's version."""
    if path.suffix == ".xlsx":
        return {
            sheet.title: ([list(row) for row in sheet.values], sorted(map(str, sheet.merged_cells.ranges)))
            for sheet in openpyxl.load_workbook(path)
        }
    if path.suffix == ".xls":
        return {
            sheet.name: [sheet.row_values(number) for number in range(sheet.nrows)]
            for sheet in xlrd.open_workbook(path)
        }
    if path.suffix == ".docx":
        return [(part.style.name, part.text) for part in Document(str(path)).paragraphs]
    return path.read_text(encoding="gb18030" if path.name.startswith("河北") else "utf-8")


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration files, built anew."""
    folder = tmp_path_factory.mktemp("demo")
    build.build(folder)
    return folder


def test_enough_cases_and_halls() -> None:
    cases = load_cases()
    assert len(cases) >= 80
    assert len({case["hall"]["name"] for case in cases}) >= 15
    assert len({case["source_no"] for case in cases}) == len(cases)


@pytest.mark.parametrize("name", ["barriers", "handling"])
def test_every_label_of_a_list_has_three_cases(name: str) -> None:
    counts = Counter(value for case in load_cases() for value in case[name])
    assert set(counts) == set(vocabulary.values(name))
    assert min(counts.values()) >= 3, counts


@pytest.mark.parametrize("name", ["nature", "outcome", "domain", "applicant_type"])
def test_every_label_occurs(name: str) -> None:
    used = {case[name] for case in load_cases()} - {""}
    assert used == set(vocabulary.values(f"{name}s"))


def test_channels_and_kinds_of_solidifying_are_of_the_vocabulary() -> None:
    cases = load_cases()
    assert {case["channel"] for case in cases} - {""} <= set(vocabulary.values("channels"))
    kinds = {case["solidified"]["kind"] for case in cases} - {""}
    assert kinds == set(vocabulary.values("solidified_kinds"))


@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case["source_no"])
def test_a_case_says_enough_and_where_it_is_from(case: dict[str, Any]) -> None:
    assert case["source"]
    assert case["illustrative"] == (case["source"] == ILLUSTRATIVE)
    assert 30 <= len(case["demand"]) <= 90
    assert 12 <= len(case["obstacle"]) <= 50
    assert 40 <= len(case["measure"]) <= 140
    assert case["matter"] and case["lead_dept"] and case["result"]
    for date in (case["received"], case["closed"]):
        assert re.fullmatch(r"(\d{4}(-\d\d(-\d\d)?)?)?", date)
    assert not case["closed"] or case["received"] <= case["closed"]


def test_every_key_of_the_source_files_is_read() -> None:
    known = set(load_cases()[0])
    for path in CASES.glob("*.yml"):
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["cases"]:
            assert set(case) <= known, path.name


def test_halls_stand_where_their_codes_say() -> None:
    for case in load_cases():
        region = regions.by_code(case["hall"]["code"])
        assert region
        assert case["region"] == {level: getattr(region, level) or "" for level in case["region"]}


def test_every_cases_file_is_rendered(rebuilt: Path) -> None:
    everything = "\n".join(str(content(path)) for path in rebuilt.iterdir())
    told = load_article("liaocheng")
    for case in load_cases():
        assert case["demand"] in everything or case["region"]["county"] in told


def test_files_are_up_to_date(rebuilt: Path) -> None:
    assert {path.name for path in FILES.iterdir()} == {path.name for path in rebuilt.iterdir()}
    for path in sorted(rebuilt.iterdir()):
        assert content(FILES / path.name) == content(path), f"{path.name}: python -m ingest.demo.build"


def test_building_twice_gives_the_same_bytes(rebuilt: Path, tmp_path: Path) -> None:
    build.build(tmp_path)
    for path in rebuilt.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_no_mobile_or_identity_number() -> None:
    for path in [*FILES.iterdir(), *CASES.iterdir()]:
        words = str(content(path))
        assert not MOBILE.search(words) and not IDENTITY.search(words), path.name


def test_three_searches() -> None:
    searches = yaml.safe_load((HERE / "searches.yml").read_text(encoding="utf-8"))["searches"]
    assert len(searches) == 3 and all(isinstance(text, str) and len(text) >= 10 for text in searches)
