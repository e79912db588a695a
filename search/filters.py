"""What people write in a filter → what the engines compare: the library's own words, ISO dates, years."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, replace

from kb import vocabulary
from kb.errors import Fault

from .engine import Filters

#: Filters that name a value of one of the library's closed lists, and that list.
LISTS = {"domain": "domains", "barrier": "barriers", "outcome": "outcomes", "handling": "handling"}
YES, NO = "是", "否"
_DATE = re.compile(r"([0-9]{4})(?:\D{1,2}([0-9]{1,2}))?(?:\D{1,2}([0-9]{1,2}))?\D?")
_YEAR = re.compile(r"((?:19|20)[0-9]{2})\s*年?度?")
_SAYS_YES = re.compile(r"是|有|已?固化|yes|y|true|1", re.IGNORECASE)
_SAYS_NO = re.compile(r"否|无|没有?|[未没]有?固化|no|n|false|0", re.IGNORECASE)


def checked(filters: Filters) -> Filters:
    """*filters* as the engines compare them; Fault if a date, a year or a yes or no cannot be understood.

    A name that the library does not know is left as it is: no case passes, and the answer says so.
    """
    # A lone surrogate (bytes of a command line that are no UTF-8) becomes a sign that fits no case.
    plain = {name: text.encode(errors="replace").decode() for name, text in asdict(filters).items()}
    chosen = {name: text.strip() for name, text in plain.items()}
    for name, values in LISTS.items():
        chosen[name] = vocabulary.clean(values, chosen[name]) or chosen[name]
    for name, read in (("since", _since), ("year", _year), ("solidified", _yes_or_no)):
        if chosen[name]:
            chosen[name] = read(unicodedata.normalize("NFKC", chosen[name]))
    return replace(filters, **chosen)


def solidified(kind: str, text: str) -> str:
    """是 or 否: whether the ordinary window can do it now, from what a case says of it (*kind* and *text*).

    Ledgers have columns 是否固化 in which 否 or 无 stands.
    """
    return YES if kind or (text.strip() and not vocabulary.is_none("solidified_kinds", text)) else NO


def _since(text: str) -> str:
    found = _DATE.fullmatch(text)
    if not found or int(found[2] or 1) not in range(1, 13) or int(found[3] or 1) not in range(1, 32):
        raise Fault("起始日期看不懂，请写成 2024-05-01、2024-05 或 2024")
    return "-".join([found[1], *(part.zfill(2) for part in found.groups()[1:] if part)])


def _year(text: str) -> str:
    found = _YEAR.fullmatch(text)
    if not found:
        raise Fault("年份看不懂，请写成四位数字，如 2024")
    return found[1]


def _yes_or_no(text: str) -> str:
    if not (_SAYS_YES.fullmatch(text) or _SAYS_NO.fullmatch(text)):
        raise Fault("是否固化看不懂，请写“是”或“否”")
    return YES if _SAYS_YES.fullmatch(text) else NO
