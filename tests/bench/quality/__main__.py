"""Ours against what a user would pick instead: one table, with the interval of every difference.

    pip install 'bancheng[bench]'
    python -m tests.bench.real --keep DIR                        # makes the library
    python -m tests.bench.quality --data DIR/data --keep RUNS    # questions and judgements of ../shared/eval
    python -m tests.bench.quality --data DIR/data --keep RUNS --peers bancheng    # ours again, the others as kept

All searches get the same published cases and the same vectors (see `material`); every peer is asked in each of
the set-ups that its documentation describes (see `peers`), in a process of its own.  A peer that is not installed
is named and left out.  The best set-up of a peer is chosen by the result itself, which favours the peers.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from search import evaluation

from .answer import NOT_INSTALLED
from .material import prepare
from .peers import NAMES

EVAL = Path(__file__).resolve().parents[4] / "shared" / "eval"
OURS = "bancheng"
SHOWN = ("nDCG@10", "Recall@10", "hit@3", "unjudged@10")


def ask(peers: list[str], python: str, folder: Path) -> list[str]:
    """Runs *peers* over what lies in *folder*; says on stderr which are not installed or failed: the latter come back.

    Runs that a peer left earlier are replaced.
    """
    failed = []
    for peer in peers:
        for old in (folder / "runs").glob(f"{peer}__*"):
            old.unlink()
        command = [sys.executable if peer == OURS else python, "-m", "tests.bench.quality.answer", peer, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == NOT_INSTALLED:
            print(f"{peer}: skipped, {done.stdout.strip()} (pip install 'bancheng[bench]')", file=sys.stderr)
        elif done.returncode:
            print(f"{peer}: failed\n{done.stderr[-2000:]}", file=sys.stderr)
            failed.append(peer)
    return failed


def results(folder: Path, qrels: Path) -> list[dict[str, Any]]:
    """The report of every run in *folder*, with `difference`: ours minus it; peers in order, best set-up first."""
    queries = evaluation.read_queries(folder / "queries.jsonl")
    judged = evaluation.read_qrels(qrels)
    found = []
    for path in sorted((folder / "runs").glob("*.trec")):
        report = evaluation.evaluate_run(evaluation.read_run(path), queries, judged)
        found.append(report | json.loads(path.with_suffix(".json").read_text("utf-8")))
    found.sort(key=lambda run: (NAMES.index(run["peer"]), -run["measures"]["nDCG@10"]["mean"]))
    ours = next((run for run in found if run["peer"] == OURS), None)
    for run in found:
        others = ours is not None and run is not ours
        run["difference"] = evaluation.compare(ours["per_query"], run["per_query"]) if ours and others else {}
    return found


def table(runs: list[dict[str, Any]]) -> str:
    """*runs* as a Markdown table; the best set-up of every peer is in bold."""
    head = ["系统", "做法", *SHOWN, "本系统减它：nDCG@10", "Recall@10", "hit@3", "毫秒"]
    rows = [head, ["---"] * len(head)]
    met: set[str] = set()
    for run in runs:
        peer = f"**{run['peer']}**" if run["peer"] not in met else run["peer"]
        met.add(run["peer"])
        figures = [f"{run['measures'][name]['mean']:.3f}" for name in SHOWN]
        gaps = [gap(run["difference"].get(name)) for name in SHOWN[:3]]
        rows.append([peer, run["setup"], *figures, *gaps, f"{statistics.median(run['ms']):.1f}"])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def gap(difference: dict[str, float] | None) -> str:
    """A difference with its interval."""
    if difference is None:
        return "—"
    return f"{difference['mean']:+.3f} [{difference['low']:+.3f}, {difference['high']:+.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, help="library, e.g. DIR/data of tests.bench.real --keep DIR"
    )
    parser.add_argument("--queries", type=Path, default=EVAL / "queries.jsonl")
    parser.add_argument("--qrels", type=Path, default=EVAL / "qrels.tsv")
    parser.add_argument("--docid", choices=["id", "source_no"], default="source_no")
    parser.add_argument("--peers", nargs="*", choices=NAMES, default=list(NAMES), help="which to run (again)")
    parser.add_argument("--python", default=sys.executable, help="a Python that has the peers")
    parser.add_argument("--keep", type=Path, help="folder for vectors and runs of this collection, to add to them")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    prepare(options.data, folder, options.docid)
    shutil.copy(options.queries, folder / "queries.jsonl")
    failed = ask(options.peers, options.python, folder)
    runs = results(folder, options.qrels)
    (folder / "results.json").write_text(json.dumps(runs, ensure_ascii=False, indent=1), "utf-8")
    print(table(runs))
    print(f"\n{folder}/results.json", file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
