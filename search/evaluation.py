"""How well search finds: standard measures over questions with graded judgements.

Measures are computed by ir-measures (extra `eval`); this module reads the files, runs the questions and
draws bootstrap intervals.  Grades: 3 the same obstacle on the same matter, 2 partly or elsewhere, 1 topic,
0 no; what is not listed counts as 0, and `unjudged@10` says how much that was.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from kb.errors import Fault

from .precedents import Precedents

DEPTH = 10
USEFUL = 2  # grade from which a case helps
GAINS = {grade: 2**grade - 1 for grade in range(4)}
RESAMPLES = 2000

Judgements = dict[str, dict[str, int]]


def read_queries(path: Path) -> list[dict[str, Any]]:
    """Lines of {"qid", "query", "answerable"} (true if missing); Fault names a line that is not."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            found.append(
                {
                    "qid": str(entry["qid"]),
                    "query": str(entry["query"]),
                    "answerable": bool(entry.get("answerable", True)),
                }
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Fault(f'{path.name} 第 {number} 行不是 {{"qid", "query"}} 形式的 JSON') from error
    return found


def read_qrels(path: Path) -> Judgements:
    """qid → docid → grade of a TREC file (`qid 0 docid grade`); Fault names the line that is not."""
    found: Judgements = {}
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            qid, _, docid, grade = line.split()
            found.setdefault(qid, {})[docid] = int(grade)
        except ValueError as error:
            raise Fault(f"{path.name} 第 {number} 行不是“qid 0 编号 等级”的形式") from error
    return found


def evaluate(
    precedents: Precedents, queries: list[dict[str, Any]], judged: Judgements, docid: str = "source_no"
) -> dict[str, Any]:
    """The report: measures {name: {mean, low, high}}, abstention {label: (part, whole)}, took_ms."""
    run: dict[str, dict[str, float]] = {}
    said: dict[str, bool] = {}
    took = []
    for entry in queries:
        answer = precedents.find(entry["query"], DEPTH)
        run[entry["qid"]] = {
            str(result[docid] or result["id"]): float(DEPTH - rank)
            for rank, result in enumerate(answer["results"])
        }
        said[entry["qid"]] = answer["answerable"]
        took.append(answer["took_ms"])
    answerable = [entry["qid"] for entry in queries if entry["answerable"]]
    others = [entry["qid"] for entry in queries if not entry["answerable"]]
    per_query = measure({qid: run[qid] for qid in answerable}, judged)
    return {
        "queries": len(queries),
        "measures": {name: interval(list(values.values())) for name, values in per_query.items()},
        "abstention": {
            "没有先例的问题，说了没有": (sum(not said[qid] for qid in others), len(others)),
            "有先例的问题，误说没有": (sum(not said[qid] for qid in answerable), len(answerable)),
        },
        "took_ms": {
            "median": round(float(np.median(took)), 1) if took else 0.0,
            "p95": round(float(np.percentile(took, 95)), 1) if took else 0.0,
        },
        "per_query": per_query,
    }


def measure(run: dict[str, dict[str, float]], judged: Judgements) -> dict[str, dict[str, float]]:
    """Measure → qid → value, for a run (qid → docid → score)."""
    try:
        import ir_measures
        from ir_measures import RR, Judged, P, Success, nDCG
    except ImportError as error:
        raise Fault("评测需要 ir-measures，请先运行 pip install 'bancheng[eval]'") from error
    wanted = {
        "nDCG@10": nDCG(gains=GAINS) @ DEPTH,
        "hit@3": Success(rel=USEFUL) @ 3,
        "MRR@10": RR(rel=USEFUL) @ DEPTH,
        "P@10": P(rel=USEFUL) @ DEPTH,
        "judged@10": Judged @ DEPTH,
    }
    names = {measure: name for name, measure in wanted.items()}
    values: dict[str, dict[str, float]] = {name: dict.fromkeys(run, 0.0) for name in wanted}
    for value in ir_measures.iter_calc(list(wanted.values()), judged, run):
        if value.query_id in run:
            values[names[value.measure]][value.query_id] = value.value
    useful = {qid: sum(grade >= USEFUL for grade in judged.get(qid, {}).values()) for qid in run}
    precision, judged_share = values.pop("P@10"), values.pop("judged@10")
    # Of twenty useful cases ten fit on a page: finding those ten is full recall.
    values["Recall@10"] = {
        qid: precision[qid] * DEPTH / min(DEPTH, useful[qid]) if useful[qid] else 0.0 for qid in run
    }
    values["unjudged@10"] = {qid: (1 - judged_share[qid]) * len(run[qid]) for qid in run}
    return values


def interval(values: list[float]) -> dict[str, float]:
    """Mean and the 95 % bootstrap interval over questions (percentile method, fixed seed)."""
    if not values:
        return {"mean": 0.0, "low": 0.0, "high": 0.0}
    sample = np.random.default_rng(0).choice(np.array(values), (RESAMPLES, len(values))).mean(axis=1)
    figures = [np.mean(values), *np.percentile(sample, [2.5, 97.5])]
    return dict(zip(("mean", "low", "high"), (round(float(figure), 4) for figure in figures), strict=True))
