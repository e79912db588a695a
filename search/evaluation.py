"""How well search finds: standard measures over questions with graded judgements, and two searches compared.

Measures are computed by ir-measures (extra `eval`); this module reads the files, runs the questions and
draws bootstrap intervals.  Grades: 3 the same obstacle on the same matter, 2 partly or elsewhere, 1 topic,
0 no; what is not listed counts as 0, and `unjudged@10` says how much that was.  Collections with other scales
work too: where no grade reaches 2, every grade above 0 counts as useful.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from kb.errors import Fault

from .folding import unfolded

DEPTH = 10
USEFUL = 2  # grade from which a case helps
RESAMPLES = 2000

#: qid → docid → grade, and qid → docid → score (greater is better).
Judgements = dict[str, dict[str, int]]
Run = dict[str, dict[str, float]]
#: measure → qid → value
Values = dict[str, dict[str, float]]


class Searcher(Protocol):
    """What is asked: :class:`search.precedents.Precedents`, or anything that answers like it."""

    def find(self, text: str, k: int = 10) -> dict[str, Any]:
        """The answer to *text* with at most *k* results."""


def read_queries(path: Path) -> list[dict[str, Any]]:
    """Lines of {"qid", "query", "answerable"} (true if missing); Fault names a line that is not.

    The names of the BEIR collections, "_id" and "text", are understood too.
    """
    found = []
    for number, line in _lines(path):
        try:
            entry = json.loads(line)
            qid, query = entry.get("qid", entry.get("_id")), entry.get("query", entry.get("text"))
            if qid is None or not isinstance(query, str):
                raise ValueError
        except (ValueError, AttributeError, RecursionError) as error:
            raise Fault(f'{path.name} 第 {number} 行不是 {{"qid", "query"}} 形式的 JSON') from error
        found.append({"qid": str(qid), "query": query, "answerable": bool(entry.get("answerable", True))})
    return found


def read_qrels(path: Path) -> Judgements:
    """qid → docid → grade of a TREC file (`qid 0 docid grade`) or a BEIR one (`qid docid grade`, with a header).

    Fault names the line that is neither.
    """
    found: Judgements = {}
    for number, line in _lines(path):
        try:
            qid, *_, docid, grade = line.split()
            if number == 1 and grade == "score":
                continue
            found.setdefault(qid, {})[docid] = int(grade)
        except ValueError as error:
            raise Fault(f"{path.name} 第 {number} 行不是“qid 0 编号 等级”的形式") from error
    return found


def read_run(path: Path) -> Run:
    """A TREC run (`qid Q0 docid rank score tag`): by score, equal scores by rank; Fault names a line that is not."""
    listed: dict[str, list[tuple[float, int, str]]] = {}
    for number, line in _lines(path):
        try:
            qid, _, docid, rank, score, _ = line.split()
            if not math.isfinite(float(score)):
                raise ValueError
            listed.setdefault(qid, []).append((-float(score), int(rank), docid))
        except ValueError as error:
            raise Fault(f"{path.name} 第 {number} 行不是“qid Q0 编号 名次 得分 名称”的形式") from error
    return {qid: ranked(docid for *_, docid in sorted(entries)) for qid, entries in listed.items()}


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number, line) of the lines of *path* that are not blank."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # a question may hold other line ends
    except UnicodeDecodeError as error:
        raise Fault(f"{path.name} 不是 UTF-8 编码的文本") from error
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())


def ranked(docids: Iterable[str]) -> dict[str, float]:
    """docid → score of the first `DEPTH` distinct *docids*, best first."""
    return {docid: float(DEPTH - place) for place, docid in enumerate(list(dict.fromkeys(docids))[:DEPTH])}


def evaluate(
    precedents: Searcher, queries: list[dict[str, Any]], judged: Judgements, docid: str = "source_no"
) -> dict[str, Any]:
    """Asks *precedents*: the report of :func:`evaluate_run` with abstention {label: (part, whole)} and took_ms."""
    run: Run = {}
    said: dict[str, bool] = {}
    took = []
    for entry in queries:
        answer = precedents.find(entry["query"], DEPTH)
        run[entry["qid"]] = ranked(str(result[docid] or result["id"]) for result in unfolded(answer, DEPTH))
        said[entry["qid"]] = answer["answerable"]
        took.append(answer["took_ms"])
    answerable = [entry["qid"] for entry in queries if entry["answerable"]]
    others = [entry["qid"] for entry in queries if not entry["answerable"]]
    return evaluate_run(run, queries, judged) | {
        "abstention": {
            "没有先例的问题，说了没有": (sum(not said[qid] for qid in others), len(others)),
            "有先例的问题，误说没有": (sum(not said[qid] for qid in answerable), len(answerable)),
        },
        "took_ms": {
            "median": round(float(np.median(took)), 1) if took else 0.0,
            "p95": round(float(np.percentile(took, 95)), 1) if took else 0.0,
        },
    }


def evaluate_run(run: Run, queries: list[dict[str, Any]], judged: Judgements) -> dict[str, Any]:
    """The report on *run*: queries, unjudged, measures {name: {mean, low, high}}, per_query {name: {qid: value}}.

    Measured are the answerable questions that somebody has judged; ``unjudged`` counts those that nobody has.
    """
    answerable = [entry["qid"] for entry in queries if entry["answerable"]]
    asked = [qid for qid in answerable if qid in judged]
    per_query = measure({qid: run.get(qid, {}) for qid in asked}, judged)
    return {
        "queries": len(queries),
        "unjudged": len(answerable) - len(asked),
        "measures": {name: interval(list(values.values())) for name, values in per_query.items()},
        "per_query": per_query,
    }


def measure(run: Run, judged: Judgements) -> Values:
    """The measures of *run*, question by question; a question without results has 0 in all."""
    try:
        import ir_measures
        from ir_measures import RR, Judged, P, Success, nDCG
    except ImportError as error:
        raise Fault("评测需要 ir-measures，请先运行 pip install 'bancheng[eval]'") from error
    grades = {grade for entries in judged.values() for grade in entries.values()}
    useful = min(USEFUL, max({1, *grades}))
    wanted = {
        "nDCG@10": nDCG(gains={grade: 2 ** max(0, grade) - 1 for grade in grades}) @ DEPTH,
        "hit@3": Success(rel=useful) @ 3,
        "MRR@10": RR(rel=useful) @ DEPTH,
        "P@10": P(rel=useful) @ DEPTH,
        "judged@10": Judged @ DEPTH,
    }
    names = {measure: name for name, measure in wanted.items()}
    values: Values = {name: dict.fromkeys(run, 0.0) for name in wanted}
    # Judged divides by the number of results.
    listed = {qid: results for qid, results in run.items() if results}
    for value in ir_measures.iter_calc(list(wanted.values()), judged, listed):
        if value.query_id in run:
            values[names[value.measure]][value.query_id] = value.value
    known = {qid: sum(grade >= useful for grade in judged.get(qid, {}).values()) for qid in run}
    precision, judged_share = values.pop("P@10"), values.pop("judged@10")
    # Of twenty useful cases ten fit on a page: finding those ten is full recall.
    values["Recall@10"] = {qid: precision[qid] * DEPTH / min(DEPTH, known[qid]) if known[qid] else 0.0 for qid in run}
    values["unjudged@10"] = {qid: (1 - judged_share[qid]) * min(DEPTH, len(run[qid])) for qid in run}
    return values


def compare(ours: Values, theirs: Values) -> dict[str, dict[str, float]]:
    """Measure → {mean, low, high, better, worse} of *ours* minus *theirs* over the questions that both have.

    A paired bootstrap: a question is drawn with both of its values, so that hard questions, hard for either,
    do not widen the interval.  better and worse count questions.
    """
    found: dict[str, dict[str, float]] = {}
    for name in ours.keys() & theirs.keys():
        both = sorted(ours[name].keys() & theirs[name].keys())
        gaps = [ours[name][qid] - theirs[name][qid] for qid in both]
        counts = {"better": sum(gap > 0 for gap in gaps), "worse": sum(gap < 0 for gap in gaps)}
        found[name] = interval(gaps) | counts
    return {name: found[name] for name in ours if name in found}


def interval(values: Sequence[float]) -> dict[str, float]:
    """Mean and the 95 % bootstrap interval over questions (percentile method, fixed seed)."""
    if not values:
        return {"mean": 0.0, "low": 0.0, "high": 0.0}
    sample = np.random.default_rng(0).choice(np.array(values), (RESAMPLES, len(values))).mean(axis=1)
    figures = [np.mean(values), *np.percentile(sample, [2.5, 97.5])]
    return dict(zip(("mean", "low", "high"), (round(float(figure), 4) for figure in figures), strict=True))


def lines(report: dict[str, Any]) -> Iterator[str]:
    """*report*, with ``against`` and ``difference`` if there are any, for people."""
    for name, figure in report["measures"].items():
        yield f"{name:<12} {_figure(figure)}"
    if report["unjudged"]:
        yield f"没有评判的问题 {report['unjudged']} 个，未计入以上各项"
    for name, (part, whole) in report.get("abstention", {}).items():
        yield f"{name}：{part}/{whole}"
    if took := report.get("took_ms"):
        yield f"耗时（毫秒）：中位数 {took['median']}，95% 在 {took['p95']} 以内"
    if "difference" in report:
        yield "与之比较：对方的均值；本次减对方的差值 [95% 区间]，较好和较差的问题数"
        for name, gap in report["difference"].items():
            theirs = report["against"][name]["mean"]
            yield f"{name:<12} {theirs:.3f}  {_figure(gap, '+.3f')}  {gap['better']} / {gap['worse']}"


def _figure(figure: dict[str, float], form: str = ".3f") -> str:
    return f"{figure['mean']:{form}}  [{figure['low']:{form}}, {figure['high']:{form}}]"
