"""Who waits for whom, as invented sentences tell it; what tells nothing of the kind; circles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kb.config import Settings
from kb.model import Case
from kb.store import Store
from search.insight.prerequisites import graph, node_of, prerequisites, settings, waits

from .insights import case, ids, publish

FIRE, POLICE, TOURISM = "消防救援机构", "公安局", "文化和旅游局"
MARKET, LAND, HOUSING = "市场监督管理局", "自然资源和规划局", "住房和城乡建设局"


def told(text: str, field: str = "obstacle") -> set[tuple[str, str]]:
    return {(wait.waiter, wait.needs) for wait, _, _ in waits(Case.from_dict({"id": "x", field: text}))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("公安窗口说要先看消防验收单才收件。", {(POLICE, FIRE)}),
        ("民政让先办消防手续，消防说没有民政的批复不受理。", {("民政局", FIRE), (FIRE, "民政局")}),
        ("住建局答复：必须先取得规划许可，才能核发施工许可证。", {(HOUSING, LAND)}),
        ("没有营业执照，税务不给开票。", {("税务局", MARKET)}),
        ("教体局要求以消防合格意见为前置条件。", {("教育和体育局", FIRE)}),
        ("市场监管的口径是没有环评手续不能登记。", {(MARKET, "生态环境局")}),
        ("银行要有不动产证才肯放款。", {("银行", "不动产登记中心")}),
        ("消防与文旅互为前提，谁也不先出手续。", {(FIRE, TOURISM), (TOURISM, FIRE)}),
        ("公安说要文旅先备案，文旅说要公安先同意。", {(POLICE, TOURISM), (TOURISM, POLICE)}),
        ("交通说要船检和消防验收，缺一样都不收。", {("交通运输局", "港航事业发展中心"), ("交通运输局", FIRE)}),
        ("人社说社保没销户就不办减员。", {("人力资源和社会保障局", "社会保险事业中心")}),
        ("水利窗口须先见到林地手续再审批。", {("水利局", "林业和草原局")}),
        ("税务、社保两边都说要等对方先销。", set()),
        ("税务说要先等社保，社保说要先等税务，两家都让先找对方。",
         {("税务局", "社会保险事业中心"), ("社会保险事业中心", "税务局")}),
    ],
)  # fmt: skip
def test_sentences_that_tell_who_waits_for_whom(text: str, expected: set[tuple[str, str]]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "向市人民政府反映开发商没有办网签，业主无法入住。",
        "当事人说先去银行取了钱才来的。",
        "消防、文旅、公安三家互为前置，谁都不肯先收件。",
        "公安局不再要求先提供居住证。",
        "无需先办消防验收，教体即可受理。",
        "窗口说再补一份雇员名册就行。",
        "材料不齐，来回跑了三趟。",
        "派出所的民警和社区一起上门核实。",
        "市监窗口说照片不清楚，让重拍。",
        "税务让他先把上月的申报补上。",
        "老人没有智能手机，医保窗口的小程序登不上。",
        "没有房东签字不给过户。",
        "自然资源局先后三次到现场踏勘。",
        "",
        "，，，。、、",
    ],
)
def test_sentences_that_tell_nothing_of_the_kind(text: str) -> None:
    assert told(text) == set()


def test_the_fix_in_a_measure_is_no_requirement_but_a_refusal_told_there_is() -> None:
    assert told("卫健先写一张告知单，自然资源凭它收件。", "measure") == set()
    assert told("改为并联受理，公安不再要先看消防意见。", "measure") == set()
    assert told("窗口查明，公安没有消防意见不收件。", "measure") == {(POLICE, FIRE)}


def test_a_paper_that_another_body_takes_in_is_that_bodys_in_the_case() -> None:
    text = "民政要求先有消防合格意见，住建说没有民政备案就不能受理消防验收的申请。"
    assert told(text) == {("民政局", HOUSING), (HOUSING, "民政局")}


def test_a_circle_told_by_one_case_comes_before_one_put_together() -> None:
    found = graph([
        Case("a", obstacle="公安要先看消防意见，消防说没有文旅备案不收件，文旅要先有公安许可。"),
        Case("b", obstacle="住建要先有规划许可。"),
        Case("c", demand="规划说没有施工许可不收件。"),
    ])  # fmt: skip
    whole, joined = found.cycles
    assert set(whole.nodes) == {FIRE, POLICE, TOURISM} and whole.case_ids == ["a"]
    assert set(joined.nodes) == {HOUSING, LAND} and joined.case_ids == [] and joined.edge_case_ids == ["b", "c"]
    edge = next(edge for edge in found.edges if edge.waiter == HOUSING)
    assert edge.sentences == [{"case_id": "b", "field": "obstacle", "text": "住建要先有规划许可"}]


def test_duplicates_tell_it_once_and_drafts_not_at_all(tmp_path: Path) -> None:
    said: dict[str, Any] = {"obstacle": "公安要先有消防意见才收件。"}
    with Store(Settings(tmp_path / "library", embedding_model="fake")) as store:
        publish(store, [case(1, **said), case(2, **said, duplicate_of=ids(1)[0]), case(3, **said)])
        assert prerequisites(store).edges[0].case_ids == ids(1, 3)
        assert prerequisites(store, ids(3)).nodes == {FIRE: 1, POLICE: 1}
        assert prerequisites(store, []).edges == []


def test_a_text_without_end_is_read_in_time() -> None:
    assert told("公安要先有" * 20_000) == set()
    assert told("没有" * 20_000 + "。公安要先有消防意见。") >= {(POLICE, FIRE)}


def test_every_body_of_the_word_list_has_a_standard_name() -> None:
    known = set(settings()["called"])
    assert [word for word in settings()["bodies"] if word not in known and not node_of(word)] == []
    names = {node_of(name) or name for name in settings()["papers"]}
    assert names == set(settings()["papers"])
