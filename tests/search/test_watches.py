"""关注: a kept search tells which cases came since one last looked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from datasette.app import Datasette

from kb.config import Settings
from kb.errors import Conflict, Fault, Missing
from kb.model import Case
from kb.store import Store
from kb.web import serve
from search import asking, watches

from ..answers import Searcher
from ..library import FULL, REFUSED, fill
from ..people import call, sign_in
from ..sites import only


class Finder(Searcher):
    """Answers as `Searcher`, with the library behind it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings

    @property
    def store(self) -> Any:
        return Store(self.settings)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return fill(Settings(tmp_path / "kb-data"))


@pytest.fixture
def site(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Datasette]:
    found = Finder(settings)
    monkeypatch.setattr(asking, "precedents", lambda settings: found)
    monkeypatch.setattr(asking, "suggest", lambda store, typed: [])
    with only("kb.web.plugin", "search.web"):
        yield serve.make_datasette(settings)


def come(settings: Settings, case_id: str, at: str = "9") -> None:
    """A case is as if it had been published at the time *at*, beyond all that is real."""
    with Store(settings) as store:
        if store.get(case_id) is None:
            store.publish([Case(id=case_id, title="新来的", domain="住房公积金", outcome="办成")], by="测试")
        with store.library.conn:
            store.library.execute("update cases set created = ? where id = ?", [at, case_id])


async def test_a_question_is_watched_until_it_is_seen(site: Datasette, settings: Settings) -> None:
    mine = sign_in(settings, "window")
    made = (await call(site, "POST", "/watches", mine, json={"question": "公积金贷款"})).json()
    assert (await call(site, "GET", "/notices", mine)).json() == {"ok": True, "new": 0, "watches": 0}
    come(settings, FULL.id)
    come(settings, "unrelated")
    listed = (await call(site, "GET", "/watches", mine)).json()["watches"]
    assert [(one["name"], one["new"], one["cases"]) for one in listed] == [("公积金贷款", 1, [FULL.id])]
    assert "新 1 件" in (await site.client.get("/watches", cookies=mine)).text
    page = (await site.client.get(f"/watches/{made['id']}", cookies=mine)).text
    assert FULL.title in page and 'data-seen="9"' in page
    await call(site, "POST", f"/watches/{made['id']}/seen", mine, json={"seen": "9"})
    assert (await call(site, "GET", "/notices", mine)).json()["new"] == 0


def test_what_the_index_has_yet_to_take_over_is_not_missed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    finder = Finder(settings)
    with Store(settings) as store:
        watch = watches.get(store, "a", watches.add(store, "a", "", "公积金贷款", {}))
    come(settings, FULL.id)
    with monkeypatch.context() as while_behind:
        while_behind.setattr(finder.engine, "behind", "案例库有变动")
        while_behind.setattr(finder, "find", lambda *asked: {"results": []})
        assert watches.new_cases(finder, watch) == []
    assert watches.new_cases(finder, watch) == [FULL.id]


async def test_a_filter_alone_takes_all_that_pass(site: Datasette, settings: Settings) -> None:
    mine = sign_in(settings, "window")
    await call(site, "POST", "/watches", mine, json={"name": "公积金", "filters": {"domain": FULL.domain}})
    come(settings, "new1")
    come(settings, REFUSED.id)
    listed = (await call(site, "GET", "/watches", mine)).json()["watches"]
    assert [one["cases"] for one in listed] == [["new1"]]


async def test_nobody_sees_or_removes_what_another_watches(site: Datasette, settings: Settings) -> None:
    mine, other = sign_in(settings, "window"), sign_in(settings, "window", hall="430200")
    number = (await call(site, "POST", "/watches", mine, json={"question": "公积金"})).json()["id"]
    assert (await call(site, "DELETE", f"/watches/{number}", other)).status_code == 404
    assert (await site.client.get(f"/watches/{number}", cookies=other)).status_code == 404
    assert (await call(site, "GET", "/watches", other)).json()["watches"] == []
    assert (await call(site, "DELETE", f"/watches/{number}", mine)).json()["ok"] is True
    assert (await call(site, "GET", "/watches", mine)).json()["watches"] == []


async def test_strangers_watch_nothing(site: Datasette, settings: Settings) -> None:
    sign_in(settings, "window")
    assert (await call(site, "GET", "/notices")).status_code == 401
    assert (await call(site, "POST", "/watches", json={"question": "公积金"})).status_code == 401
    assert (await site.client.get("/watches")).status_code in (302, 401)


async def test_the_page_proposes_what_stands_in_the_address(site: Datasette, settings: Settings) -> None:
    mine = sign_in(settings, "window")
    page = (await site.client.get("/watches?q=公积金&year=2024&colour=red", cookies=mine)).text
    assert 'name="question" value="公积金"' in page and 'name="filters.year" value="2024"' in page
    assert "colour" not in page
    assert 'name="filters.city" value="福州市"' in (await site.client.get("/watches?city=福州市", cookies=mine)).text
    results = (await site.client.get("/?q=公积金&year=2024", cookies=mine)).text
    assert 'data-key="w"' in results and "关注这个检索" in results
    assert "notices.js" in results


def test_what_is_kept_holds_no_personal_data(settings: Settings) -> None:
    with Store(settings) as store:
        watches.add(store, "a", "", "我的手机13812345678，公积金提不出来\ud800", {})
        kept = watches.of(store, "a")[0]
    assert "13812345678" not in kept.question + kept.name and "公积金" in kept.name


@pytest.mark.parametrize(("question", "filters"), [
    ("", {}), ("  ", {}), ("", {"colour": "red"}), ("公积金", {"colour": "red"}), ("公积金", {"since": "昨天"}),
])  # fmt: skip
def test_what_says_nothing_is_not_watched(settings: Settings, question: str, filters: dict[str, str]) -> None:
    with Store(settings) as store, pytest.raises(Fault):
        watches.add(store, "a", "", question, filters)


def test_an_account_watches_so_much_and_no_more(settings: Settings) -> None:
    with Store(settings) as store:
        for _ in range(watches.settings()["most"]):
            watches.add(store, "a", "", "公积金", {})
        with pytest.raises(Conflict):
            watches.add(store, "a", "", "公积金", {})
        watches.add(store, "b", "", "公积金", {})


def test_time_does_not_run_back_nor_ahead_of_the_library(settings: Settings) -> None:
    with Store(settings) as store:
        number = watches.add(store, "a", "", "公积金", {})
        seen = watches.get(store, "a", number).seen
        for claimed in ("", "9999"):
            watches.mark_seen(store, "a", number, claimed)
            assert watches.get(store, "a", number).seen == seen == watches.newest(store)
        with pytest.raises(Missing):
            watches.mark_seen(store, "b", number, seen)
