"""A search that meets a case of a playbook names the playbook, as long as readers may see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from datasette.app import Datasette

from kb import playbooks, validity
from kb.config import Settings
from kb.playbooks import Playbook
from kb.store import Store
from kb.web import serve
from search import asking, commands, web
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


RULE = "自然资发〔2023〕29号"  # on which the case a1 relies


def test_an_answer_names_the_procedure_its_state_and_what_changed_under_it(
    precedents: Precedents, store: Store
) -> None:
    assert precedents.find("不动产权证加名字")["playbooks"] == []
    rule = {"title": "带押过户的通知", "doc_no": RULE, "clause": "", "valid": True}
    made = playbooks.create(store, replace(BOOK, case_ids=["a1"], basis=[rule]), "甲")
    playbooks.set_state(store, made.id, "trial", "甲")
    known = {"id": made.id, "title": BOOK.title, "state": "trial"}
    assert precedents.find("不动产权证加名字")["playbooks"] == [{**known, "changed_basis": []}]
    validity.declare(store, RULE, "修订", "2024-05", "改了第三条")
    told = {"title": rule["title"], "doc_no": RULE, "change": "2024-05 已修订：改了第三条"}
    assert precedents.find("不动产权证加名字")["playbooks"] == [{**known, "changed_basis": [told]}]
    far = precedents.find("火星种土豆")
    assert far["results"] and not far["answerable"] and far["playbooks"] == []


@pytest.mark.parametrize(("change", "valid"), [("废止", False), ("修订", True)])
def test_results_say_what_became_of_a_rule(precedents: Precedents, store: Store, change: str, valid: bool) -> None:
    validity.declare(store, RULE, change, "2024-05")
    found = precedents.find("不动产权证加名字")["results"]
    rule = next(result["basis"][0] for result in found if result["id"] == "a1")
    assert (rule["doc_no"], rule["valid"], rule["change"]) == (RULE, valid, f"2024-05 已{change}")


def test_the_command_line_says_it_too(settings: Settings, store: Store) -> None:
    rule = {"title": "带押过户的通知", "doc_no": RULE, "clause": "", "valid": True}
    made = playbooks.create(store, replace(BOOK, case_ids=["a1"], basis=[rule]), "甲")
    playbooks.set_state(store, made.id, "trial", "甲")
    validity.declare(store, RULE, "废止", "2024-05", "有新通知")
    environment = {"KB_DATA": str(settings.data_dir), "COLUMNS": "300"}
    shown = CliRunner(env=environment).invoke(commands.search, ["不动产权证加名字"]).stdout
    line = f"这类事已有办法：{BOOK.title}（试行，编号 {made.id}）"
    assert shown.index(line) < shown.index("1. ")
    assert "依据有变：《带押过户的通知》（自然资发〔2023〕29号）［2024-05 已废止：有新通知］" in shown
    assert "（2024-05 已废止：有新通知）" in shown[shown.index("1. "):]


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


async def test_the_page_of_results_says_the_state_and_that_a_rule_changed(site: Datasette) -> None:
    text = (await site.client.get("/?q=公积金")).text
    banner = text[text.index("这类事已有办法"):text.index(f'href="/case/{FULL.id}"')]
    assert "试行" in banner and '<span class="tag gone">依据有变' in banner and "2023-01 已废止" in banner


async def test_the_report_names_the_procedure_and_what_changed(site: Datasette, tmp_path: Path) -> None:
    rule = {"title": "住房公积金管理条例", "doc_no": "国务院令第350号", "clause": "", "valid": True}
    with Store(Settings(tmp_path / "kb-data")) as store:
        made = playbooks.create(store, replace(BOOK, case_ids=[FULL.id], basis=[rule]), "甲")
        assert made.id not in (await site.client.get("/report?q=公积金")).text
        playbooks.set_state(store, made.id, "trial", "甲")
        validity.declare(store, "国务院令第350号", "废止", "2024-05", "由新条例代替")
    text = (await site.client.get("/report?q=公积金")).text
    assert f"{BOOK.title}（试行，编号 {made.id}）" in text
    assert text.count("2024-05 已废止：由新条例代替") == 2  # under the procedure and under the case
    assert made.id not in (await site.client.get("/report?q=想去火星")).text


async def test_far_results_do_not_promise_a_procedure(site: Datasette) -> None:
    text = (await site.client.get("/?q=想去火星")).text
    assert "这类事已有办法" not in text


async def test_results_say_that_a_rule_which_they_rely_on_has_changed(site: Datasette, tmp_path: Path) -> None:
    assert "已修订" not in (await site.client.get("/?q=公积金")).text
    with Store(Settings(tmp_path / "kb-data")) as store:
        validity.declare(store, "国务院令第350号", "修订", "2024-05")
    assert "国务院令第350号 2024-05 已修订" in (await site.client.get("/?q=公积金")).text
