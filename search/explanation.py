"""Why a case was found, and which characters of it to mark."""

from __future__ import annotations

from kb.model import Case

from . import words
from .engine import Filters
from .query import Query

#: Fields that are shown with marks, in reading order.
MARKED = ("title", "obstacle", "demand", "measure", "result")
LONGEST_QUOTE = 60
MOST_WORDS = 6


def highlights(query: Query, case: Case) -> dict[str, list[list[int]]]:
    """Field → [start, end] of the query's words in it, in characters of the stored text, without overlaps."""
    wanted = _markable(query)
    found = {}
    for name in MARKED:
        spans = _spans(words.fold(str(getattr(case, name))), wanted)
        if spans:
            found[name] = spans
    return found


def coverage(query: Query, case: Case) -> float:
    """Which share of the question's words, weighed by their length, the case holds: 0 to 1."""
    text = words.fold("\n".join(str(getattr(case, name)) for name in MARKED))
    total = sum(len(word) for word in query.words)
    return sum(len(word) for word in query.words if word in text) / total if total else 0.0


def why(
    query: Query, case: Case, filters: Filters, place: tuple[str, int, int] | None, near: bool
) -> list[dict[str, str]]:
    """Reasons as {kind, text}: document number, matter, words, the passage that is near in meaning, region.

    *place* is the passage that dense search liked best (field, start, end); *near* says whether it is near
    enough to be called a reason.
    """
    reasons = []
    for number in words.document_numbers(query.text):
        if any(
            number.text == found.text
            for name in MARKED
            for found in words.document_numbers(str(getattr(case, name)))
        ):
            reasons.append({"kind": "文号", "text": number.text})
    matter = case.matter.get("name", "")
    if matter and words.fold(matter) in words.fold(query.text):
        reasons.append({"kind": "事项", "text": matter})
    shared = _shared(query, case)
    if shared:
        reasons.append({"kind": "词", "text": "、".join(shared[:MOST_WORDS])})
    if place and near:
        reasons.append({"kind": "义", "text": _quote(query, case, place)})
    if filters.region:
        reasons.append({"kind": "地区", "text": region_name(case) or filters.region})
    return reasons


def summary(query: Query, case: Case) -> str:
    """The words that *case* shares with the question, or that it is near in meaning."""
    shared = _shared(query, case)[:MOST_WORDS]
    return f"同样提到：{'、'.join(shared)}" if shared else "意思相近"


def region_name(case: Case) -> str:
    """Province, city and county of *case* in one string, without repetition (北京市 北京市)."""
    levels = [case.region.get(level, "") for level in ("province", "city", "county")]
    return "".join(dict.fromkeys(level for level in levels if level))


def _markable(query: Query) -> list[str]:
    """Words of the question to mark: single characters only if there is nothing longer."""
    return [word for word in query.words if len(word) > 1] or list(query.words)


def _shared(query: Query, case: Case) -> list[str]:
    """Words of the question that the case holds, longest first, without those inside a longer one."""
    text = words.fold("\n".join(str(getattr(case, name)) for name in MARKED))
    found = sorted((word for word in _markable(query) if word in text), key=len, reverse=True)
    return [word for at, word in enumerate(found) if not any(word in longer for longer in found[:at])]


def _spans(text: str, wanted: list[str]) -> list[list[int]]:
    places = []
    for word in wanted:
        at = text.find(word)
        while at >= 0:
            places.append((at, at + len(word)))
            at = text.find(word, at + 1)
    merged: list[list[int]] = []
    for start, end in sorted(places):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged


def _quote(query: Query, case: Case, place: tuple[str, int, int]) -> str:
    """The sentence of the passage at *place* that shares most pairs of characters with the question."""
    name, start, end = place
    passage = str(getattr(case, name))[start:end]
    pairs = set(query.pairs)
    sentences = [passage[first:last].strip() for first, last in words.sentences(passage)] or [passage]
    best = max(sentences, key=lambda sentence: (len(pairs & set(words.bigrams(sentence))), len(sentence)))
    return best if len(best) <= LONGEST_QUOTE else best[:LONGEST_QUOTE] + "…"
