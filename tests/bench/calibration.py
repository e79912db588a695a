"""How likely a result is a precedent: coefficients for `search/calibration.yml`, from questions with known answers.

    python -m tests.bench.calibration [--keep DIR]

The library are the invented cases of `search/embedder/training`; the questions are those of the clusters that the
model was not trained on, with two unanswerable ones each, and those of `elsewhere.txt`, about other worlds.  A result
counts as a precedent if its author says that it answers the question or is useful for it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from kb.config import Settings
from kb.model import Case
from kb.store import Store
from search import calibration, explanation, query, ranking
from search.engine import Filters
from search.precedents import Precedents

TRAINING = Path(__file__).resolve().parents[2] / "search" / "embedder" / "training"
LOOKED_AT = 5  # results of each question
#: Of `ranking.features`: z-scores, lexical scores and distances to the runners-up did not tell unanswerable questions
#: better on the held-out clusters, or did so there and worse on other collections.
FEATURES = ("message", "measure", "title", "coverage")
ELSEWHERE = Path(__file__).with_name("elsewhere.txt")


def clusters(kind: str) -> list[dict[str, Any]]:
    """The clusters of the files `*.{kind}.jsonl`."""
    lines = [line for path in sorted(TRAINING.glob(f"*.{kind}.jsonl")) for line in path.read_text("utf-8").splitlines()]
    return [json.loads(line) for line in lines if line.strip()]


def cases(cluster: dict[str, Any], name: str) -> list[Case]:
    """The cases of *cluster*, with ids that tell their place."""
    return [
        Case(f"{name}-{at}", title=one["title"], demand=one["message"], measure=one["reply"], outcome="办成")
        for at, one in enumerate(cluster["cases"])
    ]


def questions(held_out: list[dict[str, Any]]) -> Iterator[tuple[str, set[str]]]:
    """Each question with the ids of the cases that answer it."""
    for number, cluster in enumerate(held_out):
        for one in cluster["queries"]:
            yield one["q"], {f"held{number}-{at}" for at in (*one["best"], *one.get("useful", []))}
        yield from ((text, set()) for text in cluster["none"])
    yield from ((line, set()) for line in others())


def others() -> Iterator[str]:
    """Questions about other worlds."""
    lines = ELSEWHERE.read_text("utf-8").splitlines()
    return (line for line in lines if line and not line.startswith("#"))


def examples(
    precedents: Precedents, asked: Iterable[tuple[str, set[str]]]
) -> list[list[tuple[dict[str, float], bool]]]:
    """For each question its first results as (features, whether a precedent), and a last entry that says whether the
    question can be answered at all."""
    found = []
    for text, right in asked:
        understood = query.understand(text, precedents.engine)
        depth = ranking.settings()["depth"]
        views = precedents.engine.search(understood, Filters(), depth, None, ranking.leaders).views
        results = []
        for case_id, _ in ranking.fuse(views)[:LOOKED_AT]:
            case = precedents.store.get(case_id)
            assert case is not None
            held = explanation.coverage(understood, case)
            signs = ranking.features(views, case_id, held)
            results.append(({name: signs[name] for name in FEATURES}, case_id in right))
        found.append([*results, ({}, bool(right))])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path)
    folder = parser.parse_args().keep or Path(tempfile.mkdtemp())
    settings = Settings(folder / "data")
    held_out = clusters("held_out")
    with Store(settings) as store:
        known = [case for at, one in enumerate(held_out) for case in cases(one, f"held{at}")]
        known += [case for at, one in enumerate(clusters("train")) for case in cases(one, f"train{at}")]
        store.publish([case for case in known if store.get(case.id) is None], by="bench")
    precedents = Precedents(settings)
    precedents.refresh()
    asked = examples(precedents, questions(held_out))
    model = calibration.fit([example for question in asked for example in question[:-1]])
    first = calibration.settings()["looked_at"]
    best = np.array([
        max(calibration.probability(features, model=model) for features, _ in question[:first]) for question in asked
    ])  # fmt: skip
    answerable = np.array([question[-1][1] for question in asked])
    print(yaml.safe_dump(model, allow_unicode=True, sort_keys=False))
    elsewhere = np.arange(len(asked)) >= len(asked) - sum(1 for _ in others())
    print(
        f"questions: {answerable.sum()} answerable, {(~answerable & ~elsewhere).sum()} not, {elsewhere.sum()} elsewhere"
    )
    for low in (0.05, 0.07, 0.1, 0.12, 0.15):
        away, known, odd = ((best[kind] < low).mean() for kind in (answerable, ~answerable & ~elsewhere, elsewhere))
        print(
            f"low {low}: {away:.0%} of the answerable sent away; called unanswerable {known:.0%}, elsewhere {odd:.0%}"
        )
    first = np.array([calibration.probability(question[0][0], model=model) for question in asked])
    right = np.array([question[0][1] for question in asked])
    for high in (0.2, 0.3, 0.4, 0.5, 0.6):
        chosen = first >= high
        print(f"high {high}: {chosen.mean():.0%} of first results, {right[chosen].mean():.0%} of them precedents")


if __name__ == "__main__":
    main()
