"""Regions and halls: names and codes of GB/T 2260."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.fields.regions import Region, by_code, distance, find, hall

QUFU = Region("山东省", "济宁市", "曲阜市", "370881")
JINING = Region("山东省", "济宁市", "", "370800")
SHANDONG = Region("山东省", "", "", "370000")
CHANGLE = Region("福建省", "福州市", "长乐区", "350112")


@pytest.mark.parametrize(
    ("code", "region"),
    [
        ("370881", QUFU),
        (" 370881000000 ", QUFU),
        ("370881001", QUFU),
        ("370800", JINING),
        ("370000", SHANDONG),
        ("350182", CHANGLE),  # 长乐市, a district since 2017
        ("652923", Region("新疆维吾尔自治区", "阿克苏地区", "库车市", "652902")),
        ("110105", Region("北京市", "北京市", "朝阳区", "110105")),
        ("419001", Region("河南省", "", "济源市", "419001")),
        ("371200", Region("山东省", "莱芜市", "", "371200")),  # abolished, split in two
        ("999999", None),
        ("3708", None),
        ("37088112", None),
        ("", None),
    ],
)
def test_codes(code: str, region: Region | None) -> None:
    assert by_code(code) == region


def test_levels() -> None:
    assert [r.level for r in (SHANDONG, JINING, QUFU)] == ["province", "city", "county"]
    assert [r.name for r in (SHANDONG, JINING, QUFU)] == ["山东省", "济宁市", "曲阜市"]
    assert JINING.contains(QUFU) and not QUFU.contains(JINING)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("曲阜市", "370881"),
        ("曲阜", "370881"),
        ("山东曲阜", "370881"),
        ("山东省济宁市曲阜市", "370881"),
        ("长乐区", "350112"),
        ("福州市长乐区", "350112"),
        ("福州长乐", "350112"),
        ("长乐市", "350112"),
        ("济宁市本级", "370800"),
        ("南京市鼓楼区", "320106"),
        ("鼓楼区（南京市）", "320106"),
        ("枣庄市中区", "370402"),
        ("兰州城关区", "620102"),
        ("北京朝阳", "110105"),
        ("内蒙古自治区赤峰市喀喇沁旗", "150428"),
        ("恩施州", "422800"),
        ("恩施市", "422801"),
        ("彭水县", "500243"),
        ("延边朝鲜族自治州珲春市", "222404"),
        ("东莞市", "441900"),
        ("吉林", "220000"),
        ("吉林市", "220200"),
        ("长沙", "430100"),
        ("转至微山县交通运输局办理", "370826"),
    ],
)
def test_names(text: str, code: str) -> None:
    found = find(text)
    assert found is not None and found.code == code


@pytest.mark.parametrize(
    "text",
    ["", "鼓楼区", "城关区", "市中区", "朝阳", "县公安局", "市不动产登记中心", "老城区改造",
     "长寿老人高龄补贴", "平安校园创建", "人社局和县医保局", "办理县级事项", "和平路派出所", "1234"],
)  # fmt: skip
def test_no_place_is_guessed(text: str) -> None:
    assert find(text) is None


def test_context_decides() -> None:
    fuzhou = by_code("350100")
    assert find("鼓楼区", within=fuzhou) == by_code("350102")
    assert find("鼓楼区", within=CHANGLE) == by_code("350102")
    assert find("市本级", within=QUFU) == JINING
    assert find("曲阜市", within=fuzhou) == QUFU


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("曲阜市为民服务中心“办不成事”反映窗口工作台账", ("370881", "曲阜市")),
        ("长乐区行政服务中心诉求登记表（2022年）.xlsx", ("350112", "长乐区")),
        ("典型案例_侯马_两则", ("141081", "侯马市")),
        ("微山县2022年专窗问题汇总", ("370826", "微山县")),
        ("临汾市本级", ("141000", "临汾市本级")),
        ("济宁市政务服务中心", ("370800", "济宁市本级")),
        ("济宁市12345与平台导出", ("370800", "济宁市本级")),
        ("山东省政务服务大厅", ("370000", "山东省本级")),
        ("仙桃市民之家", ("429004", "仙桃市")),
        ("济宁高新区政务服务中心", ("370800", "济宁市高新区")),
        ("重庆两江新区", ("500157", "两江新区")),
        ("福州三区县诉求窗口导出", None),
        ("政务服务中心台账", None),
    ],
)
def test_halls(text: str, expected: tuple[str, str] | None) -> None:
    assert hall(text) == expected


def test_distance() -> None:
    zoucheng, linqing = by_code("370883"), by_code("371581")
    assert zoucheng and linqing
    assert [distance(QUFU, other) for other in (QUFU, zoucheng, JINING, linqing, CHANGLE)] == [0, 1, 1, 2, 3]


@given(st.text(max_size=60) | st.text("市县区州省山东济宁曲阜本级高新鼓楼中0123456789（）", max_size=30))
def test_never_raises(text: str) -> None:
    for context in (None, QUFU):
        found = find(text, context)
        assert found is None or by_code(found.code) == found
        assert hall(text, context) is None or found is not None
    by_code(text)
