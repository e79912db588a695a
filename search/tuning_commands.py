"""The command kb tune."""

from __future__ import annotations

import json
from typing import Any

import click

from kb.cli import KbCommand, say

from .commands import library

_VIEWS = {
    "message": "诉求与卡点",
    "measure": "办法与结果",
    "title": "标题",
    "words": "词",
    "pairs": "字对",
}


@click.command(cls=KbCommand)
@click.option("--dry-run", is_flag=True, help="只试算并报告，不启用也不保存")
@click.option("--off", "action", flag_value="off", help="停用调优，恢复原来的检索（结果保留）")
@click.option("--on", "action", flag_value="on", help="重新启用停用的调优")
@click.option("--status", "action", flag_value="status", help="查看现状")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def tune(dry_run: bool, action: str | None, as_json: bool) -> None:
    """用本库已入库的案例调整检索：几分钟，不联网，随时可以停用。

    例：kb tune --dry-run
    """
    if action and dry_run:
        raise click.UsageError("--dry-run 不能与 --on、--off、--status 一起用")
    report = _state(action) if action else _learnt(dry_run)
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        _show(report)


def _learnt(dry_run: bool) -> dict[str, Any]:
    """Learns, keeps what helps, and reports."""
    from kb.store import Store

    from .engine.embedded import EmbeddedEngine
    from .tuning import learning, store
    from .upkeep import bar

    settings = library()
    engine = EmbeddedEngine(settings)
    with Store(settings) as cases:
        if engine.problem(cases):
            with bar("更新检索索引") as progress:
                engine.sync(cases, progress)
        version = cases.version()
        learnt = learning.learn(cases, engine.cache, say)
    kept = learnt.helps and not dry_run
    if kept:
        store.save(settings, engine.fingerprint, version, learnt)
    return {"state": "saved" if kept else "dry_run" if dry_run else "no_gain", "figures": learnt.figures}


def _state(action: str) -> dict[str, Any]:
    """Switches if asked to, and tells how things are."""
    from .embedder import open_embedder
    from .tuning import store

    settings = library()
    if action != "status":
        store.switch(settings, action == "on")
    entry = store.described(settings)
    trouble = store.problem(settings, open_embedder(settings).fingerprint)
    if trouble:
        return {"state": "unusable", "note": trouble, "figures": {}}
    if not entry:
        return {"state": "absent", "figures": {}}
    state = "active" if entry["active"] else "inactive"
    return {"state": state, "date": entry["date"], "version": entry["version"], "figures": entry["figures"]}


_SAID = {
    "saved": "已启用对检索有帮助的部分。恢复原样：kb tune --off",
    "dry_run": "只是试算，没有改动。",
    "no_gain": "没有哪一部分在留出的案例上确有改进，检索保持原样。",
    "active": "调优在用。停用：kb tune --off",
    "inactive": "调优已停用，检索按原样进行。重新启用：kb tune --on",
    "absent": "还没有调优，检索按原样进行。",
    "unusable": "检索按原样进行，可重新运行 kb tune。",
}


def _show(report: dict[str, Any]) -> None:
    figures = report["figures"]
    if figures:
        date = f"{report['date'][:10]}：" if "date" in report else ""
        took = f"{figures['cases']} 件案例，{figures['questions']} 个自拟问题，用时 {figures['took_s']:.0f} 秒"
        click.echo(date + took)
        click.echo("留出案例上原案例的名次（五折，每折五分之一的案例不参与学习；方括号内为差的 95% 区间）；")
        click.echo("“他人同类”是答复几乎相同、说法不同的其他案例的名次，下降就不启用")
        for view, part in figures["views"].items():
            _line(f"问题向量·{_VIEWS[view]}", part)
        _line("问题向量·合计", figures["adapter"])
        _line("各视图权重", figures["weights"])
        named = (f"{_VIEWS[name]} {value:g}" for name, value in figures["weights"]["values"].items())
        click.echo(f"    学得的权重：{'，'.join(named)}")
        _line("合计（启用的部分）", figures["together"], verdict=False)
    click.echo("。".join(filter(None, [report.get("note"), _SAID[report["state"]]])))


def _line(label: str, part: dict[str, Any], verdict: bool = True) -> None:
    click.echo(label + ("" if not verdict else "  有改进" if part["on"] else "  没有把握，不启用"))
    measured = [(name, part[name]) for name in ("MRR@10", "Recall@10")]
    if "others" in part:
        measured.append(("他人同类 MRR@10", part["others"]["MRR@10"]))
    for name, one in measured:
        gap = one["difference"]
        change = f"{one['before']:.3f} → {one['after']:.3f}"
        click.echo(f"    {name} {change}  {gap['mean']:+.3f} [{gap['low']:+.3f}, {gap['high']:+.3f}]")
