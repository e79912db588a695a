"""Matters: the service asked for, by its standard name (个体户注销 → 个体工商户注销登记), and 事项编码.

`matters.yml` lists common services by domain with what people and clerks call them. Codes differ from
province to province and are kept as opaque text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import yaml

LONGEST_NAME = 40  # characters: a longer cell is a story, in which a matter's name may stand by the way
_EDGES = " \t\r\n　。.，,、；;：:-—_*·"
_IDLE_SPACE = re.compile(
    r" (?=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef])|(?<=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]) "
)
_NUMBERING = re.compile(r"^(?:\d{1,3}\s*[.、．)）]\s*|[（(]\s*\d{1,3}\s*[)）]|[一二三四五六七八九十]{1,3}、)")
_CODE_LABEL = re.compile(
    r"^(?:政务服务)?(?:事项|实施|基本|业务|目录)*(?:清单)?(?:编码|代码|编号)\s*[:：]?\s*"
)
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_\-]{7,47}")
_CODE_IN_TEXT = re.compile(r"(?<![0-9A-Za-z])[0-9A-Z]{28,40}(?![0-9A-Za-z])")
# An identity card, credit code, bank card or telephone number in a code column must not pass for a code.
_OTHER_NUMBER = re.compile(r"1[3-9]\d{9}|\d{15,19}|\d{17}[Xx]|[0-9A-Za-z]{18}|0\d{2,3}-\d{7,8}")


class _Index(NamedTuple):
    names: dict[str, str]  # name or alias → standard name
    domains: dict[str, str]  # standard name → domain
    pattern: re.Pattern[str]


def clean(text: str | None) -> str:
    """A matter's name as written, freed of numbering, line breaks, quotation marks and edge signs."""
    name = _IDLE_SPACE.sub("", re.sub(r"\s+", " ", text or "")).strip(_EDGES)
    name = _NUMBERING.sub("", name).strip(_EDGES)
    quoted = re.fullmatch(r"[“\"《]([^“”\"《》]*)[”\"》]", name)
    return quoted[1].strip(_EDGES) if quoted else name


def standard(name: str | None) -> str | None:
    """The standard name of a matter; `None` for one that is not in the list.

    The whole name counts first, then the name without brackets; in a short text the longest known name that
    occurs in it, or the first of several equally long.
    """
    plain, index = _plain(clean(name)), _index()
    for candidate in (plain, re.sub(r"\([^()]*\)", "", plain)):
        if candidate in index.names:
            return index.names[candidate]
    found = index.pattern.findall(plain) if len(plain) <= LONGEST_NAME else []
    return index.names[max(found, key=len)] if found else None


def domain(standard_name: str) -> str | None:
    """The domain (领域) of a standard name; `None` for any other text."""
    return _index().domains.get(standard_name)


def code(text: str | None) -> str | None:
    """The 事项编码 of a cell, or of a text that holds one; `None` where nothing looks like one.

    Softly: letters and digits, at least eight of them digits, and no number of another kind.
    """
    plain = _CODE_LABEL.sub("", unicodedata.normalize("NFKC", text or "").strip())
    whole = re.sub(r"\s+", "", plain)
    candidates = [whole] if _CODE.fullmatch(whole) else _CODE_IN_TEXT.findall(plain)
    for candidate in candidates:
        if sum(char.isdecimal() for char in candidate) >= 8 and not _OTHER_NUMBER.fullmatch(candidate):
            return candidate
    return None


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


@cache
def _index() -> _Index:
    data = yaml.safe_load(files(__package__).joinpath("matters.yml").read_text(encoding="utf-8"))
    names: dict[str, str] = {}
    domains: dict[str, str] = {}
    for area, entries in data.items():
        for entry in entries:
            domains[entry["name"]] = area
            for alias in (entry["name"], *entry["aliases"]):
                names[_plain(alias)] = entry["name"]
    longest_first = sorted(names, key=len, reverse=True)
    return _Index(names, domains, re.compile("|".join(map(re.escape, longest_first))))
