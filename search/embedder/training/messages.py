"""Title–text pairs from a workbook of citizens' messages: the writer's own summary finds the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import openpyxl

from .recipe import Workbook

Pair = tuple[str, str]


def load_pairs(path: Path, others: Iterable[Path], workbook: Workbook) -> list[Pair]:
    """(title, text) of the messages in *path*, less those that also stand in one of *others*.

    Leave out by *others* what the model will be measured on.  ValueError when a workbook lacks the columns.
    """
    titles, pieces = set(), set()
    for title, text in (row for other in others for row in _rows(other, workbook)):
        titles.add(_letters(title))
        pieces.update(_pieces(_letters(text), workbook.piece, step=1))
    pairs = []
    for title, text in _rows(path, workbook):
        own = _pieces(_letters(text), workbook.piece, step=workbook.piece)
        if _letters(title) in titles or sum(piece in pieces for piece in own) > workbook.share * len(own):
            continue
        title = re.sub(workbook.title_opening, "", re.sub(r"\s+", "", title))
        text = re.sub(workbook.text_opening, "", re.sub(r"\s+", "", text))
        if len(title) >= workbook.shortest_title and len(text) >= workbook.shortest_text:
            pairs.append((title, text))
    return pairs


def _rows(path: Path, workbook: Workbook) -> Iterator[Pair]:
    """(title, text) of every row of the first sheet."""
    file = openpyxl.load_workbook(path, read_only=True)
    try:
        rows = file.worksheets[0].iter_rows(values_only=True)
        header = [str(cell or "").strip() for cell in next(rows, ())]
        if not {workbook.title, workbook.text} <= set(header):
            raise ValueError(f"{path.name}: no columns {workbook.title} and {workbook.text}")
        title, text = header.index(workbook.title), header.index(workbook.text)
        for row in rows:
            yield str(row[title] or ""), str(row[text] or "")
    finally:
        file.close()


def _letters(text: str) -> str:
    """*text* without blanks and punctuation."""
    return re.sub(r"\W", "", text)


def _pieces(text: str, length: int, step: int) -> list[str]:
    """Pieces of *length* characters, one every *step* characters."""
    return [text[start : start + length] for start in range(0, len(text) - length + 1, step)]
