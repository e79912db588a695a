"""`kb unmet`: the questions for which the library has no precedent, for those who write policy."""

from __future__ import annotations

import json
from typing import Any

import click

from kb.cli import KbCommand, KbGroup, say
from kb.store import Store

from .commands import library


@click.group(cls=KbGroup)
def unmet() -> None:
    """未满足的需求：问了、库中没有先例的问题（已去除个人信息）。

    例：kb unmet list
    """


@unmet.command("list", cls=KbCommand)
@click.option("--since", default="", help="只计这个月及以后问的，如 2024-05、2024")
@click.option("--all", "closed", is_flag=True, help="连同已了结的")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def list_needs(since: str, closed: bool, as_json: bool) -> None:
    """列出没有先例的问题，意思相同的归在一起，问得多的在前。

    例：kb unmet list --since 2024-05
    """
    from .engine import Filters
    from .filters import checked

    since = checked(Filters(since=since)).since
    with Store(library()) as store:
        found = _needs(store, since, closed)
    if as_json:
        click.echo(json.dumps([need.to_dict() for need in found], ensure_ascii=False, indent=1))
        return
    for need in found:
        wordings = f"（{len(need.questions)} 种问法）" if len(need.questions) > 1 else ""
        click.echo(f"{need.id:>6}  {need.asked:>4} 次  {_span(need)}  {need.text}{wordings}")
    if found:
        say(f"共 {len(found)} 项。细看：kb unmet show 编号；了结：kb unmet close 编号 --case 案例编号")
    else:
        say("没有记下找不到先例的问题")


@unmet.command("show", cls=KbCommand)
@click.argument("number", type=int, metavar="编号")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def show(number: int, as_json: bool) -> None:
    """显示一项需求：各种问法、逐月次数、地区和领域。

    例：kb unmet show 12
    """
    from .embedder import open_embedder
    from .unmet import need_of

    with Store(library()) as store:
        need = need_of(store, number, open_embedder(store.settings))
    if as_json:
        click.echo(json.dumps(need.to_dict(), ensure_ascii=False, indent=1))
        return
    click.echo(f"{need.text}\n共问 {need.asked} 次，{_span(need)}")
    for label, counts in (("逐月", need.months), ("所选地区", need.regions), ("所选领域", need.domains)):
        if counts:
            click.echo(f"{label}：" + "、".join(f"{name} {count} 次" for name, count in counts.items()))
    click.echo("问法：")
    for one in need.questions:
        settled = one["case_id"] or one["reason"]
        state = f"，{one['closed'][:10]} 了结（{settled}）" if one["closed"] else ""
        click.echo(f"{one['id']:>6}  {one['asked']:>4} 次  {one['text']}{state}")


@unmet.command("close", cls=KbCommand)
@click.argument("number", type=int, metavar="编号")
@click.option("--case", "case_id", default="", help="已有先例：已入库案例的编号")
@click.option("--reason", default="", help="不需要先例的理由，如 不属于政务服务")
@click.option("--only", is_flag=True, help="只了结这一个问法，不连同归在一起的")
def close(number: int, case_id: str, reason: str, only: bool) -> None:
    """了结一项需求：已有了先例，或说明为什么不需要。

    例：kb unmet close 12 --case 3f2a91c07be4
    """
    from .embedder import open_embedder
    from .unmet import settle

    if bool(case_id) == bool(reason.strip()):
        raise click.UsageError("请用 --case 给出案例编号，或用 --reason 说明理由（二者取一）")
    with Store(library()) as store:
        closed = settle(store, number, open_embedder(store.settings), case_id, reason, only)
    say(f"已了结 {closed} 个问法")


def _needs(store: Store, since: str = "", closed: bool = False) -> list[Any]:
    """The unmet needs of a library, compared by its embedder."""
    from .embedder import open_embedder
    from .unmet import needs

    return needs(store, open_embedder(store.settings), since, closed)


def _span(need: Any) -> str:
    """2024-05 或 2024-05 至 2024-09: the months in which it was asked."""
    months = list(need.months)
    return months[0] if len(months) == 1 else f"{months[0]} 至 {months[-1]}"
