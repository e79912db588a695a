"""Accounts for tests of pages: signing somebody in, and calling the API as the pages' script does."""

from __future__ import annotations

from typing import Any

from datasette.app import Datasette

from kb.accounts import Account, people, sessions
from kb.config import Settings
from kb.store import Store

#: Halls of the made-up library (tests.library).
HALLS = {"350121": "闽侯县政务服务中心", "430200": "株洲市政务服务中心"}


def sign_in(settings: Settings, *roles: str, hall: str = "350121", account: str = "") -> dict[str, str]:
    """An account with these roles at a hall, made if need be, and the cookies of its login."""
    name = account or "-".join([*roles, hall])
    with Store(settings) as store:
        known = {each.id for each in people.accounts(store)}
        made = Account(name, "、".join(roles), hall, HALLS.get(hall, hall), tuple(roles))
        if name not in known:
            people.add(store, made)
        return {sessions.COOKIE: sessions.begin(store, made)}


async def read(site: Datasette, path: str, cookies: dict[str, str] | None = None) -> str:
    """The text of a page that is there."""
    answer = await site.client.get(path, cookies=cookies)
    assert answer.status_code == 200, (path, answer.text[-600:])
    return str(answer.text)


async def call(site: Datasette, method: str, path: str, cookies: dict[str, str] | None = None, **more: Any) -> Any:
    """The response of the API to a request that a script of our pages sends."""
    headers = {"X-KB": "1", **more.pop("headers", {})}
    return await site.client.request(method, f"/api/v1{path}", cookies=cookies, headers=headers, **more)
