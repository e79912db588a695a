"""Tokens of programs: random, shown once, kept as a digest, narrowed to scopes. None does more than its account."""

from __future__ import annotations

import datetime
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import Conflict, Fault, Missing
from ..store import Store, now, writing
from .limits import limits
from .people import Account, from_row, get
from .rights import may, rights
from .sessions import digest

PREFIX = "kb_"


@dataclass(frozen=True)
class Token:
    """What is known of a token once it was shown: times are ISO, empty where there is none."""

    id: int
    account: str
    name: str
    scopes: tuple[str, ...]
    created: str
    expires: str
    used: str
    revoked: str

    @property
    def live(self) -> bool:
        """Whether it still opens anything."""
        return not self.revoked and (not self.expires or self.expires > now())


def usable_scopes(account: Account) -> list[str]:
    """The scopes that a token of `account` may have, in the order of rights.yml."""
    actor = account.actor()
    return [scope for scope, needed in rights()["scope_needs"].items() if may(actor, needed)]


def add(store: Store, account_id: str, name: str, scopes: Iterable[str], days: int | None = None) -> tuple[str, Token]:
    """Make a token for an account; its text is answered here and nowhere again. Raises Fault."""
    wanted = set(scopes)
    token = PREFIX + secrets.token_urlsafe(32)
    with writing(store.workbench):
        account = get(store, account_id)
        usable = usable_scopes(account)
        if account.state != "active":
            raise Conflict("这个账号已停用，不能生成令牌")
        if not wanted or wanted - set(usable):
            labels = rights()["scope_labels"]
            raise Fault(f"令牌的范围请从这些里选：{'、'.join(labels[scope] for scope in usable)}")
        if sum(token.live for token in tokens(store, account_id)) >= limits()["token"]["most"]:
            raise Conflict("令牌太多了，请先停用不再使用的")
        row = {"digest": digest(token), "account": account_id, "name": name.strip()[:40],
               "scopes": json.dumps([scope for scope in usable if scope in wanted]), "created": now(),
               "expires": _after(days), "used": "", "revoked": ""}  # fmt: skip
        store.workbench.table("tokens").insert(row)
    return token, tokens(store, account_id)[0]


def tokens(store: Store, account_id: str | None = None) -> list[Token]:
    """The tokens of an account (None: of all), latest first."""
    where, values = ("where account = ?", [account_id]) if account_id else ("", [])
    return [_token(row) for row in store.workbench.query(f"select * from tokens {where} order by id desc", values)]


def revoke(store: Store, number: int, account_id: str | None = None) -> None:
    """End a token, of `account_id` if that is given. Raises Missing."""
    with writing(store.workbench):
        token = _one(store, number)
        if account_id not in (None, token.account):
            raise Missing("没有这个令牌")
        if not token.revoked:
            store.workbench.table("tokens").update(number, {"revoked": now()})


def account_of(store: Store, text: str) -> tuple[Account, tuple[str, ...]] | None:
    """Whose token `text` is, and its scopes; None if it is unknown, expired, revoked, or its account was closed."""
    if not text.startswith(PREFIX):
        return None
    rows = list(store.workbench.query(
        "select accounts.*, tokens.id as number, scopes, used from tokens join accounts "
        "on accounts.id = tokens.account where digest = ? and revoked = '' and (expires = '' or expires > ?) "
        "and accounts.state = 'active'", [digest(text), now()]
    ))  # fmt: skip
    if not rows:
        return None
    _note_use(store, rows[0])
    return from_row(rows[0]), tuple(json.loads(rows[0]["scopes"]))


def _note_use(store: Store, row: dict[str, Any]) -> None:
    moment = datetime.datetime.now().astimezone()
    pause = datetime.timedelta(minutes=limits()["token"]["used_minutes"])
    if not row["used"] or datetime.datetime.fromisoformat(row["used"]) < moment - pause:
        with writing(store.workbench):
            store.workbench.table("tokens").update(row["number"], {"used": now()})


def _one(store: Store, number: int) -> Token:
    rows: Sequence[dict[str, Any]] = list(store.workbench.query("select * from tokens where id = ?", [number]))
    if not rows:
        raise Missing("没有这个令牌")
    return _token(rows[0])


def _token(row: dict[str, Any]) -> Token:
    return Token(row["id"], row["account"], row["name"], tuple(json.loads(row["scopes"])), row["created"],
                 row["expires"], row["used"], row["revoked"])  # fmt: skip


def _after(days: int | None) -> str:
    if days is None:
        return ""
    if not 1 <= days <= 3650:
        raise Fault("有效期填 1 到 3650 天，不填就是长期有效")
    return (datetime.datetime.now().astimezone() + datetime.timedelta(days=days)).isoformat(timespec="seconds")
