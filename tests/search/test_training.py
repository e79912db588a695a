"""What the embedding model is trained with: texts, message pairs, recipe and batches."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from search.embedder import Vectors
from search.embedder.packaged import MODEL
from search.embedder.training.batches import Batch, Table, cluster_batch, epoch, pair_batch, steps
from search.embedder.training.clusters import STYLES, Cluster, InventedCase, Question, load_clusters
from search.embedder.training.held_out import measure
from search.embedder.training.messages import load_pairs
from search.embedder.training.recipe import HERE, Recipe, load_recipe

FILES = sorted(HERE.glob("*.jsonl"))
TRAIN = [path for path in FILES if path.name.endswith(".train.jsonl")]
HELD_OUT = [path for path in FILES if path.name.endswith(".held_out.jsonl")]


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load_recipe()


def texts(cluster: Cluster) -> list[str]:
    """Every text of a cluster but its topic."""
    written = [text for case in cluster.cases for text in (case.title, case.message, case.reply)]
    return written + [question.text for question in cluster.questions] + list(cluster.unanswered)


# -- the texts


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_cluster_has_cases_questions_and_questions_without_answer(path: Path) -> None:
    for cluster in load_clusters(path):
        assert len(cluster.cases) >= 3 and len(cluster.questions) >= 6 and len(cluster.unanswered) == 2
        answered = [position for question in cluster.questions for position in question.best]
        assert set(answered) == set(range(len(cluster.cases))), cluster.topic


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_text_holds_a_number_that_could_be_somebodys(path: Path) -> None:
    long_number = re.compile(r"[0-9０-９](?:[-－ ]?[0-9０-９Xx]){6,}|@|https?:")
    assert [text for cluster in load_clusters(path) for text in texts(cluster) if long_number.search(text)] == []


def test_held_out_clusters_share_no_topic_and_no_text_with_training() -> None:
    trained, kept_apart = (
        {text for path in paths for cluster in load_clusters(path) for text in (cluster.topic, *texts(cluster))}
        for paths in (TRAIN, HELD_OUT)
    )
    assert not trained & kept_apart


def test_all_ways_of_asking_occur_in_training_and_among_the_held_out() -> None:
    for paths in (TRAIN, HELD_OUT):
        clusters = [cluster for path in paths for cluster in load_clusters(path)]
        assert {question.style for cluster in clusters for question in cluster.questions} == set(STYLES)


LINE = {
    "topic": "停车泊位",
    "cases": [{"title": "泊位", "message": "划了又取消", "reply": "已恢复"}],
    "queries": [{"q": "车位没了", "style": "lay", "best": [0], "useful": []}],
    "none": ["月租多少"],
}


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("queries", [{"q": "车位没了", "style": "lay", "best": [1], "useful": []}]),
        ("queries", [{"q": "车位没了", "style": "lay", "best": [], "useful": [0]}]),
        ("queries", [{"q": "车位没了", "style": "lay", "best": [0], "useful": [0]}]),
        ("queries", [{"q": "车位没了", "style": "rude", "best": [0], "useful": []}]),
        ("queries", [{"q": " ", "style": "lay", "best": [0], "useful": []}]),
        ("cases", [{"title": "泊位", "message": "划了又取消"}]),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, part: str, value: object) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text(json.dumps(LINE) + "\n" + json.dumps(LINE | {part: value}), encoding="utf-8")
    with pytest.raises(ValueError, match="line 2"):
        load_clusters(path)


def workbook(path: Path, rows: list[tuple[str, str]], header: tuple[str, str] = ("留言主题", "留言详情")) -> Path:
    """Writes *rows* under *header*; gives *path*."""
    book = openpyxl.Workbook()
    for row in [header, *rows]:
        book.worksheets[0].append(row)
    book.save(path)
    return path


def test_message_pairs_leave_out_what_stands_in_another_workbook(tmp_path: Path, recipe: Recipe) -> None:
    story = "楼下夜里装卸货物到凌晨三点，居民多次劝说无果，请有关部门到现场看看并给出说法"
    noise, light = ("关于夜间装卸扰民的问题", "尊敬的局长：您好！" + story), ("路灯不亮三个月", "巷口那盏灯" * 8)
    every = workbook(tmp_path / "every.xlsx", [noise, light, ("短", story)])
    measured = workbook(tmp_path / "measured.xlsx", [("路灯不亮，三个月", "另一段话" * 8)])
    told_again = workbook(tmp_path / "again.xlsx", [("装卸太吵", "又及：" + story)])
    assert load_pairs(every, [measured], recipe.workbook) == [("夜间装卸扰民的问题", story)]
    assert load_pairs(every, [told_again], recipe.workbook) == [light]
    assert len(load_pairs(every, [], recipe.workbook)) == 2


def test_a_workbook_without_the_columns_is_named(tmp_path: Path, recipe: Recipe) -> None:
    path = workbook(tmp_path / "other.xlsx", [], header=("标题", "内容"))
    with pytest.raises(ValueError, match="other.xlsx"):
        load_pairs(path, [], recipe.workbook)


# -- recipe and batches


def test_readme_names_the_weights_that_are_packaged() -> None:
    digest = hashlib.sha256((MODEL / "model.onnx").read_bytes()).hexdigest()
    assert f"| `../model/model.onnx` | `{digest}` |" in (HERE / "README.md").read_text(encoding="utf-8")


def test_recipe_names_files_that_are_there_and_trains_on_none_that_is_held_out(recipe: Recipe) -> None:
    assert {HERE / name for name in recipe.held_out} == set(HELD_OUT)
    assert {HERE / name for phase in recipe.phases for name in phase.texts} == set(TRAIN)
    assert len({phase.name for phase in recipe.phases}) == len(recipe.phases)


def cluster(topic: str, useful: tuple[int, ...] = ()) -> Cluster:
    cases = tuple(InventedCase(f"{topic}题{n}", f"{topic}诉{n}", f"{topic}答{n}") for n in range(2))
    return Cluster(topic, cases, (Question(f"{topic}问", "lay", (0,), useful),), (f"{topic}无",))


def marks(table: Table) -> list[str]:
    """A table of truths as rows of 0 and 1."""
    return ["".join(map(str, row)) for row in table.astype(int)]


def test_a_cluster_batch_says_what_each_passage_is_to_each_question(recipe: Recipe) -> None:
    batch = cluster_batch([cluster("甲", useful=(1,)), cluster("乙")], recipe.cut)
    assert batch.questions == ["甲问", "乙问", "甲无", "乙无"]
    assert batch.passages[:4] == ["甲题0。甲诉0", "甲答0", "甲题1。甲诉1", "甲答1"]
    assert marks(batch.best) == ["11000000", "00001100", "00000000", "00000000"]
    assert marks(batch.useful) == ["00110000", "00000000", "00000000", "00000000"]
    assert marks(batch.near) == ["11110000", "00001111", "11110000", "00001111"]


def test_an_epoch_takes_every_cluster_and_pair_once(recipe: Recipe) -> None:
    phase = recipe.phases[0]
    clusters = [cluster(f"题{number:02}") for number in range(2 * phase.clusters)]
    pairs = [(f"标题{number:02}", f"正文{number:02}") for number in range(recipe.pairs + 1)]
    found: list[Batch] = list(epoch(clusters, pairs, phase, recipe, random.Random(1)))
    assert len(found) * phase.epochs == steps(len(clusters), len(pairs), phase, recipe)
    asked = [text for batch in found if not batch.pairs for text in batch.questions]
    assert sorted(asked) == sorted(t for one in clusters for t in (one.questions[0].text, one.unanswered[0]))
    (paired,) = (batch for batch in found if batch.pairs)
    assert [title[2:] for title in paired.questions] == [text[2:] for text in paired.passages]


def test_held_out_scores_count_ranks_and_tell_unanswered_questions_apart(recipe: Recipe) -> None:
    place = {"甲题0。甲诉0": 0, "甲答1": 1, "乙答0": 2, "甲问": 0, "乙问": 2, "甲无": 3, "乙无": 3}

    def encode(texts: Sequence[str]) -> Vectors:
        return np.array([np.eye(5, dtype=np.float32)[place.get(text, 4)] for text in texts])

    clusters = [cluster("甲"), cluster("乙")]
    assert measure(encode, encode, clusters, recipe.cut) == (1.0, 1.0)
    place["乙问"] = 1  # now nearer to another cluster's case than to its own; three cases tie behind that one
    rank, gap = measure(encode, encode, clusters, recipe.cut)
    assert (rank, gap) == (0.75, 1.0)
    place["甲无"] = 0
    assert measure(encode, encode, clusters, recipe.cut)[1] == 0.5


def test_pairs_are_cut_to_their_length(recipe: Recipe) -> None:
    batch = pair_batch([("题" * 999, "文" * 999)], recipe.cut)
    assert (len(batch.questions[0]), len(batch.passages[0])) == (recipe.cut["pair_title"], recipe.cut["pair_text"])
