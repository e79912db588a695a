"""Reads .txt files: news, bulletins and letters; headings marked as in Markdown are understood."""

from __future__ import annotations

import re
from pathlib import Path

from ingest.articles import tell
from ingest.articles.document import BODY, Line, tidy
from ingest.records import Reading

from .encoding import decode
from .limits import Unreadable, check_file

_HEADING = re.compile(r"(#{1,6})\s+(?=\S)")
_EMPHASIS = re.compile(r"\*\*(.+?)\*\*")


def read(path: Path, name: str) -> Reading:
    """The cases of a text file; `name` is the file's name as the user knows it. Places: `L9-L10` (from 1).

    Raises Unreadable if the file holds no text.
    """
    check_file(path)
    data = path.read_bytes()
    if not data.strip(b"\x00 \t\r\n"):
        raise Unreadable("文件里没有文字，请检查导出或传输是否完整")
    text, problems = decode(data)
    lines = [_line(raw, number) for number, raw in enumerate(text.splitlines(), start=1)]
    reading = tell(lines, name, "txt", lambda _, first, last: f"L{first.number}-L{last.until}")
    reading.problems = problems + reading.problems
    return reading


def _line(raw: str, number: int) -> Line:
    text = _EMPHASIS.sub(r"\1", tidy(raw))
    mark = _HEADING.match(text)
    return Line(text[mark.end() :], number, len(mark[1])) if mark else Line(text, number, BODY)
