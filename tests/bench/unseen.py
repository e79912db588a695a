"""Classes and barriers of invented ledgers that nothing was chosen on (`ledger_unseen.yml`), as halls would hand in.

    python -m tests.bench.unseen            # one workbook per hall → ingest → publish → propose → list; prints JSON
    python -m tests.bench.unseen --keep DIR # leaves the workbooks and the library in DIR, a folder without a library

Pairs are those of all cases; a barrier finds a class if it holds at least half of the class and at least half of it is
of the class, as in the scorer of the ledgers with ground truth.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml
from openpyxl import Workbook

from .ledgers import kb

LEDGER = Path(__file__).with_name("ledger_unseen.yml")
#: The columns of a hall's ledger; what is known of class and barrier type stays out.
COLUMNS = {
    "收到日期": "received", "办结日期": "closed", "事项": "matter", "群众诉求": "demand", "办不成原因": "obstacle",
    "解决办法": "measure", "办理结果": "outcome", "固化措施": "solidified", "回访": "followup", "牵头部门": "lead_dept",
}  # fmt: skip
LISTED = 10  # barriers that count as shown

Place = tuple[str, int]  # workbook and row


def workbooks(truth: dict[str, Any], folder: Path) -> dict[Place, str]:
    """Writes a workbook per hall, cases in the order of their dates; the class or kind of each row."""
    told = [(case, name) for name, one in truth["classes"].items() for case in one["cases"]]
    told += [(case, f"{kind} {at}") for kind in ("singles", "lawful", "non_government")
             for at, case in enumerate(truth[kind])]  # fmt: skip
    told.sort(key=lambda pair: pair[0]["received"])
    places = {}
    for hall in truth["halls"]:
        book, path = Workbook(), folder / f"{hall}办不成事反映窗口台账.xlsx"
        sheet = book.worksheets[0]
        sheet.title = "台账"
        sheet.append(["序号", *COLUMNS])
        for number, (case, name) in enumerate((pair for pair in told if pair[0]["hall"] == hall), 1):
            sheet.append([number, *(case.get(key, "") for key in COLUMNS.values())])
            places[path.name, number + 1] = name
        book.save(path)
    return places


def pairs(labels: dict[str, str], home: dict[str, str]) -> dict[str, float]:
    """Precision, recall and F1 over pairs of cases; a case in no class is a class of its own."""
    counts = Counter(
        (labels[a] == labels[b], home.get(a, a) == home.get(b, b)) for a, b in combinations(sorted(labels), 2)
    )
    both = counts[True, True]
    precision, recall = both / max(1, both + counts[False, True]), both / max(1, both + counts[True, False])
    return {
        "f1": round(2 * precision * recall / max(1e-9, precision + recall), 4),
        "precision": round(precision, 4),
        "recall": round(recall, 4),
    }


def rank_of(members: set[str], ranked: list[dict[str, Any]]) -> int:
    """The rank of the first barrier that is mostly these cases, 0 if none is."""
    for rank, one in enumerate(ranked, 1):
        held = members.intersection(one["case_ids"])
        if 2 * len(held) >= max(len(members), len(one["case_ids"])):
            return rank
    return 0


def in_class(members: set[str], home: dict[str, str], labels: dict[str, str], ids: dict[str, str]) -> dict[str, Any]:
    """How much of a class its best proposed class holds, and who else is in it."""
    tally = Counter(home[case] for case in members if case in home)
    best, held = tally.most_common(1)[0] if tally else ("", 0)
    foreign = [labels[case] for case in labels if home.get(case) == best and case not in members]
    return {"size": len(members), "held": held, "foreign": foreign, "title": ids.get(best, "")}


def judge(
    truth: dict[str, Any], labels: dict[str, str], home: dict[str, str], ids: dict[str, str],
    ranked: list[dict[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    """All figures, from the true label, the proposed class of each case and the ranked barriers."""
    found = {}
    for name, one in truth["classes"].items():
        members = {case for case, label in labels.items() if label == name}
        rank = rank_of(members, ranked)
        verdict = {"expected": one["verdict"], "told": ranked[rank - 1]["verdict"] if rank else ""}
        found[name] = {**in_class(members, home, labels, ids), "rank": rank, "verdict": verdict}
    shown = [one for one in found.values() if 0 < one["rank"] <= LISTED]
    noise = {case for case, label in labels.items() if label.split()[0] in ("lawful", "non_government")}
    right = [one["verdict"]["expected"] == one["verdict"]["told"] for one in shown]
    return {
        "cases": len(labels),
        "classes_proposed": len(set(home.values())),
        "barriers": len(ranked),
        "pairs": pairs(labels, home),
        "recall_at_10": round(len(shown) / min(LISTED, len(found)), 4),
        "verdict_accuracy": round(sum(right) / len(right), 4) if right else None,
        "noise_reported": sorted(labels[case] for one in ranked for case in noise.intersection(one["case_ids"])),
        "classes": found,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path)
    folder = parser.parse_args().keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    truth = yaml.safe_load(LEDGER.read_text("utf-8"))
    places = workbooks(truth, folder)
    kb(folder / "data", "ingest", *sorted({str(folder / book) for book, _ in places}), "--publish")
    proposed = json.loads(kb(folder / "data", "classes", "propose", "--json").stdout)
    ranked = json.loads(kb(folder / "data", "barriers", "list", "--json").stdout)
    cases = [json.loads(line) for line in kb(folder / "data", "export").stdout.splitlines()]
    labels = {case["id"]: places[Path(case["source"]["file"]).name, int(case["source"]["row"])] for case in cases}
    of_class = {case: one["id"] for one in proposed for case in one["case_ids"]}
    home = {case["id"]: of_class[original] for case in cases
            if (original := case["duplicate_of"] or case["id"]) in of_class}  # fmt: skip
    found = judge(truth, labels, home, {one["id"]: one["title"] for one in proposed}, ranked)
    found["missing"] = len(places) - len(labels)
    print(json.dumps(found, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
