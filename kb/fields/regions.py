"""Regions: names and codes of provinces, cities and counties (GB/T 2260), and the hall that a text names.

`regions.csv` holds today's list and every code since 1999; an old name or code is answered with the area that
it became (长乐市, 350182 → 长乐区, 350112). `region_words.yml` holds the names that are also plain words.
Everything is loaded on first use.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

MUNICIPALITIES = {"11", "12", "31", "50"}  # 直辖市: province and city in one
_DIRECT_COUNTY = "90"  # third and fourth digit of counties directly under a province
_SEPARATORS = " \t\r\n　_-—–－·•.。,，、/\\|（()）[]【】〔〕《》“”\"'：:;；"
_OWN_LEVEL = re.compile(r"^[省市州盟县区旗]?(?:本级|直)$")
_MANY_PLACES = re.compile(
    r"^(?:[\u4e00-\u9fff]{0,2}?)[两二三四五六七八九十各多几数\d]+个?(?:区县|县市区|县区|市区|区市|县市|县|区)"
)
_CITY_THEN_MIDDLE = re.compile(r"(?<=[\u4e00-\u9fff])(?<!市)市([中南北]区)")


@dataclass(frozen=True)
class Region:
    """A province, city or county. Names that do not apply are empty; `code` has six digits.

    The four municipalities are province and city at once; a county directly under a province has no city.
    """

    province: str
    city: str
    county: str
    code: str

    @property
    def level(self) -> str:
        """`province`, `city` or `county`."""
        return "county" if self.county else "city" if self.city else "province"

    @property
    def name(self) -> str:
        """The area's own name, without those above it."""
        return self.county or self.city or self.province

    def contains(self, other: Region) -> bool:
        """Whether `other` lies in this area or is it."""
        return all(
            mine in ("", theirs)
            for mine, theirs in (
                (self.province, other.province), (self.city, other.city), (self.county, other.county),
            )
        )  # fmt: skip


@dataclass
class _Atlas:
    codes: dict[str, Region] = field(default_factory=dict)
    full: dict[str, list[Region]] = field(default_factory=dict)
    short: dict[str, list[Region]] = field(default_factory=dict)
    starts: dict[str, list[str]] = field(default_factory=dict)  # first two characters → names, longest first


@dataclass(frozen=True)
class _Match:
    start: int
    end: int
    regions: tuple[Region, ...]


def by_code(code: str) -> Region | None:
    """The area of a six-digit code (longer codes: their first six digits); `None` for an unknown one.

    A code that was replaced gives the area of today; one that was abolished without a single successor
    gives the area as it was.
    """
    digits = re.match(r"\s*(\d{6})(?:\d{3}|\d{6})?(?!\d)", code or "")
    return _atlas().codes.get(digits[1]) if digits else None


def find(text: str, within: Region | None = None) -> Region | None:
    """The first place that a text names, as deep as it is told: 福州市长乐区 → 长乐区.

    Full names count anywhere; short ones (曲阜) at the start of a text or a part of it, and after another
    place. A name that several places bear (鼓楼区) is decided by the other places of the text or by
    `within` (the hall's own area, say); otherwise the answer is `None`.
    """
    text = _CITY_THEN_MIDDLE.sub(r"市市\1", text or "")  # 枣庄市中区 is 枣庄市 + 市中区
    if within and _OWN_LEVEL.match(text.strip()):
        return _own_level(text.strip()[0], within)
    found: Region | None = None
    matches = list(_matches(text))
    known = [m.regions[0] for m in matches if len(m.regions) == 1]
    for match in matches:
        candidates = [r for r in match.regions if found is None or (found != r and found.contains(r))]
        chosen = _choose(candidates, known, within) if candidates else None
        if chosen:
            found = chosen
    return found


def hall(text: str, within: Region | None = None) -> tuple[str, str] | None:
    """Whose file or window a title, a file name or a department speaks of: (区划码, name).

    A county's hall bears its name (曲阜市), a city's or a province's own one 本级 (济宁市本级). A zone inside
    a city (高新区) has no code: its hall gets the code of the area around it. A text that names several
    counties at once (三区县) names no hall.
    """
    region = find(text, within)
    if region is None or _names_many(text, region):
        return None
    zone = re.search(re.escape(region.name[:2]) + r"[\u4e00-\u9fff]{0,2}?(" + _words()["zone"] + ")", text)
    if zone and region.level != "province":
        return region.code, region.name + zone[1]
    return hall_of(region)


def hall_of(region: Region) -> tuple[str, str]:
    """The hall of an area itself: a county's bears its name, a city's or a province's is its 本级."""
    return region.code, region.name if region.level == "county" else f"{region.name}本级"


def distance(a: Region, b: Region) -> int:
    """0 same county (or the same area), 1 same city, 2 same province, 3 further."""
    if a == b:
        return 0
    if a.province != b.province:
        return 3
    return 1 if a.city and a.city == b.city else 2


