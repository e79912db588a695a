"""The `kb` command: the ground floor's commands, and the frame in which other floors hang theirs."""

from __future__ import annotations

import datetime
import getpass
import io
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from . import config
from .errors import Fault
from .plugins import manager


class _Formatter(click.HelpFormatter):
    """Help pages with Chinese headings."""

    _HEADINGS = {"Options": "选项", "Commands": "命令", "Arguments": "参数"}

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, "用法：")

    def write_heading(self, heading: str) -> None:
        super().write_heading(self._HEADINGS.get(heading, heading))


class _Context(click.Context):
    formatter_class = _Formatter


def _set_data(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value:
        context.ensure_object(dict)["data"] = value


def _data_option() -> click.Option:
    return click.Option(
        ["--data"], metavar="DIR", expose_value=False, callback=_set_data,
        help="案例库所在文件夹（也可用环境变量 KB_DATA；默认 ./kb-data）",
    )  # fmt: skip


class KbCommand(click.Command):
    context_class = _Context

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = "显示本说明"
        return option


class KbGroup(click.Group, KbCommand):
    """A group whose commands all take `--data`, before or after their name."""

    context_class = _Context
    command_class = KbCommand

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        if not any(param.name == "data" for param in cmd.params):
            cmd.params.append(_data_option())
        super().add_command(cmd, name)


@click.group(cls=KbGroup, params=[_data_option()], context_settings={"help_option_names": ["--help", "-h"]})
@click.version_option(package_name="bancheng", message="办成案例库 %(version)s", help="显示版本")
def cli() -> None:
    """办成案例库：把“办不成事”窗口办成的事，变成下一位窗口人员查得到的先例。

    先试试：kb demo
    """


def settings() -> config.Settings:
    """Settings of the library that the running command was pointed at."""
    return config.load((click.get_current_context().obj or {}).get("data"))


def say(message: str) -> None:
    """A message for the person at the keyboard; stdout is left to results."""
    click.echo(message, err=True)


def who() -> str:
    """The name that a revision made at this keyboard carries: an account name, no personal name is asked for."""
    try:
        return f"命令行:{getpass.getuser()}"
    except (KeyError, OSError):
        return "命令行"


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="监听地址")
@click.option("--port", default=8001, show_default=True, help="端口")
def serve(host: str, port: int) -> None:
    """打开网页：检索、浏览、查看案例。

    例：kb serve --port 8001
    """
    from .web.serve import run

    run(settings(), host, port)


@cli.command()
@click.option("--format", "form", type=click.Choice(["jsonl", "csv", "xlsx", "docx"]), default="jsonl",
              show_default=True, help="导出格式")  # fmt: skip
@click.option("--state", type=click.Choice(["draft", "published", "withdrawn"]),
              help="只导出某一状态（默认：草稿和已入库）")  # fmt: skip
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="写到文件（默认输出到屏幕）")
def export(form: str, state: str | None, output: Path | None) -> None:
    """导出案例：全部字段（jsonl、csv、xlsx），或供阅读打印的汇编（docx）。

    例：kb export --format xlsx -o 案例.xlsx；kb export --format docx -o 汇编.docx
    """
    from . import export as exports
    from . import validity
    from .store import Store
    from .vocabulary import label

    if form in ("xlsx", "docx") and output is None and sys.stdout.isatty():
        raise click.UsageError(f"{form} 不能显示在屏幕上，请用 -o 指定文件")
    with Store(settings()) as store:
        cases, changes = list(_wanted(store, state)), validity.changed(store)
    chosen = label("states", state) if state else ""
    heading = exports.Heading(settings().title, chosen, f"{datetime.date.today():%Y-%m-%d}")
    file = io.BytesIO()
    exports.write(file, form, cases, heading, changes)
    if output:
        output.write_bytes(file.getvalue())
        say(f"已导出 {len(cases)} 件到 {output}")
    else:
        sys.stdout.buffer.write(file.getvalue())


def _wanted(store: Any, state: str | None) -> Iterable[Any]:
    if state:
        return store.cases(state)
    published = list(store.published())
    ids = {case.id for case in published}
    return published + [case for case in store.cases("draft") if case.id not in ids]


@cli.command()
@click.argument("case_id", required=False)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def review(case_id: str | None, as_json: bool) -> None:
    """列出待审草稿；给出编号则显示该草稿和存疑之处。

    例：kb review；kb review 3f2a91c07be4
    """
    from . import submissions
    from .store import Store
    from .vocabulary import label

    with Store(settings()) as store:
        standing = submissions.everyone(store)
        if case_id is None:
            drafts = list(store.drafts())
        else:
            found = store.draft(case_id)
            if found is None:
                raise Fault(f"没有编号为 {case_id} 的草稿")
            drafts = [found]
    if as_json:
        told = [_draft_json(draft, standing[draft.case.id]) for draft in drafts]
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    if case_id is None:
        for draft in drafts:
            mark = f"存疑{len(draft.doubts)}处" if draft.doubts else "无存疑"
            stage = label("stages", standing[draft.case.id].stage)
            click.echo(f"{draft.case.id}  {stage}  {mark}  {draft.case.title or draft.case.demand[:30]}")
        say(f"共 {len(drafts)} 件草稿。入库：kb publish 编号…，或 kb publish --all（只入库无存疑的）")
        return
    _show_draft(drafts[0])


