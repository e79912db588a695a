"""Real messages with official replies, from file to searchable: time, memory, cold and served answers, quality.

    python -m tests.bench.real [--keep DIR]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

SHARED = Path(__file__).resolve().parents[3] / "shared"


def timed(*args: str) -> tuple[float, int, str]:
    """Wall seconds, peak resident MB and stdout of one `kb` process."""
    command = ["/usr/bin/env", "time", "-f", "%M", "-o", "/dev/fd/3", sys.executable, "-m", "kb", *args]
    with tempfile.TemporaryFile("w+") as memory:
        start = time.monotonic()
        done = subprocess.run(
            ["bash", "-c", 'exec "$@" 3>&"$0"', str(memory.fileno()), *command],
            stdout=subprocess.PIPE, text=True, pass_fds=[memory.fileno()],
        )  # fmt: skip
        took = time.monotonic() - start
        memory.seek(0)
        peak = memory.read().split()
    return took, int(peak[-1]) // 1024 if peak and peak[-1].isdigit() else 0, done.stdout


def served(data: str, queries: list[str]) -> list[float]:
    """Milliseconds of each query against a running `kb serve`."""
    port = "8765"
    server = subprocess.Popen(
        [sys.executable, "-m", "kb", "--data", data, "serve", "--port", port],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    base = f"http://127.0.0.1:{port}/api/search.json?q="
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(base + urllib.parse.quote("社保")).read()
                break
            except OSError:
                time.sleep(0.5)
        took = []
        for query in queries * 4:
            start = time.perf_counter()
            urllib.request.urlopen(base + urllib.parse.quote(query)).read()
            took.append((time.perf_counter() - start) * 1000)
        return took
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path)
    folder = parser.parse_args().keep or Path(tempfile.mkdtemp())
    data = str(folder / "data")
    source = SHARED / "real" / "messages_with_replies.xlsx"
    took, peak, _ = timed("--data", data, "ingest", str(source), "--publish", "--report", str(folder / "report.json"))
    file = json.loads((folder / "report.json").read_text("utf-8"))["files"][0]
    print(f"ingest to searchable: {took:.0f} s, {peak} MB; cases {file['cases']}, held back {file['held_back']}, "
          f"duplicates {file['duplicates']}, redactions {file['redactions']}")  # fmt: skip
    cold = [timed("--data", data, "search", "社保断缴了几个月还能买房吗", "--json")[0] for _ in range(5)]
    print(f"cold kb search: median {statistics.median(cold):.2f} s of {len(cold)}")
    lines = (SHARED / "eval" / "queries.jsonl").read_text("utf-8").splitlines()
    queries = [json.loads(line)["query"] for line in lines]
    ms = sorted(served(data, queries))
    print(f"served: median {statistics.median(ms):.0f} ms, p95 {ms[int(len(ms) * 0.95)]:.0f} ms of {len(ms)}")
    subprocess.run(
        [sys.executable, "-m", "kb", "--data", data, "evaluate", "--queries", str(SHARED / "eval" / "queries.jsonl"),
         "--qrels", str(SHARED / "eval" / "qrels.tsv"), "--docid", "source_no"], check=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
