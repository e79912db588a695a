"""Traces: what is kept of the persons in a record, so that the same case told twice can be recognised.

Personal data is not stored. A trace is a keyed one-way hash (BLAKE2b) of a name, number or company name, cut
to three bytes. The key is a random secret of the library that never leaves the workbench database, so nobody
without it can test a guessed name; three bytes are few enough that a trace fits many strings even for
somebody with the key (of a thousand million phone numbers about sixty share it), and many enough that a match
by chance is rare within a library. The trade-off: whoever holds both key and traces can say that a given
person *may* be in a record, never that they are. Surnames are kept in one byte, weaker still. Traces belong in
the workbench database only and are deleted when the case is withdrawn.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from kb.privacy.lexicon import surnames

_BYTES = {"s": 1}
_COMPANY = re.compile(r"(公司|集团|合作社|企业|工厂|厂|学校|幼儿园|协会|商会|医院|酒店|中心|店|部|社|馆|院|所)$")
_MASKED = re.compile(
    r"(?![位老小大各])([一-鿿])(?:某某?|[*＊×xXoO○]{1,2})|(?![位老小大各])([一-鿿])"
    r"(?:先生|女士|小姐|同志|老师|师傅|[大阿]?爷|爷爷|奶奶|大[妈娘婶嫂伯叔姐哥]|阿[姨婆公]|老[汉太伯]|婆婆|总)"
)
_NAME = re.compile(r"[一-鿿]{2,4}|[一-鿿]{1,8}[·•][一-鿿]{1,8}")


def traces(strings: Iterable[str], secret: bytes) -> frozenset[str]:
    """Traces of the strings that redaction met (names, phones, ID numbers, company names, account ids).

    A trace is `kind:hex`: n name, i ID number, p phone, c company, o other number, s surname. Masked names
    (李先生, 张某) give a surname only. `secret`: at least 16 random bytes, at most 64."""
    if not 16 <= len(secret) <= 64:
        raise ValueError("the secret must have 16 to 64 bytes")
    return frozenset(_hash(kind, text, secret) for string in strings for kind, text in _kinds(string))


def masked_names(text: str) -> list[str]:
    """Masked names that stay readable in a text (李先生, 王女士, 张某): to be handed to `traces` too."""
    return [match[0] for match in _MASKED.finditer(text) if (match[1] or match[2]) in surnames().cost]


def _kinds(string: str) -> list[tuple[str, str]]:
    text = re.sub(r"\s", "", unicodedata.normalize("NFKC", string))
    digits = re.sub(r"[-—－()]", "", text)
    if re.fullmatch(r"\d{17}[\dXx]|\d{15}", digits):
        return [("i", digits.upper())]
    if re.fullmatch(r"\+?(86)?1\d{10}|0\d{9,11}|\d{7,8}", digits):
        return [("p", digits.removeprefix("+").removeprefix("86"))]
    masked = _MASKED.fullmatch(text)
    if masked:
        return [("s", masked[1] or masked[2])]
    if len(text) > 4 and _COMPANY.search(text):
        return [("c", text)]
    if _NAME.fullmatch(text):
        return [("n", text), ("s", text[0])]
    if re.search(r"\d", text) and len(text) >= 4:
        return [("o", digits.upper())]
    return [("c", text)] if len(text) > 4 else []


def _hash(kind: str, text: str, secret: bytes) -> str:
    size = _BYTES.get(kind, 3)
    return f"{kind}:{hashlib.blake2b(f'{kind}|{text}'.encode(), key=secret, digest_size=size).hexdigest()}"
