"""The form of a placeholder, in one place: 〔姓名1〕 for persons (numbered within a case), 〔手机号〕 for
everything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_PERSON = re.compile(r"〔姓名(\d+)〕")


def placeholder(kind: str, number: int | None = None) -> str:
    """The text that stands for a removed piece of the given kind."""
    return f"〔{kind}{'' if number is None else number}〕"


class People:
    """Numbers the persons of one case in the order in which they appear; spellings of one person share
    a number.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        taken = [int(number) for text in texts for number in _PERSON.findall(text)]
        self._next = max(taken, default=0) + 1
        self._numbers: dict[str, int] = {}

    def number(self, person: str) -> int:
        """The person's number, given now if this is the first mention."""
        if person not in self._numbers:
            self._numbers[person] = self._next
            self._next += 1
        return self._numbers[person]
