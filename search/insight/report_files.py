"""The report as a file: a Word document (docx) or one HTML page that needs nothing beside it. The same report gives the
same bytes."""

from __future__ import annotations

import datetime
import io
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from kb.export import number_pages, printable, set_font

from .report_parts import Report, Section, Table, Words, marks

TYPES = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "html": "text/html; charset=utf-8",
}
#: Grounds of the cells of a picture, from few to many, and from which on the letters are white.
GROUNDS = ("FFFFFF", "E3EEF6", "BFD9EC", "8FBDDD", "4F93C2", "23699C", "0A4270")
WHITE_FROM = 5
WHOLE = 13  # rows up to which a table stands on one page
NARROW = 7  # columns from which on letters and cells are small
HEAD = "E8EDF2"  # ground of the first row
_FIXED = (1980, 1, 1, 0, 0, 0)  # what a zip file says of its parts: no day on which it was made
_PAGE = 162  # mm between the margins
_FIRST_DAY = datetime.datetime(2000, 1, 1)


def write(report: Report, form: str) -> bytes:
    """The file, docx or html."""
    return {"docx": docx, "html": html}[form](report)


def html(report: Report) -> bytes:
    """One page with its styles in it."""
    template = _templates().get_template("barrier_report.html")
    return template.render(report=report, grounds=GROUNDS, white_from=WHITE_FROM, kind=_kind,
                           whole=WHOLE, marks=marks, numbers=_numbers).encode()


