"""What people say of a rule: repealed or amended, and where that is seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from datasette.app import Datasette

from kb import playbooks, validity
from kb.citation import citation
from kb.config import Settings
from kb.errors import Fault
from kb.store import Store
from kb.web import serve

from ..library import EVIL_TEXT, FULL, fill
from ..people import call, read, sign_in
from ..sites import only
from .test_playbooks import BOOK

RULE = "国务院令第350号"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return fill(Settings(tmp_path / "kb-data"))


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with Store(settings) as found:
        yield found


@pytest.fixture
def site(settings: Settings) -> Iterator[Datasette]:
    with only("kb.web.plugin"):
        yield serve.make_datasette(settings)


def said(store: Store) -> list[str]:
    """What stands at the basis of the case."""
    return list(validity.fallen(FULL.basis[:1], validity.changed(store)).values())


@pytest.mark.parametrize(("change", "since", "note", "expected"), [
    ("废止", "2024年5月1日", "由新条例代替", ["2024-05-01 已废止：由新条例代替"]),
    ("修订", "2024.5", "", ["2024-05 已修订"]),
    ("修订", "", "", ["已修订"]), ("废止", "", "", ["别处记为已废止"]), ("", "", "", []),
])  # fmt: skip
def test_what_is_said_of_a_rule_stands_wherever_it_is_relied_on(
    store: Store, change: str, since: str, note: str, expected: list[str]
) -> None:
    validity.declare(store, "《住房公积金管理条例》（国务院令 第350号）", "废止", by="甲")
    validity.declare(store, RULE, change, since, note, "甲")
    assert said(store) == expected


@pytest.mark.parametrize(("change", "since", "valid"), [("废止", "2024-05", False), ("修订", "2024-05", True)])
def test_a_case_is_marked_with_what_became_of_its_rules(store: Store, change: str, since: str, valid: bool) -> None:
    validity.declare(store, RULE, change, since, "原第三条已废止", "甲")
    first, second = validity.marker(validity.changed(store))(FULL).basis
    assert first == {**FULL.basis[0], "valid": valid, "change": f"{since} 已{change}：原第三条已废止"}
    assert ("住房公积金管理条例" in citation(replace(FULL, basis=[first]))) is valid
    assert second == {**FULL.basis[1], "change": "已废止"} and "change" not in FULL.basis[0]


def test_remarks_are_deidentified_and_nonsense_is_refused(store: Store) -> None:
    assert "13812345678" not in validity.declare(store, RULE, "修订", note="问 13812345678")["note"]
    for rule, change, since in (("", "废止", ""), ("长" * 301, "废止", ""), (RULE, "改了", ""), (RULE, "废止", "春天")):
        with pytest.raises(Fault):
            validity.declare(store, rule, change, since)


def test_rules_are_counted_once_however_they_are_written(store: Store) -> None:
    playbooks.create(store, BOOK, "甲")
    (one,) = validity.leaned(store, "国务院令 第 350 号")
    assert (one["doc_no"], one["cases"], one["playbooks"], one["change"]) == (RULE, 1, 1, "")
    assert validity.leaned(store, "没有这个") == []


async def test_staff_say_it_on_a_page_and_clerks_see_it_at_the_case(site: Datasette, settings: Settings) -> None:
    with Store(settings) as store:
        book = playbooks.create(store, BOOK, "甲")
        playbooks.set_state(store, book.id, "trial", "甲")
    cookies, clerk = sign_in(settings, "policy"), sign_in(settings, "window")
    assert quote(RULE) in await read(site, "/rules", cookies)
    page = await read(site, f"/rules?rule={quote(RULE)}", cookies)
    assert f"/case/{FULL.id}" in page and f"/playbook/{book.id}" in page
    done = await call(site, "POST", "/rules", cookies, json={"rule": RULE, "change": "修订", "since": "2024-05"})
    assert done.status_code == 200 and done.json()["rule"]["since"] == "2024-05"
    assert f"{RULE} 2024-05 已修订" in await read(site, f"/case/{FULL.id}", clerk)
    shown = await read(site, f"/playbook/{book.id}", clerk)
    assert "依据有变" in shown and "2024-05 已修订" in shown
    assert (await site.client.get("/rules", cookies=clerk)).status_code == 403
    assert (await call(site, "POST", "/rules", clerk, json={"rule": RULE, "change": ""})).status_code == 403


async def test_hostile_and_unknown_rules_have_a_page(site: Datasette, settings: Settings) -> None:
    cookies = sign_in(settings, "review")
    assert EVIL_TEXT not in await read(site, f"/rules?rule={quote(EVIL_TEXT)}", cookies)
    assert "没有案例、一类事靠这个文件" in await read(site, "/rules?rule=不存在的办法", cookies)
    assert "仍要记下它的变动" in await read(site, "/rules?q=不存在的办法", cookies)
