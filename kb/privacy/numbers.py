"""Numbers and accounts that lead to a person: ID cards, phones, bank cards, passports, plates,
licences, accounts.

Every finder reads a folded view (ASCII digits and letters, see spans.fold), so typography does not
matter. Checksums: GB 11643 (ID number), ISO/IEC 7812 (Luhn). Plates: GA 36. Credit codes: GB 32100.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cache

from .lexicon import any_of, words
from .spans import Span

_EDGE = r"(?<![0-9A-Za-z])"
_PROVINCES = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91")
_PLATE_PLACES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼楚使领"
_CARD_PREFIXES = ("62", "60", "4", "5", "35", "37", "9558", "9559", "9843")

# Digits that belong together: groups with one separator between them. The joined digits decide what they are.
_SEQUENCE = re.compile(
    r"\d+(?:(?:[ \-·._\n]{1,3}|[)）][ -]?)\d+)*(?:[ -]?[Xx](?:\d\d(?!\d))?(?![A-Za-z]))?"
)
_SCATTERED = re.compile(r"\d+(?:[^0-9A-Za-z\u4e00-\u9fff]{1,3}\d+){2,}[Xx]?")
_COUNTRY_CODE = re.compile(r"[(（+]{1,2}$")
_LETTERS_BEFORE = re.compile(r"[A-Za-z]+$")
# G, L or J and the ID number is the registration number of a pupil.
_LABELS = frozenset(
    ["G", "L", "J", "TEL", "PHONE", "MOBILE", "CELL", "ID", "NO", "WX", "VX", "V", "QQ", "SFZ", "WECHAT"]
)
_MOBILE_GROUPS = frozenset(
    [
        (11,),
        (3, 4, 4),
        (3, 8),
        (3, 3, 5),
        (4, 3, 4),
        (4, 4, 3),
        (5, 6),
        (7, 4),
        (4, 7),
        (3, 5, 3),
        (3, 2, 2, 4),
        (6, 5),
    ]
    + [(3, 4, 2, 2), (3, 2, 3, 3), (8, 3), (1,) * 11]
)
_ID18_GROUPS = frozenset([(18,), (6, 8, 4), (6, 12), (3, 3, 4, 4, 4), (6, 4, 4, 4)])
_ID15_GROUPS = frozenset([(15,), (6, 6, 3), (1,) * 15])
_CHINESE = "零〇○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖"
_MOBILE_CHINESE = re.compile(
    rf"(?<![0-9{_CHINESE}])(?=[0-9 -]{{0,14}}[{_CHINESE}])[1一幺壹][ -]?[3-9三四五六七八九叁肆伍陆柒捌玖]"
    rf"(?:[ -]?[0-9{_CHINESE}]){{9}}(?![{_CHINESE}])"
)
_ID_CHINESE = re.compile(
    rf"(?<![{_CHINESE}])(?:[{_CHINESE}]{{17}}[{_CHINESE}Xx]|[{_CHINESE}]{{15}})(?![{_CHINESE}])"
)
# Letters O and l typed for digits.
_MOBILE_ODD = re.compile(
    r"(?<![0-9A-Za-z])(?=[0-9OoIl -]*[OoIl])1[3-9](?:[ -]?[0-9OoIl]){9}(?![0-9A-Za-z])"
)
# The last places of a number, by which somebody can be recognised.
_TAIL = re.compile(
    r"(?:尾号|[后末][四六]位)(?:数字|数)?[是为: “\"(（]{0,2}(\d{3,6}[Xx]?)(?![0-9A-Za-z])"
)
_LANDLINE = re.compile(
    r"(?<![0-9A-Za-z.\-])(?:[+(（]{0,2}(?:00)?86[)）]?[ -]?)?[(（]?"
    r"(?:0(?:10|2\d|[3-9]\d{2}))(?:[)）] ?|[ -]{1,2})?\d{3,4}[ -]?\d{4}(?:(?:-|转)\d{1,5})?(?![0-9])"
)
_LOCAL_LINE = re.compile(r"(?<![0-9A-Za-z.\-/])[2-8]\d{2,3}[ -]?\d{4}(?![0-9A-Za-z元万%.年月日号户人平米㎡])")
_ACCOUNT_AFTER = re.compile(
    r"(?:银行卡号?|银行账号|卡号|[账帐]号|[账帐]户|存折)[号码]{0,2}[是为:( 一]{0,3}"
    r"(\d[\d -]{7,24}\d)(?![0-9A-Za-z])"
)
_PASSPORT = re.compile(
    _EDGE + r"(?:[EG]\d{8}|[DSP]\d{7}|E[A-HJ-NP-Z]\d{7}|[HM]\d{8}(?:\d{2})?)(?![0-9A-Za-z])", re.I
)
_PASSPORT_AFTER = re.compile(
    r"(?:护照|通行证|台胞证|回乡证|居留证|永居证|军官证|士兵证|警官证)(?:号码|证号|号)?[是为:( ]{0,3}"
    r"((?:[军士武文]字第?)?[A-Z]{0,3}\d{6,12})(?![0-9A-Za-z])",
    re.I,
)
_PLATE = re.compile(
    rf"[{_PLATE_PLACES}][A-Z][ ·-]?(?:[A-HJK][A-HJ-NP-Z0-9]\d{{4}}(?!\d)|\d{{5}}[A-HJK](?![A-Z0-9])"
    r"|(?=[A-Z]{0,3}\d|[A-Z]+\d)[A-HJ-NP-Z0-9]{5}|[A-HJ-NP-Z0-9]{4}[挂学警港澳试超])",
    re.I,
)
_PLATE_AFTER = re.compile(
    r"(?:车牌号?码?|号牌|车号|牌照号?码?)[是为:( ]{0,3}([\u4e00-\u9fa5]{0,2}[A-Z0-9]{4,8})(?![0-9A-Za-z])",
    re.I,
)
_SOLE_TRADER = re.compile(_EDGE + r"92[ -]?\d{6}[ -]?[0-9A-Z]{9}[ -]?[0-9A-Z](?![0-9A-Za-z])", re.I)
_EMAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+\-]*@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+")
_WECHAT = re.compile(
    r"(?:微信|薇信|威信|(?<![a-z])(?:wechat|weixin|wx|vx)(?![a-z])|[vV]信|加[vV])"
    r"(?:账号|帐号|号码|号|ID)?[是为叫:( “\"]{0,3}([a-z][a-z0-9_\-]{5,19}|\d{5,12})(?![0-9a-z])",
    re.I,
)
_WXID = re.compile(r"wxid_[a-z0-9]{6,20}", re.I)
_QQ = re.compile(r"(?:QQ|扣扣|企鹅)(?:账号|帐号|号码|群号|群|号)?[是为:( ]{0,3}([1-9](?:[ -]?\d){4,10})(?!\d)", re.I)
_SOCIAL = re.compile(
    r"(?:抖音|快手|支付宝|小红书|微博|淘宝|闲鱼|陌陌|钉钉)(?:账号|帐号|号|ID)[是为叫:( ]{0,3}"
    r"([a-z0-9][a-z0-9_\-.]{4,29})(?![0-9a-z])",
    re.I,
)


def luhn(digits: str) -> bool:
    """Whether a number passes the Luhn check of payment cards."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def id_checksum(number: str) -> bool:
    """Whether the last place of an 18-place ID number fits the others."""
    total = sum(int(char) * pow(2, 17 - place, 11) for place, char in enumerate(number[:17]))
    return "10X98765432"[total % 11] == number[17].upper()


