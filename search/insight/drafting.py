"""A first draft of a playbook from the cases of a class: sentences taken out of the cases, each with the cases that say
so; nothing is worded anew.  Numbers and words lie in ``drafting.yml``.

The steps are those of one case that went well, so that they read as one procedure; what other cases did in another way
stands apart (`other`).  Sentences that are nearly the same are taken once and carry the ids of all their cases.
"""

from __future__ import annotations

import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from kb.model import Case
from kb.playbooks import MOST_SHORT, MOST_TITLE, Playbook
from kb.validity import same

from .. import words
from ..filters import YES
from ..filters import solidified as is_solidified
from ..passages import Encode
from ..words.formulas import essence

_DIGITS = {char: at for at, char in enumerate("零一二三四五六七八九")} | {"两": 2}
_EDGES = " \t\n，,；;、。.：:"


@dataclass
class _Sentence:
    """A sentence as its case has it, and all the cases that say the same, its own first."""

    text: str
    cases: list[str]
    case: Case
    place: float = 0.0  # 0 at the beginning of its text, 1 at its end
    dept: str = ""
    pairs: frozenset[str] = field(default_factory=frozenset)
    vector: Any = None

    def item(self) -> dict[str, Any]:
        return {"text": self.text, "cases": self.cases}


@cache
def settings() -> dict[str, Any]:
    """The content of ``drafting.yml``."""
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "drafting.yml").read_text(encoding="utf-8"))
    return found


def draft(
    cases: Iterable[Case], refused: Iterable[Case] = (), title: str = "", encode: Encode | None = None,
    obstacle: str = "",
) -> Playbook:  # fmt: skip
    """The draft for *cases* of one class.  *refused*: lawful refusals with a like obstacle that are not of the class.

    A case whose `duplicate_of` is among them is told once.  With *encode* (`EmbeddingCache.encode_passages`) sentences
    also meet by their meaning.  *obstacle*: the sentence by which the class goes; the draft has it if a case says it.
    Without cases the draft is empty.
    """
    most = settings()["most"]
    members = sorted({case.id: case for case in cases}.values(), key=lambda case: case.id)
    told = _told_once(members)
    solved = [case for case in told if case.outcome in settings()["solved"]]
    turned = [case for case in (*told, *_told_once(sorted(refused, key=lambda case: case.id)))
              if case.outcome in settings()["refused"]]  # fmt: skip
    join = _Joining(encode)
    situations = join(_first(case, "obstacle", "demand") for case in told)
    models = _models(solved, join)
    known = [at for at, each in enumerate(situations) if obstacle and each.text.strip(_EDGES) == obstacle.strip(_EDGES)]
    central = known[0] if known else join.central(situations)
    obstacle = situations[central].text if situations else ""
    return Playbook(
        title=(title or _short(obstacle))[:MOST_TITLE],
        obstacle=obstacle,
        obstacle_cases=situations[central].cases if situations else [],
        applies=_applies(told, [each for at, each in enumerate(situations) if at != central]),
        not_applies=_items(join(_first(case, "obstacle", "demand") for case in turned), most["not_applies"]),
        steps=_steps(models, solved, join),
        materials=_materials(solved, join),
        basis=_basis(told),
        models=[case.id for case in models[: most["models"]]],
        refusals=_items(join(each for case in turned for each in _sentences(case, "measure")), most["refusals"]),
        window=_window(solved),
        case_ids=[case.id for case in members],
        solidified=_solidified(solved),
    )


def _told_once(cases: Sequence[Case]) -> list[Case]:
    known = {case.id for case in cases}
    return [case for case in cases if case.duplicate_of not in known]


# Sentences


def _sentences(case: Case, *names: str) -> list[_Sentence]:
    """The sentences of the first of these fields that says something."""
    limits = settings()
    for name in names:
        text = str(getattr(case, name))
        found = []
        for start, end in words.sentences(text):
            for piece in _pieces(text[start:end], limits["longest"]):
                if len(essence(piece)) >= limits["shortest"] and not any(word in piece for word in limits["idle"]):
                    found.append(_Sentence(piece, [case.id], case, start / max(1, len(text))))
        if found:
            return found
    return []


def _first(case: Case, *names: str) -> _Sentence:
    """What a case says first of these fields, else its title."""
    found = _sentences(case, *names)
    return found[0] if found else _Sentence(case.title or case.matter.get("name", ""), [case.id], case)


