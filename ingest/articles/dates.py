"""Gives a year to dates that a case tells without one (“10月14日”), from its other date or the dateline."""

from __future__ import annotations

import re

_DATE = re.compile(
    r"(?P<year>\d{4}\s*[年./-]\s*)?(?P<word>同年|当年|次年|今年|去年|前年)?\s*(?P<month>\d{1,2})\s*[月./-]"
)
_YEAR = re.compile(r"(?<!\d)(20\d{2}|19[89]\d)(?=[年./-]|\D|$)")


def with_years(values: dict[str, str], heading: str) -> dict[str, str]:
    """The values, with a year put before `received` and `closed` where they lack it and it can be known.

    A date without year is taken from the year of the heading (an article of January that tells of December
    means the year before); `closed` never lies before `received`.
    """
    values = dict(values)
    found = _YEAR.search(heading)
    year = int(found.group(1)) if found else None
    start: tuple[int, int] | None = None
    for name in ("received", "closed"):
        match = _DATE.match(values.get(name, ""))
        if match is None:
            continue
        month = int(match["month"])
        if match["year"]:
            start = start or (int(match["year"][:4]), month)
            continue
        known = _known_year(match["word"] or "", month, start, year)
        if known is None:
            continue
        values[name] = f"{known}年" + values[name][match.start("month") :]
        start = start or (known, month)
    return values


def _known_year(word: str, month: int, start: tuple[int, int] | None, year: int | None) -> int | None:
    if start is not None:
        if word == "次年":
            return start[0] + 1
        return start[0] + (month < start[1] and word not in ("同年", "当年"))
    if year is None:
        return None
    return year - {"去年": 1, "前年": 2}.get(word, 0)
