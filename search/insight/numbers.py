"""The cases behind a number: every number of the ranking, of a picture, of one barrier leads to those it counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace

from kb.errors import Fault, Missing
from kb.model import Case
from kb.store import Store

from . import barriers, classes, pictures, verdicts
from .barriers import Barrier
from .classes import CaseClass
from .pictures import Fact, Whole
from .scope import hall_of, newest_first

#: What may be asked for beside the values of a case (`pictures.choose`): parts of the ranking, and cases kept apart.
PARTS = {
    "before": "固化前", "after": "固化后", "refused": "依法不能办", "again": "重复登记", "borderline": "拿不准的",
    "lawful": "依法不能办", "outside": "非政务诉求", "undated": "没有日期",
}  # fmt: skip
PICKS = ("type", "first", "matter", "county", "hall", "month", "handling", "outcome")
#: Parts whose number counts no cases but what these lie in: part → the pick that leads to one of them.
GROUPED = {"halls": "hall", "months": "month"}
WHOLE = "whole"  # a class whenever its cases came; `whole.hall`: those that lie so as seen from its fix


@dataclass(frozen=True)
class Number:
    """`label`: what is counted, `said`: the number in words where the ranking has it so; `groups` {name: cases} where
    the number counts these, each of them found by the pick `by`."""

    label: str
    case_ids: list[str]
    said: str = ""
    by: str = ""
    groups: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Hall:
    """A hall with its cases of one barrier, the solved ones first: how many are `solved`, how many came to another end
    (`unsolved`), and `how` the newest was solved. Of cases that name no hall the `name` is empty."""

    name: str
    case_ids: list[str]
    solved: int
    unsolved: int
    how: str


def by_hall(cases: Iterable[Case]) -> tuple[list[Hall], list[Hall], list[Hall]]:
    """Each hall once: those that solved a case, whom others may ask; those that did not, who may be told; those whose
    cases tell no outcome. Most cases first, without a name last."""
    groups: dict[str, list[Case]] = {}
    for case in newest_first(cases):
        groups.setdefault(hall_of(case), []).append(case)
    found: tuple[list[Hall], list[Hall], list[Hall]] = ([], [], [])
    for hall in (_hall(some) for some in groups.values()):
        found[0 if hall.solved else 1 if hall.unsolved else 2].append(hall)
    for halls in found:
        halls.sort(key=lambda hall: (not hall.name, -hall.solved, -hall.unsolved, -len(hall.case_ids), hall.name))
    return found


def _hall(cases: Sequence[Case]) -> Hall:
    rules = barriers.settings()["comparison"]
    solved, rest = ([case for case in cases if (case.outcome in rules["can"]) == done] for done in (True, False))
    how = next((told for case in solved for name in rules["measure"] if (told := getattr(case, name))), "")
    name = str(cases[0].hall.get("name") or hall_of(cases[0]))
    ids = [case.id for case in (*solved, *rest)]
    return Hall(name, ids, len(solved), sum(bool(case.outcome) for case in rest), how)


def behind(store: Store, asked: Mapping[str, str], clue: str, part: str, picked: Mapping[str, str]) -> Number:
    """What a number counts in the scope `asked` {since, until, region}: of one barrier (`clue`) or of all, a `part` of
    the ranking or all, with the values `picked` (`PICKS`). Raises Fault, or Missing for what is not there."""
    found = barriers.radar(store, **asked)
    if not clue:
        if part in ("lawful", "outside", "undated"):
            return Number(PARTS[part], getattr(found, part))
        if part:
            raise Fault("没有这个数")
        return Number("", _ids(pictures.choose(pictures.facts(store, found.barriers), **picked)))
    name, _, place = part.partition(".")
    if name == WHOLE:
        return _of_whole(store, *subject(store, clue, asked), place, picked)
    one = next((each for each in found.barriers if each.id == clue), None)
    if one is None:
        raise Missing("选定的时段和地区里没有这条线索")
    ids = set(_of_part(one, part)) if part else set(one.case_ids)
    facts = pictures.choose(pictures.facts(store, [replace(one, case_ids=sorted(ids))]), **picked)
    groups = {"halls": one.halls, "months": one.months}.get(part, {}) if not any(picked.values()) else {}
    label = f"{one.label}：{_label(one, part)}".rstrip("：")
    said = next((each.text for each in one.components if each.name == part), "")
    return Number(label, _ids(facts), said, GROUPED.get(part, ""), groups)


def subject(store: Store, number: str, asked: Mapping[str, str]) -> tuple[CaseClass, Barrier | None]:
    """A class, with the cases of a problem told by many that is about the same, or such a problem as if it were a
    class; and how it is ranked, if it is. Raises Missing."""
    ranked = next((each for each in barriers.barriers(store, **asked) if each.id == number), None)
    if ranked is None or ranked.kind == "class":
        one = classes.get(store, number)
        return replace(one, case_ids=list(dict.fromkeys([*one.case_ids, *_reported(ranked)]))), ranked
    said = asdict(ranked) | {"title": ranked.label}
    return CaseClass(**{each.name: said[each.name] for each in fields(CaseClass)}), ranked


def told(store: Store, one: CaseClass, ranked: Barrier | None) -> tuple[verdicts.Verdict, list[Fact]]:
    """The verdict on a whole class, and the facts of the cases that it counts, as the ranking counts them."""
    cases = store.published_of(one.case_ids).values()
    reported = _reported(ranked)
    counts = [case for case in cases if case.id in reported or not _is_apart(case)]
    whole = Whole(one.id, one.title, one.barriers[0] if one.barriers else "", [case.id for case in counts])
    fix = verdicts.stated(verdicts.playbook_of(store, one.playbook), counts)
    judged = verdicts.verdict(counts, verdicts.watched_until(store), one.borderline, fix)
    return judged, pictures.facts(store, [whole])


def _reported(ranked: Barrier | None) -> list[str]:
    """The cases that are counted whatever they are, because many people tell them."""
    return ranked.case_ids if ranked and ranked.people else []


def _is_apart(case: Case) -> bool:
    return barriers.is_lawful(case) or barriers.is_outside(case)


def _of_whole(
    store: Store, one: CaseClass, ranked: Barrier | None, place: str, picked: Mapping[str, str]
) -> Number:
    judged, facts = told(store, one, ranked)
    if place:
        near = {case_id for side in (judged.before, judged.after) for case_id in side.get(place, [])}
        facts = [fact for fact in facts if fact.case_id in near]
    return Number(one.title, _ids(pictures.choose(facts, **picked)))


def _ids(found: Sequence[Fact]) -> list[str]:
    return list(dict.fromkeys(fact.case_id for fact in found))


def _label(one: Barrier, part: str) -> str:
    side, _, place = part.partition(".")
    if place:
        return f"{PARTS.get(side, '')}{verdicts.PLACES.get(place, '')}"
    if part == "growth":
        days = barriers.settings()["days"]
        return f"最近 {days} 天和此前 {days} 天"
    return PARTS.get(part) or next((each.label for each in one.components if each.name == part), "")


def _of_part(one: Barrier, part: str) -> list[str]:
    side, _, place = part.partition(".")
    if side in one.counts:
        return [each for name, ids in one.counts[side].items() if place in ("", name) for each in ids]
    lists = {"again": one.again, "refused": one.refused, "borderline": one.borderline, "undated": one.undated}
    named = {each.name: each.case_ids for each in one.components} | lists
    if part not in named:
        raise Fault("没有这个数")
    return named[part]
