"""The training itself: its loss on small tables, and one step of a small network."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.embedder.packaged import MODEL
from search.embedder.training.clusters import load_clusters
from search.embedder.training.recipe import HERE, Recipe, load_recipe

REASON = "训练用的库没有安装（pip install bancheng[train]）"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("transformers", reason=REASON)
onnx = pytest.importorskip("onnx", reason=REASON)
loss = pytest.importorskip("search.embedder.training.loss")
train_model = pytest.importorskip("search.embedder.train_model")
graph = pytest.importorskip("search.embedder.graph")

NONE = torch.zeros(1, 3, dtype=torch.bool)


def table(*rows: str) -> Any:
    """A table of truths whose rows are written as 0 and 1."""
    return torch.tensor([[mark == "1" for mark in row] for row in rows])


def test_contrastive_loss_is_the_softmax_of_each_positive_among_the_negatives() -> None:
    value = loss.contrastive(torch.tensor([[0.8, 0.6, 0.1]]), table("110"), NONE, 0.5, 0.25)
    terms = [math.log(1 + math.exp((0.1 - positive) / 0.5)) for positive in (0.8, 0.6)]
    assert value.item() == pytest.approx(sum(terms) / 2, abs=1e-6)


@pytest.mark.parametrize("weight", [0.0, 0.25])
def test_a_useful_passage_is_no_negative_and_is_drawn_near_by_its_weight(weight: float) -> None:
    cosines = torch.tensor([[0.8, 0.6, 0.1]], requires_grad=True)
    loss.contrastive(cosines, table("100"), table("010"), 0.5, weight).backward()
    best, useful, other = cosines.grad[0].tolist()
    assert best < 0 < other
    assert useful < 0 if weight else useful == 0


def test_a_question_without_answer_counts_in_the_absolute_term_alone() -> None:
    cosines = torch.tensor([[0.9, 0.2], [0.7, 0.7]], requires_grad=True)
    best, near = table("10", "00"), table("11", "10")
    loss.contrastive(cosines, best, torch.zeros_like(best), 0.05, 0).backward()
    assert cosines.grad[1].tolist() == [0, 0]
    cosines.grad = None
    loss.absolute(cosines, best, near, torch.tensor(15.0), torch.tensor(0.75), 2.0).backward()
    assert cosines.grad[0, 0] < 0 < cosines.grad[0, 1]
    assert cosines.grad[1, 0] > 0 and cosines.grad[1, 1] == 0  # the other cluster's passage is left alone


def test_a_question_whose_passages_are_all_positive_gives_a_finite_gradient() -> None:
    cosines = torch.tensor([[0.9, 0.2, 0.1]], requires_grad=True)
    loss.contrastive(cosines, table("111"), NONE, 0.03, 0).backward()
    assert torch.isfinite(cosines.grad).all()


def test_pair_loss_is_least_when_each_title_finds_its_own_text() -> None:
    right = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    assert loss.paired(right, 0.1) < loss.paired(right.flip(0), 0.1)
    assert loss.paired(right, 0.1).item() == pytest.approx(loss.paired(right.T, 0.1).item())


def test_the_rate_rises_and_falls_to_a_tenth() -> None:
    rates = [train_model.rate_share(step, 100, 0.1) for step in range(101)]
    assert rates[0] == pytest.approx(0.1) and rates[-1] == pytest.approx(0.1)
    assert max(rates) == rates[9] > 0.9


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return replace(load_recipe(), shape={"rows": 4, "multiple": 32})


@pytest.fixture
def weights() -> dict[str, Any]:
    """Random tensors of a network of two narrow layers, named as graph.py says."""
    draw = np.random.default_rng(0)
    hidden, wide, words = 24, 48, 39_115

    def some(*shape: int) -> Any:
        return draw.normal(0, 0.3, shape).astype(np.float32)

    found = {"emb.word": some(words, hidden), "emb.pos": some(512, hidden), "emb.type": some(2, hidden)}
    found |= {"emb.ln.w": 1 + some(hidden), "emb.ln.b": some(hidden)}
    for layer in ("l0", "l1"):
        shapes = dict.fromkeys(("q", "k", "v", "ao"), (hidden, hidden)) | {"fi": (wide, hidden), "fo": (hidden, wide)}
        for name, shape in shapes.items():
            found |= {f"{layer}.{name}.w": some(*shape), f"{layer}.{name}.b": some(shape[0])}
        for name in ("aln", "oln"):
            found |= {f"{layer}.{name}.w": 1 + some(hidden), f"{layer}.{name}.b": some(hidden)}
    return found


@pytest.fixture
def encoder(weights: dict[str, Any], recipe: Recipe) -> Any:
    from tokenizers import Tokenizer

    return train_model.Encoder(weights, Tokenizer.from_file(str(MODEL / "tokenizer.json")), recipe)


def test_what_is_trained_and_what_is_packaged_are_one_network(
    tmp_path: Path, weights: dict[str, Any], encoder: Any
) -> None:
    import onnxruntime

    graph.write_graph(weights, tmp_path / "plain.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "plain.onnx"), providers=["CPUExecutionProvider"])
    texts = ["身份证丢了", "补办不动产权证书要登报吗"]
    trained = encoder.encode_queries(texts)
    encoder.tokenizer.no_padding()
    for text, vector in zip(texts, trained, strict=True):
        ids = np.array([encoder.tokenizer.encode(f"query: {text}").ids], np.int64)
        packaged = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]
        assert vector @ packaged > 0.999  # bfloat16 here, an eight-bit word table there


def test_a_phase_trains_the_layers_that_are_not_frozen(weights: dict[str, Any], encoder: Any, recipe: Recipe) -> None:
    before = encoder.layers()
    assert all(np.array_equal(before[name], weights[name]) for name in before)
    phase = replace(recipe.phases[-1], epochs=1, clusters=1, messages=2, frozen=1)
    clusters = load_clusters(HERE / "matters.train.jsonl")[:1]
    pairs = [("路灯不亮三个月", "巷口那盏灯一直不亮"), ("夜间装卸扰民", "楼下装卸货物到凌晨")]
    train_model.train(encoder, phase, replace(recipe, pairs=2), clusters, pairs)
    after = encoder.layers()
    assert all(np.array_equal(after[name], before[name]) for name in before if name.startswith("l0."))
    assert not any(np.array_equal(after[name], before[name]) for name in before if name.endswith(".w") and "l1" in name)
