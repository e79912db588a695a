"""The login, one's own account with its tokens, and the administrator's accounts."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from datasette import Request, Response

from ..accounts import ROLES, Account, demand, people, sessions, tokens
from ..accounts.limits import limits
from ..accounts.rights import rights
from ..accounts.tokens import Token
from ..errors import Fault, Missing, NotSignedIn, Refused, TooLarge, TooOften
from ..fields import regions
from ..store import Store
from . import identity
from .api import Answer, Call, Handler, json_response
from .shell import address, asset_address, render, the_library

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

_MOST_FORM = 10_000  # bytes
_STATIC = Path(__file__).parent / "static"

# Pages


async def login_page(datasette: Datasette, request: Request) -> Response:
    """Show the login; take it when it is sent."""
    if request.method == "POST":
        return await _log_in(datasette, request)
    target = identity.within(request.args.get("next") or "")
    if request.actor:
        return Response.redirect(target or address(datasette, "/"))
    return await _login(datasette, request, target)


async def _log_in(datasette: Datasette, request: Request) -> Response:
    form = await _form(request)
    found = the_library(datasette)
    target, name = identity.within(form.get("next", "")), form.get("account", "")
    client = identity.client_address(found, request)
    try:
        token = await found.store(lambda store: sessions.log_in(store, name, form.get("password", ""), client))
    except (NotSignedIn, TooOften) as fault:
        return await _login(datasette, request, target, name[:40], fault)
    response = Response.redirect(target or address(datasette, "/"))
    _set_cookie(datasette, request, response, token)
    return response


async def _login(
    datasette: Datasette, request: Request, target: str, name: str = "", fault: Fault | None = None
) -> Response:
    empty = not await the_library(datasette).store(people.exist)
    context = {"next": target, "account": name, "fault": fault, "empty": empty}
    return await _render(datasette, request, "kb_login.html", context, fault.status if fault else 200)


async def logout_page(datasette: Datasette, request: Request) -> Response:
    """Ask whether to log out; do it when that is sent."""
    if request.method != "POST":
        return await _render(datasette, request, "kb_login.html", {"leaving": True})
    await _form(request)
    token = request.cookies.get(sessions.COOKIE, "")
    if token:
        await the_library(datasette).store(lambda store: sessions.end(store, token))
    response = Response.redirect(address(datasette, "/login"))
    _set_cookie(datasette, request, response, "", max_age=0)
    return response


async def me_page(datasette: Datasette, request: Request) -> Response:
    """One's own account: who I am, the password, the tokens."""
    demand(request.actor, "token")
    name = request.actor["id"]
    account, own, has_password = await the_library(datasette).store(
        lambda store: (people.get(store, name), tokens.tokens(store, name), people.has_password(store, name))
    )
    usable = tokens.usable_scopes(account)
    context = {
        "account": account, "tokens": [token for token in own if token.live], "has_password": has_password,
        "scopes": {scope: rights()["scope_labels"][scope] for scope in usable},
    }  # fmt: skip
    return await _render(datasette, request, "kb_me.html", context)


async def accounts_page(datasette: Datasette, request: Request) -> Response:
    """The administrator's page: all accounts, by hall."""
    found = await the_library(datasette).store(people.accounts)
    if found:
        demand(request.actor, "accounts")
    halls = [(list(group), key) for key, group in groupby(found, lambda each: (each.hall_code, each.hall_name))]
    return await _render(datasette, request, "kb_accounts.html", {"halls": halls, "count": len(found)})


async def _render(
    datasette: Datasette, request: Request, template: str, context: dict[str, Any], status: int = 200
) -> Response:
    shared = {
        "roles": ROLES, "scope_labels": rights()["scope_labels"], "password": limits()["password"],
        "script": asset_address(datasette, "kb", _STATIC / "people.js"),
        "style": asset_address(datasette, "kb", _STATIC / "people.css"),
    }  # fmt: skip
    return await render(datasette, request, template, {**shared, **context}, status)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form of this site. A first visit has no cookie, and so no csrftoken that Datasette would ask
    for: without this check another site could log somebody in as somebody else."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Refused("请求不是从本站页面发出的")
    body = await request.post_body()
    if len(body) > _MOST_FORM:
        raise TooLarge("填写的内容太长")
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _set_cookie(datasette: Datasette, request: Request, response: Response, token: str, **more: Any) -> None:
    """The login's cookie: gone when the browser is closed, for computers of a hall are shared."""
    response.set_cookie(
        sessions.COOKIE, token, path=str(datasette.urls.path("/")), httponly=True, samesite="lax",
        secure=identity.is_secure(the_library(datasette), request), **more,
    )  # fmt: skip


