"""Logins of browsers: a random token in a cookie, of which only the digest is kept."""

from __future__ import annotations

import datetime
import hashlib
import secrets

from ..errors import NotSignedIn, Refused
from ..store import Store, now, writing
from . import limits, people
from .people import Account, from_row

COOKIE = "kb_session"


def log_in(store: Store, account_id: str, password: str, address: str) -> str:
    """Begin a session for who knows the password; `address` is the client's. Raises TooOften, NotSignedIn."""
    name = account_id.strip().lower()
    counted = limits.attempt(store, name, address)
    account = people.verified(store, name, password)
    if account is None:
        raise NotSignedIn("登录名或密码不对")
    limits.forgive(store, name, counted)
    return begin(store, account)


def change_password(store: Store, account: str, old: str, new: str, address: str) -> str:
    """Give an account a new password for the old one; ends all its logins and begins one. Raises Fault."""
    counted = limits.attempt(store, account, address)
    if people.verified(store, account, old) is None:
        raise Refused("现在的密码不对")
    limits.forgive(store, account, counted)
    return begin(store, people.change(store, account, password=new))


def begin(store: Store, account: Account) -> str:
    """Log `account` in for the hours of `[access] session_hours`; returns the token for the cookie."""
    token = secrets.token_urlsafe(32)
    hours = datetime.timedelta(hours=store.settings.access.session_hours)
    expires = (datetime.datetime.now().astimezone() + hours).isoformat(timespec="seconds")
    with writing(store.workbench):
        store.workbench.table("sessions").delete_where("expires < ?", [now()])
        store.workbench.table("sessions").insert(
            {"digest": digest(token), "account": account.id, "created": now(), "expires": expires}
        )
    return token


def account_of(store: Store, token: str) -> Account | None:
    """Whose login `token` is; None if it has expired, was ended, or the account was closed."""
    rows = list(store.workbench.query(
        "select accounts.* from sessions join accounts on accounts.id = sessions.account "
        "where sessions.digest = ? and sessions.expires > ? and accounts.state = 'active'", [digest(token), now()]
    ))  # fmt: skip
    return from_row(rows[0]) if rows else None


def end(store: Store, token: str) -> None:
    """Log out: the token opens nothing any more."""
    with writing(store.workbench):
        store.workbench.table("sessions").delete_where("digest = ?", [digest(token)])


def digest(token: str) -> str:
    """What is kept of a random token: no salt is needed where nothing can be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()
