"""Why a case was found, which characters of it to mark, and how much of the question it holds.

Pure functions over a question and a case; `marks` finds the words in the texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from kb.fields import regions
from kb.fields.regions import Region
from kb.model import Case

from . import words
from .engine import Filters
from .marks import folded, spans, stands
from .query import Query
from .words.formulas import essence

#: Fields that are shown with marks, in reading order.
MARKED = ("title", "obstacle", "demand", "measure", "result")
RECENT = timedelta(days=365)
TELLING = 4  # characters that a sentence needs beyond formulas and function words to say anything

_NAMED = re.compile(r"《([^《》]{4,80})》")
_BRACKETS = re.compile(r"[(（【\[][^()（）【】\[\]]*[)）】\]]")
_DATED = re.compile(r"(?:19|20)\d\d\s?年\s?\d{1,2}\s?月\s?\d{1,2}\s?日\W*$")
_LONGEST_SIGNATURE = 40


@cache
def settings() -> dict[str, Any]:
    """The content of ``explanation.yml``."""
    path = Path(__file__).parent / "explanation.yml"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def highlights(query: Query, case: Case) -> dict[str, list[list[int]]]:
    """Field → [start, end] of what the question asks for, in characters of the stored text, without overlaps.

    Marked are the words of the question, the official terms for them and words that were put right; where a case
    holds none of them, the pairs of characters that it shares with the question.
    """
    texts = {name: folded(str(getattr(case, name))) for name in MARKED}
    for wanted in (_wanted(query), _telling_pairs(query)):
        found = {name: spans(text, wanted) for name, text in texts.items()}
        if any(found.values()):
            return {name: marks for name, marks in found.items() if marks}
    return {}


def coverage(query: Query, case: Case) -> float:
    """Which share of the question's words, weighed by their length, the case holds: 0 to 1.

    A word is held if it stands in the case, or one of the terms that say the same.
    """
    text = _text(case)
    bridged = [words.fold(one.word) for one in query.synonyms if any(words.fold(term) in text for term in one.terms)]

    def held(word: str) -> bool:
        return word in text or any(word in lay or lay in word for lay in bridged)

    total = sum(len(word) for word in query.words)
    return sum(len(word) for word in query.words if held(word)) / total if total else 0.0


def _wanted(query: Query) -> list[str]:
    """Everything to mark, folded."""
    terms = [term for one in query.synonyms for term in one.terms]
    meant = [one.meant for one in query.corrections]
    return _distinct([*_markable(query), *map(words.fold, [*terms, *meant, *query.phrases])])


def _markable(query: Query) -> list[str]:
    """Words of the question that say something: single characters only if there is nothing longer."""
    telling = [word for word in query.words if word not in _empty_words()]
    return [word for word in telling if len(word) > 1] or telling


@cache
def _empty_words() -> frozenset[str]:
    """Words that the search may weigh but that convince nobody."""
    return frozenset(words.fold(word) for word in settings()["empty_words"])


def _telling_pairs(query: Query) -> list[str]:
    """Pairs of characters of the question, without those that belong to function words."""
    ignored = words.stopwords()
    empty = _empty_words()
    return [
        pair for pair in query.pairs
        if pair not in ignored and pair not in empty and not any(char in ignored for char in pair)
    ]  # fmt: skip


def why(
    query: Query,
    case: Case,
    filters: Filters,
    place: tuple[str, int, int] | None,
    near: bool,
    home: str = "",
    today: date | None = None,
) -> list[dict[str, str]]:
    """Reasons as {kind, text}, what convinces a clerk most first: 文号, 事项, 词, 同义, 义, 地区, 时效, 复用.

    *place* is the passage that dense search liked best (field, start, end); *near* says whether it is near
    enough to be called a reason where there is none in words.  *home* is the code (GB/T 2260) of the asking
    hall's area; without it the region filter is the place that counts.  *today* decides what is recent.
    """
    text = _text(case)
    reasons = _numbers(query, case, text)
    matter = _matter(query, case)
    if matter:
        reasons.append({"kind": "事项", "text": matter})
    shared = _shared(query, text)
    bridges = _bridges(query, text)
    if shared:
        reasons.append({"kind": "词", "text": "、".join(shared[: settings()["most_words"]])})
    if bridges:
        reasons.append({"kind": "同义", "text": "；".join(bridges[: settings()["most_bridges"]])})
    quote = _quote(query, case, place) if place and (near or not reasons) else ""
    if quote:
        reasons.append({"kind": "义", "text": quote})
    if not reasons:
        runs = _runs(query, text)
        reasons += [{"kind": "词", "text": "、".join(runs)}] if runs else []
    region = _region(case, filters, home)
    if region:
        reasons.append({"kind": "地区", "text": region})
    reasons += [{"kind": "时效", "text": said} for said in _timeliness(case, today)]
    if case.playbook:
        reasons.append({"kind": "复用", "text": "已归入“一类事”，有现成办法"})
    return reasons


def summary(query: Query, case: Case) -> str:
    """The words that *case* shares with the question, or that it is near in meaning."""
    shared = _shared(query, _text(case))[: settings()["most_words"]]
    return f"同样提到：{'、'.join(shared)}" if shared else "意思相近"


def region_name(case: Case) -> str:
    """Province, city and county of *case* in one string, without repetition (北京市 北京市)."""
    levels = [case.region.get(level, "") for level in ("province", "city", "county")]
    return "".join(dict.fromkeys(level for level in levels if level))


def _numbers(query: Query, case: Case, text: str) -> list[dict[str, str]]:
    """Documents that the question names, by number or by title, and the case rests on or tells of."""
    asked = [one.text for one in words.document_numbers(query.text)]
    titles = _NAMED.findall(query.text)
    if not asked and not titles:
        return []
    bases = "\n".join(f"{basis.get('title') or ''} {basis.get('doc_no') or ''}" for basis in case.basis)
    told = f"{text}\n{folded(bases)}"
    held = {one.text for one in words.document_numbers(told)}
    found = [number for number in asked if number in held]
    found += [f"《{title}》" for title in titles if words.fold(title) in told]
    return [{"kind": "文号", "text": one} for one in _distinct(found)]


def _matter(query: Query, case: Case) -> str:
    """The name of the case's matter if the question asks for it, in these words or in ones that say the same."""
    asked = folded(query.meaning or query.text)
    pieces = [piece for piece in _pieces(query) if len(piece) > 1]
    for name in _distinct(str(case.matter.get(key) or "") for key in ("name", "standard")):
        core = _core(words.fold(name))
        if len(core) > 1 and (core in asked or _covered(core, pieces) >= settings()["matter_share"]):
            return name
    return ""


