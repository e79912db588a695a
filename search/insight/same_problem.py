"""The same problem told by many people: a mixing plant that keeps a quarter awake, reported fifty times.

Cases are compared by what they mean and by the rare pairs of characters that they share (names of places, houses,
companies), so that letters about one and the same thing meet and those about the same kind of thing elsewhere do not;
what is told at two halls is not one and the same.
A person who writes again counts once: cases that share a trace of a person (`kb.store` keeps one-way traces only) are
one person's. What was found is kept in ``index/same_problem.json`` with the stamp of the library; it is derived data.
Limits lie in ``radar.yml``.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from kb.model import Case
from kb.store import Store

from .. import words
from ..embedder import Vectors
from ..embedder.store import EmbeddingCache
from ..passages import Encode, case_vectors
from . import discovery
from .scope import Scope, counted, hall_of

_PERSONAL = frozenset("nipo")  # kinds of traces that tell persons: names, identity cards, telephones, account numbers
_RADAR = yaml.safe_load((Path(__file__).parent / "radar.yml").read_text(encoding="utf-8"))
_SETTINGS: dict[str, Any] = _RADAR["same_problem"]


def known(store: Store, patient: bool = False) -> list[list[str]]:
    """Groups of ids of cases that tell one problem, the largest first.

    In a large library they are found only if somebody is `patient`; until then those that were found last count.
    """
    path = store.settings.index_dir / "same_problem.json"
    stamp = store.stamp()
    kept = _read(path)
    if kept.get("stamp") == stamp and kept.get("settings") == _SETTINGS:
        return list(kept["groups"])
    size = store.library.table("cases").count_where("state = 'published'")
    if size > _SETTINGS["at_once"] and not patient:
        return list(kept.get("groups", []))
    cases = list(counted(store, Scope()).cases.values())
    with EmbeddingCache(store.settings) as cache:
        found = groups(cases, cache.encode_passages)
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_suffix(".new")
    made.write_text(json.dumps({"stamp": stamp, "settings": _SETTINGS, "groups": found}), "utf-8")
    made.replace(path)
    return found


def groups(cases: Sequence[Case], encode: Encode) -> list[list[str]]:
    """The groups among `cases`; see `known`."""
    if len(cases) < _SETTINGS["many"]:
        return []
    vectors = case_vectors(cases, encode)
    dim = next((len(vector) for vector in vectors if vector is not None), 0)
    meaning = np.array([np.zeros(dim) if vector is None else vector for vector in vectors], np.float32)
    share = _SETTINGS["meaning"]
    likeness = np.hstack([np.sqrt(share) * meaning, np.sqrt(1 - share) * _wording(cases)]).astype(np.float32)
    labels = discovery.groups(likeness, _SETTINGS["least"])
    found: dict[tuple[int, str], list[str]] = {}
    for case, label in zip(cases, labels, strict=True):
        found.setdefault((int(label), hall_of(case)), []).append(case.id)
    return sorted((ids for ids in found.values() if len(ids) >= _SETTINGS["many"]), key=lambda ids: (-len(ids), ids))


def people(traces: Mapping[str, Iterable[str]], ids: Sequence[str]) -> int:
    """How many different persons tell the cases `ids`: those that share a trace of a person are one person's."""
    first: dict[str, str] = {}
    same = {case_id: case_id for case_id in ids}

    def root(case_id: str) -> str:
        while same[case_id] != case_id:
            case_id = same[case_id]
        return case_id

    for case_id in ids:
        for trace in traces.get(case_id, ()):
            if trace[:1] in _PERSONAL:
                same[root(case_id)] = root(first.setdefault(trace, case_id))
    return len({root(case_id) for case_id in ids})


def _wording(cases: Sequence[Case]) -> Vectors:
    """One row of unit length for each case: its rare pairs of characters, hashed, weighted by how rare they are."""
    limits = _SETTINGS
    # A title that is but the matter's name says what kind of thing it is, not which.
    titles = [set(words.bigrams("" if case.title == case.matter.get("name") else case.title)) for case in cases]
    told = [set(words.bigrams(f"{case.obstacle}。{case.demand}"[: limits["looked_at"]])) for case in cases]
    holders = Counter(pair for pairs in zip(titles, told, strict=True) for pair in set.union(*pairs))
    most = max(limits["common"] * len(cases), limits["many"] * 2)
    rows = np.zeros((len(cases), limits["dimensions"]), np.float32)
    for row, title, text in zip(rows, titles, told, strict=True):
        for pair in title | text:
            if 1 < holders[pair] <= most:
                place = zlib.crc32(pair.encode())
                weight = np.log(len(cases) / holders[pair]) * (limits["title"] if pair in title else 1)
                row[place % len(row)] += weight if place >> 31 else -weight
    unit: Vectors = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return unit


def _read(path: Path) -> dict[str, Any]:
    """What was kept; nothing if it is missing or broken: then it is made again."""
    try:
        kept = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) and isinstance(kept.get("groups"), list) else {}
