"""Precedents for a question: the one door through which commands, pages and other tools search."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from kb import playbooks, validity
from kb.config import Settings
from kb.model import Case
from kb.store import Store

from . import calibration, explanation, query, ranking, tuning, unmet, words
from .engine import Engine, Filters, Found, Progress
from .facets import facets
from .filters import checked
from .folding import fold
from .query import Query

log = logging.getLogger(__name__)

MOST = 1000  # results of one search
SPARE = 200  # closest cases beyond those needed: some may have been withdrawn since the index was made

EMPTY = "请输入要查的事：一句话、事项名称、文号或案例编号都可以。"
ONLY_WITHOUT = "只写了不要的词（减号后面的）。请再写上要查的事，如：营业执照办不下来 -餐饮。"
NO_NUMBER = "没有案例引用这个文号，以下按文字和意思列出。"
NO_CASES = "库中还没有已入库的案例，请先导入并入库（kb ingest）。"
NOTHING = "没有找到先例。"
NOTHING_HOLDS = "没有案例同时符合引号（必须有）和减号（不能有）的要求，可去掉引号或减号再查。"
NOTHING_PASSES = "没有符合所选条件的案例，可放宽条件再查。"


@dataclass(frozen=True)
class Ranked:
    """A case in its place: its fused score, how likely it is a precedent (0 to 1), why it is there, and its
    near-identical copies, which stand under it."""

    case: Case
    score: float
    probability: float
    why: list[dict[str, str]]
    alike: Sequence[Case] = ()


@dataclass(frozen=True)
class Answer:
    """What was understood, the cases found in order, the ids of the result set that facets count, and whether the
    question was the number of these cases."""

    asked: Query
    ranked: Sequence[Ranked] = ()
    matching: Sequence[str] = ()
    numbered: bool = False

    @property
    def probability(self) -> float:
        """How likely it is that there is a precedent among the first results."""
        return max((one.probability for one in self.ranked[: calibration.settings()["looked_at"]]), default=0.0)


class Precedents:
    """Searches one library.  Safe for threads; keeps its index current by itself."""

    def __init__(self, settings: Settings, engine: Engine | None = None, aside: bool = False) -> None:
        """Opens the library of *settings*; *engine* defaults to the embedded one.  *aside*: no search waits while the
        index takes changes over, as long as the old one can be used."""
        from .engine.embedded import EmbeddedEngine

        self.settings = settings
        self.engine: Engine = engine or EmbeddedEngine(settings)
        self._stores = threading.local()
        self._aside = aside
        self._updating = threading.Lock()
        self._titles: tuple[int, Mapping[str, str]] = (-1, {})  # version of the library, id → title of playbooks

    @property
    def store(self) -> Store:
        """This thread's connection to the library."""
        if not hasattr(self._stores, "store"):
            self._stores.store = Store(self.settings)
        store: Store = self._stores.store
        return store

    def refresh(self, progress: Progress | None = None) -> None:
        """Brings the index up to date if the library has changed or the index is missing or broken.

        While another thread or process does that, the old index serves: what is no longer published is left out anyway.
        """
        if not self.engine.problem(self.store):
            return
        usable = self.engine.usable()
        if not (self._aside and usable):
            self.engine.sync(self.store, progress, wait=not usable)
        elif self._updating.acquire(blocking=False):
            threading.Thread(target=self._update, name="index", daemon=True).start()

    def _update(self) -> None:
        """Brings the index up to date in a thread of its own."""
        try:
            with Store(self.settings) as store:
                self.engine.sync(store, wait=False)
        except Exception as error:  # the old index goes on to serve, and the next search tries again
            log.error("检索索引未能更新：%s", type(error).__name__)
        finally:
            self._updating.release()

    def find(
        self, text: str, k: int = 10, filters: Filters | None = None, literally: bool = False, home: str = ""
    ) -> dict[str, Any]:
        """Precedents for *text*: the search result of DESIGN section 4 as plain data.

        *literally*: typing errors are not corrected.  *home*: GB/T 2260 code of the asker's county (default: that of
        ``kb.toml``); near halls come first among equals.  Whatever is typed, the answer is a normal one or one with a
        ``note``; only filters that cannot be understood raise Fault.
        """
        started = time.perf_counter()
        filters = checked(filters or Filters())
        answer = self._answer(text, max(0, min(k, MOST)), filters, literally, home or self.settings.hall)
        grade = calibration.grade(answer.probability)
        near = grade == calibration.NONE and answer.probability >= calibration.settings()["named"]
        titles, mark = self._playbook_titles(), validity.marker(validity.changed(self.store))
        return {
            "query": answer.asked.text,
            "understood": understood(answer.asked),
            "answerable": grade != calibration.NONE,
            "grade": grade,
            "probability": round(answer.probability, 3),
            "note": self._note(answer, filters),
            "departments": unmet.responsible([one.case for one in answer.ranked]) if near else [],
            "facets": facets(self.store, answer.matching),
            "took_ms": round((time.perf_counter() - started) * 1000, 1),
            "playbooks": self._playbooks(answer) if grade != calibration.NONE else [],
            "results": [result(one, answer.asked, titles, mark(one.case).basis) for one in answer.ranked],
        }

    def similar(self, case: Case, k: int = 5) -> list[tuple[Case, str]]:
        """At most *k* other published cases near to *case* in meaning, each with a reason in a few words."""
        asked = query.understand("。".join(filter(None, [case.title, case.obstacle or case.demand])), literally=True)
        self.refresh()
        if asked.empty or not self.engine.count():
            return []
        found = self.engine.search(asked, Filters(), ranking.settings()["depth"])
        closest = ranking.fuse(found.views, most=k + 1 + SPARE)
        others = [one for one, _ in self._cases(closest, k + 1) if one.id != case.id]
        near = [one for one in others[:k] if ranking.near(found.views, one.id)]
        return [(one, explanation.summary(asked, one)) for one in near]

    def _playbooks(self, answer: Answer) -> list[dict[str, Any]]:
        """The procedures for what was asked: those of the first results, on which the grade rests."""
        first = answer.ranked[: calibration.settings()["looked_at"]]
        return playbooks.brief(self.store, [one.case.playbook for one in first])

    def _playbook_titles(self) -> Mapping[str, str]:
        """Titles of the playbooks that readers see, read again when the library has changed."""
        version = self.store.version()
        if self._titles[0] != version:
            self._titles = version, playbooks.titles(self.store)
        return self._titles[1]

    def _answer(self, text: str, k: int, filters: Filters, literally: bool, home: str) -> Answer:
        self.refresh()
        if not self.engine.count():
            return Answer(query.understand(text))
        try:
            return self._search(text, k, filters, literally, home)
        except sqlite3.DatabaseError:
            # The file was damaged after it had been opened: it is derived, so build it again.
            self.engine.sync(self.store, afresh=True)
            return self._search(text, k, filters, literally, home)

    def _search(self, text: str, k: int, filters: Filters, literally: bool, home: str) -> Answer:
        asked = query.understand(text, self.engine, literally)
        if asked.empty:
            return Answer(asked)
        numbered = self._numbered(asked, k)
        if numbered:
            why = [{"kind": "文号", "text": asked.number}]
            ranked = [Ranked(case, 1.0, 1.0, why) for case in numbered]
            return Answer(asked, ranked, [case.id for case in numbered], numbered=True)
        tuned = tuning.load(self.settings, self.engine.fingerprint)
        weights = tuned.weights if tuned else None
        found = self.engine.search(
            asked, filters, ranking.settings()["depth"], tuned, lambda views: ranking.leaders(views, weights)
        )
        wanted = max(k, ranking.settings()["candidates"])
        scored = ranking.fuse(found.views, weights, max(wanted, ranking.settings()["matching"]["most"]) + SPARE)
        best = self._by_merit(self._cases(scored, wanted), home)
        near = min(len(best), ranking.settings()["folded"])
        groups = [*fold([case for case, _ in best[:near]]), *([at] for at in range(near, len(best)))][:k]
        ranked = [
            self._ranked(asked, filters, found, best[group[0]], [best[at][0] for at in group[1:]], home)
            for group in groups
        ]
        return Answer(asked, ranked, ranking.matching(scored))

    def _by_merit(self, cases: list[tuple[Case, float]], home: str) -> list[tuple[Case, float]]:
        """*cases* (with fused scores) with their merits added, best first."""
        today = date.today()
        weighed = [(case, score + ranking.merit(case, home, today)) for case, score in cases]
        return sorted(weighed, key=lambda pair: -pair[1])

    def _ranked(
        self, asked: Query, filters: Filters, found: Found, place: tuple[Case, float], alike: list[Case], home: str
    ) -> Ranked:
        case, score = place
        held = explanation.coverage(asked, case)
        signs = ranking.features(found.views, case.id, held)
        why = explanation.why(
            asked, case, filters, found.passages.get(case.id), ranking.near(found.views, case.id), home, date.today()
        )
        return Ranked(case, score, calibration.probability(signs, self.engine.fingerprint), why, alike)

    def _numbered(self, asked: Query, k: int) -> list[Case]:
        """The cases whose number was typed."""
        ids = self.engine.with_number(asked.number) if asked.number else []
        return [case for case, _ in self._cases([(case_id, 1.0) for case_id in ids], k)]

    def _cases(self, ranked: list[tuple[str, float]], k: int) -> list[tuple[Case, float]]:
        """The first *k* of *ranked* that are still published."""
        cases: list[tuple[Case, float]] = []
        for start in range(0, len(ranked), max(k, 1)):
            part = ranked[start : start + k]
            known = self.store.published_of([case_id for case_id, _ in part])
            cases += [(known[case_id], score) for case_id, score in part if case_id in known]
            if len(cases) >= k:
                break
        return cases[:k]

    def _note(self, answer: Answer, filters: Filters) -> str:
        """What has to be said beside the grade; empty for an ordinary answer."""
        note = ""
        if answer.asked.empty:
            note = ONLY_WITHOUT if answer.asked.without else EMPTY
        elif not answer.ranked:
            note = NO_CASES if not self.engine.count() else _unfound(answer.asked, filters)
        elif not answer.numbered and answer.asked.number in {
            word.text for word in words.document_numbers(answer.asked.text)
        }:
            note = NO_NUMBER
        return f"输入过长，只按前 {query.LONGEST} 个字查找。{note}" if answer.asked.cut else note