def _pieces(text: str, longest: int, least: int = 0) -> list[str]:
    """*text* whole, or cut at commas into pieces of at most *longest* and at least *least* characters."""
    text = " ".join(text.split()).strip()
    if len(text) <= longest:
        return [text]
    found = [""]
    for clause in re.findall(r"[^，；,;]+[，；,;]?", text):
        if found[-1] and len(found[-1]) + len(clause) > longest and len(found[-1]) >= least:
            found.append("")
        found[-1] += clause
    if len(found) > 1 and len(found[-1]) < least:
        found[-2:] = ["".join(found[-2:])]
    return [whole for each in found if (whole := each[: longest * 4].strip(" ，,"))]


def _short(text: str) -> str:
    """The beginning of *text* up to a mark, for a title."""
    parts = re.split(r"(?<=.{10})[，。；;]", text, maxsplit=1)
    return parts[0].strip(_EDGES)[:40]


def _items(sentences: Sequence[_Sentence], most: int) -> list[dict[str, Any]]:
    return [each.item() for each in sentences if each.text][:most]


class _Joining:
    """Joins sentences that say the same: nearly the same letters, or, with a model, the same meaning."""

    def __init__(self, encode: Encode | None) -> None:
        self._encode = encode

    def __call__(self, sentences: Iterable[_Sentence]) -> list[_Sentence]:
        """Each said once, in the order in which they came; one that more cases say comes no earlier."""
        kept: list[_Sentence] = []
        for each in self.read(sentences):
            twin = next((other for other in kept if self.alike(each, other)), None)
            if twin is None:
                kept.append(each)
            else:
                twin.cases = list(dict.fromkeys([*twin.cases, *each.cases]))
        return kept

    def read(self, sentences: Iterable[_Sentence]) -> list[_Sentence]:
        """The sentences, ready to be compared."""
        found = [each for each in sentences if each.text]
        for each in found:
            each.pairs = frozenset(words.bigrams(each.text))
        if self._encode and found:
            vectors = self._encode([each.text for each in found])
            for each, vector in zip(found, vectors, strict=True):
                each.vector = vector
        return found

    def alike(self, one: _Sentence, other: _Sentence) -> bool:
        """Whether two sentences are one; a sentence that denies is never one with another that does not."""
        if _denied(one.text) != _denied(other.text):
            return False
        if essence(one.text) == essence(other.text) or _overlap(one, other) >= settings()["alike"]:
            return True
        return one.vector is not None and float(one.vector @ other.vector) >= settings()["meaning"]

    def central(self, sentences: Sequence[_Sentence]) -> int:
        """The place of the sentence nearest to all others, weighed by how many cases say it."""
        if not sentences:
            return 0
        if sentences[0].vector is not None:
            matrix = np.array([each.vector for each in sentences])
            near = matrix @ matrix.T
        else:
            near = np.array([[_overlap(one, other) for other in sentences] for one in sentences])
        weights = np.array([len(each.cases) for each in sentences])
        return int(np.argmax((near @ weights).round(6)))


def _overlap(one: _Sentence, other: _Sentence) -> float:
    total = len(one.pairs) + len(other.pairs)
    return 2 * len(one.pairs & other.pairs) / total if total else 0.0


def _denied(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"(?:不|未|无|没|免)[\u4e00-\u9fff]", text))


# Parts of the playbook


def _applies(cases: Sequence[Case], situations: Sequence[_Sentence]) -> list[dict[str, Any]]:
    most = settings()["most"]
    found = []
    for label, told in (
        ("事项", lambda case: case.matter.get("standard") or case.matter.get("name", "")),
        ("申请人", lambda case: case.applicant_type),
    ):
        groups: dict[str, list[str]] = defaultdict(list)
        for case in cases:
            groups[_cut(told(case))].append(case.id)
        ranked = sorted(groups.items(), key=lambda entry: (-len(entry[1]), entry[0]))
        found += [{"text": f"{label}：{name}", "cases": ids} for name, ids in ranked if name][: most["applies"]]
    ranked_situations = sorted(situations, key=lambda each: -len(each.cases))[: most["situations"]]
    return [*found, *({"text": f"情形：{each.text}", "cases": each.cases} for each in ranked_situations)]


