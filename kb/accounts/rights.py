"""Who may what, from rights.yml: roles give actions, in the own hall or in any; a token's scopes narrow them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ..errors import NotSignedIn, Refused

Actor = Mapping[str, Any]


@cache
def rights() -> dict[str, Any]:
    """The content of rights.yml: roles, actions, scopes and their labels."""
    return dict(yaml.safe_load((Path(__file__).parent / "rights.yml").read_text(encoding="utf-8")))


#: Role → what it is called on the screen.
ROLES: dict[str, str] = rights()["roles"]


def may(actor: Actor | None, action: str, hall_code: str | None = None) -> bool:
    """Whether `actor` may do `action` with something of the hall `hall_code` (None: with anything at all).

    What an open library lets strangers read is not decided here: nobody is not an actor.
    """
    if actor is None:
        return False
    scopes = actor.get("scopes")
    if scopes is not None and not any(action in rights()["scopes"].get(scope, ()) for scope in scopes):
        return False
    rule = rights()["actions"][action]
    reach = {rule["every"]} if "every" in rule else {rule[role] for role in actor["roles"] if role in rule}
    return "any" in reach or ("own" in reach and hall_code in (None, actor["hall_code"]))


def alone(action: str) -> bool:
    """Whether everybody may do `action` as long as there is no account at all."""
    return bool(rights()["actions"][action].get("alone"))


def demand(actor: Actor | None, action: str, hall_code: str | None = None) -> None:
    """Raise NotSignedIn or Refused unless `may`."""
    if may(actor, action, hall_code):
        return
    label = rights()["actions"][action]["label"]
    if actor is None:
        raise NotSignedIn(f"请先登录，再{label}")
    if may(actor, action):
        raise Refused(f"您只能{label}本大厅的内容")
    if may({**actor, "scopes": None}, action, hall_code):
        raise Refused(f"这个令牌的范围不包括“{label}”")
    raise Refused(f"您的账号没有“{label}”的权限，需要请联系管理员")
