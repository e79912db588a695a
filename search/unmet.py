"""What people asked, de-identified: needs for which there is no precedent, and questions that many have.

Questions are counted in ``workbench.db`` and nowhere else; whatever goes wrong there, the search goes on.  Limits lie
in ``unmet.yml``.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from kb import vocabulary
from kb.config import Settings
from kb.errors import Fault, Missing
from kb.fields import departments, regions
from kb.model import Case
from kb.privacy import redact_text
from kb.store import Asked, Store

from . import words
from .calibration import NONE
from .embedder import Embedder
from .engine import Filters

log = logging.getLogger(__name__)

MOST_DEPARTMENTS = 3
_SPACES = re.compile(r"\s+")
_PLACEHOLDER = re.compile(r"〔[^\d〔〕][^〔〕]*〕")  # 〔手机号〕, not the year of a document's number
_CUT_OFF = re.compile(r"〔[^〕]*$")
_HAN = re.compile(r"[\u3400-\u9fff]")
# What redaction left because nothing proves that it is personal: a question needs no such number.
_LONG_NUMBER = re.compile(r"(?<![a-z0-9])(?=[a-z@._-]*\d)[a-z0-9@._-]{6,}(?![a-z0-9])|\d{6,}")
_NUMBER = "〔号码〕"


@cache
def settings() -> dict[str, Any]:
    """The content of ``unmet.yml``."""
    path = Path(__file__).parent / "unmet.yml"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


# Writing


def record(store: Store, text: str, grade: str, filters: Filters | None = None, patience: float = 0.0) -> bool:
    """Counts a question and the grade of its answer; whether it was counted.

    Not counted are numbers, names alone, what is half typed and what was asked a moment ago.  Never raises: a
    database that stays locked for *patience* seconds, or any other fault, leaves a line in the log that does not
    hold the question.
    """
    try:
        kept = deidentified(text)
        if not kept:
            return False
        chosen = filters or Filters()
        return store.log_question(
            kept,
            folded(kept),
            grade,
            # A filter may hold anything that somebody wrote into an address: only names of our lists are kept.
            region=_place(chosen.region),
            domain=vocabulary.clean("domains", chosen.domain) or "",
            pause=settings()["pause"],
            keep=settings()["keep"],
            patience=patience,
        )
    except Exception as error:  # whoever searches must not suffer from the book-keeping
        log.warning("一个问题未能记下：%s", type(error).__name__)
        return False


def record_soon(chosen: Settings, text: str, grade: str, filters: Filters | None = None) -> Future[bool]:
    """`record` in the background, on a connection of its own: costs the search nothing.

    A process that ends waits for it.
    """
    return _writer().submit(_record, chosen, text, grade, filters)


def _record(chosen: Settings, text: str, grade: str, filters: Filters | None) -> bool:
    try:
        with Store(chosen) as store:
            return record(store, text, grade, filters, settings()["patience"])
    except Exception as error:  # as in record
        log.warning("一个问题未能记下：%s", type(error).__name__)
        return False


@cache
def _writer() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="questions")


def deidentified(text: str) -> str:
    """*text* in simplified characters as it may be kept; empty if it is too little to be a question.

    Personal data becomes placeholders, also where it is doubtful, and so does every long number that is not a
    document's.
    """
    limits = settings()
    plain = "".join(char if char.isprintable() else " " for char in text[: limits["looked_at"]])
    safe = _without_numbers(redact_text(_simplified(_SPACES.sub(" ", plain).strip())))
    safe = _CUT_OFF.sub("", safe[: limits["longest"]]).strip()
    said = _PLACEHOLDER.sub("", _documents_blanked(safe))
    return safe if len(_HAN.findall(said)) >= limits["least"] else ""


def _simplified(text: str) -> str:
    """*text* with simplified characters, in which redaction knows the names; signs and letters stay as typed."""
    return "".join(simple if _HAN.match(simple) else char for char, simple in zip(text, words.fold(text), strict=True))


def folded(text: str) -> str:
    """The form under which spellings of one question meet: no placeholders, signs or blanks."""
    return "".join(char for char in _PLACEHOLDER.sub("", words.fold(text)) if char.isalnum())


def _place(region: str) -> str:
    """The full name of the area that a filter means (a name, or the leading digits of a code); empty if none."""
    code = region.strip()
    if not code:
        return ""
    found = regions.by_code(code.ljust(6, "0")) if code.isascii() and code.isdigit() else regions.find(region)
    return "".join(dict.fromkeys((found.province, found.city, found.county))) if found else ""


def _without_numbers(text: str) -> str:
    hidden = _documents_blanked(_PLACEHOLDER.sub(lambda found: " " * len(found[0]), words.fold(text)))
    pieces, at = [], 0
    for found in _LONG_NUMBER.finditer(hidden):
        pieces += [text[at : found.start()], _NUMBER]
        at = found.end()
    return "".join([*pieces, text[at:]])


def _documents_blanked(text: str) -> str:
    """*text* with numbers of documents as blanks, as long as before."""
    for number in words.document_numbers(text):
        text = text[: number.start] + " " * (number.end - number.start) + text[number.end :]
    return text


# Reading


@dataclass(frozen=True)
class Need:
    """Questions without a precedent that ask for one thing; ``id`` is that of the most asked one, whose text stands
    for all.  Counts hold only askings that found nothing; ``questions`` [{id, text, asked, closed, case_id, reason}].
    """

    id: int
    text: str
    asked: int
    first: str
    last: str
    months: dict[str, int]
    regions: dict[str, int]
    domains: dict[str, int]
    questions: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def needs(store: Store, embedder: Embedder | None = None, since: str = "", closed: bool = False) -> list[Need]:
    """Unmet needs, the most asked first; with *closed* also those that were settled.

    *since* (YYYY-MM…) leaves out what was asked in earlier months.  Questions are compared by
    *embedder*; without it they meet only if they have the same words.
    """
    unmet: list[tuple[Asked, int]] = []
    for one in store.questions(since[:7]):
        times = sum(count["asked"] for count in one.counts if count["grade"] == NONE)
        if times and (closed or not one.closed):
            unmet.append((one, times))
    unmet.sort(key=lambda pair: (-pair[1], pair[0].id))
    compared = settings()["grouped"]
    labels = _groups([one.text for one, _ in unmet[:compared]], embedder)
    grouped: dict[int, list[tuple[Asked, int]]] = {}
    for at, pair in enumerate(unmet):
        grouped.setdefault(labels[at] if at < compared else at, []).append(pair)
    found = [_need(group) for group in grouped.values()]
    return sorted(found, key=lambda need: (-need.asked, need.last, need.id))


def need_of(store: Store, number: int, embedder: Embedder | None = None) -> Need:
    """The need to which question *number* belongs: among open ones as `needs` lists them, or among all if settled.

    Raises Missing.
    """
    settled = any(one.id == number and one.closed for one in store.questions())
    for need in needs(store, embedder, closed=settled):
        if number in {one["id"] for one in need.questions}:
            return need
    raise _absent(number)


def settle(
    store: Store, number: int, embedder: Embedder | None = None, case_id: str = "", reason: str = "", only: bool = False
) -> int:
    """Close the need of question *number* with a case or a *reason*, which is de-identified; how many wordings that
    closed. With *only* just this wording. Raises Fault unless exactly one of both is given and the case is published.
    """
    reason = reason.strip()
    if bool(case_id) == bool(reason):
        raise Fault("请填写案例编号，或写明理由（二者取一）")
    if case_id and case_id not in store.published_of([case_id]):
        raise Fault(f"库中没有编号为 {case_id} 的已入库案例")
    if only and number not in {one.id for one in store.questions()}:
        raise _absent(number)
    ids = [number] if only else [
        one["id"] for one in need_of(store, number, embedder).questions if not one["closed"]
    ]  # fmt: skip
    store.close_questions(ids, case_id, redact_text(reason))
    return len(ids)


def _absent(number: int) -> Missing:
    return Missing(f"没有编号为 {number} 的问题")


def frequent(store: Store, least: int = 3) -> list[tuple[str, int]]:
    """(question, how often) of answered questions asked at least *least* times, the most asked first.

    They may be suggested to everybody, so none in which something had to be redacted is among them.
    """
    found = []
    for one in store.questions():
        answered = sum(count["asked"] for count in one.counts if count["grade"] != NONE)
        if answered >= least and not _PLACEHOLDER.search(one.text):
            found.append((one.text, answered))
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def responsible(cases: Sequence[Case]) -> list[str]:
    """At most three departments that answer for *cases* (nearest first), by standard name where there is one.

    Every case speaks for its lead department with the inverse of its place, so that frequent ones and near ones come
    first; where no column names one, for the first body that its measure names.
    """
    votes: dict[str, float] = {}
    for place, case in enumerate(cases, 1):
        for name in _lead(case):
            votes[name] = votes.get(name, 0) + 1 / place
    named = sorted(votes, key=lambda name: -votes[name])
    special = [name for name in named if name not in settings()["too_general"]]
    return (special or named)[:MOST_DEPARTMENTS]


def _lead(case: Case) -> Iterable[str]:
    named = departments.split(case.lead_dept)
    if named:
        return dict.fromkeys(departments.standard(name) or name for name in named)
    body = departments.standard(case.measure)
    return [body] if body else []


def _need(group: list[tuple[Asked, int]]) -> Need:
    """A need of questions with their numbers of askings, the most asked first."""
    sums: dict[str, Counter[str]] = {"month": Counter(), "region": Counter(), "domain": Counter()}
    for one, _ in group:
        for count in one.counts:
            for name, counter in sums.items():
                if count["grade"] == NONE and count[name]:
                    counter[count[name]] += count["asked"]
    return Need(
        group[0][0].id,
        group[0][0].text,
        sum(times for _, times in group),
        min(one.first for one, _ in group),
        max(one.last for one, _ in group),
        dict(sorted(sums["month"].items())),
        dict(sums["region"].most_common()),
        dict(sums["domain"].most_common()),
        [
            {"id": one.id, "text": one.text, "asked": times, "closed": one.closed, "case_id": one.case_id,
             "reason": one.reason}
            for one, times in group
        ],
    )  # fmt: skip


def _groups(texts: Sequence[str], embedder: Embedder | None) -> list[int]:
    """For each text the place of the one whose need it shares, its own if it is the first.

    Texts come with the most asked first; each joins the nearest of those that began a need, so that no chain of
    ever other wordings makes one need of everything.
    """
    plain = [_PLACEHOLDER.sub(" ", text) for text in texts]
    limit = _limit(embedder.fingerprint) if embedder else None
    vectors = embedder.encode_queries(plain) if embedder and limit is not None else None
    began: dict[frozenset[str], int] = {}
    leaders: list[int] = []
    groups: list[int] = []
    for at, text in enumerate(plain):
        content = frozenset(word.text for word in words.content_words(text)) or frozenset([text])
        place = began.get(content, at)
        if place == at and vectors is not None and leaders:
            cosines = vectors[leaders] @ vectors[at]
            nearest = int(np.argmax(cosines))
            place = leaders[nearest] if cosines[nearest] >= limit else at
        if place == at:
            leaders.append(at)
        began.setdefault(content, place)
        groups.append(place)
    return groups


def _limit(fingerprint: str) -> float | None:
    """The cosine from which two questions are one need; None for embedders whose cosines were not looked at."""
    limits: dict[str, float] = settings()["similar"]
    return next((limit for beginning, limit in limits.items() if fingerprint.startswith(beginning)), None)
