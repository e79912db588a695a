"""Which cases have one obstacle: likeness, average linkage, what counts, how well it finds invented classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from ingest.inference import infer
from kb import vocabulary
from kb.config import Settings
from kb.model import Case
from search.embedder import open_embedder
from search.embedder.fake import FakeEmbedder
from search.insight import discovery

KEPT = Path(__file__).parent / "classes_kept.yml"
CHOSEN_ON = KEPT.with_name("classes_unseen.yml")
encode = FakeEmbedder().encode_passages


def partition(labels: Sequence[int] | NDArray[np.int64]) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(np.asarray(labels) == label).tolist()) for label in set(labels)}


def blobs(seed: int, count: int = 60, dim: int = 12) -> np.ndarray:
    chance = np.random.default_rng(seed)
    rows = chance.normal(size=(6, dim))[chance.integers(0, 6, count)] + 0.6 * chance.normal(size=(count, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("least", [0.2, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("neighbours", [2, 5, 32])  # few: each group has to look around again and again
def test_groups_are_those_of_the_reference_linkage(
    monkeypatch: pytest.MonkeyPatch, seed: int, least: float, neighbours: int
) -> None:
    monkeypatch.setitem(discovery.settings(), "neighbours", neighbours)
    rows = blobs(seed)
    distances = 2 - rows @ rows.T
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform((distances + distances.T) / 2, checks=False), "average")
    assert partition(discovery.groups(rows, least)) == partition(fcluster(tree, 2 - least, "distance"))


def test_many_copies_are_one_group_and_order_does_not_matter() -> None:
    rows = np.concatenate([np.repeat(blobs(1)[:1], 500, axis=0), blobs(2, 20)])
    order = np.random.default_rng(0).permutation(len(rows))
    plain, mixed = discovery.groups(rows, 0.8), discovery.groups(rows[order], 0.8)
    assert len(set(plain[:500])) == 1
    assert partition(plain) == {frozenset(order[list(group)].tolist()) for group in partition(mixed)}


def test_nearly_equal_texts_in_hundreds_are_not_cut_apart() -> None:
    chance = np.random.default_rng(3)
    rows = np.tile(blobs(1)[:1], (400, 1)) + 0.01 * chance.normal(size=(400, 12)).astype(np.float32)
    assert len(set(discovery.groups(rows.astype(np.float32), 0.8))) == 1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_rows(count: int) -> None:
    assert len(discovery.groups(np.eye(4, dtype=np.float32)[:count], 0.5)) == count


def test_a_case_without_text_is_like_no_other() -> None:
    rows = discovery.rows([Case("a"), Case("b"), Case("c", demand="想办不动产权证")], encode)
    assert not rows[:2].any() and len(set(discovery.groups(rows, 0.1))) == 3


def test_large_libraries_are_compared_in_fewer_dimensions_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.pad(blobs(4, 200), ((0, 0), (0, 300)))
    whole = discovery.groups(rows, 0.6)
    monkeypatch.setitem(discovery.settings(), "exact", 100)
    assert partition(discovery.groups(rows, 0.6)) == partition(whole)


@pytest.mark.parametrize(
    ("case", "counts"),
    [
        (Case("x", demand="办证", barriers=["互为前置"], outcome="办成"), True),
        (Case("x", demand="办证"), True),
        (Case("x", barriers=["依法不能办"], outcome="依法不能办已释因"), False),
        (Case("x", barriers=["资格条件限制", "依法不能办"], outcome="依法不能办已释因"), False),
        (Case("x", outcome="依法不能办已释因"), False),
        (Case("x", barriers=["资格条件限制"], outcome="依法不能办已释因"), True),
        (Case("x", barriers=["依法不能办"], outcome="办成"), True),
        (Case("x", barriers=["依法不能办"]), False),
        (Case("x", barriers=["非政务诉求"], outcome="转其他渠道", confidence={"barriers": 0.4}), False),
        (Case("x", nature="非政务", outcome="办成"), False),
        # A guess that nothing bears out is none.
        (Case("x", barriers=["非政务诉求"], nature="非政务", confidence={"barriers": 0.9, "nature": 0.9}), True),
        (Case("x", barriers=["非政务诉求"], nature="非政务", confidence={"barriers": 0.9}), False),
    ],
)
def test_lawful_refusals_and_what_is_not_government_do_not_count(case: Case, counts: bool) -> None:
    assert discovery.counts(case) is counts


def test_the_barrier_types_named_are_those_of_the_vocabulary() -> None:
    rules = discovery.settings()
    assert {rules["lawful"]["barrier"], rules["outside"]["barrier"]} <= set(vocabulary.values("barriers"))
    assert {rules["lawful"]["outcome"], *rules["lawful"]["solved"]} <= set(vocabulary.values("outcomes"))
    assert rules["outside"]["nature"] in vocabulary.values("natures")
    assert sum(rules["weights"].values()) == pytest.approx(1)


# How well it finds classes that nobody tuned the embedder on


def invented(settings: Settings, barriers_told: bool, source: Path = KEPT) -> tuple[np.ndarray, list[str]]:
    """Rows of the invented cases, with title and, if not told, barrier types inferred as ingest does."""
    told = yaml.safe_load(source.read_text("utf-8"))
    named = [(name, line) for name, lines in told["classes"].items() for line in lines]
    named += [(f"alone {number}", line) for number, line in enumerate(told["alone"])]
    model = open_embedder(settings)
    cases = []
    for number, (_, (matter, barrier, demand, obstacle, measure)) in enumerate(named):
        case = Case(f"u{number}", matter={"name": matter}, barriers=[barrier] if barriers_told else [], demand=demand,
                    obstacle=obstacle, measure=measure)  # fmt: skip
        for field, guess in infer(case.to_dict(), encode=model.encode_passages).guesses.items():
            if field in ("title", "barriers"):
                setattr(case, field, guess.value)
        cases.append(case)
    return discovery.rows(cases, model.encode_passages), [name for name, _ in named]


def f1(truth: Sequence[str], labels: Any) -> float:
    """F1 over pairs of cases."""
    pairs = list(combinations(range(len(truth)), 2))
    same = [(truth[a] == truth[b], labels[a] == labels[b]) for a, b in pairs]
    right = sum(a and b for a, b in same)
    return float(2 * right / max(1, sum(a for a, _ in same) + sum(b for _, b in same)))


def recognised(truth: Sequence[str], labels: Any) -> float:
    """The share of classes that somebody would see: a group has half of the members, and they are half of it."""
    sizes, groups = Counter(truth), Counter(labels)
    both = Counter(zip(truth, labels, strict=True))
    seen = {
        name
        for (name, label), count in both.items()
        if count > 1 and 2 * count >= sizes[name] and 2 * count >= groups[label]
    }
    return len(seen) / max(1, sum(size > 1 for size in sizes.values()))


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(tmp_path_factory.mktemp("packaged"))


@pytest.mark.parametrize(("barriers_told", "wanted"), [(True, 0.7), (False, 0.7)])
def test_invented_classes_are_found(packaged: Settings, barriers_told: bool, wanted: float) -> None:
    rows, truth = invented(packaged, barriers_told)
    least = discovery.least(packaged)
    assert f1(truth, discovery.groups(rows, least)) >= wanted
    assert recognised(truth, discovery.groups(rows, least)) >= 0.75
    # Not only at the peak.
    assert min(f1(truth, discovery.groups(rows, least + step)) for step in (-0.02, 0.02)) >= wanted - 0.15


def test_mutual_prerequisites_of_different_matters_are_found(packaged: Settings) -> None:
    rows, truth = invented(packaged, barriers_told=False, source=CHOSEN_ON)
    labels = discovery.groups(rows, discovery.least(packaged))
    waiting = [place for place, name in enumerate(truth) if "互为前置" in name]
    assert len(waiting) == 4
    group = set(np.flatnonzero(labels == labels[waiting[0]]))
    assert len(group & set(waiting)) >= 3 and len(group) <= 6


def test_a_class_is_recognised_by_half_of_it_in_a_group_of_which_it_is_half() -> None:
    truth = ["a", "a", "a", "a", "b", "b", "c", "c", "alone"]
    assert recognised(truth, [1, 1, 2, 3, 4, 4, 5, 6, 4]) == pytest.approx(2 / 3)
    assert recognised(truth, [1, 1, 1, 1, 1, 1, 1, 1, 1]) == 0
