"""The Atom feed: valid, stable ids, nothing that was withdrawn, and a key where the library is closed."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from datasette.app import Datasette

from kb.accounts import tokens
from kb.config import Settings
from kb.store import Store
from kb.web import serve

from ..library import EVIL, EVIL_TEXT, FULL, REFUSED, TWIN, WITHDRAWN, fill
from ..people import sign_in
from ..sites import only

A = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(autouse=True)
def _ground_floor_only() -> Iterator[None]:
    with only("kb.web.plugin"):
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return fill(Settings(tmp_path / "kb-data"))


async def feed_of(site: Datasette, query: str = "") -> ElementTree.Element:
    answer = await site.client.get(f"/feed.atom{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    return ElementTree.fromstring(answer.content)


async def test_the_feed_has_what_atom_requires(settings: Settings) -> None:
    feed = await feed_of(serve.make_datasette(settings))
    assert feed.tag == f"{A}feed"
    entries = feed.findall(f"{A}entry")
    assert len(entries) == 5
    for element in (feed, *entries):  # RFC 4287, 4.1.1 and 4.1.2
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{A}{name}")) == 1, name
        assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", element.findtext(f"{A}id", ""))
        assert datetime.datetime.fromisoformat(element.findtext(f"{A}updated", "")).tzinfo
        (link,) = element.findall(f"{A}link[@rel='alternate']")
        assert link.get("href", "").startswith("http://")
    assert feed.findtext(f"{A}author/{A}name")
    assert len({entry.findtext(f"{A}id") for entry in entries}) == 5


async def test_entries_tell_obstacle_and_measure(settings: Settings) -> None:
    feed = await feed_of(serve.make_datasette(settings), "?county=闽侯县")
    (entry,) = feed.findall(f"{A}entry")
    assert entry.findtext(f"{A}title") == FULL.title
    summary = entry.findtext(f"{A}summary", "")
    assert FULL.obstacle in summary and FULL.measure in summary and summary.index("卡点") < summary.index("办法")
    assert {each.get("term") for each in entry.findall(f"{A}category")} == {*FULL.barriers, FULL.domain, FULL.outcome}
    assert "区县：闽侯县" in feed.findtext(f"{A}title", "")


async def test_ids_outlive_restarts_and_differ_between_feeds(settings: Settings) -> None:
    first = await feed_of(serve.make_datasette(settings), "?county=闽侯县")
    second = await feed_of(serve.make_datasette(replace(settings, title="新名称")))
    assert first.findtext(f"{A}entry/{A}id") in [each.text for each in second.iter(f"{A}id")]
    assert first.findtext(f"{A}id") != second.findtext(f"{A}id")


async def test_withdrawn_cases_are_not_told(settings: Settings) -> None:
    answer = await serve.make_datasette(settings).client.get("/feed.atom")
    assert WITHDRAWN.id not in answer.text and WITHDRAWN.title not in answer.text


async def test_an_empty_feed_is_valid(settings: Settings) -> None:
    feed = await feed_of(serve.make_datasette(settings), "?county=没有")
    assert feed.findtext(f"{A}updated") and not feed.findall(f"{A}entry")


async def test_the_newest_fifty_are_told(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "many")
    with Store(settings) as store:
        store.publish([replace(REFUSED, id=f"{n:012}") for n in range(60)], by="测试")
        store.library.conn.execute("update cases set updated = '2030-01-01T00:00:00+08:00' where id = '000000000059'")
        store.library.conn.commit()
    entries = (await feed_of(serve.make_datasette(settings))).findall(f"{A}entry")
    assert len(entries) == 50
    assert entries[0].find(f"{A}link").get("href", "").endswith("/case/000000000059")  # type: ignore[union-attr]


async def test_evil_and_odd_characters_stay_text(settings: Settings) -> None:
    with Store(settings) as store:
        store.publish([replace(TWIN, id="odd000000001", title="竖\x0b排\x00符号\ufffe")], by="测试")
    feed = await feed_of(serve.make_datasette(settings))
    titles = [each.text for each in feed.iter(f"{A}title")]
    assert EVIL_TEXT in titles and "竖排符号" in titles
    assert not [each for each in feed.iter() if each.tag.lower().endswith(("script", "img"))]
    assert EVIL.id in ElementTree.tostring(feed, encoding="unicode")


async def test_unchanged_feeds_are_not_sent_again(settings: Settings) -> None:
    site = serve.make_datasette(settings)
    first = await site.client.get("/feed.atom")
    again = await site.client.get("/feed.atom", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304 and not again.content


async def test_lists_point_to_their_feed(settings: Settings) -> None:
    page = (await serve.make_datasette(settings).client.get("/cases?outcome=办成")).text
    link = re.search(r'<link rel="alternate" type="application/atom\+xml"[^>]* href="([^"]+)"', page)
    assert link and link.group(1) == "/feed.atom?outcome=%E5%8A%9E%E6%88%90"


@pytest.mark.parametrize("scope", ["feed", "read"])
async def test_a_closed_library_asks_for_a_key(settings: Settings, scope: str) -> None:
    cookies = sign_in(settings, "window", account="chuangkou")
    with Store(settings) as store:
        key, token = tokens.add(store, "chuangkou", "订阅", [scope])
    site = serve.make_datasette(settings)
    for wrong in ("", "?key=", "?key=kb_wrong", f"?key={key[:-1]}"):
        refused = await site.client.get(f"/feed.atom{wrong}")
        assert refused.status_code in (302, 401) and FULL.title not in refused.text, wrong
    assert (await site.client.get("/feed.atom", cookies=cookies)).status_code == 200
    feed = await site.client.get(f"/feed.atom?key={key}")
    assert feed.status_code == 200 and FULL.title in feed.text and key not in feed.text
    with Store(settings) as store:
        tokens.revoke(store, token.id)
    assert (await site.client.get(f"/feed.atom?key={key}")).status_code in (302, 401)
