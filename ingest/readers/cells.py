"""What one cell says, as clean text: values of any type in, text as a person would read it out."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

from .limits import limits

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")  # how Excel's XML writes control characters
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
#: Control, zero-width, bidirectional and other invisible characters (line breaks and tabs are kept).
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
#: Of these, the ones that no program puts in for looks.
_SUSPICIOUS = re.compile("[\x00-\x08\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_BREAK = re.compile(r"\s*[\r\n\x0b\x0c\x85\u2028\u2029]\s*")
_BLANK = re.compile(r"[^\S\n]+")


def clean(text: str) -> str:
    """The text without invisible characters, with single blanks and line breaks, stripped.

    Width and script of characters stay as written.
    """
    if "_x" in text:
        text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    text = _INVISIBLE.sub("", _ANSI.sub("", text))
    return _BLANK.sub(" ", _BREAK.sub("\n", text)).strip()


def has_invisible(text: str) -> bool:
    """Whether the text holds characters that change what is seen: NUL, escape, bidirectional controls …"""
    return bool(_SUSPICIOUS.search(text))


def shorten(text: str) -> str:
    """The text cut to the longest cell allowed."""
    return text[: limits().max_cell_chars]


def text_of(value: Any) -> str:
    """The clean text of a cell value as a spreadsheet library gives it.

    Dates become ISO text (with hours and minutes if there are any), whole numbers lose their `.0`.
    """
    match value:
        case None:
            return ""
        case str():
            return clean(value)
        case bool():
            return "是" if value else "否"
        case int():
            return str(value)
        case float():
            return _number(value)
        case dt.datetime():
            return value.strftime("%Y-%m-%d" if value.time() == dt.time() else "%Y-%m-%d %H:%M")
        case dt.date():
            return value.isoformat()
        case dt.time():
            return value.strftime("%H:%M")
        case list() | tuple():
            between = "\n" if any(isinstance(item, dict) for item in value) else "、"
            return between.join(filter(None, map(text_of, value)))
        case dict():
            return _object(value)
    return clean(str(value))


def _object(value: dict[str, Any]) -> str:
    """What an object says, with its Chinese keys; English ones (time, dept, action) mean nothing to a reader."""
    said = {str(key): text for key, item in value.items() if (text := text_of(item))}
    if all(key.isascii() for key in said):
        return " ".join(said.values())
    return "；".join(f"{key}：{text}" for key, text in said.items())


def _number(value: float) -> str:
    if not math.isfinite(value):
        return ""
    return str(int(value)) if value.is_integer() else repr(round(value, 10))
