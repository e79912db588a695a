"""Which case a record is: the same one as before, a correction of it, or a new one.

A record is known by its number at its hall, by its place in its file, and by a keyed one-way digest of all it
says. The digest tells an unchanged record without keeping its text, and follows a row that has moved.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Protocol, TypeGuard

from kb.model import Case
from kb.store import KnownKey

from .records import Record

#: Below this share of common text a row at the same place is another case, not a correction of it.
SAME_TEXT = 0.5


@dataclass(frozen=True)
class Ways:
    """How a record can be recognised: by `number`, `serial` or `place` (keyed digests, for clerks write names into
    numbers and file names too), and by the `digest` of all it says. `first` is the id of its case, made from its
    number or place, unless another case has it already."""

    digest: str
    number: str = ""
    serial: str = ""
    place: str = ""
    first: str = ""

    @property
    def said(self) -> str:
        return f"said|{self.digest}"

    def names(self) -> list[str]:
        return [key for key in (self.number, self.serial, self.place, self.said) if key]


class Shelf(Protocol):
    """Where a case of an earlier record is looked up: a Store, or what somebody may see of it."""

    def newest(self, case_id: str) -> Case | None: ...


@dataclass(frozen=True)
class Identity:
    """`change` is "same", "revised" or "new"; `keys` are to be remembered for the case."""

    case_id: str
    change: str
    ways: Ways


@dataclass
class _Claims:
    """Ids given out so far; no case is given to two records."""

    found: dict[int, Identity] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)

    def take(self, position: int, case_id: str | None, change: str, ways: Ways) -> bool:
        if not case_id or case_id in self.ids:
            return False
        self.ids.add(case_id)
        self.found[position] = Identity(case_id, change, ways)
        return True


def digest(record: Record, secret: bytes) -> str:
    """Keyed BLAKE2b over everything that the record says (not where it stands): tells equal, shows nothing."""
    return _keyed(json.dumps([record.values, record.extra, record.heading], ensure_ascii=False, sort_keys=True), secret)


def _keyed(text: str, secret: bytes) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), key=secret, digest_size=16).hexdigest()


def ways(record: Record, hall_code: str, secret: bytes) -> Ways:
    """How this record will be recognised when it comes again."""
    place, number = record.place, record.values.get("source_no", "")
    serial = record.values.get("serial", "")
    numbered = f"no|{hall_code or place.file}|{number}" if number else ""
    placed = f"row|{place.file}|{place.sheet}|{place.row}"
    return Ways(
        digest(record, secret),
        f"no|{_keyed(numbered, secret)}" if number else "",
        f"serial|{_keyed(f'{place.file}|{place.sheet}|{serial}', secret)}" if serial else "",
        f"row|{_keyed(placed, secret)}",
        _id(numbered or placed, 0),
    )


def identify(
    records: Sequence[tuple[Ways, Case]], store: Shelf, known: Mapping[str, KnownKey]
) -> list[Identity]:
    """Identities for the records of one file, in order.

    Unchanged records are settled first, so that a corrected neighbour cannot take their place; then numbers
    decide, then rows that moved, then rows at the same place with similar text.
    """
    claims = _Claims()
    steps: list[tuple[str, Callable[[Ways, Case], list[KnownKey]]]] = [
        ("same", lambda way, _: [k for k in _met(way, known) if k.digest == way.digest]),
        ("revised", lambda way, _: [known[way.number]] if way.number in known else []),
        ("same", lambda way, _: [known[way.said]] if way.said in known and not way.number else []),
        ("revised", lambda way, case: [k for k in _met(way, known) if _correction(store, way, k, case)]),
        ("same", lambda way, case: _unfinished(store, way, case)),
    ]
    for change, candidates in steps:
        for i, (way, case) in enumerate(records):
            if i not in claims.found:
                any(claims.take(i, k.case_id, change, way) for k in candidates(way, case))
    for i, (way, _) in enumerate(records):
        if i not in claims.found:
            claims.take(i, _fresh(way, claims.ids, store), "new", way)
    return [claims.found[i] for i in range(len(records))]


def _met(way: Ways, known: Mapping[str, KnownKey]) -> list[KnownKey]:
    return [known[key] for key in (way.number, way.serial, way.place) if key in known]


def _unfinished(store: Shelf, way: Ways, case: Case) -> list[KnownKey]:
    """The case that an ingest published just before it was cut off, with its keys not yet remembered."""
    old = store.newest(way.first)
    same = _same_hall(old, case) and (old.demand, old.obstacle, old.measure) == (
        case.demand, case.obstacle, case.measure
    )  # fmt: skip
    return [KnownKey(way.first, way.digest)] if same else []


def _correction(store: Shelf, way: Ways, met: KnownKey, case: Case) -> bool:
    old = None if way.number else store.newest(met.case_id)
    return _same_hall(old, case) and similar(old.demand + old.measure, case.demand + case.measure)


def _same_hall(old: Case | None, case: Case) -> TypeGuard[Case]:
    """Whether `old` is a case of the same hall: every hall has a 台账.xlsx, and a row 2 in it."""
    return old is not None and old.hall.get("code") == case.hall.get("code")


def similar(a: str, b: str) -> bool:
    """Whether one text may be a correction of the other."""
    return SequenceMatcher(None, a[:400], b[:400], autojunk=False).ratio() >= SAME_TEXT


def _fresh(way: Ways, taken: set[str], store: Shelf) -> str:
    """A new id, made from the number or place: a library built again from the same files has the same ids."""
    for attempt in range(1000):
        case_id = _id(way.first, attempt) if attempt else way.first
        if case_id not in taken and store.newest(case_id) is None:
            return case_id
    raise RuntimeError("no free case id")


def _id(origin: str, attempt: int) -> str:
    return hashlib.blake2b(f"{origin}|{attempt}".encode("utf-8", "replace"), digest_size=6).hexdigest()
