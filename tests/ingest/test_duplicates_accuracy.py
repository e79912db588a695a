"""How well retellings are found and lookalikes left alone, on records in wording of their own."""

from __future__ import annotations

from pathlib import Path

import yaml

from ingest.comparison import told
from ingest.duplicates import Candidate, find_duplicates
from ingest.traces import masked_names, traces
from search.embedder.packaged import PackagedEmbedder

SECRET = b"0123456789abcdef"
COLUMNS = ("id", "code", "county", "received", "closed", "people", "matter", "demand", "obstacle", "measure", "result")


def records() -> list[dict[str, str]]:
    lines = yaml.safe_load(Path(__file__).with_name("duplicates_unseen.yml").read_text(encoding="utf-8"))
    return [dict(zip(COLUMNS, (cell.strip() for cell in line.split("|")), strict=True)) for line in lines]


def candidates(rows: list[dict[str, str]]) -> list[Candidate]:
    vectors = PackagedEmbedder(threads=2).encode_passages([told(row) for row in rows])
    found = []
    for order, (row, vector) in enumerate(zip(rows, vectors, strict=True)):
        place = {"code": row["code"], "name": row["county"], "county": row["county"]}
        retold = row["id"].startswith("B") and row["county"]
        fields = {
            **row,
            "hall": place,
            "region": place,
            "matter": {"name": row["matter"], "code": ""},
            "source": {"file": f"{row['id']}.docx" if retold else f"{row['code']}.xlsx", "sheet": "", "row": order},
        }
        people = [name for name in row["people"].split(";") if name]
        marks = traces([*people, *(masked for name in people for masked in masked_names(name))], SECRET)
        found.append(Candidate(row["id"], order, fields, vector, marks))
    return found


def test_retellings_and_lookalikes() -> None:
    rows = records()
    links = {frozenset((link.id, link.duplicate_of)) for link in find_duplicates(candidates(rows), [])}
    told_twice = {frozenset((row["id"], "B" + row["id"][1:])) for row in rows if row["id"].startswith("A")}
    assert len(links & told_twice) / len(told_twice) >= 0.85
    assert len(links & told_twice) / len(links) >= 0.95
