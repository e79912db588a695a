"""Accounts, passwords, sessions, tokens and the limit of failed logins, without the web; and their commands."""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import argon2
import pytest

from kb import account_commands, cli
from kb.accounts import ROLES, Account, limits, may, passwords, people, sessions, tokens
from kb.accounts.rights import rights
from kb.config import Access, Settings
from kb.errors import Conflict, Fault, Missing, NotSignedIn, Refused, TooOften
from kb.store import Store

PASSWORD = "楼下的 7 棵银杏"
OTHER = "窗外有三只花喜鹊"
CLERK = Account("minhou.ck3", "综合窗口 3 号", "350121", "闽侯县", ("window", "submit"))
ADMIN = Account("guanli", "", "350121", "闽侯县", ("admin",))
HERE = "10.1.2.3"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(Settings(tmp_path / "kb-data")) as opened:
        people.add(opened, CLERK, PASSWORD)
        people.add(opened, ADMIN, PASSWORD)
        yield opened


def later(monkeypatch: pytest.MonkeyPatch, **passed: float) -> None:
    """From here on it is that much later."""
    moment = datetime.datetime.now().astimezone() + datetime.timedelta(**passed)

    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return moment

    monkeypatch.setattr(limits.datetime, "datetime", Clock)


# People


@pytest.mark.parametrize("name", ["", "a", "A1", "中文", "-a", "a b", "a" * 41, "a/b", "<b>"])
def test_login_names_are_plain(store: Store, name: str) -> None:
    with pytest.raises(Fault, match="登录名用"):
        people.add(store, replace(CLERK, id=name), PASSWORD)


def test_a_login_name_is_given_once_even_after_removal(store: Store) -> None:
    people.remove(store, CLERK.id)
    with pytest.raises(Conflict):
        people.add(store, CLERK, PASSWORD)


@pytest.mark.parametrize("roles", [(), ("boss",), ("window", "boss")])
def test_roles_are_those_that_are_known(store: Store, roles: tuple[str, ...]) -> None:
    with pytest.raises(Fault, match="角色"):
        people.change(store, CLERK.id, roles=roles)
    assert people.get(store, CLERK.id) == CLERK


def test_what_is_given_changes_and_nothing_else(store: Store) -> None:
    people.change(store, CLERK.id, name="导办台")
    people.change(store, CLERK.id, hall=people.hall("430200"))
    changed = people.change(store, CLERK.id, roles=["review", "window"])
    assert changed == Account(CLERK.id, "导办台", "430200", "株洲市本级", ("window", "review"))
    assert people.verified(store, CLERK.id, PASSWORD) == changed


@pytest.mark.parametrize(
    ("given", "hall"),
    [(("350121", ""), ("350121", "闽侯县")), (("350182", ""), ("350112", "长乐区")),
     (("350121", "闽侯县政务服务中心 "), ("350121", "闽侯县政务服务中心"))],
)  # fmt: skip
def test_a_hall_is_a_code_of_today_with_a_name(given: tuple[str, str], hall: tuple[str, str]) -> None:
    assert people.hall(*given) == hall


@pytest.mark.parametrize("code", ["", "999999", "35012", "350121001", "闽侯县", "350121\n"])
def test_a_hall_needs_a_known_code(code: str) -> None:
    with pytest.raises(Fault, match="区划码"):
        people.hall(code)


def test_the_last_administrator_stays(store: Store) -> None:
    for change in ({"state": "removed"}, {"roles": ["window"]}):
        with pytest.raises(Conflict, match="最后一个管理账号"):
            people.change(store, ADMIN.id, **change)  # type: ignore[arg-type]
    assert people.get(store, ADMIN.id) == ADMIN
    people.change(store, CLERK.id, roles=["admin"])
    people.remove(store, ADMIN.id)
    with pytest.raises(Conflict):
        people.remove(store, CLERK.id)


def test_unknown_accounts_are_missing(store: Store) -> None:
    for act in (people.get, people.remove, people.restore):
        with pytest.raises(Missing):
            act(store, "nobody")


# Passwords


