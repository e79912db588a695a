"""The walk from files to drafts (or, with `publish`, to published cases), file by file, in two halves.

`prepare` reads nothing from the library and writes nothing: it turns a reading into de-identified cases. `settle` says
which of them are new, revised or told before, by what the library knows (`Known`); `save` stores them. One file is one
transaction: what can be used is stored whole, what cannot is a line in the report. A page shows what lies between.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kb.model import Case
from kb.plugins import manager
from kb.privacy import Doubt
from kb.store import Draft, KnownKey, Store, writing
from search.passages import case_vectors

from . import duplicates, identity, readers
from .drafting import Drafted, Hall, draft
from .labels import Labels
from .records import PERSONAL_FIELDS, STAFF_FIELDS, Problem, Reading, Record
from .traces import masked_names, traces

_PART = 50  # records drafted before their vectors are asked for
#: (what is being done, done so far, of how many)
Progress = Callable[[str, int, int], None]


_NO_HALL = "有 {} 件没有看出是哪个大厅的：请用 --hall 区划码 指明，或在标题、文件名里写出省市县全称后重新导入"


@dataclass
class FileReport:
    """What became of one file; the keys of the ingest report (DESIGN section 4)."""

    file: str
    status: str = "accepted"
    reason: str = ""
    rows: int = 0
    cases: int = 0
    unchanged: int = 0
    revisions: int = 0
    duplicates: int = 0
    redactions: int = 0
    held_back: int = 0
    columns: dict[str, str | None] = field(default_factory=dict)
    problems: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Report:
    files: list[FileReport] = field(default_factory=list)
    took_s: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        return {"files": [asdict(file) for file in self.files], "took_s": round(self.took_s, 2)}

    @property
    def complete(self) -> bool:
        """Whether everything in the input could be used."""
        return all(file.status == "accepted" for file in self.files)


@dataclass
class Item:
    """One record, de-identified: what would be stored of it. Nothing in it is personal; the ways and traces are keyed
    digests. `change` is "new", "revised" or "same" once it is settled."""

    case: Case
    doubts: list[Doubt]
    ways: identity.Ways
    traces: frozenset[str]
    vector: np.ndarray | None = None
    change: str = ""


@dataclass
class Prepared:
    """One file between its two halves: its report so far and its records."""

    report: FileReport
    items: list[Item] = field(default_factory=list)


class Known:
    """What a library knows: its cases, the keys of the records that they were made from, and what was settled since.

    Drafts in `hidden` are there, so that no id is given twice, and say nothing: neither that they know a record nor
    that they tell the same; their keys (`foreign`) stay theirs. `stamp` tells the state of the library looked at.
    """

    def __init__(
        self, store: Store, encode: Callable[[Sequence[str]], np.ndarray], hidden: Collection[str] = ()
    ) -> None:
        self._store, self._hidden = store, frozenset(hidden)
        self.stamp = stamp(store)
        keys = store.known_keys()
        self.foreign = {key for key, known in keys.items() if known.case_id in self._hidden}
        self.keys = {key: known for key, known in keys.items() if key not in self.foreign}
        self._pending: dict[str, Case] = {}
        cases = {case.id: case for case in store.cases("draft") if case.id not in self._hidden}
        cases |= {case.id: case for case in store.published()}
        kept = store.traces()
        self.candidates = {
            case.id: _candidate(case, vector, frozenset(kept.get(case.id, ())))
            for case, vector in zip(cases.values(), case_vectors(list(cases.values()), encode), strict=True)
        }

    def newest(self, case_id: str) -> Case | None:
        """The case of that id as it was last told, here or in the library."""
        if case_id in self._pending:
            return self._pending[case_id]
        return Case(case_id) if case_id in self._hidden else self._store.newest(case_id)

    def add(self, items: Sequence[Item]) -> None:
        """Settled records are known to those that follow."""
        for item in items:
            self.keys.update(_keys(item))
            if item.change != "same":
                self._pending[item.case.id] = item.case


def ingest(
    store: Store,
    paths: Sequence[Path],
    encode: Callable[[Sequence[str]], np.ndarray],
    *,
    hall: Hall | None = None,
    publish: bool = False,
    by: str = "ingest",
    progress: Progress = lambda what, done, total: None,
) -> Report:
    """Read `paths` into `store`. `encode` maps passages to unit vectors [n, d] (cached by the caller)."""
    started = time.monotonic()
    secret, known = store.secret("traces"), Known(store, encode)
    report = Report()
    for name, reading in readers.read_all(paths):
        prepared = prepare(name, reading, encode, secret, hall=hall, progress=progress)
        settle(prepared, known)
        save(store, prepared, by, publish)
        report.files.append(prepared.report)
    manager().hook.kb_cases_changed(store=store)
    report.took_s = time.monotonic() - started
    return report


def prepare(
    name: str,
    reading: Reading,
    encode: Callable[[Sequence[str]], np.ndarray],
    secret: bytes,
    *,
    hall: Hall | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Prepared:
    """The de-identified records of one file, with a report that tells all but what the library makes of them."""
    labels = Labels(reading.records)
    report = FileReport(labels.clean(name), rows=reading.rows, columns=labels.columns(reading.columns))
    if reading.rejected:
        report.status, report.reason = "rejected", reading.rejected
        return Prepared(report)
    for record in reading.records:
        record.extra = labels.keys(record.extra)
    drafted, vectors = _draft_all(report.file, reading.records, hall, encode, progress)
    for one, record in zip(drafted, reading.records, strict=True):
        one.case.source.update(vars(labels.place(record.place)))
        one.case.sources = [vars(labels.place(place)) for place in record.linked]
    problems = [*reading.problems, *(problem for one in drafted for problem in one.problems)]
    homeless = sum(not one.case.hall for one in drafted)
    if homeless:
        problems.append(Problem(_NO_HALL.format(homeless)))
    problems = [labels.problem(problem) for problem in problems]
    report.problems = [{"sheet": p.sheet, "row": p.row, "message": p.message} for p in problems]
    report.redactions = sum(one.removed for one in drafted)
    report.cases = len(drafted)
    report.status = "partial" if any(problem.row and not problem.kept for problem in problems) else "accepted"
    return Prepared(report, [
        Item(one.case, one.doubts, identity.ways(record, one.case.hall.get("code", ""), secret),
             traces(_identifying(record), secret), vector)
        for one, record, vector in zip(drafted, reading.records, vectors, strict=True)
    ])  # fmt: skip


def _draft_all(
    name: str,
    records: Sequence[Record],
    hall: Hall | None,
    encode: Callable[[Sequence[str]], np.ndarray],
    progress: Progress,
) -> tuple[list[Drafted], list[np.ndarray | None]]:
    """Draft the records of one file and embed them. Finished ones are embedded on the side: redaction keeps one core
    busy, the model the other."""
    drafted: list[Drafted] = []
    vectors: list[np.ndarray | None] = []
    with ThreadPoolExecutor(1) as aside:
        waiting = []
        for start in range(0, len(records), _PART):
            part = [draft(record, hall, encode) for record in records[start : start + _PART]]
            drafted += part
            waiting.append(aside.submit(case_vectors, [one.case for one in part], encode))
            progress(f"脱敏与规范 {name}", len(drafted), len(records))
        for part_vectors in waiting:
            vectors += part_vectors.result()
            progress(f"计算语义向量 {name}", len(vectors), len(records))
    return drafted, vectors


def settle(prepared: Prepared, known: Known) -> None:
    """Give every record its case, link duplicates, count both in the report; the next file knows of them."""
    items, report = prepared.items, prepared.report
    found = identity.identify([(item.ways, item.case) for item in items], known, known.keys)
    for who, item in zip(found, items, strict=True):
        item.case.id, item.change = who.case_id, who.change
    changed = [item for item in items if item.change != "same"]
    report.unchanged = len(items) - len(changed)
    report.revisions = sum(item.change == "revised" for item in changed)
    report.duplicates = _link(changed, known)
    known.add(items)


def _link(changed: Sequence[Item], known: Known) -> int:
    """Find which of the changed cases tell what another case tells, and link them; returns how many."""
    if not changed:
        return 0
    new = [_candidate(item.case, item.vector, item.traces) for item in changed]
    ids = {candidate.id for candidate in new}
    earlier = [candidate for candidate in known.candidates.values() if candidate.id not in ids]
    known.candidates.update({candidate.id: candidate for candidate in new})
    links = {link.id: link.duplicate_of for link in duplicates.find_duplicates(new, earlier)}
    for item in changed:
        item.case.duplicate_of = links.get(item.case.id, "")
    return len(links)


def save(store: Store, prepared: Prepared, by: str, publish: bool = False, foreign: Collection[str] = ()) -> None:
    """Store settled records in one transaction, as drafts or (`publish`, and no doubt) published, and remember them by
    their keys, `foreign` ones left alone."""
    items, note = prepared.items, prepared.report.file
    if not items:
        return
    drafts = [Draft(item.case, item.doubts) for item in items if item.change != "same"]
    clear = [draft.case for draft in drafts if publish and not draft.doubts]
    held = [draft for draft in drafts if not (publish and not draft.doubts)]
    if publish:  # what an earlier ingest left as a draft is asked for now
        waiting = [store.draft(item.case.id) for item in items if item.change == "same"]
        clear += [draft.case for draft in waiting if draft and not draft.doubts]
        prepared.report.held_back = len(held) + sum(bool(draft and draft.doubts) for draft in waiting)
    keys = {key: value for item in items for key, value in _keys(item).items() if key not in foreign}
    with writing(store.workbench):
        store.save_drafts(held, by, note)
        if clear:
            store.publish(clear, by, note)
        store.remember(keys, {item.case.id: item.traces for item in items if item.change != "same"})


def stamp(store: Store) -> tuple[int, ...]:
    """Numbers that change whenever published cases or drafts do."""
    last, drafts = store.workbench.execute(
        "select (select max(rowid) from revisions), (select count(*) from drafts)"
    ).fetchone()
    return store.version(), last or 0, drafts


def _keys(item: Item) -> dict[str, KnownKey]:
    return {key: KnownKey(item.case.id, item.ways.digest) for key in item.ways.names()}


def _identifying(record: Record) -> list[str]:
    """Strings that say who a record is about: its personal columns, part by part, and masked names in its text."""
    columns = [text for name, text in record.values.items() if name in PERSONAL_FIELDS - STAFF_FIELDS]
    parts = [part for text in columns for part in re.split(r"[（）()、，,；;\s/]+", text) if part]
    return parts + [name for text in record.values.values() for name in masked_names(text)]


def _candidate(case: Case, vector: np.ndarray | None, traces: frozenset[str]) -> duplicates.Candidate:
    return duplicates.Candidate(case.id, case.received, case.to_dict(), vector, traces)
