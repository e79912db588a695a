"""A playbook is drafted from what its cases say: extracted, counted once, each sentence with its cases."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kb import playbooks
from kb.config import Settings
from kb.model import Case
from kb.playbooks import Playbook
from kb.store import Store
from search.embedder import Vectors
from search.insight.drafting import draft

HALL = {"code": "350121", "name": "闽侯县政务服务中心"}
BEST = Case(
    "case00000001", hall=HALL, title="老人开店刷脸过不去", matter={"name": "办执照", "standard": "个体工商户设立登记"},
    applicant_type="个人", obstacle="系统要求经营者本人刷脸签名，老人没有智能手机。",
    barriers=["数字鸿沟与实名认证"],
    measure="专窗改走线下通道受理。窗口人员核对老人的身份证原件后代为录入。"
            "登记窗口当天发照。老人连声感谢。",
    lead_dept="市场监督管理局", outcome="办成", result="当天领照", working_days=0,
    materials=["身份证原件", "经营场所证明"],
    basis=[{"title": "", "doc_no": "国办发〔2020〕45号", "clause": "", "valid": None}],
    solidified={"kind": "流程", "text": "老人窗口人工核对证件，不用再刷脸。", "date": "2022-04-01"},
)  # fmt: skip
ALIKE = Case(
    "case00000002", hall={"code": "430200", "name": "株洲市政务服务中心"}, matter={"standard": "异地就医备案"},
    applicant_type="个人", obstacle="备案要扫脸，老人用的是按键手机。", barriers=["数字鸿沟与实名认证"],
    measure="窗口人员核对老人的身份证原件后代为录入。", lead_dept="医疗保障局", outcome="办成", working_days=2,
    materials=["身份证原件。"], basis=[{"title": "便利老年人办事的方案", "doc_no": "国办发[2020]45号", "valid": True}],
)  # fmt: skip
OTHER = Case(
    "case00000003", hall={"code": "410100", "name": "郑州市政务服务中心"}, matter={"standard": "养老金资格认证"},
    applicant_type="个人", obstacle="卧床老人刷脸反复失败，又不能到场。",
    measure="社保中心派两人上门核对，5个工作日内补发停掉的钱。",
    lead_dept="社会保险中心", outcome="办成", working_days=6,
)  # fmt: skip
REFUSED = Case(
    "case00000004", hall=HALL, matter={"standard": "个体工商户设立登记"}, obstacle="冒用他人身份要求代刷脸。",
    measure="当面讲明实名登记的规定。请本人到场再办。", outcome="依法不能办已释因", barriers=["依法不能办"],
)  # fmt: skip
CASES = [BEST, ALIKE, OTHER]


def told(*cases: Case) -> str:
    fields = ("title", "obstacle", "demand", "measure", "result", "lead_dept", "applicant_type")
    texts = [str(getattr(case, name)) for case in cases for name in fields]
    parts = ("materials", "basis", "hall", "matter", "solidified")
    texts += [str(getattr(case, name)) for case in cases for name in parts]
    return "\n".join(texts)


def test_the_procedure_is_that_of_the_best_case_and_names_who_else_did_it() -> None:
    book = draft(CASES)
    main = [step for step in book.steps if not step["other"]]
    assert [step["action"] for step in main] == [
        "专窗改走线下通道受理。", "窗口人员核对老人的身份证原件后代为录入。", "登记窗口当天发照。"]  # fmt: skip
    assert [step["cases"] for step in main] == [[BEST.id], [BEST.id, ALIKE.id], [BEST.id]]
    assert main[2]["dept"] == "登记窗口" and main[2]["days"] == 0
    others = [step for step in book.steps if step["other"]]
    assert [(step["action"], step["days"], step["cases"]) for step in others] == [(OTHER.measure, 5, [OTHER.id])]
    assert book.models[0] == BEST.id and set(book.models) == {case.id for case in CASES}


def test_the_obstacle_is_the_one_by_which_the_class_goes() -> None:
    said = [draft(CASES).obstacle, *(item["text"].partition("：")[2] for item in draft(CASES).applies
                                     if item["text"].startswith("情形："))]  # fmt: skip
    assert [draft(CASES, obstacle=each).obstacle for each in said] == said
    assert draft(CASES, obstacle="没有哪件案例这样说").obstacle == said[0]


def test_every_sentence_stands_in_a_case_that_it_names() -> None:
    book = draft(CASES, [REFUSED])
    known = {case.id: case for case in (*CASES, REFUSED)}
    items = [(text, item["cases"]) for name, parts in playbooks.PARTS.items() for item in getattr(book, name)
             for part in parts if (text := item[part])]  # fmt: skip
    items += [(book.obstacle, book.obstacle_cases), (book.solidified["text"], book.solidified["cases"])]
    assert len(items) > 20
    for text, ids in items:
        assert ids and set(ids) <= set(known), text
        for piece in re.split(r"^(?:事项|申请人|情形)：|[：（）]", text):  # the form's words, hall：dept（matter）
            assert not piece or piece in told(*(known[each] for each in ids)), text


def test_what_cases_share_is_counted_once() -> None:
    book = draft(CASES)
    assert [(each["name"], each["cases"]) for each in book.materials if not each["substitute"]][0] == (
        "身份证原件", [BEST.id, ALIKE.id])  # fmt: skip
    assert book.basis == [{"title": "便利老年人办事的方案", "doc_no": "国办发〔2020〕45号", "clause": "", "valid": True,
                           "cases": [BEST.id, ALIKE.id]}]  # fmt: skip
    assert [each["cases"] for each in book.applies if each["text"] == "申请人：个人"] == [[case.id for case in CASES]]


def test_a_rule_that_one_case_calls_repealed_is_repealed() -> None:
    gone = replace(OTHER, basis=[{"doc_no": "国办发〔2020〕45号", "valid": False}])
    assert [rule["valid"] for rule in draft([BEST, ALIKE, gone]).basis] == [False]


def test_what_was_accepted_instead_is_told_with_what_it_replaced() -> None:
    case = replace(OTHER, measure="以两位见证人签字代替刷脸认证，不再要求到场确认；先容缺受理。")
    swaps = {each["substitute"]: each["name"] for each in draft([case]).materials if each["substitute"]}
    assert swaps == {"以两位见证人签字代替刷脸认证": "", "先容缺受理": ""}


def test_what_is_no_material_does_not_become_one() -> None:
    case = replace(OTHER, measure="窗口核对证件，不再强制刷脸，无需提交户口簿。", materials=["人脸识别", "身份证"])
    assert [(each["name"], each["substitute"]) for each in draft([case]).materials] == [
        ("身份证", ""), ("户口簿", "无需提交户口簿"),
    ]  # fmt: skip


def test_a_material_of_one_matter_says_so_where_there_are_several() -> None:
    birth = replace(
        OTHER, matter={"name": "领生育津贴", "standard": "生育津贴申领"}, materials=["结婚证", "身份证原件"],
        measure="以诊断证明代替出生证明。",
    )  # fmt: skip
    named = {each["name"] or each["substitute"]: each["substitute"] for each in draft([BEST, birth]).materials}
    assert set(named) == {"身份证原件", "经营场所证明（个体工商户设立登记）", "结婚证（生育津贴申领）", "出生证明"}
    assert named["出生证明"] == "以诊断证明代替出生证明（生育津贴申领）"
    alone = {each["name"] for each in draft([birth]).materials}
    assert alone == {"身份证原件", "结婚证", "出生证明"}


def test_lawful_refusals_say_when_it_does_not_apply_and_how_that_was_explained() -> None:
    book = draft(CASES, [REFUSED])
    assert [each["text"] for each in book.not_applies] == [REFUSED.obstacle]
    assert [each["text"] for each in book.refusals] == ["当面讲明实名登记的规定。", "请本人到场再办。"]
    assert REFUSED.id not in book.case_ids and REFUSED.id not in book.models
    assert REFUSED.measure not in str(book.steps)


def test_the_window_is_the_one_that_made_it_lasting_else_those_who_led() -> None:
    book = draft(CASES)
    assert [each["text"] for each in book.window] == ["闽侯县政务服务中心：市场监督管理局"]
    assert book.solidified == {**BEST.solidified, "where": HALL["name"], "cases": [BEST.id]}
    none = draft([replace(BEST, solidified={"text": "暂无"}), OTHER])
    assert none.solidified == {} and len(none.window) == 2


def test_praise_is_no_step() -> None:
    assert "感谢" not in str(draft(CASES).steps)


def test_a_case_told_twice_counts_once_and_belongs_all_the_same() -> None:
    again = replace(OTHER, id="case00000009", duplicate_of=OTHER.id)
    book = draft([*CASES, again])
    assert book.case_ids == sorted([*(case.id for case in CASES), again.id])
    assert replace(book, case_ids=[]) == replace(draft(CASES), case_ids=[])


def test_the_order_in_which_cases_come_changes_nothing() -> None:
    assert draft(CASES) == draft(reversed(CASES))


@pytest.mark.parametrize("cases", [
    [], [Case("bare00000001")], [Case("bare00000001", demand="只有一句话的诉求")] * 2, [REFUSED],
    [replace(BEST, id=f"same{number:08}") for number in range(40)],
])  # fmt: skip
def test_poor_classes_make_a_poor_draft_and_no_error(cases: list[Case]) -> None:
    book = draft(cases)
    assert isinstance(book, Playbook) and book.case_ids == sorted({case.id for case in cases})
    assert len([step for step in book.steps if step["other"]]) == 0


def test_endless_texts_are_cut_at_commas_and_can_be_stored(tmp_path: Path) -> None:
    clause = "窗口人员逐项核对登记簿与档案里的写法"
    long = replace(BEST, obstacle="，".join([clause] * 500), measure="，".join(f"{clause}第{n}遍" for n in range(500)),
                   lead_dept="局" * 900, solidified={"text": "改" * 5000}, materials=["证" * 900],
                   basis=[{"title": "办" * 900, "doc_no": "", "clause": ""}])  # fmt: skip
    with Store(Settings(tmp_path / "kb-data")) as store:
        store.publish([long, ALIKE], by="测试")
        made = playbooks.create(store, draft([long, ALIKE]), "甲")
        assert made.revision == 1 and len(made.obstacle) <= 400


def test_sentences_of_one_meaning_meet_where_a_model_tells_so() -> None:
    def encode(texts: Sequence[str]) -> Vectors:
        """Texts about visiting point one way, all others each their own."""
        rows = np.zeros((len(texts), 400), dtype=np.float32)
        for row, text in enumerate(texts):
            rows[row, 0 if "上门" in text else 1 + sum(map(ord, text)) % 399] = 1
        return rows

    third = replace(OTHER, id="case00000005", measure="工作人员上门拍照认证。", hall=HALL)
    both = [step["cases"] for step in draft([*CASES, third], encode=encode).steps if step["other"]]
    assert both == [[OTHER.id, third.id]]
    assert len([step for step in draft([*CASES, third]).steps if step["other"]]) == 2


def test_a_drafted_playbook_can_go_on_trial(tmp_path: Path) -> None:
    with Store(Settings(tmp_path / "kb-data")) as store:
        store.publish([*CASES, REFUSED], by="测试")
        made = playbooks.create(store, draft(CASES, [REFUSED], title="老人刷脸过不去"), "甲")
        assert playbooks.set_state(store, made.id, "trial", "甲").title == "老人刷脸过不去"


def acts(measure: str, **more: object) -> list[tuple[str, str, int | None]]:
    """The main steps that are drafted from a measure: action, department, working days."""
    book = draft([replace(OTHER, measure=measure, **more)])  # type: ignore[arg-type]
    return [(step["action"], step["dept"], step["days"]) for step in book.steps if not step["other"]]


def test_a_line_broken_in_the_middle_of_a_sentence_loses_nothing() -> None:
    told = acts("帮办员带到税务窗口补好退车证明，电子税务局提交，\n5天到账。")
    assert "".join(action for action, _, _ in told) == "帮办员带到税务窗口补好退车证明，电子税务局提交，5天到账。"


def test_a_short_end_stays_with_the_sentence_before_it() -> None:
    assert [action for action, _, _ in acts("住建局补出竣工核实意见。发照。登记窗口合并受理两件业务。")] == [
        "住建局补出竣工核实意见。发照。", "登记窗口合并受理两件业务。"]  # fmt: skip


def test_a_step_begins_where_somebody_else_acts_and_no_clause_stands_alone() -> None:
    assert acts("地名办出具地址变更证明，登记中心公告15个工作日无异议后更正坐落，派出所据此当天落户。") == [
        ("地名办出具地址变更证明", "地名办", None), ("登记中心公告15个工作日无异议后更正坐落", "登记中心", 15),
        ("派出所据此当天落户。", "派出所", 0)]  # fmt: skip
    whole = "值班人员与县公安局商量后，联系网络正常的邻县公安局，说明情况请其代为办理，让当事人直接过去取证。"
    assert acts(whole) == [(whole, "", None)]


def test_who_acts_is_a_department_by_its_name_or_in_short() -> None:
    case = {"lead_dept": "不动产登记中心", "coop_depts": ["市税务局", "市住房和城乡建设局"]}
    assert acts("税务按核定办法受理契税，住建补出竣工核实意见。", **case) == [
        ("税务按核定办法受理契税", "市税务局", None),
        ("住建补出竣工核实意见。", "市住房和城乡建设局", None),
    ]
    for begins in ("当天补办并当面致歉", "以后电子税务局自助可下", "约谈办税厅值班长并通报", "再约好日子派两名帮办员去",
                   "局里随即对照窗口收件改指南", "先带去社保窗口换卡激活"):  # fmt: skip
        assert acts(f"{begins}，材料一次收齐。", **case)[0][1] in ("", "市税务局" if "税务局" in begins else ""), begins


@pytest.mark.parametrize(("measure", "days"), [
    ("监督部门牵头把十三个工作日压到七个。", None), ("当日值班领导与登记中心沟通后办理。", None),
    ("由十五个工作日压缩到五个工作日办结。", 5),
])  # fmt: skip
def test_only_what_a_step_takes_is_its_time(measure: str, days: int | None) -> None:
    assert acts(measure)[0][2] == days


def test_a_procedure_speaks_of_no_person() -> None:
    measure = "窗口给〔姓名1〕改绑手机〔手机号〕，寄到家中（〔住址〕）。"
    book = draft([replace(OTHER, obstacle="〔姓名1〕卧床不能到场", measure=measure)])
    assert "〔" not in str(book) and book.steps[0]["action"] == "窗口给当事人改绑手机，寄到家中。"
    assert draft([replace(BEST, basis=[{"doc_no": "国办发〔2020〕45号"}])]).basis[0]["doc_no"] == "国办发〔2020〕45号"


def test_letters_are_told_apart_by_their_titles_not_by_their_greetings() -> None:
    letters = [Case(f"letter{n:06}", title=title, demand="尊敬的领导：您好！我是小区业主，想反映一个问题。")
               for n, title in enumerate(("幼儿园迟迟不开园", "小区配套小学上不了"))]  # fmt: skip
    book = draft(letters, obstacle="小区配套小学上不了")
    assert book.obstacle == "小区配套小学上不了" and "尊敬" not in str(book)
    assert [each["text"] for each in book.applies] == ["情形：幼儿园迟迟不开园"]


def test_a_fix_has_the_kind_and_the_date_that_its_text_tells() -> None:
    fixed = replace(OTHER, closed="2022-04-20", solidified={"text": "5月起开通上门认证，不再要求到场。"})
    assert draft([fixed]).solidified == {"kind": "流程", "text": "5月起开通上门认证，不再要求到场。", "date": "2022-05",
                                         "where": OTHER.hall["name"], "cases": [OTHER.id]}  # fmt: skip
    vague = replace(ALIKE, id="case00000000", solidified={"text": "此后建立台账，加强研判。"})
    assert draft([vague, fixed]).solidified["cases"] == [OTHER.id]


def test_what_a_department_issues_says_so() -> None:
    case = replace(OTHER, measure="地名办出具地址变更证明，登记窗口凭身份证办理。")
    assert [each["name"] for each in draft([case]).materials] == ["地址变更证明（地名办出具）", "身份证"]


def test_the_window_is_not_named_twice() -> None:
    case = replace(OTHER, hall={"name": "义乌市"}, lead_dept="义乌市政务服务管理办公室")
    assert [each["text"] for each in draft([case]).window] == ["义乌市政务服务管理办公室"]


def test_what_was_done_by_half_is_a_way_to_follow_only_where_there_is_no_other() -> None:
    half = replace(OTHER, outcome="部分办成")
    book = draft([BEST, half])
    assert OTHER.measure not in str(book.steps) and half.id not in book.models and half.id in book.case_ids
    assert draft([half]).models == [half.id] and draft([half]).steps
