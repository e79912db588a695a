"""The course of a case as a line of moments: received, accepted, steps, closed, solidified, followed up."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from ..model import Case
from ..vocabulary import labels


@dataclass(frozen=True)
class Moment:
    """`days` is how long after the moment before it (None: unknown); `note` says what is odd about the date."""

    kind: str
    label: str
    date: str
    dept: str = ""
    text: str = ""
    days: int | None = None
    note: str = ""


def timeline(case: Case) -> list[Moment]:
    """By date. What has none stays behind what the source tells before it; nothing is invented or left out.

    A closing date before that of receipt is shown where it falls, with a note: the source says so.
    """
    told = _told(case)
    placed, latest = [], ""
    for moment in told:
        latest = moment.date if _date(moment.date) else latest
        placed.append((latest, moment))
    placed.sort(key=lambda pair: pair[0])  # stable: moments of one day stay as they are told
    found: list[Moment] = []
    before: datetime.date | None = None
    for _, moment in placed:
        date = _date(moment.date)
        days = (date - before).days if date and before else None
        found.append(Moment(moment.kind, moment.label, moment.date, moment.dept, moment.text, days, _odd(moment, case)))
        before = date or before
    return found


def _told(case: Case) -> list[Moment]:
    """As a source tells it; no more than names and dates where nothing else is known."""
    names = labels()
    begun = (("received", case.received), ("accepted", case.accepted))
    found = [Moment(name, _SHORT[name], date) for name, date in begun if date]
    found += [
        Moment("step", names["steps"], str(step.get("date") or ""), step.get("dept") or "", step.get("action") or "")
        for step in case.steps
    ]
    if case.closed:
        found.append(Moment("closed", _SHORT["closed"], case.closed, text=case.outcome))
    fixed = case.solidified
    if fixed.get("text") or fixed.get("kind") or fixed.get("date"):
        what = " ".join(filter(None, (fixed.get("kind"), fixed.get("text"))))
        found.append(Moment("solidified", names["solidified"], fixed.get("date") or "", text=what))
    if case.followup:
        found.append(Moment("followup", names["followup"], "", text=case.followup))
    return found


_SHORT = {"received": "收到", "accepted": "受理", "closed": "办结"}


def _odd(moment: Moment, case: Case) -> str:
    """What does not fit the other dates."""
    earlier = {"accepted": "received", "closed": "received", "step": "received", "solidified": "received"}
    first = _date(getattr(case, earlier.get(moment.kind, ""), ""))
    date = _date(moment.date)
    if first and date and date < first:
        return "早于收到日期，来源如此"
    closed = _date(case.closed)
    if moment.kind in ("received", "accepted", "step") and closed and date and date > closed:
        return "晚于办结日期，来源如此"
    return ""


def _date(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text[:10])
    except ValueError:
        return None
