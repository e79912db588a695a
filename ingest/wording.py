"""What the text of a row or a cell is by its wording (合计, 续表, 填报人：…, —), as `tables.yml` says."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    loaded: dict[str, str] = yaml.safe_load(Path(__file__).with_name("tables.yml").read_text("utf-8"))
    return {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in loaded.items()}


def says(kind: str, text: str) -> bool:
    """Whether a text is of a kind that `tables.yml` describes."""
    return bool(_patterns()[kind].search(text))
