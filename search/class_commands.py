"""`kb classes`: the classes of cases with one obstacle, proposed by the machine and settled by people."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from kb.cli import KbCommand, KbGroup, say, who
from kb.errors import Fault
from kb.store import Store

from .commands import library

if TYPE_CHECKING:
    from .insight.classes import CaseClass

STATES = {"proposed": "待定", "accepted": "已认定", "rejected": "已否决", "emptied": "已清空"}
_json = click.option("--json", "as_json", is_flag=True, help="输出 JSON")


@click.group(cls=KbGroup)
def classes() -> None:
    """一类事的候选：卡点相同的案例归为一类，供人认定、合并、拆分。

    例：kb classes propose；kb classes list；kb classes accept c3f2a91c0
    """


@classes.command("propose", cls=KbCommand)
@_json
def propose(as_json: bool) -> None:
    """把还没有归类的案例归入已有的类，或另提新的类。已归好的和人定过的都不动。

    例：kb classes propose --json
    """
    from .embedder.store import EmbeddingCache
    from .insight import classes as kept
    from .upkeep import bar

    with Store(library()) as store:
        before = {one.id for one in kept.classes(store, kept.STATES)}
        with EmbeddingCache(store.settings) as cache, bar("比较案例") as progress:
            found = kept.propose(store, cache.encode_passages, progress)
    _list(found, as_json)
    if not found:
        say("没有可以归成一类的：库里要有两件以上卡点相同的案例")
        return
    new = sum(one.id not in before for one in found)
    say(f"共 {len(found)} 类，其中新提出 {new} 类。细看：kb classes show 类号；认定：kb classes accept 类号")


@classes.command("list", cls=KbCommand)
@click.option("--state", "states", multiple=True, type=click.Choice(list(STATES)),
              help="只列某一状态（默认前两种；可写几个）：待定、已认定、已否决、已清空")  # fmt: skip
@_json
def list_classes(states: tuple[str, ...], as_json: bool) -> None:
    """列出一类事的候选，案例多的在前。

    例：kb classes list --state accepted
    """
    from .insight import classes as kept

    with Store(library()) as store:
        found = kept.classes(store, states or kept.OPEN)
        begun = kept.begun(store)
    _list(found, as_json)
    if not found and not begun:
        say("还没有一类事的候选。运行 kb classes propose 来提出")
    elif not found:
        say("没有这种状态的类" if states else "没有一类事的候选：一类要有两件以上卡点相同的案例（重复登记只算一件）")


@classes.command("show", cls=KbCommand)
@click.argument("class_id", metavar="类号")
@_json
def show(class_id: str, as_json: bool) -> None:
    """显示一类：案例、归在一起的理由、固化之后有没有再发、人做过的决定。

    例：kb classes show c3f2a91c0
    """
    from .insight import classes as kept
    from .insight import verdicts

    with Store(library()) as store:
        found = kept.get(store, class_id)
        cases = store.published_of(found.case_ids)
        result = verdicts.verdict(
            list(cases.values()), verdicts.watched_until(store), found.borderline,
            verdicts.stated(verdicts.playbook_of(store, found.playbook), list(cases.values())),
        )  # fmt: skip
        decided = kept.decisions(store, class_id)
    if as_json:
        whole = {**found.to_dict(), "verdict": result.to_dict(), "decisions": decided}
        click.echo(json.dumps(whole, ensure_ascii=False, indent=1))
        return
    click.echo(f"{found.id}  {found.title}（{STATES[found.state]}，{len(found.case_ids)} 件）")
    for line in found.why:
        click.echo(f"  {line}")
    if found.playbook:
        click.echo(f"  办理规程：{found.playbook}")
    click.echo(f"固化与再发：{result.label}。" + "；".join(result.why))
    click.echo("案例：")
    for case_id in found.case_ids:
        case = cases.get(case_id)
        unsure = "  〔拿不准〕" if case_id in found.borderline else ""
        click.echo(f"  {case_id}  {_title(case)}{unsure}")
    for one in decided:
        click.echo(f"{one['at'][:10]}  {one['by']}  {_KINDS.get(one['kind'], one['kind'])}")


@classes.command("accept", cls=KbCommand)
@click.argument("class_ids", nargs=-1, required=True, metavar="类号…")
@_json
def accept(class_ids: tuple[str, ...], as_json: bool) -> None:
    """认定：这些案例确是一类事。

    例：kb classes accept c3f2a91c0
    """
    from .insight import classes as kept

    _settle(class_ids, as_json, "已认定", lambda store, class_id: kept.accept(store, class_id, who()))


@classes.command("reject", cls=KbCommand)
@click.argument("class_ids", nargs=-1, required=True, metavar="类号…")
@click.option("--note", default="", help="理由")
@_json
def reject(class_ids: tuple[str, ...], note: str, as_json: bool) -> None:
    """否决：不是一类事。以后不再提出，同样的案例也不再提。

    例：kb classes reject c3f2a91c0 --note "只是说法相近"
    """
    from kb.privacy import redact_text

    from .insight import classes as kept

    reason = redact_text(note)
    _settle(class_ids, as_json, "已否决", lambda store, class_id: kept.reject(store, class_id, who(), reason))


@classes.command("merge", cls=KbCommand)
@click.argument("into", metavar="类号")
@click.argument("others", nargs=-1, required=True, metavar="并入的类号…")
@_json
def merge(into: str, others: tuple[str, ...], as_json: bool) -> None:
    """合并：把后面各类的案例都并入第一个类。

    例：kb classes merge c3f2a91c0 c90b1d2e7
    """
    from .insight import classes as kept

    with Store(library()) as store:
        found = kept.merge(store, into, others, who())
    _done(found, as_json, f"已并入 {into}，共 {len(found.case_ids)} 件")


@classes.command("split", cls=KbCommand)
@click.argument("class_id", metavar="类号")
@click.argument("case_ids", nargs=-1, required=True, metavar="案例编号…")
@click.option("--title", default="", help="新类的名称（默认由案例得出）")
@_json
def split(class_id: str, case_ids: tuple[str, ...], title: str, as_json: bool) -> None:
    """拆分：把一类里的这些案例拆出去，另成一类。

    例：kb classes split c3f2a91c0 3f2a91c07be4 90b1d2e71a55
    """
    from kb.privacy import redact_text

    from .insight import classes as kept

    with Store(library()) as store:
        found = kept.split(store, class_id, case_ids, who(), redact_text(title))
    _done(found, as_json, f"已拆出 {len(found.case_ids)} 件，新类号 {found.id}：{found.title}")


@classes.command("assign", cls=KbCommand)
@click.argument("case_ids", nargs=-1, required=True, metavar="案例编号…")
@click.option("--to", "class_id", default="", help="归入这一类")
@click.option("--out", is_flag=True, help="移出现在所在的类")
@click.option("--new", is_flag=True, help="这些案例另成一类")
@click.option("--title", default="", help="与 --new 同用：新类的名称")
@_json
def assign(case_ids: tuple[str, ...], class_id: str, out: bool, new: bool, title: str, as_json: bool) -> None:
    """归类：把案例归入一类、移出，或另成一类。人归的，机器不再改动。

    例：kb classes assign 3f2a91c07be4 --to c3f2a91c0
    """
    from kb.privacy import redact_text

    from .insight import classes as kept

    if bool(class_id) + out + new != 1:
        raise click.UsageError("请在 --to、--out、--new 中选一个")
    with Store(library()) as store:
        if new:
            found: CaseClass | None = kept.make(store, case_ids, who(), redact_text(title))
        else:
            found = kept.assign(store, case_ids, class_id, who())
    _done(found, as_json, f"已归入 {found.id}：{found.title}" if found else f"已移出 {len(case_ids)} 件")


_KINDS = {
    "accepted": "认定", "rejected": "否决", "rename": "改名", "playbook": "关联办理规程", "merge": "合并",
    "split": "拆分", "assign": "归类", "make": "建类",
}  # fmt: skip


def _list(found: list[CaseClass], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([one.to_dict() for one in found], ensure_ascii=False, indent=1))
        return
    for one in found:
        barriers = f"（{'、'.join(one.barriers)}）" if one.barriers else ""
        click.echo(f"{one.id}  {len(one.case_ids):>4} 件  {STATES[one.state]}  {one.title}{barriers}")


def _settle(
    class_ids: tuple[str, ...], as_json: bool, words: str, work: Callable[[Store, str], CaseClass]
) -> None:
    """One decision about several classes: what cannot be done is told, the rest is done, and the status is 1."""
    done, failed = [], False
    with Store(library()) as store:
        for class_id in dict.fromkeys(class_ids):
            try:
                done.append(work(store, class_id))
            except Fault as fault:
                failed = True
                say(f"{class_id} 未能完成：{fault}")
            else:
                say(f"{words}：{done[-1].title}")
    if as_json:
        click.echo(json.dumps([one.to_dict() for one in done], ensure_ascii=False, indent=1))
    if failed:
        click.get_current_context().exit(1)


def _done(found: CaseClass | None, as_json: bool, message: str) -> None:
    if as_json:
        click.echo(json.dumps(found.to_dict() if found else None, ensure_ascii=False, indent=1))
    say(message)


def _title(case: Any) -> str:
    return " ".join((case.title or case.obstacle or case.demand)[:60].split()) if case else "（已不在库）"
