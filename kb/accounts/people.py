"""Accounts: made, changed and closed by an administrator. An account is a post at a hall, not a person."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ..errors import Conflict, Fault, Missing
from ..fields import regions
from ..store import Store, now, writing
from . import passwords
from .rights import ROLES

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
_MOST_NAME = 40


@dataclass(frozen=True)
class Account:
    """A post at a hall: login name `id`, the name on the screen, `roles` (keys of ROLES), `state` active or removed."""

    id: str
    name: str
    hall_code: str
    hall_name: str
    roles: tuple[str, ...]
    state: str = "active"

    def actor(self, scopes: Iterable[str] | None = None) -> dict[str, Any]:
        """The account as pages and rights see it; `scopes` are those of the token that was shown, if one was."""
        return {"id": self.id, "name": self.name, "hall_code": self.hall_code, "hall_name": self.hall_name,
                "roles": list(self.roles), "scopes": None if scopes is None else list(scopes)}  # fmt: skip


def hall(code: str, name: str = "") -> tuple[str, str]:
    """The hall of a GB/T 2260 code as (today's code, name); without a name it bears the area's. Raises Fault."""
    region = regions.by_code(code) if re.fullmatch(r"\d{6}", code) else None
    if region is None:
        raise Fault("大厅要用六位区划码（GB/T 2260），如闽侯县 350121")
    suggested = regions.hall_of(region)
    return suggested[0], name.strip()[:_MOST_NAME] or suggested[1]


def add(store: Store, account: Account, password: str = "") -> None:
    """Make an account; without a password it can only come in through the gateway. Raises Fault."""
    if not _ID.fullmatch(account.id):
        raise Fault("登录名用 2 到 40 个小写字母、数字、点、横线，以字母或数字开头")
    kept = passwords.hashed(password, account.id) if password else ""
    row = {**_row(account), "password": kept, "created": now(), "changed": now()}
    with writing(store.workbench):
        if store.workbench.execute("select 1 from accounts where id = ?", [account.id]).fetchone():
            raise Conflict(f"登录名 {account.id} 已经有了（停用的账号也占着登录名）")
        store.workbench.table("accounts").insert(row)


def change(
    store: Store, account_id: str, *, name: str | None = None, hall: tuple[str, str] | None = None,
    roles: Iterable[str] | None = None, state: str | None = None, password: str | None = None,
) -> Account:  # fmt: skip
    """Change what is given and answer the account as it then is. Raises Fault.

    A new password ends the account's logins; removing it ends them and revokes its tokens for good.
    """
    kept = None if password is None else passwords.hashed(password, account_id)
    with writing(store.workbench):
        before = get(store, account_id)
        after = replace(
            before,
            name=before.name if name is None else name,
            hall_code=hall[0] if hall else before.hall_code,
            hall_name=hall[1] if hall else before.hall_name,
            roles=before.roles if roles is None else tuple(roles),
            state=state or before.state,
        )
        row = _row(after) | ({} if kept is None else {"password": kept})
        store.workbench.table("accounts").update(account_id, {**row, "changed": now()})
        if _administers(before) and not any(_administers(account) for account in accounts(store)):
            raise Conflict("这是最后一个管理账号，不能停用或去掉管理角色。请先让另一个账号管理")
        if kept is not None or after.state == "removed":
            store.workbench.table("sessions").delete_where("account = ?", [account_id])
        if after.state == "removed":
            store.workbench.execute(
                "update tokens set revoked = ? where account = ? and revoked = ''", [now(), account_id]
            )
    return get(store, account_id)


def remove(store: Store, account_id: str) -> None:
    """Close an account; its name stays taken and its history stays told. Raises Missing, Conflict."""
    change(store, account_id, state="removed")


def restore(store: Store, account_id: str) -> None:
    """Open a closed account again, with its password but without its tokens. Raises Missing."""
    change(store, account_id, state="active")


def verified(store: Store, account_id: str, password: str) -> Account | None:
    """The active account that this password opens, else None. An unknown name takes as long as a wrong password."""
    rows = list(store.workbench.query(
        "select * from accounts where id = ? and state = 'active'", [account_id.strip().lower()]
    ))  # fmt: skip
    kept = rows[0]["password"] if rows else ""
    if not passwords.verify(kept, password):
        return None
    if passwords.outdated(kept):
        renewed = passwords.hashed(password)
        with writing(store.workbench):
            # Only what was verified is replaced: the password may have been changed meanwhile.
            store.workbench.execute(
                "update accounts set password = ? where id = ? and password = ?", [renewed, rows[0]["id"], kept]
            )
    return from_row(rows[0])


def get(store: Store, account_id: str) -> Account:
    """The account of that login name, whatever its state. Raises Missing."""
    rows = list(store.workbench.query("select * from accounts where id = ?", [account_id]))
    if not rows:
        raise Missing("没有这个登录名的账号")
    return from_row(rows[0])


def active(store: Store, account_id: str) -> Account | None:
    """The account of that login name if it is open."""
    rows = list(store.workbench.query("select * from accounts where id = ? and state = 'active'", [account_id]))
    return from_row(rows[0]) if rows else None


def has_password(store: Store, account_id: str) -> bool:
    """Whether the account can log in here; if not, only the gateway lets it in."""
    found = store.workbench.execute("select 1 from accounts where id = ? and password != ''", [account_id])
    return found.fetchone() is not None


def accounts(store: Store) -> list[Account]:
    """All accounts, by hall and login name."""
    return [from_row(row) for row in store.workbench.query("select * from accounts order by hall_code, id")]


def exist(store: Store) -> bool:
    """Whether any account was ever made: from then on an unsaid `[access] open` means closed."""
    return store.workbench.execute("select 1 from accounts limit 1").fetchone() is not None


def from_row(row: dict[str, Any]) -> Account:
    """The account of a row of the table `accounts`."""
    return Account(row["id"], row["name"] or "", row["hall_code"] or "", row["hall_name"] or "",
                   tuple(json.loads(row["roles"])), row["state"])  # fmt: skip


def _administers(account: Account) -> bool:
    return account.state == "active" and "admin" in account.roles


def _row(account: Account) -> dict[str, Any]:
    unknown = set(account.roles) - set(ROLES)
    if unknown or not account.roles:
        raise Fault(f"角色至少选一种：{'、'.join(ROLES.values())}")
    return {
        "id": account.id, "name": account.name.strip()[:_MOST_NAME], "hall_code": account.hall_code,
        "hall_name": account.hall_name, "roles": json.dumps([role for role in ROLES if role in account.roles]),
        "state": account.state,
    }  # fmt: skip
