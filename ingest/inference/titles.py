"""A title for a case that has none: matter and the gist of the obstacle, at most 30 characters."""

from __future__ import annotations

import re
from collections.abc import Mapping

LONGEST = 30
_SHORTEST_GIST = 4
_OPENING = re.compile(r"^(因为?|由于|但是?|经查|经核实|反映|其|该|原因(是|为)?|主要是)[，,：:]?")
_PLACEHOLDER = re.compile(r"〔[^〕]*〕|（[^）]*）|\([^)]*\)")


def compose_title(texts: Mapping[str, str]) -> str:
    """e.g. “商品房转移登记：建设单位已注销，无主体申请”; empty where the texts give neither part.

    Placeholders of removed names are left out. Inputs must be redacted."""
    matter = _PLACEHOLDER.sub("", texts.get("matter", "")).strip()
    gist = _gist(texts.get("obstacle", ""), LONGEST - len(matter[:16]) - 1)
    if not gist:
        gist = _gist(texts.get("demand", ""), LONGEST - len(matter[:16]) - 1)
    if matter and gist:
        return f"{matter[:16]}：{gist}"
    return matter[:LONGEST] or gist


def _gist(text: str, room: int) -> str:
    """The first sentence, cut at the last comma that fits."""
    sentence = re.split(r"[。；;！？!?\n]", _PLACEHOLDER.sub("", text).strip())[0]
    sentence = _OPENING.sub("", sentence).strip("，,、：: ")
    if len(sentence) <= room:
        return sentence
    cut = max(sentence.rfind(mark, 0, room + 1) for mark in "，,、：:")
    return sentence[: cut if cut >= _SHORTEST_GIST else room].strip("，,、：: ")
