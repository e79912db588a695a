"""What stands beside a playbook on its page: whether its fix held (固化), where else it would help (举一反三), and the
cases of its class that nobody has taken into it yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kb.config import Settings
from kb.hookspecs import PlaybookPanel
from kb.model import Case
from kb.playbooks import Playbook
from kb.store import Store

from ..embedder.store import EmbeddingCache
from ..precedents import precedents
from . import barriers, classes, discovery, membership, verdicts
from .classes import CaseClass
from .transfer import transfer
from .verdicts import Rate, Verdict

UNFIXED = "尚未固化"
NEAR = 30  # cases near to the obstacle that may need the playbook
COMPARED = 50  # cases of the playbook with which these are compared
PLACES, OF_PLACE = 12, 3  # places that are named, cases of each
LISTED = 20  # cases that may belong to it


def of_playbook(settings: Settings, playbook: Playbook) -> Iterator[PlaybookPanel]:
    """The panels of a playbook; cases that were withdrawn are in none of them."""
    with Store(settings) as store:
        home = classes.of_playbook(store, playbook.id)
        members = store.published_of({*playbook.case_ids, *(home.case_ids if home else [])})
        original = membership.originals(store, members)
        told = {case_id: case for case_id, case in members.items() if original.get(case_id) not in members}
        waiting = [told[one] for one in home.case_ids if one in told and one not in playbook.case_ids] if home else []
        if home and waiting:
            yield _waiting(waiting, home)
        yield _proof(store, playbook, list(told.values()), home)
        yield from _elsewhere(store, settings, playbook, told)


def _waiting(cases: Sequence[Case], home: CaseClass) -> PlaybookPanel:
    lines = ["机器归进来的，还没有人核对。"]
    if len(cases) > LISTED:
        lines.append(f"共 {len(cases)} 件，先列 {LISTED} 件。")
    shown = cases[:LISTED]
    return PlaybookPanel(
        f"可能也属于这一类：{len(cases)} 件", "", "", tuple(lines),
        tuple((case, "拿不准" if case.id in home.borderline else "") for case in shown),
        (f"/class/{home.id}", "不是这类事的，到归类里移出"), "classes.see", tuple(case.id for case in shown),
    )  # fmt: skip


# Whether the fix held


def _proof(store: Store, playbook: Playbook, cases: Sequence[Case], home: CaseClass | None) -> PlaybookPanel:
    counted = [case for case in cases if not barriers.is_lawful(case) and not barriers.is_outside(case)]
    borderline = set(home.borderline if home else ()) - set(playbook.case_ids)
    found = verdicts.verdict(counted, verdicts.watched_until(store), borderline, verdicts.stated(playbook, counted))
    label = UNFIXED if found.verdict == verdicts.NO_FIX else found.label
    more = (f"/barrier/{home.id}", "固化前后的案例") if home and home.state in classes.OPEN else None
    tone = verdicts.TONES[found.standing]
    return PlaybookPanel("固化以后", label, tone, (*found.why, *_rates(found)), (), more, "insight")


def _rates(found: Verdict) -> Iterator[str]:
    for place, label in {**verdicts.PLACES, "all": "合计"}.items():
        rates = found.rates.get(place)
        if rates and (rates["before"].cases or rates["after"].cases):
            yield f"{label}：固化前 {_rate(rates['before'])}，固化后 {_rate(rates['after'])}"


def _rate(found: Rate) -> str:
    if found.low is None:  # of so few cases a rate says nothing
        return f"{found.cases} 件"
    return f"{found.cases} 件（每年 {found.per_year:g} 件，95% 区间 {found.low:g}—{found.high:g}）"


# Where else


def _elsewhere(
    store: Store, settings: Settings, playbook: Playbook, told: dict[str, Case]
) -> Iterator[PlaybookPanel]:
    others = near(settings, playbook.title, playbook.obstacle, told)
    found = transfer(store, playbook, [*told, *(case.id for case in others)])
    if not found:
        return
    cases = store.published_of(case_id for one in found[:PLACES] for case_id in one.case_ids[:OF_PLACE])
    entries = []
    for one in found[:PLACES]:
        name = "，".join(filter(None, [one.hall, one.matter]))
        for case_id in one.case_ids[:OF_PLACE]:
            entries.append((cases[case_id], f"{name}：{'；'.join(one.why)}" if case_id == one.case_ids[0] else ""))
    lines = ["卡点相同，还没有办成、只办成一部分或者慢得多的大厅和事项，最该先用的在前。"]
    if len(found) > PLACES:
        lines.append(f"共 {len(found)} 处，先列 {PLACES} 处。")
    yield PlaybookPanel("举一反三", f"{len(found)} 处", "partly", tuple(lines), tuple(entries))


def near(settings: Settings, title: str, obstacle: str, told: Mapping[str, Case]) -> list[Case]:
    """Cases outside of the class `told` (lawful refusals never join one) that are as like it as members have to be."""
    searcher = precedents(settings)
    found = searcher.similar(Case("", title=title, obstacle=obstacle), NEAR)
    others = [case for case, _ in found if case.id not in told]
    own = [told[case_id] for case_id in list(told)[:COMPARED]]
    if not others or not own:
        return []
    cache = getattr(searcher.engine, "cache", None) or EmbeddingCache(settings)
    likeness = discovery.rows(others, cache.encode_passages) @ discovery.rows(own, cache.encode_passages).mean(axis=0)
    return [case for case, like in zip(others, likeness, strict=True) if like >= discovery.least(settings)]
