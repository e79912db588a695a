"""kb search, kb reindex, kb evaluate and the lines of kb doctor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kb.config import Settings
from kb.errors import Fault
from kb.store import Store
from search import commands, evaluation, plugin


@pytest.fixture
def data(settings: Settings, store: Store) -> Path:
    """The folder of a library with cases, set up with the test embedder."""
    return settings.data_dir


def run(data: Path, command: str, *arguments: str) -> Result:
    return CliRunner(env={"KB_DATA": str(data)}).invoke(getattr(commands, command), arguments)


def test_search_for_people_keeps_the_reading_order(data: Path) -> None:
    shown = run(data, "search", "不动产权证加名字", "-k", "1").stdout
    places = [shown.index(label) for label in ("卡点", "办法", "依据", "找谁", "多久", "结果")]
    assert places == sorted(places)


def test_search_json_is_one_document(data: Path) -> None:
    answer = json.loads(run(data, "search", "公积金", "提取", "--json").stdout)
    assert answer["query"] == "公积金 提取" and answer["results"][0]["id"] == "a2"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--matter", "不动产转移登记"], {"a1"}),
        (["--dept", "不动产登记中心"], {"a1"}),
        (["--year", "2023年"], {"a2"}),
        (["--year", "2024", "--region", "济宁市"], {"a3", "a4"}),
        (["--handling", "协调"], set()),
        (["--solidified", "是"], set()),
    ],
)
def test_filters_narrow_what_is_found(data: Path, options: list[str], expected: set[str]) -> None:
    answer = json.loads(run(data, "search", "窗口办理登记提取认证许可", *options, "--json").stdout)
    assert {entry["id"] for entry in answer["results"]} == expected


@pytest.mark.parametrize("options", [["--year", "去年"], ["--solidified", "也许"], ["--since", "昨天"]])
def test_filters_that_cannot_be_understood_are_named(data: Path, options: list[str]) -> None:
    done = run(data, "search", "公积金", *options)
    assert isinstance(done.exception, Fault) and "看不懂" in str(done.exception)


def test_batch_answers_line_by_line(data: Path, tmp_path: Path) -> None:
    source, trec = tmp_path / "q.jsonl", tmp_path / "out.trec"
    source.write_text('﻿{"qid": "q1", "query": "公积金提取"}\n\n{"qid": 2, "query": ""}\n', "utf-8")
    done = run(data, "search", "--batch", str(source), "-k", "2", "--run", str(trec), "--docid", "source_no")
    first, second = map(json.loads, done.stdout.splitlines())
    assert done.exit_code == 0
    assert (first["qid"], first["answerable"], len(first["results"])) == ("q1", True, 2)
    assert set(first["results"][0]) == {"id", "source_no", "score"}
    assert (second["qid"], second["answerable"], second["results"]) == ("2", False, [])
    assert trec.read_text().splitlines()[0].split()[:4] == ["q1", "Q0", "2024-002", "1"]


def test_batch_names_the_line_it_cannot_use(data: Path, tmp_path: Path) -> None:
    source = tmp_path / "q.jsonl"
    source.write_text('{"qid": 1, "query": "公积金"}\nnot json\n[1]\n{"qid": 3}\n', "utf-8")
    done = run(data, "search", "--batch", str(source))
    assert done.exit_code == 1 and len(done.stdout.splitlines()) == 1
    assert [f"第 {number} 行" in done.stderr for number in (2, 3, 4)] == [True] * 3


def test_batch_takes_only_numbers_that_can_be_written(data: Path, tmp_path: Path) -> None:
    source, trec = tmp_path / "q.jsonl", tmp_path / "out.trec"
    odd = ['"\\ud800"', "null", '{"a": 1}', "true", '"a\\nb"', '""']
    source.write_text("".join(f'{{"qid": {qid}, "query": "公积金"}}\n' for qid in [*odd, "7"]), "utf-8")
    done = run(data, "search", "--batch", str(source), "-k", "1", "--run", str(trec))
    assert done.exit_code == 1 and [json.loads(line)["qid"] for line in done.stdout.splitlines()] == ["7"]
    assert [line.split()[0] for line in trec.read_text().splitlines()] == ["7"]


@pytest.mark.parametrize(
    "arguments", [[], ["公积金", "--batch", __file__], ["公积金", "--run", "x"], ["公积金", "-k", "0"]]
)
def test_wrong_usage(data: Path, arguments: list[str]) -> None:
    assert run(data, "search", *arguments).exit_code == 2


@pytest.mark.parametrize("arguments", [["search", "公积金"], ["reindex"]])
def test_a_folder_without_library_is_not_made_one(tmp_path: Path, arguments: list[str]) -> None:
    folder = tmp_path / "typo"
    done = run(folder, *arguments)
    assert isinstance(done.exception, Fault) and "还没有案例库" in str(done.exception)
    assert not folder.exists()


def test_reindex_says_how_many(data: Path) -> None:
    assert "共 5 件" in run(data, "reindex").stderr
    assert "共 5 件" in run(data, "reindex", "--vectors").stderr


def test_doctor_tells_a_missing_index_from_a_current_one(data: Path) -> None:
    settings = Settings(data, embedding_model="fake")
    before = {check.name: check.ok for check in plugin.kb_health_checks(settings)}
    run(data, "reindex")
    after = {check.name: check.ok for check in plugin.kb_health_checks(settings)}
    assert (before["检索索引"], after["检索索引"], after["向量模型"]) == (False, True, True)


def test_publication_updates_the_index(data: Path) -> None:
    settings = Settings(data, embedding_model="fake")
    with Store(settings) as store:
        plugin.kb_cases_changed(store)
    assert all(check.ok for check in plugin.kb_health_checks(settings))


def test_evaluate_prints_figures(data: Path, tmp_path: Path) -> None:
    queries, qrels = tmp_path / "q.jsonl", tmp_path / "r.tsv"
    queries.write_text(
        '{"qid": "1", "query": "公积金提取"}\n{"qid": "2", "query": "xyz", "answerable": false}\n', "utf-8"
    )
    qrels.write_text("1\t0\t2024-002\t3\n1\t0\tnowhere\t2\n", "utf-8")
    report = json.loads(run(data, "evaluate", "--queries", str(queries), "--qrels", str(qrels), "--json").stdout)
    assert report["measures"]["MRR@10"]["mean"] == 1.0
    assert report["measures"]["Recall@10"]["mean"] == 0.5
    assert report["measures"]["unjudged@10"]["mean"] == 4.0  # five cases listed, one of them judged
    assert report["abstention"]["没有先例的问题，说了没有"] == [1, 1]


def test_measures_agree_with_the_textbook() -> None:
    run = {"q": {"d1": 3.0, "d2": 2.0, "d3": 1.0}}
    found = evaluation.measure(run, {"q": {"d1": 1, "d3": 3, "d4": 2}})
    gain = (1 + 7 / 2) / (7 + 3 / 1.5849625 + 1 / 2)
    assert found["nDCG@10"]["q"] == pytest.approx(gain, abs=1e-4)
    assert found["hit@3"]["q"] == 1 and found["MRR@10"]["q"] == pytest.approx(1 / 3)
    assert found["Recall@10"]["q"] == pytest.approx(0.5) and found["unjudged@10"]["q"] == pytest.approx(1)


@pytest.mark.parametrize("line", ["1 0 d", "1 0 d x"])
def test_wrong_judgements_name_the_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "r.tsv"
    path.write_text(f"1 0 d 2\n{line}\n", "utf-8")
    with pytest.raises(Exception, match="第 2 行"):
        evaluation.read_qrels(path)


def test_intervals_are_repeatable_and_hold_the_mean() -> None:
    figure = evaluation.interval([0.0, 0.5, 1.0, 0.25])
    assert figure == evaluation.interval([0.0, 0.5, 1.0, 0.25])
    assert figure["low"] <= figure["mean"] <= figure["high"]
