"""Who asks, and what they are shown for it: the cookie, the gateway's header, tokens of programs; the way to the login.

Everything goes through `gate` first. Datasette's own logins (`--root`, the cookie ds_actor) open nothing here.
"""

from __future__ import annotations

import re
from http.cookies import CookieError
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from datasette import Request, Response

from ..accounts import may, people, sessions, tokens
from ..errors import Fault, NotSignedIn, Refused
from . import compat, errors
from .shell import Library, address, library, the_library

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

FEED = "/feed.atom"
#: Pages of Datasette that tell about the machine: for administrators, as soon as there are any accounts.
MACHINE = re.compile(r"/-/(databases|plugins|versions|settings|threads|config|metadata|actor)(\.json)?")
#: Pages of Datasette that try out permissions and logins which are not ours: for nobody.
SHUT = re.compile(r"/-/(allow-debug|permissions|messages|auth-token|logout|patterns)(\.json)?")
#: What programs fetch is answered with a status, not with a login page.
_FOR_PROGRAMS = re.compile(r"/api/.*|.*\.(json|csv|atom|jsonl|blob|db)")


def gate(datasette: Datasette, app: Any) -> Any:
    """ASGI: find out who asks before anything else does, and shut what Datasette would leave open."""

    async def gated(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        scope = _readable(scope)
        # No form stands on the page of an error, so that no token against forged forms is needed.
        request = Request({**scope, "actor": None, "csrftoken": str}, receive)
        try:
            actor = await actor_of(datasette, request)
            request.scope["actor"] = actor
            await _admit(datasette, request, actor)
        except Fault as fault:
            await datasette.invoke_startup()
            shown = errors.answer if _shows_token(request) else answer
            await (await shown(datasette, request, fault)).asgi_send(send)
            return
        await app({**scope, "actor": actor}, receive, send)

    return gated


async def actor_of(datasette: Datasette, request: Request) -> dict[str, Any] | None:
    """The actor of a request, None for a stranger. A token that is shown must be right: raises NotSignedIn."""
    found = the_library(datasette)
    token = _token(datasette, request)
    if token is not None:
        return await _by_token(datasette, request, found, token)
    header = found.settings.access.header
    if header and header in request.headers and _from_proxy(found, request):
        # The gateway's word is final: an older cookie may be that of whoever sat here before.
        return await _by_name(found, request.headers[header])
    cookie = request.cookies.get(sessions.COOKIE, "")
    account = await found.store(lambda store: sessions.account_of(store, cookie)) if cookie else None
    return account.actor() if account else None


async def allowed(datasette: Datasette, actor: dict[str, Any] | None, action: str, resource: Any = None) -> bool | None:
    """What Datasette's permission check is told: False to refuse, None to leave it to the metadata (`allow` blocks)."""
    found = library(datasette)
    if not found:
        return None
    if action in ("view-instance", "view-database", "view-table", "view-query"):
        return None if may(actor, "read") or await is_open(datasette) else False
    if action == "execute-sql":
        return None if may(actor, "sql") or not await found.store(people.exist) else False
    return False


async def is_open(datasette: Datasette) -> bool:
    """Whether strangers may read what is published."""
    found = the_library(datasette)
    said = found.settings.access.open
    return not await found.store(people.exist) if said is None else said


async def answer(datasette: Datasette, request: Request, exception: Exception) -> Response:
    """The page for an exception; a stranger who wants to read a page is sent to the login instead."""
    refused = isinstance(exception, compat.Forbidden)
    if request.actor is None and (refused or isinstance(exception, NotSignedIn)):
        known = await the_library(datasette).store(people.exist)
        if request.method in ("GET", "HEAD") and not _FOR_PROGRAMS.fullmatch(request.path) and (known or not refused):
            return Response.redirect(address(datasette, "/login", next=request.full_path))
        if known and refused:
            exception = NotSignedIn("请先登录")
    return await errors.answer(datasette, request, exception)


def within(target: str) -> str:
    """`target` if it is a page of this site, else nothing: a login must not lead to another site."""
    parts = urlsplit(target) if re.fullmatch(r"/[!-\[\]-~]*", target) else None
    if parts is None or target.startswith("//") or parts.scheme or parts.netloc:
        return ""
    return target


def is_secure(found: Library, request: Request) -> bool:
    """Whether the client speaks https, to us or to the proxy before us."""
    said = request.headers.get("x-forwarded-proto", "") if _from_proxy(found, request) else ""
    return "https" in (request.scheme, said.split(",")[-1].strip().lower())


def client_address(found: Library, request: Request) -> str:
    """The address of the client, as the nearest machine that is not a trusted proxy is seen."""
    if not _from_proxy(found, request):
        return _peer(request)
    hops = [hop.strip() for hop in request.headers.get("x-forwarded-for", "").split(",") if hop.strip()]
    return next((hop for hop in reversed(hops) if hop not in found.settings.access.proxies), _peer(request))


async def _admit(datasette: Datasette, request: Request, actor: dict[str, Any] | None) -> None:
    path = compat.route_path(datasette, request)
    if SHUT.fullmatch(path):
        raise Refused("这一页没有开放")
    if MACHINE.fullmatch(path) and not may(actor, "accounts") and await the_library(datasette).store(people.exist):
        raise NotSignedIn("请先登录") if actor is None else Refused("只有管理员能看这一页")


def _readable(scope: Any) -> Any:
    """`scope` without cookies that Python cannot read: everything behind would fail over them."""
    try:
        Request(scope, None).cookies  # noqa: B018
    except CookieError:
        return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name.lower() != b"cookie"]}
    return scope


def _shows_token(request: Request) -> bool:
    return "authorization" in request.headers


def _token(datasette: Datasette, request: Request) -> str | None:
    """The token that a program shows; feed readers, which can send no header, show it in the address of the feed."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    if compat.route_path(datasette, request) == FEED and request.method in ("GET", "HEAD"):
        return request.args.get("key")
    return None


async def _by_token(datasette: Datasette, request: Request, found: Library, token: str) -> dict[str, Any]:
    known = await found.store(lambda store: tokens.account_of(store, token))
    if known is None:
        raise NotSignedIn("令牌不对、已过期或已停用，请到“我的账号”重新生成")
    account, scopes = known
    if "feed" in scopes and compat.route_path(datasette, request) == FEED:
        scopes = (*scopes, "read")  # the feed is all that this scope reads
    return account.actor(scopes)


async def _by_name(found: Library, name: str) -> dict[str, Any] | None:
    account = await found.store(lambda store: people.active(store, name.strip()))
    return account.actor() if account else None


def _from_proxy(found: Library, request: Request) -> bool:
    return _peer(request) in found.settings.access.proxies


def _peer(request: Request) -> str:
    client = request.scope.get("client")
    return str(client[0]).removeprefix("::ffff:") if client else ""
