"""Cases as files for people who have no library: jsonl (nested, as to_dict), csv with BOM and xlsx (flat, safe cells),
docx (a collection to read and print). What each is called and how much fits stands in export.yml."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from .citation import headline, rule, source, span
from .errors import Fault
from .model import Case, to_row
from .validity import marker
from .vocabulary import labels

#: A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
#: What XML 1.0 cannot hold, and so neither xlsx, docx nor Atom.
_UNPRINTABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CELL = 32_767  # characters that a cell of a spreadsheet takes


@dataclass(frozen=True)
class Format:
    """A kind of file: extension, name on the screen, media type, and how many cases one file takes."""

    name: str
    label: str
    type: str
    most: int


@dataclass(frozen=True)
class Heading:
    """What stands at the head of a collection: whose, what was chosen (empty: everything), and the day."""

    title: str
    chosen: str
    day: str


@cache
def _settings() -> dict[str, Any]:
    return dict(yaml.safe_load((Path(__file__).parent / "export.yml").read_text(encoding="utf-8")))


#: By extension, in the order to offer them.
FORMATS: dict[str, Format] = {
    name: Format(name, entry["label"], entry["type"], entry["most"]) for name, entry in _settings()["formats"].items()
}


def check_size(form: str, count: int) -> None:
    """Raise Fault when `count` cases are more than a file of that kind takes."""
    most = FORMATS[form].most
    if count > most:
        other = "，或者导出 Excel、CSV" if form == "docx" else ""
        asked = f"要导出的有 {count:,} 件，{FORMATS[form].label} 一次至多 {most:,} 件"
        raise Fault(f"{asked}。请加筛选条件分几次导出{other}")


def write(
    out: BinaryIO, form: str, cases: Iterable[Case], heading: Heading, changes: Iterable[Mapping[str, Any]] = ()
) -> None:
    """Write `cases` to `out` as a file of the kind `form`. `changes`: rules that changed (`validity.changed`); jsonl,
    which other libraries take in, has the cases as they are stored."""
    if form != "jsonl":
        cases = map(marker(changes), cases)
    {"jsonl": _write_jsonl, "csv": _write_csv, "xlsx": _write_xlsx, "docx": _write_docx}[form](out, cases, heading)


def printable(text: str) -> str:
    """`text` without characters that no document may hold (control characters and the like)."""
    return _UNPRINTABLE.sub("", text)


def safe_cell(value: Any) -> Any:
    """A value that no spreadsheet runs: texts that look like a formula get an apostrophe in front."""
    if not isinstance(value, str):
        return value
    text = printable(value).replace("\r", "")
    return "'" + text if text.lstrip(" 　\ufeff").startswith(_FORMULA_STARTS) else text


def _write_jsonl(out: BinaryIO, cases: Iterable[Case], heading: Heading) -> None:
    for case in cases:
        out.write((json.dumps(case.to_dict(), ensure_ascii=False) + "\n").encode())


# Tables


def flat(cases: Iterable[Case]) -> tuple[list[str], Iterator[list[Any]]]:
    """Names of the columns, and rows of safe cells."""
    rows = ([safe_cell(_readable(value)) for value in to_row(case).values()] for case in cases)
    return list(to_row(Case(id=""))), rows


def _header(columns: Sequence[str]) -> list[str]:
    names = labels()
    return [names.get(column, column) for column in columns]


def _readable(value: Any) -> Any:
    if not (isinstance(value, str) and value[:1] in ("[", "{")):
        return value
    try:
        found = json.loads(value)
    except ValueError:
        return value  # a text that begins with a bracket
    if not found:
        return ""
    return "、".join(found) if isinstance(found, list) and all(isinstance(item, str) for item in found) else value


def _write_csv(out: BinaryIO, cases: Iterable[Case], heading: Heading) -> None:
    """UTF-8 with BOM, so that Excel shows Chinese."""
    text = io.TextIOWrapper(out, encoding="utf-8-sig", newline="")
    writer = csv.writer(text)
    columns, rows = flat(cases)
    writer.writerow(_header(columns))
    writer.writerows(rows)
    text.detach()  # flushes, and leaves `out` open


def _write_xlsx(out: BinaryIO, cases: Iterable[Case], heading: Heading) -> None:
    """One sheet: the header stays in view, columns have a width, long texts wrap."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet("案例")
    columns, rows = flat(cases)
    wide = _settings()["wide"]
    for at, column in enumerate(columns, 1):
        sheet.column_dimensions[get_column_letter(at)].width = wide.get(column, _settings()["width"])
    sheet.freeze_panes = "A2"
    wrap, bold = Alignment(wrap_text=True, vertical="top"), Font(bold=True)

    def cell(column: str, value: Any) -> Any:
        if value == "" or not isinstance(value, str):
            return None if value == "" else value
        made = WriteOnlyCell(sheet)
        made.value = value[:_CELL]
        made.data_type = "s"  # whatever it looks like, it is text
        if column in wide:
            made.alignment = wrap
        return made

    head = []
    for name in _header(columns):
        made = WriteOnlyCell(sheet, name)
        made.font = bold
        head.append(made)
    sheet.append(head)
    for row in rows:
        sheet.append([cell(column, value) for column, value in zip(columns, row, strict=True)])
    book.save(out)


