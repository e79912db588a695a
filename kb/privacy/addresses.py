"""Addresses of dwellings: down to the room (小区…号楼…单元…室), or to the house number where somebody is said
to live.

A find begins where the place name begins and ends with the last number. Offices and bare roads are
kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from .lexicon import words
from .spans import MASK, Span

_NUM = r"(?:\d{1,4}|[一二三四五六七八九十百零〇]{1,4})"
_PLACE = r"[\u4e00-\u9fa5A-Za-z0-9·\-()（）]"
_HOUSE = rf"(?:{_NUM}(?:-\d{{1,3}})?[号號](?!楼|线|文|令|院校|公告|[至到\-]\d)(?:院|附\d{{1,3}}号?)?)"
_NTH = rf"(?:第{_NUM}(?:家|户|排))"  # 后街第三家
_BUILDING = rf"(?:(?:{_NUM}|[A-Z]\d?|[东西南北])(?:号楼|号栋|栋|幢|座|#楼?|楼栋|号院\d{{1,3}}号楼))"
_UNIT = rf"(?:(?:{_NUM}|[A-Z甲乙丙东西中])(?:单元|梯|门|号门))"
_FLOOR = rf"(?:{_NUM}(?:楼|层))"
_ROOM = (
    rf"(?:{_NUM}(?:-\d{{1,4}})?(?:室|房(?![产屋租东价源])|号房)"
    r"|(?:\d{1,2}-)?[A-Z]?\d{3,4}(?!\d|年|元|万|人|平|户|套|个|亿|-\d|号楼|多|余|间|㎡| ?[mM]|\.\d))"
)
_ROOM_LEVEL = re.compile(
    rf"(?:{_BUILDING}[ ,，]?{_UNIT}?[ ,，]?{_FLOOR}?[ ,，]?{_ROOM}号?"
    rf"|{_UNIT}[ ,，]?{_FLOOR}?{_ROOM}"
    rf"|(?<=[\u4e00-\u9fa5])(?:{_HOUSE}\d{{1,3}}[-#]\d{{1,2}}[-#]\d{{1,4}}|\d{{1,3}}[-#]\d{{1,2}}[-#]\d{{2,4}})(?!\d|[日号])(?:室|号|房)?"
    rf"|{_HOUSE}{_FLOOR}?(?:\d{{3,4}}(?=[,，。;；、)）\"”]|$|室|房)(?:室|房)?|{_NUM}室))"
)
_DWELLING_NUMBER = re.compile(
    rf"(?P<place>{_PLACE}{{2,40}}?)(?P<number>(?:{_HOUSE}(?!{_PLACE}{{0,3}}(?:号|栋|幢|单元|室))|{_HOUSE}{_BUILDING}|{_BUILDING}(?:{_UNIT})?|{_NTH}))"
)
_PLACE_END = re.compile(
    r"(?:路|街|巷|弄|胡同|里|道|村|组|屯|庄|寨|社区|小区|苑|园|院|区|镇|乡|街道|坊|段|条|排|湾|沟|坡|营|队|头|岭|塘|坝|铺|店|桥|边|侧|门牌)$"
)

_HOME = re.compile(r"单元|家属|小区|宿舍|花园|新村|苑|弄|\d梯")
_LIVED_IN = re.compile(
    rf"{_HOUSE}(?=(?:这里|那里|内|里)?(?:居住|租住|住(?!院)|的(?:房|家|老宅|自建|院子|宅)|家[中里]))"
)


def find_addresses(view: str) -> Iterator[Span]:
    """Spans of dwellings in a folded view."""
    for match in _ROOM_LEVEL.finditer(view):
        start = _begin(view, match.start())
        if start is not None and not _is_office(view, start, match.end()):
            yield Span(start, match.end(), "住址")
    for match in _LIVED_IN.finditer(view):
        start = _begin(view, match.start())
        if (
            start is not None
            and _PLACE_END.search(view, start, match.start())
            and not _is_office(view, start, match.end())
        ):
            yield Span(start, match.end(), "住址")
    for cue in _dwelling().finditer(view):
        place = _DWELLING_NUMBER.match(view, cue.end())
        if place and _PLACE_END.search(place["place"]) and not _is_office(view, place.start(), place.end()):
            yield Span(place.start(), place.end(), "住址")


def _begin(view: str, core: int) -> int | None:
    """Where the place name before a room number begins; None if there is none (a bare room: not an
    address).
    """
    left = re.search(rf"{_PLACE}{{0,40}}$", view[max(0, core - 40) : core])
    place = left[0] if left else ""
    cue = list(_start_cue().finditer(place))
    if cue:
        place = place[cue[-1].end() :]
    place = re.split(r"[(（]", place)[-1].lstrip("-)）·")
    place = re.sub(rf"^.*?{MASK}", "", place)
    if len(place) < 2:
        return core if cue or re.search(r"[\u4e00-\u9fa5]", view[max(0, core - 2) : core]) else None
    return core - len(place)


def _is_office(view: str, start: int, end: int) -> bool:
    if re.search(r"办公[室地][^,，。;；]{0,4}$", view[max(0, start - 8) : start]):
        return True
    inside_or_after = view[start:end] + re.split(r"[。;；\n]", view[end : end + 8])[0]
    return _office().search(inside_or_after) is not None and not _HOME.search(view, start, end)


@cache
def _dwelling() -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(words('dwelling'))})(?:在|于|地?址)?[为是:( ]{{0,2}}")


@cache
def _start_cue() -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(words('address_start'))})")


@cache
def _office() -> re.Pattern[str]:
    return re.compile("|".join(words("office_place")))
