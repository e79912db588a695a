"""A text without what says nothing: formulas of letters, names that were taken out, digits and signs."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from . import fold, stopwords, without_placeholders

_SILENT = re.compile(r"[^\u3400-\u9fffa-z]+")


@lru_cache(maxsize=2048)
def essence(text: str) -> str:
    """The Chinese characters and letters of *text*, folded, without the longer stop words (您好, 收悉, 感谢)."""
    folded = without_placeholders(fold(text))
    return _SILENT.sub("", _formulas().sub("", folded))


@cache
def _formulas() -> re.Pattern[str]:
    longest_first = sorted((word for word in stopwords() if len(word) > 1), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)))
