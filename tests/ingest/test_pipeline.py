"""Files walk into the library: once, again, corrected, with doubts, with bad rows; nothing half-written."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ingest import pipeline
from ingest.drafting import Hall
from kb.config import Settings
from kb.model import Case
from kb.store import Store
from search.embedder.fake import FakeEmbedder

HEADER = ["编号", "收件日期", "申请人", "联系电话", "事项", "诉求内容", "未办成原因"]
HEADER += ["办理情况", "办结日期", "办理结果"]
ROWS = [
    ["A-1", "2024年3月4日", "覃玉兰", "13800138000", "不动产转移登记",
     "覃玉兰买的商品房，开发公司注销多年，登记窗口要求双方到场", "开发企业已注销，无法共同申请",
     "住建局调取网签备案，公告期满后由登记中心单方受理", "2024年4月1日", "办成"],
    ["A-2", "2024年5月6日", "欧阳建国", "13900139000", "养老待遇资格认证",
     "老人卧床，手机刷脸认证总是通不过", "人脸识别失败，没有线下渠道", "社保工作人员上门核验，当天恢复发放",
     "2024年5月7日", "办成"],
]  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    data = tmp_path / "data"
    data.mkdir()
    (data / "kb.toml").write_text('[embedding]\nmodel = "fake"\n', "utf-8")
    with Store(Settings(data, embedding_model="fake")) as opened:
        yield opened


def ledger(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


def ingest(store: Store, *paths: Path, publish: bool = True) -> pipeline.FileReport:
    hall = Hall("370881", "曲阜市")
    report = pipeline.ingest(store, paths, FakeEmbedder().encode_passages, hall=hall, publish=publish)
    return report.files[0]


def published(store: Store) -> dict[str, Case]:
    return {case.source_no: case for case in store.published()}


def test_rows_become_published_cases(store: Store, tmp_path: Path) -> None:
    report = ingest(store, ledger(tmp_path / "台账.csv", ROWS))
    assert (report.status, report.rows, report.cases, report.held_back) == ("accepted", 2, 2, 0)
    case = published(store)["A-1"]
    assert (case.received, case.closed, case.outcome) == ("2024-03-04", "2024-04-01", "办成")
    assert case.hall == {"code": "370881", "name": "曲阜市"} and case.region["city"] == "济宁市"
    assert case.source["row"] == "2" and case.working_days == 20
    assert case.barriers and case.domain == "不动产登记" and "domain" in case.confidence


def test_persons_leave_no_trace_in_the_library(store: Store, tmp_path: Path) -> None:
    ingest(store, ledger(tmp_path / "台账.csv", ROWS))
    text = json.dumps([case.to_dict() for case in store.published()], ensure_ascii=False)
    assert "〔姓名1〕" in text
    assert not any(word in text for word in ("覃玉兰", "欧阳建国", "13800138000"))


def test_the_same_file_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    path = ledger(tmp_path / "台账.csv", ROWS)
    ingest(store, path)
    version = store.version()
    report = ingest(store, path)
    assert (report.unchanged, report.revisions) == (2, 0) and store.version() == version


def test_a_corrected_row_is_a_revision_of_its_case(store: Store, tmp_path: Path) -> None:
    path = ledger(tmp_path / "台账.csv", ROWS)
    ingest(store, path)
    corrected = [ROWS[0], [*ROWS[1][:-1], "部分办成"]]
    report = ingest(store, ledger(path, corrected))
    assert (report.unchanged, report.revisions) == (1, 1)
    case = published(store)["A-2"]
    assert case.outcome == "部分办成"
    first, second = store.revisions(case.id)
    assert first["changed"] == [] and "outcome" in second["changed"] and "measure" not in second["changed"]


def test_a_persons_edit_survives_the_same_file(store: Store, tmp_path: Path) -> None:
    path = ledger(tmp_path / "台账.csv", ROWS)
    ingest(store, path)
    edited = published(store)["A-1"]
    edited.title = "窗口人员改过的标题"
    store.publish([edited], "窗口")
    ingest(store, path)
    assert published(store)["A-1"].title == "窗口人员改过的标题"


def test_without_publish_there_are_only_drafts_until_they_are_asked_for(store: Store, tmp_path: Path) -> None:
    path = ledger(tmp_path / "台账.csv", ROWS)
    ingest(store, path, publish=False)
    assert (len(list(store.drafts())), len(published(store))) == (2, 0)
    ingest(store, path)
    assert (len(list(store.drafts())), len(published(store))) == (0, 2)


def test_the_same_case_in_another_ledger_is_linked_not_deleted(store: Store, tmp_path: Path) -> None:
    city = ["SJ-9", "2024-03-05", "覃玉兰", "13800138000", "商品房过户",
            "市级转来：覃玉兰反映商品房开发公司注销，登记要求双方到场办不了", "开发企业注销，不能共同申请",
            "督促登记中心按单方申请受理", "2024-04-01", "办成"]  # fmt: skip
    ingest(store, ledger(tmp_path / "台账.csv", ROWS))
    report = ingest(store, ledger(tmp_path / "市级.csv", [city]))
    cases = published(store)
    assert report.duplicates == 1 and len(cases) == 3
    assert cases["SJ-9"].duplicate_of == cases["A-1"].id


def test_an_unreadable_date_is_reported_with_its_row_and_the_rest_is_kept(store: Store, tmp_path: Path) -> None:
    bad = [ROWS[0], [ROWS[1][0], "2024年2月31日", *ROWS[1][2:]]]
    report = ingest(store, ledger(tmp_path / "台账.csv", bad))
    assert report.status == "partial" and report.cases == 2
    assert [problem["row"] for problem in report.problems] == ["3"]
    assert published(store)["A-2"].received == ""


def test_a_column_that_is_not_understood_is_reported_and_kept(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "台账.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([[*HEADER, "甲乙丙丁"], [*ROWS[0], "第三类第五项"], [*ROWS[1], "第二类第七项"]])
    report = ingest(store, path)
    assert report.columns["甲乙丙丁"] is None
    assert published(store)["A-1"].extra["甲乙丙丁"] == "第三类第五项"


def test_an_unusable_file_is_refused_and_the_others_are_taken(store: Store, tmp_path: Path) -> None:
    bad = tmp_path / "空.xlsx"
    bad.write_bytes(b"")
    good = ledger(tmp_path / "台账.csv", ROWS)
    report = pipeline.ingest(store, [bad, good], FakeEmbedder().encode_passages, publish=True)
    assert {file.file: file.status for file in report.files} == {"空.xlsx": "rejected", "台账.csv": "accepted"}
    assert report.files[0].reason and not report.complete


def test_an_ingest_that_is_cut_off_leaves_whole_files_only(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ledger(tmp_path / "台账.csv", ROWS)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "remember", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            ingest(store, path)
    report = ingest(store, path)
    assert (report.unchanged, len(published(store)), len(list(store.drafts()))) == (2, 2, 0)


def test_a_fix_comes_back_from_an_export_as_it_was(store: Store, tmp_path: Path) -> None:
    fix = {"kind": "流程", "text": "建设单位注销的，由登记中心单方受理。", "date": "2021-01-01"}
    case = Case("0" * 12, demand=ROWS[0][5], obstacle=ROWS[0][6], measure=ROWS[0][7], outcome="办成", solidified=fix)
    bare = Case("1" * 12, demand=ROWS[1][5], obstacle=ROWS[1][6], measure=ROWS[1][7], outcome="办成")
    path = tmp_path / "导出.jsonl"
    lines = (json.dumps(each.to_dict(), ensure_ascii=False) for each in (case, bare))
    path.write_text("\n".join(lines), "utf-8")
    ingest(store, path)
    assert {each.obstacle: each.solidified for each in store.published()} == {case.obstacle: fix, bare.obstacle: {}}
