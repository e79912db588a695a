"""A ledger dropped on the page, through the API: nothing personal is kept, nothing at all before it is confirmed."""

from __future__ import annotations

import asyncio
import io
import json
import os
import tracemalloc
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from datasette.app import Datasette

from ingest import isolated, web
from ingest.drafting import Hall
from ingest.isolated import Found, Job
from ingest.preview import marked
from ingest.uploads import Uploads, plain_name, rules
from kb import submissions
from kb.config import Settings, load
from kb.errors import Fault
from kb.privacy import Doubt
from kb.store import Store
from kb.web import serve

from ..people import call, sign_in
from ..sites import only

HEADER = ["编号", "收件日期", "申请人", "联系电话", "事项", "诉求内容", "未办成原因", "办理情况", "办结日期"]
HEADER += ["办理结果", "甲乙丙丁"]
ROWS = [
    ["A-1", "2024年3月4日", "覃玉兰", "13800138000", "不动产转移登记",
     "覃玉兰买的商品房，开发公司注销多年，登记窗口要求双方到场，电话13800138000", "开发企业已注销，无法共同申请",
     "住建局调取网签备案，公告期满后由登记中心单方受理", "2024年4月1日", "办成", "第三类"],
    ["A-2", "2024年5月6日", "欧阳建国", "13900139000", "养老待遇资格认证",
     "老人卧床，手机刷脸认证总是通不过", "人脸识别失败，没有线下渠道", "社保工作人员上门核验，当天恢复发放",
     "2024年5月7日", "办成", "第一类"],
]  # fmt: skip
PERSONAL = ("覃玉兰", "欧阳建国", "13800138000", "13900139000", "司徒雷生")


