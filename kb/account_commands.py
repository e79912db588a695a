"""`kb account` and `kb token`: who may come in, from the command line of the server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

import click

from .cli import KbGroup, say, settings
from .errors import Fault

#: As in accounts/rights.yml, which is not read before a command runs; a test keeps them alike.
ROLES = {"window": "窗口", "submit": "报送", "review": "审核", "policy": "政策", "admin": "管理"}
SCOPES = {"feed": "只订阅更新", "read": "查询和统计", "submit": "报送", "review": "审核", "admin": "管理账号"}


class _Word(click.Choice):
    """One of a few keys, which may also be given by its Chinese label."""

    def __init__(self, labels: dict[str, str]) -> None:
        super().__init__([*labels, *labels.values()])
        self.labels = labels

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        return next((key for key, label in self.labels.items() if label == found), found)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return f"[{'|'.join(self.labels)}]"


def _stdin_option(command: Any) -> Any:
    return click.option("--password-stdin", is_flag=True, help="从标准输入读一行作密码，供脚本用")(command)


_role_help = "角色，可给多个：" + "、".join(f"{key} {label}" for key, label in ROLES.items())
_scope_help = "范围，可给多个：" + "、".join(f"{key} {label}" for key, label in SCOPES.items())


@click.group(cls=KbGroup)
def account() -> None:
    """账号：一个大厅的一个岗位，不填个人姓名。第一个账号建好以后，网页要登录才能看。

    例：kb account add guanli --hall 350121 --role admin；kb account list
    """


@account.command("add")
@click.argument("account_id")
@click.option("--hall", required=True, metavar="CODE", help="大厅的六位区划码（GB/T 2260）")
@click.option("--hall-name", default="", help="大厅名称（默认按区划码）")
@click.option("--name", default="", help="岗位名，如“综合窗口 3 号”")
@click.option("--role", "roles", type=_Word(ROLES), multiple=True, required=True, help=_role_help)
@click.option("--no-password", is_flag=True, help="不设密码：只能经统一登录进入")
@_stdin_option
def add_account(
    account_id: str, hall: str, hall_name: str, name: str, roles: tuple[str, ...], no_password: bool,
    password_stdin: bool,
) -> None:  # fmt: skip
    """新建账号，密码输两遍，不显示。

    例：kb account add minhou.ck3 --hall 350121 --name 综合窗口3号 --role window --role submit
    """
    from .accounts import Account, people
    from .store import Store

    code, known = people.hall(hall, hall_name)
    made = Account(account_id, name, code, known, roles)
    with Store(settings()) as store:
        people.add(store, made, "" if no_password else _password(password_stdin))
        admins = any("admin" in each.roles and each.state == "active" for each in people.accounts(store))
    say(f"已建账号 {account_id}（{known}）")
    if not admins:
        say("还没有管理账号：账号只能在这里管。要在网页上管，再建一个 --role admin 的")


@account.command("list")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def list_accounts(as_json: bool) -> None:
    """列出账号。

    例：kb account list --json
    """
    from .accounts import people
    from .store import Store

    with Store(settings()) as store:
        found = people.accounts(store)
    if as_json:
        _print([{**each.actor(), "state": each.state} for each in found], without="scopes")
        return
    for each in found:
        roles = "、".join(ROLES[role] for role in each.roles)
        parts = [each.id, each.hall_code, each.hall_name, each.name, roles, "已停用" if each.state == "removed" else ""]
        click.echo("  ".join(part for part in parts if part))
    say(f"共 {len(found)} 个账号")


@account.command("change")
@click.argument("account_id")
@click.option("--hall", metavar="CODE", help="换大厅：六位区划码")
@click.option("--hall-name", help="大厅名称")
@click.option("--name", help="岗位名")
@click.option("--role", "roles", type=_Word(ROLES), multiple=True, help=_role_help + "；给了就整个换掉")
def change_account(
    account_id: str, hall: str | None, hall_name: str | None, name: str | None, roles: tuple[str, ...]
) -> None:
    """改账号的大厅、岗位名、角色；没有给的不变。

    例：kb account change minhou.ck3 --role window --role review
    """
    from .accounts import people
    from .store import Store

    with Store(settings()) as store:
        before = people.get(store, account_id)
        place = None
        if hall or hall_name:
            place = people.hall(hall or before.hall_code, hall_name or "")
        people.change(store, account_id, name=name, hall=place, roles=roles or None)
    say(f"已改账号 {account_id}")


@account.command("remove")
@click.argument("account_id")
def remove_account(account_id: str) -> None:
    """停用账号：马上不能再登录，令牌作废；做过的事仍留记录。

    例：kb account remove minhou.ck3
    """
    from .accounts import people
    from .store import Store

    with Store(settings()) as store:
        people.remove(store, account_id)
    say(f"已停用账号 {account_id}；恢复：kb account restore {account_id}")


@account.command("restore")
@click.argument("account_id")
def restore_account(account_id: str) -> None:
    """恢复停用的账号；密码照旧，令牌要重新生成。

    例：kb account restore minhou.ck3
    """
    from .accounts import people
    from .store import Store

    with Store(settings()) as store:
        people.restore(store, account_id)
    say(f"已恢复账号 {account_id}")


@account.command("password")
@click.argument("account_id")
@_stdin_option
def set_password(account_id: str, password_stdin: bool) -> None:
    """给账号设新密码，输两遍，不显示；它在各处的登录随之失效。

    例：kb account password minhou.ck3
    """
    from .accounts import people
    from .store import Store

    with Store(settings()) as store:
        people.get(store, account_id)
        people.change(store, account_id, password=_password(password_stdin))
    say(f"已给 {account_id} 设新密码")


@click.group(cls=KbGroup)
def token() -> None:
    """令牌：给程序和订阅用，代替密码。原文只在生成时显示一次。

    例：kb token add minhou.ck3 --scope submit --name 每日报送；kb token list
    """


@token.command("add")
@click.argument("account_id")
@click.option("--scope", "scopes", type=_Word(SCOPES), multiple=True, required=True, help=_scope_help)
@click.option("--name", default="", help="用在哪里")
@click.option("--days", type=int, help="几天后失效（默认长期有效）")
def add_token(account_id: str, scopes: tuple[str, ...], name: str, days: int | None) -> None:
    """给账号生成令牌，显示在屏幕上，只这一次。

    例：kb token add minhou.ck3 --scope submit --name 每日报送 --days 365
    """
    from .accounts import tokens
    from .store import Store

    with Store(settings()) as store:
        text, made = tokens.add(store, account_id, name, scopes, days)
    click.echo(text)
    say(f"这是令牌 {made.id}，只显示这一次；停用：kb token revoke {made.id}")


@token.command("list")
@click.argument("account_id", required=False)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def list_tokens(account_id: str | None, as_json: bool) -> None:
    """列出令牌（原文没有保存）。

    例：kb token list；kb token list minhou.ck3 --json
    """
    from .accounts import tokens
    from .store import Store

    with Store(settings()) as store:
        found = tokens.tokens(store, account_id)
    if as_json:
        _print([vars(each) for each in found])
        return
    for each in found:
        state = "" if each.live else "已停用" if each.revoked else "已过期"
        scopes = "、".join(SCOPES[scope] for scope in each.scopes)
        used = f"最近使用 {each.used[:10]}" if each.used else "没有用过"
        click.echo("  ".join(part for part in [str(each.id), each.account, each.name, scopes, used, state] if part))
    say(f"共 {len(found)} 个令牌")


@token.command("revoke")
@click.argument("number", type=int)
def revoke_token(number: int) -> None:
    """停用令牌。

    例：kb token revoke 3
    """
    from .accounts import tokens
    from .store import Store

    with Store(settings()) as store:
        tokens.revoke(store, number)
    say(f"已停用令牌 {number}")


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    first = click.prompt("密码", hide_input=True, err=True)
    if click.prompt("再输一遍", hide_input=True, err=True) != first:
        raise Fault("两次输入的密码不一样")
    return str(first)


def _print(rows: Iterable[dict[str, Any]], without: str = "") -> None:
    shown = [{name: value for name, value in row.items() if name != without} for row in rows]
    click.echo(json.dumps(shown, ensure_ascii=False, indent=1))

