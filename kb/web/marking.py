"""A draft as a reviewer sees it: each field as text in which placeholders and doubtful places are marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from ..editing import doubtful_field, place_of, text_of
from ..model import Case
from ..privacy import Doubt
from ..privacy.spans import PLACEHOLDER
from ..vocabulary import labels

#: In the order of a consultation, then the rest.
ORDER = (
    "title", "demand", "obstacle", "measure", "steps", "basis", "lead_dept", "coop_depts", "outcome", "result",
    "solidified", "materials", "followup", "matter", "domain", "barriers", "nature", "handling", "applicant_type",
    "channel", "received", "accepted", "closed", "working_days", "duplicate_of",
)  # fmt: skip
#: Texts that take the width of the page; the others stand in a list of facts.
LONG = ("demand", "obstacle", "measure", "steps", "basis", "result", "solidified", "materials", "followup")
_AROUND = 12  # characters shown before and after a doubtful place


@dataclass(frozen=True)
class Part:
    """A field with something in it; `sure` (0–1) says that it was inferred, `extra` that it is a column of the source
    that was not understood."""

    name: str
    label: str
    html: Markup
    long: bool
    sure: float | None = None


@dataclass(frozen=True)
class Place:
    """A doubtful place: its number on the page (0: it has no place in the texts), where, why, and what is around."""

    number: int
    label: str
    kind: str
    reason: str
    around: Markup


def marked_draft(case: Case, doubts: Sequence[Doubt]) -> tuple[list[Part], list[Place]]:
    """The fields that say something, and the doubtful places in the order of the page."""
    names = labels()
    fields = [*ORDER, *(f"extra.{column}" for column in case.extra)]
    parts, places = [], []
    left = list(doubts)
    number = 0
    for name in fields:
        text = text_of(case, name) if name != "working_days" or case.working_days is not None else ""
        if not text:
            continue
        label = names.get(name, name.removeprefix("extra."))
        spans: dict[int, tuple[int, Doubt]] = {}
        for doubt in [each for each in left if doubtful_field(each) == name]:
            if place := place_of(case, doubt):
                spans.setdefault(place[0], (place[1], doubt))
                left.remove(doubt)
        numbers = {}
        for start in sorted(spans):
            number += 1
            numbers[start] = number
            end, doubt = spans[start]
            around = Markup("……{}{}{}……").format(
                text[max(0, start - _AROUND) : start], Markup('<mark class="doubt">{}</mark>').format(text[start:end]),
                text[end : end + _AROUND],
            )  # fmt: skip
            places.append(Place(number, label, doubt.kind, doubt.reason, around))
        html = marked(text, {start: (numbers[start], spans[start][1].reason) for start in spans})
        parts.append(Part(name, label, html, name in LONG or name.startswith("extra."), case.confidence.get(name)))
    for doubt in left:
        name = doubtful_field(doubt)
        label = names.get(name, name.removeprefix("extra."))
        places.append(Place(0, label, doubt.kind, doubt.reason, Markup("")))
    return parts, places


def marked(text: str, doubts: dict[int, tuple[int, str]] | None = None) -> Markup:
    """HTML of a text with its placeholders marked; those that begin at a place in `doubts` (number, reason) as
    doubtful."""
    pieces, end = [], 0
    for match in PLACEHOLDER.finditer(text):
        pieces.append(escape(text[end : match.start()]))
        end = match.end()
        if doubts and match.start() in doubts:
            number, reason = doubts[match.start()]
            pieces.append(Markup('<mark class="doubt" id="doubt-{}" tabindex="-1" title="{}">{}</mark>').format(
                number, reason, match[0]))  # fmt: skip
        else:
            pieces.append(Markup('<span class="removed">{}</span>').format(match[0]))
    return Markup("").join([*pieces, escape(text[end:])])
