"""What columns mean: by their names, by the heading above, by what stands in them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.columns import Heading, is_known, normalise, understand
from ingest.records import CASE_FIELDS, PERSONAL_FIELDS

NAMINGS = {
    "official": (
        "序号→serial 收件日期→received 来访人→applicant 联系方式→phone 所属乡镇→region 反映事项→matter "
        "具体情况→demand 堵点→obstacle 处置措施→measure 主办单位→lead_dept 协同部门→coop_depts "
        "办结日期→closed 办结结果→outcome 法规依据→basis 长效机制→solidified 回访情况→followup "
        "备注→remarks"
    ),
    "spoken": (
        "来的日子→received 谁反映的→applicant 咋联系→phone 从哪来的→channel 想办啥事→matter 说了啥→demand "
        "卡在哪了→obstacle 后来咋办的→measure 谁牵头→lead_dept 还有谁帮忙→coop_depts 啥时候办好的→closed "
        "成没成→outcome 以后咋办→solidified 老百姓咋说→followup 凭啥文件→basis"
    ),
    "spoken in another province": (
        "啥时候来的→received 来人姓名→applicant 来干啥→matter 碰到啥难处→demand 为啥卡住→obstacle "
        "找了哪些部门→lead_dept 咋解决的→measure 几号办妥→closed 办妥没→outcome 立了啥规矩→solidified "
        "人家咋评价→followup"
    ),
    "camel case": (
        "caseNo→source_no createTime→received applicantName→applicant mobile→phone channel→channel "
        "itemName→matter description→demand blockReason→obstacle leadDept→lead_dept coopDepts→coop_depts "
        "processDetail→measure closeTime→closed status→outcome legalBasis→basis improvement→solidified "
        "feedback→followup"
    ),
    "underscores": (
        "ticket_id→source_no opened_at→received region_name→region customer→applicant tel→phone "
        "subject→title question→demand root_cause→obstacle owner_dept→lead_dept partners→coop_depts "
        "solution→measure closed_at→closed outcome→outcome policy→basis visit→followup remark→remarks"
    ),
    "message board": (
        "留言编号→source_no 留言用户→applicant 留言主题→title 留言时间→received 留言详情→demand "
        "答复意见→measure 答复时间→closed 答复单位→lead_dept"
    ),
    "hotline": (
        "工单号→source_no 来电时间→received 来电人→applicant 来电号码→phone 工单标题→title "
        "工单内容→demand 承办单位→lead_dept 派单时间→accepted 回复时间→closed 回访结果→followup "
        "工单类型→nature"
    ),
    "enterprise": (
        "申请时间→received 企业名称→applicant 统一社会信用代码→id_number 法定代表人→applicant "
        "联系人→contact 申办事项→matter 事由描述→demand 受阻环节及原因→obstacle 会商过程→measure "
        "参与单位→coop_depts 出证日期→closed 举一反三情况→solidified"
    ),
    "kinds": (
        "诉求类型→nature 诉求→demand 难点类型→barriers 难点→obstacle 业务领域→domain "
        "申请人类型→applicant_type 办理方式→handling 来源渠道→channel 事项编码→matter_code "
        "行政区划代码→region_code 满意度→satisfaction"
    ),
    "one beginning date": "受理日期→received 诉求→demand",
    "two beginning dates": "登记日期→received 受理日期→accepted 诉求→demand",
    "two obstacles": "遇到的困难→demand 不能办理的原因→obstacle 怎么协调的→measure",
    "two results": "问题→demand 协调结果→measure 办理结果→outcome",
    "deadline is no closing date": "诉求→demand 办理时限→deadline 实际办结时间→closed",
    "a fix with its day and kind": (
        "诉求→demand 办理情况→measure 办结日期→closed 固化措施→solidified "
        "固化日期→solidified_date 固化方式→solidified_kind"
    ),
    "a fix in other words": (
        "诉求→demand 办理情况→measure 固化情况→solidified 固化时间→solidified_date 固化类型→solidified_kind"
    ),
    "an export of this library": (
        "demand→demand measure→measure closed→closed solidified.text→solidified solidified.date→solidified_date "
        "solidified.kind→solidified_kind"
    ),
}


def pairs(naming: str) -> list[list[str]]:
    return [pair.split("→") for pair in naming.split()]


@pytest.mark.parametrize("naming", NAMINGS.values(), ids=NAMINGS.keys())
def test_names(naming: str) -> None:
    names, fields = zip(*pairs(naming), strict=True)
    assert understand([Heading(name) for name in names], [[]] * len(names)) == list(fields)


@pytest.mark.parametrize(
    ("parent", "name", "field"),
    [
        ("反映人信息", "姓名", "applicant"), ("经办人", "姓名", "clerk"), ("回访情况", "结果", "followup"),
        ("回访情况", "时间", "followup_date"), ("办理情况", "时间", "closed"), ("受理情况", "时间", "received"),
        ("责任单位", "名称", "lead_dept"), ("协办单位", "名称", "coop_depts"), ("事项", "名称", "matter"),
        ("办理情况", "责任科室", "lead_dept"), ("办理情况", "联系电话", "phone"),
        ("固化", "时间", "solidified_date"), ("固化情况", "方式", "solidified_kind"),
    ],
)  # fmt: skip
def test_the_heading_above_makes_general_words_clear(parent: str, name: str, field: str) -> None:
    assert understand([Heading(name, parent)], [[]]) == [field]


def test_the_name_of_the_register_makes_general_words_clear() -> None:
    headings = [Heading(name) for name in ("编号", "日期", "结果")]
    assert understand(headings, [[]] * 3, "回访") == ["source_no", "followup_date", "followup"]


LONG = [
    "窗口联系住建局核对档案，由原单位出具说明，当天补录完成",
    "协调税务、社保两家后台推送结果，申请人不再跑腿",
]


@pytest.mark.parametrize(
    ("name", "sample", "field"),
    [
        ("处理结果", LONG, "measure"),
        ("处理结果", ["办成", "部分办成", "办成"], "outcome"),
        ("评价", ["满意", "非常满意", "基本满意"], "satisfaction"),
        ("评价", ["证已拿到，就是跑了三趟", "还是希望能在网上办，老人不方便"], "followup"),
        ("类型", ["办不了", "很难办", "建议"], "nature"),
        ("类型", ["信息不一致", "互为前置", "跨部门"], "barriers"),
        ("受理单位", ["甲县公安局", "甲县住建局", "甲县税务局"], "lead_dept"),
        ("受理单位", ["甲县", "乙市", "丙区"], "hall"),
        ("title", ["企业设立登记", "户口迁移", "医保参保登记"], "matter"),
        ("title", ["小区物业管理混乱怎么办？", "反映道路损坏", "停水三天了"], "title"),
        (
            "事项",
            ["老房子想装气，燃气公司要房产证原件，可是压在银行", "前房东找不到，水表过不了户，跑了三趟"],
            "demand",
        ),
    ],
)
def test_cells_decide_between_near_meanings(name: str, sample: list[str], field: str) -> None:
    assert understand([Heading(name)], [sample]) == [field]


CELLS = {
    "story": ["老人来办落户，窗口要一张早已没有的证明，跑了三趟", "许可证到期，两家都说要先办对方的手续，没人收件"],
    "done": ["调出档案底册，由派出所当天落户。", "开会定下由牵头单位先收件。"],
    "told": ["落户已办好，户口簿已领。", "新证已领到，店铺照常开门。"],
    "rule": ["出了容缺受理的规定，写进办事指南。", "建立并联审批清单，一次收件。"],
    "heard": ["4月2日电话回访，表示感谢。", "回访时已经开业，没有别的诉求。"],
    "closed": ["已办结", "办结"], "yes": ["是", "否"], "glad": ["满意", "非常满意"],
    "offices": ["市公安局", "区医保局"], "halls": ["甲县政务服务中心", "乙县政务服务中心"],
    "counties": ["甲县", "乙县"], "towns": ["东风街道", "双河镇"],
    "ways": ["现场窗口", "电话"], "sources": ["甲县行政审批局微信公众号", "《甲县日报》2023年8月2日"],
    "modes": ["当场办结", "协调"], "kinds": ["企业", "个人"], "numbers": ["GD2023001", "GD2023002"],
    "days": ["2023-05-01", "2023-06-01"],
}  # fmt: skip


@pytest.mark.parametrize(
    "naming",
    [
        # A second telling of how it ended is the result.
        "诉求:story→demand 办理情况:done→measure 处理结果:told→result 办理结果:closed→outcome",
        "诉求:story→demand 办理情况:done→measure 办结情况:told→result 是否办结:yes→outcome",
        "诉求:story→demand 做法:done→measure 办理成效:closed→outcome 成效说明:told→result",
        "诉求:story→demand 办理过程:done→measure 最终结果:told→result",
        "诉求:story→demand 协调经过:done→measure 解决结果:told→result 解决了没有:yes→outcome",
        "诉求:story→demand 攻坚过程:done→measure 攻坚成果:told→result",
        # … unless nothing else tells what was done.
        "诉求:story→demand 处理结果:done→measure 是否办结:yes→outcome",
        "诉求:story→demand 办结情况:done→measure 办结日期:days→closed",
        "诉求:story→demand 整改措施:done→measure",
        "申请情况:story→demand 协调处理结果:done→measure",
        # What was changed for the next one.
        "诉求:story→demand 答复内容:done→measure 整改措施:rule→solidified",
        "案例简介:story→demand 破解路径:done→measure 实施效果:told→result 经验启示:rule→solidified",
        # Two columns say how it stands, two what people think.
        "诉求:story→demand 措施:done→measure 工单状态:closed→outcome 处理结果:closed→outcome",
        "诉求:story→demand 措施:done→measure 是否满意:yes→satisfaction 群众评价:glad→followup 回访情况:heard→followup",
        # Places in several columns, halls beside departments.
        "诉求:story→demand 市（州）:counties→region 县（市、区）:counties→region 乡镇（街道）:towns→region",
        "诉求:story→demand 诉求区域:counties→region",
        "诉求:story→demand 单位:halls→hall 责任单位:offices→lead_dept",
        "诉求:story→demand 单位:offices→lead_dept",
        "org_name:halls→hall lead_department:offices→lead_dept co_departments:offices→coop_depts",
        "orgName:halls→hall undertakeDept:offices→lead_dept jointDepts:offices→coop_depts",
        "hall.name:halls→hall applicant.name:kinds→applicant applicantInfo.type:kinds→applicant_type",
        # Where it came from, and where it was told.
        "诉求:story→demand 来源:ways→channel 出处:sources→url",
        "诉求:story→demand 来源:sources→url",
        "诉求:story→demand 提出方式:ways→channel 办理方式:modes→handling",
        "诉求:story→demand 方式:ways→channel",
        "诉求:story→demand 编号:numbers→source_no 工单号:numbers→other_no",
        # Yes-or-no questions of the hall's own bookkeeping.
        "诉求:story→demand 措施:done→measure 是否纳入典型案例:yes→admin 是否联系诉求人:yes→admin 是否办结:yes→outcome",
        "诉求:story→demand 措施:done→measure 诉求人评价结果:glad→satisfaction 不满意原因:heard→followup",
        "堵点问题:story→obstacle 具体表现:story→demand 疏通举措:done→measure 时间节点:days→deadline",
        "一级事项:offices→domain 二级事项:kinds→matter 主要内容:story→demand 办结意见:done→measure",
        "诉求:story→demand 包案领导:kinds→clerk 后头咋样了:heard→followup",
    ],
)
def test_columns_beside_each_other(naming: str) -> None:
    triples = [re.fullmatch(r"(.+):(.+)→(.+)", part) for part in naming.split()]
    names, cells, fields = zip(*(triple.groups() for triple in triples if triple), strict=True)
    assert understand([Heading(name) for name in names], [CELLS[key] for key in cells]) == list(fields)


def test_texts_without_headings_stand_in_the_order_of_a_case() -> None:
    samples = [["2024-03-01", "2024-03-02"], CELLS["story"], ["系统里没有这一项，提交不了。"] * 2, CELLS["done"]]
    fields = understand([Heading(f"第{i}列（无列名）") for i in range(4)], samples)
    assert fields == ["received", "demand", "obstacle", "measure"]


@pytest.mark.parametrize(
    ("sample", "field"),
    [
        (["2024-03-01", "2024年3月2日", "3月5日"], "received"),
        (["13900000001", "0531-5550123", "13900000002"], "phone"),
        (["11010519491231002X", "110105194912310038"], "id_number"),
        (["国办发〔2020〕45号", "《某某条例》第三条"], "basis"),
        (["张小某", "李大某", "王某某"], "applicant"),
        (["县公安局", "县税务局办税厅", "县医院"], "lead_dept"),
        (["办成", "办成", "部分办成"], "outcome"),
        (["互为前置", "信息不一致"], "barriers"),
    ],
)
def test_cells_tell_a_column_that_nobody_knows(sample: list[str], field: str) -> None:
    assert understand([Heading("甲")], [sample]) == [field]


@pytest.mark.parametrize(
    "name", ["经办人签字", "群众手机号", "户籍所在地详细地址", "回访对象姓名", "值班领导", "受托人身份证号码"]
)
def test_personal_columns_are_recognised_whatever_they_are_called(name: str) -> None:
    assert understand([Heading(name)], [[]])[0] in PERSONAL_FIELDS


def test_two_columns_with_persons_are_both_personal() -> None:
    fields = understand([Heading("申请人"), Heading("反映人"), Heading("联系电话"), Heading("手机号")], [[]] * 4)
    assert fields == ["applicant", "applicant", "phone", "phone"]


@pytest.mark.parametrize(
    ("written", "bare"),
    [
        ("诉求内容（简述）", "诉求内容"), ("※ 办结\n时间 *", "办结时间"), ("3、处理 过程：", "处理过程"),
        ("(4)责任 单位", "责任单位"),
        ("“办不成事”结果", "办不成事结果"), ("finishTime", "finish_time"), ("Date Closed", "date_closed"),
        ("【必填】姓名", "姓名"),
        ("（备注）", "备注"),
    ],
)  # fmt: skip
def test_normalise(written: str, bare: str) -> None:
    assert normalise(written) == bare


@given(st.lists(st.tuples(st.text(max_size=20), st.lists(st.text(max_size=30), max_size=5)), max_size=8))
def test_any_headings_and_cells_get_an_answer(columns: list[tuple[str, list[str]]]) -> None:
    fields = understand([Heading(name) for name, _ in columns], [sample for _, sample in columns])
    assert len(fields) == len(columns)


def test_sentences_and_values_are_no_names() -> None:
    assert not any(map(is_known, ["咨询身份证挂失一事？", "2024-03-01", "", "家里老人卧床，刷脸过不去，怎么办"]))


def test_every_field_of_a_case_has_a_heading() -> None:
    known = {field for naming in NAMINGS.values() for _, field in pairs(naming)}
    assert {
        "demand",
        "obstacle",
        "measure",
        "lead_dept",
        "received",
        "closed",
        "outcome",
    } <= known & CASE_FIELDS
