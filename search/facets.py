"""How the cases that were found spread over matters, places, departments …: the filters that would narrow them.

Every value is one that the filter of the same name (:class:`search.engine.Filters`) takes, and its count is what
that filter would leave of the given cases.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from kb import vocabulary
from kb.store import Store

from .filters import LISTS, NO, YES, solidified

#: Order in which facets are shown.
NAMES = ("domain", "matter", "barrier", "outcome", "handling", "region", "department", "year", "solidified")
_SOLIDIFIED = {YES: "有固化措施", NO: "没有固化措施"}
_CHOSEN = """
with chosen as materialized (
  select id, domain, coalesce(nullif(matter_standard, ''), matter) as matter, barriers, outcome, handling,
    lead_dept, coop_depts, province, city, county, region_code, solidified_kind, solidified,
    substr(coalesce(nullif(closed, ''), nullif(accepted, ''), received), 1, 4) as year
  from cases where id in (select value from json_each(:ids)) and state = 'published')
"""
_VALUES = f"""{_CHOSEN}, said (facet, value, id) as (
  select 'domain', domain, id from chosen
  union all select 'matter', matter, id from chosen
  union all select 'outcome', outcome, id from chosen
  union all select 'year', year, id from chosen
  union all select 'department', lead_dept, id from chosen
  union all select 'department', each.value, chosen.id from chosen, json_each(coop_depts) as each
  union all select 'barrier', each.value, chosen.id from chosen, json_each(barriers) as each
  union all select 'handling', each.value, chosen.id from chosen, json_each(handling) as each)
select facet, value, count(distinct id) as n from said where value != '' group by 1, 2 order by n desc, value
"""
_PLACES = f"""{_CHOSEN}
select province, city, county, region_code as code, count(*) as n from chosen where province != '' group by 1, 2, 3, 4
"""
_SAYINGS = f"""{_CHOSEN}
select solidified_kind as kind, solidified as text, count(*) as n from chosen group by 1, 2
"""
#: Digits of a region's code that its level fixes.
_LEVELS = {"province": 2, "city": 4, "county": 6}

Entry = dict[str, Any]


def facets(store: Store, ids: Sequence[str]) -> dict[str, list[Entry]]:
    """For each facet its values among the published cases *ids*: [{value, label, count}], most frequent first.

    ``region`` is a tree from province to county: an entry has ``children`` where cases lie in smaller places, and
    its count includes theirs.  Facets about which the cases say nothing are empty lists.
    """
    given = {"ids": json.dumps(list(ids))}
    found: dict[str, list[Entry]] = {name: [] for name in NAMES}
    for row in store.library.query(_VALUES, given):
        name, value = row["facet"], row["value"]
        label = vocabulary.label(LISTS[name], value) if name in LISTS else value
        found[name].append({"value": value, "label": label, "count": row["n"]})
    found["region"] = _tree(list(store.library.query(_PLACES, given)))
    found["solidified"] = _solidified(list(store.library.query(_SAYINGS, given)))
    return found


def _solidified(rows: list[dict[str, Any]]) -> list[Entry]:
    counts = {YES: 0, NO: 0}
    for row in rows:
        counts[solidified(row["kind"] or "", row["text"] or "")] += row["n"]
    entries = [{"value": value, "label": _SOLIDIFIED[value], "count": n} for value, n in counts.items() if n]
    return sorted(entries, key=lambda entry: -entry["count"])


def _tree(rows: list[dict[str, Any]]) -> list[Entry]:
    """Places below each other; a municipality, which is province and city at once, stands once."""
    roots: dict[str, Entry] = {}
    for row in rows:
        below, above = roots, ""
        for level, digits in _LEVELS.items():
            name = row[level] or ""
            if name and name != above:
                entry = below.setdefault(name, {"label": name, "count": 0, "codes": set(), "below": {}})
                entry["count"] += row["n"]
                entry["codes"].add((row["code"] or "")[:digits].ljust(6, "0"))
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