# API


def _own(call: Call) -> str:
    if call.actor is None:
        raise NotSignedIn("请先登录")
    return str(call.actor["id"])


async def _me(call: Call) -> dict[str, Any]:
    name = _own(call)
    account = await call.library.store(lambda store: people.get(store, name))
    assert call.actor is not None
    return {**_shown(account), "scopes": call.actor["scopes"]}


async def _change_password(call: Call) -> Response:
    name, body = _own(call), call.body
    if body.get("again", body["new"]) != body["new"]:
        raise Fault("两次输入的新密码不一样")
    client = identity.client_address(call.library, call.request)
    token = await call.library.store(
        lambda store: sessions.change_password(store, name, body["old"], body["new"], client)
    )
    response = json_response({"ok": True, "location": "/me"})
    _set_cookie(call.datasette, call.request, response, token)
    return response


async def _tokens(call: Call) -> dict[str, Any]:
    name = _own(call)
    return {"tokens": [_token(token) for token in await call.library.store(lambda store: tokens.tokens(store, name))]}


async def _make_token(call: Call) -> Answer:
    name, body = _own(call), call.body
    text, token = await call.library.store(
        lambda store: tokens.add(store, name, body.get("name", ""), body["scopes"], body.get("days"))
    )
    return Answer({"ok": True, "token": text, **_token(token), "location": "/me"}, 201)


async def _revoke_token(call: Call) -> dict[str, Any]:
    name, number = _own(call), call.path["id"]
    await call.library.store(lambda store: tokens.revoke(store, number, name))
    return {"ok": True, "location": "/me"}


async def _accounts(call: Call) -> dict[str, Any]:
    return {"accounts": [_shown(account) for account in await call.library.store(people.accounts)]}


async def _make_account(call: Call) -> Answer:
    body = call.body
    code, hall_name = people.hall(body["hall_code"], body.get("hall_name", ""))
    account = Account(body["id"], body.get("name", ""), code, hall_name, tuple(body["roles"]))
    password = body.get("password", "")
    await call.library.store(lambda store: people.add(store, account, password))
    return Answer({"ok": True, **_shown(account), "location": "/accounts"}, 201)


async def _change_account(call: Call) -> dict[str, Any]:
    name, body = call.path["id"], call.body

    def work(store: Store) -> Account:
        before = people.get(store, name)
        hall = None
        if "hall_code" in body or "hall_name" in body:
            # A name belongs to its code: a new code without a name gets the name of its area.
            code = body.get("hall_code", before.hall_code)
            kept = before.hall_name if code == before.hall_code else ""
            hall = people.hall(code, body.get("hall_name", kept))
        return people.change(store, name, name=body.get("name"), hall=hall, roles=body.get("roles"),
                             state=body.get("state"), password=body.get("password") or None)  # fmt: skip

    account = await call.library.store(work)
    return {"ok": True, **_shown(account), "location": "/accounts"}


async def _hall(call: Call) -> dict[str, Any]:
    text = call.query["q"].strip()
    region = regions.by_code(text) if text.isdigit() else regions.find(text)
    if region is None:
        raise Missing("没有找到这个地方，请写六位区划码，或者写全地名（如 福州市闽侯县）")
    code, name = regions.hall_of(region)
    return {"code": code, "name": name, "place": "".join(dict.fromkeys(
        part for part in (region.province, region.city, region.county) if part
    ))}  # fmt: skip


def _shown(account: Account) -> dict[str, Any]:
    return {
        "id": account.id, "name": account.name, "hall_code": account.hall_code, "hall_name": account.hall_name,
        "roles": list(account.roles), "role_labels": [ROLES[role] for role in account.roles], "state": account.state,
    }  # fmt: skip


def _token(token: Token) -> dict[str, Any]:
    return {
        "id": token.id, "name": token.name, "scopes": list(token.scopes), "created": token.created,
        "expires": token.expires, "used": token.used, "revoked": token.revoked,
    }  # fmt: skip


ROUTES: list[tuple[str, Any]] = [
    (r"^/login$", login_page), (r"^/logout$", logout_page), (r"^/me$", me_page), (r"^/accounts$", accounts_page),
]  # fmt: skip
HANDLERS: dict[str, Handler] = {
    "me": _me, "changePassword": _change_password, "listTokens": _tokens, "makeToken": _make_token,
    "revokeToken": _revoke_token, "listAccounts": _accounts, "makeAccount": _make_account,
    "changeAccount": _change_account, "findHall": _hall,
}  # fmt: skip
