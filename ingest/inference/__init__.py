"""What the source does not say, inferred: title, domain, barriers …, each with a confidence and a reason.

Rules kept as data (`cues`) and likeness to labelled examples (`similar`) are added up into one confidence.
Below its threshold a field stays empty: nothing is invented. Only redacted texts come in here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kb.fields import departments, matters

from .cues import Evidence, weigh
from .similar import Encode, similar_examples
from .titles import compose_title

__all__ = ["Encode", "Guess", "Inference", "applicant_kind", "infer"]


@dataclass(frozen=True)
class Guess:
    """An inferred value; `confidence` 0–1; `why` names the cue or the example, in Chinese."""

    value: str | list[str]
    confidence: float
    why: str


@dataclass(frozen=True)
class Inference:
    """Guesses by field name; a field that the texts do not tell is absent."""

    guesses: dict[str, Guess] = field(default_factory=dict)


@dataclass(frozen=True)
class _Plan:
    """How one field is decided: `bias` is the evidence that a label must beat (as if one empty rival had it),
    `scale` turns evidence into odds, `threshold` is the least confidence to speak."""

    bias: float
    scale: float
    threshold: float


#: Order matters: the outcome tells a lawful refusal, the barrier then leans the nature and the domain.
_PLANS = {
    "outcome": _Plan(bias=0.4, scale=1.0, threshold=0.5),
    "barriers": _Plan(bias=0.4, scale=1.0, threshold=0.25),
    "nature": _Plan(bias=0.2, scale=1.2, threshold=0.4),
    "domain": _Plan(bias=0.3, scale=1.2, threshold=0.3),
    "applicant_type": _Plan(bias=0.3, scale=1.2, threshold=0.5),
    "channel": _Plan(bias=1.0, scale=1.5, threshold=0.5),
}
#: Weight of a unanimous vote of the neighbours, in the unit of the cues (3 = one strong cue). A domain is
#: told by its words; a barrier is put in ever new words, and likeness carries it further.
_SIMILAR_WEIGHTS = {"barriers": 4.0, "domain": 1.5}
#: With more confidence than this the cues decide alone, which spares the embedding.
_CLEAR = 0.9
_SECOND_BARRIER = 0.6
_HANDLING_LEAST = 0.9
#: Two ways of handling are usual; a third one must be plain from a strong cue.
_HANDLING_MOST = 2
_HANDLING_PLAIN = 2.9
_LONGEST = 160


def infer(values: Mapping[str, Any], heading: str = "", encode: Encode | None = None) -> Inference:
    """Infer what is absent or empty in `values` (redacted texts, and labels that the source said).

    `heading` is what stood above the table or article: a last resort for the domain. `encode` turns texts
    into unit vectors [n, d]; without it only the rules speak. Guesses may be made for title, domain,
    applicant_type, channel, nature, barriers, handling and outcome.
    """
    texts = {name: text for name, text in values.items() if isinstance(text, str) and text.strip()}
    labels = {name: label for name in (*_PLANS, "handling") if (label := _first(values.get(name)))}
    guesses: dict[str, Guess] = {}
    if heading.strip():
        texts["heading"] = heading
    if not any(texts.get(name) for name in ("demand", "obstacle", "measure", "result", "matter", "title")):
        return Inference()
    similar = _Lazy(encode, texts)
    standards = _standards(texts)
    for name, plan in _PLANS.items():
        if name in labels:
            continue
        known = {**standards, **labels}
        if name == "outcome" and "barriers" not in labels:
            known |= _plain_barrier(texts)
        guess = _decide(name, plan, weigh(name, texts, known), similar)
        if guess:
            guesses[name] = guess
            labels[name] = _first(guess.value)
    if "handling" not in labels and (handling := _handling(weigh("handling", texts, labels))):
        guesses["handling"] = handling
    if not texts.get("title") and (title := compose_title(texts)):
        guesses["title"] = Guess(title, 0.6, "由事项和卡点组成")
    return Inference(guesses)


def _standards(texts: Mapping[str, str]) -> dict[str, str]:
    """What the standard lists know: the domain of the matter and the department in the lead."""
    matter = matters.standard(texts.get("matter") or texts.get("title"))
    known = {
        "matter_domain": matters.domain(matter) if matter else None,
        "department": departments.standard(texts.get("lead_dept")),
    }
    return {name: value for name, value in known.items() if value}


def _plain_barrier(texts: Mapping[str, str]) -> dict[str, str]:
    """The barrier where its words are plain: a private quarrel is passed on and a legal ban explained, however
    the measure is put."""
    plan = _PLANS["barriers"]
    guess = _decide("barriers", plan, weigh("barriers", texts, {}), _Lazy(None, texts))
    return {"barriers": _first(guess.value)} if guess and guess.confidence >= _CLEAR else {}


def applicant_kind(applicant: str) -> str:
    """What kind of applicant a raw 申请人 text names (公司、合作社、协会、学校、店、个人), without the name.

    To be called before redaction; an empty text gives an empty kind."""
    text = re.sub(r"\s", "", applicant)
    for pattern, kind in _KINDS:
        if re.search(pattern, text):
            return kind
    return "个人" if re.fullmatch(r"[一-鿿·]{2,4}(先生|女士)?|.{1,12}等\d*人?", text) else ""


_KINDS = (
    (r"合作社|联合社", "合作社"),
    (r"公司|集团|企业|厂|合伙", "公司"),
    (r"个体", "个体"),
    (r"协会|商会|学会|基金会|促进会|联合会|研究会|服务社|志愿", "协会"),
    (r"学校|幼儿园|养老院|敬老院|培训中心|研究院", "学校"),
    (r"店|馆|铺|坊|部|摊|行$|超市|诊所|档|吧$", "店"),
    (r"村委会|居委会|政府|法院|局$|街道|卫生院|中心校|管委会", "机关"),
)


class _Lazy:
    """The neighbours' votes for one case, asked for only when a field needs them."""

    def __init__(self, encode: Encode | None, texts: Mapping[str, str]) -> None:
        self._encode = encode
        told = " ".join(texts[name] for name in ("obstacle", "demand") if name in texts)[:_LONGEST]
        self._text = texts.get("gist") or told
        self._shares: dict[str, dict[str, tuple[float, str]]] | None = None

    def shares(self, name: str) -> dict[str, tuple[float, str]]:
        if not self._encode or not self._text or name not in _SIMILAR_WEIGHTS:
            return {}
        if self._shares is None:
            self._shares = similar_examples(self._encode).shares(self._text)
        return self._shares[name]


