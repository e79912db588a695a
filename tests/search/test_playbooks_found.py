"""A search that meets a case of a playbook names the playbook, as long as readers may see it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from datasette.app import Datasette

from kb import playbooks, validity
from kb.config import Settings
from kb.playbooks import Playbook
from kb.store import Store
from kb.web import serve
from search import asking, web
from search.engine.embedded import EmbeddedEngine
from search.precedents import Precedents

from ..answers import Searcher
from ..library import FULL, fill
from ..sites import only

BOOK = Playbook(
    title="刷脸认证过不去", obstacle="老人刷脸总是失败。", steps=[{"action": "上门核实。"}], case_ids=["a3"]
)  # fmt: skip


def named(precedents: Precedents) -> dict[str, str] | None:
    found = precedents.find("老人刷脸认证失败")["results"]
    return next(result["playbook"] for result in found if result["id"] == "a3")


def test_results_name_the_playbook_from_its_trial_to_its_end(precedents: Precedents, store: Store) -> None:
    made = playbooks.create(store, BOOK, "甲")
    assert named(precedents) is None
    playbooks.set_state(store, made.id, "trial", "甲")
    assert named(precedents) == {"id": made.id, "title": BOOK.title}
    playbooks.save(store, made.id, {"title": "刷脸过不去怎么办"}, "甲")
    assert named(precedents) == {"id": made.id, "title": "刷脸过不去怎么办"}
    playbooks.set_state(store, made.id, "retired", "甲", "规定变了")
    assert named(precedents) is None


def test_a_change_of_a_playbook_embeds_no_case_again(
    precedents: Precedents, engine: EmbeddedEngine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = playbooks.create(store, BOOK, "甲")
    precedents.find("刷脸")

    def fail(texts: object) -> None:
        raise AssertionError("embedded again")

    monkeypatch.setattr(engine.embedder, "encode_passages", fail)
    playbooks.set_state(store, made.id, "trial", "甲")
    precedents.refresh()
    assert not engine.problem(store)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Datasette]:
    searcher = Searcher()
    monkeypatch.setattr(asking, "precedents", lambda settings: searcher)
    monkeypatch.setattr(asking, "suggest", lambda store, typed: [])
    monkeypatch.setattr(web.unmet, "record_soon", lambda settings, *question: None)
    with only("kb.web.plugin", "search.web"):
        yield serve.make_datasette(fill(Settings(tmp_path / "kb-data")))


async def test_the_page_of_results_says_first_that_there_is_a_procedure(site: Datasette) -> None:
    text = (await site.client.get("/?q=公积金")).text
    assert text.index("这类事已有办法") < text.index(f'href="/case/{FULL.id}"')
    assert text.count('href="/playbook/p1"') == 2 and "楼栋号不一致" in text


async def test_far_results_do_not_promise_a_procedure(site: Datasette) -> None:
    text = (await site.client.get("/?q=想去火星")).text
    assert "这类事已有办法" not in text


async def test_results_say_that_a_rule_which_they_rely_on_has_changed(site: Datasette, tmp_path: Path) -> None:
    assert "已修订" not in (await site.client.get("/?q=公积金")).text
    with Store(Settings(tmp_path / "kb-data")) as store:
        validity.declare(store, "国务院令第350号", "修订", "2024-05")
    assert "国务院令第350号 2024-05 已修订" in (await site.client.get("/?q=公积金")).text