def ledger(rows: Sequence[Sequence[str]] = ROWS, title: str = "闽侯县办不成事台账") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "三月"
    sheet.append([title])
    sheet.append(HEADER)
    for row in rows:
        sheet.append(list(row))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def here(job: Job, tell: isolated.Tell, given_up: Callable[[], bool], seconds: float) -> Found:
    """Reads in this process, which is quicker."""
    return isolated.read(job, tell)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    data = tmp_path / "data"
    data.mkdir()
    (data / "kb.toml").write_text('[embedding]\nmodel = "fake"\n[access]\nupload_mb = 2\n', "utf-8")
    return load(data)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rooms(settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Uploads:
    made = Uploads(settings, here, clock)
    monkeypatch.setattr(web, "uploads", lambda _: made)
    return made


@pytest.fixture
def site(settings: Settings, rooms: Uploads) -> Iterator[Datasette]:
    with only("kb.web.plugin", "ingest.web"):
        yield serve.make_datasette(settings)


@pytest.fixture
def clerk(settings: Settings, site: Datasette) -> dict[str, str]:
    return sign_in(settings, "submit")


async def send(site: Datasette, who: dict[str, str], content: bytes, name: str = "台账.xlsx", **query: str) -> Any:
    headers = {"Content-Type": "application/octet-stream"}
    return await call(site, "POST", "/uploads", who, params={"name": name, **query}, content=content, headers=headers)


async def see(site: Datasette, who: dict[str, str], upload_id: str, query: str = "") -> dict[str, Any]:
    """The upload once it has been read."""
    async with asyncio.timeout(60):
        while True:
            answer = await call(site, "GET", f"/uploads/{upload_id}{query}", who)
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            if found["stage"] not in ("waiting", "reading"):
                return found
            await asyncio.sleep(0.02)


async def drop(site: Datasette, who: dict[str, str], content: bytes, name: str = "台账.xlsx", **query: str) -> Any:
    """Upload a file and wait for its preview."""
    answer = await send(site, who, content, name, **query)
    assert answer.status_code == 202, answer.text
    return await see(site, who, answer.json()["id"])


def stored(settings: Settings) -> dict[str, int]:
    """What an upload may add to, counted."""
    with Store(settings) as store:
        tables = ("drafts", "revisions", "case_keys", "traces", "submissions")
        return {name: store.workbench.table(name).count for name in tables}


async def test_a_ledger_is_shown_as_it_would_be_stored(site: Datasette, clerk: dict[str, str]) -> None:
    shown = await drop(site, clerk, ledger())
    (file,) = shown["files"]
    assert (shown["stage"], file["status"], file["rows"], shown["hall"]["code"]) == ("ready", "accepted", 2, "350121")
    columns = {column["column"]: column for column in file["columns"]}
    assert columns["诉求内容"]["label"] == "诉求" and "不保存" in columns["申请人"]["label"]
    assert columns["申请人"]["personal"] and not columns["诉求内容"]["personal"]
    assert columns["甲乙丙丁"]["field"] is None and columns["甲乙丙丁"]["label"] == ""
    assert shown["totals"] == {"cases": 2, "new": 2, "revised": 0, "same": 0, "duplicate": 0, "doubt": 0}
    assert shown["removed"]["姓名"] >= 1 and shown["removed"]["手机号"] >= 1
    first = shown["cases"][0]
    demand = next(field for field in first["fields"] if field["name"] == "demand")
    assert {"text": "〔姓名1〕", "mark": "removed"} in demand["text"]
    assert first["source"]["row"] == "3" and sum(first["removed"].values()) >= 2


async def test_nothing_is_stored_before_it_is_confirmed_nor_when_given_up(
    site: Datasette, clerk: dict[str, str], settings: Settings
) -> None:
    shown = await drop(site, clerk, ledger())
    assert set(stored(settings).values()) == {0}
    assert (await call(site, "DELETE", f"/uploads/{shown['id']}", clerk)).status_code == 200
    assert set(stored(settings).values()) == {0}
    assert (await call(site, "GET", f"/uploads/{shown['id']}", clerk)).status_code == 404
    assert (await call(site, "POST", f"/uploads/{shown['id']}/confirm", clerk)).status_code == 404


async def test_confirming_stores_drafts_that_wait_for_review_for_the_uploaders_hall(
    site: Datasette, clerk: dict[str, str], settings: Settings
) -> None:
    shown = await drop(site, clerk, ledger(title="阳谷县办不成事台账"), "阳谷县.xlsx")
    answer = await call(site, "POST", f"/uploads/{shown['id']}/confirm", clerk, json={"leave_out": [1]})
    assert answer.json() == {
        "ok": True, "location": "/drafts", "drafts": 1, "revisions": 0, "unchanged": 0, "left_out": 1,
    }  # fmt: skip
    with Store(settings) as store:
        (draft,) = store.drafts()
        given = submissions.of(store, draft.case.id)
    assert draft.case.source_no == "A-1" and draft.case.state == "draft"
    assert (given.stage, given.account, given.hall_code) == ("submitted", "submit-350121", "350121")


async def test_a_row_that_names_another_hall_keeps_it_and_is_still_the_uploaders_submission(
    site: Datasette, clerk: dict[str, str], settings: Settings
) -> None:
    header, rows = [*HEADER, "所属大厅"], [[*row, "山东省聊城市阳谷县政务服务中心"] for row in ROWS]
    text = "\n".join(",".join(cells) for cells in [header, *rows]).encode("utf-8-sig")
    shown = await drop(site, clerk, text, "台账.csv")
    await call(site, "POST", f"/uploads/{shown['id']}/confirm", clerk)
    with Store(settings) as store:
        drafts = list(store.drafts())
        assert {draft.case.hall["code"] for draft in drafts} == {"371521"}
        assert {submissions.of(store, draft.case.id).hall_code for draft in drafts} == {"350121"}


async def test_confirming_twice_gives_the_same_answer_and_stores_once(
    site: Datasette, clerk: dict[str, str], settings: Settings
) -> None:
    shown = await drop(site, clerk, ledger())
    first = await call(site, "POST", f"/uploads/{shown['id']}/confirm", clerk)
    counted = stored(settings)
    second = await call(site, "POST", f"/uploads/{shown['id']}/confirm", clerk)
    assert first.status_code == second.status_code == 200 and first.json() == second.json()
    assert stored(settings) == counted and counted["drafts"] == 2


async def test_the_same_ledger_again_is_unchanged_and_a_corrected_row_a_revision(
    site: Datasette, clerk: dict[str, str], settings: Settings
) -> None:
    first = await drop(site, clerk, ledger())
    await call(site, "POST", f"/uploads/{first['id']}/confirm", clerk)
    corrected = [ROWS[0], [*ROWS[1][:9], "部分办成", ROWS[1][10]]]
    shown = await drop(site, clerk, ledger(corrected))
    assert [one["change"] for one in shown["cases"]] == ["same", "revised"]
    assert shown["cases"][1]["earlier"]["location"].startswith("/draft/")
    answer = await call(site, "POST", f"/uploads/{shown['id']}/confirm", clerk)
    assert (answer.json()["revisions"], answer.json()["unchanged"]) == (1, 1)
    with Store(settings) as store:
        outcomes = {draft.case.source_no: draft.case.outcome for draft in store.drafts()}
    assert outcomes == {"A-1": "办成", "A-2": "部分办成"}


async def test_a_case_that_is_published_already_is_named_with_its_page(
    site: Datasette, clerk: dict[str, str], settings: Settings
) -> None:
    first = await drop(site, clerk, ledger())
    await call(site, "POST", f"/uploads/{first['id']}/confirm", clerk)
    with Store(settings) as store:
        store.publish([draft.case for draft in store.drafts()], "审核")
        original = next(case.id for case in store.published() if case.source_no == "A-1")
    again = ["SJ-9", "2024-03-05", *ROWS[0][2:4], "商品房过户",
             "市级转来：覃玉兰反映商品房开发公司注销，登记要求双方到场办不了", "开发企业注销，不能共同申请",
             "督促登记中心按单方申请受理", "2024-04-01", "办成", ""]  # fmt: skip
    shown = await drop(site, clerk, ledger([again]), "市级.xlsx")
    (one,) = shown["cases"]
    assert one["change"] == "new" and one["duplicate"]["location"] == f"/case/{original}"


async def test_drafts_of_another_hall_are_neither_shown_nor_changed(
    site: Datasette, clerk: dict[str, str], settings: Settings
) -> None:
    other = sign_in(settings, "submit", hall="430200")
    shown = await drop(site, other, ledger(title="闽侯县政务服务中心台账"))
    text = "\n".join(",".join([*cells, "福建省福州市闽侯县"]) for cells in ROWS)
    rows = f"{','.join([*HEADER, '所属大厅'])}\n{text}".encode("utf-8-sig")
    await call(site, "DELETE", f"/uploads/{shown['id']}", other)
    theirs = await drop(site, other, rows, "台账.csv")
    await call(site, "POST", f"/uploads/{theirs['id']}/confirm", other)
    with Store(settings) as store:
        before = {draft.case.id: draft.case.content() for draft in store.drafts()}
        keys = store.known_keys()
    ours = await drop(site, clerk, rows.replace("当天恢复发放".encode(), "次日恢复发放".encode()), "台账.csv")
    assert {(one["change"], one["duplicate"], one["earlier"]) for one in ours["cases"]} == {("new", None, None)}
    await call(site, "POST", f"/uploads/{ours['id']}/confirm", clerk)
    with Store(settings) as store:
        after = {draft.case.id: draft.case.content() for draft in store.drafts()}
        assert len(after) == 4 and before.items() <= after.items()
        assert keys.items() <= store.known_keys().items()
        assert {submissions.of(store, case_id).hall_code for case_id in before} == {"430200"}


async def test_what_somebody_else_stored_meanwhile_is_not_stored_twice(
    site: Datasette, clerk: dict[str, str], settings: Settings
) -> None:
    colleague = sign_in(settings, "submit", account="colleague")
    mine, theirs = await drop(site, clerk, ledger()), await drop(site, colleague, ledger())
    await call(site, "POST", f"/uploads/{theirs['id']}/confirm", colleague)
    answer = await call(site, "POST", f"/uploads/{mine['id']}/confirm", clerk)
    assert (answer.json()["drafts"], answer.json()["unchanged"]) == (0, 2)
    assert stored(settings)["drafts"] == 2


async def test_a_bad_row_is_named_with_sheet_and_row_and_the_rest_is_usable(
    site: Datasette, clerk: dict[str, str]
) -> None:
    shown = await drop(site, clerk, ledger([ROWS[0], ["A-2", "2024年2月31日", *ROWS[1][2:]]]))
    (file,) = shown["files"]
    (problem,) = file["problems"]
    assert file["status"] == "partial" and (problem["sheet"], problem["row"]) == ("三月", "4")
    assert "日期" in problem["message"] and shown["totals"]["new"] == 2


@pytest.mark.parametrize(
    ("content", "name", "word"),
    [
        (b"", "空.xlsx", "空的"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 50, "照片.xlsx", "图片"),
        (b"%PDF-1.4 ...", "文件.pdf", "PDF"),
        (b"MZ\x90\x00", "台账.exe", "程序文件"),
        (b"hello", "台账.bin", "不支持"),
    ],
)
async def test_a_wrong_file_is_refused_at_once_with_the_reason(
    site: Datasette, clerk: dict[str, str], rooms: Uploads, content: bytes, name: str, word: str
) -> None:
    answer = await send(site, clerk, content, name)
    assert answer.status_code == 400 and word in answer.json()["error"]
    assert list(rooms.folder.iterdir()) == []
    assert (await call(site, "GET", "/uploads", clerk)).json() == {"uploads": []}


async def test_a_bomb_or_a_broken_package_is_refused_with_the_reason(site: Datasette, clerk: dict[str, str]) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        package.writestr("xl/workbook.xml", "<workbook/>")
        package.writestr("xl/worksheets/sheet1.xml", b"0" * 150_000_000)
    bomb = await drop(site, clerk, stream.getvalue())
    assert bomb["stage"] == "refused" and "大得不正常" in bomb["reason"]
    broken = await drop(site, clerk, b"PK\x03\x04 not a workbook")
    assert broken["stage"] == "refused" and "损坏" in broken["reason"]
    assert (await call(site, "POST", f"/uploads/{bomb['id']}/confirm", clerk)).status_code == 409


def test_placeholders_and_doubtful_places_are_told_apart() -> None:
    pieces = marked("请找〔姓名1〕，电话〔手机号〕。", [Doubt("demand", "姓名", 2, 7, "可能是地名")])
    assert pieces == [
        {"text": "请找"}, {"text": "〔姓名1〕", "mark": "doubt", "why": "可能是地名"}, {"text": "，电话"},
        {"text": "〔手机号〕", "mark": "removed"}, {"text": "。"},
    ]  # fmt: skip


async def test_a_zip_of_ledgers_is_shown_file_by_file(site: Datasette, clerk: dict[str, str]) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as package:
        package.writestr("一.xlsx", ledger(ROWS[:1]))
        package.writestr("二.xlsx", ledger(ROWS[1:]))
        package.writestr("空.xlsx", b"")
    shown = await drop(site, clerk, stream.getvalue(), "汇总.zip")
    statuses = {file["file"].rpartition("/")[2]: file["status"] for file in shown["files"]}
    assert statuses == {"一.xlsx": "accepted", "二.xlsx": "accepted", "空.xlsx": "rejected"}
    assert shown["totals"]["new"] == 2


async def test_too_large_a_file_is_refused_without_being_read_whole(
    site: Datasette, clerk: dict[str, str], rooms: Uploads
) -> None:
    declared = await send(site, clerk, b"0" * 2_000_001)
    assert declared.status_code == 413 and "2 MB" in declared.json()["error"]

    async def undeclared() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"0" * 100_000

    answer = await call(site, "POST", "/uploads", clerk, params={"name": "a.xlsx"}, content=undeclared())
    assert answer.status_code == 413 and list(rooms.folder.iterdir()) == []


async def test_a_file_is_streamed_to_the_disk_for_its_owner_alone(rooms: Uploads, clerk: dict[str, str]) -> None:
    size, seen = 40_000_000, []

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(size // 100_000):
            yield bytes(100_000)
        (raw,) = rooms.folder.glob("*/raw*")
        seen.append((raw.stat().st_mode & 0o777, raw.parent.stat().st_mode & 0o777))

    actor = {"id": "a", "roles": [], "hall_code": ""}
    tracemalloc.start()
    try:
        with pytest.raises(Fault):
            await rooms.receive(actor, Hall("350121", "闽侯县"), "台账.bin", parts())
        assert tracemalloc.get_traced_memory()[1] < size / 10
    finally:
        tracemalloc.stop()
    assert seen == [(0o600, 0o700)] and list(rooms.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("../../etc/passwd.xlsx", "passwd.xlsx"),
        ("C:\\Users\\某人\\台账.xlsx", "台账.xlsx"),
        ("台\x00账\r\n.xlsx", "台账.xlsx"),
        ("..", "未命名"),
        ("", "未命名"),
        (".xlsx", "未命名.xlsx"),
        ("账" * 300 + ".xlsx", "账" * 100 + ".xlsx"),
        ("\u202excod.台账.xlsx", "xcod.台账.xlsx"),
    ],
)
def test_a_name_is_no_path_and_of_sensible_length(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@pytest.mark.parametrize("name", ["../../../../tmp/x.xlsx", "a\x00b.xlsx", "账" * 300 + ".xlsx"])
async def test_tricks_in_a_name_change_nothing_about_where_it_lies(
    site: Datasette, clerk: dict[str, str], name: str
) -> None:
    shown = await drop(site, clerk, ledger(), name)
    assert shown["stage"] == "ready" and "/" not in shown["name"] and len(shown["name"]) <= 105


async def test_an_upload_of_another_account_is_not_there(
    site: Datasette, clerk: dict[str, str], settings: Settings
) -> None:
    shown = await drop(site, clerk, ledger())
    for other in (sign_in(settings, "submit", account="colleague"), sign_in(settings, "review")):
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/confirm")):
            answer = await call(site, method, f"/uploads/{shown['id']}{path}", other)
            missing = await call(site, method, f"/uploads/none{path}", other)
            assert answer.status_code == 404 and answer.json() == missing.json()
        assert (await call(site, "GET", "/uploads", other)).json() == {"uploads": []}
    assert (await see(site, clerk, shown["id"]))["stage"] == "ready"


async def test_windows_may_not_upload_and_nobody_for_another_hall_but_reviewers(
    site: Datasette, clerk: dict[str, str], settings: Settings
) -> None:
    assert (await send(site, {}, ledger())).status_code == 401
    assert (await send(site, sign_in(settings, "window"), ledger())).status_code == 403
    assert (await send(site, clerk, ledger(), hall="370881")).status_code == 403
    reviewer = sign_in(settings, "review")
    assert (await send(site, reviewer, ledger(), hall="999999")).status_code == 400
    shown = await drop(site, reviewer, ledger(), hall="370881")
    await call(site, "POST", f"/uploads/{shown['id']}/confirm", reviewer)
    with Store(settings) as store:
        assert {submissions.of(store, draft.case.id).hall_code for draft in store.drafts()} == {"370881"}


async def test_what_is_left_out_must_be_in_the_preview_and_not_be_everything(
    site: Datasette, clerk: dict[str, str], settings: Settings
) -> None:
    shown = await drop(site, clerk, ledger())
    for leave_out in ([7], [-1], [0, 1]):
        answer = await call(site, "POST", f"/uploads/{shown['id']}/confirm", clerk, json={"leave_out": leave_out})
        assert answer.status_code == 400
    assert set(stored(settings).values()) == {0}


async def test_previews_expire_and_only_so_many_may_wait(
    site: Datasette, clerk: dict[str, str], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rules()["limits"], "pending_per_account", 1)
    shown = await drop(site, clerk, ledger())
    refused = await send(site, clerk, ledger())
    assert refused.status_code == 429 and "确认或放弃" in refused.json()["error"]
    clock.now = rules()["limits"]["expire_minutes"] * 60 + 1
    gone = await call(site, "GET", f"/uploads/{shown['id']}", clerk)
    assert gone.status_code == 404 and "没有保存任何内容" in gone.json()["error"]
    assert (await drop(site, clerk, ledger()))["stage"] == "ready"


async def test_more_cases_than_a_page_can_show_are_refused(
    site: Datasette, clerk: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rules()["limits"], "cases", 1)
    shown = await drop(site, clerk, ledger())
    assert shown["stage"] == "refused" and "2 件" in shown["reason"]


async def test_cases_are_given_in_parts_and_by_kind(site: Datasette, clerk: dict[str, str]) -> None:
    shown = await drop(site, clerk, ledger())
    part = await see(site, clerk, shown["id"], "?offset=1&limit=1")
    assert [one["number"] for one in part["cases"]] == [1] and part["found"] == 2
    assert (await see(site, clerk, shown["id"], "?show=revised"))["cases"] == []


async def test_nothing_personal_is_left_anywhere(
    site: Datasette, clerk: dict[str, str], settings: Settings, rooms: Uploads, caplog: pytest.LogCaptureFixture
) -> None:
    name = "司徒雷生13800138000的台账.xlsx"
    shown = await drop(site, clerk, ledger(), name)
    listed = await call(site, "GET", "/uploads", clerk)
    waiting = repr(rooms.of({"id": "submit-350121"})[0].found)
    answer = await call(site, "POST", f"/uploads/{shown['id']}/confirm", clerk)
    kept = {str(path): path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file()}
    told = {"preview": json.dumps(shown, ensure_ascii=False), "list": listed.text, "answer": answer.text,
            "log": caplog.text, "memory": waiting}  # fmt: skip
    assert [name for name, content in kept.items() if any(word.encode() in content for word in PERSONAL)] == []
    assert [name for name, text in told.items() if any(word in text for word in PERSONAL)] == []
    assert list(rooms.folder.iterdir()) == [] and shown["name"].endswith("的台账.xlsx")


def test_what_a_server_that_was_cut_off_left_is_removed_at_the_next_start(settings: Settings) -> None:
    left = settings.data_dir / "incoming" / "x"
    left.mkdir(parents=True)
    (left / "raw.xlsx").write_bytes(ledger())
    Uploads(settings, here)
    assert not left.exists()


async def test_an_unforeseen_error_while_reading_is_told_without_values_and_stops_nobody(
    site: Datasette, clerk: dict[str, str], rooms: Uploads, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Found:
        raise ValueError(PERSONAL[0])

    rooms._run = broken
    shown = await drop(site, clerk, ledger())
    assert shown["stage"] == "refused" and "意外" in shown["reason"]
    rooms._run = here
    assert (await drop(site, clerk, ledger()))["stage"] == "ready"
    assert "ValueError" in caplog.text and "覃玉兰" not in caplog.text


# The process of its own


def job(settings: Settings, folder: Path, content: bytes) -> Job:
    path = folder / "raw.xlsx"
    path.write_bytes(content)
    actor = {"id": "a", "hall_code": "350121", "roles": ["submit"], "scopes": None}
    return Job(settings, path, "台账.xlsx", Hall("350121", "闽侯县"), actor, 100)


def test_a_file_is_read_in_a_process_of_its_own_and_removed(settings: Settings, tmp_path: Path) -> None:
    Store(settings).close()
    one, steps = job(settings, tmp_path, ledger()), []
    found = isolated.run(one, lambda *step: steps.append(step), lambda: False, 120)
    assert [len(file.items) for file in found.files] == [2] and not one.path.exists()
    assert steps[0][0] == "open" and ("redact", 2, 2) in steps


def test_reading_that_is_given_up_or_takes_too_long_ends(settings: Settings, tmp_path: Path) -> None:
    one = job(settings, tmp_path, ledger())
    with pytest.raises(Fault):
        isolated.run(one, lambda *_: None, lambda: True, 120)
    with pytest.raises(Fault, match="太久"):
        isolated.run(one, lambda *_: None, lambda: False, 0)


def test_a_reader_that_kills_its_process_is_a_message(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolated, "_child", _dies)
    with pytest.raises(Fault, match="意外"):
        isolated.run(job(settings, tmp_path, ledger()), lambda *_: None, lambda: False, 120)


def _dies(*_: Any) -> None:
    os._exit(9)
