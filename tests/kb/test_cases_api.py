"""Cases for programs: lists, one case, its revisions, a withdrawn one; each answer fits the description."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from datasette.app import Datasette

from kb.config import Settings
from kb.web import serve

from ..library import BARE, EVIL, EVIL_TEXT, FULL, REFUSED, TWIN, WITHDRAWN, fill
from ..people import sign_in
from ..sites import only


@pytest.fixture(autouse=True)
def _ground_floor_only() -> Iterator[None]:
    with only("kb.web.plugin"):
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return fill(Settings(tmp_path / "kb-data"))


@pytest.fixture
def site(settings: Settings) -> Datasette:
    return serve.make_datasette(settings)


async def get(site: Datasette, path: str, described: str, status: int = 200) -> Any:
    """The JSON at `path`, which must fit what the description says of `described`."""
    answer = await site.client.get(f"/api/v1{path}")
    assert answer.status_code == status, answer.text
    whole = (await site.client.get("/api/v1/openapi.json")).json()
    responses = whole["paths"][described]["get"]["responses"]
    response = responses.get(str(status)) or whole["components"]["responses"]["Error"]
    schema = {**response["content"]["application/json"]["schema"], "components": whole["components"]}
    jsonschema.validate(answer.json(), schema)
    return answer.json()


async def test_cases_are_listed_whole_and_page_by_page(site: Datasette) -> None:
    seen = []
    for number in (1, 2, 3):
        page = await get(site, f"/cases?per_page=2&page={number}", "/cases")
        assert (page["total"], page["page"], page["pages"]) == (5, number, 3)
        seen += [case["id"] for case in page["cases"]]
    assert sorted(seen) == sorted(case.id for case in (FULL, TWIN, REFUSED, BARE, EVIL))
    assert (await get(site, "/cases?page=99", "/cases"))["page"] == 1


async def test_filters_narrow_and_sql_stays_text(site: Datasette) -> None:
    page = await get(site, "/cases?barrier=信息不一致&county=闽侯县", "/cases")
    assert page["cases"] == [{**FULL.to_dict(), "state": "published", "revision": 1}]
    assert (await get(site, "/cases?hall=' or 1=1 --", "/cases"))["total"] == 0


WRONG = ["regoin=350100", "per_page=101", "per_page=0", "page=0", "page=x", "domain=" + "长" * 201]


@pytest.mark.parametrize("query", WRONG)
async def test_wrong_parameters_are_refused(site: Datasette, query: str) -> None:
    assert "error" in await get(site, f"/cases?{query}", "/cases", 400)


async def test_one_case(site: Datasette) -> None:
    found = await get(site, f"/cases/{FULL.id}", "/cases/{id}")
    assert found["case"] == {**FULL.to_dict(), "state": "published", "revision": 1}
    evil = await site.client.get(f"/api/v1/cases/{EVIL.id}")
    assert evil.headers["content-type"].startswith("application/json") and evil.json()["case"]["title"] == EVIL_TEXT


async def test_a_withdrawn_case_tells_why_and_nothing_else(site: Datasette) -> None:
    found = await get(site, f"/cases/{WITHDRAWN.id}", "/cases/{id}", 410)
    assert found["reason"] == "依据已废止" and found["at"]
    assert WITHDRAWN.demand not in str(found) and WITHDRAWN.title not in str(found)
    history = await get(site, f"/cases/{WITHDRAWN.id}/revisions", "/cases/{id}/revisions")
    assert [entry["action"] for entry in history["revisions"]] == ["withdraw", "publish"]
    assert WITHDRAWN.demand not in str(history)


async def test_unknown_cases_are_not_found(site: Datasette) -> None:
    for path, described in (("/cases/nosuch", "/cases/{id}"), ("/cases/nosuch/revisions", "/cases/{id}/revisions")):
        assert "没有" in (await get(site, path, described, 404))["error"]


async def test_halls_fit_their_description(site: Datasette) -> None:
    assert (await get(site, "/halls", "/halls"))["total"] == 4
    assert (await get(site, "/halls/350121", "/halls/{code}"))["cases"] == 1


async def test_a_closed_library_tells_strangers_nothing(settings: Settings) -> None:
    cookies = sign_in(settings, "window")
    site = serve.make_datasette(settings)
    for path in ("/cases", f"/cases/{FULL.id}", f"/cases/{FULL.id}/revisions", "/halls", "/halls/350121"):
        refused = await site.client.get(f"/api/v1{path}")
        assert refused.status_code == 401 and FULL.title not in refused.text, path
        assert (await site.client.get(f"/api/v1{path}", cookies=cookies)).status_code == 200
