"""The makers of the measurements make what they say."""

from __future__ import annotations

from tests.bench import synthetic


def test_the_same_seed_gives_the_same_cases() -> None:
    assert list(synthetic.cases(50, 4)) == list(synthetic.cases(50, 4))
    assert list(synthetic.cases(50, 4)) != list(synthetic.cases(50, 5))


def test_synthetic_cases_have_their_own_ids_and_few_passages() -> None:
    from search.passages import passages

    made = list(synthetic.cases(2000))
    assert len({case.id for case in made}) == 2000
    texts = [passage.text for case in made for passage in passages(case)]
    assert len(set(texts)) <= 3 * synthetic.STORIES + 200
