"""Words on the screens that belong to no field of a case, from words.yml; fields have kb.vocabulary."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml


@cache
def words() -> dict[str, Any]:
    """The sections of words.yml."""
    return dict(yaml.safe_load((Path(__file__).parent / "words.yml").read_text(encoding="utf-8")))
