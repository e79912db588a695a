"""Dates: what clerks write in a date cell → `datetime.date`; working days between two dates.

A cell is a date when nothing else stands in it but a time of day, a weekday or 上午/办结 and the like. What
cannot be pinned to one day (3月上旬, 2022年5月, 3月15日 without a year) is `None`: nothing is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta, timezone

import chinese_calendar

CHINA_TIME = timezone(timedelta(hours=8))
EXCEL_EPOCH = date(1899, 12, 30)
EXCEL_SERIALS = range(43101, 60001)  # 2018-01-01 … 2064-04-08: smaller numbers are rather amounts or counts
LONGEST_CELL = 60  # characters: a longer cell is no date
YEARS = range(1900, 2100)

_DIGITS = {char: str(number % 10) for number, char in enumerate("〇一二三四五六七八九零")} | {
    "○": "0",
    "O": "0",
}
_NUMERAL = "〇○O零一二三四五六七八九十"
_GAP = r"\s*[-/.、,·]\s*"
_TAIL = (
    r"(?:\s*(?:\(?(?:星期|周|礼拜)[一二三四五六日天]\)?|上午|下午|早上|晚上|中午|傍晚|前|收件|受理|登记|反映|来访|来电|"
    r"办结|办理|完成|回访|T?\d{1,2}[:时点](?:\d{1,2}(?:[:分](?:\d{1,2}(?:\.\d+)?秒?)?)?|半)?|[AP]M))*\s*[.。,;、]?"
)
_YEAR = rf"(?P<year>'?\d{{2}}|\d{{4}}|[{_NUMERAL}]{{4}})"
_MONTH_DAY = (
    rf"(?P<month>\d{{1,2}}|[{_NUMERAL}]{{1,3}})\s*月份?\s*(?P<day>\d{{1,2}}|[{_NUMERAL}]{{1,3}})\s*[日号]?"
)
_PATTERNS = [
    re.compile(pattern + _TAIL, re.IGNORECASE)
    for pattern in (
        rf"(?:{_YEAR}\s*(?:年度?|[-/.])\s*)?{_MONTH_DAY}",
        rf"(?:{_YEAR}\s*(?:年|{_GAP})\s*)?(?P<month>\d{{1,2}}){_GAP}(?P<day>\d{{1,2}})\s*[日号]?",
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?:\d{4}|\d{6}|\d{9})?",
        r"(?P<year>\d{4}) +(?P<month>\d{1,2}) +(?P<day>\d{1,2})",
    )
]
_VAGUE = re.compile(
    r"(?:(?:\d{2}|\d{4})\s*[年.])?\s*\d{1,2}\s*月(?:份|初|中旬?|下旬|上旬|底|末)?|\d{4}\s*年(?:初|中|底|末|春|夏|秋|冬)?"
)
_MONTH = re.compile(r"(?P<year>\d{4})\s*(?:年|[-/.])?\s*(?:(?<=[年\-/.\s])(?P<month>\d{1,2})\s*月?)?份?")
_ZONED = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s*(?:Z|[+-]\d\d:?\d\d)")
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_EPOCH = re.compile(r"1\d{9}(?:\d{3})?")  # seconds or milliseconds since 1970, as systems export them


def parse_date(value: object, year: int | None = None) -> date | None:
    """The day that a cell holds; `None` where it names no single, possible day.

    `value` may be text, a number (Excel serial) or a date. `year` completes 3月15日 and 3.15. Two-digit
    years are 20xx. Times with a zone give the day in China.
    """
    if isinstance(value, datetime):
        return value.astimezone(CHINA_TIME).date() if value.tzinfo else value.date()
    if isinstance(value, date):
        return value
    if value is None or isinstance(value, bool):
        return None
    text = _plain(str(value))
    if _ZONED.fullmatch(text):
        return _zoned(text)
    if _SERIAL.fullmatch(text):
        serial = int(float(text))
        return EXCEL_EPOCH + timedelta(days=serial) if serial in EXCEL_SERIALS else None
    if _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(text[:10]), CHINA_TIME).date()
    for pattern in _PATTERNS:
        if match := pattern.fullmatch(text):
            return _day(match.groupdict(), year)
    return None


def has_date_shape(text: object) -> bool:
    """Whether a cell is meant as a date: also one without a year, a vague one (3月上旬) or an impossible one.

    Excel serials count; a column of them may still be a column of amounts, which its heading must tell.
    """
    if isinstance(text, date):
        return True
    plain = _plain(str(text)) if text is not None else ""
    if _SERIAL.fullmatch(plain):
        return int(float(plain)) in EXCEL_SERIALS
    return any(pattern.fullmatch(plain) for pattern in (*_PATTERNS, _ZONED, _VAGUE))


def reduced_date(text: str) -> str | None:
    """A month or year where the source names no day, in ISO 8601 reduced precision: 2021年5月 → 2021-05."""
    found = _MONTH.fullmatch(unicodedata.normalize("NFKC", text or "").strip())
    if not found or int(found["year"]) not in YEARS or not 1 <= int(found["month"] or 1) <= 12:
        return None
    return f"{found['year']}-{int(found['month']):02d}" if found["month"] else found["year"]


def working_days(start: date, end: date) -> int | None:
    """Working days from the day after `start` to `end` inclusive, by China's holiday calendar; same day 0.

    `None` where `end` is earlier, or where a year lies outside the published calendar (its holidays are
    announced each autumn): an estimate would be an invention.
    """
    if end < start:
        return None
    try:
        return sum(map(chinese_calendar.is_workday, chinese_calendar.get_dates(start + timedelta(1), end)))
    except (NotImplementedError, OverflowError):
        return None


def _plain(text: str) -> str:
    if len(text) > LONGEST_CELL:
        return ""
    text = unicodedata.normalize("NFKC", text).strip().strip('"“”()[]')
    text = re.sub(r"[—–−―~]+", "-", text.replace("。", "."))
    return re.sub(r"^(?:于|约)?\s*|\s+", lambda gap: " " if gap.start() else "", text).strip()


def _zoned(text: str) -> date | None:
    try:
        return datetime.fromisoformat(text.replace(" +", "+")).astimezone(CHINA_TIME).date()
    except (ValueError, OverflowError):
        return None


def _day(parts: dict[str, str | None], year: int | None) -> date | None:
    written = (parts["year"] or "").lstrip("'")
    number = _number(written, spelled=True) if written else year
    month, day = _number(parts["month"] or ""), _number(parts["day"] or "")
    if number is None or month is None or day is None:
        return None
    number += 2000 if len(written) == 2 else 0
    try:
        return date(number, month, day) if number in YEARS else None
    except ValueError:
        return None


def _number(text: str, spelled: bool = False) -> int | None:
    """12, 十二, 二十一; with `spelled`, digit by digit (二〇二二)."""
    if text.isdecimal():
        return int(text)
    if spelled or "十" not in text:
        digits = "".join(_DIGITS.get(char, "?") for char in text)
        return int(digits) if digits.isdecimal() else None
    tens, _, units = text.partition("十")
    if len(tens) > 1 or len(units) > 1:
        return None
    return 10 * int(_DIGITS.get(tens, "1") if tens else "1") + int(_DIGITS.get(units, "0") if units else "0")
