"""Set phrases within sections: takes dates, departments, applicant and outcome out of their sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from ingest.articles.document import plain, rules

_MIN_HALL = 4
_SENTENCE = re.compile(r"[^。！？]*[。！？][”’）]*|[^。！？]+$")


@dataclass(frozen=True)
class _Frame:
    where: tuple[str, ...]
    expression: re.Pattern[str]
    start: bool
    keep: bool
    prose: bool
    rest: str


@cache
def _frames() -> tuple[_Frame, ...]:
    data = rules("frames")
    made = []
    for entry in data["frames"]:
        expression = entry["pattern"]
        for part in ("date", "depts", "dept", "org"):
            expression = expression.replace(f"{{{part}}}", data[part])
        where = tuple(entry["where"].split())
        rest = entry.get("rest", "")
        start, keep, prose = (entry.get(name, False) for name in ("start", "keep", "prose"))
        made.append(_Frame(where, re.compile(expression), start, keep, prose, rest))
    return tuple(made)


def is_item(text: str) -> bool:
    """Whether a phrase ends like the name of a service item (…许可, …登记, …证明)."""
    return bool(re.search(rules("frames")["item_end"], text.strip()))


def read(told: dict[str, str]) -> dict[str, str]:
    """The values of a case from the texts of its sections: set phrases go to their fields, the rest stays.

    What is left of a section on results is what became of it for the person: `followup`, unless the source
    has a section of its own for that.
    """
    values = dict(told)
    outcome, rest = _split_outcome(values.pop("outcome", ""))
    if outcome:
        values["outcome"] = outcome
    if rest:
        values["result"] = "\n".join(filter(None, [rest, values.get("result", "")]))
    for frame in _frames():
        for section in frame.where:
            if values.get(section):
                _apply(frame, section, values)
    lead, several, others = values.get("lead_dept", "").strip("。； ").partition("、")
    if several and not values.get("coop_depts"):
        values["coop_depts"] = others
    if lead:
        values["lead_dept"] = lead
    for name in {"result", "followup"} - told.keys() | {"result"}:
        values[name], lasting = _lasting(values.get(name, ""))
        if lasting:
            values.setdefault("solidified", lasting)
    if values.get("result") and not values.get("followup"):
        values["followup"] = values.pop("result")
    return values


def read_prose(told: Mapping[str, str]) -> dict[str, str]:
    """The values of a case told in prose, with what its sentences say outright: who led, when it was done."""
    values = dict(told)
    for frame in _frames():
        for section in frame.where if frame.prose else ():
            if values.get(section):
                _apply(frame, section, values)
    return values


def _split_outcome(text: str) -> tuple[str, str]:
    """The outcome that a text opens with (“办成。三天后拿到了证。”), and what follows it."""
    match = re.match(f"(?:{rules('frames')['outcomes']})(?:[。；\n]|$)", plain(text.strip()))
    if match is None:
        return "", text
    return text.strip()[: match.end()].strip("。； \n"), text.strip()[match.end() :].strip()


def _apply(frame: _Frame, section: str, values: dict[str, str]) -> None:
    text = values[section]
    match = frame.expression.search(plain(text))
    if match is None:
        return
    for group, found in match.groupdict().items():
        name = group.rstrip("2")
        if found is None or name == "hall" and len(found) < _MIN_HALL:
            continue
        if name == "outcome" and found in rules("frames")["no_outcome"]:
            continue
        values.setdefault(name, text[match.start(group) : match.end(group)].strip("，,；; "))
    if frame.keep:
        return
    before, after = text[: match.start()].strip(), text[match.end() :].strip()
    if frame.rest:
        values[section] = before
        values[frame.rest] = "\n".join(filter(None, [values.get(frame.rest, ""), after]))
    else:
        values[section] = "\n".join(filter(None, [before, after])) if "\n" in text else before + after


def _lasting(text: str) -> tuple[str, str]:
    """A text on results parted into what became of this case, and what was changed for all later ones."""
    mark = re.compile(rules("frames")["lasting"])
    sentences = _SENTENCE.findall(text)
    lasting = [s for s in sentences if mark.search(plain(s))]
    return "".join(s for s in sentences if s not in lasting).strip(), "".join(lasting).strip()
