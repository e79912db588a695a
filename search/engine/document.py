"""A case as engines index it: facts for filters, words by field, pairs of characters, passages to embed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from kb import vocabulary
from kb.fields import departments
from kb.model import Case

from .. import words
from ..filters import LISTS, solidified
from ..passages import Passage, passages
from ..query import number

#: Columns of the word index, in this order.
WORD_FIELDS = ("title", "obstacle", "demand", "measure", "other")
#: Raise when a case would be indexed another way.
VERSION = 2


@dataclass(frozen=True)
class Document:
    """What an index keeps of a case.

    ``facts`` are (name, value): what filters and numbers are compared with.  ``date`` is the day of closing, else
    of acceptance, else of receipt.  ``text`` is what phrases are looked up in, see :func:`compact`.
    """

    case: Case
    facts: tuple[tuple[str, str], ...]
    date: str
    text: str
    words: tuple[str, ...]
    pairs: tuple[str, str]
    passages: tuple[Passage, ...]


def digest(case: Case) -> str:
    """Changes whenever the case would be indexed otherwise."""
    content = json.dumps(case.content(), ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def document(case: Case) -> Document:
    """Takes *case* apart for indexing."""
    texts = {
        "title": _join(case.title, case.matter.get("name")),
        "obstacle": case.obstacle,
        "demand": case.demand,
        "measure": _join(case.measure, case.result),
        "other": _join(
            case.domain,
            *case.barriers,
            case.lead_dept,
            *case.coop_depts,
            *case.materials,
            case.solidified.get("text"),
            *(basis.get("title") for basis in case.basis),
            *(basis.get("doc_no") for basis in case.basis),
        ),
    }
    body = "\n".join(texts[name] for name in ("obstacle", "demand", "measure"))
    date = case.closed or case.accepted or case.received
    return Document(
        case,
        facts=tuple(dict.fromkeys((name, value) for name, value in _facts(case, date, body) if value)),
        date=date,
        text="\n".join(compact(text) for text in _texts(case) if text),
        words=tuple(" ".join(word.text for word in words.words(texts[name])) for name in WORD_FIELDS),
        pairs=(" ".join(words.bigrams(texts["title"])), " ".join(words.bigrams(body))),
        passages=tuple(passages(case)),
    )


def compact(text: str) -> str:
    """*text* folded and without blanks: line breaks and spaces must not keep a name or a phrase from being found."""
    return "".join(words.fold(text).split())


def _join(*texts: str | None) -> str:
    return "\n".join(text for text in texts if text)


def _facts(case: Case, date: str, body: str) -> Iterator[tuple[str, str]]:
    """Values of closed lists stand as they are and in the library's own word; names as written in compact form;
    ``department_kind`` is the standard name of the kind of body (曲阜市医保局 → 医疗保障局)."""
    labels = {"domain": [case.domain], "outcome": [case.outcome], "barrier": case.barriers, "handling": case.handling}
    for name, values in labels.items():
        for value in values:
            yield name, value
            yield name, vocabulary.clean(LISTS[name], value) or ""
    yield "year", date[:4]
    yield "solidified", solidified(case.solidified.get("kind", ""), case.solidified.get("text", ""))
    yield from (("matter", compact(case.matter.get(key) or "")) for key in ("name", "standard", "code"))
    for department in (case.lead_dept, *case.coop_depts):
        yield "department", compact(department)
        yield "department_kind", departments.standard(department) or ""
    yield from (("place", case.region.get(level, "")) for level in ("province", "city", "county"))
    yield "place", case.hall.get("name", "")
    yield from (("number", value) for value in _numbers(case, body))


def _texts(case: Case) -> Iterator[str | None]:
    """What the case itself says, without the labels that it was given."""
    yield from (case.title, case.matter.get("name"), case.demand, case.obstacle, case.measure, case.result)
    yield from (case.followup, case.solidified.get("text"), case.lead_dept, *case.coop_depts, *case.materials)
    yield from (step.get("action") for step in case.steps)
    yield from (basis.get(key) for basis in case.basis for key in ("title", "doc_no", "clause"))


def _numbers(case: Case, body: str) -> tuple[str, ...]:
    """Numbers by which the case is found directly, in the spelling of :func:`search.query.number`."""
    typed = [case.id, case.source_no, case.matter.get("code"), *(basis.get("doc_no") for basis in case.basis)]
    found = [number(text) or words.fold(text).upper() for text in typed if text]
    found += [word.text for word in words.document_numbers(body)]
    return tuple(dict.fromkeys(found))
