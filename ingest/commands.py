"""`kb ingest` and `kb demo`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import yaml

from kb.cli import KbCommand, say, settings, who
from kb.errors import Fault

if TYPE_CHECKING:
    from rich.console import Console

    from kb.config import Settings

    from .drafting import Hall
    from .pipeline import FileReport, Report

DEMO = Path(__file__).parent / "demo"


@click.command(cls=KbCommand)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--hall", "hall_code", metavar="区划码", help="文件里没写是哪个大厅时，用这个六位区划码，如 370881")
@click.option("--publish", is_flag=True, help="脱敏无存疑的直接入库（默认只生成草稿）")
@click.option("--report", "report_file", type=click.Path(dir_okay=False, path_type=Path), help="导入报告写成 JSON 文件")
@click.option("--json", "as_json", is_flag=True, help="把导入报告以 JSON 输出到屏幕")
def ingest(
    paths: tuple[Path, ...], hall_code: str | None, publish: bool, report_file: Path | None, as_json: bool
) -> None:
    """导入台账、登记表、案例材料和报道，脱敏后生成草稿。

    支持 .xlsx .xls .csv .jsonl .docx .html .txt，以及装着它们的文件夹和 .zip。

    例：kb ingest 台账.xlsx 典型案例/ --hall 370881 --publish
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise click.UsageError(f"找不到文件：{'、'.join(missing)}")
    report = run(settings(), paths, _hall(hall_code), publish, who())
    text = json.dumps(report.to_dict(), ensure_ascii=False, indent=1)
    if report_file:
        report_file.write_text(text, encoding="utf-8")
    if as_json:
        click.echo(text)
    if not report.complete:
        raise click.exceptions.Exit(1)


@click.command(cls=KbCommand)
@click.option("--no-serve", is_flag=True, help="只建库，不打开网页")
@click.option("--host", default="127.0.0.1", show_default=True, help="监听地址")
@click.option("--port", default=8001, show_default=True, help="端口")
def demo(no_serve: bool, host: str, port: int) -> None:
    """用随附的示范案例建一个库，然后打开网页。

    例：kb demo
    """
    chosen = settings()
    report = run(chosen, [DEMO / "files"], None, True, who())
    if not report.complete:
        raise Fault("示范案例没有全部导入，请看上表")
    _propose_classes(chosen)
    say("\n试试这三个检索：")
    for text in yaml.safe_load((DEMO / "searches.yml").read_text(encoding="utf-8"))["searches"]:
        say(f'  kb search "{text}"')
    if no_serve:
        say(f"\n案例库在 {chosen.data_dir}，打开网页：kb serve")
        return
    from kb.web.serve import run as serve

    serve(chosen, host, port)


def _propose_classes(chosen: Settings) -> None:
    from kb.store import Store
    from search.embedder.store import EmbeddingCache
    from search.insight import classes

    with Store(chosen) as store, EmbeddingCache(chosen) as cache:
        found = classes.propose(store, cache.encode_passages)
    say(f"\n卡点相同的案例归成了 {len(found)} 类，待人认定：网页的“归类”，或 kb classes list")


def run(chosen: Settings, paths: Sequence[Path], hall: Hall | None, publish: bool, by: str) -> Report:
    """Ingest with a progress bar and a closing table on stderr."""
    from rich.console import Console

    from kb.store import Store
    from search.embedder.store import EmbeddingCache

    from . import pipeline

    console = Console(stderr=True)
    with Store(chosen) as store, EmbeddingCache(chosen) as cache, _bar(console) as progress:
        report = pipeline.ingest(
            store, list(paths), cache.encode_passages, hall=hall, publish=publish, by=by, progress=progress
        )
    _table(console, report)
    return report


def _hall(code: str | None) -> Hall | None:
    if code is None:
        return None
    from kb.fields import regions

    from .drafting import Hall

    region = regions.by_code(code)
    if region is None:
        raise click.UsageError(f"区划码 {code} 不在 GB/T 2260 中，应为六位数字，如 370881")
    return Hall(*regions.hall_of(region))


@contextmanager
def _bar(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                for old in tasks.values():
                    bar.update(old, visible=False)
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield progress


_COLUMNS = (
    ("行", "rows"), ("案例", "cases"), ("未变", "unchanged"), ("修订", "revisions"), ("重复", "duplicates"),
    ("脱敏", "redactions"), ("待核", "held_back"),
)  # fmt: skip
_STATUS = {"accepted": "已导入", "partial": "部分导入", "rejected": "未导入"}


def _table(console: Console, report: Report) -> None:
    from rich.table import Table

    table = Table(title=f"导入结果（用时 {report.took_s:.1f} 秒）")
    table.add_column("文件", overflow="fold")
    table.add_column("状态", no_wrap=True)
    for label, _ in _COLUMNS:
        table.add_column(label, justify="right")
    table.add_column("问题", justify="right")
    for file in report.files:
        table.add_row(
            file.file, _STATUS[file.status], *(str(getattr(file, name)) for _, name in _COLUMNS),
            str(len(file.problems)),
        )  # fmt: skip
    console.print(table)
    for file in report.files:
        for line in _notes(file):
            console.print(line, markup=False, highlight=False, soft_wrap=True)


def _notes(file: FileReport, most: int = 12) -> Iterator[str]:
    if file.reason:
        yield f"{file.file}：{file.reason}"
    unknown = [column for column, name in file.columns.items() if name is None]
    if unknown:
        yield f"{file.file}：未识别的栏目（原文保留在“其他栏目”）：{'、'.join(unknown)}"
    for problem in file.problems[:most]:
        sheet = f" 工作表“{problem['sheet']}”" if problem["sheet"] else ""
        row = f" 第{problem['row']}行" if problem["row"] else ""
        yield f"{file.file}{sheet}{row}：{problem['message']}"
    if len(file.problems) > most:
        yield f"{file.file}：另有 {len(file.problems) - most} 处问题，用 --report 查看全部"
