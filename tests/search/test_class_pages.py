"""Pages and the API of classes through HTTP: seeing, accepting, rejecting, merging, splitting, drafting a procedure."""

from __future__ import annotations

from datasette.app import Datasette

from kb import playbooks
from kb.config import Settings
from kb.model import Case
from kb.store import Store
from search.insight import classes

from ..library import EVIL_TEXT
from ..people import call, read, sign_in
from . import barriers

NAMES, CIRCLE = [case.id for case in barriers.NAMES], [case.id for case in barriers.CIRCLE]
Made = tuple[Settings, dict[str, str]]


def _kept(made: Made, class_id: str) -> classes.CaseClass:
    with Store(made[0]) as store:
        return classes.get(store, class_id)


async def test_classes_are_listed_by_state_with_their_cases(site: Datasette, made: Made) -> None:
    cookies = sign_in(made[0], "review")
    page = await read(site, "/classes?state=accepted", cookies)
    assert all(f"/class/{class_id}" in page for class_id in made[1].values())
    assert f"/case/{NAMES[0]}" in page and "5 件" in page
    assert "没有待定的类" in await read(site, "/classes", cookies)
    narrowed = await read(site, "/classes?state=accepted&barrier=互为前置", cookies)
    assert made[1]["circle"] in narrowed and made[1]["names"] not in narrowed


async def test_hostile_titles_stay_text(site: Datasette, made: Made) -> None:
    cookies = sign_in(made[0], "review", "policy")
    for path in ("/classes?state=accepted", f"/class/{made[1]['hostile']}"):
        page = await read(site, path, cookies)
        assert EVIL_TEXT not in page and "<img src=x" not in page and "&lt;script&gt;" in page


async def test_a_class_is_rejected_and_accepted_again_with_a_trace_of_who(site: Datasette, made: Made) -> None:
    cookies, class_id = sign_in(made[0], "review", account="cheng"), made[1]["names"]
    note = {"note": "不是一回事，电话 13812345678"}
    done = await call(site, "POST", f"/classes/{class_id}/reject", cookies, json=note)
    assert done.status_code == 200 and done.json()["class"]["state"] == "rejected"
    page = await read(site, f"/class/{class_id}", cookies)
    assert "cheng 否决" in page and "不是一回事" in page and "13812345678" not in page
    done = await call(site, "POST", f"/classes/{class_id}/accept", cookies)
    assert done.json()["class"]["state"] == "accepted" and done.json()["location"] == f"/class/{class_id}"


async def test_cases_are_split_off_assigned_and_taken_out(site: Datasette, made: Made) -> None:
    cookies, class_id = sign_in(made[0], "policy"), made[1]["names"]
    chosen = {"case_ids": NAMES[3:], "title": "代办的"}
    done = await call(site, "POST", f"/classes/{class_id}/split", cookies, json=chosen)
    new = done.json()["class"]
    assert sorted(new["case_ids"]) == sorted(NAMES[3:]) and new["title"] == "代办的"
    await call(site, "POST", "/classes/assign", cookies, json={"case_ids": NAMES[3:4], "class_id": class_id})
    assert NAMES[3] in _kept(made, class_id).case_ids
    done = await call(site, "POST", "/classes/assign", cookies, json={"case_ids": NAMES[3:4]})
    assert done.json() == {"ok": True, "class": None, "location": "/classes"}
    assert NAMES[3] not in _kept(made, class_id).case_ids


async def test_merging_goes_into_the_first_that_is_named(site: Datasette, made: Made) -> None:
    cookies = sign_in(made[0], "review")
    done = await call(site, "POST", "/classes/merge", cookies, json={"ids": [made[1]["names"], made[1]["circle"]]})
    assert sorted(done.json()["class"]["case_ids"]) == sorted([*NAMES, *CIRCLE])
    assert _kept(made, made[1]["circle"]).state == "emptied"
    alone = await call(site, "POST", "/classes/merge", cookies, json={"ids": [made[1]["names"]]})
    assert alone.status_code == 400


async def test_a_procedure_is_drafted_once_from_the_cases(site: Datasette, made: Made) -> None:
    cookies, class_id = sign_in(made[0], "policy"), made[1]["names"]
    done = await call(site, "POST", f"/classes/{class_id}/playbook", cookies)
    assert done.status_code == 201 and done.json()["location"] == f"/playbook/{done.json()['id']}/edit"
    with Store(made[0]) as store:
        drafted = playbooks.get(store, done.json()["id"])
    assert drafted is not None and drafted.state == playbooks.DRAFT and set(drafted.case_ids) == set(NAMES)
    assert _kept(made, class_id).playbook == drafted.id
    again = await call(site, "POST", f"/classes/{class_id}/playbook", cookies)
    assert again.status_code == 409
    assert f"/playbook/{drafted.id}" in await read(site, f"/class/{class_id}", cookies)


async def test_a_draft_tells_how_a_like_case_was_lawfully_refused(site: Datasette, made: Made) -> None:
    like = Case("bafefefe0001", hall={"code": "350123", "name": "罗源县政务服务中心"}, matter=barriers.NAMES[0].matter,
                obstacle=barriers.OBSTACLE, demand=barriers.NAMES[0].demand, barriers=["依法不能办"],
                measure="向本人说明姓名须先到派出所更正，本窗口依法不能代改。", outcome="依法不能办已释因",
                received="2023-06-01")  # fmt: skip
    with Store(made[0]) as store:
        store.publish([like], by="测试")
    cookies = sign_in(made[0], "policy")
    done = await call(site, "POST", f"/classes/{made[1]['names']}/playbook", cookies)
    with Store(made[0]) as store:
        drafted = playbooks.get(store, done.json()["id"])
    assert drafted is not None and [item["cases"] for item in drafted.refusals] == [[like.id]]


async def test_proposing_leaves_what_people_made(site: Datasette, made: Made) -> None:
    cookies = sign_in(made[0], "review")
    done = await call(site, "POST", "/classes/propose", cookies)
    assert done.status_code == 200 and done.json()["ok"]
    assert sorted(_kept(made, made[1]["names"]).case_ids) == sorted(NAMES)


async def test_a_class_that_is_not_there_is_missing(site: Datasette, made: Made) -> None:
    cookies = sign_in(made[0], "review")
    assert (await site.client.get("/class/none", cookies=cookies)).status_code == 404
    assert (await call(site, "POST", "/classes/none/accept", cookies)).status_code == 404
    assert (await site.client.get("/classes?state=other", cookies=cookies)).status_code == 400


async def test_a_class_emptied_by_withdrawal_has_a_sensible_page(site: Datasette, made: Made) -> None:
    settings, ids = made
    with Store(settings) as store:
        for case_id in CIRCLE:
            store.withdraw(case_id, by="测试", reason="依据已废止")
    cookies = sign_in(settings, "review", "policy")
    for path in (f"/class/{ids['circle']}", f"/barrier/{ids['circle']}"):
        page = await read(site, path, cookies)
        assert "没有在库的案例" in page or "已出库" in page
    drafted = await call(site, "POST", f"/classes/{ids['circle']}/playbook", cookies)
    assert drafted.status_code == 409


async def test_clerks_see_neither_page_nor_api(site: Datasette, made: Made) -> None:
    cookies = sign_in(made[0], "window", "submit")
    assert (await site.client.get("/classes", cookies=cookies)).status_code == 403
    assert (await call(site, "GET", "/classes", cookies)).status_code == 403