def find_identifiers(view: str) -> Iterator[Span]:
    """All identifiers but landlines, the surer kinds first; later finds may overlap earlier ones."""
    yield from _whole(_EMAIL, view, "邮箱")
    yield from _whole(_SOLE_TRADER, view, "个体执照代码")
    yield from _sequences(view)
    yield from _scattered(view)
    yield from _whole(_MOBILE_CHINESE, view, "手机号")
    yield from _whole(_MOBILE_ODD, view, "手机号")
    yield from _whole(_ID_CHINESE, view, "身份证号")
    yield from _tails(view)
    for match in _ACCOUNT_AFTER.finditer(view):
        if not is_masked_number(match[1]):
            yield Span(match.start(1), match.end(1), "银行卡")
    yield from _group(_PASSPORT_AFTER, view, "护照")
    for match in _PASSPORT.finditer(view):
        doubt = (
            ""
            if _near(view, match.start(), 10, r"护照|通行证|证件|证号|出入境")
            else "像护照或通行证号码，请核对"
        )
        yield Span(match.start(), match.end(), "护照", doubt=doubt)
    yield from _whole(_PLATE, view, "车牌")
    yield from _group(_PLATE_AFTER, view, "车牌")
    yield from _whole(_WXID, view, "微信号")
    for match in _WECHAT.finditer(view):
        if match[1].lower() not in words("not_account"):
            yield Span(match.start(1), match.end(1), "微信号")
    yield from _group(_QQ, view, "QQ号")
    yield from _group(_SOCIAL, view, "网络账号")


