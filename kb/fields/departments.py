"""Departments: one cell → names, and a name → the standard name of its kind (县医保局 → 医疗保障局).

`departments.yml` lists the kinds with the words that name them. Level and place before a name and the
section or window after it do not change its kind.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import yaml

LONGEST_CELL = 2000  # characters: a longer cell is no list of departments
_SEPARATORS = re.compile(r"([、，,;；/／\r\n]+|\s+|[和及与])(?![^（(]*[）)])")  # not inside brackets
_AMBIGUOUS = re.compile(r"[和及与]|\s+")  # these separate only complete names
_EDGES = " \t\r\n　。.，,、；;:：-—_*·"
_IDLE_SPACE = re.compile(r"(?<=[\u4e00-\u9fff“”]) (?=[\u4e00-\u9fff“”])")
_HALL = "政务服务中心"


class _Words(NamedTuple):
    complete: re.Pattern[str]  # a text that ends with a body's name
    starts: re.Pattern[str]  # a text that begins with one
    role: re.Pattern[str]  # what is no part of a name
    nothing: frozenset[str]
    kind: re.Pattern[str]  # every word of every family, the longest first at each point
    families: dict[str, str]  # word → family


def clean(text: str | None) -> str:
    """A department's name as written, freed of spaces, edge signs, role notes （牵头） and 等部门."""
    name = _IDLE_SPACE.sub("", re.sub(r"\s+", " ", text or "")).strip(_EDGES)
    for _ in range(3):  # 会同县法院（配合）等部门 has three
        name = _words().role.sub("", name).strip(_EDGES)
    if re.fullmatch(r"[（(【\[].*[）)】\]]", name):
        name = name[1:-1].strip(_EDGES)
    return "" if name in _words().nothing else name


def split(text: str | None) -> list[str]:
    """The departments that a cell names, cleaned, in its order, each once.

    和 and spaces separate only where a complete name stands before them and another one after: 县公安局和
    县医保局 are two, 教育和体育局 is one.
    A cell of more than `LONGEST_CELL` characters names none.
    """
    if text is None or len(text) > LONGEST_CELL:
        return []
    parts = [""]
    pieces = _SEPARATORS.split(text)
    for separator, piece, rest in zip(["、", *pieces[1::2]], pieces[::2], _rests(pieces), strict=True):
        joins_name = _AMBIGUOUS.fullmatch(separator) and not (
            _words().complete.search(parts[-1].strip()) and _words().starts.match(rest.strip())
        )
        if joins_name:
            parts[-1] += separator + piece
        else:
            parts.append(piece)
    return list(dict.fromkeys(name for name in map(clean, parts) if name))


def standard(name: str | None) -> str | None:
    """The standard name of the kind of body; `None` for one that is in no family.

    The outermost body counts (自然资源和规划局 for its 不动产登记中心), except that a window in the service
    hall is its department's.
    """
    plain = re.sub(r"\s+", "", clean(name))
    words = _words()
    found = [words.families[match[0]] for match in words.kind.finditer(plain)]
    if found and found[0] == _HALL:
        found = [family for family in found if family != _HALL] or found
    return found[0] if found else None


def _rests(pieces: list[str]) -> list[str]:
    """For each text piece, what begins with it (far enough to see whether a name does)."""
    return ["".join(pieces[index : index + 9]) for index in range(0, len(pieces), 2)]


@cache
def _words() -> _Words:
    data = yaml.safe_load(files(__package__).joinpath("departments.yml").read_text(encoding="utf-8"))
    body, roles, sections = (f"(?:{'|'.join(data[key])})" for key in ("body_ends", "roles", "sections"))
    families: dict[str, str] = {}
    patterns: dict[str, str] = {}
    for family in data["families"]:
        for word in map(str, family.get("stems", ())):
            families[word], patterns[word] = family["name"], f"{re.escape(word)}(?={sections}|$)"
        for word in map(str, (family["name"], *family.get("names", ()))):
            families[word], patterns[word] = family["name"], re.escape(word)
    longest_first = sorted(patterns, key=len, reverse=True)
    return _Words(
        complete=re.compile(rf"[\u4e00-\u9fff“”\"]{{2,40}}{body}$"),
        starts=re.compile(rf"[\u4e00-\u9fff]{{2,40}}?{body}"),
        role=re.compile(
            rf"[（(]{roles}[^（）()]*[）)]|^(?:{roles}|办理)?(?:单位|部门|科室)[:：]"
            r"|^(?:会同|联合|协同|由|请|转)(?=[\u4e00-\u9fff]{3})"
            r"|等(?:\d+|[两二三四五六七八九十多几各]+)?[个家]?(?:有关|相关)?(?:部门|单位|科室)?$"
        ),
        nothing=frozenset(data["nothing"]),
        kind=re.compile("|".join(patterns[word] for word in longest_first)),
        families=families,
    )
