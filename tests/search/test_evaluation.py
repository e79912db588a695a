"""Measures of any collection, runs of other systems, and two runs compared."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

from kb.errors import Fault
from search import commands, evaluation

#: Two questions; the first has two useful documents, the second one.
QUERIES = [{"qid": "1", "query": "公积金提取", "answerable": True}, {"qid": "2", "query": "补证", "answerable": True}]
JUDGED = {"1": {"a": 3, "b": 2, "c": 1}, "2": {"d": 2}}


def written(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Options that name the collection above."""
    queries = written(tmp_path / "q.jsonl", *(json.dumps(entry) for entry in QUERIES))
    qrels = [f"{qid} 0 {docid} {grade}" for qid, grades in JUDGED.items() for docid, grade in grades.items()]
    return ["--queries", str(queries), "--qrels", str(written(tmp_path / "r.tsv", *qrels))]


def evaluate(*arguments: str) -> Result:
    return CliRunner().invoke(commands.evaluate, arguments)


def test_a_run_is_evaluated_without_a_library(files: list[str], tmp_path: Path) -> None:
    run = written(tmp_path / "new.trec", "1 Q0 a 1 9 x", "1 Q0 z 2 8 x", "2 Q0 z 1 9 x")
    done = evaluate(*files, "--run", str(run), "--json")
    measures = json.loads(done.stdout)["measures"]
    assert done.exit_code == 0
    assert (measures["hit@3"]["mean"], measures["Recall@10"]["mean"]) == (0.5, 0.25)
    assert measures["unjudged@10"]["mean"] == 1.0


def test_two_runs_are_compared_question_by_question(files: list[str], tmp_path: Path) -> None:
    new = written(tmp_path / "new.trec", "1 Q0 a 1 9 x", "2 Q0 d 1 9 x")
    old = written(tmp_path / "old.trec", "1 Q0 a 1 9 x", "2 Q0 z 1 9 x", "2 Q0 d 2 8 x")
    shown = evaluate(*files, "--run", str(new), "--against", str(old), "--json")
    gap = json.loads(shown.stdout)["difference"]["MRR@10"]
    assert (gap["mean"], gap["better"], gap["worse"]) == (0.25, 1, 0)
    printed = evaluate(*files, "--run", str(new), "--against", str(old)).stdout.splitlines()
    last = [line for line in printed if line.startswith("MRR@10")][-1]
    assert "+0.250" in last and last.endswith("1 / 0")


def test_a_question_without_results_counts_as_nothing_found() -> None:
    report = evaluation.evaluate_run({"1": {"a": 1.0}}, QUERIES, JUDGED)
    assert {name: values["2"] for name, values in report["per_query"].items()} == dict.fromkeys(report["per_query"], 0)


def test_a_question_that_nobody_judged_is_left_out_and_counted() -> None:
    asked = [*QUERIES, {"qid": "3", "query": "x", "answerable": True}]
    report = evaluation.evaluate_run({"3": {"a": 1.0}}, asked, JUDGED)
    assert report["unjudged"] == 1 and set(report["per_query"]["nDCG@10"]) == {"1", "2"}
    assert any("没有评判的问题 1 个" in line for line in evaluation.lines(report))


def test_only_the_first_ten_count() -> None:
    run = {"1": {f"x{place}": 100.0 - place for place in range(30)} | {"a": 1.0}}
    found = evaluation.measure(run, JUDGED)
    assert found["nDCG@10"]["1"] == 0 and found["unjudged@10"]["1"] == 10


def test_binary_judgements_count_as_useful() -> None:
    found = evaluation.measure({"1": {"a": 1.0}}, {"1": {"a": 1, "b": 0}})
    assert found["hit@3"]["1"] == found["Recall@10"]["1"] == found["nDCG@10"]["1"] == 1


def test_grades_below_zero_gain_nothing() -> None:
    found = evaluation.measure({"1": {"spam": 2.0, "a": 1.0}}, {"1": {"a": 2, "spam": -2}})
    assert found["nDCG@10"]["1"] == pytest.approx(0.6309, abs=1e-4)


def test_collections_in_beir_form_are_read(tmp_path: Path) -> None:
    queries = written(tmp_path / "queries.jsonl", '{"_id": 7, "text": "补证", "metadata": {}}')
    qrels = written(tmp_path / "test.tsv", "query-id\tcorpus-id\tscore", "7\tdoc\t1")
    assert evaluation.read_queries(queries) == [{"qid": "7", "query": "补证", "answerable": True}]
    assert evaluation.read_qrels(qrels) == {"7": {"doc": 1}}


def test_a_run_is_read_by_score_then_rank_each_document_once(tmp_path: Path) -> None:
    run = written(tmp_path / "x.trec", "1 Q0 c 3 5 x", "1 Q0 b 2 5 x", "1 Q0 a 9 7.5 x", "1 Q0 b 4 1 x", "")
    assert list(evaluation.read_run(run)["1"]) == ["a", "b", "c"]


@pytest.mark.parametrize("line", ["1 Q0 a 1 9", "1 Q0 a first 9 x", "1 Q0 a 1 nan x", "{}"])
def test_a_wrong_run_names_the_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(Fault, match="x.trec 第 2 行"):
        evaluation.read_run(written(tmp_path / "x.trec", "1 Q0 a 1 9 x", line))


@pytest.mark.parametrize("read", [evaluation.read_queries, evaluation.read_qrels, evaluation.read_run])
def test_a_file_that_is_no_text_is_named(tmp_path: Path, read: object) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"\xff\xfe\x00\xd8")
    assert callable(read)
    with pytest.raises(Fault, match="file.bin"):
        read(path)


@pytest.mark.parametrize("line", ["[1]", '"text"', '{"qid": 1}', '{"query": "x"}', '{"qid": 1, "query": 2}', "{"])
def test_wrong_questions_name_the_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(Fault, match="q.jsonl 第 1 行"):
        evaluation.read_queries(written(tmp_path / "q.jsonl", line))


def test_pairing_narrows_the_interval() -> None:
    hard = {str(number): number / 50 for number in range(50)}
    better = {qid: value + 0.1 for qid, value in hard.items()}
    gap = evaluation.compare({"m": better}, {"m": hard})["m"]
    assert (gap["low"], gap["high"], gap["better"]) == (pytest.approx(0.1), pytest.approx(0.1), 50)
    assert evaluation.interval(list(better.values()))["low"] < evaluation.interval(list(hard.values()))["high"]


def test_the_interval_agrees_with_scipy() -> None:
    values = np.random.default_rng(1).normal(0.3, 0.2, 60)
    theirs = bootstrap((values,), np.mean, method="percentile", n_resamples=5000, rng=0).confidence_interval
    ours = evaluation.interval(values.tolist())
    assert (ours["low"], ours["high"]) == (pytest.approx(theirs.low, abs=0.01), pytest.approx(theirs.high, abs=0.01))


@given(st.dictionaries(st.text("123", min_size=1), st.floats(0, 1)))
def test_a_search_does_not_differ_from_itself(values: dict[str, float]) -> None:
    gap = evaluation.compare({"m": values}, {"m": values})["m"]
    assert (gap["mean"], gap["low"], gap["high"], gap["better"], gap["worse"]) == (0, 0, 0, 0, 0)