def find_landlines(view: str) -> Iterator[Span]:
    """Every landline, citizens' and offices' alike; `is_office_line` tells them apart."""
    yield from _whole(_LANDLINE, view, "座机")
    for match in _LOCAL_LINE.finditer(view):
        if _near(view, match.start(), 12, any_of("phone_context") + "|座机|固话|热线|传真"):
            yield Span(match.start(), match.end(), "座机")


def is_masked_number(text: str) -> bool:
    """A number that somebody has already blotted out with zeros."""
    digits = re.sub(r"\D", "", text)
    return len(set(digits[-7:])) == 1 and digits[-1] == "0"


def _sequences(view: str) -> Iterator[Span]:
    """ID numbers, mobiles and bank cards among the digit sequences, however they are grouped."""
    for match in _SEQUENCE.finditer(view):
        apart = _apart(view, match.start(), match.end())
        groups = [(m.start(), m.end()) for m in re.finditer(r"\d+(?:[ -]?[Xx])?", match[0])]
        groups = [(match.start() + start, match.start() + end) for start, end in groups]
        first = 0
        while first < len(groups):
            for last in range(min(len(groups), first + 18), first, -1):
                span = _classify(view, groups[first:last])
                if span and (apart or _unmistakable(view, span)):
                    yield span
                    first = last
                    break
            else:
                first += 1


def _scattered(view: str) -> Iterator[Span]:
    """Numbers in groups between any signs, where sizes and checksums leave no doubt."""
    for match in _SCATTERED.finditer(view):
        groups = [
            (m.start() + match.start(), m.end() + match.start()) for m in re.finditer(r"\d+[Xx]?", match[0])
        ]
        for first in range(len(groups) - 2):
            for last in range(min(len(groups), first + 6), first + 2, -1):
                kind = _scattered_kind([view[one:other] for one, other in groups[first:last]])
                if kind:
                    yield Span(groups[first][0], groups[last - 1][1], kind)


def _scattered_kind(parts: list[str]) -> str:
    number, sizes = "".join(parts), tuple(map(len, parts))
    if sizes == (3, 4, 4) and re.match(r"1[3-9]\d{9}$", number):
        return "手机号"
    if len(number) == 18 and number[:17].isdigit() and _PROVINCES.match(number):
        return "身份证号" if _is_date(number[6:14]) and id_checksum(number) else ""
    if sizes[:4] == (4, 4, 4, 4) and 16 <= len(number) <= 19 and number.isdigit() and number.startswith("62"):
        return "银行卡" if luhn(number) else ""
    return ""


def _tails(view: str) -> Iterator[Span]:
    """尾号5678 of a mobile, an ID number or a card."""
    for match in _TAIL.finditer(view):
        before = view[max(0, match.start() - 8) : match.start()]
        if re.search(rf"车|牌|限行|{any_of('code_context')}", before):
            continue
        kind = "手机号"
        if re.search("身份|证件", before):
            kind = "身份证号"
        elif re.search("卡|账|帐|折", before):
            kind = "银行卡"
        yield Span(match.start(1), match.end(1), kind)


def _unmistakable(view: str, span: Span) -> bool:
    """Whether a number glued to letters is an ID number all the same (by its checksum), or a mobile that
    nothing calls a code.
    """
    digits = view[span.start : span.end]
    if span.kind == "身份证号":
        return len(digits) == 18 and id_checksum(digits)
    return span.kind == "手机号" and len(digits) == 11 and not _near(view, span.start, 12, any_of("code_context"))


def _apart(view: str, start: int, end: int) -> bool:
    """Whether a digit sequence is not the middle of a code of letters and digits."""
    letters = _LETTERS_BEFORE.search(view[max(0, start - 8) : start])
    if letters and letters[0].upper() not in _LABELS:
        return False
    return not re.match(r"[A-Za-z]", view[end : end + 1]) or bool(
        re.match(r"(?:QQ|wx|vx|微)", view[end : end + 2], re.I)
    )


def _classify(view: str, groups: list[tuple[int, int]]) -> Span | None:
    """What the joined groups are, if they lead to a person. A year or an age glued to the end is left out."""
    start, end = groups[0][0], groups[-1][1]
    parts = [re.sub(r"[ -]", "", view[one:other]) for one, other in groups]
    number, sizes = "".join(parts), tuple(map(len, parts))
    options = [(number, end, sizes)]
    glued = re.match(r"年", view[end:]) and re.search(r"(?:19|20)\d\d$", number)
    tail = 4 if glued else 2 if view[end : end + 1] == "岁" else 0
    if tail and sizes[-1] > tail:
        options.insert(0, (number[:-tail], end - tail, (*sizes[:-1], sizes[-1] - tail)))
    for digits, stop, shape in options:
        found = next(
            filter(None, (test(view, start, digits, shape) for test in (_identity, _mobile, _card))), None
        )
        if found:
            kind, doubt = found
            opening = _COUNTRY_CODE.search(view, max(0, start - 2), start)
            if opening and (digits.startswith(("86", "0086")) or re.search("[)）]", view[start:stop])):
                start = opening.start()
            return Span(start, stop, kind, doubt=doubt)
    return None


