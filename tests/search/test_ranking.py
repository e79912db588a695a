"""Views weighed into one order, compared with the same sum written out case by case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import ranking
from search.engine import View

IDS = {number: f"{number * 7919 % 1000:03d}" for number in range(1, 60)}  # the order of ids is not that of numbers
NUMBERS = st.floats(-50, 50, allow_subnormal=False).map(lambda number: round(number, 1))


@st.composite
def views(draw: st.DrawFn) -> dict[str, View]:
    found = {}
    for name in draw(st.sets(st.sampled_from(["message", "measure", "words", "pairs", "unweighted"]))):
        scores = draw(st.dictionaries(st.sampled_from(list(IDS)), NUMBERS))
        found[name] = View(
            IDS,
            np.array(list(scores), np.int64),
            np.array(list(scores.values()), np.float64),
            draw(NUMBERS),
            draw(st.floats(0.1, 9)),
            draw(NUMBERS),
        )
    return found


def summed(views: Mapping[str, View], weights: Mapping[str, float]) -> list[tuple[str, float]]:
    total: dict[str, float] = defaultdict(float)
    base = 0.0
    for name, view in views.items():
        weight = weights.get(name, 0.0) / view.deviation
        missing = min([view.floor, *view.scores.values()])
        base += weight * (missing - view.mean)
        for case_id, score in view.scores.items():
            total[case_id] += weight * (score - missing)
    ranked = sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))
    return [(case_id, base + score) for case_id, score in ranked]


@given(views())
def test_the_order_is_that_of_the_plain_sum(views: dict[str, View]) -> None:
    assert ranking.fuse(views) == summed(views, ranking.settings()["weights"])


@given(views(), st.integers(0, 70))
def test_the_best_are_the_beginning_of_all(views: dict[str, View], most: int) -> None:
    assert ranking.fuse(views, most=most) == ranking.fuse(views)[:most]


@given(views(), st.dictionaries(st.sampled_from(["message", "words"]), st.floats(0, 3)))
def test_given_weights_replace_those_of_the_file(views: dict[str, View], weights: dict[str, float]) -> None:
    assert ranking.fuse(views, weights) == summed(views, weights)


def test_equally_close_cases_stand_in_the_order_of_their_ids() -> None:
    ids = {1: "c", 2: "a", 3: "b"}
    view = View(ids, np.array([1, 2, 3]), np.array([1.0, 1.0, 1.0]))
    assert [case_id for case_id, _ in ranking.fuse({"words": view}, most=2)] == ["a", "b"]


def test_raising_a_view_changes_no_place_and_no_score() -> None:
    view = View(IDS, np.array([5, 3, 9]), np.array([2.0, 7.0, 4.0]), 1.0, 2.0, 0.5)
    raised = view.raised(3.0)
    assert raised.scores == {IDS[5]: 5.0, IDS[3]: 10.0, IDS[9]: 7.0}
    before, after = ranking.fuse({"title": view}), ranking.fuse({"title": raised})
    assert [case_id for case_id, _ in after] == [case_id for case_id, _ in before]
    assert [score for _, score in after] == pytest.approx([score for _, score in before])


def test_the_shares_of_the_leaders_sum_to_one() -> None:
    view = View(IDS, np.arange(1, 40), np.linspace(0, 5, 39))
    shares = ranking.leaders({"message": view})
    assert len(shares) == ranking.settings()["feedback"]["cases"]
    assert sum(share for _, share in shares) == pytest.approx(1)
    assert ranking.leaders({}) == []
