"""The radar on real citizens' messages without replies: what it ranks first, and whether a person who writes again is
told from other people who tell the same.

    python -m tests.bench.radar                  # ../shared/real/messages.xlsx: ingest → publish → propose → radar
    python -m tests.bench.radar --keep DIR       # leaves the library in DIR; a library that is there is used again
    python -m tests.bench.radar --problems FILE  # {name: regular expression} as YAML: where is each in the ranking?

Which problems are told most is a judgement by reading; it is not kept here, as nothing of that file is.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import openpyxl
import yaml

from kb.config import Settings
from kb.model import Case
from kb.store import Store
from search.insight.barriers import Barrier, radar

from .ledgers import kb

MESSAGES = Path(__file__).resolve().parents[3] / "shared" / "real" / "messages.xlsx"
SHOWN = 12
HALF = 0.5  # of its cases that must tell a problem for a barrier to be it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--problems", type=Path)
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp())
    if not (folder / "library.db").exists():
        print(kb(folder, "ingest", str(MESSAGES), "--publish").stderr, file=sys.stderr)
        print(kb(folder, "classes", "propose").stderr, file=sys.stderr)
    with Store(Settings(folder)) as store:
        ranked = radar(store, patient=True).barriers
        cases = {case.id: case for case in store.published()}
    for rank, one in enumerate(ranked[:SHOWN], 1):
        told = f"{len(one.case_ids):>4} cases  {one.people:>4} people"
        print(f"{rank:>3}  {one.score:>6}  {told}  {one.kind:<7}  {one.label}")
    if options.problems:
        places(ranked, cases, yaml.safe_load(options.problems.read_text("utf-8")))
    again(cases)


def places(ranked: list[Barrier], cases: dict[str, Case], problems: dict[str, str]) -> None:
    """For each problem the first barrier that is mostly about it, and how much of the problem it holds."""
    for name, pattern in problems.items():
        told = {case.id for case in cases.values() if re.search(pattern, f"{case.title}{case.demand}", re.DOTALL)}
        for rank, one in enumerate(ranked, 1):
            held = told.intersection(one.case_ids)
            if len(held) >= HALF * len(one.case_ids) and len(held) >= HALF * len(told - set(one.again)):
                print(f"{name}: rank {rank}, {len(held)} of {len(told)} messages, {len(one.case_ids)} in the barrier")
                break
        else:
            print(f"{name}: no barrier is mostly about it ({len(told)} messages)")


def again(cases: dict[str, Case]) -> None:
    """Duplicates against who wrote, and the same words by several people."""
    sheet = openpyxl.load_workbook(MESSAGES, read_only=True).active
    rows = [list(map(str, row)) for row in sheet.iter_rows(min_row=2, values_only=True)]
    writer = {row[0]: row[1].strip() for row in rows}
    words = {row[0]: " ".join(row[4].split()) for row in rows}
    linked = [(case, cases[case.duplicate_of]) for case in cases.values() if case.duplicate_of in cases]
    one_person = sum(writer[a.source_no] == writer[b.source_no] for a, b in linked)
    print(f"duplicates: {len(linked)}, of which by the same person {one_person}")
    same: dict[str, set[str]] = defaultdict(set)
    missed = 0
    first: dict[tuple[str, str], Case] = {}
    for case in cases.values():
        key = writer[case.source_no], words[case.source_no]
        same[key[1]].add(key[0])
        other = first.setdefault(key, case)
        missed += (case.duplicate_of or case.id) != (other.duplicate_of or other.id)
    print(f"the same words by the same person, not linked: {missed}")
    print(f"the same words by different people, rightly not linked: {sum(len(people) > 1 for people in same.values())}")


if __name__ == "__main__":
    main()