def _pieces(query: Query) -> list[str]:
    """The words of the question and those of the terms that say the same."""
    terms = (word for one in query.synonyms for term in one.terms for word in _term_words(term))
    return _distinct([*query.words, *terms])


@lru_cache(maxsize=4096)
def _term_words(term: str) -> tuple[str, ...]:
    return tuple(word.text for word in words.content_words(term))


def _core(name: str) -> str:
    """The name of a matter without brackets and without what nearly every name ends with."""
    return _tails().sub("", _BRACKETS.sub("", name).strip())


@cache
def _tails() -> re.Pattern[str]:
    return re.compile(rf"(?<=\S\S)(?:{'|'.join(map(re.escape, settings()['matter_tails']))})+$")


def _covered(text: str, pieces: Sequence[str]) -> float:
    """Share of the characters of *text* that *pieces* cover."""
    covered = bytearray(len(text))
    for piece in pieces:
        at = text.find(piece)
        while at >= 0:
            covered[at : at + len(piece)] = b"\1" * len(piece)
            at = text.find(piece, at + 1)
    return sum(covered) / len(text)


def _shared(query: Query, text: str) -> list[str]:
    """Words of the question, as it was understood, that the case holds, longest first, none inside another."""
    return _outermost(word for word in _markable(query) if stands(word, text))


def _bridges(query: Query, text: str) -> list[str]:
    """“本子 → 不动产权证书”: what was asked in other words and stands in the case."""
    found = []
    for one in query.synonyms:
        if stands(words.fold(one.word), text):
            continue
        terms = [term for term in one.terms if words.fold(term) not in query.words and stands(words.fold(term), text)]
        if terms:
            found.append(f"{one.word} → {'、'.join(_outermost(terms)[:2])}")
    return _distinct(found)


def _runs(query: Query, text: str) -> list[str]:
    """Stretches of characters that the question and the case have in common, longest first."""
    common = spans(text, _telling_pairs(query))
    return _outermost(text[start:end] for start, end in common)[: settings()["most_words"]]


