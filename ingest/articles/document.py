"""The lines of an article: their text, rank and place; and the rule files that are read beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ingest.readers import cells

_HERE = Path(__file__).parent
_SPACE = re.compile(r"[\s\u3000\xa0]+")
_FULL_WIDTH = str.maketrans(",;:?!()", "，；：？！（）")
_DIGIT_COMMA = re.compile(r"(?<=\d)，(?=\d{3}(?!\d))")

#: How deep a numbering stands: 案例一 above 一、 above （一） above 1. above （1）.
_NUMBERINGS = tuple(
    re.compile(pattern)
    for pattern in (
        r"【?(?:典型|优秀|精品|工作|服务|经典)?(?:案例|故事|实例|个案)\s*(?:之)?"
        r"(?:[一二三四五六七八九十]{1,3}|\d{1,2}|[①-⑳])】?\s*[：:、.．，]?\s*",
        r"第[一二三四五六七八九十]{1,3}[则例件个]\s*[：:、，]?\s*",
        r"(?:问题|事项|难题|诉求|事例|典型)(?:[一二三四五六七八九十]{1,2}|\d{1,2})\s*[：:、]\s*",
        r"[一二三四五六七八九十]{1,3}\s*[、．.]\s*",
        r"[（(][一二三四五六七八九十]{1,3}[）)]\s*[、.．]?\s*",
        r"\d{1,2}\s*[、．.](?!\d)\s*",
        r"(?:[（(]\d{1,2}[）)]|[①-⑳]|\d{1,2}[）)])\s*[、.．]?\s*",
    )
)  # fmt: skip
UNNUMBERED = 9
BOLD, BODY = 7, 9  # levels of a paragraph all in bold, and of body text
MAX_HEADING = 45  # characters


@dataclass(frozen=True)
class Line:
    """One paragraph. `number` is its place in the file (`end`: that of its last part, where a break cut it);
    `level` 1–6 is a heading style, BOLD a paragraph all in bold; `cells` the cells of a table row
    (then `text` joins them)."""

    text: str
    number: int
    level: int = BODY
    cells: tuple[str, ...] = ()
    end: int = -1

    @property
    def until(self) -> int:
        return max(self.end, self.number)

    @property
    def plain(self) -> str:
        return plain(self.text)

    @property
    def numbering(self) -> re.Match[str] | None:
        return next((m for p in _NUMBERINGS if (m := p.match(self.text))), None)

    @property
    def rank(self) -> tuple[int, int]:
        """Depth in the outline, smaller is higher: heading style first, then kind of numbering."""
        depth = next((i for i, p in enumerate(_NUMBERINGS) if p.match(self.text)), UNNUMBERED)
        return (self.level, depth)

    @property
    def bare(self) -> str:
        """The text without its numbering."""
        match = self.numbering
        return self.text[match.end() :].strip() if match else self.text


@dataclass
class Told:
    """A case as an article tells it: raw values and the lines that it covers."""

    values: dict[str, str]
    first: Line
    last: Line


def plain(text: str) -> str:
    """The text with full-width punctuation, of the same length, so that offsets hold for both."""
    return _DIGIT_COMMA.sub(",", text.translate(_FULL_WIDTH))


@cache
def rules(name: str) -> dict[str, Any]:
    """A rule file of this package, by its name without `.yml`."""
    loaded: dict[str, Any] = yaml.safe_load((_HERE / f"{name}.yml").read_text(encoding="utf-8"))
    return loaded


@cache
def pattern(name: str, key: str) -> re.Pattern[str]:
    """The expressions listed under `key` of a rule file, as one."""
    return re.compile("|".join(f"(?:{expression})" for expression in rules(name)[key]))


def tidy(text: str) -> str:
    """One line without control characters, indents and runs of blanks."""
    return _SPACE.sub(" ", cells.clean(text)).strip()
