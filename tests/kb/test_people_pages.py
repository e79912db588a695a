"""The login, one's own account, the administrator's page, and every way to say who one is: through HTTP."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from datasette.app import Datasette

from kb.accounts import Account, limits, people, sessions, tokens
from kb.config import Settings
from kb.store import Store
from kb.web import identity, serve

from ..library import FULL, fill
from ..people import call, sign_in
from ..sites import only

PASSWORD = "楼下的 7 棵银杏"
OTHER = "窗外有三只花喜鹊"
CLERK = Account("minhou.ck3", "综合窗口 3 号", "350121", "闽侯县", ("window", "submit"))
GATEWAY = "10.8.0.1"


@pytest.fixture(autouse=True)
def _ground_floor_only() -> Iterator[None]:
    with only("kb.web.plugin"):
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return fill(Settings(tmp_path / "kb-data"))


@pytest.fixture
def site(settings: Settings) -> Datasette:
    """A closed library, with one clerk's account."""
    with Store(settings) as store:
        people.add(store, CLERK, PASSWORD)
    return serve.make_datasette(settings)


def with_gateway(settings: Settings) -> Datasette:
    """The same with a gateway that tells who it is."""
    (settings.data_dir / "kb.toml").write_text(f'[access]\nheader = "X-Account"\nproxies = ["{GATEWAY}"]\n', "utf-8")
    return serve.make_datasette(settings)


async def from_address(site: Datasette, address: str, path: str, **more: Any) -> httpx.Response:
    """A request as it comes from a machine that is not this one."""
    transport = httpx.ASGITransport(app=site.app(), client=(address, 40000))
    async with httpx.AsyncClient(transport=transport, base_url="http://hall.example") as client:
        return await client.request(more.pop("method", "GET"), path, **more)


async def log_in(site: Datasette, password: str = PASSWORD, **more: Any) -> httpx.Response:
    """Fill in the form as a browser does: with the cookie and the csrftoken of the page."""
    page = await site.client.get("/login")
    found = re.search(r'name="csrftoken" value="([^"]+)"', page.text)
    assert found
    form = {"csrftoken": found[1], "account": CLERK.id, "password": password, **more.pop("form", {})}
    return await site.client.post("/login", data=form, cookies=dict(page.cookies), **more)


# Strangers


@pytest.mark.parametrize(
    "path", ["/", "/cases?domain=%E4%BD%8F", f"/case/{FULL.id}", "/library/cases", "/me", "/accounts"]
)
async def test_a_stranger_at_a_closed_library_is_led_to_the_login_and_back(site: Datasette, path: str) -> None:
    answer = await site.client.get(path)
    assert answer.status_code == 302
    target = httpx.URL(answer.headers["location"])
    assert target.path == "/login" and target.params["next"] == path
    done = await log_in(site, form={"next": target.params["next"]})
    assert done.headers["location"] == path


@pytest.mark.parametrize("path", ["/library/cases.json", "/library.json", f"/case/{FULL.id}.json", "/api/v1/me",
                                  "/api/v1/openapi.json", "/-/versions.json", "/feed.atom"])  # fmt: skip
async def test_programs_without_login_get_401(site: Datasette, path: str) -> None:
    answer = await site.client.get(path)
    assert answer.status_code == 401 and FULL.title not in answer.text


async def test_nothing_of_a_closed_library_is_on_the_login_page(site: Datasette) -> None:
    page = await site.client.get("/login")
    assert page.status_code == 200 and "autocomplete=\"current-password\"" in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"] and "style=" not in page.text


async def test_without_accounts_everybody_reads_and_pages_say_how_to_begin(settings: Settings) -> None:
    site = serve.make_datasette(settings)
    assert (await site.client.get(f"/case/{FULL.id}")).status_code == 200
    assert (await site.client.get("/-/versions.json")).status_code == 200
    for path in ("/login", "/accounts"):
        assert "kb account add" in (await site.client.get(path)).text
    assert (await call(site, "GET", "/accounts")).status_code == 401
    assert (await call(site, "POST", "/accounts", json={})).status_code == 401


async def test_an_open_library_is_read_by_strangers_but_not_asked_in_sql(settings: Settings) -> None:
    (settings.data_dir / "kb.toml").write_text("[access]\nopen = true\n", "utf-8")
    sign_in(settings, "admin")
    site = serve.make_datasette(settings)
    assert (await site.client.get(f"/case/{FULL.id}")).status_code == 200
    assert (await site.client.get("/library.json?sql=select+1")).status_code == 401
    assert (await site.client.get("/-/versions.json")).status_code == 401
    assert (await site.client.get("/me")).headers["location"].startswith("/login")


