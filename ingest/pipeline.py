"""The walk from files to drafts (or, with `publish`, to published cases), file by file.

One file is one transaction: what can be used is stored whole, what cannot is a line in the report.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kb.model import Case
from kb.plugins import manager
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
class _Run:
    """What one ingest carries from file to file."""

    store: Store
    hall: Hall | None
    publish: bool
    by: str
    progress: Progress
    encode: Callable[[Sequence[str]], np.ndarray]
    secret: bytes
    known: dict[str, KnownKey]
    candidates: dict[str, duplicates.Candidate]


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
    run = _Run(store, hall, publish, by, progress, encode, store.secret("traces"), store.known_keys(), {})
    run.candidates = _known_candidates(run)
    report = Report()
    for name, reading in readers.read_all(paths):
        report.files.append(_file(run, name, reading))
    manager().hook.kb_cases_changed(store=store)
    report.took_s = time.monotonic() - started
    return report


def _file(run: _Run, name: str, reading: Reading) -> FileReport:
    labels = Labels(reading.records)
    report = FileReport(labels.clean(name), rows=reading.rows, columns=labels.columns(reading.columns))
    if reading.rejected:
        report.status, report.reason = "rejected", reading.rejected
        return report
    for record in reading.records:
        record.extra = labels.keys(record.extra)
    drafted = _draft_all(run, report.file, reading.records)
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
    _store(run, reading.records, drafted, report)
    report.status = "partial" if any(problem.row and not problem.kept for problem in problems) else "accepted"
    return report


def _draft_all(run: _Run, name: str, records: Sequence[Record]) -> list[Drafted]:
    """Draft the records of one file. Finished ones are embedded on the side: redaction keeps one core busy,
    the model the other, and what comes later finds the vectors in the cache."""
    drafted: list[Drafted] = []
    with ThreadPoolExecutor(1) as aside:
        waiting = []
        for start in range(0, len(records), _PART):
            part = [draft(record, run.hall, run.encode) for record in records[start : start + _PART]]
            drafted += part
            waiting.append(aside.submit(case_vectors, [one.case for one in part], run.encode))
            run.progress(f"脱敏与规范 {name}", len(drafted), len(records))
        for done, part_vectors in enumerate(waiting, 1):
            part_vectors.result()
            run.progress(f"计算语义向量 {name}", min(done * _PART, len(records)), len(records))
    return drafted


def _store(run: _Run, records: Sequence[Record], drafted: Sequence[Drafted], report: FileReport) -> None:
    """Give every record its case, link duplicates, write drafts or published cases, remember the keys."""
    ways = [identity.ways(r, d.case.hall.get("code", ""), run.secret) for r, d in zip(records, drafted, strict=True)]
    found = identity.identify([(w, d.case) for w, d in zip(ways, drafted, strict=True)], run.store, run.known)
    changed = []
    for who, one, record in zip(found, drafted, records, strict=True):
        one.case.id = who.case_id
        report.unchanged += who.change == "same"
        report.revisions += who.change == "revised"
        if who.change != "same":
            changed.append((one, record))
    report.duplicates = _link(run, changed)
    drafts = [Draft(one.case, one.doubts) for one, _ in changed]
    clear = [draft.case for draft in drafts if run.publish and not draft.doubts]
    held = [draft for draft in drafts if not (run.publish and not draft.doubts)]
    if run.publish:  # what an earlier ingest left as a draft is asked for now
        waiting = [run.store.draft(who.case_id) for who in found if who.change == "same"]
        clear += [draft.case for draft in waiting if draft and not draft.doubts]
        report.held_back = len(held) + sum(bool(draft and draft.doubts) for draft in waiting)
    keys = {key: KnownKey(who.case_id, who.ways.digest) for who in found for key in who.ways.names()}
    with writing(run.store.workbench):
        run.store.save_drafts(held, run.by, report.file)
        if clear:
            run.store.publish(clear, run.by, report.file)
        run.store.remember(keys, {one.case.id: run.candidates[one.case.id].traces for one, _ in changed})
    run.known.update(keys)


def _link(run: _Run, changed: Sequence[tuple[Drafted, Record]]) -> int:
    """Find which of the changed cases tell what another case tells, and link them; returns how many."""
    if not changed:
        return 0
    cases = [one.case for one, _ in changed]
    vectors = case_vectors(cases, run.encode)
    new = []
    for (one, record), vector in zip(changed, vectors, strict=True):
        new.append(_candidate(one.case, vector, traces(_identifying(record), run.secret)))
    ids = {candidate.id for candidate in new}
    earlier = [candidate for candidate in run.candidates.values() if candidate.id not in ids]
    run.candidates.update({candidate.id: candidate for candidate in new})
    links = {link.id: link for link in duplicates.find_duplicates(new, earlier)}
    for case in cases:
        if case.id in links:
            case.duplicate_of = links[case.id].duplicate_of
    return sum(case.id in links for case in cases)


def _identifying(record: Record) -> list[str]:
    """Strings that say who a record is about: its personal columns, part by part, and masked names in its text."""
    columns = [text for name, text in record.values.items() if name in PERSONAL_FIELDS - STAFF_FIELDS]
    parts = [part for text in columns for part in re.split(r"[（）()、，,；;\s/]+", text) if part]
    return parts + [name for text in record.values.values() for name in masked_names(text)]


def _candidate(case: Case, vector: np.ndarray | None, traces: frozenset[str]) -> duplicates.Candidate:
    return duplicates.Candidate(case.id, case.received, case.to_dict(), vector, traces)


def _known_candidates(run: _Run) -> dict[str, duplicates.Candidate]:
    cases = {case.id: case for case in run.store.cases("draft")} | {c.id: c for c in run.store.published()}
    vectors = case_vectors(list(cases.values()), run.encode)
    kept = run.store.traces()
    return {
        case.id: _candidate(case, vector, frozenset(kept.get(case.id, ())))
        for case, vector in zip(cases.values(), vectors, strict=True)
    }
