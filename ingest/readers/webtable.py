"""Tables saved as a web page or as XML with the ending .xls: what many systems call an Excel export."""

from __future__ import annotations

import email
from collections.abc import Iterator
from pathlib import Path

import lxml.etree
import lxml.html

from ingest.records import Reading
from ingest.registers import assemble
from ingest.sheets import Merge, Row, Sheet

from .cells import clean, shorten
from .encoding import decode
from .limits import Unreadable, limits

_SHEET_XML = "{urn:schemas-microsoft-com:office:spreadsheet}"


def read(path: Path, name: str) -> Reading:
    """Read every innermost table of an HTML page (.mht too), or every work sheet of a SpreadsheetML 2003 file."""
    data = path.read_bytes()
    if data[:200].lstrip().lower().startswith(b"mime-version"):
        data = _pages(data)
    if b"urn:schemas-microsoft-com:office:spreadsheet" in data[:4000] and b"<Workbook" in data[:4000]:
        return assemble(list(_xml_sheets(data)), name, "xls")
    text, problems = decode(data)
    sheets = list(_html_sheets(text))
    if not sheets:
        raise Unreadable("文件其实是网页，里面没有表格；请回到原系统重新导出，或另存为 .html 后导入")
    sheets[0].problems += problems
    return assemble(sheets, name, "html" if name.lower().endswith((".html", ".htm")) else "xls")


def _pages(data: bytes) -> bytes:
    """The pages of a web archive (单个文件网页), one after the other."""
    parts = email.message_from_bytes(data).walk()
    pages = [part.get_payload(decode=True) for part in parts if part.get_content_type() == "text/html"]
    return b"\n".join(page for page in pages if isinstance(page, bytes))


def _html_sheets(text: str) -> Iterator[Sheet]:
    # lxml refuses a str with an encoding declaration; the bytes are UTF-8 by now.
    parser = lxml.html.HTMLParser(encoding="utf-8")
    root = lxml.html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    for place, table in enumerate(root.xpath("//table[not(.//table)]"), 1):
        sheet = Sheet(f"表{place}", [])
        taken: dict[tuple[int, int], str] = {}
        lines = table.xpath("./tr | ./thead/tr | ./tbody/tr | ./tfoot/tr")
        for number, line in enumerate(lines[: limits().max_rows], 1):
            cells: list[str] = []
            for cell in line.xpath("./td | ./th"):
                while (number, len(cells)) in taken:
                    cells.append("")
                down, right = _span(cell.get("rowspan")), _span(cell.get("colspan"))
                if down > 1 or right > 1:
                    end = (number + down - 1, len(cells) + right - 1)
                    sheet.merges.append(Merge(number, len(cells), *end))
                    taken.update({(r, c): "" for r in range(number, end[0] + 1) for c in range(len(cells), end[1] + 1)})
                cells += [shorten(_text(cell)), *[""] * (right - 1)]
            if any(cells):
                sheet.rows.append(Row(number, cells))
        yield sheet


def _span(value: str | None) -> int:
    return min(int(value), 1000) if value and value.strip().isdigit() and int(value) > 0 else 1


def _text(cell: lxml.html.HtmlElement) -> str:
    for line_break in cell.xpath(".//br"):
        line_break.tail = "\n" + (line_break.tail or "")
    return clean(cell.text_content())


def _xml_sheets(data: bytes) -> Iterator[Sheet]:
    parser = lxml.etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    root = lxml.etree.fromstring(data, parser)
    if root is None:
        raise Unreadable("文件已损坏，请用 Excel 或 WPS 打开原件，另存为 .xlsx 后重新导入")
    for source in root.iter(_SHEET_XML + "Worksheet"):
        sheet = Sheet(source.get(_SHEET_XML + "Name", ""), [])
        number = 0
        for line in source.iter(_SHEET_XML + "Row"):
            number = int(line.get(_SHEET_XML + "Index", number + 1))
            cells: list[str] = []
            for cell in line.iter(_SHEET_XML + "Cell"):
                place = int(cell.get(_SHEET_XML + "Index", len(cells) + 1)) - 1
                cells += [""] * (min(place, limits().max_columns) - len(cells))
                right, down = (
                    int(cell.get(_SHEET_XML + "MergeAcross", 0)),
                    int(cell.get(_SHEET_XML + "MergeDown", 0)),
                )
                if right or down:
                    sheet.merges.append(Merge(number, len(cells), number + down, len(cells) + right))
                text = "".join("".join(part.itertext()) for part in cell.iter(_SHEET_XML + "Data"))
                cells += [shorten(clean(text)), *[""] * min(right, limits().max_columns)]
            if any(cells):
                sheet.rows.append(Row(number, cells))
        yield sheet
