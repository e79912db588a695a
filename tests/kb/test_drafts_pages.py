"""Drafts and review through HTTP: who sees what, every act and every refusal, and that nothing personal is kept."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from datasette.app import Datasette

from kb import submissions
from kb.config import Settings
from kb.model import Case
from kb.plugins import manager
from kb.privacy import Doubt
from kb.store import Draft, Store
from tests.library import EVIL_TEXT, FULL, REFUSED, fill
from tests.people import call, sign_in
from tests.sites import only

OTHER = "430200"
WRITTEN = {
    "demand": "想给老房子加装电梯，楼下邻居不同意。",
    "obstacle": "表决比例不够。",
    "measure": "社区召集协商，签了补偿协议。",
}
PERSONAL = "本人王小明，电话13812345678，身份证11010519491231002X"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "kb.toml").write_text('[embedding]\nmodel = "fake"\n', "utf-8")
    return fill(Settings(tmp_path, embedding_model="fake"))


@pytest.fixture
async def site(settings: Settings) -> Any:
    with only("kb.web.plugin"):
        found = Datasette([str(settings.library_path)])
        await found.invoke_startup()
        yield found


@pytest.fixture
def clerk(settings: Settings) -> dict[str, str]:
    return sign_in(settings, "submit")


@pytest.fixture
def stranger(settings: Settings) -> dict[str, str]:
    return sign_in(settings, "submit", hall=OTHER)


@pytest.fixture
def reviewer(settings: Settings) -> dict[str, str]:
    return sign_in(settings, "review", hall="350100")


async def made(site: Datasette, cookies: dict[str, str], **fields: Any) -> dict[str, Any]:
    answer = await call(site, "POST", "/drafts", cookies, json={**WRITTEN, **fields})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def page(site: Datasette, path: str, cookies: dict[str, str]) -> Any:
    return await site.client.get(path, cookies=cookies)


def doubtful(settings: Settings, case_id: str) -> None:
    """Give a draft a doubt, as redaction does where it is not sure."""
    with Store(settings) as store:
        found = store.draft(case_id)
        assert found
        found.case.demand = "申请人〔姓名1〕想加装电梯。"
        store.save_drafts([Draft(found.case, [Doubt("demand", "姓名", 3, 8, "像人名但证据不足，请核对")])], "测试")


async def test_from_an_idea_to_a_published_case(site, settings, clerk, reviewer) -> None:
    draft = await made(site, clerk)
    assert draft["stage"] == "writing" and draft["location"] == f"/draft/{draft['id']}"
    assert (await call(site, "POST", f"/drafts/{draft['id']}/submit", clerk, json={})).status_code == 200
    queue = await page(site, "/review", reviewer)
    assert draft["id"] in queue.text and "无存疑" in queue.text
    shown = await page(site, f"/review/{draft['id']}", reviewer)
    assert WRITTEN["measure"] in shown.text
    body = {"revision": draft["revision"]}
    answer = await call(site, "POST", f"/drafts/{draft['id']}/publish", reviewer, json=body)
    assert answer.status_code == 200 and answer.json()["location"] == "/review"
    assert (await page(site, f"/case/{draft['id']}", clerk)).status_code == 200
    assert (await page(site, f"/draft/{draft['id']}", clerk)).status_code == 404
    with Store(settings) as store:
        last = store.revisions(draft["id"])[-1]
    assert (last["action"], last["by"]) == ("publish", "review-350100") and last["at"]


async def test_the_words_of_an_empty_search_stand_in_the_form(site, clerk) -> None:
    answer = await page(site, "/drafts/new?q=%E5%8A%A0%E8%A3%85%E7%94%B5%E6%A2%AF", clerk)
    assert ">加装电梯</textarea>" in answer.text


@pytest.mark.parametrize("field", ["title", "demand", "obstacle", "measure", "result", "followup", "lead_dept",
                                   "coop_depts", "steps", "basis", "materials", "matter", "solidified"])  # fmt: skip
async def test_personal_data_in_any_field_is_never_stored(site, settings, clerk, field, caplog) -> None:
    answer = await call(site, "POST", "/drafts", clerk, json={**WRITTEN, field: PERSONAL},
                        headers={"Idempotency-Key": PERSONAL[:20].encode().hex()})  # fmt: skip
    assert answer.status_code == 201, answer.text
    assert {each["kind"] for each in answer.json()["removed"]} >= {"手机号", "身份证号"}
    (await page(site, answer.json()["location"], clerk)).raise_for_status()
    files = (path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file())
    kept = b"".join(files).decode("utf-8", "replace")
    for raw in ("王小明", "13812345678", "11010519491231002X"):
        assert raw not in kept + answer.text + caplog.text


@pytest.mark.parametrize("field", ["domain", "outcome", "received", "closed", "barriers", "handling", "channel"])
async def test_a_value_that_is_not_understood_is_told_by_field_without_being_quoted(site, clerk, field) -> None:
    answer = await call(site, "POST", "/drafts", clerk, json={**WRITTEN, field: PERSONAL})
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == [field]
    assert "王小明" not in answer.text and "138" not in answer.text


async def test_html_and_script_in_every_field_stay_text(site, settings, clerk, reviewer) -> None:
    texts = ("title", "demand", "obstacle", "measure", "result", "followup", "lead_dept", "coop_depts", "steps",
             "basis", "materials", "matter", "solidified")  # fmt: skip
    draft = await made(site, clerk, **dict.fromkeys(texts, EVIL_TEXT), submit=True)
    for path in (f"/draft/{draft['id']}", "/drafts", f"/review/{draft['id']}", "/review"):
        for cookies in (clerk, reviewer):
            text = (await page(site, path, cookies)).text
            assert "<script>alert" not in text and "<img src=x" not in text


async def test_the_longest_texts_are_taken_and_longer_ones_refused(site, clerk) -> None:
    long = {name: "办" * 10_000 for name in ("demand", "obstacle", "measure", "result", "followup")}
    draft = await made(site, clerk, **long)
    assert (await page(site, f"/draft/{draft['id']}", clerk)).status_code == 200
    answer = await call(site, "POST", "/drafts", clerk, json={**WRITTEN, "demand": "办" * 10_001})
    assert answer.status_code == 400 and answer.json()["fields"] == {"demand": "太长，至多 10000 字"}


@pytest.mark.parametrize("body", [
    "[]", "null", "{", '{"demand": 3}', '{"id": "aa11bb22cc33"}', '{"state": "published"}',
    '{"demand": "\\ud800办证"}', '{"steps": [{"date": {}}]}', '{"steps": [[]]}',
])  # fmt: skip
async def test_wild_bodies_are_refused_or_cleaned(site, clerk, body) -> None:
    answer = await call(site, "POST", "/drafts", clerk, content=body)
    assert answer.status_code in (201, 400)
    assert answer.json()["ok"] is (answer.status_code == 201)


async def test_nothing_is_not_a_draft_and_half_of_one_is_not_handed_in(site, clerk) -> None:
    assert (await call(site, "POST", "/drafts", clerk, json={"domain": "社保"})).json()["fields"].keys() == {"demand"}
    answer = await call(site, "POST", "/drafts", clerk, json={"demand": "只有诉求", "submit": True})
    assert answer.json()["fields"].keys() == {"measure"}
    draft = (await call(site, "POST", "/drafts", clerk, json={"demand": "只有诉求"})).json()
    assert (await call(site, "POST", f"/drafts/{draft['id']}/submit", clerk, json={})).status_code == 400


async def test_a_client_key_makes_a_submission_repeatable(site, clerk, stranger) -> None:
    key = {"Idempotency-Key": "ledger-7"}
    first = await call(site, "POST", "/drafts", clerk, json=WRITTEN, headers=key)
    again = await call(site, "POST", "/drafts", clerk, json=WRITTEN, headers=key)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    other = await call(site, "POST", "/drafts", clerk, json={**WRITTEN, "result": "别的"}, headers=key)
    assert other.status_code == 409
    elsewhere = await call(site, "POST", "/drafts", stranger, json=WRITTEN, headers=key)
    assert elsewhere.status_code == 201 and elsewhere.json()["id"] != first.json()["id"]


async def test_the_same_key_at_the_same_time_makes_one_draft(site, settings, clerk) -> None:
    key = {"Idempotency-Key": "at once"}
    answers = await asyncio.gather(*(call(site, "POST", "/drafts", clerk, json=WRITTEN, headers=key) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    with Store(settings) as store:
        assert len(list(store.drafts())) == 1


@pytest.mark.parametrize("stage", ["writing", "submitted", "returned"])
async def test_a_draft_of_another_hall_does_not_exist(site, settings, clerk, stranger, stage) -> None:
    draft = await made(site, clerk)
    with Store(settings) as store:
        submissions.move(store, draft["id"], stage)
    at = f"/drafts/{draft['id']}"
    tries = [("GET", at, None), ("PUT", at, WRITTEN), ("DELETE", at, None), ("POST", f"{at}/submit", {}),
             ("POST", f"{at}/submit", {"back": True})]  # fmt: skip
    for method, path, body in tries:
        answer = await call(site, method, path, stranger, **({} if body is None else {"json": body}))
        assert answer.status_code == 404, (method, path)
    assert (await page(site, f"/draft/{draft['id']}", stranger)).status_code == 404
    assert draft["id"] not in (await page(site, "/drafts", stranger)).text
    assert draft["id"] not in (await page(site, "/drafts?hall=350121", stranger)).text
    assert (await call(site, "GET", "/drafts?hall=350121", stranger)).json()["drafts"] == []


@pytest.mark.parametrize(
    "forged", ["aa11bb22cc33", "nothing00000", "..%2F..%2Fworkbench.db", "%27%20or%201=1--", "x" * 81]
)
async def test_forged_ids_lead_nowhere(site, clerk, reviewer, forged) -> None:
    for path, cookies in ((f"/draft/{forged}", clerk), (f"/review/{forged}", reviewer)):
        answer = await site.client.get(path, cookies=cookies, follow_redirects=True)  # Datasette spells %2F anew
        assert answer.status_code == 404
    for act, body in (("submit", {}), ("publish", {}), ("merge", {"into": FULL.id}), ("return", {"note": "改"})):
        answer = await call(site, "POST", f"/drafts/{forged}/{act}", reviewer, json=body)
        assert answer.status_code in (400, 403, 404)


@pytest.mark.parametrize("act, body", [("publish", {}), ("merge", {"into": FULL.id}), ("return", {"note": "改"})])
async def test_who_does_not_review_may_not_act(site, clerk, act, body) -> None:
    draft = await made(site, clerk, submit=True)
    assert (await call(site, "POST", f"/drafts/{draft['id']}/{act}", clerk, json=body)).status_code == 403
    assert (await call(site, "POST", f"/drafts/{draft['id']}/{act}", None, json=body)).status_code == 401


async def test_a_submitted_draft_is_changed_by_reviewers_or_taken_back(site, clerk, reviewer) -> None:
    draft = await made(site, clerk, submit=True)
    at = f"/drafts/{draft['id']}"
    assert (await call(site, "PUT", at, clerk, json=WRITTEN)).status_code == 409
    assert (await call(site, "DELETE", at, clerk)).status_code == 409
    assert "<textarea" not in (await page(site, f"/draft/{draft['id']}", clerk)).text
    assert (await call(site, "PUT", at, reviewer, json={"result": "装好了。"})).status_code == 200
    assert (await call(site, "POST", f"{at}/submit", reviewer, json={"back": True})).status_code == 403
    assert (await call(site, "POST", f"{at}/submit", clerk, json={"back": True})).status_code == 200
    assert (await call(site, "PUT", at, reviewer, json=WRITTEN)).status_code == 403
    assert (await call(site, "POST", f"{at}/publish", reviewer, json={})).status_code == 409
    assert (await call(site, "PUT", at, clerk, json={"result": "装好了，能用。"})).status_code == 200
    assert (await call(site, "GET", at, clerk)).json()["case"]["result"] == "装好了，能用。"
    assert (await call(site, "DELETE", at, clerk)).status_code == 200
    assert (await call(site, "GET", at, clerk)).status_code == 404


async def test_a_returned_draft_says_why_and_comes_again(site, settings, clerk, reviewer) -> None:
    draft = await made(site, clerk, submit=True)
    at = f"/drafts/{draft['id']}"
    answer = await call(site, "POST", f"{at}/return", reviewer, json={"note": "  "})
    assert answer.status_code == 400
    note = {"note": f"请写清依据，{PERSONAL}"}
    assert (await call(site, "POST", f"{at}/return", reviewer, json=note)).status_code == 200
    for path in ("/drafts", f"/draft/{draft['id']}"):
        text = (await page(site, path, clerk)).text
        assert "请写清依据" in text and "13812345678" not in text
    assert (await call(site, "POST", f"{at}/return", reviewer, json={"note": "再退"})).status_code == 409
    assert (await call(site, "POST", f"{at}/submit", clerk, json={})).status_code == 200
    with Store(settings) as store:
        assert submissions.of(store, draft["id"]).stage == "submitted"


async def test_a_draft_with_doubts_is_published_only_after_the_tick(site, settings, clerk, reviewer) -> None:
    draft = await made(site, clerk, submit=True)
    doubtful(settings, draft["id"])
    shown = (await page(site, f"/review/{draft['id']}", reviewer)).text
    assert 'class="doubt" id="doubt-1"' in shown and "已逐处核对，不含个人信息" in shown
    at = f"/drafts/{draft['id']}/publish"
    refused = await call(site, "POST", at, reviewer, json={})
    assert refused.status_code == 400 and "1 处存疑" in refused.json()["error"]
    assert (await call(site, "POST", at, reviewer, json={"cleared": True})).status_code == 200
    with Store(settings) as store:
        assert store.revisions(draft["id"])[-1]["note"] == "已逐处核对，不含个人信息"


async def test_saving_a_text_again_does_not_lose_its_doubt(site, settings, clerk, reviewer) -> None:
    draft = await made(site, clerk, submit=True)
    doubtful(settings, draft["id"])
    at = f"/drafts/{draft['id']}"
    answer = await call(site, "PUT", at, reviewer, json={"demand": "请看：申请人〔姓名1〕想加装电梯。"})
    assert answer.json()["doubts"] == 1
    answer = await call(site, "PUT", at, reviewer, json={"demand": "申请人想加装电梯。"})
    assert answer.json()["doubts"] == 0


async def test_who_looked_at_an_older_text_is_told(site, clerk, reviewer) -> None:
    draft = await made(site, clerk, submit=True)
    at = f"/drafts/{draft['id']}"
    changed = (await call(site, "PUT", at, reviewer, json={"result": "装好了。", "revision": draft["revision"]})).json()
    seen = {"revision": draft["revision"]}
    for act, body in (("publish", {}), ("return", {"note": "改"}), ("merge", {"into": FULL.id})):
        answer = await call(site, "POST", f"{at}/{act}", reviewer, json={**body, **seen})
        assert answer.status_code == 409, act
    assert (await call(site, "PUT", at, reviewer, json={**WRITTEN, **seen})).status_code == 409
    now = {"revision": changed["revision"]}
    assert (await call(site, "POST", f"{at}/publish", reviewer, json=now)).status_code == 200


async def test_of_reviewers_at_the_same_time_one_publishes(site, settings, clerk, reviewer) -> None:
    draft = await made(site, clerk, submit=True)
    at = f"/drafts/{draft['id']}/publish"
    answers = await asyncio.gather(*(call(site, "POST", at, reviewer, json={}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404, 404]
    with Store(settings) as store:
        assert [entry["action"] for entry in store.revisions(draft["id"])] == ["publish"]
        assert store.draft(draft["id"]) is None


async def test_who_comes_second_to_a_draft_is_told_what_happened(site, clerk, reviewer) -> None:
    draft = await made(site, clerk, submit=True)
    at = f"/drafts/{draft['id']}/publish"
    await call(site, "POST", at, reviewer, json={})
    second = (await call(site, "POST", at, reviewer, json={})).json()
    assert "已经入库" in second["error"] and "没有找到这一页" not in second["error"]


async def test_after_an_act_the_next_draft_opens(site, clerk, reviewer) -> None:
    first, second, third = [(await made(site, clerk, submit=True))["id"] for _ in range(3)]
    order = [line["id"] for line in (await call(site, "GET", "/drafts?stage=submitted", reviewer)).json()["drafts"]]
    assert sorted(order) == sorted([first, second, third])
    answer = await call(site, "POST", f"/drafts/{order[1]}/publish", reviewer, json={})
    assert answer.json()["location"] == f"/review/{order[2]}"
    answer = await call(site, "POST", f"/drafts/{order[2]}/return", reviewer, json={"note": "补依据"})
    assert answer.json()["location"] == f"/review/{order[0]}"


async def test_a_draft_may_be_kept_as_another_telling_of_the_same(site, settings, clerk, reviewer) -> None:
    draft = await made(site, clerk, submit=True)
    at = f"/drafts/{draft['id']}/publish"
    for wrong in ("nothing", draft["id"], "9999aaaa8888"):
        assert (await call(site, "POST", at, reviewer, json={"duplicate_of": wrong})).status_code == 400
    assert (await call(site, "POST", at, reviewer, json={"duplicate_of": FULL.id})).status_code == 200
    with Store(settings) as store:
        assert store.get(draft["id"]).duplicate_of == FULL.id


async def test_merging_adds_to_the_published_case_and_takes_the_draft_away(site, settings, clerk, reviewer) -> None:
    draft = await made(site, clerk, submit=True, barriers=["信息不一致", "互为前置"], accepted="2023-11-01")
    at = f"/drafts/{draft['id']}/merge"
    for wrong in ("nothing", draft["id"], "9999aaaa8888"):
        assert (await call(site, "POST", at, reviewer, json={"into": wrong})).status_code == 400
    assert (await call(site, "POST", at, reviewer, json={"into": REFUSED.id})).status_code == 200
    with Store(settings) as store:
        merged = store.get(REFUSED.id)
        assert store.draft(draft["id"]) is None and store.get(draft["id"]) is None
        last = store.revisions(REFUSED.id)[-1]
    assert merged.demand == REFUSED.demand and merged.accepted == "2023-11-01"
    assert merged.barriers == [*REFUSED.barriers, "信息不一致", "互为前置"]
    assert {"kind": "网页填报"} in merged.sources
    assert last["action"] == "publish" and draft["id"] in last["note"] and last["by"] == "review-350100"


async def test_a_published_case_is_revised_beside_itself(site, settings, clerk, stranger, reviewer) -> None:
    assert (await call(site, "POST", f"/cases/{FULL.id}/revise", stranger)).status_code == 403
    assert (await call(site, "POST", "/cases/9999aaaa8888/revise", reviewer)).status_code == 404
    answer = await call(site, "POST", f"/cases/{FULL.id}/revise", clerk)
    assert answer.json()["location"] == f"/draft/{FULL.id}"
    again = await call(site, "POST", f"/cases/{FULL.id}/revise", clerk)
    assert again.json()["location"] == f"/draft/{FULL.id}"
    saved = await call(site, "PUT", f"/drafts/{FULL.id}", clerk, json={"result": "第二天就通过了。", "submit": True})
    assert saved.json()["stage"] == "submitted"
    with Store(settings) as store:
        waiting, published = store.draft(FULL.id).case, store.get(FULL.id)
    assert published.result == FULL.result
    kept = {name: value for name, value in waiting.content().items() if name != "result"}
    assert kept == {name: value for name, value in published.content().items() if name != "result"}
    shown = (await page(site, f"/review/{FULL.id}", reviewer)).text
    assert "<ins>" in shown and "<del>" in shown
    assert (await call(site, "POST", f"/drafts/{FULL.id}/publish", reviewer, json={})).status_code == 200
    with Store(settings) as store:
        assert store.get(FULL.id).result == "第二天就通过了。"


async def test_a_revision_that_another_hall_began_is_not_shown(site, clerk, reviewer) -> None:
    assert (await call(site, "POST", f"/cases/{FULL.id}/revise", reviewer)).status_code == 200
    assert (await call(site, "POST", f"/cases/{FULL.id}/revise", clerk)).status_code == 409


async def test_withdrawing_asks_for_a_reason_and_leaves_a_tombstone(site, clerk, reviewer) -> None:
    at = f"/cases/{FULL.id}/withdraw"
    assert (await call(site, "POST", at, clerk, json={"reason": "依据废止"})).status_code == 403
    assert (await call(site, "POST", at, reviewer, json={"reason": " "})).status_code == 400
    assert (await call(site, "POST", at, reviewer, json={"reason": f"依据废止，{PERSONAL}"})).status_code == 200
    shown = await page(site, f"/case/{FULL.id}", clerk)
    assert shown.status_code == 410 and "依据废止" in shown.text and "13812345678" not in shown.text
    assert (await call(site, "POST", at, reviewer, json={"reason": "再来"})).status_code == 409
    assert (await call(site, "POST", "/cases/nothing/withdraw", reviewer, json={"reason": "没有"})).status_code == 404


async def test_a_case_is_published_even_if_the_index_fails(
    site, settings, clerk, reviewer, monkeypatch, caplog
) -> None:
    def broken(store: Store) -> None:
        raise RuntimeError(PERSONAL)

    monkeypatch.setattr(manager().hook, "kb_cases_changed", broken)
    draft = await made(site, clerk, submit=True)
    assert (await call(site, "POST", f"/drafts/{draft['id']}/publish", reviewer, json={})).status_code == 200
    assert "RuntimeError" in caplog.text and "王小明" not in caplog.text
    with Store(settings) as store:
        assert store.get(draft["id"]).state == "published"


async def test_a_draft_that_may_repeat_another_draft_leads_to_it(site, settings, reviewer) -> None:
    hall = {"code": "350121", "name": "闽侯县政务服务中心"}
    first = Case("0123456789aa", hall=hall, **WRITTEN)
    again = Case("0123456789ab", hall=hall, duplicate_of=first.id, **WRITTEN)
    with Store(settings) as store:
        store.save_drafts([Draft(first, []), Draft(again, [])], "ingest")
    text = (await page(site, f"/review/{again.id}", reviewer)).text
    assert f'href="/review/{first.id}">另一件草稿</a>可能是同一件事' in text
    assert "另一件草稿" not in (await page(site, f"/review/{first.id}", reviewer)).text


async def test_a_draft_of_ingest_waits_for_review(site, settings, clerk, reviewer) -> None:
    with Store(settings) as store:
        case = Case("0123456789ab", hall={"code": "350121", "name": "闽侯县政务服务中心"}, duplicate_of=FULL.id,
                    confidence={"domain": 0.7}, extra={"备注": "〔姓名1〕来过"}, **WRITTEN)  # fmt: skip
        homeless = Case("0123456789ac", demand="没有大厅的草稿")
        store.save_drafts([Draft(case, [Doubt("remarks", "姓名", 0, 5, "请核对")]), Draft(homeless, [])], "ingest")
    assert (await page(site, f"/draft/{case.id}", clerk)).status_code == 200
    assert (await page(site, f"/draft/{homeless.id}", clerk)).status_code == 404
    queue = (await page(site, "/review", reviewer)).text
    assert "个人信息存疑 1" in queue and "推断 1 项" in queue and "疑似重复" in queue and homeless.id in queue
    shown = (await page(site, f"/review/{case.id}", reviewer)).text
    assert 'class="doubt" id="doubt-1"' in shown and FULL.title in shown


async def test_pages_ask_for_a_login_and_writing_for_a_script_of_this_site(site, clerk) -> None:
    for path in ("/drafts", "/drafts/new", "/draft/x", "/review", "/review/x"):
        assert (await site.client.get(path)).status_code in (302, 303, 401), path
        assert (await page(site, path, clerk)).status_code in (200, 403, 404)
    posted = await site.client.post("/api/v1/drafts", json=WRITTEN, cookies=clerk)
    assert posted.status_code == 403


async def test_the_workbench_keeps_no_trace_of_a_deleted_text(site, settings, clerk) -> None:
    draft = await made(site, clerk)
    await call(site, "DELETE", f"/drafts/{draft['id']}", clerk)
    with sqlite3.connect(settings.workbench_path) as db:
        texts = [row[0] for row in db.execute("select data from revisions where case_id = ?", [draft["id"]])]
        left = db.execute("select count(*) from submissions").fetchone()
    assert texts == [None] and left == (0,)
    assert json.dumps(draft["removed"]) == "[]"
