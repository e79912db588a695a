"""The sentences of cases, of no person any more, and which of them say the same. Numbers and words lie in
``drafting.yml``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from kb.model import Case

from .. import words
from ..passages import Encode
from ..words.formulas import essence
from . import naming


@dataclass
class Sentence:
    """A sentence as its case has it, and all the cases that say the same, its own first."""

    text: str
    cases: list[str]
    case: Case
    place: float = 0.0  # 0 at the beginning of its text, 1 at its end
    dept: str = ""
    bare: str = ""
    denied: frozenset[str] = frozenset()
    pairs: frozenset[str] = frozenset()
    vector: Any = None

    def item(self) -> dict[str, Any]:
        return {"text": self.text, "cases": self.cases}


@cache
def settings() -> dict[str, Any]:
    """The content of ``drafting.yml``."""
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "drafting.yml").read_text(encoding="utf-8"))
    return found


def sentences_of(case: Case, name: str) -> list[Sentence]:
    """The sentences of a field; what is too short for one goes with the sentence before it."""
    limits = settings()
    text = general(re.sub(limits["wrapped"], "", str(getattr(case, name))))
    found: list[Sentence] = []
    for start, end in words.sentences(text):
        for piece in _pieces(text[start:end], limits["longest"]):
            if any(word in piece for word in limits["idle"]) or naming.GREETING.match(piece):
                continue
            if len(essence(piece)) >= limits["shortest"]:
                found.append(Sentence(piece, [case.id], case, start / max(1, len(text))))
            elif found and essence(piece):
                found[-1].text += piece
    return found


def first_of(case: Case) -> Sentence:
    """What a case was about: its obstacle, else its title, else what was asked for."""
    fields = (each for name in ("obstacle", "title", "demand") for each in sentences_of(case, name))
    return next(fields, Sentence(general(case.title or case.matter.get("name", "")), [case.id], case))


def general(text: str) -> str:
    """*text* of no person: 〔姓名1〕 is whoever asked, numbers and addresses are left out."""
    for pattern, word in settings()["placeholders"].items():
        text = re.sub(pattern, word, text)
    return text


def _pieces(text: str, longest: int) -> list[str]:
    """*text* whole, or cut at commas into pieces of at most *longest* characters."""
    text = " ".join(text.split()).strip()
    if len(text) <= longest:
        return [text]
    found = [""]
    for clause in re.findall(r"[^，；,;]+[，；,;]?", text):
        if found[-1] and len(found[-1]) + len(clause) > longest:
            found.append("")
        found[-1] += clause
    return [whole for each in found if (whole := each[: longest * 4].strip(" ，,"))]


class Joining:
    """Joins sentences that say the same: nearly the same letters, or, with a model, the same meaning."""

    def __init__(self, encode: Encode | None) -> None:
        self._encode = encode

    def __call__(self, sentences: Iterable[Sentence]) -> list[Sentence]:
        """Each said once, in the order in which they came; one that more cases say comes no earlier."""
        kept: list[Sentence] = []
        for each in self.read(sentences):
            twin = next((other for other in kept if self.alike(each, other)), None)
            if twin is None:
                kept.append(each)
            else:
                twin.cases = list(dict.fromkeys([*twin.cases, *each.cases]))
        return kept

    def read(self, sentences: Iterable[Sentence]) -> list[Sentence]:
        """The sentences, ready to be compared."""
        found = [each for each in sentences if each.text]
        for each in found:
            each.bare, each.denied = essence(each.text), _denied(each.text)
            each.pairs = frozenset(words.bigrams(each.text))
        if self._encode and found:
            vectors = self._encode([each.text for each in found])
            for each, vector in zip(found, vectors, strict=True):
                each.vector = vector
        return found

    def alike(self, one: Sentence, other: Sentence) -> bool:
        """Whether two sentences are one; a sentence that denies is never one with another that does not."""
        if one.denied != other.denied:
            return False
        if one.bare == other.bare or overlap(one, other) >= settings()["alike"]:
            return True
        return one.vector is not None and float(one.vector @ other.vector) >= settings()["meaning"]

    def central(self, sentences: Sequence[Sentence]) -> int:
        """The place of the sentence nearest to all others, weighed by how many cases say it."""
        if not sentences:
            return 0
        if sentences[0].vector is not None:
            matrix = np.array([each.vector for each in sentences])
            near = matrix @ matrix.T
        else:
            near = np.array([[overlap(one, other) for other in sentences] for one in sentences])
        weights = np.array([len(each.cases) for each in sentences])
        return int(np.argmax((near @ weights).round(6)))


def overlap(one: Sentence, other: Sentence) -> float:
    """The share of pairs of characters that two sentences have in common (Dice), of sentences that `Joining` read."""
    total = len(one.pairs) + len(other.pairs)
    return 2 * len(one.pairs & other.pairs) / total if total else 0.0


def _denied(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"(?:不|未|无|没|免)[\u4e00-\u9fff]", text))
