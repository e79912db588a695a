"""Classes and barriers of the ledgers with ground truth, by their own scorer, and how long large libraries take.

    python -m tests.bench.classes                # ../shared/ledgers, set dev: ingest → publish → propose → scorer
    python -m tests.bench.classes --range        # F1 over pairs, classes recognised, at thresholds around the packaged
    python -m tests.bench.classes --invented     # the same on tests/search/classes_*.yml; no ledgers involved
    python -m tests.bench.synthetic DIR --cases 100000 && python -m tests.bench.classes --speed DIR
                                                 # seconds to propose, milliseconds to join, in a large library
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from kb.config import Settings
from kb.store import Store, writing
from search import upkeep
from search.embedder.store import EmbeddingCache
from search.insight import barriers, classes, discovery
from tests.search.test_discovery import CHOSEN_ON, KEPT, f1, invented, recognised

from . import synthetic
from .ledgers import LEDGERS, convert, kb

JOINING = 20  # cases that join one by one


def ledgers(folder: Path) -> list[dict[str, Any]]:
    """Ingests and publishes the ledgers, proposes classes; the exported cases with the class of each."""
    good = [str(path) for path in sorted((LEDGERS / "dev").iterdir()) if path.is_file() and path.suffix != ".json"]
    good = [path for path in good if not path.endswith("search_queries.jsonl")]
    kb(folder / "data", "ingest", *good, "--publish")
    proposed = json.loads(kb(folder / "data", "classes", "propose", "--json").stdout)
    home = {case_id: one["id"] for one in proposed for case_id in one["case_ids"]}
    cases = [convert(json.loads(line)) for line in kb(folder / "data", "export").stdout.splitlines()]
    return [dict(case, class_id=home.get(case["dup_group"], "")) for case in cases]


def score(folder: Path, cases: list[dict[str, Any]]) -> dict[str, Any]:
    """What the scorer says of classes and barriers."""
    (folder / "cases.json").write_text(json.dumps(cases, ensure_ascii=False), "utf-8")
    with Store(Settings(folder / "data")) as store:
        listed = [one.to_dict() for one in barriers.barriers(store)]
    (folder / "barriers.json").write_text(json.dumps(listed, ensure_ascii=False), "utf-8")
    command = [sys.executable, str(LEDGERS / "score.py"), "--set", "dev", "--cases", str(folder / "cases.json"),
               "--barriers", str(folder / "barriers.json")]  # fmt: skip
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {name: found[name] for name in ("classes", "barriers")}


def over_thresholds(folder: Path, cases: list[dict[str, Any]]) -> dict[str, str]:
    """`around` the ledger rows that are tables."""
    truth = {}
    with (LEDGERS / "truth_dev.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if not row["dup_of"]:
                sheet = "" if row["source_sheet"] == "-" else row["source_sheet"]
                truth[Path(row["source_file"]).name, sheet, row["source_row"]] = row["class_id"] or row["truth_id"]
    settings = Settings(folder / "data")
    place = {case["id"]: (case["source_file"], case["source_sheet"], str(case["source_row"])) for case in cases}
    with Store(settings) as store:
        known = [case for case in store.published() if place.get(case.id) in truth and discovery.counts(case)]
    rows = discovery.rows(known, EmbeddingCache(settings).encode_passages)
    named = [truth[place[case.id]] for case in known]
    return around(rows, named, discovery.least(settings))


def around(rows: Any, truth: list[str], least: float) -> dict[str, str]:
    """F1 over pairs and the share of classes recognised, at the packaged threshold and by thresholds around it."""
    found = {}
    for step in range(-6, 7):
        labels = discovery.groups(rows, least + step / 100)
        name = f"{least + step / 100:.2f}" + ("" if step else " (packaged)")
        found[name] = f"F1 {f1(truth, labels):.3f}, classes recognised {recognised(truth, labels):.2f}"
    return found


def over_invented(settings: Settings) -> dict[str, dict[str, str]]:
    """`around` the invented cases on which settings were chosen and those kept apart, with barrier types as written
    and as inferred."""
    found = {}
    for source, use in ((CHOSEN_ON, "chosen on"), (KEPT, "kept apart")):
        for told in (True, False):
            rows, truth = invented(settings, told, source)
            name = f"{source.stem} ({use}), barriers {'told' if told else 'inferred'}"
            found[name] = around(rows, truth, discovery.least(settings))
    return found


def speed(folder: Path) -> dict[str, float]:
    """Seconds to propose classes in the library in `folder` with nothing known before, and the median milliseconds in
    which one more published case joins a class: `JOINING` invented cases, one after the other."""
    settings = Settings(folder)
    with Store(settings) as store:
        upkeep.after_change(store)
        with writing(store.workbench):
            for table in ("class_members", "classes", "class_centers", "class_runs"):
                store.workbench.conn.execute(f"delete from {table}")
        encode = EmbeddingCache(settings).encode_passages
        begun = time.perf_counter()
        found = classes.propose(store, encode)
        took = time.perf_counter() - begun
        joined = []
        first = int(time.time())
        for case in synthetic.cases(JOINING, seed=first, first=first):
            store.publish([case], by="bench")
            upkeep.after_change(store)
            begun = time.perf_counter()
            if classes.join_new(store, encode):
                joined.append(1000 * (time.perf_counter() - begun))
    return {
        "propose_s": round(took, 1),
        "classes": len(found),
        "largest": max((len(one.case_ids) for one in found), default=0),
        "joined": len(joined),
        "join_median_ms": round(statistics.median(joined), 1) if joined else 0.0,
        "join_most_ms": round(max(joined), 1) if joined else 0.0,
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--range", action="store_true")
    parser.add_argument("--invented", action="store_true")
    parser.add_argument("--speed", type=Path, metavar="DIR")
    options = parser.parse_args()
    if options.speed:
        print(json.dumps(speed(options.speed)))
        return
    folder = options.keep or Path(tempfile.mkdtemp())
    if options.invented:
        print(json.dumps(over_invented(Settings(folder / "data")), ensure_ascii=False, indent=1))
        return
    folder.mkdir(parents=True, exist_ok=True)
    cases = ledgers(folder)
    found = score(folder, cases)
    if options.range:
        found["over_thresholds"] = over_thresholds(folder, cases)
    with Store(Settings(folder / "data")) as store:
        found["stable"] = [one.id for one in classes.classes(store)] == [
            one["id"] for one in json.loads(kb(folder / "data", "classes", "propose", "--json").stdout)
        ]
    print(json.dumps(found, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
