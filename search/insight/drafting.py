"""A first draft of a playbook from the cases of a class: sentences taken out of the cases, each with the cases that say
so; nothing is worded anew, but for the placeholders of persons: a procedure speaks of nobody.  Numbers and words lie
in ``drafting.yml``.

The steps are those of one case that went well, so that they read as one procedure; what other cases did in another way
stands apart (`other`).  Sentences that are nearly the same are taken once and carry the ids of all their cases.
"""

from __future__ import annotations

import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kb.fields import departments
from kb.model import Case
from kb.playbooks import MOST_SHORT, MOST_TITLE, Playbook
from kb.validity import same

from .. import words
from ..passages import Encode
from ..words.formulas import essence
from . import fixes, scope
from .sentences import Joining, Sentence, first_of, general, overlap, sentences_of, settings

_DIGITS = {char: at for at, char in enumerate("零一二三四五六七八九")} | {"两": 2}
_EDGES = " \t\n，,；;、。.：:"


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
    join = Joining(encode)
    begins = general(obstacle).strip(_EDGES + "…")  # what a class goes by may be cut
    # Of sentences that are one the first is kept: that by which the class goes is to be among them.
    firsts = sorted(map(first_of, told), key=lambda each: not each.text.startswith(begins))
    situations = join(firsts)
    # What was done by half is no way to follow, unless there is no other.
    done = [case for case in solved if case.outcome in settings()["done"]] or solved
    models = _models(done, join)
    known = bool(begins and situations) and situations[0].text.startswith(begins)
    central = 0 if known else join.central(situations)
    obstacle = situations[central].text if situations else ""
    return Playbook(
        title=(title or _short(obstacle))[:MOST_TITLE],
        obstacle=obstacle,
        obstacle_cases=situations[central].cases if situations else [],
        applies=_applies(told, [each for at, each in enumerate(situations) if at != central]),
        not_applies=_items(join(first_of(case) for case in turned), most["not_applies"]),
        steps=_steps(models, done, join),
        materials=_materials(solved, join, _matters(told)),
        basis=_basis(told),
        models=[case.id for case in models[: most["models"]]],
        refusals=_items(join(each for case in turned for each in sentences_of(case, "measure")), most["refusals"]),
        window=_window(solved),
        case_ids=[case.id for case in members],
        solidified=_solidified([*models, *solved]),
    )


def _told_once(cases: Sequence[Case]) -> list[Case]:
    known = {case.id for case in cases}
    return [case for case in cases if case.duplicate_of not in known]


# Parts of the playbook


def _short(text: str) -> str:
    """The beginning of *text* up to a mark, for a title."""
    parts = re.split(r"(?<=.{10})[，。；;]", text, maxsplit=1)
    return words.cut(parts[0].strip(_EDGES), 40)


def _items(sentences: Sequence[Sentence], most: int) -> list[dict[str, Any]]:
    return [each.item() for each in sentences if each.text][:most]


def _applies(cases: Sequence[Case], situations: Sequence[Sentence]) -> list[dict[str, Any]]:
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


def _models(solved: Sequence[Case], join: Joining) -> list[Case]:
    """Cases to follow, best first: done, told completely, quick, and done much as others were."""
    given = settings()["model"]
    if not solved:
        return []
    measures = join.read(Sentence(case.measure or case.title or case.id, [case.id], case) for case in solved)
    near = np.array([[overlap(one, other) for other in measures] for one in measures])
    central = (near.sum(axis=1) - 1) / max(1, len(solved) - 1)
    top = float(central.max()) or 1.0
    found = []
    for case, mean in zip(solved, central, strict=True):
        there = (len(case.steps) > 1, case.basis, case.materials, case.lead_dept, case.result)
        score = given["outcome"].get(case.outcome, 0) + given["complete"] * sum(map(bool, there))
        score += given["measure"] * min(1.0, len(case.measure) / given["measure_full"])
        score += given["central"] * float(mean) / top + given["lasting"] * _lasting(case)
        score += given["fast"] / (1 + case.working_days / 5) if case.working_days is not None else 0
        found.append((-score, case.id, case))
    return [case for _, _, case in sorted(found, key=lambda entry: entry[:2]) if case.measure or case.steps]


