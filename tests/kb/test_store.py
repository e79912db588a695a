"""Drafts, publication, revisions, and what a crash in between leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kb.config import Settings
from kb.errors import Fault
from kb.model import Case
from kb.privacy import Doubt
from kb.store import Draft, KnownKey, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(Settings(tmp_path / "data")) as opened:
        yield opened


def test_a_draft_becomes_a_published_case(store: Store) -> None:
    store.save_drafts([Draft(Case(id="a", demand="办证"), [])], "甲")
    assert store.get("a") is None
    assert store.publish([store.draft("a").case], "乙") == ["a"]  # type: ignore[union-attr]
    assert store.draft("a") is None
    case = store.get("a")
    assert case is not None and (case.state, case.demand, case.revision) == ("published", "办证", 2)


def test_doubts_are_kept_with_the_draft(store: Store) -> None:
    doubt = Doubt("demand", "姓名", 0, 2, "像是人名")
    store.save_drafts([Draft(Case(id="a", demand="办证"), [doubt])], "甲")
    assert store.draft("a").doubts == [doubt]  # type: ignore[union-attr]


def test_every_change_is_a_revision(store: Store) -> None:
    store.publish([Case(id="a", demand="办证")], "甲")
    store.publish([Case(id="a", demand="办房产证")], "乙", "更正")
    first, second = store.revisions("a")
    assert (first["revision"], second["revision"]) == (1, 2)
    assert second["changed"] == ["demand"] and second["note"] == "更正"
    assert first["data"]["demand"] == "办证"


def test_a_change_of_a_published_case_waits_beside_it(store: Store) -> None:
    store.publish([Case(id="a", demand="办证")], "甲")
    store.save_drafts([Draft(Case(id="a", demand="办房产证"), [])], "乙")
    assert store.get("a").demand == "办证"  # type: ignore[union-attr]
    assert store.newest("a").demand == "办房产证"  # type: ignore[union-attr]


def test_version_grows_with_every_change_of_the_library_even_by_hand(store: Store) -> None:
    versions = [store.version()]
    store.publish([Case(id="a")], "甲")
    versions.append(store.version())
    store.library.table("cases").update("a", {"title": "改"})
    versions.append(store.version())
    store.withdraw("a", "甲", "依据已废止")
    versions.append(store.version())
    assert versions == sorted(set(versions))


def test_drafts_do_not_change_the_version(store: Store) -> None:
    before = store.version()
    store.save_drafts([Draft(Case(id="a"), [])], "甲")
    assert store.version() == before


def test_withdrawn_leaves_a_tombstone_with_its_reason(store: Store) -> None:
    store.publish([Case(id="a", demand="办证")], "甲")
    store.withdraw("a", "甲", "依据已废止")
    assert store.get("a").state == "withdrawn"  # type: ignore[union-attr]
    assert list(store.published()) == []
    assert store.get("a").demand == ""  # type: ignore[union-attr]
    assert [row["data"] for row in store.revisions("a")] == [None, None]
    assert store.revisions("a", drafts=True)[-1]["data"]["demand"] == "办证"
    assert store.revisions("a")[-1]["note"] == "依据已废止"


def test_withdrawing_what_is_not_there_is_a_fault(store: Store) -> None:
    with pytest.raises(Fault, match="没有编号为 x"):
        store.withdraw("x", "甲", "无")


def test_a_cut_off_publication_is_noticed_and_can_be_repeated(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save_drafts([Draft(Case(id="a", demand="办证"), [])], "甲")
    with monkeypatch.context() as patch:
        patch.setattr(Store, "discard_drafts", lambda self, ids: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            store.publish([store.draft("a").case], "甲")  # type: ignore[union-attr]
    assert store.leftovers() == ["a"]
    store.publish([store.draft("a").case], "甲")  # type: ignore[union-attr]
    assert store.leftovers() == [] and len(list(store.published())) == 1


def test_history_of_a_draft_keeps_no_text_after_publication(store: Store) -> None:
    store.save_drafts([Draft(Case(id="a", demand="张三要办证"), [])], "甲")
    store.save_drafts([Draft(Case(id="a", demand="某人要办证"), [])], "甲")
    store.publish([store.draft("a").case], "甲")  # type: ignore[union-attr]
    assert [row["data"] for row in store.revisions("a", drafts=True)] == [None, None]
    assert b"\xe5\xbc\xa0\xe4\xb8\x89" not in store.settings.library_path.read_bytes()


def test_a_failing_batch_writes_nothing(store: Store) -> None:
    class Broken(Case):
        def to_dict(self) -> dict[str, object]:
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        store.save_drafts([Draft(Case(id="a"), []), Draft(Broken(id="b"), [])], "甲")
    assert list(store.drafts()) == []


def test_keys_traces_and_secret_are_remembered(store: Store) -> None:
    store.remember({"no|370881|7": KnownKey("a", "d")}, {"a": {"t1", "t2"}})
    assert store.known_keys() == {"no|370881|7": KnownKey("a", "d")}
    assert store.traces() == {"a": {"t1", "t2"}}
    assert store.secret("traces") == store.secret("traces") != store.secret("other")