# Logging in and out


async def test_who_knows_the_password_comes_in_and_goes_out_again(site: Datasette, settings: Settings) -> None:
    done = await log_in(site)
    assert done.status_code == 302 and done.headers["location"] == "/"
    cookie = done.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "secure" not in cookie and "max-age" not in cookie
    cookies = {sessions.COOKIE: done.cookies[sessions.COOKIE]}
    me = await site.client.get("/me", cookies=cookies)
    assert me.status_code == 200
    for shown in (CLERK.id, CLERK.name, "闽侯县", "350121", "窗口", "报送", "查询和统计"):
        assert shown in me.text
    page = await site.client.get("/logout", cookies=cookies)
    token = re.search(r'name="csrftoken" value="([^"]+)"', page.text)
    assert token
    cookies |= dict(page.cookies)
    assert (await site.client.post("/logout", data={}, cookies=cookies)).status_code == 403
    assert (await site.client.get("/me", cookies=cookies)).status_code == 200
    left = await site.client.post("/logout", data={"csrftoken": token[1]}, cookies=cookies)
    assert left.status_code == 302 and f'{sessions.COOKIE}="";' in left.headers["set-cookie"]
    assert "Max-Age=0" in left.headers["set-cookie"]
    assert (await site.client.get("/me", cookies=cookies)).status_code == 302


async def test_a_wrong_password_is_told_without_telling_more(site: Datasette) -> None:
    wrong = await log_in(site, "wrong")
    unknown = await log_in(site, "wrong", form={"account": "<b>nobody"})
    for answer in (wrong, unknown):
        assert answer.status_code == 401 and "登录名或密码不对" in answer.text
        assert "set-cookie" not in answer.headers or sessions.COOKIE not in answer.headers["set-cookie"]
    assert 'value="minhou.ck3"' in wrong.text and "wrong" not in wrong.text
    assert "&lt;b&gt;nobody" in unknown.text


async def test_too_many_failures_lock_and_say_until_when(site: Datasette) -> None:
    for _ in range(limits.limits()["failures"]["name"]["most"]):
        assert (await log_in(site, "wrong")).status_code == 401
    locked = await log_in(site)
    assert locked.status_code == 429 and re.search(r"请过 15 分钟（\d\d:\d\d 以后）再试", locked.text)


async def test_failures_count_by_the_address_behind_a_trusted_proxy_alone(settings: Settings, site: Datasette) -> None:
    site = with_gateway(settings)
    seen = []

    async def attempt(peer: str, forwarded: str) -> None:
        await from_address(site, peer, "/login", method="POST", data={"account": "x", "password": "y"},
                           headers={"X-Forwarded-For": forwarded})  # fmt: skip
        with Store(settings) as store:
            seen.append({row["key"] for row in store.workbench.query("select key from login_failures")})

    for peer, forwarded in ((GATEWAY, "1.1.1.1, 2.2.2.2"), (GATEWAY, "9.9.9.9, 2.2.2.2"), (GATEWAY, "3.3.3.3"),
                            ("4.4.4.4", "5.5.5.5"), ("4.4.4.4", "6.6.6.6")):  # fmt: skip
        await attempt(peer, forwarded)
    assert [len(keys) for keys in seen] == [2, 2, 3, 4, 4]  # one of them is that of the name


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "javascript:alert(1)", "evil",
     "/%0d%0aSet-Cookie:a=b\r\n", "/\t/evil.example", " //evil.example", "///evil.example", "/中文", "http:/x", ""],
)  # fmt: skip
async def test_a_login_leads_to_this_site_alone(site: Datasette, target: str) -> None:
    assert identity.within(target) == ""
    assert (await log_in(site, form={"next": target})).headers["location"] == "/"
    page = await site.client.get("/login", params={"next": target})
    assert 'name="next" value=""' in page.text


@pytest.mark.parametrize("said", ["cross-site", "same-site"])
async def test_another_site_logs_nobody_in_or_out(site: Datasette, said: str) -> None:
    for path in ("/login", "/logout"):
        form = {"account": CLERK.id, "password": PASSWORD}
        answer = await site.client.post(path, data=form, headers={"Sec-Fetch-Site": said})
        assert answer.status_code == 403 and "set-cookie" not in answer.headers


