"""SQL over the published library: who may, and that nothing else than the library can be reached by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from datasette.app import Datasette

from kb.accounts import ROLES
from kb.config import Access, Settings
from kb.web import serve

from ..library import FULL, fill
from ..people import sign_in
from ..sites import only

MAY = {"policy", "admin"}
SELECT = quote("select id, title from cases")
WAYS = (
    f"/library?sql={SELECT}", f"/library.json?sql={SELECT}", f"/library.csv?sql={SELECT}",
    f"/library.json?sql={SELECT}&_shape=array", f"/library.csv?sql={SELECT}&_stream=1",
    "/library/cases?_where=" + quote("id in (select case_id from revisions)"),
    "/library/cases.json?_where=" + quote("1=1"), "/library/cases.csv?_where=1",
)  # fmt: skip


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


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_only_policy_staff_and_administrators_may_run_sql(
    site: Datasette, settings: Settings, role: str
) -> None:
    cookies = sign_in(settings, role)
    for way in WAYS:
        answer = await site.client.get(way, cookies=cookies)
        if role in MAY:
            assert answer.status_code == 200 and FULL.id in answer.text, way
        else:
            assert answer.status_code == 403 and FULL.id not in answer.text, way


async def test_a_stranger_may_not_run_sql_where_there_are_accounts(settings: Settings, site: Datasette) -> None:
    sign_in(settings, "window")
    for way in WAYS:
        answer = await site.client.get(way)
        assert answer.status_code in (302, 401, 403) and FULL.id not in answer.text, way


async def test_a_library_that_is_open_to_read_is_not_open_to_sql(tmp_path: Path) -> None:
    folder = tmp_path / "kb-data"
    settings = fill(Settings(folder, access=Access(open=True)))
    (folder / "kb.toml").write_text("[access]\nopen = true\n", encoding="utf-8")
    sign_in(settings, "window")
    site = serve.make_datasette(settings)
    assert (await site.client.get("/library/cases.json")).status_code == 200
    for way in WAYS:
        answer = await site.client.get(way)
        assert answer.status_code in (302, 401, 403) and FULL.id not in answer.text, way


async def test_canned_queries_are_for_everybody_who_may_read(site: Datasette, settings: Settings) -> None:
    """Datasette asks view-query, not execute-sql, of them: their SQL is the metadata's."""
    cookies = sign_in(settings, "window")
    assert (await site.client.get("/library/halls", cookies=cookies)).status_code == 200
    assert (await site.client.get("/library/halls.json", cookies=cookies)).status_code == 200
    replaced = await site.client.get(f"/library/halls.json?sql={SELECT}&_shape=array", cookies=cookies)
    assert FULL.id not in replaced.text
    assert (await site.client.get("/library/halls")).status_code in (302, 401, 403)
    page = await site.client.get("/library", cookies=cookies)
    assert page.status_code == 200 and "自己写 SQL" not in page.text
    assert "修改 SQL" not in (await site.client.get("/library/halls", cookies=cookies)).text


STATEMENTS = (
    "attach database '{path}' as other",
    "attach database 'file:{path}?mode=ro' as other",
    "select * from pragma_database_list",
    "pragma database_list",
    "pragma table_info(cases)",
    "pragma writable_schema = 1",
    "select name from other.sqlite_master",
    "select * from workbench.drafts",
    "select * from drafts",
    "select * from accounts",
    "select readfile('{path}')",
    "select load_extension('{path}')",
    "select fts3_tokenizer('simple')",
    "vacuum into '{path}.copy'",
    "with x as (select 1) delete from cases",
    "insert into cases (id) values ('x')",
    "update cases set title = ''",
    "select 1; attach database '{path}' as other",
    "explain attach database '{path}' as other",
    "create temp table t (a)",
    "select * from _internal.databases",
)


async def test_sql_reaches_nothing_but_the_library(site: Datasette, settings: Settings) -> None:
    cookies = sign_in(settings, "policy")
    for sql in STATEMENTS:
        told = sql.format(path=settings.workbench_path)
        answer = await site.client.get(f"/library.json?sql={quote(told)}", cookies=cookies)
        assert answer.status_code == 400, told
        for form in ("", ".csv"):
            answer = await site.client.get(f"/library{form}?sql={quote(told)}", cookies=cookies)
            for secret in ("argon2", "login_failures", "library.db"):
                assert secret not in answer.text, told
    assert not list(settings.data_dir.glob("*.copy"))
    assert (await site.client.get(f"/case/{FULL.id}", cookies=cookies)).status_code == 200


async def test_what_sqlite_says_of_itself_names_only_the_library(site: Datasette, settings: Settings) -> None:
    cookies = sign_in(settings, "policy")
    named = quote("select name from sqlite_master where type = 'table'")
    answer = await site.client.get(f"/library.json?_shape=array&sql={named}", cookies=cookies)
    names = {row["name"] for row in answer.json()}
    assert "cases" in names
    assert not names & {"accounts", "drafts", "secrets", "sessions", "tokens", "questions", "submissions"}


PATHS = (
    "/workbench", "/workbench.json", "/workbench/accounts", "/workbench/drafts.json", "/_internal", "/_internal.json",
    "/_internal/databases.json", "/-/allow-debug", "/-/permissions", "/-/metadata.json", "/library.db", "/workbench.db",
    "/library/accounts", "/library/drafts.json", "/_memory?sql=select+1", "/_memory.json?sql=select+1",
    "/-/databases.json", "/-/threads.json", "/-/config.json", "/-/settings.json",
)  # fmt: skip


@pytest.mark.parametrize("role", ["window", "policy", "admin"])
async def test_no_address_leads_to_the_workbench(site: Datasette, settings: Settings, role: str) -> None:
    cookies = sign_in(settings, role)
    for path in PATHS:
        answer = await site.client.get(path, cookies=cookies)
        for secret in ("argon2", "workbench.db", "login_failures"):
            assert secret not in answer.text.replace(path, ""), path
        if not path.startswith("/-/"):
            assert answer.status_code in (302, 403, 404), path


async def test_a_subquery_in_a_filter_needs_the_right_and_stays_in_the_library(
    site: Datasette, settings: Settings
) -> None:
    where = quote("id in (select id from accounts)")
    assert (
        await site.client.get(f"/library/cases.json?_where={where}", cookies=sign_in(settings, "review"))
    ).status_code == 403
    answer = await site.client.get(f"/library/cases.json?_where={where}", cookies=sign_in(settings, "policy"))
    assert answer.status_code == 400 and "no such table" in answer.text


async def test_an_endless_query_is_stopped(site: Datasette, settings: Settings) -> None:
    endless = quote("with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n")
    answer = await site.client.get(f"/library.json?sql={endless}", cookies=sign_in(settings, "policy"))
    assert answer.status_code == 400
