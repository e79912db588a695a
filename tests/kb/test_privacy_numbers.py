"""Identifiers in any typography: digits grouped, full-width, Chinese, glued to words."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.privacy import redact
from kb.privacy.numbers import id_checksum, luhn

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
CHINESE = str.maketrans("0123456789", "零一二三四五六七八九")


def grouped(*sizes: int, sep: str = " "):
    def write(number: str) -> str:
        parts, rest = [], number
        for size in sizes:
            parts.append(rest[:size])
            rest = rest[size:]
        return sep.join([*parts, rest] if rest else parts)

    return write


MOBILE_STYLES = [
    str,
    grouped(3, 4, 4),
    grouped(3, 4, 4, sep="-"),
    grouped(3, 4, 4, sep="－"),
    grouped(3, 4, 4, sep="·"),
    grouped(3, 4, 4, sep="　"),
    grouped(4, 3, 4),
    grouped(5, 6),
    grouped(3, 8, sep="\n"),
    " ".join,
    lambda number: "+86" + number,
    lambda number: "＋86 " + number,
    lambda number: "0086" + number,
    lambda number: "0" + number,
    lambda number: number.translate(FULL_WIDTH),
    lambda number: number.translate(CHINESE),
]
ID_STYLES = [
    str,
    str.lower,
    grouped(6, 8, 4),
    grouped(6, 4, 4, 4),
    grouped(6, 8, 4, sep="-"),
    lambda number: number.translate(FULL_WIDTH),
    lambda number: number + "43",
]
CARD_STYLES = [
    str,
    grouped(4, 4, 4, 4),
    grouped(4, 4, 4, 4, sep="-"),
    grouped(6),
    lambda n: n.translate(FULL_WIDTH),
]


@st.composite
def mobiles(draw) -> str:
    return "1" + draw(st.sampled_from("3456789")) + draw(st.text("0123456789", min_size=9, max_size=9))


@st.composite
def id_numbers(draw) -> str:
    area = draw(st.sampled_from(["370881", "350105", "141081", "110101", "650102", "810000"]))
    born = draw(st.dates(min_value=date(1920, 1, 1), max_value=date(2020, 1, 1)))
    body = f"{area}{born:%Y%m%d}{draw(st.integers(0, 999)):03d}"
    return next(body + last for last in "0123456789X" if id_checksum(body + last))


@st.composite
def cards(draw) -> str:
    body = "62" + draw(st.text("0123456789", min_size=13, max_size=16))
    return next(body + last for last in "0123456789" if luhn(body + last))


def digits_left(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text)
    return "".join(char for char in folded if char.isdigit() and char not in "〔〕")


@settings(max_examples=150, deadline=None)
@given(
    mobiles(),
    st.sampled_from(MOBILE_STYLES),
    st.sampled_from(
        ["电话{}。", "{}", "（{}）", "手机:{}/", "打{}找他", "Tel{}", "号码{}2021年停机", "微信同号{}，"]
    ),
)
def test_mobiles_go(number, style, sentence):
    result = redact({"demand": sentence.format(style(number))})
    assert "〔手机号〕" in result.values["demand"]
    assert number not in digits_left(result.values["demand"])
    assert result.doubts == []


@settings(max_examples=120, deadline=None)
@given(
    id_numbers(),
    st.sampled_from(ID_STYLES),
    st.sampled_from(["身份证{}。", "老人（{}）", "{}", "证件号码：{}，", "现身份证号{}电话另附"]),
)
def test_id_numbers_go(number, style, sentence):
    result = redact({"measure": sentence.format(style(number))})
    assert "〔身份证号〕" in result.values["measure"]
    assert digits_left(result.values["measure"]) == ""
    assert result.doubts == []


@settings(max_examples=80, deadline=None)
@given(cards(), st.sampled_from(CARD_STYLES), st.sampled_from(["转到卡{}上", "{}", "账号：{}", "（{}）"]))
def test_bank_cards_go(number, style, sentence):
    kinds = {"〔银行卡〕"}
    if len(number) == 18 and id_checksum(number) and sentence in ("{}", "（{}）"):
        kinds.add("〔身份证号〕")  # such a number is both, and nothing beside it tells which
    assert redact({"x": sentence.format(style(number))}).values["x"] in map(sentence.format, kinds)


def test_a_number_that_passes_both_checks_is_a_card_beside_a_cards_words():
    assert redact({"x": "转到卡620008190101142400上"}).values["x"] == "转到卡〔银行卡〕上"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=120))
def test_any_text_survives_and_redaction_is_idempotent(text):
    first = redact({"demand": text})
    again = redact(first.values)
    assert again.values == first.values and again.counts == []
    for doubt in first.doubts:
        assert first.values["demand"][doubt.start : doubt.end].startswith("〔")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("车辆川B7H31M2011年被锁", "车牌"),
        ("粤Z1234港", "车牌"),
        ("鲁HD12345被扣", "车牌"),
        ("车号为冀B12345D", "车牌"),
        ("沪A·12345", "车牌"),
        ("鄂ap185挂", "车牌"),
        ("证号92510104MA6A1B2C3F", "个体执照代码"),
        ("统一社会信用代码９２３５０１１２ＭＡ２４ＷＦＪＵＭＷ", "个体执照代码"),
        ("邮箱zhang.san-88@mail.example.com", "邮箱"),
        ("邮箱：abc＠163.com", "邮箱"),
        ("微信zhou_kendo77", "微信号"),
        ("加V：abc12345", "微信号"),
        ("微信号是wxid_abc123def", "微信号"),
        ("QQ 12345678", "QQ号"),
        ("qq号：1234567", "QQ号"),
        ("护照E12345678", "护照"),
        ("港澳通行证号码H12345678", "护照"),
        ("联系固话（0537）6671367", "座机"),
        ("家里电话0537 6671367", "座机"),
        ("身份证号370881630621969", "身份证号"),
        ("手机一三八零零一三八零零零", "手机号"),
    ],
)
def test_other_identifiers_go(text: str, kind: str):
    result = redact({"demand": text})
    assert [count.kind for count in result.counts] == [kind]
    assert result.doubts == []


@pytest.mark.parametrize(
    "text",
    [
        "订单号6225881234567890120",
        "编号2023051600012345678",
        "毕业证号123456789012345678",
        "面积1234567平方",
        "比例15 20 30 40 50 6",
        "日期2021-03-15、2022.04.07、20220706",
        "微信公众号hallservice",
        "湘A3区",
        "川B〔2020〕12345号",
        "联系电话0000-00000000",
        "11370800MB2070666Q4052470900177",
        "鲁（2019）某市不动产权第0012345号",
    ],
)
def test_other_numbers_stay(text: str):
    assert redact({"demand": text}).values["demand"] == text


@pytest.mark.parametrize(
    ("text", "kind"),
    [("手机1380013800", "手机号"), ("号510104196306211235", "身份证号"), ("6225881234567890123", "银行卡")],
)
def test_wrong_numbers_go_with_a_doubt(text: str, kind: str):
    result = redact({"demand": text})
    assert [doubt.kind for doubt in result.doubts] == [kind]
    assert digits_left(result.values["demand"]) == ""


@pytest.mark.parametrize(
    "number",
    [
        "(138)0013-8000", "（138）0013 8000", "(+86)13800138000", "138--0013--8000", "138 - 0013 - 8000",
        "138_0013_8000", "138/0013/8000", "138，0013，8000", "138\u200b0013\u200b8000", "138O0138OOO",
        "ZS13800138000", "13800138000zs", "1-380-013-8000", "〔手机13800138000〕", "《关于13800138000来电的说明》",
        "https://example.org/a?phone=13800138000",
    ],
)  # fmt: skip
def test_mobiles_written_oddly_go(number: str) -> None:
    left = digits_left(redact({"demand": f"电话{number}，请回"}).values["demand"])
    assert len(left) < 4


@pytest.mark.parametrize(
    "number",
    [
        "370802  19750612  3019", "370802_19750612_3019", "370802/19750612/3019", "G370802197506123019",
        "3708021975061230193", "440106 19881102 003 x", "三七〇八〇二一九七五〇六一二三〇一X",
        "6222  0212  0300  1234  565", "6222,0212,0300,1234,565", "6222/0212/0300/1234/565",
    ],
)  # fmt: skip
def test_id_numbers_and_cards_written_oddly_go(number: str) -> None:
    result = redact({"demand": f"群众留下{number}。"}).values["demand"]
    assert len(digits_left(result)) < 4 and "七五" not in result


@pytest.mark.parametrize(("text", "digits"), [("手机尾号5678", "5678"), ("身份证后四位是301X", "301X")])
def test_last_places_of_a_number_go(text: str, digits: str) -> None:
    assert digits not in redact({"demand": text}).values["demand"]


@pytest.mark.parametrize("text", ["尾号限行4和9", "工单尾号0001", "http://example.org/art/2024/13912345678.html"])
def test_other_last_places_and_links_stay(text: str) -> None:
    assert redact({"demand": text}).values["demand"] == text