async def test_a_huge_or_garbled_form_is_refused(site: Datasette) -> None:
    assert (await site.client.post("/login", content=b"account=" + b"a" * 20_000)).status_code == 413
    assert (await site.client.post("/login", content=b"account=\xff\xfe&password=%ff")).status_code == 401


async def test_the_cookie_is_secure_where_the_client_speaks_https(settings: Settings, site: Datasette) -> None:
    site = with_gateway(settings)
    form = {"account": CLERK.id, "password": PASSWORD}
    for peer, url, forwarded, secure in (
        (GATEWAY, "/login", "https", True), ("10.9.9.9", "/login", "https", False),
        ("10.9.9.9", "https://hall.example/login", "", True), (GATEWAY, "/login", "http", False),
    ):  # fmt: skip
        answer = await from_address(site, peer, url, method="POST", data=form, headers={"X-Forwarded-Proto": forwarded})
        assert answer.status_code == 302
        assert ("secure" in answer.headers["set-cookie"].lower()) is secure, (peer, url, forwarded)


# Who asks


async def _who(site: Datasette, **more: Any) -> tuple[int, str]:
    answer = await site.client.get("/api/v1/me", **more)
    return answer.status_code, answer.json().get("id", "")


async def test_sessions_that_are_forged_expired_or_of_removed_accounts_open_nothing(
    site: Datasette, settings: Settings
) -> None:
    cookies = sign_in(settings, "window", account="w1")
    assert await _who(site, cookies=cookies) == (200, "w1")
    forged = cookies[sessions.COOKIE][:-1] + "_"
    for token in (forged, "", "x" * 5000, "' or 1=1 --", sessions.digest(cookies[sessions.COOKIE])):
        assert await _who(site, cookies={sessions.COOKIE: token}) == (401, "")
    with Store(settings) as store:
        store.workbench.execute("update sessions set expires = ?", [datetime.datetime(2020, 1, 1).isoformat()])
    assert await _who(site, cookies=cookies) == (401, "")
    cookies = sign_in(settings, "window", account="w1")
    with Store(settings) as store:
        people.remove(store, "w1")
    assert await _who(site, cookies=cookies) == (401, "")
    assert (await site.client.get("/me", cookies=cookies)).status_code == 302


async def test_datasettes_own_logins_open_nothing(site: Datasette) -> None:
    root = site.sign({"a": {"id": "root", "roles": ["admin"]}}, "actor")
    assert await _who(site, cookies={"ds_actor": root}) == (401, "")
    assert (await site.client.get(f"/-/auth-token?token={site._root_token}")).status_code in (401, 403)


async def test_a_cookie_that_nobody_can_read_is_no_cookie(site: Datasette) -> None:
    for header in ("a@b=c; kb_session=x", "kb_session", "=;;;", '"'):
        assert (await site.client.get("/login", headers={"Cookie": header})).status_code == 200


async def test_a_token_that_is_shown_must_be_right(site: Datasette, settings: Settings) -> None:
    cookies = sign_in(settings, "admin", account="guanli")
    with Store(settings) as store:
        text, token = tokens.add(store, CLERK.id, "", ["read"])
    right = {"Authorization": f"Bearer {text}"}
    assert await _who(site, headers=right) == (200, CLERK.id)
    assert await _who(site, headers={"Authorization": f"bearer  {text} "}) == (200, CLERK.id)
    assert await _who(site, headers=right, cookies=cookies) == (200, CLERK.id)
    for wrong in (f"Bearer {text}x", "Bearer", "Bearer kb_", f"Bearer {cookies[sessions.COOKIE]}"):
        assert await _who(site, headers={"Authorization": wrong}, cookies=cookies) == (401, "")
        page = await site.client.get("/", headers={"Authorization": wrong}, cookies=cookies)
        assert page.status_code == 401 and FULL.title not in page.text
    # What a browser may send by itself neither opens anything nor stands for the header of our script.
    basic = {"Authorization": "Basic Z3Vhbmxp"}
    assert await _who(site, headers=basic) == (401, "")
    posted = await site.client.post("/api/v1/tokens", json={"scopes": ["read"]}, cookies=cookies, headers=basic)
    assert posted.status_code == 403
    with Store(settings) as store:
        tokens.revoke(store, token.id)
    assert await _who(site, headers=right, cookies=cookies) == (401, "")


