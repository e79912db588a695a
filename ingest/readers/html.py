"""Reads .html files: the main text of a page in reading order, with its headings; or the register in it.

trafilatura says which part of the page is the main text; the paragraphs themselves are taken from the page,
so that headings, order and short paragraphs are kept. A page whose tables are a register goes to the table
half.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import trafilatura
import yaml
from lxml import html as lxml_html
from lxml.etree import ParserError
from lxml.html import HtmlElement

from ingest.articles import tell
from ingest.articles.document import BODY, BOLD, MAX_HEADING, Line, tidy
from ingest.articles.labels import field_of
from ingest.records import Reading

from . import webtable
from .encoding import decode
from .limits import Unreadable, check_file

_BOLD_TAGS = frozenset({"b", "strong"})


@cache
def _rules() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))
    return loaded


def read(path: Path, name: str) -> Reading:
    """The cases of a web page; `name` is the file's name as the user knows it. Places: `case1`, `case2` …

    A page without told cases, but with tables, is read as a register. Raises Unreadable if there is no text.
    """
    check_file(path)
    text, problems = decode(_page(path.read_bytes()))
    try:
        root = lxml_html.document_fromstring(_without_declaration(text))
    except (ParserError, ValueError) as error:
        raise Unreadable("网页不完整，无法读取。请在浏览器中打开原页面，另存为网页后重新导入") from error
    tabular = _is_register(root)
    _prune(root)
    reading = tell(_main_part(list(_lines(root)), text), name, "html", lambda number, _, __: f"case{number}")
    if tabular and not reading.records:
        listed = webtable.read(path, name)
        if listed.records:
            listed.records = [replace(r, place=replace(r.place, kind="html")) for r in listed.records]
            return listed
    reading.problems = problems + reading.problems
    return reading


def _page(data: bytes) -> bytes:
    """The page itself where a browser saved it with its pictures (.mht, a MIME message)."""
    if not re.match(rb"(?:[\w-]+:[^\n]*\n(?:[ \t][^\n]*\n)*)*MIME-Version:", data[:2000], re.IGNORECASE):
        return data
    message = email.message_from_bytes(data, policy=email.policy.default)
    for part in message.walk():
        if part.get_content_type() == "text/html":
            payload = part.get_payload(decode=True)
            return payload if isinstance(payload, bytes) else data
    return data


def _is_register(root: HtmlElement) -> bool:
    size = _rules()["register"]
    return any(
        len(rows := table.findall(".//tr")) >= size["rows"] and len(rows[0]) >= size["columns"]
        for table in root.iter("table")
    )


def _without_declaration(text: str) -> str:
    """lxml refuses text with an XML encoding declaration; the text is decoded already."""
    return re.sub(r"^\s*<\?xml[^>]*\?>", "", text)


def _prune(root: HtmlElement) -> None:
    """Takes out scripts, navigation, share bars and what the page hides."""
    unwanted = re.compile(_rules()["furniture"], re.IGNORECASE)
    for element in list(root.iter()):
        if element.getparent() is None or element.tag in ("html", "body"):
            continue
        if not isinstance(element.tag, str):
            element.drop_tree()
            continue
        names = f"{element.get('class', '')} {element.get('id', '')} {element.get('role', '')}"
        style = (element.get("style") or "").replace(" ", "").lower()
        hidden = element.get("hidden") is not None or element.get("aria-hidden") == "true"
        hidden = hidden or "display:none" in style or "visibility:hidden" in style
        if element.tag in _rules()["dropped"] or hidden or unwanted.search(names) or _is_link_list(element):
            element.drop_tree()


def _is_link_list(element: HtmlElement) -> bool:
    """A block of several links and hardly anything else: navigation or recommendations."""
    if element.tag not in ("div", "ul", "ol", "section", "p", "dl", "table", "td", "li"):
        return False
    links = element.findall(".//a")
    if len(links) < 3:
        return False
    total = len(tidy(element.text_content()))
    return total > 0 and sum(len(tidy(link.text_content())) for link in links) / total > 0.7


def _lines(root: HtmlElement) -> Iterator[Line]:
    """The paragraphs of a page: heading levels by h1–h6, bold paragraphs, rows of tables."""
    number = 0
    for text, level, cells in _walk(root):
        if text:
            number += 1
            yield Line(text, number, level, cells)


def _walk(element: HtmlElement, level: int = BODY) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """(text, level, cells) of each paragraph under an element, in order."""
    if element.tag == "table" and not element.findall(".//table"):
        yield from _table(element)
        return
    pieces = [element.text or ""]
    if re.fullmatch(r"h[1-6]", element.tag):
        level = int(element.tag[1])
    for child in element:
        if not isinstance(child.tag, str):
            pieces.append(child.tail or "")
        elif child.tag == "br":
            yield _paragraph(element, pieces, level)
            pieces = [child.tail or ""]
        elif (
            child.tag in _rules()["blocks"]
            or child.find(".//p") is not None
            or child.find(".//br") is not None
        ):
            yield _paragraph(element, pieces, level)
            yield from _walk(child, level)
            pieces = [child.tail or ""]
        else:
            pieces += [child.text_content(), child.tail or ""]
    yield _paragraph(element, pieces, level)


def _paragraph(element: HtmlElement, pieces: list[str], level: int) -> tuple[str, int, tuple[str, ...]]:
    text = tidy("".join(pieces))
    if level == BODY and 0 < len(text) <= MAX_HEADING:
        bold = "".join(tidy(b.text_content()) for b in element.iter() if b.tag in _BOLD_TAGS)
        if bold == text or element.tag in _BOLD_TAGS:
            level = BOLD
    return text, level, ()


def _table(table: HtmlElement) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """Rows as cells where a table is a form; where it only makes the layout, the paragraphs in its cells."""
    rows = [[tidy(cell.text_content()) for cell in row.iter("td", "th")] for row in table.iter("tr")]
    labelled = any(field_of(cell.rstrip("：: ")) for cells in rows for cell in cells)
    if labelled and max(map(len, rows)) > 1:
        for cells in rows:
            if any(cells):
                yield " ".join(filter(None, cells)), BODY, tuple(cells)
        return
    for cell in table.iter("td", "th", "caption"):
        yield from _walk(cell)


def _main_part(lines: list[Line], text: str) -> list[Line]:
    """The lines from the first to the last that belong to the main text, and the headings above them."""
    main = trafilatura.extract(text, favor_recall=True, include_comments=False, include_tables=True) or ""
    known = {tidy(line) for line in main.splitlines()}
    shortest = _rules()["main_line"]
    inside = [i for i, line in enumerate(lines) if line.text in known and len(line.text) >= shortest]
    if not inside:
        return lines
    titles = [i for i, line in enumerate(lines[: inside[0]]) if line.level <= 2]
    if titles:
        return lines[titles[0] :]
    first = inside[0]
    while first > 0 and len(lines[first - 1].text) < shortest:
        first -= 1
    return lines[first:]