@pytest.mark.parametrize("password", ["短", "1234567", "12345678", "Password", "x" * 201, CLERK.id.upper()])
def test_bad_passwords_are_not_taken(store: Store, password: str) -> None:
    with pytest.raises(Fault, match="密码"):
        people.change(store, CLERK.id, password=password)
    assert people.verified(store, CLERK.id, PASSWORD)


def test_a_password_is_kept_as_argon2id_hash_alone(store: Store) -> None:
    (kept,) = store.workbench.execute("select password from accounts where id = ?", [CLERK.id]).fetchone()
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in "".join(store.workbench.conn.iterdump())


def test_one_password_however_it_is_typed(store: Store) -> None:
    people.change(store, CLERK.id, password="ＡＢＣ１２３xyz")
    assert people.verified(store, CLERK.id, "ABC123xyz")


@pytest.mark.parametrize("name", [CLERK.id, "nobody"])
def test_a_wrong_password_opens_nothing(store: Store, name: str) -> None:
    for password in ("", "wrong", PASSWORD + " ", "x" * 1000):
        assert people.verified(store, name, password) is None


def test_unknown_names_cost_a_verification_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    real = passwords.hasher()

    class Counting:
        def hash(self, text: str) -> str:
            return real.hash(text)

        def verify(self, kept: str, text: str) -> bool:
            done.append(kept)
            return real.verify(kept, text)

    monkeypatch.setattr(passwords, "hasher", lambda: Counting())
    for name in ("nobody", CLERK.id):
        people.verified(store, name, "wrong password")
    people.remove(store, CLERK.id)
    people.verified(store, CLERK.id, PASSWORD)
    assert len(done) == 3 and all(kept.startswith("$argon2id$") for kept in done)


def test_a_hash_of_older_parameters_is_renewed(store: Store) -> None:
    old = argon2.PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
    store.workbench.table("accounts").update(CLERK.id, {"password": old})
    assert people.verified(store, CLERK.id, PASSWORD)
    (kept,) = store.workbench.execute("select password from accounts where id = ?", [CLERK.id]).fetchone()
    assert kept != old and not passwords.outdated(kept)
    assert people.verified(store, CLERK.id, PASSWORD)


def test_an_account_without_password_cannot_log_in(store: Store) -> None:
    people.add(store, replace(CLERK, id="gateway"))
    assert people.verified(store, "gateway", "") is None and not people.has_password(store, "gateway")


# Sessions


def test_login_names_are_taken_in_any_case(store: Store) -> None:
    token = sessions.log_in(store, " MinHou.CK3 ", PASSWORD, HERE)
    assert sessions.account_of(store, token) == CLERK


def test_only_the_digest_of_a_session_is_kept(store: Store) -> None:
    token = sessions.begin(store, CLERK)
    assert token not in "".join(store.workbench.conn.iterdump())


def test_a_session_ends_by_logout_time_password_and_removal(store: Store) -> None:
    token = sessions.begin(store, CLERK)
    sessions.end(store, token)
    assert sessions.account_of(store, token) is None
    token = sessions.begin(store, CLERK)
    people.change(store, CLERK.id, password=OTHER)
    assert sessions.account_of(store, token) is None
    token = sessions.begin(store, CLERK)
    people.remove(store, CLERK.id)
    assert sessions.account_of(store, token) is None
    people.restore(store, CLERK.id)
    assert sessions.account_of(store, token) is None
    store.settings = replace(store.settings, access=Access(session_hours=-1))
    assert sessions.account_of(store, sessions.begin(store, CLERK)) is None


def test_changing_roles_does_not_wait_for_a_new_login(store: Store) -> None:
    token = sessions.begin(store, CLERK)
    people.change(store, CLERK.id, roles=["policy"])
    found = sessions.account_of(store, token)
    assert found and found.roles == ("policy",)


def test_ones_own_password_changes_for_the_old_one(store: Store) -> None:
    before = sessions.begin(store, CLERK)
    with pytest.raises(Refused):
        sessions.change_password(store, CLERK.id, "wrong", OTHER, HERE)
    after = sessions.change_password(store, CLERK.id, PASSWORD, OTHER, HERE)
    assert sessions.account_of(store, before) is None and sessions.account_of(store, after) == CLERK
    assert people.verified(store, CLERK.id, OTHER)


