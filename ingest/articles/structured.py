"""Write-ups, letters and forms with labelled sections: cut into cases, each section to its field."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ingest import columns
from ingest.articles import frames, roles
from ingest.articles.document import BODY, MAX_HEADING, UNNUMBERED, Line, Told, pattern, rules
from ingest.articles.labels import Section, field_of, sections, split_at_label
from ingest.articles.siblings import is_heading, unnamed

_MAX_MATTER = 26
_GENERAL = 2.0  # noise score of a text that sums up
_SENTENCE_END = re.compile(r"[。！？；：!?;:]$")
_SINGLE = frozenset({"title", "source_no", "matter", "applicant", "received", "demand", "problem"})
_TOLD_AS = frozenset({"measure", "obstacle", "result", "outcome"})
_ENDS = frozenset({"measure", "result", "outcome"})
_INLINE = (BODY, UNNUMBERED)


@dataclass
class _Block:
    """A heading with what follows until the next one of its kind."""

    title: Line | None = None
    lines: list[Line] = field(default_factory=list)
    fields: dict[str, list[str]] = field(default_factory=dict)
    asked: bool = False  # the demand stands under a question label
    current: str = ""
    label_rank: tuple[int, int] | None = None

    def add(self, name: str, text: str) -> None:
        self.fields.setdefault(name, [])
        if text.strip():
            self.fields[name].append(text.strip())

    def open(self, section: Section) -> None:
        if not section.text and self.label_rank is not None and section.rank > self.label_rank:
            pass  # a label inside a section (（一）办理经过 under 二、主要做法) keeps the section's rank
        else:
            self.label_rank = section.rank
        self.current = section.field
        self.asked = self.asked or bool(re.search(rules("sections")["dialogue"], section.label))
        self.add(section.field, section.text)

    @property
    def labelled(self) -> bool:
        return self.label_rank is not None

    def text(self, name: str) -> str:
        return "\n".join(self.fields.get(name, []))


def cases(lines: list[Line]) -> tuple[list[Told], list[list[Line]]]:
    """The cases told under labels, and the passages of consecutive lines that hold none of them."""
    told: list[Told] = []
    rest: list[list[Line]] = [[]]
    for block in _blocks(lines):
        case = _case(block)
        if case is None:
            rest[-1] += block.lines
        else:
            told.append(case)
            rest.append([])
    return told, [passage for passage in rest if passage]


def _blocks(lines: list[Line]) -> list[_Block]:
    blocks = [_Block()]
    inferred = unnamed([line for line in lines if is_heading(line)])
    for line in lines:
        block = blocks[-1]
        lead, found = _row(line) if line.cells else split_at_label(line)
        if not found and line.number in inferred:
            lead, found = "", [Section(inferred[line.number], line.bare, "", line.rank)]
        if not found and _starts_block(line, block):
            if block.title is not None and not block.title.bare and not block.fields:
                block.title = Line(f"{block.title.text} {line.text}", block.title.number, line.level)
                block.lines.append(line)
                continue
            block = _Block(title=line)
            blocks.append(block)
        elif found and (_repeats(found, block) or not block.labelled and block.title is None):
            block = _Block(title=_trailing_title(block))
            if block.title is not None:
                block.lines.append(block.title)
            blocks.append(block)
        block.lines.append(line)
        if lead and line is not block.title:
            block.add(block.current or "demand", lead)
        for section in found:
            block.open(section)
    return blocks


def _row(line: Line) -> tuple[str, list[Section]]:
    """The label and value pairs of a table row; several pairs may stand side by side."""
    found = []
    cells = list(dict.fromkeys(line.cells)) if len(line.cells) > 2 else list(line.cells)
    while cells:
        name = _field(cells.pop(0))
        if name and cells and not _field(cells[0]):
            found.append(Section(name, "", cells.pop(0), _INLINE))
    if not found and len(set(line.cells)) == 1:
        return split_at_label(Line(line.cells[0], line.number))
    return ("" if found else line.text), found


def _field(label: str) -> str:
    """The field of a form's label, by section labels, else by the column names of registers."""
    label = label.rstrip("：: ")
    known = field_of(label)
    if not known and columns.is_name(label):
        known = columns.understand([columns.Heading(label)], [[]])[0] or ""
    return known


def _starts_block(line: Line, block: _Block) -> bool:
    awaited = block.title is not None and not block.title.bare and not block.fields
    if awaited and len(line.text) <= MAX_HEADING and not _SENTENCE_END.search(line.text):
        return True
    if not is_heading(line):
        return False
    if not block.labelled or block.title is None and line.rank[1] == 0:
        return True
    if block.title is not None and line.rank <= block.title.rank:
        return True
    return block.label_rank not in (None, _INLINE) and line.rank <= (block.label_rank or _INLINE)


def _repeats(found: list[Section], block: _Block) -> bool:
    """Whether a label opens the next case: it names something that a case has once, and that is taken."""
    name = found[0].field
    if name not in _SINGLE:
        return False
    if name in block.fields and block.fields[name]:
        return name not in ("demand", "problem") or bool(_TOLD_AS & block.fields.keys())
    return bool({"measure", "result"} & block.fields.keys()) and name in {"demand", "problem", "title"}


def _trailing_title(block: _Block) -> Line | None:
    """The short last line before the first label, taken out of the block where it stood."""
    if not block.lines:
        return None
    last = block.lines[-1]
    if last.cells or last is block.title or len(last.text) > MAX_HEADING or _SENTENCE_END.search(last.text):
        return None
    if sections(last):
        return None
    block.lines.pop()
    for texts in block.fields.values():
        if texts and texts[-1] == last.text:
            texts.pop()
            break
    return last


def _case(block: _Block) -> Told | None:
    told = {name: text for name in block.fields if (text := block.text(name))}
    if _SENTENCE_END.search(told.get("matter", "")):  # under 诉求事项 the story may stand, not a name
        told["demand"] = "\n".join(filter(None, [told.get("demand", ""), told.pop("matter")]))
    if problem := told.pop("problem", ""):
        name = "obstacle" if "demand" in told else "demand"
        told[name] = "\n".join(filter(None, [problem, told.get(name, "")]))
    if not block.labelled or not told.keys() & {"demand", "obstacle"} or not told.keys() & _ENDS:
        return None
    if block.asked and not re.search(rules("sections")["first_person"], told.get("demand", "")):
        return None
    told.pop("drop", None)
    _name(told, block.title)
    values = {name: text for name, text in frames.read(told).items() if text}
    if not values.keys() & {"applicant", "received", "matter"} and _is_report(values.get("demand", "")):
        return None
    lines = [line for line in block.lines if not pattern("noise", "line").search(line.plain)] or block.lines
    return Told(values, lines[0], lines[-1])


def _is_report(text: str) -> bool:
    """Whether a text on 基本情况 sums up (窗口23个，累计受理967件) and tells of no single trouble."""
    return roles.score(text, "noise") >= max(_GENERAL, roles.score(text, "obstacle"))


def _name(told: dict[str, str], title: Line | None) -> None:
    """Title from the heading, matter where the heading (or a part of it) reads like a service item."""
    if title is not None and not told.get("title"):
        told["title"] = title.bare or title.text
    heading = told.get("title", "")
    if not heading or told.get("matter"):
        return
    headline = re.compile(rules("sections")["headline"])
    whole = "" if headline.search(heading) else heading
    parts = [p for p in re.split(rules("sections")["item_parts"], heading) if frames.is_item(p)]
    matter = whole or (parts[-1] if parts else "")
    if 0 < len(matter) <= _MAX_MATTER:
        told["matter"] = matter.strip("“”《》 ")
