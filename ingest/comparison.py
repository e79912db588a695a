"""Two records side by side: level by level, how much speaks for or against their being one case.

Method: Fellegi and Sunter's record linkage as in Splink, with the weights in `duplicates.yml`. Every
comparison gives a weight (log2) and, where it counts, a sentence for the person who checks the link.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from .inference.similar import load_examples

#: What happened and why it got stuck. What was done is compared apart: one reply often answers many people.
_TOLD = ("demand", "obstacle")
_TEXTS = (*_TOLD, "measure", "result")
#: Retellings share their facts early; the rest of a long text only costs time.
_LONGEST = 600
_NOISE = re.compile(r"〔[^〕]*〕|[^一-鿿a-zA-Z0-9]")
_AMOUNT = re.compile(r"\d+(?:\.\d+)?(?:万元|亿元|元|名|户|份|平方米|平米|公里|亩|吨|个人|人|套|辆|艘|只|间|年前)")
_KIND_WORDS = {"n": "人名", "i": "证件号", "p": "电话", "c": "单位名", "o": "号码"}
#: Rarity (nats) that everyday words reach in a large library; only what is above counts.
_EVERYDAY = 3.0


@dataclass(frozen=True)
class Profile:
    """What is compared of one record; built once per record. `code`: GB/T 2260; `county`: its name, bare;
    `register`: the file and sheet that it stands in, empty where unknown."""

    code: str
    register: tuple[str, str]
    county: str
    received: date | None
    closed: date | None
    matter: frozenset[str]
    text: str
    grams: frozenset[str]
    solved: frozenset[str]
    amounts: frozenset[str]
    traces: Mapping[str, frozenset[str]]
    vector: np.ndarray | None


@dataclass(frozen=True)
class Verdict:
    """`score`: probability 0–1 that both tell one case; `evidence`: Chinese sentences, strongest first."""

    score: float
    evidence: list[str]


@lru_cache(maxsize=1)
def weights() -> dict[str, Any]:
    """The reviewed weights and limits of `duplicates.yml`."""
    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("duplicates.yml").read_text(encoding="utf-8"))
    return loaded


def profile(fields: Mapping[str, Any], vector: np.ndarray | None, traces: Iterable[str]) -> Profile:
    """`fields`: a case as `Case.to_dict()` gives it; only redacted texts are read."""
    text = _join(fields, _TEXTS)
    region = fields.get("region") or {}
    kinds: dict[str, set[str]] = {}
    for trace in traces:
        kinds.setdefault(trace.partition(":")[0], set()).add(trace)
    matter = fields.get("matter") or {}
    name = matter.get("name", "") if isinstance(matter, Mapping) else str(matter)
    return Profile(
        code=area_code(fields),
        register=_register(fields),
        county=re.sub(r"(自治县|[县市区旗])$", "", region.get("county") or ""),
        received=as_date(fields.get("received")),
        closed=as_date(fields.get("closed")),
        matter=_grams(name),
        text=text,
        grams=_grams(told(fields)),
        solved=_grams(_join(fields, ("measure", "result"))[:_LONGEST]),
        amounts=frozenset(_AMOUNT.findall(text)),
        traces={kind: frozenset(values) for kind, values in kinds.items()},
        vector=vector,
    )


@lru_cache(maxsize=1)
def _everyday_documents() -> list[frozenset[str]]:
    return [_grams(example.text) for example in load_examples()]


def told(fields: Mapping[str, Any]) -> str:
    """What happened and why it got stuck, cut to what is compared; else what was done."""
    text = _join(fields, _TOLD) or _join(fields, _TEXTS)
    return text[:_LONGEST]


def area_code(fields: Mapping[str, Any]) -> str:
    """GB/T 2260 code of the place where the case belongs; empty where unknown."""
    return str((fields.get("hall") or {}).get("code") or (fields.get("region") or {}).get("code") or "")


def _join(fields: Mapping[str, Any], names: Iterable[str]) -> str:
    return " ".join(str(fields.get(name) or "") for name in names).strip()


class Rarity:
    """How much each character bigram tells among the records at hand: inverse document frequency, less what
    everyday words reach. The packaged examples are counted in, so that a library of two records already knows
    which words every window uses."""

    def __init__(self, profiles: list[Profile]) -> None:
        documents = [*(p.grams for p in profiles), *(p.solved for p in profiles), *_everyday_documents()]
        total = len(documents) + 1
        counts = Counter(gram for document in documents for gram in document)
        everyday = min(_EVERYDAY, math.log(total) / 3)
        self._weights = {gram: max(0.0, math.log(total / n) - everyday) for gram, n in counts.items()}
        self._masses = {id(grams): self._mass(grams) for p in profiles for grams in (p.grams, p.solved)}

    def overlap(self, a: frozenset[str], b: frozenset[str]) -> float:
        """Share 0–1 of the lighter text's telling words that stand in the other text too."""
        mass = min(self._masses[id(a)], self._masses[id(b)])
        return self._mass(a & b) / mass if mass else 0.0

    def _mass(self, grams: Iterable[str]) -> float:
        return sum(map(self._weights.__getitem__, grams))


def compare(a: Profile, b: Profile, rarity: Rarity) -> Verdict:
    """All comparisons of a pair, added up."""
    parts = [_region(a, b), _registers(a, b), _dates(a, b), _matter(a, b), _words(a, b, rarity),
             _solution(a, b, rarity), _meaning(a, b), _amounts(a, b), *_traces(a, b)]  # fmt: skip
    total = weights()["prior"] + sum(weight for weight, _ in parts)
    sentences = [text for weight, text in sorted(parts, reverse=True) if text and weight > 0]
    return Verdict(1 / (1 + 2 ** -max(min(total, 50.0), -50.0)), sentences)


