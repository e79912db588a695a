"""Where a draft stands, whose it is, and in which order drafts wait."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kb import submissions
from kb.config import Settings
from kb.errors import Conflict, Missing
from kb.model import Case
from kb.store import Draft, Store
from kb.submissions import RETURNED, SUBMITTED, WRITING


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(Settings(tmp_path)) as found:
        yield found


def drafted(store: Store, case_id: str, hall: str = "350121") -> None:
    store.save_drafts([Draft(Case(case_id, title=case_id, hall={"code": hall, "name": "大厅" + hall}), [])], "测试")


def actor(hall: str, *roles: str) -> dict[str, Any]:
    return {"id": "x", "hall_code": hall, "roles": list(roles), "scopes": None}


def test_a_draft_of_ingest_counts_as_handed_in_by_its_hall(store: Store) -> None:
    drafted(store, "a")
    found = submissions.of(store, "a")
    assert (found.stage, found.hall_code, found.account) == (SUBMITTED, "350121", "")


def test_there_is_no_submission_without_a_draft(store: Store) -> None:
    submissions.put(store, ["gone"], WRITING, "x", "350121")
    with pytest.raises(Missing):
        submissions.of(store, "gone")


def test_a_draft_moves_and_stays_whose_it_is(store: Store) -> None:
    drafted(store, "a", "430200")
    submissions.put(store, ["a"], WRITING, "li", "350121")
    submissions.move(store, "a", RETURNED, "补依据")
    found = submissions.of(store, "a")
    assert (found.stage, found.account, found.hall_code, found.note) == (RETURNED, "li", "350121", "补依据")


@pytest.mark.parametrize("hall, roles, sees", [
    ("350121", ["window"], True), ("350121", ["submit"], True), ("430200", ["submit"], False),
    ("430200", ["review"], True), ("350121", ["policy"], False), ("350121", ["admin"], False),
])  # fmt: skip
def test_drafts_are_seen_by_their_hall_and_reviewers(store: Store, hall: str, roles: list[str], sees: bool) -> None:
    drafted(store, "a")
    if sees:
        assert submissions.visible(store, "a", actor(hall, *roles)).case_id == "a"
    else:
        with pytest.raises(Missing):
            submissions.visible(store, "a", actor(hall, *roles))


def test_a_draft_without_a_hall_is_for_reviewers_only(store: Store) -> None:
    drafted(store, "a", "")
    assert submissions.visible(store, "a", actor("", "review"))
    with pytest.raises(Missing):
        submissions.visible(store, "a", actor("", "submit"))


def test_an_act_expects_a_stage_and_a_revision(store: Store) -> None:
    drafted(store, "a")
    found = submissions.of(store, "a")
    submissions.expect(store, found, [SUBMITTED], 1)
    for stages, revision in (([WRITING], None), ([SUBMITTED], 2)):
        with pytest.raises(Conflict):
            submissions.expect(store, found, stages, revision)


def test_drafts_are_counted_by_stage_and_hall(store: Store) -> None:
    for case_id, hall in (("a", "350121"), ("b", "350121"), ("c", "430200")):
        drafted(store, case_id, hall)
    submissions.put(store, ["b"], WRITING, "x", "350121")
    assert submissions.counts(store) == {WRITING: 1, SUBMITTED: 2, RETURNED: 0}
    assert submissions.counts(store, "430200") == {WRITING: 0, SUBMITTED: 1, RETURNED: 0}
    assert submissions.halls(store, SUBMITTED) == [("350121", "大厅350121", 1), ("430200", "大厅430200", 1)]
    assert [entry.submission.case_id for entry in submissions.entries(store, SUBMITTED, "350121")] == ["a"]


def test_after_one_draft_comes_the_next_and_then_the_first(store: Store) -> None:
    for case_id in "abc":
        drafted(store, case_id)
    assert [submissions.following(store, case_id) for case_id in "abc"] == ["b", "c", "a"]
    submissions.put(store, ["b", "c"], WRITING, "x", "350121")
    assert submissions.following(store, "a") == ""


def test_a_submission_goes_with_its_draft(store: Store) -> None:
    drafted(store, "a")
    submissions.put(store, ["a"], RETURNED, "x", "350121", "旧的理由")
    store.discard_drafts(["a"])
    drafted(store, "a")
    assert submissions.of(store, "a").stage == SUBMITTED
