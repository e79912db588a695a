"""`kb barriers`: hidden barriers ranked, compared between halls, who waits for whom, and rules that watch them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kb.cli import KbCommand, KbGroup, say, who
from kb.errors import Fault, Missing
from kb.store import Store

from .commands import library

if TYPE_CHECKING:
    from .insight.barriers import Barrier, Radar

_json = click.option("--json", "as_json", is_flag=True, help="输出 JSON")
_LONGEST_HOW = 60


def _scope(command: Callable[..., Any]) -> Callable[..., Any]:
    for name, text in (
        ("--region", "地区：名称或区划码开头；省、市包含下辖各县"),
        ("--until", "截止日期（含），如 2024-05-31、2024-05、2024"),
        ("--since", "起始日期（按收件，没有则按办结），如 2024-05-01、2024-05、2024"),
    ):
        command = click.option(name, default="", help=text)(command)
    return command


@click.group(cls=KbGroup)
def barriers() -> None:
    """隐性壁垒线索：哪些卡点反复出现、在哪里、固化以后有没有再发。先用 kb classes propose 归类。

    例：kb barriers list --since 2024
    """


@barriers.command("list", cls=KbCommand)
@_scope
@click.option("-n", "most", default=0, type=click.IntRange(0), help="最多列出几条（默认全部）")
@_json
def list_barriers(since: str, until: str, region: str, most: int, as_json: bool) -> None:
    """按值得关注的程度列出隐性壁垒；依法不能办的和非政务诉求另计。

    例：kb barriers list --since 2024 --region 济宁市
    """
    from .insight import classes
    from .insight.barriers import radar
    from .insight.scope import check_area

    with Store(library()) as store:
        check_area(store, region)
        found = radar(store, since, until, region, patient=True)
        begun = classes.begun(store)
    shown = found.barriers[: most or None]
    if as_json:
        click.echo(json.dumps([one.to_dict() for one in shown], ensure_ascii=False, indent=1))
    else:
        for rank, one in enumerate(shown, 1):
            click.echo(
                f"{rank:>3}  {one.score:>5}  {one.id}  {len(one.case_ids)} 件、{len(one.halls)} 个大厅  "
                f"{one.verdict_label}  {one.label}" + (f"（{one.type_said}）" if one.barrier else "")
            )
    say(
        f"共 {len(found.barriers)} 条，看了 {found.cases} 件案例；另计：依法不能办 {len(found.lawful)} 件、"
        f"非政务诉求 {len(found.outside)} 件；没有归类 {found.loose} 件"
        + (f"；没有日期、未计入 {len(found.undated)} 件" if found.undated else "")
    )
    if not found.barriers:
        say(_why_none(found, begun, bool(since or until or region)))


def _why_none(found: Radar, begun: bool, scoped: bool) -> str:
    if not found.cases:
        return "这一时段和地区没有案例，请放宽" if scoped else "库里还没有可看的案例：先运行 kb ingest，再入库"
    if not begun:
        return "案例还没有归类：请先运行 kb classes propose"
    where = "这一时段和地区" if scoped else "库"
    return f"没有线索：一条线索要有两件以上卡点相同的案例，{where}里没有（重复登记只算一件）"


@barriers.command("show", cls=KbCommand)
@click.argument("number", metavar="编号")
@_scope
@_json
def show(number: str, since: str, until: str, region: str, as_json: bool) -> None:
    """细看一条：得分怎么来的、固化前后、各大厅各月份有哪些案例。

    例：kb barriers show c3f2a91c0
    """
    from .insight.barriers import barriers as ranked
    from .insight.scope import check_area

    with Store(library()) as store:
        check_area(store, region)
        one = next((each for each in ranked(store, since, until, region) if each.id == number), None)
        if one is None:
            raise Missing(_why_not(store, number))
    if as_json:
        click.echo(json.dumps(one.to_dict(), ensure_ascii=False, indent=1))
    else:
        _show(one)


def _why_not(store: Store, number: str) -> str:
    """Why there is no such barrier."""
    from .insight import classes

    try:
        one = classes.get(store, number)
    except Missing:
        return f"没有编号为 {number} 的线索。列出：kb barriers list"
    if one.state == classes.EMPTIED:
        return f"{number} 是{one.title}，壁垒类型：{'、'.join(one.barriers) or '未写明'}。类里已没有案例，不再是线索"
    if one.state == classes.REJECTED:
        return f"{number}（{one.title}）已被否决，不再是线索"
    return f"{number}（{one.title}）现在不是线索：选定的时段和地区里不到两件案例。细看：kb classes show {number}"


def _show(one: Barrier) -> None:
    click.echo(f"{one.label}\n卡点：{one.obstacle}")
    why = f"（{one.type_said}）" if one.type_said != one.barrier else ""
    click.echo(f"壁垒类型：{'、'.join(one.barriers) or '未写明'}{why}\n得分 {one.score}：")
    for part in one.components:
        if part.points:
            click.echo(f"  {part.label} {part.number}：{part.value} × {part.weight} = {part.points}  {part.text}")
    click.echo(f"结论：{one.verdict_label}")
    for line in one.why[sum(bool(part.text) for part in one.components) :]:
        click.echo(f"  {line}")
    for label, groups in (("大厅", one.of_halls), ("月份", one.of_months)):
        for name, ids in groups.items():
            click.echo(f"{label} {name}：{len(ids)} 件  {' '.join(ids)}")


@barriers.command("compare", cls=KbCommand)
@_scope
@_json
def compare(since: str, until: str, region: str, as_json: bool) -> None:
    """甲县能办、乙县不能办：同一事项、同一卡点，结果不同。

    例：kb barriers compare --region 福建省
    """
    from .insight.comparison import comparisons
    from .insight.scope import check_area

    with Store(library()) as store:
        check_area(store, region)
        found = comparisons(store, since, until, region)
    if as_json:
        click.echo(json.dumps([row.to_dict() for row in found], ensure_ascii=False, indent=1))
        return
    for row in found:
        click.echo(f"{row.text}\n  卡点：{row.obstacle}")
        for label, sides in (("能办", row.can), (row.left, row.cannot)):
            for side in sides:
                days = f"，{side.days} 个工作日" if side.days is not None else ""
                how = side.how if len(side.how) <= _LONGEST_HOW else side.how[: _LONGEST_HOW - 1] + "…"
                click.echo(f"  {label}  {side.hall}（{side.outcome}{days}）{' '.join(side.case_ids)}  {how}")
    say(f"共 {len(found)} 条")


@barriers.command("prerequisites", cls=KbCommand)
@_scope
@_json
def prerequisites(since: str, until: str, region: str, as_json: bool) -> None:
    """谁等谁：哪些部门要别的部门先出手续，哪些转成了圈。

    例：kb barriers prerequisites --region 福建省
    """
    from .insight import prerequisites as waits
    from .insight.scope import check_area

    with Store(library()) as store:
        check_area(store, region)
        found = waits.of_scope(store, since, until, region)
    if as_json:
        click.echo(json.dumps(found.to_dict(), ensure_ascii=False, indent=1))
        return
    for circle in found.cycles:
        told = f"{len(circle.case_ids)} 件案例讲到整个圈" if circle.case_ids else "由几件案例拼成，请核对"
        click.echo(f"圈：{' → '.join([*circle.nodes, circle.nodes[0]])}（{told}）")
    for edge in found.edges:
        click.echo(f"{edge.waiter} 等 {edge.needs}：{len(edge.case_ids)} 件  {' '.join(edge.case_ids)}")
        click.echo(f"    {edge.sentences[0]['text']}")
    say(f"共 {len(found.edges)} 对，{len(found.cycles)} 个圈")


@barriers.command("report", cls=KbCommand)
@_scope
@click.option("--format", "form", type=click.Choice(["docx", "html"]),
              help="文件格式（默认看文件名：.html 是网页，.docx 是 Word 文档）")  # fmt: skip
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="写到哪个文件")
def report(since: str, until: str, region: str, form: str | None, output: Path) -> None:
    """生成报告：发现、数字、图表、案例注、方法和局限。数据不变，文件就一字不差。

    例：kb barriers report --since 2024 --region 济宁市 -o 线索.docx
    """
    from .insight import report as reports
    from .insight.report_files import write
    from .insight.scope import check_area

    ending = output.suffix.lower().removeprefix(".")
    if ending not in ("docx", "html"):
        raise click.UsageError(f"报告只有 Word 文档和网页两种：文件名请以 .docx 或 .html 结尾，不是“{output.name}”")
    with Store(library()) as store:
        check_area(store, region)
        made = reports.make(store, since, until, region)
    try:
        output.write_bytes(write(made, form or ending))
    except OSError as error:
        raise Fault(f"{output} 无法写入：请检查文件夹是否存在、能不能写、还有没有空间") from error
    say(f"已写到 {output}，引用 {len(made.notes)} 件案例")


# Rules


@barriers.group("watch", cls=KbGroup)
def watch() -> None:
    """关注：存下规则，案例入库时核对，够数了就提醒。

    例：kb barriers watch add --words 网签历史遗留 --halls 3 --days 90
    """


@watch.command("add", cls=KbCommand)
@click.option("--words", default="", help="案例里都要有的词，如 网签历史遗留")
@click.option("--class", "class_id", default="", help="一类事的编号（kb classes list）")
@click.option("--barrier", default="", help="壁垒类型，逐类核对")
@click.option("--halls", default=0, show_default=True, help="至少几个大厅")
@click.option("--cases", default=1, show_default=True, help="至少几件")
@click.option("--days", default=90, show_default=True, help="多少天之内")
@click.option("--name", default="", help="规则的名称")
def add_rule(words: str, class_id: str, barrier: str, halls: int, cases: int, days: int, name: str) -> None:
    """存一条规则：--words、--class、--barrier 选一样。

    例：kb barriers watch add --barrier 互为前置 --halls 3 --days 180
    """
    from .insight import watch as kept

    with Store(library()) as store:
        number = kept.add(store, who(), name, words, class_id, barrier, halls, cases, days)
        raised = sum(one.rule == number for one in kept.evaluate(store))
    say(f"已存为规则 {number}" + (f"，现在就够数的有 {raised} 条：kb barriers watch notices" if raised else ""))


@watch.command("list", cls=KbCommand)
@_json
def list_rules(as_json: bool) -> None:
    """列出自己存的规则。

    例：kb barriers watch list
    """
    from .insight import watch as kept

    with Store(library()) as store:
        found = kept.rules(store, who())
    if as_json:
        click.echo(json.dumps([rule.to_dict() for rule in found], ensure_ascii=False, indent=1))
        return
    for rule in found:
        looked = rule.words or rule.class_id or rule.barrier
        halls = f"、至少 {rule.halls} 个大厅" if rule.halls else ""
        click.echo(f"{rule.id:>4}  {rule.name}  {looked}：{rule.days} 天内至少 {rule.cases} 件{halls}")
    say(f"共 {len(found)} 条")


@watch.command("notices", cls=KbCommand)
@click.option("--all", "everything", is_flag=True, help="连同看过的")
@click.option("--seen", "mark", is_flag=True, help="列出后记为看过")
@_json
def list_notices(everything: bool, mark: bool, as_json: bool) -> None:
    """列出规则发出的提醒。

    例：kb barriers watch notices --seen
    """
    from .insight import watch as kept

    with Store(library()) as store:
        found = kept.notices(store, who(), unseen=not everything)
        if mark:
            kept.mark_seen(store, who())
    if as_json:
        click.echo(json.dumps([one.to_dict() for one in found], ensure_ascii=False, indent=1))
        return
    for one in found:
        more = f"  细看：kb barriers show {one.class_id}" if one.class_id else ""
        click.echo(f"{one.id:>4}  {one.at[:16]}  {one.text}{more}")
    say(f"共 {len(found)} 条")


@watch.command("remove", cls=KbCommand)
@click.argument("number", type=int, metavar="编号")
def remove_rule(number: int) -> None:
    """删掉一条规则和它发出的提醒。

    例：kb barriers watch remove 3
    """
    from .insight import watch as kept

    with Store(library()) as store:
        kept.remove(store, who(), number)
    say("已删掉")
