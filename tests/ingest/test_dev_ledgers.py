"""The shared ledgers: every row of truth at its place, every column understood, every bad file handled."""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from ingest.readers import read

TABLES = (".xlsx", ".xls", ".csv", ".jsonl")
COPIED = {
    "demand": "demand", "obstacle": "obstacle", "resolution": "measure", "matter": "matter", "lead_dept": "lead_dept",
    "coop_depts": "coop_depts", "policy_basis": "basis", "followup": "followup", "solidified": "solidified",
    "channel": "channel",
}  # fmt: skip
#: Columns of the ledgers that are of no use to a case: only reported, their text kept.
UNKNOWN = {"hotline": "admin"}


def same(a: str, b: str) -> bool:
    def bare(text: str) -> str:
        return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))

    return bare(a) == bare(b)


@pytest.fixture(scope="module")
def truth(shared: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    with (shared / "ledgers" / "truth_dev.csv").open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["source_file"].endswith(TABLES):
                found.setdefault(row["source_file"], []).append(row)
    return found


def test_rows_stand_where_truth_says_and_say_the_same(shared: Path, truth: dict[str, list[dict[str, Any]]]) -> None:
    for file, rows in truth.items():
        reading = read(shared / "ledgers" / file)
        places = {(record.place.sheet, record.place.row): record for record in reading.records}
        assert set(places) == {(row["source_sheet"], row["source_row"]) for row in rows}, file
        for row in rows:
            record = places[row["source_sheet"], row["source_row"]]
            linked = {(place["sheet"], str(place["row"])) for place in json.loads(row["linked_locations"])}
            assert {(place.sheet, place.row) for place in record.linked} == linked
            for name, field in COPIED.items():
                if name in row["fields_present"].split("、"):
                    assert same(record.values.get(field, ""), row[name]), (row["truth_id"], name)


def test_every_column_is_understood(shared: Path, truth: dict[str, list[dict[str, Any]]]) -> None:
    for file in truth:
        fields = read(shared / "ledgers" / file).columns
        assert all(fields.values()), (file, [name for name, field in fields.items() if not field])
        assert {"demand", "obstacle", "measure", "lead_dept", "received", "closed", "outcome"} <= set(fields.values())


def test_bad_files(shared: Path) -> None:
    folder = shared / "ledgers" / "dev" / "bad"
    expected = json.loads((folder / "expected.json").read_text("utf-8"))["files"]
    for name, wanted in expected.items():
        reading = read(folder / name)
        if wanted["expect"].startswith("reject"):
            assert reading.rejected, name
        elif not name.endswith(".py"):
            assert not reading.rejected, name
            assert len(reading.records) >= wanted["usable_rows"], name
        if "encrypted" in wanted["expect"]:
            assert "密码" in reading.rejected


def test_real_messages(shared: Path) -> None:
    reading = read(shared / "real" / "messages_with_replies.xlsx")
    assert reading.rows == len(reading.records) == 2816
    assert not reading.problems
    assert set(reading.columns.values()) == {
        "source_no",
        "applicant",
        "title",
        "received",
        "demand",
        "measure",
        "closed",
    }
