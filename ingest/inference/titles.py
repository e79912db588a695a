"""A title for a case that has none: matter and the gist of the obstacle, at most `LONGEST` characters."""

from __future__ import annotations

import re
from collections.abc import Mapping

from search import words

LONGEST = 32
_LONGEST_MATTER = 16
_SHORTEST_GIST = 4
_OPENING = re.compile(r"^(因为?|由于|但是?|经查|经核实|反映|其|该|原因(是|为)?|主要是)[，,：:]?")
_PLACEHOLDER = re.compile(r"〔[^〕]*〕|（[^）]*）|\([^)]*\)")


def compose_title(texts: Mapping[str, str]) -> str:
    """e.g. “商品房转移登记：建设单位已注销，无主体申请”; empty where the texts give neither part.

    Placeholders of removed names are left out. Inputs must be redacted."""
    matter = _PLACEHOLDER.sub("", texts.get("matter", "")).strip()
    short = words.cut(matter, _LONGEST_MATTER, _SHORTEST_GIST)
    room = LONGEST - len(short) - 1
    gist = _gist(texts.get("obstacle", ""), room) or _gist(texts.get("demand", ""), room)
    if matter and gist:
        return f"{short}：{gist}"
    return words.cut(matter, LONGEST, _SHORTEST_GIST) or gist


def _gist(text: str, room: int) -> str:
    """The first sentence, cut at the last comma that fits, else between words."""
    sentence = re.split(r"[。；;！？!?\n]", _PLACEHOLDER.sub("", text).strip())[0]
    sentence = _OPENING.sub("", sentence).strip("，,、：: ")
    return words.cut(sentence, room, _SHORTEST_GIST).strip("，,、：: ")