async def test_a_token_does_what_its_scopes_say(site: Datasette, settings: Settings) -> None:
    sign_in(settings, "admin", "review", "policy", account="chief")
    shown = {}
    with Store(settings) as store:
        for scope in ("feed", "read", "submit", "review", "admin"):
            shown[scope] = {"Authorization": f"Bearer {tokens.add(store, 'chief', '', [scope])[0]}"}
    for path, allowed in {
        f"/case/{FULL.id}.json": {"read", "submit", "review", "admin"},
        "/library.json?sql=select+1": {"read"},
        "/api/v1/accounts": {"admin"},
        "/-/versions.json": {"admin"},
        "/api/v1/tokens": set(),
        "/me": set(),
    }.items():
        for scope, headers in shown.items():
            answer = await site.client.get(path, headers=headers)
            assert answer.status_code == (200 if scope in allowed else 403), (path, scope)
    for path in ("/tokens", "/me/password"):
        body = {"scopes": ["read"], "old": PASSWORD, "new": OTHER}
        for headers in shown.values():
            assert (await call(site, "POST", path, headers=headers, json=body)).status_code in (400, 403)


async def test_a_feed_token_may_stand_in_the_address_of_the_feed_alone(site: Datasette, settings: Settings) -> None:
    with Store(settings) as store:
        feed, _ = tokens.add(store, CLERK.id, "", ["feed"])
    for path in ("/cases", "/api/v1/me", "/login"):
        answer = await site.client.get(f"{path}?key={feed}")
        assert answer.status_code in (200, 302, 401) and CLERK.name not in answer.text and FULL.title not in answer.text
    assert (await site.client.get("/feed.atom?key=kb_wrong")).status_code == 401
    assert (await site.client.get(f"/feed.atom?key={feed}")).status_code == 200
    assert (await site.client.get("/feed.atom", headers={"Authorization": f"Bearer {feed}"})).status_code == 200


async def test_the_gateway_is_believed_from_its_address_alone(settings: Settings, site: Datasette) -> None:
    site = with_gateway(settings)
    sign_in(settings, "admin", account="guanli")
    with Store(settings) as store:
        people.add(store, replace(CLERK, id="closed"), PASSWORD)
        people.remove(store, "closed")

    async def who(address: str, name: str, **more: Any) -> int | str:
        answer = await from_address(site, address, "/api/v1/me", headers={"X-Account": name}, **more)
        return str(answer.json().get("id", answer.status_code))

    assert await who(GATEWAY, CLERK.id) == CLERK.id
    assert await who(GATEWAY, "guanli") == "guanli"
    for address in ("10.9.9.9", "127.0.0.1", "::1"):
        assert await who(address, CLERK.id) == "401"
    for name in ("closed", "nobody", "", CLERK.id.upper()):
        assert await who(GATEWAY, name) == "401"
    cookies = sign_in(settings, "admin", account="guanli")
    assert await who("10.9.9.9", CLERK.id, cookies=cookies) == "guanli"
    assert await who(GATEWAY, "nobody", cookies=cookies) == "401"
    forwarded = await from_address(site, "10.9.9.9", "/api/v1/me",
                                   headers={"X-Account": CLERK.id, "X-Forwarded-For": GATEWAY})  # fmt: skip
    assert forwarded.status_code == 401
    # Whoever came through the gateway still needs the header of our script to change anything.
    forged = await from_address(site, GATEWAY, "/api/v1/tokens", method="POST", json={"scopes": ["read"]},
                                headers={"X-Account": CLERK.id})  # fmt: skip
    assert forged.status_code == 403


async def test_without_a_gateway_no_header_is_believed(site: Datasette) -> None:
    for name in ("X-Account", "X-Remote-User", "Remote-User", "X-Forwarded-User"):
        assert await _who(site, headers={name: CLERK.id}) == (401, "")


# Datasette's technical pages

MACHINE = ("databases", "plugins", "versions", "settings", "threads", "metadata", "actor")


@pytest.mark.parametrize("name", MACHINE)
async def test_pages_about_the_machine_are_for_administrators(site: Datasette, settings: Settings, name: str) -> None:
    admin, policy = sign_in(settings, "admin"), sign_in(settings, "policy", "review")
    for path in (f"/-/{name}", f"/-/{name}.json"):
        assert (await site.client.get(path, cookies=admin)).status_code == 200
        assert (await site.client.get(path, cookies=policy)).status_code == 403
        assert (await site.client.get(path)).status_code in (302, 401)
    for path in (f"/-/{name}/", f"/-/%{ord(name[0]):x}{name[1:]}", f"//-/{name}", f"/./-/{name}"):
        assert "sqlite" not in (await site.client.get(path, cookies=policy)).text


