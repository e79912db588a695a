"""Pieces of text: the Span that every finder returns, width folding, and how overlapping spans are
settled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# Only what a placeholder can be: a number that somebody put between such brackets is no placeholder.
PLACEHOLDER = re.compile(
    r"〔(?:姓名\d{0,3}|(?:手机|座机|电话|身份证|微信|QQ|护照)号?|银行卡|住址|车牌|邮箱|网络账号|个体执照代码)〕"
)
SHIELD = "\ue001"  # stands for passages in which nothing is looked for
MASK = (
    "\ue000"  # stands for every character of a span found earlier, so that later finders can use it as a cue
)

_FOLD = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code) not in "，。；！？（）"}
    | dict.fromkeys("—–－―‐‑−﹣", "-")
    | dict.fromkeys("\u3000\xa0\t\u2002\u2003\u2009\u202f\u200b\u200c\u200d\u2060\ufeff", " ")
    | dict.fromkeys("：﹕", ":")
    | dict.fromkeys("•‧∙・･", "·")
)


@dataclass(frozen=True)
class Span:
    """A find: [start, end) in a field's text, its kind, the person it names (if a name), why it is
    doubtful (if it is).
    """

    start: int
    end: int
    kind: str
    person: str = ""
    doubt: str = ""


def fold(text: str) -> str:
    """Full-width letters, digits, dashes and spaces as ASCII; one character stays one character."""
    return text.translate(_FOLD)


def mask(view: str, spans: Iterable[Span]) -> str:
    """The view with every character of the spans replaced by MASK."""
    chars = list(view)
    for span in spans:
        chars[span.start : span.end] = MASK * (span.end - span.start)
    return "".join(chars)


def settle(spans: Iterable[Span]) -> list[Span]:
    """Spans in order of place; of two that overlap the one found earlier in the list stays."""
    kept: list[Span] = []
    for span in spans:
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)
