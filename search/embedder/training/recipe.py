"""The recipe of a training (``recipe.yml``) as typed values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
RECIPE = HERE / "recipe.yml"


@dataclass(frozen=True)
class Phase:
    """One training run over the texts; what each value means stands in ``recipe.yml``."""

    name: str
    epochs: int
    rate: float
    clusters: int
    messages: int
    useful: float
    absolute: float
    frozen: int
    texts: list[str]


@dataclass(frozen=True)
class Threshold:
    """Start and rates of the learned scale and cosine of the absolute term, and its weight of positives."""

    scale: float
    cosine: float
    scale_rate: float
    cosine_rate: float
    positive_weight: float


@dataclass(frozen=True)
class Workbook:
    """How a workbook of citizens' messages is read."""

    title: str
    text: str
    title_opening: str
    text_opening: str
    shortest_title: int
    shortest_text: int
    piece: int
    share: float


@dataclass(frozen=True)
class Recipe:
    """All that a training needs to know besides its texts; fields as in ``recipe.yml``."""

    seed: int
    temperature: float
    dropout: float
    weight_decay: float
    warm_up: float
    gradient_norm: float
    threshold: Threshold
    shape: dict[str, int]
    tokens: dict[str, int]
    cut: dict[str, int]
    held_out: list[str]
    pairs: int
    phases: list[Phase]
    workbook: Workbook


def load_recipe(path: Path = RECIPE) -> Recipe:
    """The recipe in *path*; TypeError when a value is missing or has an unknown name."""
    values: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    values["phases"] = [Phase(**row) for row in values["phases"]]
    values["threshold"] = Threshold(**values["threshold"])
    values["workbook"] = Workbook(**values["workbook"])
    return Recipe(**values)
