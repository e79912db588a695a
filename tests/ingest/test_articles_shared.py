"""The articles of the test data: every case is found at its place, and nothing besides."""

from __future__ import annotations

import csv
from pathlib import Path

from ingest import readers

FIELDS = {
    "matter": "matter",
    "demand": "demand",
    "obstacle": "obstacle",
    "measure": "resolution",
    "lead_dept": "lead_dept",
    "coop_depts": "coop_depts",
    "followup": "followup",
    "solidified": "solidified",
}


def test_write_ups_and_news_are_found_whole(shared: Path) -> None:
    folder = shared / "ledgers"
    with (folder / "truth_dev.csv").open(encoding="utf-8-sig", newline="") as file:
        truth = [
            row for row in csv.DictReader(file) if row["source_file"].endswith((".docx", ".html", ".txt"))
        ]
    for name in {row["source_file"] for row in truth}:
        expected = {row["source_row"]: row for row in truth if row["source_file"] == name}
        found = {record.place.row: record.values for record in readers.read(folder / name).records}
        assert found.keys() == expected.keys()
        if name.endswith(".txt"):  # the truth of news is told in other words
            continue
        for place, values in found.items():
            for field, column in FIELDS.items():
                if expected[place][column] and field in values:
                    assert values[field] == expected[place][column]
            assert values.keys() >= {"demand", "measure", "received", "closed"}


def test_newspaper_reports_hold_twelve_cases(shared: Path) -> None:
    readings = [readers.read(path) for path in sorted((shared / "seeds").glob("*.txt"))]
    assert sum(len(reading.records) for reading in readings) == 12
    assert all(reading.records for reading in readings)