def _steps(models: Sequence[Case], solved: Sequence[Case], join: Joining) -> list[dict[str, Any]]:
    """The steps of the best case, then other ways."""
    if not models:
        return []
    most = settings()["most"]
    best = models[0]
    main = join.read(_units(best))[: most["steps"]]
    whole = join.read(_ways(best))
    others: list[Sentence] = []
    for each in join.read(each for case in solved if case is not best for each in _ways(case)):
        twin = next((step for step in main if join.alike(each, step)), None)
        if twin is None and any(join.alike(each, sentence) for sentence in whole):
            twin = max(main, key=lambda step: overlap(step, each))
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


def _units(case: Case) -> list[Sentence]:
    """The steps of a case: as it lists them, else its sentences, else the parts of its one sentence."""
    listed = [step for step in case.steps if len(essence(str(step.get("action", "")))) >= 2]
    if len(listed) > 1:
        return [
            Sentence(
                _cut(general(str(step["action"])), 600), [case.id], case, at / len(listed), str(step.get("dept") or "")
            )
            for at, step in enumerate(listed)
        ]
    found = sentences_of(case, "measure")
    if len(found) > 1:
        return found
    return [Sentence(text, [case.id], case) for each in found for text in _acts(each.text, case)]


def _ways(case: Case) -> list[Sentence]:
    """What a case did, whole where it is short: its parts alone would not say what is done in which order."""
    found = sentences_of(case, "measure")
    told = "".join(each.text for each in found)
    return [Sentence(told, [case.id], case)] if 0 < len(told) <= settings()["longest"] else found or _units(case)


def _acts(text: str, case: Case) -> list[str]:
    """*text* cut at commas where somebody else begins to act, or it says 再, 然后 …; no other clause stands alone."""
    least, found = settings()["clause"], [""]
    for clause in re.findall(r"[^，；,;]+[，；,;]?", text):
        begins = re.match(settings()["then"], clause) or _actor(clause, case)
        if found[-1] and begins and len(found[-1]) >= least and len(clause) >= least:
            found.append("")
        found[-1] += clause
    return [whole for each in found if (whole := each.strip(" ，,；;"))]


def _step(each: Sentence, other: bool) -> dict[str, Any]:
    case = each.case
    begins = "" if other else _actor(each.text, case)
    named = [dept for dept in (case.lead_dept, *case.coop_depts) if dept and dept in each.text]
    return {"action": each.text.rstrip("，,；;"), "dept": _cut(each.dept or begins or "、".join(named)),
            "days": _days(each.text, other), "other": other, "cases": each.cases}  # fmt: skip


def _actor(text: str, case: Case) -> str:
    """The department that a text begins with: by its name, or in short (税务, 住建) if it is one of the case."""
    found = re.match(settings()["dept"], text)
    if found:
        return found["dept"]
    if re.match(settings()["no_dept"], text):
        return ""
    begins = {departments.standard(text[:end]) for end in (2, 3, 4) if not departments.standard(text[1:end])} - {None}
    named = (name for name in (case.lead_dept, *case.coop_depts) if departments.standard(name) in begins)
    return next(named, "")


def _days(text: str, whole: bool) -> int | None:
    """Working days that a step tells; of a way that is told as a *whole*, those in which it ended."""
    found = re.search(settings()["days"], text)
    if found:
        return _number(found["n"])
    end = re.split(r"[，,；;。]", text.rstrip("。；;，, "))[-1] if whole else text
    return 0 if re.search(settings()["same_day"], end) else None


def _number(text: str) -> int:
    if text.isdigit():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    return (_DIGITS.get(tens, 1) * 10 if ten else 0) + _DIGITS.get(ones, 0)


def _matters(cases: Sequence[Case]) -> dict[str, str]:
    """The matter of each case, where they are of several; a case without one is of any."""
    found = {case.id: scope.matter_of(case) for case in cases}
    return found if len({name for name in found.values() if name}) > 1 else {}


def _only(ids: Iterable[str], matters: Mapping[str, str]) -> str:
    """The matter, in brackets, if what the cases *ids* tell is told of that one alone."""
    named = {matters.get(case_id, "") for case_id in ids}
    return f"（{next(iter(named))}）" if len(named) == 1 and "" not in named else ""


