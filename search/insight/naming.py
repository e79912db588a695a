"""What a class of cases is called, and why its cases are in it: Chinese sentences made from the cases alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kb.model import Case

from .. import words

#: How letters begin.
GREETING = re.compile(r"尊敬的|[您你]好|.{0,8}(领导|书记|市长|县长|局长)[：:，, ]")
UNTOLD = "未写明卡点的案例"
#: The name of a class whose cases were all withdrawn, and that no person has named.
EMPTIED = "已清空的一类（案例都已出库）"
_PLACEHOLDER = re.compile(r"〔[^〕\d]+\d*〕")  # not 〔2020〕 in a document number
_ENDS = " \t\n。！？!?；;，,、：:"


@cache
def settings() -> dict[str, Any]:
    """The content of ``naming.yml``."""
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "naming.yml").read_text(encoding="utf-8"))
    return found


def shared_obstacle(cases: Sequence[Case]) -> str:
    """The sentence that says what `cases` (the most central first) have in common: of the obstacles of the most
    central ones (else of their titles, else of their demands) the one whose words occur in most of the others."""
    limits = settings()
    told = [set(words.bigrams(_said(case))) for case in cases[: limits["compared"]]]
    best, found = -1.0, ""
    for rank, case in enumerate(cases[: limits["central"]]):
        for sentence in _sentences(case.obstacle) or _sentences(case.title) or _sentences(case.demand):
            pairs = set(words.bigrams(sentence))
            others = [len(pairs & other) / max(len(pairs), 1) for place, other in enumerate(told) if place != rank]
            score = sum(others) / max(len(others), 1) * min(1.0, len(sentence) / limits["full"])
            score -= limits["rank"] * rank
            score -= limits["placeholder"] * bool(_PLACEHOLDER.search(sentence))
            if score > best:
                best, found = score, sentence
    return found


def title(obstacle: str) -> str:
    """A short name: the obstacle, cut at a comma or between words."""
    return _cut(obstacle, settings()["title"]) or UNTOLD


def barriers(cases: Sequence[Case]) -> list[str]:
    """The barrier types that a good part of the cases has, the most frequent first."""
    found = Counter(value for case in cases for value in dict.fromkeys(case.barriers))
    enough = max(1.0, settings()["barrier_share"] * len(cases))
    return [value for value, count in found.most_common() if count >= enough] or [v for v, _ in found.most_common(1)]


def why(
    obstacle: str, cases: Sequence[Case], borderline: Collection[str], staff: int = 0, size: int = 0
) -> list[str]:
    """Why `cases` are one class: what they share, what differs, which of them are borderline. In a large class of
    `size` members they are but the most central ones."""
    if not cases:
        return ["类中已没有在库的案例"]
    found = [f"共同的卡点：“{obstacle}”"] if obstacle else []
    if size > len(cases):
        found.append(f"共 {size} 件，以下按最典型的 {len(cases)} 件说")
    found.append(_spread("事项", [_matter(case) for case in cases], len(cases)))
    found.append(_spread("大厅", [str(case.hall.get("name", "")) for case in cases], len(cases)))
    found.append(_types(cases))
    found.append(_wording(cases))
    if borderline:
        named = "、".join([f"“{_brief(case)}”" for case in cases if case.id in borderline][:5])
        named = f"：{named}{' 等' if len(borderline) > 5 else ''}" if named else ""
        found.append(f"拿不准的 {len(borderline)} 件，请核对{named}")
    if staff:
        found.append(f"其中 {staff} 件由工作人员归入")
    return [line for line in found if line]


def _spread(label: str, names: Sequence[str], total: int) -> str:
    count = Counter(name for name in names if name)
    if not count:
        return ""
    listed = "、".join(f"{name} {times}" for name, times in count.most_common(settings()["listed"]))
    more = " 等" if len(count) > settings()["listed"] else ""
    if total == 1:
        return f"{label}：{next(iter(count))}"
    if len(count) == 1:
        return f"{total} 件都是同一{label}：{listed}" if sum(count.values()) == total else f"{label}：{listed}"
    return f"跨{label}：{total} 件分在 {len(count)} 个{label}（{listed}{more}）"


def _types(cases: Sequence[Case]) -> str:
    count = Counter(value for case in cases for value in case.barriers[:1])
    if not count:
        return ""
    if len(count) == 1:
        return f"壁垒类型都是“{next(iter(count))}”" if sum(count.values()) == len(cases) else ""
    return "壁垒类型不尽相同：" + "、".join(f"{name} {times}" for name, times in count.most_common(4))


def _wording(cases: Sequence[Case]) -> str:
    """How far the cases say it in the same words."""
    told = [set(words.bigrams(_said(case))) for case in cases[: settings()["compared"]]]
    shares = [len(a & b) / max(len(a | b), 1) for i, a in enumerate(told) for b in told[:i]]
    mean = sum(shares) / len(shares) if shares else 0.0
    if len(cases) < 2:
        return ""
    if mean >= settings()["copies"]:
        return "文字几乎相同，可能是多人联名或重复反映"
    return "说法不同，意思相近" if mean < settings()["alike"] else ""


def _brief(case: Case) -> str:
    return _cut(_plain(case.title or case.obstacle or case.demand), 18)


def _matter(case: Case) -> str:
    return str(case.matter.get("standard") or case.matter.get("name") or "")


def _said(case: Case) -> str:
    text = case.obstacle or f"{case.title}\n{case.demand}"
    return words.without_placeholders(words.fold(text))


def _sentences(text: str) -> list[str]:
    limits = settings()
    found = []
    for start, end in words.sentences(text):
        sentence = _plain(text[start:end])
        if limits["shortest"] <= len(sentence) and not GREETING.match(sentence):
            found.append(_cut(sentence, limits["sentence"]))
    return found


def _plain(text: str) -> str:
    return " ".join(text.split()).strip(_ENDS)


def _cut(text: str, longest: int) -> str:
    return words.cut(text, longest, longest // 3)
