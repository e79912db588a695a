"""Browsing many cases: counts from an index, kept until the library changes, never cut off by a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from datasette.app import Datasette

from kb.config import Settings
from kb.store import Store
from kb.web import browse
from kb.web.serve import make_datasette
from kb.web.shell import the_library
from tests.bench import synthetic
from tests.sites import only

MANY = 400


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(tmp_path / "library", embedding_model="fake")
    with Store(settings) as store:
        store.publish(synthetic.cases(MANY), by="test")
    return settings


@pytest.fixture
def site(settings: Settings) -> Iterator[Datasette]:
    with only("kb.web.plugin"):
        site = make_datasette(settings)
        asyncio.run(site.invoke_startup())
        yield site


def domains(site: Datasette) -> dict[str, int]:
    return dict(asyncio.run(browse.facet(the_library(site), "domain", {})).values)


def test_a_change_of_the_library_is_counted(site: Datasette, settings: Settings) -> None:
    before = domains(site)
    assert sum(before.values()) == MANY
    assert domains(site) == before
    with Store(settings) as store:
        first = next(store.published())
        store.publish([replace(first, domain="船舶")], by="test")
    after = domains(site)
    assert after["船舶"] == 1
    assert after.get(first.domain, 0) == before[first.domain] - 1


def test_filters_and_facets_agree_with_the_cases(site: Datasette, settings: Settings) -> None:
    with Store(settings) as store:
        cases = list(store.published())
    some = cases[0]
    filters = {"domain": some.domain, "barrier": some.barriers[0]}
    wanted = [case for case in cases if case.domain == some.domain and some.barriers[0] in case.barriers]
    found = asyncio.run(browse.listing(the_library(site), filters, 1))
    assert found.total == len(wanted)
    newest = sorted(wanted, key=lambda case: case.id)
    newest.sort(key=lambda case: case.closed or case.received, reverse=True)
    assert [case.id for case in found.cases] == [case.id for case in newest[: browse.PAGE_SIZE]]
    outcomes = dict(asyncio.run(browse.facet(the_library(site), "outcome", filters)).values)
    assert outcomes == {name: sum(case.outcome == name for case in wanted) for name in {c.outcome for c in wanted}}


def test_counting_reads_the_index_alone_and_listing_sorts_nothing(settings: Settings) -> None:
    counting = "select hall_name, count(*) from cases where state = 'published' and hall_name != '' group by 1"
    listing = browse.selection({}) + " limit 20"
    with Store(settings) as store:
        plans = [
            " ".join(row[3] for row in store.library.conn.execute(f"explain query plan {sql}"))
            for sql in (counting, listing)
        ]
    assert "COVERING INDEX" in plans[0]
    assert "INDEX cases_browsed" in plans[1] and "ORDER BY" not in plans[1]


def test_the_time_limit_for_the_sql_of_users_does_not_hold_for_pages(site: Datasette) -> None:
    site.sql_time_limit_ms = 0
    library = the_library(site)
    assert len(asyncio.run(browse.listing(library, {}, 1)).cases) == browse.PAGE_SIZE
    assert "domain" in {facet.name for facet in asyncio.run(browse.facets(library, {}))}
