"""What the machine adds to the classes: members and new classes, never a change of what is there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from kb.store import Store, writing

from ..embedder import Vectors
from ..passages import Encode
from . import discovery, membership
from .discovery import Progress
from .membership import PROPOSED

_BLOCK = 2000  # cases compared with all classes at a time


def propose(store: Store, encode: Encode, progress: Progress | None = None) -> None:
    """Puts the cases that are in no class into those that there are, or into new ones.

    `encode` is `EmbeddingCache.encode_passages`; `progress` is called with (done, total) cases.
    """
    stamp = store.stamp()
    original = membership.originals(store)
    cases = {case.id: case for case in store.published() if case.id not in original}
    with writing(store.workbench):
        left = membership.drop_gone(store, cases, original)
    homes = membership.memberships(store)
    ids = [case_id for case_id, case in cases.items() if case_id in homes or discovery.counts(case)]
    matrix = discovery.rows([cases[case_id] for case_id in ids], encode, progress)
    place = {case_id: number for number, case_id in enumerate(ids)}
    model = discovery.model(encode)
    loose = [case_id for case_id in ids if case_id not in homes]
    centers = _centers(matrix, place, homes)
    joined = _joining(store, loose, matrix[[place[one] for one in loose]], centers)
    free = [case_id for case_id in loose if case_id not in joined]
    opened = _opening(free, matrix[[place[one] for one in free]], discovery.least(store.settings))
    with writing(store.workbench):
        # What people decided while this was thought over goes before.
        states = membership.states(store)
        membership.add(store, {one: home for one, (home, _, _) in joined.items() if home in states})
        for members in opened:
            taken = membership.memberships(store, members)
            waiting = [one for one in members if one not in taken]
            if len(waiting) > 1:
                membership.add(store, dict.fromkeys(waiting, membership.create(store, waiting, PROPOSED)))
        homes = membership.memberships(store)
        _weigh(store, matrix, place, homes, model)
        membership.describe(store, {*homes.values(), *left}, cases)
        membership.ran(store, stamp)


def join_new(store: Store, encode: Encode) -> dict[str, str]:
    """Puts cases that came since the last time into the classes that there are, where they fit: {case id: class id}.

    Cheap: no other case is looked at, and no class opened (`propose` does both). Does nothing before the first
    `propose`, or if the library does not know any more what came since.
    """
    last = next(store.workbench.query("select version, mark from class_runs order by id desc limit 1"), None)
    stamp = store.stamp()
    changed = store.changed_since(last) if last else None
    if not changed:
        return {}
    original = membership.originals(store, changed)
    cases = {one: case for one, case in store.published_of(changed).items() if one not in original}
    known = membership.memberships(store, changed)
    new = [case for one, case in cases.items() if one not in known and discovery.counts(case)]
    gone = {one: home for one, home in known.items() if one not in cases or not discovery.counts(cases[one])}
    joined: dict[str, tuple[str, float, float]] = {}
    rows = dict(zip([case.id for case in new], discovery.rows(new, encode), strict=True))
    if new:
        joined = _joining(store, list(rows), np.array(list(rows.values())), _kept_centers(store, encode))
    with writing(store.workbench):
        if gone:
            membership.drop_gone(store, cases, original, changed)
        states = membership.states(store)
        homes = {one: home for one, (home, _, _) in joined.items() if home in states}
        membership.add(store, homes)
        for case_id, class_id in homes.items():
            _count_in(store, case_id, rows[case_id], class_id, *joined[case_id][1:])
        membership.describe(store, {*homes.values(), *gone.values()})
        membership.ran(store, stamp)
    return homes


def _centers(matrix: Vectors, place: Mapping[str, int], homes: Mapping[str, str]) -> dict[str, tuple[Vectors, int]]:
    """For each class the sum of the rows of its members, and how many they are."""
    members: dict[str, list[int]] = defaultdict(list)
    for case_id, class_id in homes.items():
        if case_id in place:
            members[class_id].append(place[case_id])
    return {one: (matrix[rows].sum(axis=0), len(rows)) for one, rows in members.items()}


def _kept_centers(store: Store, encode: Encode) -> dict[str, tuple[Vectors, int]]:
    """`_centers` as they were kept; those that are missing, or of another model, are made again and kept."""
    model = discovery.model(encode)
    found = {
        row["class_id"]: (np.frombuffer(row["total"], np.float32), row["size"])
        for row in store.workbench.query("select * from class_centers where model = ?", [model])
    }
    made = {}
    for class_id in sorted(set(membership.states(store)) - set(found)):
        cases = list(store.published_of(row["case_id"] for row in membership.members_of(store, class_id)).values())
        if cases:
            made[class_id] = (discovery.rows(cases, encode).sum(axis=0), len(cases))
    if made:
        with writing(store.workbench):
            _keep(store, made, model)
    return found | made


def _keep(store: Store, centers: Mapping[str, tuple[Vectors, int]], model: str) -> None:
    store.workbench.table("class_centers").insert_all(
        (
            {"class_id": one, "model": model, "size": size, "total": total.astype(np.float32).tobytes()}
            for one, (total, size) in centers.items()
        ),
        replace=True,
    )


def _joining(
    store: Store, ids: Sequence[str], matrix: Vectors, centers: Mapping[str, tuple[Vectors, int]]
) -> dict[str, tuple[str, float, float]]:
    """{case id: (class id, likeness, likeness to the next class)} for the cases that are like a class from which
    nobody took them out."""
    if not ids or not centers:
        return {}
    names = sorted(centers)
    column = {name: number for number, name in enumerate(names)}
    means = np.array([centers[name][0] / centers[name][1] for name in names])
    apart: dict[str, list[int]] = defaultdict(list)
    for row in store.workbench.query("select case_id, other from class_apart"):
        if row["other"] in column:
            apart[row["case_id"]].append(column[row["other"]])
    least = discovery.least(store.settings)
    found = {}
    for start in range(0, len(ids), _BLOCK):
        part = ids[start : start + _BLOCK]
        likeness = matrix[start : start + _BLOCK] @ means.T
        for number, case_id in enumerate(part):
            likeness[number, apart.get(case_id, [])] = -1
        best = likeness.argmax(axis=1)
        for number, case_id in enumerate(part):
            fit = float(likeness[number, best[number]])
            if fit >= least:
                likeness[number, best[number]] = -1
                found[case_id] = names[best[number]], fit, float(likeness[number].max())
    return found


def _opening(ids: Sequence[str], matrix: Vectors, least: float) -> list[list[str]]:
    """Groups of at least two cases."""
    members: dict[int, list[str]] = defaultdict(list)
    for case_id, label in zip(ids, discovery.groups(matrix, least), strict=True):
        members[int(label)].append(case_id)
    return [found for found in members.values() if len(found) > 1]


def _weigh(store: Store, matrix: Vectors, place: Mapping[str, int], homes: Mapping[str, str], model: str) -> None:
    """Writes how like each member is to the others of its class, whether it is borderline, and the centers."""
    centers = _centers(matrix, place, homes)
    store.workbench.conn.execute("delete from class_centers")
    _keep(store, centers, model)
    ids = [case_id for case_id in homes if case_id in place]
    if not ids:
        return
    names = sorted(centers)
    column = {name: number for number, name in enumerate(names)}
    means = np.array([centers[name][0] / centers[name][1] for name in names])
    values = []
    for start in range(0, len(ids), _BLOCK):
        part = ids[start : start + _BLOCK]
        rows = matrix[[place[one] for one in part]]
        likeness = rows @ means.T
        for number, case_id in enumerate(part):
            home = homes[case_id]
            size, own = centers[home][1], likeness[number, column[home]]
            # Not the likeness to itself: that of a pair of strangers would be high.
            fit = (own * size - rows[number] @ rows[number]) / (size - 1) if size > 1 else own
            likeness[number, column[home]] = -1
            values.append((float(fit), _borderline(store, float(fit), float(likeness[number].max())), case_id))
    store.workbench.conn.executemany("update class_members set fit = ?, borderline = ? where case_id = ?", values)


def _count_in(store: Store, case_id: str, row: Vectors, class_id: str, fit: float, other: float) -> None:
    """Writes the fit of a case that has just joined, and adds its row to the center."""
    store.workbench.conn.execute(
        "update class_members set fit = ?, borderline = ? where case_id = ?",
        [fit, _borderline(store, fit, other), case_id],
    )
    for kept in list(store.workbench.table("class_centers").rows_where("class_id = ?", [class_id])):
        total = np.frombuffer(kept["total"], np.float32) + row
        store.workbench.table("class_centers").update(
            class_id, {"total": total.astype(np.float32).tobytes(), "size": kept["size"] + 1}
        )


def _borderline(store: Store, fit: float, other: float) -> int:
    margin = discovery.settings()["margin"]
    return int(fit < discovery.least(store.settings) + margin or other > fit - margin)
