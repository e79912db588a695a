"""Classes and barriers of the ledgers with ground truth, by their own scorer, and how long large libraries take.

    python -m tests.bench.classes                # ../shared/ledgers, set dev: ingest → publish → propose → scorer
    python -m tests.bench.classes --range        # F1 over pairs at thresholds around the one in discovery.yml
    python -m tests.bench.classes --invented     # the same on tests/search/classes_*.yml; no ledgers involved
    python -m tests.bench.classes --speed 100000 # grouping and joining of so many invented cases; no model involved
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from kb.config import Settings
from kb.store import Store
from search.embedder.store import EmbeddingCache
from search.insight import barriers, classes, discovery
from tests.search.test_discovery import KEPT, invented

from .ledgers import LEDGERS, convert, kb

DIMENSIONS = 3 * 384 + 13  # of a row with the packaged model


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


def over_thresholds(folder: Path, cases: list[dict[str, Any]]) -> dict[str, float]:
    """F1 over pairs of ledger rows that are tables, by threshold."""
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


def around(rows: Any, truth: list[str], least: float) -> dict[str, float]:
    """F1 over pairs by threshold."""
    return {
        f"{least + step:.2f}": round(f1(truth, discovery.groups(rows, least + step)), 3)
        for step in np.arange(-0.06, 0.07, 0.01)
    }


def over_invented(settings: Settings) -> dict[str, dict[str, float]]:
    """F1 over pairs by threshold of the invented cases, with barrier types as written and as inferred."""
    found = {}
    for source in (KEPT.with_name("classes_unseen.yml"), KEPT):
        for told in (True, False):
            rows, truth = invented(settings, told, source)
            name = f"{source.stem}, barriers {'told' if told else 'inferred'}"
            found[name] = around(rows, truth, discovery.least(settings))
    return found


def f1(truth: list[str], labels: Any) -> float:
    pairs = [(truth[a] == truth[b], labels[a] == labels[b]) for a, b in combinations(range(len(truth)), 2)]
    both = sum(a and b for a, b in pairs)
    return float(2 * both / max(1, sum(a for a, _ in pairs) + sum(b for _, b in pairs)))


def speed(count: int) -> dict[str, float]:
    """Seconds to group `count` rows of the packaged model's length (a fifth of them alike in groups of all sizes, one
    of a thousand copies), and milliseconds to find the class of one more."""
    chance = np.random.default_rng(0)
    common = chance.normal(size=DIMENSIONS)
    sizes = np.minimum(chance.zipf(1.7, count), 300)
    groups = np.repeat(np.arange(count), sizes)[:count]
    rows = np.empty((count, DIMENSIONS), np.float32)
    for start in range(0, count, 5000):
        part = groups[start : start + 5000]
        seeds = np.array([np.random.default_rng(int(group)).normal(size=DIMENSIONS) for group in part])
        rows[start : start + 5000] = 1.1 * common + seeds + 0.5 * chance.normal(size=seeds.shape)
    rows[:1000] = rows[0]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    begun = time.perf_counter()
    labels = discovery.groups(rows, 0.85)
    took = time.perf_counter() - begun
    members: dict[int, list[int]] = defaultdict(list)
    for place, label in enumerate(labels):
        members[int(label)].append(place)
    kept = np.array([rows[places].mean(axis=0) for places in members.values() if len(places) > 1])
    begun = time.perf_counter()
    (rows[:1] @ kept.T).argmax()
    return {"group_s": round(took, 1), "classes": len(kept), "join_ms": round(1000 * (time.perf_counter() - begun), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--range", action="store_true")
    parser.add_argument("--invented", action="store_true")
    parser.add_argument("--speed", type=int)
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
