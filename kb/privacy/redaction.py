"""De-identification of one case: finds personal data in its fields and puts placeholders in their place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from .addresses import find_addresses
from .known import Known, read_known
from .lexicon import words
from .names import find_names
from .numbers import find_identifiers, find_landlines, is_masked_number
from .placeholders import People, placeholder
from .spans import MASK, PLACEHOLDER, SHIELD, Span, fold, mask, settle
from .spellings import find_misspellings, same_person

# Rule titles: no names are looked for in them, but numbers are.
_TITLE = re.compile(r"《[^《》\n]{1,80}》")
# Document and case numbers, links.
_PROTECTED = re.compile(
    r"https?://[\x21-\x3e\x40-\x7e]+"  # what follows ? may hold anything
    r"|[\u4e00-\u9fa5]{1,5}[〔\[（(](?:19|20)\d{2}[〕\]）)][\u4e00-\u9fa5]{0,4}\d{1,6}(?:-\d{1,4})?号"
    r"|[〔\[（(](?:19|20)\d{2}[〕\]）)][\u4e00-\u9fa5]{1,6}第?\d{1,6}(?:-\d{1,4})?号"
)
_CITIZEN_FIELDS = frozenset({"demand", "title", "followup", "obstacle"})


@dataclass(frozen=True)
class Count:
    """How many pieces of one kind were removed from one field."""

    kind: str
    field: str
    count: int


@dataclass(frozen=True)
class Doubt:
    """A place in the redacted text that a person should look at; `reason` holds no personal text."""

    field: str
    kind: str
    start: int
    end: int
    reason: str


@dataclass(frozen=True)
class Redaction:
    """The redacted fields, what was removed (counts only), and what is doubtful."""

    values: dict[str, str]
    counts: list[Count]
    doubts: list[Doubt]


def redact(values: Mapping[str, str], known: Mapping[str, str] | None = None) -> Redaction:
    """Remove personal data from a case.

    `values` maps field names to the texts that will be stored. `known` maps the record's personal
    columns (applicant, contact, phone, id_number, address …) to their raw text: it tells who the
    persons of the case are and is returned nowhere.
    """
    facts = read_known(known or {})
    texts = {field: text or "" for field, text in values.items()}
    spans = _find(texts, facts)
    people = People(texts.values())
    redacted: dict[str, str] = {}
    counts: list[Count] = []
    doubts: list[Doubt] = []
    for field, text in texts.items():
        redacted[field], field_doubts = _replace(field, text, spans[field], people)
        doubts += field_doubts
        kinds = Counter(span.kind for span in spans[field])
        counts += [Count(kind, field, number) for kind, number in kinds.items()]
    return Redaction(redacted, counts, doubts)


def redact_text(text: str) -> str:
    """One text without its personal data: for queries, logs and file names."""
    return redact({"demand": text}).values["demand"]


def _find(texts: Mapping[str, str], facts: Known) -> dict[str, list[Span]]:
    views = {field: fold(text) for field, text in texts.items()}
    found: dict[str, list[Span]] = {}
    open_views: dict[str, str] = {}  # protected passages blanked, identifiers masked
    for field, view in views.items():
        shielded = _shield(view)
        spans = list(_literal(shielded, facts)) + list(find_identifiers(shielded))
        found[field] = settle(spans)
        open_views[field] = mask(_blank(_TITLE, shielded), found[field])
    names = find_names(open_views, facts.persons)
    persons = list(
        dict.fromkeys([*facts.persons, *(s.person for spans in names.values() for s in spans if not s.doubt)])
    )
    for field, view in open_views.items():
        exact = [span for span in names[field] if span.person in facts.persons]
        wrong = list(find_misspellings(view, facts.persons or persons, known=bool(facts.persons)))
        names[field] = settle([*exact, *wrong, *names[field]])
    merged = _merge_spellings(names, facts.persons)
    for field, view in open_views.items():
        named = mask(view, merged[field])
        addresses = settle(find_addresses(named))
        lines = [span for span in find_landlines(named) if _is_citizens(field, view, span, named)]
        titled = [
            Span(match.start(), match.end(), "姓名", person=person)
            for person in persons
            if len(person) >= 3
            for match in re.finditer(re.escape(person), views[field])
        ]
        found[field] = settle([*found[field], *merged[field], *addresses, *lines, *titled])
    return found


def _shield(view: str) -> str:
    """The view with placeholders, links and document numbers blanked out, so that nothing is found in them."""
    return _blank(_PROTECTED, _blank(PLACEHOLDER, view))


def _blank(pattern: re.Pattern[str], view: str) -> str:
    return pattern.sub(lambda match: SHIELD * len(match[0]), view)


def _literal(view: str, facts: Known) -> list[Span]:
    """Where the identifiers of the personal columns stand in the view, whatever separators they are
    written with.
    """
    spans = []
    for kind, text in facts.identifiers:
        digits = re.sub(r"[ \-()（）]", "", text)
        if digits in words("hotline") or digits.startswith(("400", "95")) and len(digits) <= 10:
            continue
        pattern = r"[ \-()（）]{0,2}".join(map(re.escape, digits)) if kind != "住址" else re.escape(text)
        spans += [Span(m.start(), m.end(), kind) for m in re.finditer(rf"(?<!\d){pattern}(?!\d)", view)]
    return spans


def _merge_spellings(names: dict[str, list[Span]], known: list[str]) -> dict[str, list[Span]]:
    """Names that sound like an earlier person's become misspellings of that person."""
    first: list[str] = list(known)
    merged: dict[str, list[Span]] = {}
    for field, spans in names.items():
        merged[field] = []
        for span in spans:
            twin = next(
                (name for name in first if name != span.person and same_person(name, span.person)), None
            )
            if span.kind == "姓名" and span.person not in first and twin:
                span = replace(span, kind="姓名误写", person=twin)
            elif span.person not in first:
                first.append(span.person)
            merged[field].append(span)
    return merged


def _is_citizens(field: str, view: str, span: Span, named: str) -> bool:
    """Whether a landline belongs to a person: said so, or beside a name and not beside an office's word."""
    if is_masked_number(view[span.start : span.end]):
        return False
    left = re.split(r"[。;；\n]", named[max(0, span.start - 30) : span.start])[-1]
    near = left[-14:]
    office = max(near.rfind(word) for word in words("office"))
    private = max(near.rfind(word) for word in (*words("private"), *words("addressed")))
    if private >= 0 and private >= office:
        return True
    if office >= 0:
        return False
    return MASK in left or field in _CITIZEN_FIELDS


def _replace(field: str, text: str, spans: list[Span], people: People) -> tuple[str, list[Doubt]]:
    pieces: list[str] = []
    doubts: list[Doubt] = []
    position = length = 0
    for span in spans:
        number = people.number(span.person) if span.person else None
        stand_in = placeholder("姓名" if span.person else span.kind, number)
        pieces += [text[position : span.start], stand_in]
        length += span.start - position
        if span.doubt:
            doubts.append(Doubt(field, span.kind, length, length + len(stand_in), span.doubt))
        length += len(stand_in)
        position = span.end
    pieces.append(text[position:])
    return "".join(pieces), doubts
