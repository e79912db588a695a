"""Section headings in words that no list knows: their field by the place between known ones.

Write-ups keep to one order (诉求, 难点, 做法, 成效, 启示), whatever the sections are called. A heading that
stands in a row with known ones of the same rank can be read by its place; so can a whole row that is the same
in one case after another.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ingest.articles.document import BODY, MAX_HEADING, UNNUMBERED, Line
from ingest.articles.labels import sections

_SENTENCE_END = re.compile(r"[。！？；：!?;:]$")
_ORDER = ("demand", "obstacle", "measure", "result", "drop")
_AS = {"problem": "obstacle", "outcome": "result", "followup": "result", "solidified": "result", "basis": "measure"}
#: What sections are about, by their number, where none of their names is known.
_OUTLINES = {3: ("demand", "measure", "result"), 4: _ORDER[:4], 5: _ORDER}
_LONGEST = 12  # characters of a section heading; case titles are mostly longer
_DIGITS = "一二三四五六七八九十"


def is_heading(line: Line) -> bool:
    """Whether a line can be a heading: short, not a sentence, and numbered or set off by style."""
    if line.cells or len(line.text) > MAX_HEADING or _SENTENCE_END.search(line.text):
        return False
    return line.level < BODY or line.numbering is not None


def unnamed(headings: Sequence[Line]) -> dict[int, str]:
    """Line number → raw field for the unknown section headings among `headings` (in reading order)."""
    found: dict[int, str] = {}
    times = Counter(line.bare for line in headings)
    for row in _rows(headings):
        known = [_known(line) for line in row]
        fields = {field for field in known if field}
        if len(fields) < 2 and len(row) in _OUTLINES and all(times[line.bare] > 1 for line in row):
            outline = zip(row, known, _OUTLINES[len(row)], strict=True)
            found |= {line.number: field for line, name, field in outline if not name}
            continue
        if len(fields) < 2 or 2 * sum(map(bool, known)) < len(row):
            continue
        for i, line in enumerate(row):
            if not known[i] and len(line.bare) <= _LONGEST and not _may_be_title(line, known[:i], known[i + 1 :]):
                known[i] = _between(known[:i], known[i + 1 :])
                found[line.number] = known[i]
    return found


def _may_be_title(line: Line, before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether a heading without number may name the next case: only one within a case is surely a section."""
    return line.rank[1] == UNNUMBERED and (not any(before) or not any(after) or after[0] in ("", "demand"))


def _rows(headings: Sequence[Line]) -> list[list[Line]]:
    """Headings of one rank that stand side by side: no higher one between them, no numbering begun anew."""
    rows: list[list[Line]] = []
    open_: dict[tuple[int, int], list[Line]] = {}
    for line in headings:
        for rank in [rank for rank in open_ if rank > line.rank]:
            del open_[rank]
        row = open_.get(line.rank)
        if row is None or not _follows(line, row[-1]):
            row = open_[line.rank] = []
            rows.append(row)
        row.append(line)
    return rows


def _follows(line: Line, before: Line) -> bool:
    """Whether a heading is the next of its row: by number, or, unnumbered, by its style alone."""
    if line.rank[1] == UNNUMBERED:
        return 1 < line.level < BODY
    return _number(line) == _number(before) + 1


def _number(line: Line) -> int:
    match = line.numbering
    text = match.group() if match else ""
    if digits := re.search(r"\d+", text):
        return int(digits.group())
    words = re.search(f"[{_DIGITS}]+", text)
    if words is None:
        return 0
    tens, ten, ones = words.group().rpartition("十")
    return (10 * (_DIGITS.find(tens) + 1 if tens else 1) if ten else 0) + _DIGITS.find(ones[:1] or "零") + 1


def _known(line: Line) -> str:
    found = sections(line)
    field = found[0].field if found else ""
    return _AS.get(field, field)


def _between(before: Sequence[str], after: Sequence[str]) -> str:
    """The field of a section from the known ones before and after it."""
    last = next((field for field in reversed(before) if field in _ORDER), "")
    following = next((field for field in after if field in _ORDER), "")
    if not last:
        return "demand"
    place = min(_ORDER.index(last) + 1, len(_ORDER) - 1)
    if following == _ORDER[place] or following == last:
        return last
    return _ORDER[place]