def _identity(view: str, start: int, number: str, shape: tuple[int, ...]) -> tuple[str, str] | None:
    """An ID number of 18 or 15 places, or 18 with the four places that a disability certificate adds."""
    if not _PROVINCES.match(number) or len(shape) > 6 and set(shape) != {1}:
        return None
    named = _near(view, start, 14, r"身份证|证件号|公民|真号|老号|旧号|15位|十五位|[iI][dD]:?$")
    coded = _near(view, start, 8, any_of("code_context")) and not named
    if len(number) == 20 and re.fullmatch(r"[1-7][1-4]", number[18:]) and id_checksum(number[:18]):
        return "身份证号", ""
    if len(number) == 18 and number[:17].isdigit():
        plausible = _is_date(number[6:14])
        card = number.isdigit() and luhn(number) and _near(view, start, 12, any_of("card_context"))
        proved = id_checksum(number) and not card  # by a card's words, what passes both checks is a card
        if plausible and (proved or named or (shape in _ID18_GROUPS and not coded and not card)):
            doubt = "" if proved or named else "像身份证号但校验位不符，请核对"
            return "身份证号", doubt
        return ("身份证号", "") if named else None
    if len(number) == 15 and shape in _ID15_GROUPS and number.isdigit():
        if _is_date("19" + number[6:12]) and (named or not coded):
            return "身份证号", ""
        return ("身份证号", "像15位身份证号但日期不合，请核对") if named else None
    wrong_length = len(number) in (17, 19) and number.isdigit() and _is_date(number[6:14])
    if wrong_length and (named or (len(number) == 19 and id_checksum(number[:18]) and not coded)):
        return "身份证号", "像多写或少写一位的身份证号，请核对"
    return None


def _mobile(view: str, start: int, number: str, shape: tuple[int, ...]) -> tuple[str, str] | None:
    """A mobile number, with or without the country code or a leading 0."""
    prefix = re.match(r"(?:0086|86|0)(?=1[3-9]\d{9}$)", number)
    if prefix:
        cut = len(prefix[0])
        shape = shape[1:] if shape[0] == cut else (shape[0] - cut, *shape[1:])
        number = number[cut:]
    grouped = shape in _MOBILE_GROUPS or _near(view, start, 6, any_of("phone_context"))
    if grouped and re.fullmatch(r"1[3-9]\d{9}", number):
        return "手机号", ""
    wrong_length = len(shape) == 1 and re.fullmatch(r"1[3-9](?:\d{8}|\d{10})", number)
    if wrong_length and _near(view, start, 6, "手机|电话|联系方式|微信"):
        return "手机号", "像多写或少写一位的手机号，请核对"
    return None


def _card(view: str, start: int, number: str, shape: tuple[int, ...]) -> tuple[str, str] | None:
    """A bank card: 16 to 19 places that pass Luhn, or that are called a card or account."""
    if not 16 <= len(number) <= 19 or not number.isdigit() or number[0] == "0" or is_masked_number(number):
        return None
    if set(shape) != {1} and (len(shape) > 5 or min(shape) < 1 or max(shape[:-1], default=4) < 4):
        return None
    coded = _near(view, start, 10, any_of("code_context"))
    named = _near(view, start, 12, any_of("card_context"))
    if named or (luhn(number) and number.startswith(_CARD_PREFIXES) and not coded):
        return "银行卡", ""
    if number.startswith("62") and not coded:
        return "银行卡", "像银行卡号但校验不符，请核对"
    return None


def _whole(pattern: re.Pattern[str], view: str, kind: str) -> Iterator[Span]:
    for match in pattern.finditer(view):
        yield Span(match.start(), match.end(), kind)


def _group(pattern: re.Pattern[str], view: str, kind: str) -> Iterator[Span]:
    for match in pattern.finditer(view):
        yield Span(match.start(1), match.end(1), kind)


def _is_date(digits: str) -> bool:
    try:
        return 1890 <= date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year <= 2035
    except ValueError:
        return False


def _near(view: str, start: int, reach: int, pattern: str) -> bool:
    return _compiled(pattern).search(view[max(0, start - reach) : start]) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
