"""Precedents for a question: the one door through which commands, pages and other tools search."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from dataclasses import replace
from functools import cache
from typing import Any

from kb import vocabulary
from kb.config import Settings
from kb.errors import Fault
from kb.model import Case
from kb.store import Store

from . import explanation, query, ranking
from .engine import Engine, Filters, Found, Progress
from .query import Query

MOST = 1000  # results of one search

EMPTY = "请输入要查的事：一句话、事项名称、文号或案例编号都可以。"
NO_CASES = "库中还没有已入库的案例，请先导入并入库（kb ingest）。"
NOTHING = "没有找到先例。"
NOTHING_PASSES = "没有符合所选条件的案例，可放宽条件再查。"
FAR = "没有找到足够接近的先例，以下几件最接近，仅供参考；可换个说法，或请责任部门会商。"

_DATE = re.compile(r"(\d{4})(?:\D{1,2}(\d{1,2}))?(?:\D{1,2}(\d{1,2}))?\D?")


class Precedents:
    """Searches one library.  Safe for threads; keeps its index current by itself."""

    def __init__(self, settings: Settings, engine: Engine | None = None) -> None:
        """Opens the library of *settings*; *engine* defaults to the embedded one."""
        from .engine.embedded import EmbeddedEngine

        self.settings = settings
        self.engine: Engine = engine or EmbeddedEngine(settings)
        self._stores = threading.local()

    @property
    def store(self) -> Store:
        """This thread's connection to the library."""
        if not hasattr(self._stores, "store"):
            self._stores.store = Store(self.settings)
        store: Store = self._stores.store
        return store

    def refresh(self, progress: Progress | None = None) -> None:
        """Brings the index up to date if the library has changed or the index is missing or broken.

        While another process does that, the old index serves: what is no longer published is left out anyway.
        """
        if self.engine.problem(self.store):
            self.engine.sync(self.store, progress, wait=not self.engine.usable())

    def find(self, text: str, k: int = 10, filters: Filters | None = None) -> dict[str, Any]:
        """Precedents for *text*: the search result of DESIGN section 4 as plain data.

        Whatever is typed, the answer is a normal one or one with a ``note``; only filters that cannot be
        understood raise Fault.
        """
        started = time.perf_counter()
        filters = checked(filters or Filters())
        asked = query.understand(text)
        self.refresh()
        note, answerable, results = self._answer(asked, max(0, min(k, MOST)), filters)
        if asked.cut:
            note = f"输入过长，只按前 {query.LONGEST} 个字查找。{note}"
        return {
            "query": asked.text,
            "answerable": answerable,
            "note": note,
            "took_ms": round((time.perf_counter() - started) * 1000, 1),
            "results": results,
        }

    def similar(self, case: Case, k: int = 5) -> list[tuple[Case, str]]:
        """At most *k* other published cases near to *case* in meaning, each with a reason in a few words."""
        asked = query.understand("。".join(filter(None, [case.title, case.obstacle or case.demand])))
        self.refresh()
        if asked.empty or not self.engine.count():
            return []
        found = self.engine.search(asked, Filters(), ranking.settings()["depth"])
        others = [one for one, _ in self._cases(ranking.fuse(found.views), k + 1) if one.id != case.id]
        near = [one for one in others[:k] if ranking.near(found.views, one.id)]
        return [(one, explanation.summary(asked, one)) for one in near]

    def _answer(self, asked: Query, k: int, filters: Filters) -> tuple[str, bool, list[dict[str, Any]]]:
        """(note, answerable, results)."""
        if asked.empty:
            return EMPTY, False, []
        if not self.engine.count():
            return NO_CASES, False, []
        cases = self._numbered(asked, k)
        if cases:
            reason = [{"kind": "文号", "text": asked.number}]
            return "", True, [result(case, asked, 1.0, reason) for case in cases]
        try:
            found = self.engine.search(asked, filters, ranking.settings()["depth"])
        except sqlite3.DatabaseError:
            # The file was damaged after it had been opened: it is derived, so build it again.
            self.engine.sync(self.store, afresh=True)
            found = self.engine.search(asked, filters, ranking.settings()["depth"])
        ranked = self._cases(ranking.fuse(found.views), k)
        if not ranked:
            return NOTHING if filters == Filters() else NOTHING_PASSES, False, []
        answerable = ranking.answerable(
            found.views, self.engine.fingerprint, explanation.coverage(asked, ranked[0][0])
        )
        return (
            "" if answerable else FAR,
            answerable,
            [self._result(case, score, asked, filters, found) for case, score in ranked],
        )

    def _numbered(self, asked: Query, k: int) -> list[Case]:
        """The cases whose number was typed."""
        ids = self.engine.with_number(asked.number) if asked.number else []
        return [case for case, _ in self._cases([(case_id, 1.0) for case_id in ids], k)]

    def _cases(self, ranked: list[tuple[str, float]], k: int) -> list[tuple[Case, float]]:
        """The first *k* of *ranked* that are still published."""
        cases: list[tuple[Case, float]] = []
        for case_id, score in ranked:
            if len(cases) == k:
                break
            case = self.store.get(case_id)
            if case is not None and case.state == "published":
                cases.append((case, score))
        return cases

    def _result(
        self, case: Case, score: float, asked: Query, filters: Filters, found: Found
    ) -> dict[str, Any]:
        reasons = explanation.why(
            asked, case, filters, found.passages.get(case.id), ranking.near(found.views, case.id)
        )
        return result(case, asked, score, reasons)


@cache
def precedents(settings: Settings) -> Precedents:
    """The process-wide searcher of a library, for servers."""
    return Precedents(settings)


def checked(filters: Filters) -> Filters:
    """*filters* with the library's own words and the date in ISO form; Fault if that cannot be understood."""
    filters = replace(
        filters,
        region=filters.region.strip(),
        domain=vocabulary.clean("domains", filters.domain) or filters.domain.strip(),
        barrier=vocabulary.clean("barriers", filters.barrier) or filters.barrier.strip(),
        outcome=vocabulary.clean("outcomes", filters.outcome) or filters.outcome.strip(),
    )
    if not filters.since.strip():
        return replace(filters, since="")
    found = _DATE.fullmatch(filters.since.strip())
    if not found or int(found[2] or 1) not in range(1, 13) or int(found[3] or 1) not in range(1, 32):
        raise Fault("起始日期看不懂，请写成 2024-05-01、2024-05 或 2024")
    parts = [found[1], *(part.zfill(2) for part in found.groups()[1:] if part)]
    return replace(filters, since="-".join(parts))


def result(case: Case, asked: Query, score: float, reasons: list[dict[str, str]]) -> dict[str, Any]:
    """One entry of ``results``."""
    return {
        "id": case.id,
        "source_no": case.source_no,
        "title": case.title,
        "matter": case.matter.get("standard") or case.matter.get("name", ""),
        "region": explanation.region_name(case) or case.hall.get("name", ""),
        "outcome": case.outcome,
        "barriers": list(case.barriers),
        "obstacle": case.obstacle,
        "measure": case.measure,
        "basis": [
            {
                "title": basis.get("title", ""),
                "doc_no": basis.get("doc_no", ""),
                "valid": basis.get("valid") is not False,
            }
            for basis in case.basis
        ],
        "playbook": {"id": case.playbook, "title": ""} if case.playbook else None,
        "score": round(score, 4),
        "why": reasons,
        "highlights": explanation.highlights(asked, case),
        "source": {key: case.source.get(key, "") for key in ("file", "sheet", "row")},
    }