def _decide(name: str, plan: _Plan, evidence: Mapping[str, Evidence], similar: _Lazy) -> Guess | None:
    weights = {label: found.weight for label, found in evidence.items()}
    why = {label: list(found.why) for label, found in evidence.items()}
    ranked = _confidences(weights, plan)
    if ranked[0][1] < _CLEAR:
        for label, (share, example) in similar.shares(name).items():
            weights[label] = weights.get(label, 0.0) + _SIMILAR_WEIGHTS[name] * share
            why.setdefault(label, []).append(f"近似：“{example[:20]}”")
        ranked = _confidences(weights, plan)
    label, confidence = ranked[0]
    if confidence < plan.threshold or weights[label] <= 0:
        return None
    if name != "barriers":
        return Guess(label, confidence, "；".join(why[label][:2]))
    second, second_confidence = ranked[1]
    both = second_confidence >= _SECOND_BARRIER * confidence and weights[second] > 1.5
    return Guess([label, second] if both else [label], confidence, "；".join(why[label][:2]))


def _confidences(weights: Mapping[str, float], plan: _Plan) -> list[tuple[str, float]]:
    """Softmax over the labels and one empty rival, so that little evidence gives little confidence."""
    odds = {label: math.exp(plan.scale * min(weight, 30.0)) for label, weight in weights.items()}
    total = sum(value for value in odds.values() if value > 1.0) + math.exp(plan.scale * plan.bias)
    return sorted(((label, value / total) for label, value in odds.items()), key=lambda pair: -pair[1])


def _handling(evidence: Mapping[str, Evidence]) -> Guess | None:
    ranked = sorted(evidence.items(), key=lambda pair: -pair[1].weight)
    best = ranked[0][1].weight
    chosen = [
        (label, found)
        for rank, (label, found) in enumerate(ranked[: _HANDLING_MOST + 1])
        if found.weight >= max(_HANDLING_LEAST, 0.35 * best)
        and (rank < _HANDLING_MOST or found.weight >= _HANDLING_PLAIN)
    ]
    if not chosen:
        return None
    confidence = 1 - math.exp(-best / 3)
    return Guess([label for label, _ in chosen], confidence, "；".join(f.why[0] for _, f in chosen if f.why))


def _first(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    return str(value[0]) if isinstance(value, Sequence) and value else ""