def contradict(a: Profile, b: Profile) -> bool:
    """Whether place or persons say that these are two cases, so that no third record can tell both."""
    return _region(a, b)[0] < 0 or any(weight < 0 for weight, _ in _traces(a, b))


def _region(a: Profile, b: Profile) -> tuple[float, str]:
    w = weights()["region"]
    named = (a.county and a.county in b.text) or (b.county and b.county in a.text)
    if named and a.code != b.code and (not a.code or not b.code or a.code[:4] == b.code[:4]):
        return w["named"], "正文点到对方所在县区"
    if not a.code or not b.code:
        return 0.0, ""
    if a.code == b.code:
        return w["same"], "同一地区"
    if _contains(a.code, b.code) or _contains(b.code, a.code):
        return w["contains"], "上下级地区"
    return (w["sibling"], "") if a.code[:4] == b.code[:4] else (w["apart"], "")


def _registers(a: Profile, b: Profile) -> tuple[float, str]:
    if not any(a.register) or not any(b.register):
        return 0.0, ""
    w = weights()["register"]
    if a.register != b.register:
        return w["other"], ""
    shared = any(a.traces.get(kind, frozenset()) & b.traces.get(kind, frozenset()) for kind in "nip")
    return (w["person"] if shared else w["same"]), ""


def _register(fields: Mapping[str, Any]) -> tuple[str, str]:
    source = fields.get("source") or {}
    return str(source.get("file") or ""), str(source.get("sheet") or "")


def _contains(upper: str, lower: str) -> bool:
    bare = upper[:2] if upper.endswith("0000") else upper[:4] if upper.endswith("00") else upper
    return lower.startswith(bare)


def _dates(a: Profile, b: Profile) -> tuple[float, str]:
    gaps = [
        (abs((one - other).days), word)
        for one, other, word in ((a.closed, b.closed, "办结"), (a.received, b.received, "收件"))
        if one and other
    ]
    if not gaps:
        return 0.0, ""
    days, word = min(gaps)
    weight = next(w for limit, w in weights()["days"].items() if days <= limit)
    return weight, f"{word}日期相差 {days} 天"


def _matter(a: Profile, b: Profile) -> tuple[float, str]:
    if not a.matter or not b.matter:
        return 0.0, ""
    share = 2 * len(a.matter & b.matter) / (len(a.matter) + len(b.matter))
    return _level(weights()["matter"], share), "事项名称相近"


def _words(a: Profile, b: Profile, rarity: Rarity) -> tuple[float, str]:
    if not a.grams or not b.grams:
        return 0.0, ""
    share = rarity.overlap(a.grams, b.grams)
    return _level(weights()["words"], share), f"少见的用词重合 {share:.0%}"


def _solution(a: Profile, b: Profile, rarity: Rarity) -> tuple[float, str]:
    """Between two registers only: in one register the same answer often goes to many people."""
    if a.register == b.register or not a.solved or not b.solved:
        return 0.0, ""
    share = rarity.overlap(a.solved, b.solved)
    return _level(weights()["solution"], share), f"办法中少见的用词重合 {share:.0%}"


def _meaning(a: Profile, b: Profile) -> tuple[float, str]:
    if a.vector is None or b.vector is None:
        return 0.0, ""
    cosine = float(a.vector @ b.vector)
    return _level(weights()["meaning"], cosine), f"意思相近（{cosine:.2f}）"


def _amounts(a: Profile, b: Profile) -> tuple[float, str]:
    shared = a.amounts & b.amounts
    return (weights()["amounts"], f"都提到{'、'.join(sorted(shared)[:3])}") if shared else (0.0, "")


def _traces(a: Profile, b: Profile) -> list[tuple[float, str]]:
    """The best kind that both share decides; where they share none, a kind that both have speaks against."""
    w = weights()["traces"]
    shared = {kind: a.traces.get(kind, frozenset()) & b.traces.get(kind, frozenset()) for kind in w["shared"]}
    kinds = sorted((kind for kind in shared if shared[kind]), key=lambda kind: -w["shared"][kind])
    if kinds:
        more = sum(len(values) for values in shared.values()) - 1
        words = "、".join(_KIND_WORDS[kind] for kind in kinds)
        return [(w["shared"][kinds[0]] + w["more"] * more, f"{words}的痕迹相同")]
    against = [w["different"][k] for k in w["different"] if a.traces.get(k) and b.traces.get(k)]
    if against:
        return [(min(against), "")]
    # A full name on one side and a masked one on the other, or both masked: only the surname can tell.
    one, other = a.traces.get("s"), b.traces.get("s")
    if not one or not other:
        return []
    surname = weights()["surname"]
    return [(surname["same"], "姓氏相同") if one & other else (surname["different"], "")]


def _level(levels: Mapping[float, float], value: float) -> float:
    return next((weight for limit, weight in levels.items() if value >= limit), 0.0)


def _grams(text: str) -> frozenset[str]:
    bare = _NOISE.sub("", text)
    return frozenset(bare[i : i + 2] for i in range(len(bare) - 1))


def as_date(value: Any) -> date | None:
    """An ISO date of a case, or None where it is empty or only a month."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