@pytest.mark.parametrize("name", ["config", "config.json"])
async def test_the_old_names_of_settings_are_shut_too(site: Datasette, settings: Settings, name: str) -> None:
    assert (await site.client.get(f"/-/{name}", cookies=sign_in(settings, "window"))).status_code == 403


@pytest.mark.parametrize("name", ["allow-debug", "permissions", "messages", "auth-token", "patterns"])
async def test_pages_that_try_out_datasettes_rights_are_for_nobody(
    site: Datasette, settings: Settings, name: str
) -> None:
    for cookies in (sign_in(settings, "admin"), None):
        assert (await site.client.get(f"/-/{name}", cookies=cookies)).status_code == 403
    assert (await site.client.post(f"/-/{name}", data={"message": "x"})).status_code == 403


# One's own account


async def test_a_password_is_changed_for_the_old_one(site: Datasette, settings: Settings) -> None:
    with Store(settings) as store:
        cookies, elsewhere = ({sessions.COOKIE: sessions.begin(store, CLERK)} for _ in range(2))
    for body, status in (
        ({"old": "wrong", "new": OTHER}, 403), ({"old": PASSWORD, "new": "short"}, 400),
        ({"old": PASSWORD, "new": OTHER, "again": OTHER + "x"}, 400), ({"old": PASSWORD}, 400),
        ({"old": PASSWORD, "new": "12345678"}, 400),
    ):  # fmt: skip
        answer = await call(site, "POST", "/me/password", cookies, json=body)
        assert answer.status_code == status and PASSWORD not in answer.text and OTHER not in answer.text
    done = await call(site, "POST", "/me/password", cookies, json={"old": PASSWORD, "new": OTHER, "again": OTHER})
    assert done.status_code == 200
    assert await _who(site, cookies=elsewhere) == (401, "") == await _who(site, cookies=cookies)
    assert await _who(site, cookies=dict(done.cookies)) == (200, CLERK.id)
    assert (await log_in(site, OTHER)).status_code == 302 and (await log_in(site)).status_code == 401


async def test_guessing_the_old_password_is_limited_too(site: Datasette, settings: Settings) -> None:
    with Store(settings) as store:
        cookies = {sessions.COOKIE: sessions.begin(store, CLERK)}
    most = limits.limits()["failures"]["name"]["most"]
    body = {"old": "wrong", "new": OTHER}
    found = [(await call(site, "POST", "/me/password", cookies, json=body)).status_code for _ in range(most + 1)]
    assert found == [403] * most + [429]


async def test_tokens_are_made_shown_once_and_ended(site: Datasette, settings: Settings) -> None:
    cookies = sign_in(settings, "window", "submit", account="w1")
    other = sign_in(settings, "admin", account="guanli")
    made = await call(site, "POST", "/tokens", cookies, json={"name": "<b>报送", "scopes": ["submit"], "days": 30})
    assert made.status_code == 201
    token = made.json()
    assert token["token"].startswith("kb_") and token["expires"] > token["created"]
    page = (await site.client.get("/me", cookies=cookies)).text
    assert "&lt;b&gt;报送" in page and token["token"] not in page
    listed = (await call(site, "GET", "/tokens", cookies)).json()["tokens"]
    assert [each["id"] for each in listed] == [token["id"]] and "token" not in listed[0]
    assert (await call(site, "GET", "/tokens", other)).json()["tokens"] == []
    assert (await call(site, "DELETE", f"/tokens/{token['id']}", other)).status_code == 404
    assert (await call(site, "DELETE", f"/tokens/{token['id']}", cookies)).status_code == 200
    assert await _who(site, headers={"Authorization": f"Bearer {token['token']}"}) == (401, "")
    assert (await call(site, "DELETE", "/tokens/99999", cookies)).status_code == 404
    for scopes in ([], ["review"], ["admin"], ["x"]):
        assert (await call(site, "POST", "/tokens", cookies, json={"scopes": scopes})).status_code == 400


# Administration


