"""The commands of the middle floor: kb search, kb reindex, kb evaluate."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import click

from kb.cli import KbCommand, say, settings
from kb.config import Settings
from kb.errors import Fault

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_QID = re.compile(r"[^\s\ud800-\udfff]+")  # one word of text, as TREC files need it
_DOCID = click.Choice(["id", "source_no"])


@click.command(cls=KbCommand)
@click.argument("text", nargs=-1)
@click.option("-k", default=10, show_default=True, type=click.IntRange(1, 1000), help="最多列出几件")
@click.option("--region", default="", help="地区：名称或区划码开头；省、市包含下辖各县")
@click.option("--domain", default="", help="领域")
@click.option("--barrier", default="", help="壁垒类型")
@click.option("--outcome", default="", help="结果")
@click.option("--matter", default="", help="事项：标准名称、原来写的名称或事项编码")
@click.option("--handling", default="", help="办理方式，如 协调、帮办代办")
@click.option("--dept", "department", default="", help="牵头或协办部门；只写 医保局 这样的简称时，各地同类部门都算")
@click.option("--year", default="", help="年份，四位数字；按办结（没有则受理、收到）日期")
@click.option("--solidified", default="", help="是否已固化：是、否")
@click.option("--since", default="", help="起始日期，如 2024-05-01、2024-05、2024")
@click.option("--literally", is_flag=True, help="按原样查找，不纠正错别字")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.option("--batch", type=_FILE, help='成批查询：每行一个 {"qid": …, "query": …}')
@click.option(
    "--run",
    "run_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="成批查询时另写 TREC 格式的结果文件",
)
@click.option("--docid", type=_DOCID, default="id", show_default=True, help="TREC 文件里用哪个编号")
def search(
    text: tuple[str, ...],
    k: int,
    literally: bool,
    as_json: bool,
    batch: Path | None,
    run_file: Path | None,
    docid: str,
    **chosen: str,
) -> None:
    """检索先例：输入群众说的话、事项名称、文号或案例编号。

    例：kb search 房产证上加名字要还清贷款吗 -k 3

    用引号和减号时把整句括起来：kb search '"容缺受理" 执照 -食品'
    """
    from . import unmet
    from .engine import Filters
    from .filters import checked
    from .precedents import Precedents

    if bool(text) == bool(batch):
        raise click.UsageError("请输入要查的内容，或用 --batch 指定文件（二者取一）")
    if run_file and not batch:
        raise click.UsageError("--run 要与 --batch 一起用")
    filters = checked(Filters(**chosen))
    precedents = _opened(Precedents)
    if batch:
        _batch(precedents, batch, run_file, docid, k, filters)
        return
    answer = precedents.find(" ".join(text), k, filters, literally)
    if not answer["answerable"]:
        # De-identifying loads a tagger, half a second of a process that has just begun: only for what is unmet.
        unmet.record_soon(precedents.settings, answer["query"], answer["grade"], filters)
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False, indent=1))
    else:
        from . import terminal

        terminal.show(answer, precedents.store)


def _opened(kind: Callable[..., Any]) -> Any:
    """The searcher of the chosen library, with its index up to date."""
    from . import upkeep

    found = kind(library())
    if found.engine.problem(found.store):
        with upkeep.bar("更新检索索引") as progress:
            found.refresh(progress)
    return found


def library() -> Settings:
    """Settings of the chosen library; Fault if there is none (opening would begin an empty one)."""
    chosen = settings()
    if not chosen.library_path.exists():
        raise Fault(f"{chosen.data_dir} 里还没有案例库。先运行 kb demo 或 kb ingest，或用 --data 指定文件夹")
    return chosen


def _batch(precedents: Any, source: Path, run_file: Path | None, docid: str, k: int, filters: Any) -> None:
    """Answers every line of *source* on stdout; lines that cannot be used are reported on stderr."""
    from .folding import line as answered

    unusable = 0
    with source.open(encoding="utf-8-sig", errors="replace") as lines, _written(run_file) as run:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            asked = _question(line)
            if asked is None:
                say(f'{source.name} 第 {number} 行不是 {{"qid": …, "query": …}} 形式的 JSON，已跳过')
                unusable += 1
                continue
            said = answered(asked["qid"], precedents.find(asked["query"], k, filters), k)
            click.echo(json.dumps(said, ensure_ascii=False))
            run.writelines(_trec(asked["qid"], said["results"], docid))
    if unusable:
        raise click.exceptions.Exit(1)


def _question(line: str) -> dict[str, str] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("query"), str):
        return None
    qid = found.get("qid")
    if not isinstance(qid, str | int) or isinstance(qid, bool) or not _QID.fullmatch(str(qid)):
        return None
    return {"qid": str(qid), "query": found["query"]}


def _trec(qid: str, results: list[dict[str, Any]], docid: str) -> Iterator[str]:
    """Lines of a TREC run; a document stands in it once, at its best rank."""
    seen: set[str] = set()
    for entry in results:
        name = str(entry[docid] or entry["id"])
        if name not in seen:
            seen.add(name)
            yield f"{qid} Q0 {name} {len(seen)} {entry['score']} bancheng\n"


def _written(path: Path | None) -> IO[str]:
    """*path* opened for writing, or a text that is thrown away when there is none."""
    if path is None:
        return io.StringIO()
    try:
        return path.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise Fault(f"{path} 无法写入：{error.strerror}") from error


@click.command(cls=KbCommand)
@click.option("--vectors", is_flag=True, help="连同已算好的向量一起重算（较慢）")
def reindex(vectors: bool) -> None:
    """重建检索索引。索引由案例库导出，随时可以重建，不影响案例。

    例：kb reindex
    """
    from kb.store import Store

    from . import upkeep

    chosen = library()
    if vectors:
        for path in chosen.index_dir.glob("embeddings.db*"):
            path.unlink()
    with Store(chosen) as store:
        count = upkeep.rebuild(store)
    say(f"检索索引已重建，共 {count} 件案例")


@click.command(cls=KbCommand)
@click.option("--queries", type=_FILE, required=True, help='问题：每行 {"qid", "query", "answerable"}')
@click.option("--qrels", type=_FILE, required=True, help="评判：TREC 格式，每行 qid 0 编号 等级（0–3）")
@click.option("--docid", type=_DOCID, default="source_no", show_default=True, help="评判用的是哪个编号")
@click.option("--run", "run_file", type=_FILE, help="不查本库，评已有的结果文件（TREC 格式）")
@click.option("--against", type=_FILE, help="再与这个结果文件（TREC 格式）逐题比较")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def evaluate(
    queries: Path, qrels: Path, docid: str, run_file: Path | None, against: Path | None, as_json: bool
) -> None:
    """用一组问题和人工评判衡量检索质量，也可比较两次检索的结果。

    例：kb evaluate --queries queries.jsonl --qrels qrels.tsv

    两次比较：kb evaluate --queries queries.jsonl --qrels qrels.tsv --run new.trec --against old.trec
    """
    from . import evaluation

    asked = evaluation.read_queries(queries)
    judged = evaluation.read_qrels(qrels)
    if run_file:
        report = evaluation.evaluate_run(evaluation.read_run(run_file), asked, judged)
    else:
        from .precedents import Precedents

        report = evaluation.evaluate(_opened(Precedents), asked, judged, docid)
    if against:
        theirs = evaluation.evaluate_run(evaluation.read_run(against), asked, judged)
        report["against"] = theirs["measures"]
        report["difference"] = evaluation.compare(report["per_query"], theirs["per_query"])
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=1))
        return
    for line in evaluation.lines(report):
        click.echo(line)