def _unfound(asked: Query, filters: Filters) -> str:
    """What is said when no case was found: which of the demands may have left none."""
    if filters != Filters():
        return NOTHING_PASSES
    return NOTHING_HOLDS if asked.phrases or asked.without else NOTHING


@cache
def precedents(settings: Settings) -> Precedents:
    """The process-wide searcher of a library, for servers."""
    return Precedents(settings, aside=True)


def understood(asked: Query) -> dict[str, Any]:
    """What was made of the question, so that a person can see and undo it."""
    return {
        "meaning": asked.meaning,
        "corrections": [{"typed": one.typed, "meant": one.meant} for one in asked.corrections],
        "synonyms": [{"word": one.word, "terms": list(one.terms)} for one in asked.synonyms],
        "phrases": list(asked.phrases),
        "without": list(asked.without),
    }


def result(
    ranked: Ranked, asked: Query, titles: Mapping[str, str], basis: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """One entry of ``results``; *titles* are those of the playbooks that readers see, by id, *basis* is that of the
    case with what became of its rules (`validity.marker`)."""
    case = ranked.case
    return {
        **_brief(case),
        "matter": case.matter.get("standard") or case.matter.get("name", ""),
        "barriers": list(case.barriers),
        "obstacle": case.obstacle,
        "measure": case.measure,
        "basis": [
            {
                "title": rule.get("title", ""),
                "doc_no": rule.get("doc_no", ""),
                "valid": rule.get("valid") is not False,
                "change": rule.get("change", ""),
            }
            for rule in basis
        ],
        "playbook": {"id": case.playbook, "title": titles[case.playbook]} if case.playbook in titles else None,
        "score": round(ranked.score, 4),
        "grade": calibration.grade(ranked.probability),
        "probability": round(ranked.probability, 3),
        "why": ranked.why,
        "highlights": explanation.highlights(asked, case),
        "alike": [_brief(other) for other in ranked.alike],
        "source": {key: case.source.get(key, "") for key in ("file", "sheet", "row")},
    }


def _brief(case: Case) -> dict[str, str]:
    return {
        "id": case.id,
        "source_no": case.source_no,
        "title": case.title,
        "region": explanation.region_name(case) or case.hall.get("name", ""),
        "outcome": case.outcome,
    }
