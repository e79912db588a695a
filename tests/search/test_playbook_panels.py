"""What stands beside a playbook: whether its fix held, where else it would help, which cases may belong to it too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from datasette.app import Datasette

from kb import playbooks
from kb.config import Settings
from kb.hookspecs import PlaybookPanel
from kb.model import Case
from kb.playbooks import Playbook
from kb.store import Store
from kb.web import serve
from search import ranking
from search.insight import barriers as radar
from search.insight import classes, panels

from ..people import call, sign_in
from ..sites import only
from . import barriers

NAMES = [case.id for case in barriers.NAMES]
STEPS = [{"action": "窗口代查派出所档案，当场更正后办结"}]


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with Store(settings) as found:
        found.publish(barriers.CASES, by="测试")
        yield found


@pytest.fixture
def close(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a library of a dozen cases none stands out by far: whatever is found counts as near."""
    monkeypatch.setitem(ranking.settings(), "near", -9)


def booked(store: Store, members: list[str], taken: list[str], **values: Any) -> Playbook:
    """A playbook on trial of the cases `taken`, and its class of the cases `members`."""
    given: dict[str, Any] = {"title": "姓名对不上", "obstacle": barriers.OBSTACLE, "steps": STEPS, "case_ids": taken}
    book = playbooks.create(store, Playbook(**given | values), "甲")
    classes.set_playbook(store, classes.make(store, members, "甲").id, book.id, "甲")
    return playbooks.set_state(store, book.id, "trial", "甲")


def of(store: Store, book: Playbook) -> dict[str, PlaybookPanel]:
    return {panel.title.partition("：")[0]: panel for panel in panels.of_playbook(store.settings, book)}


def test_the_proof_counts_all_cases_of_the_class_by_place(store: Store) -> None:
    proof = of(store, booked(store, NAMES, NAMES[:3]))["固化以后"]
    assert (proof.verdict, proof.tone, proof.right) == ("仍再发", "gone", "insight")
    assert "固化前 3 件（含本件）" in proof.lines[1] and "又有 2 件：同一大厅 1 件、同一市 1 件" in proof.lines[1]
    assert "同一市：固化前 1 件，固化后 1 件" in proof.lines
    assert any(line.startswith("合计：固化前 3 件（每年") and "95% 区间" in line for line in proof.lines)
    assert proof.more and proof.more[0].startswith("/barrier/c")


def test_what_people_wrote_as_the_fix_goes_before_what_the_cases_say(store: Store) -> None:
    said = {"kind": "系统", "text": "两库接通", "date": "2023-08-15", "where": barriers.CHANGLE["name"]}
    proof = of(store, booked(store, NAMES, NAMES, solidified=said))["固化以后"]
    assert proof.lines[0] == f"2023-08-15 {barriers.CHANGLE['name']}已固化：“两库接通”"
    assert proof.lines[1].startswith("固化前 4 件，其后") and proof.lines[1].endswith("同一市 1 件")
    assert proof.lines[2].startswith("同一大厅：固化前 2 件")


def test_the_radar_goes_by_it_once_people_have_approved_it(store: Store) -> None:
    said = {"kind": "系统", "text": "两库接通", "date": "2023-12-31", "where": "省里"}
    book = booked(store, NAMES, NAMES, solidified=said)
    (found,) = (one for one in radar.barriers(store) if one.playbook == book.id)
    assert found.fix and (found.fix["date"], found.fix["case_id"]) == ("2023-12-31", "")
    assert (found.verdict_label, sum(map(len, found.counts["after"].values()))) == ("尚早", 0)
    playbooks.set_state(store, book.id, "draft", "甲")
    (found,) = (one for one in radar.barriers(store) if one.playbook == book.id)
    assert found.fix and found.fix["date"] == "2023-03-20"


