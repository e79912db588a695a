"""The pictures of a report on barriers, as tables: shaded grids of counties, months and matters, bars of the ways from
barrier to outcome. What the cases do not tell is not drawn, and the report says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from . import pictures
from .barriers import Barrier
from .pictures import UNSAID, Fact, Grid
from .report_parts import Table, Words, settings, shortened

SHADES = 6
FEW = 6  # cases from which on a cell may be darkest: one alone is not much
BAR = 12  # squares of the longest bar
NARROW = 9  # columns from which the first one gives way

Ranked = Mapping[str, Barrier]  # the barriers that are drawn by name, with the place in the ranking before it


def drawn(barriers: Sequence[Barrier], facts: Sequence[Fact], bounded: bool) -> Iterable[Words | Table]:
    """The pictures of barriers in their order and the facts of all their cases; `bounded`: a time was asked for."""
    ranked = {f"{at} {_cut(one.label)}": one for at, one in enumerate(barriers[: settings()["drawn"]], 1)}
    ids = {one.id for one in ranked.values()}
    told = [fact for fact in facts if fact.clue in ids]
    yield _counties(ranked, told)
    dated = [fact for fact in told if fact.month]
    if dated:
        yield _months(ranked, dated, bounded)
    yield _matters(facts)
    yield _flow(facts)


def _counties(ranked: Ranked, told: Sequence[Fact]) -> Words | Table:
    placed = [fact for fact in told if fact.county != UNSAID]
    if not placed:
        return Words("这些线索的案例都没有写明县（市、区），不画分布。")
    grid = pictures.by_county(placed, settings()["columns"])
    cells = {pick["clue"]: counts for (_, pick), counts in zip(grid.rows, grid.cells, strict=True)}
    rows = [(name, cells[one.id]) for name, one in ranked.items() if one.id in cells]
    unplaced = len(told) - len(placed)
    note = _left((grid.hidden[1], "个县（市、区）")) + (f"{unplaced} 件没有写明县（市、区）。" if unplaced else "")
    return _shaded(f"前 {len(ranked)} 条线索在哪些县（市、区），件", grid, rows, note)


def _months(ranked: Ranked, dated: Sequence[Fact], bounded: bool) -> Table:
    """The barriers over time, with the fix marked."""
    fixes = {one.id: one.fix["date"][:7] for one in ranked.values() if one.fix and one.fix["date"]}
    every = pictures.months([*(fact.month for fact in dated), *(() if bounded else fixes.values())])
    by_quarter = len(every) > settings()["months"]
    span: Callable[[str], str] = pictures.quarter if by_quarter else str
    columns = list(dict.fromkeys(map(span, every)))
    shown = columns[-settings()["quarters"] :]
    counts = Counter((fact.clue, span(fact.month)) for fact in dated)
    marks = {clue: span(month) for clue, month in fixes.items()}
    most = max([FEW, *counts.values()])
    rows = [
        [Words(name), *(_cell(counts[one.id, each], most, each == marks.get(one.id)) for each in shown)]
        for name, one in ranked.items()
    ]
    early = sum(count for (_, each), count in counts.items() if each not in shown)
    inside = [each in shown for each in marks.values()]
    note = "".join([
        "◆ 固化的时间。" if any(inside) else "", "固化不在图中时间的不标。" if not all(inside) else "",
        f"更早的 {early} 件未列。" if early else "",
    ])  # fmt: skip
    caption = f"前 {len(ranked)} 条线索在各{'季度' if by_quarter else '月'}，件"
    return _picture(caption, list(map(_when, shown)), rows, note)


def _matters(facts: Sequence[Fact]) -> Words | Table:
    told = [fact for fact in facts if fact.matter != UNSAID and fact.types]
    if not told:
        return Words("这些线索的案例没有写明事项，不画事项与壁垒类型。")
    grid = pictures.by_matter(told)
    rows = [(_cut(label), counts) for (label, _), counts in zip(grid.rows, grid.cells, strict=True)]
    shown = rows[: settings()["drawn"]]
    note = _left((grid.hidden[0] + len(rows) - len(shown), "个事项"), (grid.hidden[1], "种壁垒类型"))
    return _shaded("事项遇到哪些壁垒类型，件", grid, shown, note)


def _flow(facts: Sequence[Fact]) -> Words | Table:
    told = sum(fact.outcome != UNSAID for fact in facts)
    if told < settings()["flow"] * len(facts):
        return Words(f"这些线索的案例只有 {told} 件写明结果，不画办理方式与结果。")
    streams = pictures.flow(facts)
    shown = streams[: settings()["streams"]]
    most = max(count for *_, count in shown)
    rows = [
        [*map(Words, names), Words(str(count), number=True), Words("■" * max(1, round(BAR * count / most)))]
        for *names, count in shown
    ]
    left = sum(count for *_, count in streams[len(shown) :])
    note = "一件有几种的，按第一种算。" + (f"另有 {left} 件，每种都不多于上面的，未列。" if left else "")
    head, widths = ["壁垒类型", "办理方式", "结果", "件", ""], [0.26, 0.16, 0.2, 0.08, 0.3]
    return Table("从壁垒到办理方式到结果，件", head, rows, widths, note)


def _shaded(caption: str, grid: Grid, rows: Iterable[tuple[str, list[int]]], note: str) -> Table:
    most = max([FEW, *(count for row in grid.cells for count in row)])
    cells = [[Words(label), *(_cell(count, most) for count in counts)] for label, counts in rows]
    return _picture(caption, [label for label, _ in grid.columns], cells, note)


def _picture(caption: str, columns: Sequence[str], rows: list[list[Words]], note: str) -> Table:
    first = 0.4 if len(columns) <= 5 else 0.3 if len(columns) <= NARROW else 0.26
    return Table(caption, ["", *columns], rows, [first, *([(1 - first) / max(1, len(columns))] * len(columns))], note)


def _cell(count: int, most: int, marked: bool = False) -> Words:
    shade = max(1, round((count / most) ** 0.5 * SHADES)) if count else 0
    return Words(f"{count or ''}{'◆' if marked else ''}", shade=shade, marked=marked, number=True)


def _when(span: str) -> str:
    """2024-05 → 2024, 5月; 2024-Q2 → 2024, 2季: no number is broken between lines."""
    year, _, part = span.partition("-")
    return f"{year}\n{part[1:]}季" if part[0] == "Q" else f"{year}\n{int(part)}月"


def _left(*counts: tuple[int, str]) -> str:
    hidden = [f"{count} {kind}" for count, kind in counts if count]
    return f"只列最多的，另有 {'、'.join(hidden)}未列。" if hidden else ""


def _cut(text: str) -> str:
    return shortened(text, settings()["cell"])
