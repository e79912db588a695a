"""Rules that a text relies on: titles in 《》, 文号, orders and notices, standards, and the articles named.

A title and the number beside it are one basis: 《…的通知》（国发〔2022〕5号）. `documents.yml` holds the
words and the rules that are known to be abolished; of any other rule nothing is said about its validity.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import yaml

_HAN = r"[\u4e00-\u9fff]"
_OPEN, _CLOSE = r"[〔\[【(﹝{<]", r"[〕\]】)﹞}>]"
_NUMBER = r"[一二三四五六七八九十百千零〇\d]{1,9}"
_ARTICLE = rf"第{_NUMBER}条(?:之{_NUMBER})?(?:第{_NUMBER}款)?(?:第?[(]?{_NUMBER}[)]?项)?"
_PATTERN = re.compile(
    "|".join(
        (
            r"(?P<title>《(?:[^《》]|《[^《》]*》){1,120}》)",
            rf"(?P<named>{_HAN}{{3,30}}(?:法|典|条例|规定|办法|细则|意见|通知|方案))(?=\s*\([^()]{{2,40}}号\))",
            rf"(?P<agency>{_HAN}{{2,24}})\s*(?:{_OPEN}\s*(?P<year>(?:19|20)\d\d)\s*年?\s*{_CLOSE}"
            rf"|(?<=[发函字规文通])\s*(?P<bare_year>(?:19|20)\d\d)\s*[年-])\s*(?:第\s*)?(?P<no>\d{{1,5}}(?:-\d{{1,3}})?)\s*号",
            rf"(?P<order>{_HAN}{{0,20}}?(?:令|公告))\s*(?:[(〔\[]?\s*(?P<order_year>(?:19|20)\d\d)\s*[年)〕\]]+\s*)?"
            r"第?\s*(?P<order_no>\d{1,5})\s*号",
            rf"(?P<office>{_HAN}{{2,12}})第\s*(?P<office_no>\d{{1,5}})\s*号令",
            r"(?P<standard>(?<![A-Z])(?:GB|GBZ|DB\d{2,4}|JGJ|CJJ|GA|MZ|JT|WS|TD)(?:/[TZ])?\s*\d{2,6}(?:\.\d{1,2})?(?:-\d{4})?(?!\d))",
            rf"(?P<article>(?P<law>{_HAN}{{2,30}})?(?P<clause>{_ARTICLE}))",
        )
    )
)
_JOINT = re.compile(r"^[\s(〔\[【,:]*$")  # between a title and its own number
_AND = re.compile(r"^[\s、,和及与或以]*$")  # between two articles of one rule
_AUTHORITY = re.compile(r"^.*?(?:局|厅|部|委员会|政府|中心|法院|办公室|人大|国务院)(?=[\u4e00-\u9fff]{3})")


@dataclass(frozen=True)
class Basis:
    """A rule relied on. Parts that the text does not tell are empty; `valid` is `None` unless known."""

    title: str = ""
    doc_no: str = ""
    clause: str = ""
    valid: bool | None = None

    def __str__(self) -> str:
        """As it is quoted: 《标题》（文号）第几条."""
        title = f"《{self.title}》" if self.title else ""
        number = f"（{self.doc_no}）" if title and self.doc_no else self.doc_no
        return title + number + self.clause


class _Token(NamedTuple):
    start: int
    end: int
    basis: Basis


def find(text: str | None, bare_titles: bool = False) -> list[Basis]:
    """The rules named in a text, in its order, each once, numbers written in the standard way (〔〕, no 第).

    With `bare_titles` (for a cell that holds nothing but rules) names without 《》 count as well.
    """
    plain = _plain(text)
    found = _join(plain, _tokens(plain))
    if bare_titles and not found:
        parts = (part.strip(" .。") for part in re.split(r"[、,;；\n]", plain))
        found = [
            Basis(title=part) for part in parts if _is_rule(part) and re.fullmatch(rf"{_HAN}{{3,40}}", part)
        ]
    known = [replace(basis, valid=_validity(basis)) for basis in found]
    return list(dict.fromkeys(known))


def replaced_by(title: str) -> str | None:
    """What took the place of an abolished rule; `None` for any other."""
    entry = _data()["abolished"].get(_bare(title))
    return entry["by"] if entry else None


def _tokens(text: str) -> Iterator[_Token]:
    for match in _PATTERN.finditer(text):
        start, end, part = match.start(), match.end(), match.groupdict()
        if part["title"]:
            yield _Token(start, end, Basis(title=_chinese(part["title"][1:-1])))
        elif part["named"]:
            title = _law(part["named"])
            if title:
                yield _Token(end - len(title), end, Basis(title=title))
        elif part["no"]:
            agency = _agency(part["agency"])
            number = f"{agency}〔{part['year'] or part['bare_year']}〕{part['no']}号"
            yield _Token(match.end("agency") - len(agency), end, Basis(doc_no=number))
        elif part["order_no"]:
            year = f"{part['order_year']}年" if part["order_year"] else ""
            order = _agency(part["order"])
            yield _Token(
                match.end("order") - len(order), end, Basis(doc_no=f"{order}{year}第{part['order_no']}号")
            )
        elif part["office_no"]:
            office = _agency(part["office"])
            yield _Token(
                match.end("office") - len(office), end, Basis(doc_no=f"{office}令第{part['office_no']}号")
            )
        elif part["standard"]:
            yield _Token(start, end, Basis(doc_no=re.sub(r"\s+", " ", part["standard"])))
        elif part["clause"]:
            law = _law(part["law"] or "")
            yield _Token(
                match.start("clause") - len(law), end, Basis(title=law, clause=_chinese(part["clause"]))
            )


def _join(text: str, tokens: Iterator[_Token]) -> list[Basis]:
    """Tokens that speak of one rule become one basis; titles of things that are no rules are dropped."""
    joined: list[Basis] = []
    end = 0
    for token in tokens:
        gap, last, new = text[end : token.start], joined[-1] if joined else Basis(), token.basis
        if new.clause and not new.title:
            if not joined or len(gap) > 8 or re.search(r"[。;；!?\n]", gap):
                continue
            if last.clause:
                if not _AND.match(gap):
                    continue
                new = Basis(clause=f"{last.clause}、{new.clause}")
            joined[-1] = replace(last, clause=new.clause)
        elif joined and _JOINT.match(gap) and not last.clause and _complement(last, new):
            joined[-1] = Basis(last.title or new.title, last.doc_no or new.doc_no)
        else:
            joined.append(new)
        end = token.end
    return [basis for basis in joined if basis.doc_no or basis.clause or _is_rule(basis.title)]


def _complement(last: Basis, new: Basis) -> bool:
    return bool(last.title and new.doc_no and not last.doc_no) or bool(
        last.doc_no and new.title and not last.title
    )


def _agency(run: str) -> str:
    """The issuing word of a number without the words that stand before it."""
    words = _data()
    cut = words["lead_in"].sub("", run)
    while (
        len(cut) > 7
        and (shorter := _AUTHORITY.sub("", cut)) != cut
        and not shorter.startswith(("令", "公告"))
    ):
        cut = shorter
    return re.sub(r"^[和及与](?=..[\u4e00-\u9fff])", "", cut) or run


def _law(run: str) -> str:
    """The name of a law written without 《》, freed of the words before it; empty where there is none."""
    name = re.sub(r"^[按据依见]", "", _data()["law_lead_in"].sub("", run))
    return name if _data()["law"].search(name) else ""


def _is_rule(title: str) -> bool:
    return bool(_data()["title"].search(title))


def _validity(basis: Basis) -> bool | None:
    return False if _bare(basis.title) in _data()["abolished"] else None


def _bare(title: str) -> str:
    return re.sub(r"（.*?）|^中华人民共和国", "", title)


def _chinese(text: str) -> str:
    return text.strip().translate(str.maketrans("(),:;", "（），：；"))


def _plain(text: str | None) -> str:
    """Full-width signs and digits to plain ones, keeping 《》〔〕 and Chinese full stops."""
    return re.sub(r"[—–−]+", "-", unicodedata.normalize("NFKC", text or ""))


@cache
def _data() -> dict[str, Any]:
    data = yaml.safe_load(files(__package__).joinpath("documents.yml").read_text(encoding="utf-8"))
    endings, laws = "|".join(data["title_endings"]), "|".join(data["law_endings"])
    return {
        "title": re.compile(f"(?:{endings})(?:（.*）)?$"),
        "law": re.compile(f"^(?=.{{3}})(?!该|本|此|上述|前述|有关|相关|这).+(?:{laws})$"),
        "law_lead_in": _cut_after(data["lead_ins"]),
        "lead_in": _cut_after(data["lead_ins"] + data["number_lead_ins"]),
        "abolished": {entry["title"]: entry for entry in data["abolished"]},
    }


def _cut_after(words: list[str]) -> re.Pattern[str]:
    return re.compile(f"^.*(?:{'|'.join(words)})(?={_HAN}{{2}})")