async def test_an_administrator_makes_and_changes_accounts(site: Datasette, settings: Settings) -> None:
    cookies = sign_in(settings, "admin", account="guanli")
    body = {"id": "zhuzhou.1", "hall_code": "430200", "roles": ["review"], "password": PASSWORD}
    made = await call(site, "POST", "/accounts", cookies, json=body)
    assert made.status_code == 201 and made.json()["hall_name"] == "株洲市本级"
    assert made.json()["role_labels"] == ["审核"]
    assert (await call(site, "POST", "/accounts", cookies, json=body)).status_code == 409
    for wrong in ({"hall_code": "999999"}, {"roles": []}, {"id": "A B"}, {"password": "short"}, {"roles": ["root"]}):
        answer = await call(site, "POST", "/accounts", cookies, json={**body, "id": "another", **wrong})
        assert answer.status_code == 400, wrong
    changed = await call(site, "PATCH", "/accounts/zhuzhou.1", cookies,
                         json={"name": "审核岗", "hall_code": "350121", "roles": ["review", "policy"]})  # fmt: skip
    assert changed.json()["hall_name"] == "闽侯县" and changed.json()["roles"] == ["review", "policy"]
    kept = await call(site, "PATCH", "/accounts/zhuzhou.1", cookies, json={"password": ""})
    assert kept.json()["name"] == "审核岗"
    with Store(settings) as store:
        assert people.verified(store, "zhuzhou.1", PASSWORD)
    page = (await site.client.get("/accounts", cookies=cookies)).text
    assert page.count("<h2>闽侯县") >= 1 and "zhuzhou.1" in page and "审核岗" in page
    await call(site, "PATCH", "/accounts/zhuzhou.1", cookies, json={"state": "removed"})
    assert "已停用" in (await site.client.get("/accounts", cookies=cookies)).text
    listed = (await call(site, "GET", "/accounts", cookies)).json()["accounts"]
    assert {each["id"]: each["state"] for each in listed}["zhuzhou.1"] == "removed"
    assert "argon2" not in str(listed)
    assert (await call(site, "PATCH", "/accounts/nobody", cookies, json={"name": "x"})).status_code == 404
    assert (await call(site, "PATCH", "/accounts/guanli", cookies, json={"state": "removed"})).status_code == 409


async def test_what_an_administrator_writes_is_shown_as_text(site: Datasette, settings: Settings) -> None:
    cookies = sign_in(settings, "admin", account="guanli")
    evil = "<script>alert(1)</script>\"'"
    body = {"id": "evil", "name": evil, "hall_code": "350121", "hall_name": evil, "roles": ["window"]}
    assert (await call(site, "POST", "/accounts", cookies, json=body)).status_code == 201
    page = (await site.client.get("/accounts", cookies=cookies)).text
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page


@pytest.mark.parametrize(
    ("asked", "found"),
    [("350121", ("350121", "闽侯县", "福建省福州市闽侯县")), ("株洲市", ("430200", "株洲市本级", "湖南省株洲市")),
     ("350182", ("350112", "长乐区", "福建省福州市长乐区")), ("110000", ("110000", "北京市本级", "北京市")),
     ("没有的地方", None), ("999999", None)],
)  # fmt: skip
async def test_a_hall_is_suggested_for_a_code_or_a_place(
    site: Datasette, settings: Settings, asked: str, found: tuple[str, str, str] | None
) -> None:
    answer = await call(site, "GET", f"/hall-name?q={asked}", sign_in(settings, "admin"))
    assert answer.status_code == (200 if found else 404)
    assert found is None or tuple(answer.json().values()) == found


@pytest.mark.parametrize(
    "headers",
    [{"X-KB": ""}, {"X-KB": "0"}, {"X-KB": "1", "Sec-Fetch-Site": "cross-site"},
     {"X-KB": "1", "Sec-Fetch-Site": "same-site"}],
)  # fmt: skip
async def test_what_another_site_makes_a_browser_send_changes_nothing(
    site: Datasette, settings: Settings, headers: dict[str, str]
) -> None:
    cookies = sign_in(settings, "admin", account="guanli")
    for method, path, body in (
        ("PATCH", f"/accounts/{CLERK.id}", {"state": "removed"}), ("POST", "/tokens", {"scopes": ["admin"]}),
        ("POST", "/accounts", {"id": "x1", "hall_code": "350121", "roles": ["admin"]}), ("DELETE", "/tokens/1", {}),
    ):  # fmt: skip
        answer = await call(site, method, path, cookies, headers=headers, json=body)
        assert answer.status_code == 403
    with Store(settings) as store:
        assert {each.id for each in people.accounts(store)} == {CLERK.id, "guanli"}
        assert people.get(store, CLERK.id).state == "active" and tokens.tokens(store) == []


async def test_an_unknown_item_is_answered_with_the_known_ones(site: Datasette, settings: Settings) -> None:
    admin = sign_in(settings, "admin")
    given = await call(site, "PATCH", "/accounts/x", admin, json={"张三的手机": True})
    assert given.status_code == 400
    assert "state" in given.json()["error"]
    assert "张三" not in given.json()["error"]
