"""Contracts of the command line: help, exit status, JSON alone on stdout, Chinese messages on stderr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest

from ingest import commands as commands_of_ingest
from kb import cli, submissions
from kb.config import Settings
from kb.model import Case
from kb.plugins import manager
from kb.store import Draft, Store
from search.insight import classes

README = Path(__file__).resolve().parents[1] / "README.md"
MEASURE = "住建局调取备案，公告期满后登记中心单方受理"
LEDGER = (
    "编号,收件日期,申请人,事项,诉求内容,未办成原因,办理情况,办结日期,办理结果\n"
    f"A-1,2024-03-04,覃玉兰,不动产转移登记,覃玉兰买的房开发公司注销了办不了证,开发企业已注销,{MEASURE},2024-04-01,办成\n"
    "A-2,2024-13-45,某某,养老待遇资格认证,老人刷脸认证总是通不过,人脸识别失败,上门核验,2024-05-07,办成\n"
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "kb.toml").write_text('[embedding]\nmodel = "fake"\n', "utf-8")
    return folder


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "台账.csv"
    path.write_text(LEDGER, "utf-8")
    return path


@pytest.fixture
def kb(data: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Any:
    def run(*args: str) -> tuple[int, bytes, str]:
        with pytest.raises(SystemExit) as stop:
            cli.main(["--data", str(data), *args])
        out, err = capfdbinary.readouterr()
        return int(stop.value.code or 0), out, err.decode()

    return run


def commands() -> dict[str, click.Command]:
    manager().hook.kb_register_commands(cli=cli.cli)
    return cli.cli.commands


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_has_help_with_an_example_and_stands_in_the_readme(name: str, kb: Any) -> None:
    code, out, _ = kb(name, "--help")
    text = out.decode()
    assert code == 0 and "用法：kb" in text and f"例：kb {name}" in " ".join(text.split())
    assert f"kb {name}" in README.read_text("utf-8")
    assert all(option.help for option in commands()[name].params if isinstance(option, click.Option))


def test_the_demo_proposes_classes_and_says_so(
    kb: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "demo" / "files").mkdir(parents=True)
    (tmp_path / "demo" / "searches.yml").write_text("searches: [公积金]\n", "utf-8")
    row = "B-1,2024-03-04,某某,社保卡注销,想注销社保卡,两地系统不互通,协调两地办成,2024-04-01,办成\n"
    (tmp_path / "demo" / "files" / "370881.csv").write_text(LEDGER.splitlines(True)[0] + row, "utf-8")
    monkeypatch.setattr(commands_of_ingest, "DEMO", tmp_path / "demo")
    code, _, err = kb("demo", "--no-serve")
    with Store(Settings(data, embedding_model="fake")) as store:
        assert classes.begun(store) and f"归成了 {len(classes.classes(store))} 类" in err
    assert code == 0


def test_ingest_reports_as_the_contract_says(kb: Any, ledger: Path, tmp_path: Path) -> None:
    report = tmp_path / "报告.json"
    code, out, err = kb("ingest", str(ledger), "--hall", "370881", "--publish", "--report", str(report), "--json")
    assert code == 1  # one date could not be used
    found = json.loads(out)
    assert found == json.loads(report.read_text("utf-8"))
    (file,) = found["files"]
    assert set(file) >= {"file", "status", "reason", "rows", "cases", "revisions", "duplicates", "redactions",
                         "held_back", "columns", "problems"}  # fmt: skip
    assert (file["file"], file["status"], file["rows"], file["cases"]) == ("台账.csv", "partial", 2, 2)
    assert file["columns"]["未办成原因"] == "obstacle"
    assert file["problems"] == [{"sheet": "", "row": "3", "message": file["problems"][0]["message"]}]
    halls = {json.loads(line)["hall"]["name"] for line in kb("export")[1].splitlines()}
    assert halls == {"曲阜市"}
    assert "导入结果" in err and "覃玉兰" not in err + out.decode()


def test_a_file_that_names_no_hall_is_taken_with_a_notice(kb: Any, ledger: Path) -> None:
    (file,) = json.loads(kb("ingest", str(ledger), "--json")[1])["files"]
    assert file["cases"] == 2 and any("--hall" in p["message"] and not p["row"] for p in file["problems"])


def test_from_draft_to_library_and_out_again(kb: Any, ledger: Path) -> None:
    kb("ingest", str(ledger))
    drafts = json.loads(kb("review", "--json")[1])
    assert {draft["state"] for draft in drafts} == {"draft"} and all("doubts" in draft for draft in drafts)
    assert kb("publish", "--all")[0] == 0
    exported = [json.loads(line) for line in kb("export", "--state", "published")[1].splitlines()]
    assert [set(case) for case in exported] == [set(Case(id="").to_dict())] * 2
    case_id = next(case["id"] for case in exported if case["source_no"] == "A-1")
    found = json.loads(kb("search", "开发商注销了办不了证", "--json")[1])
    assert found["results"][0]["id"] == case_id
    assert kb("withdraw", case_id, "--reason", "依据已废止")[0] == 0
    assert [json.loads(line)["id"] for line in kb("export", "--state", "withdrawn")[1].splitlines()] == [case_id]
    left = json.loads(kb("search", "开发商注销了办不了证", "--json")[1])
    assert case_id not in [result["id"] for result in left["results"]]


def test_publishing_all_leaves_what_is_still_being_written(kb: Any, data: Path) -> None:
    stages = (submissions.WRITING, submissions.RETURNED, submissions.SUBMITTED)
    with Store(Settings(data)) as store:
        store.save_drafts([Draft(Case(f"0000000000a{at}", demand="想办执照"), []) for at in range(3)], "测试")
        for at, stage in enumerate(stages):
            submissions.put(store, [f"0000000000a{at}"], stage, "owner", "350121")
    listed = json.loads(kb("review", "--json")[1])
    assert [(each["stage"], each["owner_hall"]) for each in listed] == [(stage, "350121") for stage in stages]
    assert kb("publish", "--all")[0] == 0
    with Store(Settings(data)) as store:
        assert [case.id for case in store.published()] == ["0000000000a2"]



@pytest.mark.parametrize(("form", "start"), [("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK")])
def test_exports_to_a_file(kb: Any, ledger: Path, tmp_path: Path, form: str, start: bytes) -> None:
    kb("ingest", str(ledger))
    target = tmp_path / f"案例.{form}"
    assert kb("export", "--format", form, "-o", str(target))[:2] == (0, b"")
    assert target.read_bytes().startswith(start)


def test_export_gives_each_case_once_even_while_a_correction_waits(kb: Any, ledger: Path) -> None:
    kb("ingest", str(ledger), "--publish")
    ledger.write_text(LEDGER.replace(MEASURE, MEASURE + "并发证"), "utf-8")
    kb("ingest", str(ledger))
    ids = [json.loads(line)["id"] for line in kb("export")[1].splitlines()]
    assert len(ids) == len(set(ids)) == 2


def test_doctor_of_a_library_and_of_nothing(kb: Any, ledger: Path) -> None:
    code, out, _ = kb("doctor", "--json")
    assert code == 1 and not json.loads(out)[0]["ok"]
    kb("ingest", str(ledger), "--publish")
    code, out, _ = kb("doctor", "--json")
    assert code == 0 and all(check["ok"] for check in json.loads(out))


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["ingest"], 2, "缺少"),
        (["ingest", "没有的文件.xlsx"], 2, "找不到文件"),
        (["ingest", ".", "--hall", "12"], 2, "区划码 12 不在"),
        (["search", "x", "--nonsense"], 2, "没有选项 --nonsense"),
        (["nonsense"], 2, "没有命令"),
        (["publish"], 2, "请给出草稿编号"),
        (["publish", "ffff"], 1, "没有编号为 ffff 的草稿"),
        (["withdraw", "ffff", "--reason", "误"], 1, "没有编号为 ffff"),
        (["withdraw", "ffff", "--reason", " "], 1, "理由"),
        (["review", "ffff"], 1, "没有编号为 ffff"),
        (["export", "--format", "pdf"], 2, "--format"),
    ],
)
def test_wrong_usage_is_explained_in_chinese(kb: Any, args: list[str], code: int, words: str) -> None:
    got, out, err = kb(*args)
    assert (got, out) == (code, b"") and words in err and "Traceback" not in err


def test_doubtful_drafts_need_a_person(kb: Any, data: Path) -> None:
    from kb.config import Settings
    from kb.privacy import Doubt
    from kb.store import Draft, Store

    with Store(Settings(data)) as store:
        doubt = Doubt("demand", "姓名", 0, 2, "像是人名")
        store.save_drafts([Draft(Case(id="d1", demand="某人来办证"), [doubt])], "甲")
    assert "存疑" in kb("review", "d1")[1].decode()
    assert kb("publish", "d1")[0] == 1
    assert "另有 1 件存疑" in kb("publish", "--all")[2]
    assert kb("publish", "d1", "--cleared")[0] == 0


def test_an_unforeseen_error_shows_its_kind_only(kb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KB_DEBUG", raising=False)
    monkeypatch.setattr("kb.health.checks", lambda _: 1 / 0)
    code, out, err = kb("doctor")
    assert (code, out) == (1, b"") and "ZeroDivisionError" in err and "Traceback" not in err


def test_a_broken_settings_file_is_named(kb: Any, data: Path) -> None:
    (data / "kb.toml").write_text("model = ", "utf-8")
    code, _, err = kb("doctor")
    assert code == 1 and "kb.toml" in err
