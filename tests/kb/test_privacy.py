"""De-identification on whole cases: what goes, what stays, and the promises of the interface."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from kb.privacy import Redaction, redact, redact_text


def redacted(text: str, **known: str) -> str:
    return redact({"demand": text}, known).values["demand"]


def test_one_person_keeps_one_placeholder_in_all_fields():
    case = redact(
        {"title": "宋远桥注销难", "demand": "宋远桥和俞莲舟来窗口。", "followup": "回访宋远桥，满意。"},
        {"applicant": "宋远桥", "contact": "俞莲舟 13800138000"},
    )
    assert case.values == {
        "title": "〔姓名1〕注销难",
        "demand": "〔姓名1〕和〔姓名2〕来窗口。",
        "followup": "回访〔姓名1〕，满意。",
    }
    assert [(c.kind, c.field, c.count) for c in case.counts] == [
        ("姓名", "title", 1),
        ("姓名", "demand", 2),
        ("姓名", "followup", 1),
    ]
    assert case.doubts == []


def test_company_is_kept_and_its_contact_is_a_person():
    text = "泰州蓝田贸易有限公司要注销，殷梨亭说跑了三趟。"
    out = redacted(text, applicant="泰州蓝田贸易有限公司（殷梨亭）")
    assert out == "泰州蓝田贸易有限公司要注销，〔姓名1〕说跑了三趟。"


def test_owner_in_the_name_of_a_shop_goes_too():
    assert "殷梨亭" not in redacted("殷梨亭包子铺搬走五年了", applicant="城关镇殷梨亭包子铺/殷梨亭")


@pytest.mark.parametrize(
    "applicant", ["张 松溪", "张松溪（女）", "联系人：张松溪", "张松溪13800138000", "张松溪、俞岱岩"]
)
def test_applicant_columns_are_written_in_many_ways(applicant: str):
    assert "松溪" not in redacted("张松溪拿着收据来了", applicant=applicant.replace("张 松溪", "张松溪"))


def test_name_that_is_also_a_word_goes_only_as_a_name():
    out = redacted("高新来电说办不了，高新区的窗口不收，高新技术企业也一样", applicant="高新")
    assert out == "〔姓名1〕来电说办不了，高新区的窗口不收，高新技术企业也一样"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("社保里写成“莫生谷”，身份证是莫声谷", "莫声谷"),
        ("一个户头叫“苟声谷”，一个叫“勾声谷”", "勾声谷"),
        ("档案里是张苍松，户口本上是张沧松", "张沧松"),
        ("系统里录成“张帏”", "张伟"),
    ],
)
def test_misspelt_name_is_the_same_person(text: str, name: str):
    result = redact({"demand": text}, {"applicant": name})
    assert "姓名误写" in {count.kind for count in result.counts}
    assert "〔姓名2〕" not in result.values["demand"]


def test_brother_with_a_similar_name_is_another_person():
    assert redacted("宋青山和弟弟宋青河一起来", applicant="宋青山") == "〔姓名1〕和弟弟〔姓名2〕一起来"


@pytest.mark.parametrize(
    "text",
    [
        "王女士、扈先生、老冯、小满（化名）、某女士、张某、李某某、赵某甲、王总、孔老、魏老师都来过。",
        "请拨打12345、12315、96110、12333、95588或400-800-8888。",
        "依据国办发〔2020〕45号、鲁自然资发〔2020〕4号和（2012）曲民初字第1234号办理。",
        "事项编码11370881MB6772450D4024529158706，工单编号JN20230905141276。",
        "统一社会信用代码91370881MA3ABCDE1X，金额63800元，2021-03-15受理。",
        "咨询电话：0731-8866123，窗口电话6760111，县社保局热线0816-6123456。",
        "地址：和平路12号，请到市民中心3楼305室办理，公司在创业大厦A座1203室。",
        "依据《王小明条例》第三条，由县行政审批局企业登记股牵头。",
        "高新区、石门山、安乐镇、和平路、息陬镇都可以就近办理。",
        "阳光花园小区共有12栋，第4栋36户都没有办证。",
    ],
)
def test_what_is_public_or_masked_stays(text: str):
    assert redact({"measure": text}) == Redaction({"measure": text}, [], [])


@pytest.mark.parametrize(
    "text",
    [
        "联系人季云峰，电话已登记。",
        "独居的裴三妹同志办残疾证。",
        "反映楼上邻居樊秋萍家漏水。",
        "户主慕容志高，男，1956年生。",
        "代表齐素莲签了字。",
        "钱已取，葛桂娥来电致谢。",
        "窗口接到邱大川反映，问了几处都说不归自己管。",
        "阿依古丽·买买提来办居住证。",
        "扎西次仁要领牧民补贴。",
        "外籍专家 Luis 的工作许可到期。",
        "联系人：李 明",
    ],
)
def test_names_in_running_text_without_columns(text: str):
    result = redact({"demand": text})
    assert [count.kind for count in result.counts] == ["姓名"]
    assert "〔姓名1〕" in result.values["demand"]


@pytest.mark.parametrize(
    "address",
    [
        "柳荫路听泉小区6号楼1单元304室",
        "青石桥路18号3-2-601",
        "竹林巷春晖苑9栋205室",
        "桂花街道滨河苑7号楼2梯903室",
        "南京西路123弄45号602室",
        "幸福家园8#楼2-301",
        "龙湖社区5栋二单元三零二室",
        "白鹤街道何家村西胡同8号",
        "双柳镇石桥村前街21号",
        "第二小学家属院2号楼1单元402室",
    ],
)
@pytest.mark.parametrize("sentence", ["家住{}，腿脚不便。", "收件地址：{}", "他住{}"])
def test_dwellings_go_whole(sentence: str, address: str):
    assert redacted(sentence.format(address)) == sentence.format("〔住址〕")


def test_landline_of_the_applicant_goes_and_the_offices_stays():
    out = redacted("家里打0816-7123408，窗口电话0816-6123456", phone="0816-7123408")
    assert out == "家里打〔座机〕，窗口电话0816-6123456"


def test_doubt_points_into_the_redacted_text():
    result = redact({"demand": "号510104196306211235，另一件"})
    (doubt,) = result.doubts
    assert result.values["demand"][doubt.start : doubt.end] == "〔身份证号〕"
    assert doubt.kind == "身份证号" and "370881" not in doubt.reason


def test_redacting_twice_changes_nothing():
    first = redact({"demand": "陆大有（510104195006071234），住东关街23号院2号楼1单元101室，13800138000"})
    assert redact(first.values) == Redaction(first.values, [], [])


def test_new_names_after_earlier_placeholders_get_new_numbers():
    assert redacted("〔姓名1〕的邻居梁发同志来电") == "〔姓名1〕的邻居〔姓名2〕同志来电"


def test_queries_and_file_names():
    assert redact_text("施戴子13800138000社保怎么办") == "〔姓名1〕〔手机号〕社保怎么办"
    assert redact_text("2022年台账_施戴子.xlsx") == "2022年台账_〔姓名1〕.xlsx"
    assert redact_text("开发商失联办不了房产证") == "开发商失联办不了房产证"


def test_empty_values_pass_through():
    assert redact({"demand": "", "title": "无"}, {"phone": ""}) == Redaction(
        {"demand": "", "title": "无"}, [], []
    )


def test_threads_get_the_same_answer():
    values = {"demand": "联系人岳灵珊，电话13800138000，住华山路5号院3号楼1单元301室。"}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: redact(values), range(12)))
    assert all(answer == answers[0] for answer in answers)


def test_surnames_and_given_names_that_are_conjunctions():
    out = redacted("李和平来电，和建国也来了", applicant="李和平", contact="和建国")
    assert out == "〔姓名1〕来电，〔姓名2〕也来了"


def test_name_beside_a_document_number_goes():
    out = redacted("张松溪依据鲁自然资发〔2020〕4号申请", applicant="张松溪")
    assert out == "〔姓名1〕依据鲁自然资发〔2020〕4号申请"


def test_known_name_in_a_title_goes():
    assert redacted("《关于张松溪信访事项的答复》", applicant="张松溪") == "《关于〔姓名1〕信访事项的答复》"


def test_landline_without_its_area_code_and_beside_a_masked_person():
    assert redact({"measure": "回拨7123408"}, {"phone": "0816-7123408"}).values["measure"] == "回拨〔座机〕"
    assert redact({"measure": "联系孔女士0816-7123409"}).values["measure"] == "联系孔女士〔座机〕"
