"""Limits of logins, passwords and tokens, from limits.yml; and the count of failed logins."""

from __future__ import annotations

import datetime
import hashlib
import math
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ..errors import TooOften
from ..store import Store, writing


@cache
def limits() -> dict[str, Any]:
    """The content of limits.yml."""
    return dict(yaml.safe_load((Path(__file__).parent / "limits.yml").read_text(encoding="utf-8")))


def attempt(store: Store, name: str, address: str) -> list[Any]:
    """Count a login that is about to be tried as failed; `forgive` takes it back. Raises TooOften.

    Counted before the password is looked at, so that guesses at the same moment all count. While the limit stands
    nothing more is counted: it ends when it said it would.
    """
    keys = {"name": _key("name", name), "address": _key("address", address)}
    moment = datetime.datetime.now().astimezone()
    with writing(store.workbench):
        failures = store.workbench.table("login_failures")
        oldest = max(rule["minutes"] for rule in limits()["failures"].values())
        failures.delete_where("at <= ?", [_before(moment, oldest)])
        for kind, key in keys.items():
            _check(store, kind, key, moment)
        return [failures.insert({"key": key, "at": _text(moment)}).last_rowid for key in keys.values()]


def forgive(store: Store, name: str, counted: list[Any]) -> None:
    """The login that `attempt` counted has succeeded: it and the failures of that name count no more."""
    with writing(store.workbench):
        failures = store.workbench.table("login_failures")
        failures.delete_where("key = ?", [_key("name", name)])
        for row in counted:
            failures.delete_where("rowid = ?", [row])


def _check(store: Store, kind: str, key: str, moment: datetime.datetime) -> None:
    rule = limits()["failures"][kind]
    rows = list(store.workbench.query(
        "select at from login_failures where key = ? and at > ? order by at desc limit 1 offset ?",
        [key, _before(moment, rule["minutes"]), rule["most"] - 1],
    ))  # fmt: skip
    if not rows:
        return
    again = datetime.datetime.fromisoformat(rows[0]["at"]).astimezone() + datetime.timedelta(minutes=rule["minutes"])
    minutes = max(1, math.ceil((again - moment).total_seconds() / 60))
    raise TooOften(f"登录失败次数太多，请过 {minutes} 分钟（{again:%H:%M} 以后）再试；忘了密码请联系管理员")


def _key(kind: str, value: str) -> str:
    """A failure's key. Hashed, since people also type passwords and telephone numbers into the field for the name."""
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()


def _before(moment: datetime.datetime, minutes: float) -> str:
    return _text(moment - datetime.timedelta(minutes=minutes))


def _text(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).isoformat()
