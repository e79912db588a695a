"""A case in one line, as a clerk quotes it in a ledger, a report or a message, and the parts that such lines share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .model import Case


def citation(case: Case, url: str = "") -> str:
    """Name, whose it is, when, with which result, on what basis, and where to read it."""
    about = [place(case), case.closed or case.received, case.outcome]
    basis = "；".join(rule(entry) for entry in case.basis if entry.get("valid") is not False)
    whole = f"《{headline(case)}》" + (f"（{'，'.join(text for text in about if text)}）" if any(about) else "")
    return "。".join(filter(None, [whole, f"依据：{basis}" if basis else "", f"案例编号 {case.id}", url]))


def headline(case: Case) -> str:
    """What a case is called where its title stands: the title, else the matter, else how its story begins."""
    return case.title or case.matter.get("name") or (case.obstacle or case.demand)[:40] or "（无标题）"


def place(case: Case) -> str:
    """The hall, else the region."""
    region = dict.fromkeys(case.region.get(level, "") for level in ("province", "city", "county"))
    return str(case.hall.get("name") or " ".join(filter(None, region)))


def rule(entry: Mapping[str, Any]) -> str:
    """A rule relied on: 《title》（number）clause, and what became of it where that is known."""
    change = entry.get("change") or ("已废止" if entry.get("valid") is False else "")
    return name_of(entry) + (f"［{change}］" if change else "")


def name_of(entry: Mapping[str, Any]) -> str:
    """A rule relied on: 《title》（number）clause."""
    title = str(entry.get("title") or "")
    named = title if not title or title.startswith("《") else f"《{title}》"
    number = str(entry.get("doc_no") or "")
    number = f"（{number}）" if named and number else number
    return f"{named}{number}{entry.get('clause') or ''}"


def span(case: Case) -> str:
    """How long it took, empty where unknown."""
    if case.working_days is None:
        return ""
    return "当天办结" if case.working_days == 0 else f"用时 {case.working_days} 个工作日"


def position(row: str) -> str:
    """The place in a file in words: row 7, lines L9-L10, paragraphs p3-p13; anything else as it is."""
    found = re.fullmatch(r"([Lp]?)([0-9]+)(?:-\1([0-9]+))?", row)
    if not found:
        return row
    first, last = found[2], found[3] or found[2]
    return f"第 {first if first == last else f'{first}—{last}'} {'段' if found[1] == 'p' else '行'}"


def source(case: Case) -> str:
    """Where the case came from: its number there, the file, the address."""
    file = " ".join(str(case.source[key]) for key in ("file", "sheet") if case.source.get(key))
    row = position(str(case.source.get("row") or ""))
    number = f"编号 {case.source_no}" if case.source_no else ""
    parts = [place(case), number, " ".join(filter(None, [file, row])), case.source.get("url", ""), f"案例 {case.id}"]
    return "；".join(text for text in parts if text)
