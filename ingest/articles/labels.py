"""Section labels: finds 基本情况, “症结：”, 【办理结果】 in a line and says which field follows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from ingest.articles.document import BODY, UNNUMBERED, Line, rules

_BRACKETED = re.compile(r"[（(【\[].*?[）)】\]]")
_EDGE = "【】[]〔〕《》“”\"'：:。、，—-·•◆■●▲★☆ \t"
_MAX_LABEL = 14
#: A label and its colon at the start of a line, or after a full stop, a bracket or a blank within it.
_START = re.compile(r"[【\[〔]?([^：:，,。；;！？\s【】\[\]〔〕]{1,16})[】\]〕]?\s*[：:]\s*")
_BRACKET_START = re.compile(r"[【\[〔]([^】\]〕：:]{1,14})[】\]〕]\s*[：:]?\s*")
_MIDDLE = re.compile(r"(?<=[。；;！？\s】”])[【\[〔]?([\u4e00-\u9fff“”]{2,10})[】\]〕]?\s*[：:]\s*")
_RUN_IN = re.compile(r"([\u4e00-\u9fff“”（）()、]{2,14})(?:[。.]|\s)\s*(?=\S{8})")


@dataclass(frozen=True)
class Section:
    """A labelled piece of a line; `field` is a raw field name, or `drop` for what is not wanted."""

    field: str
    label: str
    text: str
    rank: tuple[int, int]


@cache
def _fields() -> tuple[tuple[str, re.Pattern[str]], ...]:
    data = rules("sections")
    return tuple(
        (field, re.compile(f"{data['prefix']}(?:{'|'.join(expressions)})"))
        for field, expressions in data["fields"].items()
    )


@cache
def field_of(label: str) -> str:
    """The raw field that a label opens (`drop` for unwanted sections), or "" if it is no known label."""
    bare = Line(label, 0).bare
    inside = _BRACKETED.search(bare)
    names = [_BRACKETED.sub("", bare).strip(_EDGE)]
    if inside and (not names[0] or inside.group()[0] in "（("):  # 【基本情况】, 案例背景（基本情况）
        names.append(inside.group().strip(_EDGE + "（）()"))
    for name in names:
        if 0 < len(name) <= _MAX_LABEL:
            for field, expression in _fields():
                if expression.fullmatch(name):
                    return field
    return ""


def sections(line: Line) -> list[Section]:
    """The labelled pieces of a line in order; empty if its first words are no label.

    A piece of text before the first label in mid-line is left to `split_at_label`.
    """
    if field := field_of(line.text.rstrip("：: ")):
        return [Section(field, line.bare.strip(_EDGE), "", line.rank)]
    start = _first(line)
    if start is None:
        return []
    field, label, text = start
    return _with_inline(Section(field, label, text, line.rank))


def split_at_label(line: Line) -> tuple[str, list[Section]]:
    """Text without label at the start of a line, and the labelled pieces after it."""
    if found := sections(line):
        return "", found
    for match in _MIDDLE.finditer(line.text):
        if field := _inline_field(match.group(1)):
            section = Section(field, match.group(1), line.text[match.end() :], (BODY, UNNUMBERED))
            return line.text[: match.start()].strip(), _with_inline(section)
    return line.text, []


def _first(line: Line) -> tuple[str, str, str] | None:
    """(field, label, rest) where a line opens with a label that text follows."""
    bare = line.bare
    for expression in (_BRACKET_START, _START):
        match = expression.match(bare)
        if match and (field := field_of(match.group(1))):
            return field, match.group(1), bare[match.end() :]
    match = _RUN_IN.match(bare)  # “（一）基本情况。2023年……”, “基本情况  2023年……”
    if match and (line.numbering or line.text[match.end() - 1 : match.end()] == " "):
        field = field_of(match.group(1))
        if field and match.group(1) not in rules("sections")["start_only"]:
            return field, match.group(1), bare[match.end() :]
    return None


def _inline_field(label: str) -> str:
    return "" if label in rules("sections")["start_only"] else field_of(label)


def _may_follow(field: str, section: Section) -> bool:
    """Whether a label may open `field` in mid-text of a section. What a set phrase reads within its sentence
    stays there, but after one short entry another may stand (办理单位：… 受理时间：…)."""
    entries = rules("sections")["frame_fields"]
    return field != section.field and (field not in entries or section.field in entries)


def _with_inline(section: Section) -> list[Section]:
    """A section cut at the labels that stand within its text."""
    for match in _MIDDLE.finditer(section.text):
        field = _inline_field(match.group(1))
        if field and _may_follow(field, section):
            head = Section(section.field, section.label, section.text[: match.start()].strip(), section.rank)
            tail = Section(field, match.group(1), section.text[match.end() :], (BODY, UNNUMBERED))
            return [head, *_with_inline(tail)]
    return [section]