@cache
def _templates() -> Environment:
    folder = Path(__file__).parents[1] / "templates"
    return Environment(loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def _kind(block: Any) -> str:
    return "table" if isinstance(block, Table) else "list" if isinstance(block, list) else "words"


def _numbers(table: Table, column: int) -> bool:
    """Whether a column holds numbers, so that its head stands above them."""
    return bool(table.rows) and table.rows[0][column].number


def docx(report: Report) -> bytes:
    """A4, headings that a reader can jump to, pictures as shaded tables, the notes at the end."""
    from docx import Document
    from docx.shared import Mm

    document = Document()
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm((210 - _PAGE) / 2)
    section.top_margin = section.bottom_margin = Mm(22)
    for name, size in (("Normal", 10.5), ("Title", 20), ("Heading 1", 14), ("Heading 2", 11.5), ("List Bullet", 10.5)):
        set_font(document.styles[name], size)
    about = document.core_properties
    about.title, about.author, about.comments = report.title, printable(report.author), ""
    about.last_modified_by = printable(report.author)
    about.created = about.modified = _moment(report.day)
    document.add_heading(report.title, level=0)
    for line in report.about:
        _spaced(document.add_paragraph(printable(line)), 1)
    for each in report.sections:
        _add_section(document, each)
    if report.notes:
        document.add_heading("案例", level=1)
        _spaced(document.add_paragraph(printable(report.key)), 4)
        _in_columns(document, 2)
        for number, note in enumerate(report.notes, 1):
            _add_note(document, number, note)
    number_pages(section)
    out = io.BytesIO()
    document.save(out)
    return _undated(out)


def _in_columns(document: Any, count: int) -> None:
    """What follows stands in so many columns, on the same page."""
    from docx.enum.section import WD_SECTION
    from docx.oxml.ns import qn

    columns = document.add_section(WD_SECTION.CONTINUOUS)._sectPr.find(qn("w:cols"))
    columns.set(qn("w:num"), str(count))
    columns.set(qn("w:space"), "400")


def _moment(day: str) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(day[:10])
    except ValueError:
        return _FIRST_DAY


def _undated(file: io.BytesIO) -> bytes:
    """The same zip file without the times at which its parts were written."""
    out = io.BytesIO()
    with zipfile.ZipFile(file) as whole, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as copy:
        for name in whole.namelist():
            entry = zipfile.ZipInfo(name, _FIXED)
            entry.compress_type = zipfile.ZIP_DEFLATED
            copy.writestr(entry, whole.read(name))
    return out.getvalue()


def _add_section(document: Any, section: Section) -> None:
    document.add_heading(printable(section.title), level=section.level)
    for block in section.blocks:
        if isinstance(block, Table):
            _add_table(document, block)
        elif isinstance(block, list):
            for words in block:
                _add_words(document.add_paragraph(style="List Bullet"), words)
        else:
            _add_words(document.add_paragraph(), block)


def _add_words(paragraph: Any, words: Words) -> None:
    _spaced(paragraph, 3, before=2)
    paragraph.add_run(printable(words.text))
    _add_notes(paragraph, words)


def _add_notes(paragraph: Any, words: Words) -> None:
    """Raised numbers, each of which jumps to its case, or the first of its cases."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    for number, said in marks(words.notes):
        jump = OxmlElement("w:hyperlink")
        jump.set(qn("w:anchor"), f"case{number}")
        run = paragraph.add_run(said)
        run.font.superscript = True
        jump.append(run._r)
        paragraph._p.append(jump)


def _add_note(document: Any, number: int, note: str) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Pt

    paragraph = document.add_paragraph()
    _spaced(paragraph, 2)
    run = paragraph.add_run(printable(f"[{number}] {note}"))
    run.font.size = Pt(8.5)
    for name in ("w:bookmarkEnd", "w:bookmarkStart"):
        element = OxmlElement(name)
        element.set(qn("w:id"), str(number))
        if name.endswith("Start"):
            element.set(qn("w:name"), f"case{number}")
        run._r.addnext(element) if name.endswith("End") else run._r.addprevious(element)


def _add_table(document: Any, table: Table) -> None:
    from docx.enum.table import WD_TABLE_ALIGNMENT
    from docx.shared import Mm, Pt

    caption = document.add_paragraph()
    caption.paragraph_format.keep_with_next = True
    _spaced(caption, 2, before=6)
    caption.add_run(printable(table.caption)).bold = True
    made = document.add_table(rows=0, cols=len(table.head), style="Table Grid")
    made.alignment, made.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    widths = [Mm(_PAGE * share) for share in table.widths]
    narrow = len(table.head) > NARROW
    if narrow:
        _narrow(made)
    head = [Words(text, number=_numbers(table, at)) for at, text in enumerate(table.head)]
    for at, row in enumerate([head, *table.rows]):
        line = made.add_row()
        _as_header(line, at == 0)
        for cell, words, width in zip(line.cells, row, widths, strict=True):
            cell.width = width
            _fill(cell, words, Pt(8 if narrow else 9), at == 0)
    if len(table.rows) <= WHOLE:
        for line in made.rows[:-1]:
            for cell in line.cells:
                cell.paragraphs[0].paragraph_format.keep_with_next = True
    for column, width in zip(made.columns, widths, strict=True):
        column.width = width
    if table.note:
        note = document.add_paragraph()
        _spaced(note, 4)
        note.add_run(printable(table.note)).font.size = Pt(9)


def _narrow(made: Any) -> None:
    """Little space beside the letters of a cell, so that no number is broken between lines."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), "40")
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    made._tbl.tblPr.find(qn("w:tblLook")).addprevious(margins)  # the order of the parts is fixed


def _as_header(line: Any, is_head: bool) -> None:
    """No row is broken between pages; the head is repeated on each."""
    from docx.oxml import OxmlElement

    properties = line._tr.get_or_add_trPr()
    properties.append(OxmlElement("w:cantSplit"))
    if is_head:
        properties.append(OxmlElement("w:tblHeader"))


def _fill(cell: Any, words: Words, size: Any, is_head: bool) -> None:
    from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import RGBColor

    paragraph = cell.paragraphs[0]
    _spaced(paragraph, 1, before=1)
    run = paragraph.add_run(printable(words.text))
    run.font.size, run.bold = size, is_head or words.marked
    _add_notes(paragraph, words)
    if words.number:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    if words.shade >= WHITE_FROM:
        run.font.color.rgb = RGBColor(255, 255, 255)
    if words.shade or is_head:
        shade = OxmlElement("w:shd")
        ground = GROUNDS[words.shade] if words.shade else HEAD
        for name, value in (("w:val", "clear"), ("w:color", "auto"), ("w:fill", ground)):
            shade.set(qn(name), value)
        cell._tc.get_or_add_tcPr().append(shade)
    cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER  # after the ground: the order of the parts is fixed


def _spaced(paragraph: Any, after: float, before: float = 0) -> None:
    from docx.shared import Pt

    form = paragraph.paragraph_format
    form.space_before, form.space_after, form.line_spacing = Pt(before), Pt(after), 1.15

