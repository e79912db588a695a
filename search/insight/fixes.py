"""What a case made permanent (固化): its kind, its text and its date, as far as the case tells them. Words and patterns
lie in ``fixes.yml``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kb import vocabulary
from kb.model import Case

from ..filters import YES, solidified
from .changes import day


@dataclass(frozen=True)
class Fix:
    """What a case made permanent. `date` is empty where none is known; `by_closing`: it is the day on which the case
    was closed, because the case tells no date of its fix."""

    case_id: str
    kind: str
    text: str
    date: str
    hall: str
    city: str
    by_closing: bool = False


@cache
def settings() -> dict[str, Any]:
    """The content of ``fixes.yml``."""
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "fixes.yml").read_text(encoding="utf-8"))
    return found


def is_fixed(case: Case) -> bool:
    """Whether a case says that something was changed for good."""
    kind, text = str(case.solidified.get("kind") or ""), str(case.solidified.get("text") or "")
    return bool(kind or text) and solidified(kind, text) == YES


def fix_of(case: Case) -> Fix:
    """What a case made permanent. A day that it tells counts, else that of its closing, which no fix can precede."""
    kind, text = told(case)
    own, said, closed = day(case.solidified.get("date")), day(told_date(case)), day(case.closed)
    date = own or max(said, closed)
    place = str(case.hall.get("name") or ""), str(case.region.get("city") or "")
    return Fix(case.id, kind, text, date, *place, by_closing=not own and date == closed != said)


def told(case: Case) -> tuple[str, str]:
    """Kind and text of the fix: the kind as written (also before the text, 流程：…), else by the words of the text."""
    kind, text = str(case.solidified.get("kind") or ""), str(case.solidified.get("text") or "").strip()
    kinds = vocabulary.values("solidified_kinds")
    begins = re.match(rf"({'|'.join(kinds)})\s*[：:]\s*", text)
    if begins:
        return kind or begins[1], text[begins.end() :]
    return kind or next((name for name, words in settings()["kinds"].items() if re.search(words, text)), ""), text


def told_date(case: Case) -> str:
    """The date of the fix, ISO, perhaps a month: as written, else from its text (4月起) in the year that is nearest to
    the day on which the case was closed."""
    own, near = str(case.solidified.get("date") or ""), day(case.closed) or day(case.received)
    if own or not near:
        return own
    found = re.search(settings()["since"], str(case.solidified.get("text") or ""))
    if not found or not 1 <= int(found["month"]) <= 12 or not 1 <= int(found["day"] or 1) <= 31:
        return ""
    month = int(near[:4]) * 12 + int(near[5:7]) - 1
    years = [int(found["year"])] if found["year"] else [int(near[:4]) + step for step in (-1, 0, 1)]
    year = min(years, key=lambda one: abs(one * 12 + int(found["month"]) - 1 - month))
    whole = f"{year}-{int(found['month']):02d}" + (f"-{int(found['day']):02d}" if found["day"] else "")
    return whole if day(whole) else ""