def _models(solved: Sequence[Case], join: _Joining) -> list[Case]:
    """Cases to follow, best first: done, told completely, quick, and done much as others were."""
    given = settings()["model"]
    if not solved:
        return []
    measures = join.read(_Sentence(case.measure or case.title or case.id, [case.id], case) for case in solved)
    near = np.array([[_overlap(one, other) for other in measures] for one in measures])
    central = (near.sum(axis=1) - 1) / max(1, len(solved) - 1)
    top = float(central.max()) or 1.0
    found = []
    for case, mean in zip(solved, central, strict=True):
        there = (len(case.steps) > 1, case.basis, case.materials, case.lead_dept, case.result, case.solidified)
        score = given["outcome"].get(case.outcome, 0) + given["complete"] * sum(map(bool, there))
        score += given["measure"] * min(1.0, len(case.measure) / given["measure_full"])
        score += given["central"] * float(mean) / top
        score += given["fast"] / (1 + case.working_days / 5) if case.working_days is not None else 0
        found.append((-score, case.id, case))
    return [case for _, _, case in sorted(found, key=lambda entry: entry[:2]) if case.measure or case.steps]


def _steps(models: Sequence[Case], solved: Sequence[Case], join: _Joining) -> list[dict[str, Any]]:
    """The steps of the best case, then other ways."""
    if not models:
        return []
    most = settings()["most"]
    best = models[0]
    main = join.read(_units(best))[: most["steps"]]
    whole = join.read(_ways(best))
    others: list[_Sentence] = []
    for each in join.read(each for case in solved if case is not best for each in _ways(case)):
        twin = next((step for step in main if join.alike(each, step)), None)
        if twin is None and any(join.alike(each, sentence) for sentence in whole):
            twin = max(main, key=lambda step: _overlap(step, each))
        if twin is None:
            twin = next((other for other in others if join.alike(each, other)), None)
        if twin is None:
            others.append(each)
        elif each.case.id not in twin.cases:
            twin.cases = [*twin.cases, each.case.id]
    order = {case.id: at for at, case in enumerate(models)}
    others.sort(key=lambda each: (-len(each.cases), order.get(each.case.id, len(order)), each.place))
    taken = others[: most["others"]]
    return [_step(each, False) for each in main] + [_step(each, True) for each in taken]


def _units(case: Case) -> list[_Sentence]:
    """The steps of a case: as it lists them, else its sentences, else the parts of its one sentence."""
    listed = [step for step in case.steps if len(essence(str(step.get("action", "")))) >= 2]
    if len(listed) > 1:
        return [
            _Sentence(_cut(str(step["action"]), 600), [case.id], case, at / len(listed), str(step.get("dept") or ""))
            for at, step in enumerate(listed)
        ]
    found = _sentences(case, "measure")
    if len(found) > 1:
        return found
    return [_Sentence(text, [case.id], case) for each in found
            for text in _pieces(each.text, settings()["clause"], settings()["clause"])]  # fmt: skip


def _ways(case: Case) -> list[_Sentence]:
    """What a case did, whole where it is short: its parts alone would not say what is done in which order."""
    found = _sentences(case, "measure")
    told = "".join(each.text for each in found)
    return [_Sentence(told, [case.id], case)] if 0 < len(told) <= settings()["longest"] else found or _units(case)


def _step(each: _Sentence, other: bool) -> dict[str, Any]:
    case = each.case
    begins = None if other else re.search(settings()["dept"], each.text)
    named = [dept for dept in (case.lead_dept, *case.coop_depts) if dept and dept in each.text]
    dept = each.dept or (begins["dept"] if begins and len(begins["dept"]) > 1 else "、".join(named))
    return {"action": each.text.rstrip("，,；;"), "dept": _cut(dept), "days": _days(each.text),
            "other": other, "cases": each.cases}  # fmt: skip


def _days(text: str) -> int | None:
    """Working days that a sentence tells."""
    found = re.search(settings()["days"], text)
    if found:
        return _number(found["n"])
    return 0 if any(word in text for word in settings()["same_day"]) else None


def _number(text: str) -> int:
    if text.isdigit():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    return (_DIGITS.get(tens, 1) * 10 if ten else 0) + _DIGITS.get(ones, 0)


