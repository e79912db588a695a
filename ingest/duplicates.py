"""The same case told twice (county and city, ledger and news, reworded): linked, never deleted.

Pairs worth comparing come from four blocks (common traces, verbatim text, nearest in meaning, same city and
weeks), so that no library is compared all with all; `comparison` weighs each pair. The same matter with
different people is not a duplicate, not even when they post the same words: where both records carry
traces of persons and share none, only a person can link them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from datasketch import MinHash, MinHashLSH

from .comparison import Profile, Rarity, Verdict, area_code, as_date, compare, contradict, profile, told, weights

_PERMUTATIONS = 32
_VERBATIM = 0.6
_SHINGLE = 5
_SAMPLE = 2000


@dataclass(frozen=True)
class Candidate:
    """A case that may be told twice. `order`: when it came in (smaller is earlier); `fields`: as
    `Case.to_dict()`; `vector`: unit vector of its text, float32, or None; `traces`: see `traces.traces`."""

    id: str
    order: int | str
    fields: Mapping[str, Any]
    vector: np.ndarray | None
    traces: frozenset[str]


@dataclass(frozen=True)
class Duplicate:
    """`id` tells the same case as `duplicate_of`, which is never itself a duplicate.

    `score`: probability 0–1; `evidence`: Chinese sentences, strongest first."""

    id: str
    duplicate_of: str
    score: float
    evidence: list[str]


def find_duplicates(new: Sequence[Candidate], known: Sequence[Candidate]) -> list[Duplicate]:
    """Links from `new` records to the originals that they tell again, among `known` and `new`.

    A known record stays the original. Among new ones the original is the one nearest to the ground (county
    before city, ledger before report), then the earlier, then the fuller."""
    everyone = [*known, *new]
    if not new or len(everyone) < 2:
        return []
    pairs = _pairs(everyone, len(known))
    # Word rarity needs a picture of the whole library, not every record of it.
    sample = range(0, len(known), max(1, len(known) // _SAMPLE))
    needed = {i for pair in pairs for i in pair} | set(sample) | set(range(len(known), len(everyone)))
    profiles = {i: profile(everyone[i].fields, everyone[i].vector, everyone[i].traces) for i in sorted(needed)}
    rarity = Rarity(list(profiles.values()))
    linked: list[tuple[int, int, Verdict]] = []
    for i, j in sorted(pairs):
        verdict = compare(profiles[i], profiles[j], rarity)
        if verdict.score >= weights()["threshold"]:
            linked.append((i, j, verdict))
    return _resolve(everyone, len(known), linked, profiles)


def _resolve(
    everyone: Sequence[Candidate],
    known: int,
    linked: list[tuple[int, int, Verdict]],
    profiles: Mapping[int, Profile],
) -> list[Duplicate]:
    """Best links first; a record joins one group, a group holds at most one library original and no two records
    that contradict each other."""
    group = list(range(len(everyone)))
    best: dict[int, Verdict] = {}
    places = {candidate.id: i for i, candidate in enumerate(everyone)}
    for i, candidate in enumerate(everyone[:known]):
        original = places.get(str(candidate.fields.get("duplicate_of") or ""))
        if original is not None:
            group[i] = group[original]
    held = {group[i] for i in range(known)}
    for i, j, verdict in sorted(linked, key=lambda link: -link[2].score):
        one, other = group[i], group[j]
        if one == other or (one in held and other in held) or _clash(group, one, other, profiles):
            continue
        for place in (i, j):
            best.setdefault(place, verdict)
        keep, drop = (one, other) if one in held else (other, one)
        group = [keep if g == drop else g for g in group]
    members = defaultdict(list)
    for i, g in enumerate(group):
        members[g].append(i)
    found = []
    for g, places_of in members.items():
        original = g if g in held else min(places_of, key=lambda i: _rank(everyone[i]))
        found += [
            Duplicate(everyone[i].id, everyone[original].id, best[i].score, best[i].evidence)
            for i in places_of
            if i != original and i >= known
        ]
    return found


def _clash(group: Sequence[int], one: int, other: int, profiles: Mapping[int, Profile]) -> bool:
    ours, theirs = ([profiles[i] for i, g in enumerate(group) if g == name and i in profiles] for name in (one, other))
    return any(contradict(a, b) for a in ours for b in theirs)


def _rank(candidate: Candidate) -> tuple[bool, bool, str, int, str]:
    """Sort key of originals: county before city, dated before undated, early before late, full before
    brief."""
    fields = candidate.fields
    code = str((fields.get("hall") or {}).get("code") or "")
    received = str(fields.get("received") or fields.get("closed") or "")
    length = sum(len(str(fields.get(name) or "")) for name in ("demand", "obstacle", "measure"))
    return code.endswith("00"), not received, received, -length, str(candidate.order)


def _pairs(everyone: Sequence[Candidate], known: int) -> set[tuple[int, int]]:
    """Index pairs (i < j, j new) that share a block."""
    blocks = (
        _by_trace(everyone),
        _by_city_and_weeks(everyone),
        _verbatim(everyone, known),
        _nearest(everyone, known),
    )
    ordered = ((min(pair), max(pair)) for block in blocks for pair in block)
    return {(i, j) for i, j in ordered if i != j and j >= known}


def _by_trace(everyone: Sequence[Candidate]) -> Iterator[tuple[int, int]]:
    """A surname alone is far too common; within one city it is worth a look."""
    holders: dict[str, list[int]] = defaultdict(list)
    for i, candidate in enumerate(everyone):
        for trace in candidate.traces:
            holders[trace + _city(candidate) if trace.startswith("s:") else trace].append(i)
    return _within(holders.values(), weights()["trace_limit"])


def _by_city_and_weeks(everyone: Sequence[Candidate]) -> Iterator[tuple[int, int]]:
    """Blocks of one city and two windows of time each, so that neighbours across a border meet as well."""
    window = weights()["window_days"]
    holders: dict[tuple[str, int, int], set[int]] = defaultdict(set)
    for i, candidate in enumerate(everyone):
        days = (as_date(candidate.fields.get(name)) for name in ("received", "closed"))
        for day in days:
            if day and _city(candidate):
                for half in (0, 1):
                    key = (_city(candidate), half, (day.toordinal() + half * window // 2) // window)
                    holders[key].add(i)
    return _within((sorted(block) for block in holders.values()), weights()["block_limit"])


def _city(candidate: Candidate) -> str:
    """The first four digits of the area code; empty where the place is unknown."""
    return area_code(candidate.fields)[:4]


def _within(blocks: Iterable[Sequence[int]], limit: int) -> Iterator[tuple[int, int]]:
    for block in blocks:
        if 1 < len(block) <= limit:
            for at, i in enumerate(block):
                for j in block[at + 1 :]:
                    yield i, j


def _verbatim(everyone: Sequence[Candidate], known: int) -> Iterator[tuple[int, int]]:
    """Near-copies by MinHash over character 5-grams; known records with a vector are met by `_nearest`."""
    index = MinHashLSH(threshold=_VERBATIM, num_perm=_PERMUTATIONS)
    for i, candidate in enumerate(everyone):
        if i < known and candidate.vector is not None:
            continue
        text = told(candidate.fields)
        shingles = {text[k : k + _SHINGLE].encode() for k in range(len(text) - _SHINGLE + 1)}
        if len(shingles) < _SHINGLE:
            continue
        sketch = MinHash(num_perm=_PERMUTATIONS)
        sketch.update_batch(list(shingles))
        for j in index.query(sketch):
            yield j, i
        index.insert(i, sketch)


def _nearest(everyone: Sequence[Candidate], known: int) -> Iterator[tuple[int, int]]:
    """Each new record with those nearest in meaning."""
    places = [i for i, candidate in enumerate(everyone) if candidate.vector is not None]
    asking = [i for i in places if i >= known]
    if not asking or len(places) < 2:
        return
    vectors = {i: np.asarray(everyone[i].vector, dtype=np.float32) for i in places}
    index = faiss.IndexFlatIP(len(vectors[places[0]]))
    index.add(np.stack([vectors[i] for i in places]))
    _, found = index.search(np.stack([vectors[i] for i in asking]), min(weights()["neighbours"] + 1, len(places)))
    for i, row in zip(asking, found, strict=True):
        for k in row:
            yield i, places[k]
