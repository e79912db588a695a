"""A case as engines index it: numbers, words by field, pairs of characters, passages to embed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from kb.model import Case

from .. import words
from ..passages import Passage, passages
from ..query import number

#: Columns of the word index, in this order.
WORD_FIELDS = ("title", "obstacle", "demand", "measure", "other")
#: Raise when a case would be indexed another way.
VERSION = 1


@dataclass(frozen=True)
class Document:
    """What an index keeps of a case."""

    case: Case
    numbers: tuple[str, ...]
    places: tuple[str, ...]
    date: str
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
    places = [case.region.get(level, "") for level in ("province", "city", "county")]
    return Document(
        case,
        numbers=_numbers(case, body),
        places=tuple(dict.fromkeys(place for place in [*places, case.hall.get("name", "")] if place)),
        date=case.closed or case.accepted or case.received,
        words=tuple(" ".join(word.text for word in words.words(texts[name])) for name in WORD_FIELDS),
        pairs=(" ".join(words.bigrams(texts["title"])), " ".join(words.bigrams(body))),
        passages=tuple(passages(case)),
    )


def _join(*texts: str | None) -> str:
    return "\n".join(text for text in texts if text)


def _numbers(case: Case, body: str) -> tuple[str, ...]:
    """Numbers by which the case is found directly, in the spelling of :func:`search.query.number`."""
    typed = [case.id, case.source_no, *(str(basis.get("doc_no") or "") for basis in case.basis)]
    found = [number(text) or words.fold(text).upper() for text in typed if text]
    found += [word.text for word in words.document_numbers(body)]
    return tuple(dict.fromkeys(found))