def _draft_json(draft: Any, standing: Any) -> dict[str, Any]:
    return {**draft.case.to_dict(), "doubts": [vars(doubt) for doubt in draft.doubts],
            "stage": standing.stage, "owner_hall": standing.hall_code}  # fmt: skip


def _show_draft(draft: Any) -> None:
    from .vocabulary import labels

    names = labels()
    for name, value in draft.case.to_dict().items():
        if value not in ("", [], {}, None):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            click.echo(f"{names.get(name, name)}：{text}")
    for doubt in draft.doubts:
        text = str(getattr(draft.case, doubt.field, ""))
        around = text[max(0, doubt.start - 8) : doubt.end + 8]
        click.echo(f"存疑（{names.get(doubt.field, doubt.field)}，{doubt.kind}）：{doubt.reason}……{around}……")


@cli.command()
@click.argument("case_ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="全部待审而无存疑的草稿")
@click.option("--cleared", is_flag=True, help="已由人核对过存疑之处")
def publish(case_ids: tuple[str, ...], everything: bool, cleared: bool) -> None:
    """草稿入库。有存疑（可能含个人信息）的草稿须先核对；网页上还在编写的、已退回的，--all 不动。

    例：kb publish 3f2a91c07be4 --cleared；kb publish --all
    """
    from . import review as gate
    from . import submissions
    from .store import Store

    if not case_ids and not everything:
        raise click.UsageError("请给出草稿编号，或加 --all")
    with Store(settings()) as store:
        standing = submissions.everyone(store) if everything else {}
        waiting = {each.case_id for each in standing.values() if each.stage == submissions.SUBMITTED}
        drafts = [draft for draft in store.drafts() if draft.case.id in waiting] if everything else []
        ids = [*case_ids, *(draft.case.id for draft in drafts if not draft.doubts)]
        done = gate.publish(store, ids, who(), cleared)
        held = sum(bool(draft.doubts) for draft in drafts)
    say(f"已入库 {len(done)} 件" + (f"，另有 {held} 件存疑，等待核对（kb review）" if held else ""))


@cli.command()
@click.argument("case_id")
@click.option("--reason", required=True, help="出库理由，会留在案例页上")
def withdraw(case_id: str, reason: str) -> None:
    """案例出库（保留出库说明页）。

    例：kb withdraw 3f2a91c07be4 --reason "依据已废止"
    """
    from . import review as gate
    from .store import Store

    with Store(settings()) as store:
        gate.withdraw(store, case_id, who(), reason)
    say(f"{case_id} 已出库")


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def doctor(as_json: bool) -> None:
    """检查案例库是否完好：数据库、索引、模型、待审草稿。

    例：kb doctor
    """
    from .health import checks

    found = checks(settings())
    if as_json:
        click.echo(json.dumps([vars(check) for check in found], ensure_ascii=False, indent=1))
    else:
        for check in found:
            click.echo(f"{'✓' if check.ok else '✗'} {check.name}：{check.message}")
    if not all(check.ok for check in found):
        raise click.exceptions.Exit(1)


def _load_plugins() -> None:
    manager().hook.kb_register_commands(cli=cli)


def main(args: list[str] | None = None) -> None:
    """Entry point: nothing but a clear Chinese message reaches the person, whatever goes wrong."""
    try:
        _load_plugins()
        code = cli.main(args, prog_name="kb", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        say("已中止")
        sys.exit(130)
    except click.UsageError as error:
        say(f"命令写法有误：{_usage_message(error)}")
        if error.ctx:
            say(f"查看说明：{error.ctx.command_path} --help")
        sys.exit(2)
    except Fault as fault:
        say(f"未能完成：{fault}")
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("KB_DEBUG"):
            raise
        # The message of an unforeseen error may quote data: only its kind is shown.
        say(f"程序出错（{type(error).__name__}），数据未受影响。请把所用命令告诉维护人员；设 KB_DEBUG=1 可看详情")
        sys.exit(1)


def _usage_message(error: click.UsageError) -> str:
    if isinstance(error, click.NoSuchOption):
        return f"没有选项 {error.option_name}"
    if isinstance(error, click.MissingParameter):
        name = error.param.make_metavar(error.ctx) if error.param and error.ctx else ""
        return f"缺少 {name}"
    if isinstance(error, click.BadParameter):
        name = error.param.opts[0] if error.param else ""
        kind = error.param.type if error.param else None
        if isinstance(kind, click.Choice):
            return f"{name} 应为以下之一：{'、'.join(kind.choices)}"
        if isinstance(kind, click.types.IntParamType):
            return f"{name} 应为整数"
        if isinstance(kind, click.Path | click.File):
            return f"{name}：找不到或打不开这个文件"
        return f"{name} 的值不对（{error.message}）"
    return error.format_message().replace("No such command", "没有命令").replace("Missing command.", "后面还要写上命令")