# Failed logins


def _fail(store: Store, name: str, address: str = HERE) -> None:
    with pytest.raises(NotSignedIn):
        sessions.log_in(store, name, "wrong", address)


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with the least work: these tests fail often."""
    least = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "hasher", lambda: least)


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("name", [CLERK.id, "nobody"])
def test_a_name_is_locked_after_some_failures_from_anywhere(store: Store, name: str) -> None:
    for at in range(limits.limits()["failures"]["name"]["most"]):
        _fail(store, name, f"10.0.0.{at}")
    with pytest.raises(TooOften, match=r"请过 15 分钟（\d\d:\d\d 以后）再试"):
        sessions.log_in(store, name, PASSWORD, "10.0.9.9")
    assert sessions.log_in(store, ADMIN.id, PASSWORD, "10.0.9.9")


@pytest.mark.usefixtures("cheap")
def test_an_address_is_locked_after_more_failures(store: Store) -> None:
    for at in range(limits.limits()["failures"]["address"]["most"]):
        _fail(store, f"guess{at}")
    with pytest.raises(TooOften):
        sessions.log_in(store, CLERK.id, PASSWORD, HERE)
    assert sessions.log_in(store, CLERK.id, PASSWORD, "10.9.9.9")


@pytest.mark.usefixtures("cheap")
def test_a_lock_opens_when_it_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = limits.limits()["failures"]["name"]
    for _ in range(rule["most"]):
        _fail(store, CLERK.id)
    with monkeypatch.context() as patch:
        later(patch, minutes=rule["minutes"] - 1)
        with pytest.raises(TooOften, match="请过 1 分钟"):
            sessions.log_in(store, CLERK.id, PASSWORD, HERE)
    later(monkeypatch, minutes=rule["minutes"], seconds=1)
    assert sessions.log_in(store, CLERK.id, PASSWORD, HERE)


@pytest.mark.usefixtures("cheap")
def test_success_forgets_the_failures_of_the_name_but_not_of_the_address(store: Store) -> None:
    most = limits.limits()["failures"]["name"]["most"]
    for _ in range(3):
        for _ in range(most - 1):
            _fail(store, CLERK.id)
        sessions.log_in(store, CLERK.id, PASSWORD, HERE)
    (left,) = store.workbench.execute("select count(*) from login_failures").fetchone()
    assert left == 3 * (most - 1)


def test_what_was_typed_is_not_kept(store: Store) -> None:
    _fail(store, "13800138000")
    dump = "".join(store.workbench.conn.iterdump())
    assert "13800138000" not in dump and HERE not in dump


# Tokens


def test_a_token_is_shown_once_and_kept_as_digest(store: Store) -> None:
    text, token = tokens.add(store, CLERK.id, "每日报送", ["submit", "read"])
    assert text.startswith("kb_") and len(text) > 40 and token.live
    assert text not in "".join(store.workbench.conn.iterdump())
    assert tokens.account_of(store, text) == (CLERK, ("read", "submit"))
    assert tokens.tokens(store, CLERK.id)[0].used


@pytest.mark.parametrize("scopes", [[], ["review"], ["admin"], ["everything"], ["read", "admin"]])
def test_a_token_has_no_scope_beyond_its_account(store: Store, scopes: list[str]) -> None:
    with pytest.raises(Fault, match="范围"):
        tokens.add(store, CLERK.id, "", scopes)


def test_a_token_does_no_more_than_its_account_does_now(store: Store) -> None:
    text, _ = tokens.add(store, CLERK.id, "", ["submit"])
    people.change(store, CLERK.id, roles=["policy"])
    found = tokens.account_of(store, text)
    assert found is not None
    assert not may(found[0].actor(found[1]), "draft.write")


def test_a_token_ends(store: Store) -> None:
    text, token = tokens.add(store, CLERK.id, "", ["read"])
    with pytest.raises(Missing):
        tokens.revoke(store, token.id, ADMIN.id)
    tokens.revoke(store, token.id, CLERK.id)
    assert tokens.account_of(store, text) is None and not tokens.tokens(store)[0].live
    text, _ = tokens.add(store, CLERK.id, "", ["read"])
    people.remove(store, CLERK.id)
    people.restore(store, CLERK.id)
    assert tokens.account_of(store, text) is None
    text, _ = tokens.add(store, CLERK.id, "", ["read"], days=1)
    assert tokens.account_of(store, text)
    store.workbench.execute("update tokens set expires = '2020-01-01T00:00:00+08:00'")
    assert tokens.account_of(store, text) is None
    for text in ("", "kb_", "kb_" + "x" * 43, sessions.begin(store, CLERK)):
        assert tokens.account_of(store, text) is None


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_a_token_lives_some_days_or_for_ever(store: Store, days: int) -> None:
    with pytest.raises(Fault, match="有效期"):
        tokens.add(store, CLERK.id, "", ["read"], days)


def test_no_token_reaches_tokens_or_passwords() -> None:
    reach = {action for actions in rights()["scopes"].values() for action in actions}
    assert reach <= set(rights()["actions"]) and not reach & {"token", "password"}


# Commands


@pytest.fixture
def kb(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(*args: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as stop:
            cli.main(["--data", str(tmp_path / "kb-data"), *args])
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


def test_commands_know_the_roles_and_scopes_of_the_rights() -> None:
    assert account_commands.ROLES == ROLES
    assert rights()["scope_labels"] == account_commands.SCOPES
    assert set(rights()["scope_needs"]) == set(rights()["scopes"]) == set(rights()["scope_labels"])


def test_accounts_are_kept_from_the_command_line(kb: Any, tmp_path: Path) -> None:
    code, out, err = kb("account", "add", "ck3", "--hall", "350121", "--role", "window", "--role", "报送",
                        "--password-stdin", typed=f"{PASSWORD}\n")  # fmt: skip
    assert (code, out) == (0, "") and "闽侯县" in err and "还没有管理账号" in err
    assert PASSWORD not in err
    kb("account", "change", "ck3", "--hall", "430200", "--role", "review")
    assert json.loads(kb("account", "list", "--json")[1]) == [
        {"id": "ck3", "name": "", "hall_code": "430200", "hall_name": "株洲市本级", "roles": ["review"],
         "state": "active"}
    ]  # fmt: skip
    assert kb("account", "password", "ck3", "--password-stdin", typed=f"{OTHER}\n")[0] == 0
    with Store(Settings(tmp_path / "kb-data")) as store:
        assert people.verified(store, "ck3", OTHER)
    kb("account", "remove", "ck3")
    assert "已停用" in kb("account", "list")[1]
    kb("account", "restore", "ck3")
    assert "已停用" not in kb("account", "list")[1]
    code, out, err = kb("account", "remove", "nobody")
    assert code == 1 and "没有这个登录名" in err


def test_a_password_that_is_typed_twice_must_be_the_same(kb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter([PASSWORD, OTHER, PASSWORD, PASSWORD])
    monkeypatch.setattr("click.prompt", lambda *_, **more: next(typed) if more["hide_input"] else "")
    add = ("account", "add", "ck3", "--hall", "350121", "--role", "admin")
    assert "不一样" in kb(*add)[2]
    assert kb(*add)[0] == 0


def test_tokens_are_kept_from_the_command_line(kb: Any) -> None:
    kb("account", "add", "ck3", "--hall", "350121", "--role", "window", "--no-password")
    code, out, err = kb("token", "add", "ck3", "--scope", "submit", "--name", "每日报送")
    assert code == 0 and out.startswith("kb_") and out.strip() not in err
    assert "每日报送  报送  没有用过" in kb("token", "list")[1]
    kb("token", "revoke", "1")
    (token,) = json.loads(kb("token", "list", "ck3", "--json")[1])
    assert token["revoked"] and "digest" not in token
    assert kb("token", "revoke", "9")[0] == 1
