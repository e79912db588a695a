"""Who may what, as one table, tried whole through HTTP.

The columns are who asks: a stranger, then accounts by role. The things asked about belong to the hall 350121; a column
ending in ° is an account of another hall. `state` is that of the thing. A cell is what comes of it: ok (2xx), else the
HTTP status. 404 stands where not even the existence may be told, 409 where the right person asks at the wrong time,
410 for a case that was withdrawn. Rights change in kb/accounts/rights.yml and here.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kb import config, playbooks, submissions
from kb.accounts.rights import ROLES, rights
from kb.config import Settings
from kb.model import Case
from kb.playbooks import Playbook
from kb.store import Draft, Store
from kb.web import serve
from search.insight import classes, watch

from .library import BARE, FULL, REFUSED, WITHDRAWN, fill
from .people import sign_in
from .sites import OURS, only

HALL, OTHER = "350121", "430200"

MATRIX = """
action                  state      stranger  window  window°  submit  submit°  review  review°  policy  admin
read case               published       401      ok       ok      ok       ok      ok       ok      ok     ok
read case               withdrawn       401     410      410     410      410     410      410     410    410
read case               writing         401     404      404     404      404     404      404     404    404
read revisions          published       401      ok       ok      ok       ok      ok       ok      ok     ok
list cases              -               401      ok       ok      ok       ok      ok       ok      ok     ok
list halls              -               401      ok       ok      ok       ok      ok       ok      ok     ok
export                  -               401      ok       ok      ok       ok      ok       ok      ok     ok
feed                    -               401      ok       ok      ok       ok      ok       ok      ok     ok
table of cases          -               401      ok       ok      ok       ok      ok       ok      ok     ok
sql                     -               401     403      403     403      403     403      403      ok     ok
search                  -               401      ok       ok      ok       ok      ok       ok      ok     ok
similar cases           published       401      ok       ok      ok       ok      ok       ok      ok     ok
read feedback           published       401      ok       ok      ok       ok      ok       ok      ok     ok
give feedback           published       401      ok       ok      ok       ok      ok       ok      ok     ok
give feedback           withdrawn       401     404      404     404      404     404      404     404    404
give feedback           submitted       401     404      404     404      404     404      404     404    404

list drafts             -               401      ok       ok      ok       ok      ok       ok     403    403
write draft             -               401      ok       ok      ok       ok      ok       ok     403    403
read draft              writing         401      ok      404      ok      404      ok       ok     403    403
read draft              submitted       401      ok      404      ok      404      ok       ok     403    403
read draft              returned        401      ok      404      ok      404      ok       ok     403    403
read draft              published       401     404      404     404      404     404      404     403    403
change draft            writing         401      ok      404      ok      404      ok      403     403    403
change draft            submitted       401     409      404     409      404      ok       ok     403    403
change draft            returned        401      ok      404      ok      404      ok      403     403    403
delete draft            writing         401      ok      404      ok      404      ok      403     403    403
delete draft            submitted       401     409      404     409      404      ok       ok     403    403
delete draft            returned        401      ok      404      ok      404      ok      403     403    403
submit draft            writing         401      ok      404      ok      404      ok      403     403    403
submit draft            submitted       401     409      404     409      404     409      403     403    403
submit draft            returned        401      ok      404      ok      404      ok      403     403    403
take draft back         submitted       401      ok      404      ok      404      ok      403     403    403

return draft            writing         401     403      403     403      403     409      409     403    403
return draft            submitted       401     403      403     403      403      ok       ok     403    403
return draft            returned        401     403      403     403      403     409      409     403    403
publish draft           writing         401     403      403     403      403     409      409     403    403
publish draft           submitted       401     403      403     403      403      ok       ok     403    403
publish draft           returned        401     403      403     403      403     409      409     403    403
publish draft           published       401     403      403     403      403     404      404     403    403
merge draft             writing         401     403      403     403      403     409      409     403    403
merge draft             submitted       401     403      403     403      403      ok       ok     403    403
revise case             published       401      ok      403      ok      403      ok       ok     403    403
revise case             withdrawn       401     404      404     404      404     404      404     403    403
withdraw case           published       401     403      403     403      403      ok       ok     403    403
withdraw case           withdrawn       401     403      403     403      403     409      409     403    403
withdraw case           submitted       401     403      403     403      403     404      404     403    403