def _quote(query: Query, case: Case, place: tuple[str, int, int]) -> str:
    """The sentence of the passage at *place* that has most in common with the question, in its wider sense.

    Where none has anything in common, the first that is neither a greeting nor a signature.
    """
    name, start, end = place
    passage = str(getattr(case, name))[start:end]
    wanted = [word for word in _distinct([*_wanted(query), *_pieces(query)]) if len(word) > 1]
    pairs = _telling_pairs(query)

    def worth(sentence: str) -> tuple[bool, int]:
        text = folded(sentence)
        common = [*(word for word in wanted if word in text), *(pair[0] for pair in pairs if pair in text)]
        return _telling(sentence), len("".join(common))

    return max(_sentences(passage), key=worth, default="")


def _sentences(passage: str) -> list[str]:
    """The sentences of *passage*; those too long to be quoted in parts."""
    longest = settings()["longest_quote"]
    found = []
    for start, end in words.sentences(passage):
        sentence = passage[start:end]
        parts = [(0, len(sentence))] if len(sentence) <= longest else words.passages(sentence, longest)
        found += [_salutation().sub("", sentence[first:last].strip()) for first, last in parts]
    return [sentence for sentence in found if sentence]


@cache
def _salutation() -> re.Pattern[str]:
    whole, opening = ("|".join(map(re.escape, settings()[name])) for name in ("greetings", "salutations"))
    return re.compile(rf"^(?:(?:{whole}|(?:{opening})[^，,：:！!。]{{0,15}})[，,：:！!]\s*)+")


def _telling(sentence: str) -> bool:
    """Whether *sentence* says something: no greeting, no thanks, no date with a name before it."""
    if len(sentence) <= _LONGEST_SIGNATURE and _DATED.search(sentence):
        return False
    ignored = words.stopwords()
    return sum(char not in ignored for char in essence(sentence)) >= TELLING


def _region(case: Case, filters: Filters, home: str) -> str:
    """The smallest area that the case and the asking hall share, else the place if one was filtered for."""
    mine, area = regions.by_code(home), _area(case)
    if mine and area:
        ours, theirs = ((one.province, one.city, one.county) for one in (mine, area))
        for depth in (3, 2, 1):
            if ours[depth - 1] and ours[:depth] == theirs[:depth]:
                return f"{_own(ours[depth - 1])}：{region_name(case) or area.name}"
    return (region_name(case) or filters.region) if filters.region else ""


def _area(case: Case) -> Region | None:
    """Where *case* belongs: its own region, else that of its hall."""
    names = [str(case.region.get(level) or "") for level in ("province", "city", "county")]
    code = str(case.region.get("code") or case.hall.get("code") or "")
    return Region(names[0], names[1], names[2], code) if names[0] else regions.by_code(code)


def _own(name: str) -> str:
    """本县, 本市, 本自治区 … after the name of the area."""
    return "本" + next((end for end in ("自治区", "地区") if name.endswith(end)), name[-1])


def _timeliness(case: Case, today: date | None) -> list[str]:
    """That a basis is known to be void, or that the case is recent; nothing is said of a basis nobody checked."""
    void = [
        " ".join(filter(None, [str(basis.get("title") or ""), str(basis.get("doc_no") or "")]))
        for basis in case.basis
        if basis.get("valid") is False
    ]
    said = [f"依据已失效：{'、'.join(filter(None, void)) or '见依据'}"] if void else []
    # ISO dates compare as text, also where only the month is known.
    if today and case.closed and (today - RECENT).isoformat() <= case.closed <= today.isoformat():
        said.append(f"近一年内办结：{case.closed}")
    return said


def _text(case: Case) -> str:
    """All that a case says in words, folded."""
    parts = [str(getattr(case, name)) for name in MARKED]
    parts += [str(case.matter.get(key) or "") for key in ("name", "standard")]
    return "\n".join(map(folded, parts))


def _outermost(found: Iterator[str] | Sequence[str]) -> list[str]:
    """Longest first, without what stands inside a longer one."""
    ordered = sorted(_distinct(found), key=len, reverse=True)
    return [word for at, word in enumerate(ordered) if not any(word in longer for longer in ordered[:at])]


def _distinct(found: Iterator[str] | Sequence[str]) -> list[str]:
    """Each once, in the order given, without empty ones."""
    return [one for one in dict.fromkeys(found) if one]
