"""Probability that a case is a precedent, its grade, and the fit of the coefficients."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import Fault
from search import calibration
from search.calibration import GRADES, fit, grade, model_for, probability, reliability

PACKAGED = "e5-small-zh-tuned-int8-000000000000"


def drawn(count: int, seed: int = 7) -> list[calibration.Example]:
    """Examples of a known law: log-odds = -3 + 40 (cosine - 0.85) + 2 coverage."""
    random = np.random.default_rng(seed)
    cosine, coverage = random.normal(0.88, 0.03, count), random.uniform(0, 1, count)
    odds = -3 + 40 * (cosine - 0.85) + 2 * coverage
    happened = random.uniform(size=count) < 1 / (1 + np.exp(-odds))
    return [
        ({"cosine": float(a), "coverage": float(b)}, bool(y))
        for a, b, y in zip(cosine, coverage, happened, strict=True)
    ]


def test_fit_recovers_known_coefficients() -> None:
    model = fit(drawn(40_000))
    assert model["features"]["cosine"]["weight"] == pytest.approx(40, rel=0.05)
    assert model["features"]["coverage"]["weight"] == pytest.approx(2, rel=0.05)
    assert model["intercept"] == pytest.approx(-37, rel=0.05)
    assert model["features"]["cosine"]["mean"] == pytest.approx(0.88, abs=0.001)
    assert model["reliability"]["ece"] < 0.02 and 0.7 < model["reliability"]["auc"] < 0.9


def test_fit_is_where_the_penalised_likelihood_has_no_slope() -> None:
    examples, penalty = drawn(300), 2.0
    model = fit(examples, penalty)
    for name in ("cosine", "coverage"):
        values = np.array([features[name] for features, _ in examples])
        wrong = np.array([probability(features, model=model) - outcome for features, outcome in examples])
        spread = values.std()
        weight = model["features"][name]["weight"] * spread
        assert wrong @ (values - values.mean()) / spread + penalty * weight == pytest.approx(0, abs=1e-3)
        assert wrong.sum() == pytest.approx(0, abs=1e-3)


def test_fit_does_not_depend_on_the_order_or_the_unit_of_features() -> None:
    examples = drawn(200)
    model, turned = fit(examples), fit([({k: 1000 * v for k, v in f.items()}, y) for f, y in examples[::-1]])
    for name, one in model["features"].items():
        assert turned["features"][name]["weight"] == pytest.approx(one["weight"] / 1000, rel=1e-4)


def test_separable_and_constant_features_stay_finite() -> None:
    model = fit([({"a": float(n), "b": 3.0}, n >= 5) for n in range(10)])
    assert model["features"]["b"]["weight"] == 0
    assert 0 < model["features"]["a"]["weight"] < 100
    assert probability({"a": 9.0}, model=model) > 0.8 > 0.2 > probability({"a": 0.0}, model=model)


def test_missing_features_count_as_their_mean() -> None:
    examples = drawn(500)
    holes = [({"cosine": f["cosine"]} if n % 5 == 0 else f, y) for n, (f, y) in enumerate(examples)]
    model = fit(holes)
    mean = model["features"]["coverage"]["mean"]
    known = [f["coverage"] for f, _ in holes if "coverage" in f]
    assert mean == pytest.approx(float(np.mean(known)), abs=1e-4)
    for absent in ({}, {"coverage": math.nan}, {"coverage": math.inf}):
        assert probability({"cosine": 0.9, **absent}, model=model) == pytest.approx(
            probability({"cosine": 0.9, "coverage": mean}, model=model)
        )


@pytest.mark.parametrize("outcomes", [[], [True], [True, True], [False, False]])
def test_examples_of_one_kind_only_are_refused(outcomes: list[bool]) -> None:
    with pytest.raises(Fault, match="两种都至少一个"):
        fit([({"a": 1.0}, outcome) for outcome in outcomes])


def test_two_examples_are_enough_to_answer() -> None:
    model = fit([({"a": 1.0}, True), ({"a": 0.0}, False)])
    assert probability({"a": 1.0}, model=model) > 0.5 > probability({"a": 0.0}, model=model)
    assert set(model["reliability"]) == {"examples", "precedents", "brier", "ece", "auc"}


@given(st.floats(), st.floats(), st.sampled_from([PACKAGED, "", "another-model"]))
def test_any_features_give_a_probability_and_a_grade(cosine: float, coverage: float, embedder: str) -> None:
    p = probability({"cosine": cosine, "coverage": coverage, "unknown": cosine}, embedder)
    assert 0 <= p <= 1 and grade(p) in GRADES


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_more_of_a_feature_with_positive_weight_is_never_less_probable(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert probability({"message": low}, PACKAGED) <= probability({"message": high}, PACKAGED)
    assert probability({"coverage": low}) <= probability({"coverage": high})


def test_grades_follow_their_limits() -> None:
    limits = calibration.settings()["grades"]
    assert [grade(p) for p in (1.0, limits["high"], limits["low"], limits["low"] - 0.01, 0.0)] == [
        "同类先例", "同类先例", "仅供参考", "没有找到先例", "没有找到先例",
    ]  # fmt: skip
    assert grade(math.nan) == "没有找到先例"


def test_every_set_of_coefficients_in_the_file_is_complete() -> None:
    found = calibration.settings()
    assert 0 < found["grades"]["low"] < found["grades"]["high"] < 1
    for model in (found["any"], *found["models"].values()):
        assert {"intercept", "features"} <= set(model)
        assert all(math.isfinite(one[key]) for one in model["features"].values() for key in ("weight", "mean"))
    assert set(found["any"]["features"]) == {"coverage"}
    assert model_for("never heard of") == found["any"] != model_for(PACKAGED)


def test_reliability_agrees_with_the_textbook() -> None:
    figures = reliability([0.9, 0.9, 0.1, 0.3], [True, False, False, True])
    assert figures["brier"] == pytest.approx((0.01 + 0.81 + 0.01 + 0.49) / 4, abs=1e-4)
    assert figures["ece"] == pytest.approx((abs(1.8 - 1) + 0.1 + 0.7) / 4, abs=1e-4)
    assert figures["auc"] == pytest.approx((0.5 + 1 + 0 + 1) / 4)  # ties count half
    assert reliability([0.5], [True])["auc"] is None
    assert reliability([1.0, 0.0], [True, False]) == {
        "examples": 2, "precedents": 1, "brier": 0.0, "ece": 0.0, "auc": 1.0,
    }  # fmt: skip
