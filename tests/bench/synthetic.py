"""Makes libraries of any size for measuring: cases composed by code from the demonstration cases.

    python -m tests.bench.synthetic DIR --cases 100000     # a library with its index in DIR
    python -m tests.bench.synthetic DIR --ledger 500       # a ledger of 500 rows for `kb ingest`: DIR/ledger.csv

A story puts the matter and the demand of one demonstration case together with the obstacle of another; a case is a
story with somebody's measure, in some county, on some day.  The same seed gives the same cases.  Nothing in them is
true, and nobody is named in them.

Embedding is what makes an index slow to build, and the cache of embeddings knows a passage by its text
(:mod:`search.passages`).  There are `STORIES` stories with three passages each and two hundred passages of measures and
results, so that a library of any size embeds about 5,000 texts.  What is paid for that: the vocabulary is that of a
hundred cases.  In a real library of that size the words of a question are rarer, and looking them up is cheaper.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import random
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ingest.demo import load_cases
from kb import vocabulary
from kb.config import Settings
from kb.config import load as load_settings
from kb.fields import dates, matters, regions
from kb.model import Case
from kb.store import Store
from search import upkeep

STORIES = 1500
FIRST_DAY = datetime.date(2021, 1, 4)
DAYS = 1800
PART = 5000  # cases published in one transaction
#: Parts of a demonstration case that a story takes from its first case.
ASKED = ("matter", "domain", "demand", "applicant_type", "channel", "nature")


def cases(count: int, seed: int = 1, first: int = 0) -> Iterator[Case]:
    """`count` cases whose ids begin with the number `first`."""
    chance = random.Random(f"{seed}-{first}")
    for number in range(first, first + count):
        yield _case(f"{number:012x}", chance)


def _case(case_id: str, chance: random.Random) -> Case:
    story, solved = chance.choice(_stories()), chance.choice(load_cases())
    place = chance.choice(_counties())
    received = FIRST_DAY + datetime.timedelta(chance.randrange(DAYS))
    closed = received + datetime.timedelta(chance.choice((0, 0, 1, 2, 3, 5, 8, 13, 21, 60)))
    hall = {"code": place.code, "name": f"{place.name}政务服务中心"}
    return Case(
        case_id,
        source_no=f"{place.code}-{case_id[-6:]}",
        source={"file": "synthetic", "sheet": "1", "row": str(int(case_id, 16)), "kind": "ledger"},
        hall=hall,
        region={"province": place.province, "city": place.city, "county": place.county, "code": place.code},
        title=story["title"],
        domain=story["domain"],
        matter={"name": story["matter"], "standard": matters.standard(story["matter"]) or ""},
        applicant_type=story["applicant_type"],
        channel=story["channel"],
        nature=story["nature"],
        demand=story["demand"],
        obstacle=story["obstacle"],
        barriers=list(story["barriers"]),
        handling=list(solved["handling"]),
        measure=solved["measure"],
        steps=[{"date": received.isoformat(), "dept": hall["name"], "action": "受理"}],
        lead_dept=solved["lead_dept"],
        coop_depts=list(solved["coop_depts"]),
        materials=list(solved["materials"]),
        outcome=chance.choice(vocabulary.values("outcomes")),
        result=solved["result"],
        solidified=dict(solved["solidified"]) if chance.random() < 0.2 else {},
        received=received.isoformat(),
        accepted=received.isoformat(),
        closed=closed.isoformat(),
        working_days=dates.working_days(received, closed),
    )


@cache
def _stories() -> list[dict[str, Any]]:
    """`STORIES` different stories, the same ones in every library."""
    chance = random.Random(STORIES)
    told = load_cases()
    pairs = chance.sample([(first, second) for first in told for second in told], STORIES)
    return [
        {
            **{name: first[name] for name in ASKED},
            "title": f"{first['matter']}：{second['obstacle']}"[:40],
            "obstacle": second["obstacle"],
            "barriers": second["barriers"],
        }
        for first, second in pairs
    ]


@cache
def _counties() -> list[regions.Region]:
    """Every county of today, in the order of their codes."""
    found = {place.code: place for place in regions._atlas().codes.values() if place.county and place.province}
    return [found[code] for code in sorted(found)]


def build(settings: Settings, count: int, seed: int = 1) -> None:
    """Publishes `count` cases into the library of `settings` and brings its index up to date."""
    with Store(settings) as store:
        made = cases(count, seed)
        for start in range(0, count, PART):
            store.publish((next(made) for _ in range(min(PART, count - start))), by="synthetic")
        upkeep.after_change(store)


def write_ledger(path: Path, count: int, seed: int = 2) -> None:
    """A ledger of `count` rows as a hall keeps it, in comma-separated values."""
    columns = {
        "编号": lambda case: case.source_no,
        "大厅": lambda case: case.hall["name"],
        "事项名称": lambda case: case.matter["name"],
        "诉求内容": lambda case: case.demand,
        "卡点原因": lambda case: case.obstacle,
        "办理过程": lambda case: case.measure,
        "牵头部门": lambda case: case.lead_dept,
        "办理结果": lambda case: case.outcome,
        "受理日期": lambda case: case.received,
        "办结日期": lambda case: case.closed,
    }
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for case in cases(count, seed, first=1 << 32):
            writer.writerow([read(case) for read in columns.values()])


def size(folder: Path) -> int:
    """Bytes of all files below `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Makes what the command line asks for and says how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=int, default=0)
    parser.add_argument("--ledger", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    started = time.monotonic()
    if given.ledger:
        given.folder.mkdir(parents=True, exist_ok=True)
        write_ledger(given.folder / "ledger.csv", given.ledger, given.seed + 1)
    if given.cases:
        build(load_settings(given.folder), given.cases, given.seed)
    took = time.monotonic() - started
    print(f"{took:.0f} s, {size(given.folder) / 1e6:.0f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
