"""Cue sheets: rules kept as data, and the evidence that they find in a case's texts.

A sheet (one YAML file per inferred field) lists, label by label, regular expressions of how clerks write.
`…` in a pattern stands for up to 24 characters within one sentence. A cue counts once, with the weight of the
best field that it stands in; further cues for the same label count half, a quarter and so on, because they
usually repeat what the first one said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kb import vocabulary

_HERE = Path(__file__).parent
_STRENGTHS = {"strong": 3.0, "medium": 1.6, "weak": 0.7, "against": -2.0}
_GAP = re.compile(r"…(\{\d+,\d+\})?")

#: What is evidence here without being a field of a case.
_OTHER_WORDS = {"remarks": "备注", "applicant_kind": "申请人", "heading": "表头",
                "matter_domain": "事项所属领域", "department": "牵头部门"}  # fmt: skip


@dataclass(frozen=True)
class Cue:
    pattern: re.Pattern[str]
    weight: float


@dataclass(frozen=True)
class Sheet:
    """`fields` weighs where a cue stands; `leanings` maps field → value → label → weight; `silent` names the
    fields that say nothing about a label (“已注销” in an obstacle does not say that the case was solved)."""

    fields: Mapping[str, float]
    cues: Mapping[str, tuple[Cue, ...]]
    leanings: Mapping[str, Mapping[str, Mapping[str, float]]]
    silent: Mapping[str, list[str]]


@dataclass(frozen=True)
class Evidence:
    """What speaks for one label: `weight` (3 ≈ a strong cue in the most telling field) and why."""

    weight: float
    why: tuple[str, ...] = ()


@cache
def sheet(name: str) -> Sheet:
    """The reviewed cue sheet of a field, e.g. `sheet("barriers")`."""
    raw: dict[str, Any] = yaml.safe_load((_HERE / f"{name}.yml").read_text(encoding="utf-8"))
    cues = {
        label: tuple(
            Cue(_compile(pattern), _STRENGTHS[strength])
            for strength, patterns in groups.items()
            for pattern in patterns
        )
        for label, groups in raw["labels"].items()
    }
    return Sheet(raw["fields"], cues, raw.get("from", {}), raw.get("not_in", {}))


def weigh(name: str, values: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Evidence]:
    """Evidence for every label of a field. `values` are the case's redacted texts; `known` are labels of
    other fields, said by the source or inferred before."""
    rules = sheet(name)
    texts = {field: text for field in rules.fields if isinstance(text := values.get(field), str) and text}
    found: dict[str, Evidence] = {}
    for label, cues in rules.cues.items():
        telling = {field: text for field, text in texts.items() if field not in rules.silent.get(label, ())}
        hits = [hit for cue in cues if (hit := _best_hit(cue, telling, rules.fields))]
        hits += [
            (by_value[known[field]][label], f"{_word(field)}是{known[field]}")
            for field, by_value in rules.leanings.items()
            if label in by_value.get(known.get(field, ""), {})
        ]
        found[label] = _add_up(hits)
    return found


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(_GAP.sub(lambda gap: r"[^。；;！？!?\n]" + (gap[1] or "{0,24}"), pattern))


def _best_hit(cue: Cue, texts: Mapping[str, str], weights: Mapping[str, float]) -> tuple[float, str] | None:
    best: tuple[float, str] | None = None
    for field, text in texts.items():
        weight = cue.weight * weights[field]
        if best and abs(weight) <= abs(best[0]):
            continue
        match = cue.pattern.search(text)
        if match:
            best = weight, f"{_word(field)}：“{match[0][:16]}”"
    return best


def _add_up(hits: list[tuple[float, str]]) -> Evidence:
    pro = sorted((hit for hit in hits if hit[0] > 0), reverse=True)
    weight = sum(hit[0] / 2**i for i, hit in enumerate(pro)) + sum(hit[0] for hit in hits if hit[0] < 0)
    return Evidence(weight, tuple(text for _, text in pro[:3]))


def _word(field: str) -> str:
    """What a field is called on screen, for the reasons shown to people."""
    return _OTHER_WORDS.get(field) or vocabulary.labels().get(field, field)
