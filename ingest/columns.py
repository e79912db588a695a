"""Column name → field: what the columns of a register mean, from their headings and from what stands in them.

Evidence, strongest first: the heading is a known name of a field (`columns.yml`); a pattern fits it; the
heading above it, or the name of the register, makes a general word (日期, 结果) clear; the cells look like
values of the field (dates, telephone numbers, 文号, words of a vocabulary). Each column gets one field. Of
two columns that could be the same field the better one takes it; a second text column is joined to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kb.privacy.lexicon import surnames

from .headings import (
    DATE,
    LIKELY,
    MAYBE,
    NUMBER,
    SENTENCE,
    SERIAL_DATE,
    SURE,
    TEXTS,
    Heading,
    by_name,
    is_answer,
    is_known,
    is_name,
    is_value,
    normalise,
    vocabulary,
)
from .records import PERSONAL_FIELDS

__all__ = ["JOINABLE", "Heading", "is_answer", "is_known", "is_name", "is_value", "normalise", "understand"]

_ENOUGH = 0.4
_JOINED = 0.75
_TOLD_CHARS = 10  # a column with a heading nobody knows and longer cells than this tells something
#: Fields that several columns may share; their texts are joined.
JOINABLE = PERSONAL_FIELDS | {
    "demand", "obstacle", "measure", "result", "followup", "solidified", "basis", "remarks", "materials",
    "coop_depts", "handling", "outcome", "region", "votes", "admin", "profile", "deadline", "days", "followup_date",
}  # fmt: skip
_DATES = frozenset({"received", "accepted", "closed", "followup_date", "solidified_date"})
_CHOICES = frozenset(
    {"outcome", "channel", "handling", "nature", "barriers", "domain", "applicant_type", "satisfaction"}
)
#: Choices that share the same general headings (类型, 类别), so that only their words tell them apart.
_CATEGORIES = frozenset({"nature", "barriers", "domain", "applicant_type"})


def understand(headings: Sequence[Heading], samples: Sequence[Sequence[str]], context: str = "") -> list[str | None]:
    """The field of each column, or None where it is not understood.

    `samples` holds some texts of each column; `context` names the register (回访登记簿), for general headings
    in a register that is about one stage only.
    """
    scores = [_scores(heading, sample, context) for heading, sample in zip(headings, samples, strict=True)]
    chosen = _assign(scores)
    _settle_dates(chosen, scores)
    _settle_measure(chosen, scores)
    _settle_title(chosen, samples)
    _settle_demand(chosen, samples)
    _settle_departments(chosen, scores, samples)
    _by_content(chosen, samples)
    _join_seconds(chosen, headings, samples)
    return chosen


# ---- names ----------------------------------------------------------------------------------------------


def _scores(heading: Heading, sample: Sequence[str], context: str) -> dict[str, float]:
    own = normalise(heading.name)
    scores = by_name(own)
    above = normalise(heading.parent) if heading.parent else normalise(context) if context else ""
    if above:
        whole = by_name(above + own)
        if own in vocabulary().about:
            whole = {**{name: 0.8 * score for name, score in by_name(above).items()}, **whole}
        if own in vocabulary().generic:
            # The heading above decides; the heading's own meaning only where that says nothing.
            scores = {name: 0.6 * score for name, score in scores.items()}
            scores.update({name: max(score, scores.get(name, 0.0)) for name, score in whole.items()})
        else:
            for name, score in whole.items():
                scores[name] = max(scores.get(name, 0.0), 0.55 * score)
    elif own in vocabulary().generic:  # 单位 gives way to 责任单位, 日期 to 受理日期
        scores = {name: score if name == "source_no" else 0.9 * score for name, score in scores.items()}
    return {name: score + _fit(name, sample) for name, score in scores.items()}


# ---- content --------------------------------------------------------------------------------------------


def _share(sample: Sequence[str], pattern: re.Pattern[str]) -> float:
    return sum(bool(pattern.fullmatch(text)) for text in sample) / len(sample) if sample else 0.0


def _mean_length(sample: Sequence[str]) -> float:
    return sum(map(len, sample)) / len(sample) if sample else 0.0


def _told_share(sample: Sequence[str]) -> float:
    """The share of texts that are sentences, short as they may be (已领到证，企业顺利开工。)."""
    return sum(len(text) >= 10 and bool(SENTENCE.search(text)) for text in sample) / len(sample) if sample else 0.0


def _date_share(sample: Sequence[str]) -> float:
    return _share(sample, DATE)


def _vocabulary_share(name: str, sample: Sequence[str]) -> float:
    values = vocabulary().fields[name].values
    return _share(sample, values) if values else 0.0


def _fit(name: str, sample: Sequence[str]) -> float:
    """How much what stands in a column speaks for (up to +0.25) or against (down to -0.6) a field."""
    if not sample:
        return 0.0
    length = _mean_length(sample)
    if name in _DATES:
        dates = max(_date_share(sample), _share(sample, SERIAL_DATE))
        long = length > 25
        return 0.2 if dates >= 0.5 else -0.6 if long else -0.3 if dates == 0 and len(sample) >= 3 else 0.0
    if name == "url":
        if _vocabulary_share("channel", sample) >= 0.3:
            return -0.3
        return 0.5 if _vocabulary_share(name, sample) >= 0.3 else 0.2 if length > 18 else -0.3
    if name in _CHOICES:
        fits = _vocabulary_share(name, sample)
        if name == "channel" and fits < 0.3 and _vocabulary_share("url", sample) >= 0.3:
            return -0.6
        if length > 18 or _told_share(sample) >= 0.5:
            return -0.5
        bonus = 0.45 if name in _CATEGORIES else 0.25
        return bonus if fits >= 0.5 else -0.15 if len(sample) >= 3 and fits == 0 else 0.0
    if name in TEXTS:
        if _date_share(sample) >= 0.5:
            return -0.6
        listed = max(_vocabulary_share(choice, sample) for choice in ("outcome", "satisfaction"))
        return -0.4 if listed >= 0.6 else 0.1 if length >= 12 else 0.0
    if name == "matter":
        return -0.45 if length > 40 else 0.05
    if name == "serial":
        return 0.0 if _share(sample, NUMBER) >= 0.5 else -0.2
    return 0.0


def _is_person(text: str) -> bool:
    return (
        2 <= len(text) <= 4
        and re.fullmatch(r"[\u4e00-\u9fa5]+", text) is not None
        and (text[0] in surnames().cost or text[:2] in surnames().cost)
    )


def _by_content(chosen: list[str | None], samples: Sequence[Sequence[str]]) -> None:
    """Give a field to columns whose heading says nothing, where their cells leave no doubt."""
    free = {name for name in vocabulary().fields if name not in chosen}
    texts: list[int] = []
    for i, sample in enumerate(samples):
        if chosen[i] is not None or len(sample) < 2:
            continue
        field = _evident(sample, free)
        if field:
            chosen[i] = field
            free.discard(field)
        elif _mean_length(sample) >= _TOLD_CHARS:
            texts.append(i)
    for i in texts:
        sample = samples[i]
        shares = {
            name: sum(bool(cue.search(text)) for text in sample) / len(sample)
            for name, cue in vocabulary().cues.items()
            if name in free
        }
        ranked = sorted(shares.items(), key=lambda item: -item[1])
        if ranked and ranked[0][1] >= 0.6 and (len(ranked) == 1 or ranked[0][1] - ranked[1][1] >= 0.2):
            chosen[i] = ranked[0][0]
            free.discard(ranked[0][0])
    # What cues cannot tell apart stands in the order in which a case is told.
    order = [name for name in ("demand", "obstacle", "measure") if name in free]
    left = [i for i in texts if chosen[i] is None]
    if "demand" in free and len(left) <= len(order):
        for i, name in zip(left, order, strict=False):
            chosen[i] = name


def _evident(sample: Sequence[str], free: set[str]) -> str | None:
    for name, field in vocabulary().fields.items():
        if field.values_only and field.values and _share(sample, field.values) >= 0.7 and _open(name, free):
            return name
    if _date_share(sample) >= 0.7:
        return next((name for name in ("received", "closed") if name in free), None)
    if len(sample) >= 3 and sum(map(_is_person, sample)) >= 0.7 * len(sample) and len(set(sample)) > 0.6 * len(sample):
        return "applicant" if "applicant" in free else "contact"
    if (
        sum(bool(vocabulary().department.search(text)) for text in sample) >= 0.7 * len(sample)
        and _mean_length(sample) <= 25
    ):
        return next((name for name in ("lead_dept", "coop_depts") if name in free), None)
    if (
        sum(bool(vocabulary().matter.search(text)) for text in sample) >= 0.7 * len(sample)
        and _mean_length(sample) <= 25
    ):
        return "matter" if "matter" in free else None
    return None


def _open(name: str, free: set[str]) -> bool:
    return name in free or name in PERSONAL_FIELDS


# ---- one field per column ---------------------------------------------------------------------------------


def _assign(scores: Sequence[dict[str, float]]) -> list[str | None]:
    """Best pairs first; a column whose best field is taken joins it, or takes its next best if near."""
    chosen: list[str | None] = [None] * len(scores)
    pairs = sorted(
        ((score, -i, name) for i, column in enumerate(scores) for name, score in column.items() if score >= _ENOUGH),
        reverse=True,
    )
    for score, minus, name in pairs:
        i = -minus
        if chosen[i] is not None:
            continue
        best = max(scores[i].values())
        if name not in chosen or name in PERSONAL_FIELDS:
            if score >= best - 0.3:
                chosen[i] = name
        elif name in JOINABLE and score >= _JOINED and not _nearly_as_good(scores[i], chosen, score):
            chosen[i] = name
    return chosen


def _nearly_as_good(column: dict[str, float], chosen: Sequence[str | None], score: float) -> bool:
    return any(other not in chosen and value >= score - 0.25 for other, value in column.items())


def _settle_dates(chosen: list[str | None], scores: Sequence[dict[str, float]]) -> None:
    """A register with one beginning date: whatever it is called, that is when the matter was received."""
    if "received" not in chosen and "accepted" in chosen:
        chosen[chosen.index("accepted")] = "received"
    for i, column in enumerate(scores):
        date = max((name for name in column if name in _DATES), key=lambda name: column[name], default=None)
        if chosen[i] is None and date and column[date] >= SURE:
            free = [name for name in ("accepted", "closed") if name not in chosen and name == date]
            chosen[i] = free[0] if free else None


def _settle_measure(chosen: list[str | None], scores: Sequence[dict[str, float]]) -> None:
    """What was done must stand somewhere: without a better column, 处理结果, 整改措施 or 经验做法 tell it."""
    told = {i: column.get("measure", 0.0) for i, column in enumerate(scores)}
    doubtful = chosen.index("measure") if "measure" in chosen else None
    floor = MAYBE if doubtful is None else told[doubtful]
    others = [i for i, name in enumerate(chosen) if name in ("result", "solidified") and told[i] > floor]
    if not others or floor >= LIKELY:
        return
    chosen[max(others, key=lambda i: told[i])] = "measure"
    if doubtful is not None:
        left = {name: score for name, score in scores[doubtful].items() if name not in chosen and score >= _ENOUGH}
        chosen[doubtful] = max(left, key=lambda name: left[name], default=None)


def _settle_title(chosen: list[str | None], samples: Sequence[Sequence[str]]) -> None:
    """A title that names service items is the matter, where nothing else is."""
    if "title" not in chosen or "matter" in chosen:
        return
    i = chosen.index("title")
    sample = samples[i]
    named = sum(bool(vocabulary().matter.search(text)) for text in sample)
    if sample and named >= 0.5 * len(sample) and _mean_length(sample) <= 30:
        chosen[i] = "matter"


def _settle_demand(chosen: list[str | None], samples: Sequence[Sequence[str]]) -> None:
    """A register has somebody's words: where no heading says so, a matter told in sentences, or the first of
    two columns of obstacles or of what people said."""
    if "demand" in chosen:
        return
    if "matter" in chosen:
        i = chosen.index("matter")
        told = [text for text in samples[i] if len(text) > 15 and SENTENCE.search(text)]
        if samples[i] and len(told) >= 0.5 * len(samples[i]):
            chosen[i] = "demand"
            return
    for name in ("obstacle", "followup"):
        if chosen.count(name) >= 2:
            chosen[chosen.index(name)] = "demand"
            return


def _join_seconds(
    chosen: list[str | None], headings: Sequence[Heading], samples: Sequence[Sequence[str]]
) -> None:
    """A column left over whose heading surely names a field that may be told twice: its text joins the first."""
    for i, heading in enumerate(headings):
        if chosen[i] is not None or not samples[i]:
            continue
        names = by_name(normalise(heading.name))
        sure = [name for name in names if names[name] >= SURE and name in JOINABLE & set(chosen)]
        if names.get("source_no", 0.0) >= SURE:
            chosen[i] = "other_no"
        elif sure:
            chosen[i] = max(sure, key=lambda name: names[name])


def _settle_departments(
    chosen: list[str | None], scores: Sequence[dict[str, float]], samples: Sequence[Sequence[str]]
) -> None:
    """受理单位, 单位 and the like: a hall if places or halls stand there, the lead department if offices do."""
    if "hall" not in chosen and "lead_dept" in chosen:
        for i, sample in enumerate(samples):
            halls = sum(bool(vocabulary().place.search(text)) for text in sample)
            if chosen[i] is None and "hall" in scores[i] and halls >= 0.5 * max(len(sample), 1):
                chosen[i] = "hall"
                return
    if "hall" in chosen and "lead_dept" not in chosen:
        i = chosen.index("hall")
        sample = samples[i]
        places = sum(bool(vocabulary().place.search(text)) for text in sample)
        offices = sum(bool(vocabulary().department.search(text)) for text in sample)
        if sample and offices > places and len(set(sample)) > 2:
            chosen[i] = "lead_dept"