def _materials(cases: Sequence[Case], join: Joining, matters: Mapping[str, str]) -> list[dict[str, Any]]:
    """Materials that the cases name, then what was accepted instead or left out; what only cases of one of several
    matters tell carries that matter."""
    limits = settings()
    named: dict[str, tuple[str, list[str]]] = {}

    def note(name: str, case: Case) -> None:
        key = essence(name)
        if len(key) >= 2 and len(name) <= MOST_SHORT and not re.search(limits["no_material"], name):
            ids = named.setdefault(key, (name.strip(_EDGES), []))[1]
            ids += [case.id] if case.id not in ids else []

    instead = []
    for case in cases:
        for material in case.materials:
            note(general(material), case)
        for text in (case.measure, case.solidified.get("text", "")):
            for clause in _clauses(general(text)):
                if _accepted(clause) is not None:
                    instead.append(Sentence(clause, [case.id], case))
                else:
                    for found in re.finditer(limits["by"], clause):
                        note(found["name"] + _issuer(clause[: found.start("name")]), case)
    ranked = sorted(named.values(), key=lambda entry: -len(entry[1]))[: limits["most"]["materials"]]
    swaps = join(instead)[: limits["most"]["materials"]]
    return [
        *({"name": _cut(name + _only(ids, matters)), "substitute": "", "cases": ids} for name, ids in ranked),
        *({"name": _cut(_accepted(each.text) or ""), "substitute": each.text + _only(each.cases, matters),
           "cases": each.cases} for each in swaps),
    ]


def _issuer(before: str) -> str:
    """Who issues what is named after *before* (地名办出具): the citizen need not bring it."""
    found = re.fullmatch(settings()["dept"] + "(?P<verb>[出开]具)", before)
    return f"（{found['dept']}{found['verb']}）" if found else ""


def _clauses(text: str) -> list[str]:
    """The clauses of a text, without 一是, 二是 before them."""
    parts = re.split(r"[，。；;！？\n]", re.sub(settings()["wrapped"], "", str(text)))
    return [clause for part in parts if (clause := re.sub(r"^[一二三四五六]是", "", part.strip(_EDGES)))]


def _accepted(clause: str) -> str | None:
    """What a clause says need not be handed in, empty where it names no material; None where it says no such thing, or
    only that something need not be done which is no material (不再强制刷脸)."""
    limits = settings()
    for pattern in limits["instead"]:
        found = re.search(pattern, clause)
        if found:
            name = (found.groupdict().get("name") or "").strip(_EDGES)
            if not re.search(limits["no_material"], name):
                return name
            if re.search(limits["swapped"], found[0]):
                return ""
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
    """Hall and department; the department alone if its name says where it is."""
    hall = str(case.hall.get("name", ""))
    place = re.sub(r"本级$|(?:政务|行政|便民)服务中心$", "", hall)
    parts = [case.lead_dept] if place and place in case.lead_dept else [hall, case.lead_dept]
    return _cut("：".join(part for part in dict.fromkeys(parts) if part))


def _lasting(case: Case) -> bool:
    return fixes.is_fixed(case) and bool(case.solidified.get("text"))


def _solidified(solved: Sequence[Case]) -> dict[str, Any]:
    """The change whose kind is told, the earliest dated one, else that of the best case (*solved*: best first)."""
    lasting = list(filter(_lasting, solved))
    if not lasting:
        return {}
    case = min(lasting, key=lambda each: (not fixes.told(each)[0], fixes.told_date(each) or "9"))
    kind, text = fixes.told(case)
    return {"kind": kind, "text": _cut(general(text), 1000), "date": fixes.told_date(case),
            "where": _cut(str(case.hall.get("name", ""))), "cases": [case.id]}  # fmt: skip


def _cut(text: str, most: int = MOST_SHORT) -> str:
    return text[:most]


def median_days(cases: Iterable[Case]) -> float | None:
    """The median of the working days that are known."""
    days = [case.working_days for case in cases if case.working_days is not None]
    return statistics.median(days) if days else None


__all__: Sequence[str] = ["draft", "median_days", "settings"]
