"""Search results for people at a terminal, in the order in which a clerk reads: 卡点, 办法, 依据, 找谁 …"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from kb.citation import rule as rule_of
from kb.model import Case
from kb.store import Store
from kb.vocabulary import label

from .calibration import NONE, PERHAPS, PRECEDENT

LONGEST = 160  # characters of a field
INDENT = 9  # cells before the text of a field: margin and label
GRADES = {
    PRECEDENT: "同类先例：同一事项、同样的难处，以前这样办过。",
    PERHAPS: "仅供参考：没有把握是同类先例，可以借鉴，办理前请核对。",
    NONE: "没有找到先例：以下几件最接近，但不是先例，不要照搬。",
}
_BLANKS = re.compile(r"\s+")


def show(answer: dict[str, Any], store: Store) -> None:
    """Prints *answer* (of `Precedents.find`) to stdout."""
    console = Console(highlight=False, soft_wrap=False)
    for line in _opening(answer):
        console.print(Text(line, style="yellow"))
    for book in answer["playbooks"]:
        state = label("playbook_states", book["state"])
        console.print(Text(f"这类事已有办法：{book['title']}（{state}，编号 {book['id']}）", style="green"))
        for rule in book["changed_basis"]:
            for part in _folded(Text(f"依据有变：{rule_of(rule)}", style="red"), max(console.width, 20)):
                console.print(part, no_wrap=True, overflow="ignore")
    for rank, entry in enumerate(answer["results"], 1):
        case = store.get(entry["id"])
        if case is None:
            continue
        head = Text(f"{rank}. ")
        head.append(_marked(entry, case, "title") if case.title else Text(case.demand[:40]))
        facts = [entry["region"], entry["outcome"], case.source_no or case.id]
        head.append("  " + " · ".join(filter(None, facts)), style="dim")
        console.print()
        console.print(head, style="bold")
        if answer["grade"] == PRECEDENT != entry["grade"]:
            console.print(Text(f"   {PERHAPS}", style="dim"))
        for name, told in _fields(entry, case):
            margin = f"   {name}  "
            for part in _folded(told, max(console.width - INDENT, 20)):
                console.print(Text.assemble((margin, "cyan"), part), no_wrap=True, overflow="ignore")
                margin = " " * INDENT
    console.print(f"\n{len(answer['results'])} 件，{answer['took_ms']:.0f} 毫秒", style="dim")


def _opening(answer: dict[str, Any]) -> Iterator[str]:
    """What is said before the results: note, what was understood, grade, whom to ask."""
    if answer["note"]:
        yield answer["note"]
    understood = answer["understood"]
    for one in understood["corrections"]:
        yield f"按“{one['meant']}”查找（您输入的是“{one['typed']}”；要按原样查找请加 --literally）"
    if understood["synonyms"]:
        pairs = (f"{one['word']} → {'、'.join(one['terms'])}" for one in understood["synonyms"])
        yield f"也查：{'；'.join(pairs)}"
    if answer["results"]:
        yield GRADES[answer["grade"]]
    if answer["departments"]:
        yield f"可以问：{'、'.join(answer['departments'])}"


def _fields(entry: dict[str, Any], case: Case) -> list[tuple[str, Text]]:
    """(label, text) of what is known of a case, in reading order."""
    basis = "；".join(
        filter(
            None,
            (
                " ".join(filter(None, [one["title"], one["doc_no"], f"（{one['change']}）" if one["change"] else ""]))
                for one in entry["basis"]
            ),
        )
    )
    days = f"{case.working_days} 个工作日" if case.working_days is not None else ""
    found = [
        ("卡点", _marked(entry, case, "obstacle") if case.obstacle else None),
        ("诉求", _marked(entry, case, "demand") if not case.obstacle else None),
        ("办法", _marked(entry, case, "measure")),
        ("依据", Text(basis)),
        ("找谁", Text("、".join(filter(None, [case.lead_dept, *case.coop_depts])))),
        ("多久", Text(days)),
        ("结果", _marked(entry, case, "result") if case.result else Text(case.outcome)),
        ("另有", Text(_alike(entry))),
        ("因为", Text("；".join(f"{why['kind']}：{why['text']}" for why in entry["why"]), style="dim")),
    ]
    return [(name, text) for name, text in found if text is not None and text.plain.strip()]


def _alike(entry: dict[str, Any]) -> str:
    count = len(entry["alike"])
    ids = "、".join(other["source_no"] or other["id"] for other in entry["alike"][:5])
    return f"{count} 件几乎相同：{ids}{' 等' if count > 5 else ''}" if count else ""


def _marked(entry: dict[str, Any], case: Case, name: str) -> Text:
    """A field with the words of the question marked, cut to the stretch around the first of them."""
    whole = str(getattr(case, name))
    spans = entry["highlights"].get(name, [])
    start = 0
    if len(whole) > LONGEST and spans:
        start = max(0, min(spans[0][0] - LONGEST // 3, len(whole) - LONGEST))
    text, at = Text("…" if start else ""), start
    stop = min(start + LONGEST, len(whole))
    for first, last in [*spans, [stop, stop]]:
        first, last = min(max(first, at), stop), min(last, stop)
        text.append(_BLANKS.sub(" ", whole[at:first]))
        text.append(_BLANKS.sub(" ", whole[first:last]), style="bold yellow")
        at = max(at, last)
    return text.append("…") if stop < len(whole) else text


def _folded(text: Text, width: int) -> Iterator[Text]:
    """*text* in lines of at most *width* cells; Chinese may be cut anywhere, so words are not looked for."""
    cuts, used = [], 0
    for at, char in enumerate(text.plain):
        used += cell_len(char)
        if used > width:
            cuts.append(at)
            used = cell_len(char)
    yield from text.divide(cuts)
