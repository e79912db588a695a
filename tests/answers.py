"""A stand-in for the searcher: answers as `Precedents.find` gives them, with all that a page can show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kb.model import Case
from search.engine import Filters

from .library import CASES, EVIL, EVIL_TEXT, FULL, REFUSED, TWIN

PRECEDENT, PERHAPS, NONE = "同类先例", "仅供参考", "没有找到先例"
DISTRICT = {"value": "350121", "label": "闽侯县", "count": 1}
CITY = {"value": "350100", "label": "福州市", "count": 2, "children": [DISTRICT]}
FACETS: dict[str, Any] = {
    "domain": [
        {"value": "公积金", "label": "公积金", "count": 2}, {"value": EVIL_TEXT, "label": EVIL_TEXT, "count": 1},
    ],
    "matter": [{"value": f"事项{n}", "label": f"事项{n}", "count": 40 - n} for n in range(40)],
    "barrier": [{"value": "信息不一致", "label": "信息不一致", "count": 2}],
    "outcome": [{"value": "办成", "label": "办成", "count": 2}, {"value": "部分办成", "label": "部分办成", "count": 1}],
    "handling": [],
    "region": [{"value": "350000", "label": "福建省", "count": 2, "children": [CITY]}],
    "department": [{"value": "住建局", "label": "住建局", "count": 1}],
    "year": [{"value": "2024", "label": "2024", "count": 2}],
    "solidified": [{"value": "是", "label": "有固化措施", "count": 1}],
}  # fmt: skip

BOOK = {
    "id": "p1", "title": "楼栋号不一致", "state": "trial",
    "changed_basis": [{"title": "旧的操作办法", "doc_no": "", "change": "2023-01 已废止"}],
}  # fmt: skip


class Index:
    """Words of the cases by plain containment."""

    behind = ""

    def problem(self, store: Any) -> str:
        return self.behind

    def with_number(self, number: str) -> list[str]:
        return [case.id for case in CASES if number in (case.id, case.source_no)]

    def with_words(self, words: Iterable[str]) -> set[str]:
        texts = {case.id: case.title + case.demand + case.obstacle for case in CASES}
        return {key for key, text in texts.items() if all(word in text for word in words)}


class Searcher:
    """Finds precedents for what holds 公积金 (mistyped 公几金, too), something similar for 近, else nothing.

    With 远 in the question the last case is no precedent at all.
    """

    engine = Index()
    store = None

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, Filters]] = []
        self.homes: list[str] = []

    def refresh(self) -> None:
        pass

    def find(
        self, text: str, k: int = 10, filters: Filters | None = None, literally: bool = False, home: str = ""
    ) -> dict[str, Any]:
        self.asked.append((text, k, filters or Filters()))
        self.homes.append(home)
        mistyped = "公几金" in text and not literally
        cases: Sequence[Case]
        if "公积金" in text or mistyped:
            grade, cases = PRECEDENT, [FULL, REFUSED]
        elif "近" in text:
            grade, cases = PERHAPS, [EVIL, REFUSED]
        else:
            grade, cases = NONE, [] if "毫无" in text else [REFUSED, FULL]
        results = [result(case, PRECEDENT if case is FULL and grade == PRECEDENT else PERHAPS) for case in cases]
        if "远" in text:
            results[-1]["grade"] = NONE
        understood = {
            "meaning": text.replace("公几金", "公积金"),
            "corrections": [{"typed": "公几金", "meant": "公积金"}] if mistyped else [],
            "synonyms": [{"word": "本子", "terms": ["不动产权证书"]}] if "本子" in text else [],
            "phrases": ["楼栋号"] if "“楼栋号”" in text else [],
            "without": ["提取"] if "-提取" in text else [],
        }
        answer = {
            "query": text[:1000], "answerable": grade != NONE, "grade": grade, "probability": 0.5, "note": "",
            "understood": understood, "took_ms": 1.5, "facets": FACETS if results else {}, "results": results,
            "playbooks": [BOOK] if grade == PRECEDENT else [],
        }  # fmt: skip
        return answer | ({"departments": ["住建局", "民政局"]} if grade == NONE else {})


def result(case: Case, grade: str) -> dict[str, Any]:
    """An entry of an answer's results; `FULL` belongs to a class of cases and has a near-identical case under it."""
    twin = {"id": TWIN.id, "source_no": "", "title": TWIN.title, "region": "福建省福州市", "outcome": TWIN.outcome}
    return {
        "id": case.id, "source_no": case.source_no, "title": case.title,
        "matter": case.matter.get("name", ""), "region": "", "outcome": case.outcome,
        "barriers": case.barriers, "obstacle": case.obstacle, "measure": case.measure, "basis": case.basis,
        "playbook": {"id": "p1", "title": "楼栋号不一致"} if case is FULL else None, "score": 1.0,
        "why": [
            {"kind": "词", "text": case.title}, {"kind": "同义", "text": "本子→不动产权证书"},
            {"kind": "义", "text": case.obstacle},
        ],
        "highlights": {"obstacle": [[0, 3], [2, 5], [-4, 99999], [7, 7]], "title": [[0, 2]]},
        "source": case.source, "grade": grade, "probability": 0.5, "alike": [twin] if case is FULL else [],
    }  # fmt: skip
