"""The web application under load: searching, browsing and reading while a reviewer publishes and a ledger comes in.

    python -m tests.bench.serve --cases 3000 --keep /tmp/k3         # makes the library first if DIR is empty
    python -m tests.bench.serve --cases 100000 --keep /tmp/k100 --seconds 30 --json

`kb serve` runs in a process of its own, the asking in this one, on loopback, with connections that are kept.  Every
client asks one thing after the other without a pause: parts of results while a question is typed, the JSON of a search,
lists of cases by facets and pages, pages of cases.  Meanwhile a reviewer sends drafts and publishes them through the
API, and `kb ingest` reads a ledger in a third process.  Afterwards everything that was acknowledged must be in the
database and be found; no request may have failed.  Exit status 1 if not.

The library is copied before, so that a kept one can be used again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx

from kb.config import Settings
from kb.config import load as load_settings
from kb.store import Store
from tests import people
from tests.bench import synthetic

CLIENTS = (1, 8, 32)
FIRST_DRAFT = 1 << 24
PAUSE = 2.0  # seconds between two publications
FOUND_WITHIN = 5.0  # seconds after which a published case must be found
PATIENCE = 120.0
WRITTEN = ("title", "demand", "obstacle", "measure", "outcome", "barriers", "received", "closed")
READY = re.compile(r"http://127\.0\.0\.1:(\d+)/")


@dataclass
class Mix:
    """What one kind of request cost: seconds of each, and those that failed."""

    took: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def request(kind: str, chance: random.Random, cases: int) -> str:
    """An address of that kind, each time another."""
    asked = next(synthetic.cases(1, chance.randrange(1 << 30)))
    if kind == "typing":
        text = asked.demand[: chance.randrange(4, 20)]
        return str(httpx.URL("/search/results", params={"q": text}))
    if kind == "search":
        return str(httpx.URL("/api/search.json", params={"q": asked.obstacle + asked.demand[:10]}))
    if kind == "case":
        return f"/case/{chance.randrange(cases):012x}"
    facets = {"domain": asked.domain, "province": asked.region["province"], "barrier": asked.barriers[0]}
    chosen = {name: value for name, value in facets.items() if chance.random() < 0.4}
    return str(httpx.URL("/cases", params={**chosen, "page": chance.randrange(1, 30)}))


KINDS = {"typing": 5, "search": 2, "browse": 2, "case": 2}  # how often of eleven


async def ask(url: str, cookies: dict[str, str], clients: int, seconds: float, cases: int) -> dict[str, Mix]:
    """Asks for so long with so many clients."""
    mixes = {kind: Mix() for kind in KINDS}
    until = time.perf_counter() + seconds

    async def client(number: int) -> None:
        chance = random.Random(f"{clients}-{number}")
        async with httpx.AsyncClient(base_url=url, cookies=cookies, timeout=PATIENCE, trust_env=False) as web:
            while time.perf_counter() < until:
                kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
                address = request(kind, chance, cases)
                began = time.perf_counter()
                try:
                    answer = await web.get(address)
                    if answer.status_code != 200:
                        mixes[kind].failed.append(f"{answer.status_code} {address}")
                except httpx.HTTPError as error:
                    mixes[kind].failed.append(f"{type(error).__name__} {address}")
                mixes[kind].took.append(time.perf_counter() - began)

    await asyncio.gather(*(client(number) for number in range(clients)))
    return mixes


async def publish(url: str, cookies: dict[str, str], stop: asyncio.Event) -> tuple[list[str], list[float], list[str]]:
    """Sends drafts and publishes them until `stop`: (ids that were acknowledged, seconds of each, failures)."""
    done: list[str] = []
    took: list[float] = []
    failed: list[str] = []
    web = httpx.AsyncClient(
        base_url=url, cookies=cookies, headers={"X-KB": "1"}, timeout=PATIENCE, trust_env=False
    )
    async with web:
        for case in synthetic.cases(1000, 3, first=FIRST_DRAFT):
            if stop.is_set():
                break
            began = time.perf_counter()
            fields = {name: getattr(case, name) for name in WRITTEN}
            made = await web.post("/api/v1/drafts", json={**fields, "matter": case.matter["name"], "submit": True})
            if made.status_code not in (200, 201):
                failed.append(f"{made.status_code} {made.text[:200]}")
                break
            case_id = made.json()["id"]
            answer = await web.post(f"/api/v1/drafts/{case_id}/publish", json={"cleared": True})
            if answer.status_code == 200:
                done.append(case_id)
                took.append(time.perf_counter() - began)
            else:
                failed.append(f"{answer.status_code} {answer.text[:200]}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PAUSE)
    return done, took, failed


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[tuple[str, int]]:
    """`kb serve` on a free port: (address, process id)."""
    command = [sys.executable, "-m", "kb", "serve", "--port", "0", "--data", str(settings.data_dir)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            for line in server.stderr:
                if ready := READY.search(line):
                    break
            else:
                raise SystemExit("the server did not start")
            threading.Thread(target=_drain, args=(server.stderr,), daemon=True).start()
            yield f"http://127.0.0.1:{ready[1]}", server.pid
        finally:
            server.terminate()


def _drain(stream: IO[str]) -> None:
    """Shows what the server complains of; a pipe that nobody reads would stop it."""
    for line in stream:
        sys.stderr.write(line)


def memory(process: int) -> dict[str, int]:
    """Resident memory of a process in MB: now and at its peak."""
    status = Path(f"/proc/{process}/status").read_text()
    return {
        name: int(re.search(rf"{key}:\s+(\d+) kB", status)[1]) // 1024  # type: ignore[index]
        for name, key in (("now", "VmRSS"), ("peak", "VmHWM"))
    }


def figures(mixes: dict[str, Mix], seconds: float) -> dict[str, dict[str, float]]:
    """Requests a second, p50, p95, p99 in milliseconds and the number that failed; of each kind and of all."""
    together = Mix(sum((mix.took for mix in mixes.values()), []), sum((mix.failed for mix in mixes.values()), []))
    found = {}
    for kind, mix in {**mixes, "all": together}.items():
        parts = statistics.quantiles(mix.took, n=100, method="inclusive") if len(mix.took) > 1 else mix.took * 99
        if parts:
            found[kind] = {
                "per_s": round(len(mix.took) / seconds, 1),
                **{name: round(parts[at - 1] * 1000) for name, at in (("p50", 50), ("p95", 95), ("p99", 99))},
                "failed": len(mix.failed),
            }
    return found


async def load(settings: Settings, ledger: Path, cases: int, seconds: float, clients: Sequence[int]) -> dict[str, Any]:
    """The whole measurement on a library that may be changed."""
    cookies = people.sign_in(settings, "submit", "review", hall="350121")
    known = published(settings)
    report = ledger.with_suffix(".json")
    command = [sys.executable, "-m", "kb", "ingest", str(ledger), "--hall", "350121", "--publish", "--data",
               str(settings.data_dir), "--report", str(report)]  # fmt: skip
    with serving(settings) as (url, process):
        rounds, stop, began = {}, asyncio.Event(), time.perf_counter()
        ingesting = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
        reviewing = asyncio.create_task(publish(url, cookies, stop))
        failures: list[str] = []
        for number in clients:
            since = time.perf_counter()
            mixes = await ask(url, cookies, number, seconds, cases)
            rounds[number] = {**figures(mixes, time.perf_counter() - since), "memory": memory(process)}
            failures += [text for mix in mixes.values() for text in mix.failed]
        stop.set()
        done, took, failed = await reviewing
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ingesting.wait(), PATIENCE * 5)
        ingested = json.loads(report.read_text())["files"][0] if report.exists() else {}
        missing, came = await _missing(url, cookies, settings, done, known)
        expected = ingested.get("cases", 0) - ingested.get("held_back", 0)
        if not ingested or came != expected:
            missing.append(f"ledger: {came} of {expected} cases")
        return {
            "cases": cases,
            "rounds": rounds,
            "published": {"count": len(done), "p50_s": round(statistics.median(took), 2) if took else None},
            "ingested": came,
            "ended_with": memory(process),
            "took_s": round(time.perf_counter() - began),
            "failures": [*failures, *failed],
            "missing": missing,
        }


def published(settings: Settings) -> set[str]:
    """Ids of the published cases."""
    with Store(settings) as store:
        return {row["id"] for row in store.library.query("select id from cases where state = 'published'")}


async def _missing(
    url: str, cookies: dict[str, str], settings: Settings, done: list[str], known: set[str]
) -> tuple[list[str], int]:
    """What was acknowledged but is not in the database or is not found by its number; how many came by the ledger."""
    there = published(settings)
    new = there - known
    missing = [f"not in the database: {case_id}" for case_id in [*known, *done] if case_id not in there]
    async with httpx.AsyncClient(base_url=url, cookies=cookies, timeout=PATIENCE, trust_env=False) as web:
        for case_id in sorted(new):
            # A large library goes on in the old index for a moment after a publication.
            deadline = time.perf_counter() + FOUND_WITHIN
            found: list[str] = []
            while found != [case_id] and time.perf_counter() < deadline:
                answer = await web.get("/api/search.json", params={"q": case_id})
                found = [entry["id"] for entry in answer.json()["results"]]
            if found != [case_id]:
                missing.append(f"not found: {case_id}")
    return missing, len(new - set(done))


def table(result: dict[str, Any]) -> str:
    """The figures as a table in Markdown."""
    lines = ["| clients | kind | per s | p50 ms | p95 ms | p99 ms | failed | RSS MB |", "|" + " --- |" * 8]
    for number, kinds in result["rounds"].items():
        for kind in [*KINDS, "all"]:
            if kind in kinds:
                row = [number, kind, *kinds[kind].values(), kinds["memory"]["now"]]
                lines.append("| " + " | ".join(map(str, row)) + " |")
    return "\n".join(lines)


def main() -> int:
    """Measures as the command line says; 1 if a request failed or a write was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--keep", type=Path, help="a folder in which the library is made, or lies already")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each number of clients")
    parser.add_argument("--clients", type=int, nargs="+", default=list(CLIENTS))
    parser.add_argument("--rows", type=int, default=300, help="of the ledger that is ingested meanwhile")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = given.keep or Path(folder) / "made"
        if not (made / "library.db").exists():
            synthetic.build(load_settings(made), given.cases)
        used = shutil.copytree(made, Path(folder) / "used")
        ledger = Path(folder) / "ledger.csv"
        synthetic.write_ledger(ledger, given.rows)
        result = asyncio.run(load(load_settings(used), ledger, given.cases, given.seconds, given.clients))
    print(json.dumps(result, ensure_ascii=False, indent=1) if given.json else table(result))
    if not given.json:
        print(json.dumps({name: value for name, value in result.items() if name != "rounds"}, ensure_ascii=False))
    return 1 if result["failures"] or result["missing"] else 0


if __name__ == "__main__":
    sys.exit(main())