list uploads            -               401     403      403      ok       ok      ok       ok     403    403
upload for hall 350121  -               401     403      403      ok      403      ok       ok     403    403
see another's upload    -               401     403      403     404      404     404      404     403    403

list playbooks          -               401      ok       ok      ok       ok      ok       ok      ok     ok
read playbook           trial           401      ok       ok      ok       ok      ok       ok      ok     ok
read playbook           sketched        401     404      404     404      404      ok       ok      ok    404
playbook versions       sketched        401     404      404     404      404      ok       ok      ok    404
change playbook         trial           401     403      403     403      403      ok       ok      ok    403
change playbook         sketched        401     403      403     403      403      ok       ok      ok    403
join cases to playbook  trial           401     403      403     403      403      ok       ok      ok    403
retire playbook         trial           401     403      403     403      403      ok       ok      ok    403
table of playbooks      -               401      ok       ok      ok       ok      ok       ok      ok     ok
say a rule changed      -               401     403      403     403      403      ok       ok      ok    403

watch                   -               401      ok       ok      ok       ok      ok       ok      ok     ok
delete another's watch  -               401     404      404     404      404     404      404     404    404
barriers                -               401     403      403     403      403     403      403      ok     ok
barrier of a class      class           401     403      403     403      403     403      403      ok     ok
report on barriers      -               401     403      403     403      403     403      403      ok     ok
barrier rules           -               401     403      403     403      403     403      403      ok    403
watch a barrier         -               401     403      403     403      403     403      403      ok    403
another's barrier rule  -               401     403      403     403      403     403      403     404    403
change another's rule   -               401     403      403     403      403     403      403     404    403
see classes             class           401     403      403     403      403      ok       ok      ok     ok
propose classes         -               401     403      403     403      403      ok       ok      ok    403
reject class            class           401     403      403     403      403      ok       ok      ok    403
split class             class           401     403      403     403      403      ok       ok      ok    403
assign cases            class           401     403      403     403      403      ok       ok      ok    403
draft playbook          class           401     403      403     403      403      ok       ok      ok    403
what changed            -               401     403      403     403      403     403      403      ok     ok
unmet questions         -               401     403      403     403      403     403      403      ok     ok
close unknown question  -               401     403      403     403      403     403      403     404    403