def _names_many(text: str, region: Region) -> bool:
    at = text.find(region.name)
    at = at + len(region.name) if at >= 0 else text.find(region.name[:2]) + 2
    return bool(_MANY_PLACES.match(text[at:]))


def _own_level(word: str, within: Region) -> Region | None:
    if word in "县区旗" and within.level == "county":
        return within
    code = within.code[:2] + "0000" if word == "省" else within.code[:4] + "00"
    return within if word in "本直" else _atlas().codes.get(code)


def _choose(candidates: list[Region], known: list[Region], within: Region | None) -> Region | None:
    """The one candidate that the context allows; a province or an area around all others first."""
    for context in (known, _chain(within)):
        for area in context:
            inside = [r for r in candidates if area.contains(r)]
            if inside and len(inside) < len(candidates):
                candidates = inside
    widest = min(candidates, key=lambda region: ("province", "city", "county").index(region.level))
    if widest.level == "province" or all(widest.contains(region) for region in candidates):
        return widest
    return None


def _chain(region: Region | None) -> list[Region]:
    """An area, then those around it."""
    if region is None:
        return []
    codes = (region.code, region.code[:4] + "00", region.code[:2] + "0000")
    return [area for code in codes if (area := _atlas().codes.get(code))]


def _matches(text: str) -> Iterator[_Match]:
    """Place names of a text from left to right, the longest at each point."""
    atlas, position, previous_end = _atlas(), 0, -1
    while position < len(text) - 1:
        for name in atlas.starts.get(text[position : position + 2], ()):
            if text.startswith(name, position) and _believable(text, position, name, previous_end):
                regions = tuple(atlas.full.get(name) or atlas.short[name])
                previous_end = position + len(name)
                yield _Match(position, previous_end, regions)
                position = previous_end - 1
                break
        position += 1


def _believable(text: str, start: int, name: str, previous_end: int) -> bool:
    rest = text[start + len(name) :]
    after_place, at_start = start == previous_end, start == 0 or text[start - 1] in _SEPARATORS
    words = _words()
    if name in _atlas().full:
        if name in words["generic"]:
            return after_place or text.strip() == name or bool(at_start and words["followers"].match(rest))
        return len(name) > 2 or after_place or at_start  # “办理县级事项” does not name 理县
    if words["smaller"].match(rest):
        return False
    if after_place:
        return True
    return at_start and (not rest or rest[0] in _SEPARATORS or name not in words["common"] or bool(
        words["followers"].match(rest)
    ))  # fmt: skip


@cache
def _words() -> dict[str, Any]:
    data = yaml.safe_load(files(__package__).joinpath("region_words.yml").read_text(encoding="utf-8"))
    return {
        "generic": frozenset(data["generic_names"]),
        "common": frozenset(data["common_words"]),
        "followers": re.compile("|".join(map(re.escape, data["followers"]))),
        "smaller": re.compile("|".join(map(re.escape, data["smaller"]))),
        "zone": data["zone"],
        "aliases": data["aliases"],
    }


@cache
def _atlas() -> _Atlas:
    lines = files(__package__).joinpath("regions.csv").read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    names: dict[str, str] = {}  # code → its latest name
    for row in sorted(rows, key=lambda row: row["until"] or "9999"):
        names[row["code"]] = row["name"]
    for prefix in MUNICIPALITIES:
        names[prefix + "0100"] = names[prefix + "0200"] = names[prefix + "0000"]
    atlas = _Atlas(codes={code: _region(code, names) for code in names})
    for row in rows:
        if row["now"]:
            atlas.codes[row["code"]] = atlas.codes[row["now"]]
    _name(atlas, [row for row in rows if not row["until"]])
    _name(atlas, [row for row in rows if row["until"]])
    for code, names_of_area in _words()["aliases"].items():
        for name in names_of_area:
            atlas.short.setdefault(name, []).append(atlas.codes[code])
    for name in sorted({*atlas.full, *atlas.short}, key=len, reverse=True):
        atlas.starts.setdefault(name[:2], []).append(name)
    return atlas


def _name(atlas: _Atlas, rows: list[dict[str, str]]) -> None:
    """Index areas by their names; a name indexed before (one borne today) keeps its bearers."""
    taken = {*atlas.full, *atlas.short}
    for row in rows:
        region, name, short = atlas.codes[row["code"]], row["name"], row["short"]
        full = {name, short + "州"} if name.endswith("自治州") else {name}
        full |= {short + "县"} if name.endswith("自治县") else set()
        for index, wanted in ((atlas.full, full), (atlas.short, {short} - full)):
            for each in wanted - taken:
                if len(each) > 1 and region not in index.setdefault(each, []):
                    index[each].append(region)


def _region(code: str, names: dict[str, str]) -> Region:
    province = names.get(code[:2] + "0000", "")
    if code.endswith("0000"):
        return Region(province, "", "", code)
    city = "" if code[2:4] == _DIRECT_COUNTY else names.get(code[:4] + "00", "")
    return Region(province, city, "" if code.endswith("00") else names[code], code)
