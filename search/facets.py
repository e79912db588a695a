"""How the cases that were found spread over matters, places, departments …: the filters that would narrow them.

Every value is one that the filter of the same name (:class:`search.engine.Filters`) takes, and its count is what
that filter would leave of the given cases.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from kb import vocabulary
from kb.store import Store

from .filters import LISTS, NO, YES, solidified

#: Order in which facets are shown.
NAMES = ("domain", "matter", "barrier", "outcome", "handling", "region", "department", "year", "solidified")
_SOLIDIFIED = {YES: "有固化措施", NO: "没有固化措施"}
_CHOSEN = """
select domain, coalesce(nullif(matter_standard, ''), matter) as matter, barriers, outcome, handling,
  lead_dept, coop_depts, province, city, county, region_code, solidified_kind, solidified,
  substr(coalesce(nullif(closed, ''), nullif(accepted, ''), received), 1, 4) as year
from cases where id in (select value from json_each(?)) and state = 'published'
"""
#: Digits of a region's code that its level fixes.
_LEVELS = {"province": 2, "city": 4, "county": 6}

Entry = dict[str, Any]


def facets(store: Store, ids: Sequence[str]) -> dict[str, list[Entry]]:
    """For each facet its values among the published cases *ids*: [{value, label, count}], most frequent first.

    ``region`` is a tree from province to county: an entry has ``children`` where cases lie in smaller places, and
    its count includes theirs.  Facets about which the cases say nothing are empty lists.
    """
    # Each of these rows is read once: they lie far apart in a large library.
    rows = list(store.library.query(_CHOSEN, [json.dumps(list(ids))]))
    counts: dict[str, Counter[str]] = {name: Counter() for name in NAMES}
    for row in rows:
        for name, values in _said(row).items():
            counts[name].update({value for value in values if value})
    found = {name: _entries(name, counter) for name, counter in counts.items()}
    return found | {"region": _tree(rows)}


def _said(row: dict[str, Any]) -> dict[str, list[str]]:
    """What a case says of each facet but the region."""
    return {
        "domain": [row["domain"]],
        "matter": [row["matter"]],
        "barrier": json.loads(row["barriers"] or "[]"),
        "outcome": [row["outcome"]],
        "handling": json.loads(row["handling"] or "[]"),
        "department": [row["lead_dept"], *json.loads(row["coop_depts"] or "[]")],
        "year": [row["year"]],
        "solidified": [solidified(row["solidified_kind"] or "", row["solidified"] or "")],
    }


def _entries(name: str, counter: Counter[str]) -> list[Entry]:
    return [
        {"value": value, "label": _label(name, value), "count": count}
        for value, count in sorted(counter.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def _label(name: str, value: str) -> str:
    if name == "solidified":
        return _SOLIDIFIED[value]
    return vocabulary.label(LISTS[name], value) if name in LISTS else value


def _tree(rows: list[dict[str, Any]]) -> list[Entry]:
    """Places below each other; a municipality, which is province and city at once, stands once."""
    roots: dict[str, Entry] = {}
    for row in rows:
        if not row["province"]:
            continue
        below, above = roots, ""
        for level, digits in _LEVELS.items():
            name = row[level] or ""
            if name and name != above:
                entry = below.setdefault(name, {"label": name, "count": 0, "codes": set(), "below": {}})
                entry["count"] += 1
                entry["codes"].add((row["region_code"] or "")[:digits].ljust(6, "0"))
                below, above = entry["below"], name
    return _sorted(roots)


def _sorted(entries: dict[str, Entry]) -> list[Entry]:
    """Entries of the answer.  The value is the code, because names such as 鼓楼区 are not unique; where cases lack
    it, the name."""
    found = []
    for entry in sorted(entries.values(), key=lambda entry: (-entry["count"], entry["label"])):
        code = min(entry["codes"])
        known = len(entry["codes"]) == 1 and code.strip("0")
        place = {"value": code if known else entry["label"], "label": entry["label"], "count": entry["count"]}
        if entry["below"]:
            place["children"] = _sorted(entry["below"])
        found.append(place)
    return found