def _materials(cases: Sequence[Case], join: _Joining) -> list[dict[str, Any]]:
    """Materials that the cases name, then what was accepted instead or left out."""
    limits = settings()
    named: dict[str, tuple[str, list[str]]] = {}

    def note(name: str, case: Case) -> None:
        key = essence(name)
        if len(key) >= 2 and len(name) <= MOST_SHORT:
            ids = named.setdefault(key, (name.strip(_EDGES), []))[1]
            ids += [case.id] if case.id not in ids else []

    instead = []
    for case in cases:
        for material in case.materials:
            note(material, case)
        for text in (case.measure, case.solidified.get("text", "")):
            for clause in _clauses(text):
                if _accepted(clause) is not None:
                    instead.append(_Sentence(clause, [case.id], case))
                else:
                    for found in re.finditer(limits["by"], clause):
                        note(found["name"], case)
    ranked = sorted(named.values(), key=lambda entry: -len(entry[1]))[: limits["most"]["materials"]]
    swaps = join(instead)[: limits["most"]["materials"]]
    return [
        *({"name": name, "substitute": "", "cases": ids} for name, ids in ranked),
        *({"name": _cut(_accepted(each.text) or ""), "substitute": each.text, "cases": each.cases} for each in swaps),
    ]


def _clauses(text: str) -> list[str]:
    return [clause.strip(_EDGES) for clause in re.split(r"[，。；;！？\n]", str(text)) if clause.strip(_EDGES)]


def _accepted(clause: str) -> str | None:
    """What a clause says need not be handed in, empty where it does not name it; None where it says no such thing."""
    for pattern in settings()["instead"]:
        found = re.search(pattern, clause)
        if found:
            return (found.groupdict().get("name") or "").strip(_EDGES)
    return None


def _basis(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Every rule once, the most cited first; repealed if any case says so."""
    found: list[dict[str, Any]] = []
    for case in cases:
        for rule in case.basis:
            part = {name: _cut(str(rule.get(name) or "")) for name in ("title", "doc_no", "clause")}
            known = next((each for each in found if same(each, part) and each["clause"] == part["clause"]), None)
            if known is None:
                known = {**part, "valid": None, "cases": []}
                found.append(known)
            known |= {name: known[name] or part[name] for name in ("title", "doc_no")}
            known["cases"] += [case.id] if case.id not in known["cases"] else []
            valid = {known["valid"], rule.get("valid")}
            known["valid"] = False if False in valid else True if True in valid else None
    found = [each for each in found if each["title"] or each["doc_no"] or each["clause"]]
    return sorted(found, key=lambda each: -len(each["cases"]))[: settings()["most"]["basis"]]


def _window(solved: Sequence[Case]) -> list[dict[str, Any]]:
    """Who can now do it: the halls that made it lasting, with what they say; else who led the cases."""
    most = settings()["most"]["window"]
    lasting = [case for case in solved if _lasting(case)]
    if lasting:
        return _grouped((_where(case), case) for case in lasting)[:most]
    return _grouped((_where(case), case) for case in solved if case.lead_dept)[:most]


def _grouped(named: Iterable[tuple[str, Case]]) -> list[dict[str, Any]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for text, case in named:
        groups[text].append(case.id)
    ranked = sorted(groups.items(), key=lambda each: -len(each[1]))
    return [{"text": text, "cases": ids} for text, ids in ranked if text]


def _where(case: Case) -> str:
    hall = str(case.hall.get("name", ""))
    return _cut("：".join(part for part in dict.fromkeys((hall, case.lead_dept)) if part))


def _lasting(case: Case) -> bool:
    kind, text = str(case.solidified.get("kind", "")), str(case.solidified.get("text", ""))
    return bool(text) and is_solidified(kind, text) == YES


def _solidified(solved: Sequence[Case]) -> dict[str, Any]:
    """The first change that was told with its kind or date, else any."""
    found = [case for case in solved if _lasting(case)]
    if not found:
        return {}
    told = min(found, key=lambda case: (not case.solidified.get("kind"), not case.solidified.get("date"),
                                        str(case.solidified.get("date", "")), case.id))  # fmt: skip
    change = {part: _cut(str(told.solidified.get(part, "")), 1000) for part in ("kind", "text", "date")}
    return {**change, "where": _cut(str(told.hall.get("name", ""))), "cases": [told.id]}


def _cut(text: str, most: int = MOST_SHORT) -> str:
    return text[:most]


def median_days(cases: Iterable[Case]) -> float | None:
    """The median of the working days that are known."""
    days = [case.working_days for case in cases if case.working_days is not None]
    return statistics.median(days) if days else None


__all__: Sequence[str] = ["draft", "median_days", "settings"]