@pytest.mark.parametrize("said", [{}, {"kind": "指南", "text": "改指南"}, {"kind": "指南", "date": "2023"}])
def test_without_a_fix_that_has_a_date_it_is_not_solid_yet(store: Store, said: dict[str, str]) -> None:
    circle = [case.id for case in barriers.CIRCLE]
    proof = of(store, booked(store, circle, circle, solidified=said))["固化以后"]
    assert (proof.verdict, proof.lines) == ("尚未固化", ("没有案例记有固化措施",))


def test_a_class_emptied_by_withdrawal_proves_nothing(store: Store) -> None:
    book = booked(store, NAMES, NAMES)
    for case_id in NAMES:
        store.withdraw(case_id, by="测试", reason="有误")
    found = playbooks.get(store, book.id)
    assert found
    (proof,) = of(store, found).values()
    assert (proof.verdict, proof.lines) == ("尚未固化", ("类中已没有在库的案例",))


def test_a_playbook_without_a_class_is_judged_by_its_own_cases(store: Store) -> None:
    book = playbooks.create(store, Playbook(title="两库姓名对不上", case_ids=NAMES), "甲")
    proof = of(store, book)["固化以后"]
    assert proof.verdict == "仍再发" and proof.more is None


def test_halls_that_still_send_people_away_are_named_with_their_cases(store: Store, close: None) -> None:
    stuck = replace(barriers.NAMES[1], id="stuck0000001", outcome="转其他渠道", received="2024-01-02",
                    hall={"code": "350102", "name": "鼓楼区政务服务中心"})  # fmt: skip
    refused = replace(stuck, id="stuck0000002", outcome="依法不能办已释因", hall={"code": "350103", "name": "台江区"})
    other = Case("other0000001", title="楼顶养鸽子", obstacle="没有部门管", outcome="转其他渠道",
                 barriers=["规则空白或新业态"], hall={"code": "350104", "name": "仓山区"})  # fmt: skip
    store.publish([stuck, refused, other], by="测试")
    found = of(store, booked(store, [*NAMES, stuck.id], [*NAMES, stuck.id]))["举一反三"]
    told = {case.id: reason for case, reason in found.entries}
    assert set(told) == {stuck.id, refused.id} and found.verdict == "2 处"
    assert told[stuck.id].startswith("鼓楼区政务服务中心，城乡居民基本医疗保险参保登记：1 件转其他渠道")


async def test_a_new_case_of_the_class_is_proposed_and_taken_in_by_editors(store: Store) -> None:
    book = booked(store, NAMES, NAMES[:3])
    with only("kb.web.plugin", "search.web"):
        site: Datasette = serve.make_datasette(store.settings)
        editor, reader = sign_in(store.settings, "review"), sign_in(store.settings, "window")
        page = (await site.client.get(f"/playbook/{book.id}", cookies=editor)).text
        seen = (await site.client.get(f"/playbook/{book.id}", cookies=reader)).text
        assert "可能也属于这一类：2 件" in page and f'name="case_ids[]" value="{NAMES[3]}"' in page
        assert "/class/" in page
        assert "可能也属于这一类：2 件" in seen and "case_ids[]" not in seen and "/class/" not in seen
        for ids, status in (([], 400), (["' or 1=1 --"], 400), (NAMES[3:], 200)):
            done = await call(site, "POST", f"/playbooks/{book.id}/cases", editor, json={"case_ids": ids})
            assert done.status_code == status, done.text
        after = (await site.client.get(f"/playbook/{book.id}", cookies=editor)).text
        assert "可能也属于" not in after and "归入 2 件" in after


@pytest.mark.parametrize(("path", "said"), [("/drafts/new?q=" + barriers.OBSTACLE, True), ("/drafts/new", False)])
async def test_a_new_draft_says_first_that_there_is_a_playbook(
    store: Store, close: None, path: str, said: bool
) -> None:
    book = booked(store, NAMES, NAMES)
    with only("kb.web.plugin", "search.web"):
        site = serve.make_datasette(store.settings)
        page = (await site.client.get(path, cookies=sign_in(store.settings, "window"))).text
    assert (f'href="/playbook/{book.id}"' in page) == said