read own account        -               401      ok       ok      ok       ok      ok       ok      ok     ok
make token              -               401      ok       ok      ok       ok      ok       ok      ok     ok
revoke another's token  -               401     404      404     404      404     404      404     404    404
list accounts           -               401     403      403     403      403     403      403     403     ok
make account            -               401     403      403     403      403     403      403     403     ok
change account          -               401     403      403     403      403     403      403     403     ok
machine of the site     -               401     403      403     403      403     403      403     403     ok
"""

#: What each action sends: method, path ({id}: the thing in that state), JSON or bytes.
ACTIONS: dict[str, tuple[str, str, Any]] = {
    "read case": ("GET", "/api/v1/cases/{id}", None),
    "read revisions": ("GET", "/api/v1/cases/{id}/revisions", None),
    "list cases": ("GET", "/api/v1/cases", None),
    "list halls": ("GET", "/api/v1/halls", None),
    "export": ("GET", "/api/v1/export?format=csv", None),
    "feed": ("GET", "/feed.atom", None),
    "table of cases": ("GET", "/library/cases.json", None),
    "sql": ("GET", "/library.json?sql=select+1", None),
    "search": ("GET", "/api/v1/search?q=公积金", None),
    "similar cases": ("GET", "/api/v1/cases/{id}/similar", None),
    "read feedback": ("GET", "/api/v1/cases/{id}/feedback", None),
    "give feedback": ("POST", "/api/v1/cases/{id}/feedback", {"kind": "used"}),
    "list drafts": ("GET", "/api/v1/drafts", None),
    "write draft": ("POST", "/api/v1/drafts", {"demand": "想开一家小店"}),
    "read draft": ("GET", "/api/v1/drafts/{id}", None),
    "change draft": ("PUT", "/api/v1/drafts/{id}", {"demand": "想开一家小店"}),
    "delete draft": ("DELETE", "/api/v1/drafts/{id}", None),
    "submit draft": ("POST", "/api/v1/drafts/{id}/submit", {}),
    "take draft back": ("POST", "/api/v1/drafts/{id}/submit", {"back": True}),
    "return draft": ("POST", "/api/v1/drafts/{id}/return", {"note": "请补上依据"}),
    "publish draft": ("POST", "/api/v1/drafts/{id}/publish", {"cleared": True}),
    "merge draft": ("POST", "/api/v1/drafts/{id}/merge", {"into": REFUSED.id, "cleared": True}),
    "revise case": ("POST", "/api/v1/cases/{id}/revise", None),
    "withdraw case": ("POST", "/api/v1/cases/{id}/withdraw", {"reason": "依据已废止"}),
    "list uploads": ("GET", "/api/v1/uploads", None),
    "upload for hall 350121": ("POST", f"/api/v1/uploads?name=a.csv&hall={HALL}", "诉求,办法\n想办,办了\n".encode()),
    "see another's upload": ("GET", "/api/v1/uploads/0123456789abcdef", None),
    "list playbooks": ("GET", "/api/v1/playbooks", None),
    "read playbook": ("GET", "/api/v1/playbooks/{id}", None),
    "playbook versions": ("GET", "/api/v1/playbooks/{id}/revisions", None),
    "change playbook": ("PUT", "/api/v1/playbooks/{id}", {"obstacle": "楼栋号对不上"}),
    "join cases to playbook": ("POST", "/api/v1/playbooks/{id}/cases", {"case_ids": [FULL.id]}),
    "retire playbook": ("POST", "/api/v1/playbooks/{id}/state", {"state": "retired", "note": "规定变了"}),
    "table of playbooks": ("GET", "/library/playbooks.json", None),
    "say a rule changed": ("POST", "/api/v1/rules", {"rule": "国务院令第350号", "change": "废止"}),
    "watch": ("POST", "/api/v1/watches", {"question": "公积金"}),
    "delete another's watch": ("DELETE", "/api/v1/watches/1", None),
    "barriers": ("GET", "/api/v1/barriers", None),
    "barrier of a class": ("GET", "/api/v1/barriers/{id}", None),
    "report on barriers": ("GET", "/api/v1/barriers/report?format=html", None),
    "barrier rules": ("GET", "/api/v1/barrier-rules", None),
    "watch a barrier": ("POST", "/api/v1/barrier-rules", {"barrier": "信息不一致"}),
    "another's barrier rule": ("DELETE", "/api/v1/barrier-rules/1", None),
    "change another's rule": ("PUT", "/api/v1/barrier-rules/1", {"words": "公积金"}),
    "see classes": ("GET", "/api/v1/classes", None),
    "propose classes": ("POST", "/api/v1/classes/propose", None),
    "reject class": ("POST", "/api/v1/classes/{id}/reject", {}),
    "split class": ("POST", "/api/v1/classes/{id}/split", {"case_ids": [FULL.id]}),
    "assign cases": ("POST", "/api/v1/classes/assign", {"case_ids": [FULL.id]}),
    "draft playbook": ("POST", "/api/v1/classes/{id}/playbook", None),
    "what changed": ("GET", "/api/v1/changes", None),
    "unmet questions": ("GET", "/api/v1/unmet", None),
    "close unknown question": ("POST", "/api/v1/unmet/999/close", {"reason": "不需要先例"}),
    "read own account": ("GET", "/api/v1/me", None),
    "make token": ("POST", "/api/v1/tokens", {"scopes": ["read"]}),
    "revoke another's token": ("DELETE", "/api/v1/tokens/1", None),
    "list accounts": ("GET", "/api/v1/accounts", None),
    "make account": ("POST", "/api/v1/accounts", {"id": "xin", "hall_code": HALL, "roles": ["window"]}),
    "change account": ("PATCH", "/api/v1/accounts/owner", {"name": "导办台"}),
    "machine of the site": ("GET", "/-/versions.json", None),
}
#: Pages that show the same things, and which row of the table says who sees them.
PAGES = {
    "/case/{id}": "read case", "/cases": "list cases", "/halls": "list halls", "/export?format=csv": "export",
    "/": "search", "/library/cases": "table of cases", "/drafts": "list drafts", "/drafts/new": "write draft",
    "/draft/{id}": "read draft", "/upload": "list uploads", "/watches": "watch", "/policy": "what changed",
    "/classes": "see classes", "/class/{id}": "see classes", "/barriers": "barriers", "/barriers/pictures": "barriers",
    "/barriers/watch": "barrier rules", "/barrier/{id}": "barrier of a class",
    "/unmet": "unmet questions", "/accounts": "list accounts", "/me": "make token", "/review": "return draft",
    "/review/{id}": "return draft", "/playbooks": "list playbooks", "/playbook/{id}": "read playbook",
    "/playbook/{id}/edit": "change playbook", "/rules": "say a rule changed",
}  # fmt: skip

DRAFTS = {
    stage: Case(f"{stage:0<12}", hall={"code": HALL, "name": "闽侯县"}, demand="想办一件难事", measure="协调以后办成了")
    for stage in submissions.STAGES
}
IDS = {"published": FULL.id, "withdrawn": WITHDRAWN.id, "-": "", **{stage: case.id for stage, case in DRAFTS.items()}}
HEAD, *LINES = (line for line in MATRIX.splitlines() if line)
WHO = HEAD.split()[2:]
AT = HEAD.index("state")


def _rows() -> Iterator[Any]:
    for line in LINES:
        action, (state, *expected) = line[:AT].strip(), line[AT:].split()
        yield pytest.param(action, state, dict(zip(WHO, expected, strict=True)), id=f"{action}, {state}")


@pytest.fixture(autouse=True)
def _whole_house() -> Iterator[None]:
    with only(*OURS):
        yield


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, str]]]:
    """A closed library with a thing in every state, and the cookies of everybody in the table."""
    folder = tmp_path_factory.mktemp("matrix") / "kb-data"
    folder.mkdir()
    (folder / "kb.toml").write_text('[embedding]\nmodel = "fake"\n', "utf-8")
    settings = fill(Settings(folder, embedding_model="fake"))
    cookies: dict[str, dict[str, str]] = {"stranger": {}}
    sign_in(settings, "window", "submit", account="owner")
    for who in WHO[1:]:
        hall = OTHER if who.endswith("°") else HALL
        cookies[who] = sign_in(settings, who.rstrip("°"), hall=hall)
    with Store(settings) as store:
        store.save_drafts([Draft(case, []) for case in DRAFTS.values()], "owner")
        for stage, case in DRAFTS.items():
            submissions.put(store, [case.id], stage, "owner", HALL)
        book = Playbook(title="楼栋号对不上", obstacle="写得不一样", steps=[{"action": "出说明"}], case_ids=[FULL.id])
        IDS["sketched"], IDS["trial"] = (playbooks.create(store, book, "owner").id for _ in range(2))
        playbooks.set_state(store, IDS["trial"], "trial", "owner")
        IDS["class"] = classes.make(store, [FULL.id, BARE.id], "owner").id
        assert watch.add(store, "owner", words="公积金") == 1
        store.workbench.table("watches").insert({"id": 1, "account": "owner", "question": "公积金"})
        store.workbench.table("tokens").insert({"id": 1, "digest": "-", "account": "owner", "scopes": "[]",
                                                "expires": "", "revoked": ""})  # fmt: skip
        for each in (store.library, store.workbench):
            each.conn.execute("pragma wal_checkpoint(truncate)")
    return folder, cookies


@pytest.mark.parametrize(("action", "state", "expected"), list(_rows()))
async def test_everybody_may_what_the_table_says_and_no_more(
    action: str, state: str, expected: dict[str, str], tmp_path: Path, filled: Any
) -> None:
    folder, cookies = filled
    method, path, body = ACTIONS[action]
    found = {}
    site = None
    for who in WHO:
        # Everybody comes to the same library: what one did is undone for the next.
        if site is None or (method != "GET" and "ok" in found.values()):
            site = serve.make_datasette(Settings(Path(shutil.copytree(folder, tmp_path / who))))
        answer = await site.client.request(method, path.format(id=IDS[state]), cookies=cookies[who],
                                           headers={"X-KB": "1"}, **_sent(body))  # fmt: skip
        found[who] = "ok" if answer.status_code < 300 else str(answer.status_code)
        assert answer.status_code < 500 and (found[who] == "ok" or DRAFTS["writing"].demand not in answer.text)
    assert found == expected


def _sent(body: Any) -> dict[str, Any]:
    return {"content": body} if isinstance(body, bytes) else {"json": body}


@pytest.mark.parametrize("path", PAGES)
async def test_pages_show_what_the_table_allows(path: str, tmp_path: Path, filled: Any) -> None:
    folder, cookies = filled
    site = serve.make_datasette(Settings(Path(shutil.copytree(folder, tmp_path / "kb-data"))))
    rows = {(row.values[0], row.values[1]): row.values[2] for row in _rows()}
    things = ("submitted", "-", "published", "trial", "class")
    state = next(state for action, state in rows if action == PAGES[path] and state in things)
    found = {}
    for who in WHO:
        answer = await site.client.get(path.format(id=IDS[state]), cookies=cookies[who])
        found[who] = "ok" if answer.status_code < 300 else str(answer.status_code)
        assert found[who] == "ok" or DRAFTS["writing"].demand not in answer.text
    expected = rows[PAGES[path], state]
    assert found == {**expected, "stranger": "302"}


ALONE = ("/barriers", "/barriers/pictures", "/barriers/compare", "/barriers/prerequisites", "/barriers/cases",
         "/classes", "/policy", "/policy/cases", "/unmet", "/playbooks", "/api/v1/barriers", "/api/v1/barriers/compare",
         "/api/v1/barriers/prerequisites", "/api/v1/barriers/report?format=html", "/api/v1/classes", "/api/v1/changes",
         "/api/v1/unmet")  # fmt: skip


async def test_where_there_is_no_account_everybody_may_look_and_nobody_may_change(tmp_path: Path) -> None:
    folder = tmp_path / "kb-data"
    settings = fill(Settings(folder, embedding_model="fake"))
    (folder / "kb.toml").write_text('[embedding]\nmodel = "fake"\n', "utf-8")
    with Store(settings) as store:
        made = classes.make(store, [FULL.id, BARE.id], "owner").id
    site = serve.make_datasette(settings)
    for path in (*ALONE, f"/class/{made}", f"/barrier/{made}", f"/api/v1/barriers/{made}"):
        assert (await site.client.get(path)).status_code == 200, path
    home = (await site.client.get("/")).text
    assert all(f">{label}</a>" in home for label in ("一类事", "归类", "政策"))
    for path in ("/classes", f"/class/{made}", f"/barrier/{made}", "/unmet", "/barriers"):
        page = (await site.client.get(path)).text
        assert "data-api" not in page and "/barriers/watch" not in page, path
    told = await site.client.get("/barriers/watch", follow_redirects=True)
    assert told.status_code == 200 and "还没有账号" in told.text
    for (method, path), operation in _operations(site).items():
        if method != "GET" and operation.get("x-right", "read") != "read":
            answer = await site.client.request(method, path.replace("{id}", made), headers={"X-KB": "1"}, json={})
            assert answer.status_code == 401, (method, path)
    for name in ("barrier-rules", "barrier-notices", "drafts", "accounts", "me"):
        assert (await site.client.get(f"/api/v1/{name}")).status_code == 401, name

    sign_in(settings, "window")
    for path in (*ALONE, f"/class/{made}", f"/barrier/{made}"):
        assert (await site.client.get(path)).status_code in (302, 401), path


async def test_a_library_that_is_closed_is_so_without_accounts(tmp_path: Path) -> None:
    folder = tmp_path / "kb-data"
    fill(Settings(folder, embedding_model="fake"))
    (folder / "kb.toml").write_text('[embedding]\nmodel = "fake"\n[access]\nopen = false\n', "utf-8")
    site = serve.make_datasette(config.load(folder))
    for path in ALONE:
        assert (await site.client.get(path)).status_code in (302, 401, 403), path


def test_every_role_and_right_is_in_the_table() -> None:
    assert {who.rstrip("°") for who in WHO} == {"stranger", *ROLES}
    used = {line[:AT].strip() for line in LINES}
    assert used == set(ACTIONS) and set(PAGES.values()) <= used


def _operations(site: Any) -> dict[tuple[str, str], dict[str, Any]]:
    from kb.web.api import METHODS, ROOT, document

    return {(method.upper(), ROOT + path): operation for path, item in document(site)["paths"].items()
            for method, operation in item.items() if method in METHODS}  # fmt: skip


async def test_no_operation_of_the_api_is_left_open(tmp_path: Path, filled: Any) -> None:
    folder, _ = filled
    site = serve.make_datasette(Settings(Path(shutil.copytree(folder, tmp_path / "kb-data"))))
    await site.client.get("/login")
    operations = _operations(site)
    assert len(operations) > 30
    for (method, path), operation in operations.items():
        assert operation.get("x-right", "read") in rights()["actions"], path
        for headers in ({"X-KB": "1"}, {"X-KB": "1", "Authorization": "Bearer kb_forged"}):
            answer = await site.client.request(method, path.replace("{id}", FULL.id), headers=headers, json={})
            assert answer.status_code == 401, (method, path)


async def test_no_operation_that_changes_anything_is_done_for_another_site(tmp_path: Path, filled: Any) -> None:
    folder, cookies = filled
    site = serve.make_datasette(Settings(Path(shutil.copytree(folder, tmp_path / "kb-data"))))
    await site.client.get("/login")
    for method, path in _operations(site):
        if method != "GET":
            for headers in ({}, {"X-KB": "1", "Sec-Fetch-Site": "cross-site"}, {"Content-Type": "text/plain"}):
                answer = await site.client.request(method, path.replace("{id}", FULL.id), headers=headers,
                                                   cookies=cookies["review"], json={})  # fmt: skip
                assert answer.status_code == 403, (method, path)


@pytest.mark.parametrize("scope", ["feed", "read", "submit", "review", "admin"])
async def test_a_token_never_does_more_than_its_account(scope: str, tmp_path: Path, filled: Any) -> None:
    """A clerk's account, with a token that somebody gave every scope by hand."""
    from kb.accounts import sessions

    folder, _ = filled
    settings = Settings(Path(shutil.copytree(folder, tmp_path / "kb-data")))
    with Store(settings) as store:
        store.workbench.table("tokens").insert(
            {"id": 9, "digest": sessions.digest(f"kb_{scope}"), "account": "window-350121", "scopes": f'["{scope}"]',
             "created": "", "expires": "", "used": "", "revoked": ""}
        )  # fmt: skip
    site = serve.make_datasette(settings)
    for row in _rows():
        action, state, expected = row.values
        method, path, body = ACTIONS[action]
        if expected["window"] in ("401", "403", "404"):
            answer = await site.client.request(method, path.format(id=IDS[state]), **_sent(body),
                                               headers={"Authorization": f"Bearer kb_{scope}"})  # fmt: skip
            assert answer.status_code in (403, 404), (action, state)
