"""What a ledger's own personal columns say about a case: who the persons are, which numbers and
addresses are theirs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .lexicon import any_of, background, surnames, word_set, words
from .numbers import find_identifiers, find_landlines, is_masked_number
from .spans import Span, fold, mask

_LABEL = re.compile(r"[\u4e00-\u9fff]{2,6}[:：]")
_SEPARATORS = re.compile(
    r"[\s、,，;；/|()（）\[\]【】“”\"'。:：\ue000]+|(?<=\D)\d+|\d+(?=\D)"
    r"|(?<=[\u4e00-\u9fff]{2})[和与及](?=[\u4e00-\u9fff]{2})"
)
_ADDRESS_KEY = re.compile(r"addr|address|住址|地址|住所", re.I)
_PHONE_KEY = re.compile(r"phone|tel|mobile|contact|联系|电话|手机|号码", re.I)


@dataclass(frozen=True)
class Known:
    """Persons' names, and (kind, text) of identifiers, from the personal columns of one case."""

    persons: list[str]
    identifiers: list[tuple[str, str]]


def read_known(columns: Mapping[str, str]) -> Known:
    """The names, numbers and addresses in the personal columns; companies and masked names are left out."""
    persons: list[str] = []
    identifiers: list[tuple[str, str]] = []
    for key, raw in columns.items():
        view = re.sub(
            r"(?<![\u4e00-\u9fff])([\u4e00-\u9fff]) +([\u4e00-\u9fff])(?![\u4e00-\u9fff])",
            r"\1\2",
            fold(raw or "").strip(),
        )
        if not view:
            continue
        spans = list(find_identifiers(view)) + list(find_landlines(view))
        if _PHONE_KEY.search(key):
            spans += [
                Span(m.start(), m.end(), "座机") for m in re.finditer(r"(?<!\d)[2-8]\d{6,7}(?!\d)", view)
            ]
        for span in spans:
            text = view[span.start : span.end]
            if not is_masked_number(text):
                identifiers.append((span.kind, text))
                if local := re.fullmatch(r"[(（]?0\d{2,3}[)）]?[ -]?(\d{7,8})", text):
                    identifiers.append((span.kind, local[1]))
        if _ADDRESS_KEY.search(key):
            if len(view) >= 6 and re.search(r"\d|村", view):
                identifiers.append(("住址", view))
            continue
        persons += [name for name in _names(mask(view, spans)) if name not in persons]
    return Known(persons, identifiers)


def _names(view: str) -> list[str]:
    names = []
    dotted = re.findall(r"[\u4e00-\u9fa5]{1,12}(?:·[\u4e00-\u9fa5]{1,12})+", view)
    for piece in [*dotted, *_SEPARATORS.split(_LABEL.sub(" ", view))]:
        name = _after_organisation(piece)
        if _is_person(name):
            names.append(name)
    return names


def _after_organisation(piece: str) -> str:
    match = re.search(rf"^.*(?:{any_of('org_end')})", piece)
    return piece[match.end() :] if match else piece


def _is_person(name: str) -> bool:
    if "·" in name:
        return True
    if re.fullmatch(rf"[{''.join(words('translit'))}]{{5,12}}", name):
        return True
    if not re.fullmatch(r"[\u3400-\u9fff]{2,4}", name) or name in word_set("nobody"):
        return False
    table = surnames().cost
    surname = next((name[:length] for length in (2, 1) if name[:length] in table and len(name) > length), "")
    rest = name[len(surname) :]
    if rest in word_set("masked_end") or "某" in name or name[-2:] in word_set("masked_end"):
        return False
    if surname:
        return len(rest) <= 2
    return name not in background()
