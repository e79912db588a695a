"""Ingest the ledgers with ground truth through the command line and score the export with their own scorer.

    python -m tests.bench.ledgers            # ../shared/ledgers, set dev; prints the scorer's JSON
    python -m tests.bench.ledgers --keep DIR # leaves library, cases.json and bad.json in DIR
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LEDGERS = Path(__file__).resolve().parents[3] / "shared" / "ledgers"
#: No file may take more address space than this (bytes): "bounded memory".
MEMORY = 4 << 30


def convert(case: dict[str, Any]) -> dict[str, Any]:
    """One exported case in the form that the scorer reads."""
    basis = ["".join(filter(None, (b["title"], b["doc_no"], b["clause"]))) for b in case["basis"]]
    return {
        "id": case["id"],
        "source_file": case["source"].get("file", ""),
        "source_sheet": case["source"].get("sheet", ""),
        "source_row": case["source"].get("row", ""),
        "fields": {
            "hall": case["hall"].get("name", ""),
            "matter": case["matter"].get("name", ""),
            "domain": case["domain"],
            "applicant_type": case["applicant_type"],
            "channel": case["channel"],
            "demand": case["demand"],
            "obstacle": case["obstacle"],
            "barrier_type": case["barriers"][0] if case["barriers"] else "",
            "nature": case["nature"],
            "modes": case["handling"],
            "lead_dept": case["lead_dept"],
            "coop_depts": "、".join(case["coop_depts"]),
            "policy_basis": "、".join(basis),
            "resolution": case["measure"],
            "outcome": case["outcome"],
            "solidified": case["solidified"].get("text", ""),
            "received": case["received"],
            "closed": case["closed"],
            "followup": case["followup"],
        },
        "redacted": {k: v for k, v in case.items() if k not in ("id", "confidence", "source", "sources")},
        "dup_group": case["duplicate_of"] or case["id"],
    }


def kb(data: Path, *args: str) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    command = [sys.executable, "-m", "kb", "--data", str(data), *args]
    return subprocess.run(command, capture_output=True, text=True, preexec_fn=limit)


def bad_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Each bad file through an ingest of its own; the generators run first, in a folder of theirs."""
    found = {}
    for path in sorted((LEDGERS / "dev" / "bad").iterdir()):
        if path.name == "expected.json":
            continue
        inputs = [path]
        if path.suffix == ".py":
            made = folder / path.stem
            made.mkdir()
            subprocess.run([sys.executable, str(path)], cwd=made, check=True)
            inputs = sorted(made.iterdir())
        report = folder / f"{path.name}.json"
        done = kb(folder / "bad-data" / path.stem, "ingest", *map(str, inputs), "--report", str(report))
        crashed = done.returncode not in (0, 1) or not report.exists()
        files = json.loads(report.read_text("utf-8"))["files"] if report.exists() else []
        worst = next((f for f in files if f["status"] == "rejected"), files[0] if files else {})
        found[path.name] = {
            "status": worst.get("status"), "rows": sum(f["cases"] for f in files), "crashed": crashed,
            "reason": worst.get("reason") or "；".join(p["message"] for p in worst.get("problems", [])[:3]),
        }  # fmt: skip
        if crashed:
            print(path.name, done.stderr[-500:], file=sys.stderr)
    return found


def searches(data: Path, folder: Path) -> Path:
    """The questions of the collection asked with `kb search --batch`; the file in the scorer's form."""
    asked = [json.loads(line) for line in (LEDGERS / "dev" / "search_queries.jsonl").read_text("utf-8").splitlines()]
    batch, run = folder / "queries.jsonl", folder / "run.json"
    lines = (json.dumps({"qid": one["query_id"], "query": one["query"]}, ensure_ascii=False) for one in asked)
    batch.write_text("\n".join(lines), "utf-8")
    answers = map(json.loads, kb(data, "search", "--batch", str(batch), "-k", "30").stdout.splitlines())
    found = {
        one["qid"]: {"results": [case["id"] for case in one["results"]], "no_answer": not one["answerable"]}
        for one in answers
    }
    run.write_text(json.dumps(found), "utf-8")
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--no-bad", action="store_true", help="leave out the bad files")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    good = [str(path) for path in sorted((LEDGERS / "dev").iterdir()) if path.suffix != ".json" and path.is_file()]
    good = [path for path in good if not path.endswith("search_queries.jsonl")]
    done = kb(folder / "data", "ingest", *good, "--publish", "--report", str(folder / "report.json"))
    print(done.stderr, file=sys.stderr)
    export = kb(folder / "data", "export").stdout
    cases = [convert(json.loads(line)) for line in export.splitlines()]
    (folder / "cases.json").write_text(json.dumps(cases, ensure_ascii=False, indent=1), "utf-8")
    command = [sys.executable, str(LEDGERS / "score.py"), "--set", "dev", "--verbose"]
    command += ["--cases", str(folder / "cases.json"), "--search", str(searches(folder / "data", folder))]
    if not options.no_bad:
        (folder / "bad.json").write_text(json.dumps(bad_files(folder), ensure_ascii=False, indent=1), "utf-8")
        command += ["--bad", str(folder / "bad.json")]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