# A collection to read


def _write_docx(out: BinaryIO, cases: Iterable[Case], heading: Heading) -> None:
    """A4, a title with what was chosen, each case under its own heading, page numbers."""
    from docx import Document
    from docx.shared import Mm

    document = Document()
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(24)
    section.top_margin = section.bottom_margin = Mm(22)
    for name, size in (("Normal", 11), ("Title", 20), ("Heading 1", 14)):
        set_font(document.styles[name], size)
    title = f"{heading.title} · 案例汇编"
    document.core_properties.title, document.core_properties.author = printable(title), printable(heading.title)
    document.core_properties.comments = ""
    document.add_heading(printable(title), level=0)
    about = document.add_paragraph()
    count = 0
    for count, case in enumerate(cases, 1):
        _add_case(document, count, case)
    about.add_run(printable(f"{heading.chosen or '全部案例'}　共 {count} 件　{heading.day} 导出"))
    document.add_paragraph("案例已去除个人信息；先例供参考，办理以现行规定为准。")
    number_pages(section)
    document.save(out)


def set_font(style: Any, points: float) -> None:
    """A size, black, and a Chinese typeface that every office has."""
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    style.font.size, style.font.color.rgb, style.font.name = Pt(points), RGBColor(0, 0, 0), "宋体"
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for theme in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
        fonts.attrib.pop(qn(theme), None)  # a theme's typeface would win over the one that is named
    fonts.set(qn("w:eastAsia"), "宋体" if style.name == "Normal" else "黑体")


def _add_case(document: Any, number: int, case: Case) -> None:
    from docx.shared import Pt

    document.add_heading(printable(f"{number}. {headline(case)}"), level=1)
    about = [case.outcome, *case.barriers, case.domain, case.hall.get("name", ""), case.closed or case.received]
    if any(about):
        document.add_paragraph(printable("　".join(text for text in about if text)))
    names = _settings()["sections"]
    for name, text in parts(case).items():
        paragraph = document.add_paragraph()
        paragraph.paragraph_format.space_after = Pt(4)
        paragraph.add_run(f"{names[name]}　").bold = True
        paragraph.add_run(printable(text))


def parts(case: Case) -> Mapping[str, str]:
    """The texts of a case in the order in which a clerk reads them; those that the source does not give are absent."""
    found = {
        "demand": case.demand,
        "obstacle": case.obstacle,
        "measure": case.measure,
        "steps": "\n".join(" ".join(filter(None, (s.get("date"), s.get("dept"), s.get("action")))) for s in case.steps),
        "basis": "；".join(rule(entry) for entry in case.basis),
        "materials": "、".join(case.materials),
        "contact": "、".join(filter(None, [case.lead_dept, *case.coop_depts])),
        "result": "。".join(filter(None, [case.outcome, span(case), case.result])),
        "solidified": " ".join(filter(None, (case.solidified.get(key) for key in ("kind", "date", "text")))),
        "source": source(case),
    }
    return {name: found[name] for name in _settings()["sections"] if found[name].strip()}


def number_pages(section: Any) -> None:
    """A page number in the middle of the foot: a field that the word processor fills in."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    foot = section.footer.paragraphs[0]
    foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    shown = OxmlElement("w:r")
    text = OxmlElement("w:t")
    text.text = "1"
    shown.append(text)
    field.append(shown)
    foot._p.append(field)
