"""The report on hidden barriers as a document: findings in sentences made from numbers, tables, shaded grids, and the
cases behind them as numbered notes. The same library gives the same document: nothing depends on the day on which it is
made. `write` makes a file of it (search.insight.report_files); how much it holds stands in ``report.yml``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kb.citation import headline, place
from kb.model import Case
from kb.store import Store

from . import comparison, pictures, prerequisites, verdicts
from .barriers import Barrier, Radar, radar
from .pictures import Grid
from .scope import counted, date_of, scope

SHADES = 6
MATTERS = 4  # named of a barrier
FEW = 6  # cases from which on a cell may be darkest: one alone is not much
BAR = 12  # blocks of the longest bar


@dataclass(frozen=True)
class Words:
    """A sentence or the text of a cell, the numbers of the notes that stand behind it, and the shade of the cell (0 to
    SHADES); `marked`: a fix stands here; `number`: set as a number."""

    text: str
    notes: tuple[int, ...] = ()
    shade: int = 0
    marked: bool = False
    number: bool = False


@dataclass(frozen=True)
class Table:
    """A table or, with shades, a picture made of one. `widths`: shares of the width of the page."""

    caption: str
    head: list[str]
    rows: list[list[Words]]
    widths: list[float]
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it, in order: sentences (one paragraph or a list) and tables."""

    title: str
    level: int = 1
    blocks: list[Words | list[Words] | Table] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """`about`: period, area and state of the data in lines; `day`: that of the newest case; `notes`: the cases."""

    title: str
    author: str
    day: str
    about: list[str]
    sections: list[Section]
    notes: list[str]


@cache
def settings() -> dict[str, Any]:
    """The content of ``report.yml``."""
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "report.yml").read_text(encoding="utf-8"))
    return found


def make(store: Store, since: str = "", until: str = "", region: str = "") -> Report:
    """The report on a time and an area (as `barriers` takes them). Raises Fault."""
    return _Maker(store, since, until, region).report()


class _Maker:
    """Gathers the sections, and numbers the cases in the order in which they are named."""

    def __init__(self, store: Store, since: str, until: str, region: str) -> None:
        self.store = store
        self.scope = scope(since, until, region)
        # Patient: the same report, whatever was counted before.
        self.found: Radar = radar(store, since, until, region, patient=True)
        self.cases = counted(store, self.scope).cases
        self.whole = {case.id: case for case in store.published()}
        self.facts = pictures.facts(store, self.found.barriers)
        self.waits = prerequisites.prerequisites(store, self.cases)
        self.pairs = comparison.comparisons(store, since, until, region)
        self.numbers: dict[str, int] = {}

    def report(self) -> Report:
        days = sorted(filter(None, (date_of(case) for case in self.cases.values())))
        everything = [date_of(case) for case in self.whole.values()]
        day = max([one for one in everything if one <= "9"], default="")
        area = self.scope.name or self.scope.code or "全部地区"
        limited = self.scope.since or self.scope.until
        span = f"{self.scope.since or '最早'} 至 {self.scope.until or '最近'}" if limited else "全部"
        about = [
            f"时段：{span}" + (f"（案例 {days[0]} 至 {days[-1]}）" if days else ""),
            f"地区：{area}",
            f"数据：{self.store.settings.title}第 {self.store.version()} 版，最近一件案例 {day or '没有日期'}",
        ]
        sections = [
            self._summary(), self._ranking(), *self._told(), *self._pictures(), *self._circles(), *self._compared(),
            *self._apart(), Section("方法", blocks=[[Words(each) for each in settings()["method"]]]),
            Section("局限", blocks=[[Words(each) for each in settings()["caveats"]]]),
        ]  # fmt: skip
        return Report("隐性壁垒线索报告", self.store.settings.title, day, about, sections, self._notes())

    # Findings

    def _summary(self) -> Section:
        found = self.found
        held = sum(len(one.case_ids) for one in found.barriers)
        halls = {hall for one in found.barriers for hall in one.halls}
        apart = [f"依法不能办的 {len(found.lawful)} 件" if found.lawful else "",
                 f"非政务诉求 {len(found.outside)} 件" if found.outside else ""]  # fmt: skip
        told = (f"本期有案例 {found.cases} 件（同一件事只计一次），其中 {held} 件落在 {len(found.barriers)} 个"
                f"反复出现的卡点上，涉及 {len(halls)} 个大厅。")  # fmt: skip
        said = [Words(told + (f"{'、'.join(filter(None, apart))}另计，不算壁垒。" if any(apart) else ""))]
        if found.undated:
            said.append(Words(f"{len(found.undated)} 件没有日期，没有计入。"))
        if not found.barriers:
            said.append(Words("没有两件以上卡点相同的案例，本期没有线索可报。"))
            return Section("概要", blocks=[said])
        said.append(self._first(found.barriers[0]))
        said += self._verdicts()
        said += self._growing()
        circles = [one for one in self.waits.cycles if one.case_ids]
        if circles:
            told = "；".join(_circle(one.nodes) for one in circles[:3])
            said.append(Words(f"有 {len(circles)} 组部门或许可互相等对方先办：{told}。",
                              self._cite(one for circle in circles[:3] for one in circle.case_ids[:1])))  # fmt: skip
        if self.pairs:
            said.append(Words(f"有 {len(self.pairs)} 组同样的事、同样的卡点，一地办成、一地没有办成，见“各地比较”。"))
        return Section("概要", blocks=[said])

    def _first(self, one: Barrier) -> Words:
        span = f"，{min(one.months)} 至 {max(one.months)}" if one.months else ""
        return Words(
            f"最值得注意的是“{_short(one.label)}”（{one.barrier or '类型未明'}）：{len(one.case_ids)} 件，"
            f"{len(one.halls)} 个大厅{span}，{one.verdict_label}。", self._cite(one.case_ids[: settings()["examples"]]),
        )  # fmt: skip

    def _verdicts(self) -> Iterable[Words]:
        counts = Counter(one.verdict for one in self.found.barriers)
        fixed = sum(counts.values()) - counts[verdicts.NO_FIX]
        parts = [f"{verdicts.LABELS[name]} {counts[name]} 个"
                 for name in (verdicts.RECURS, verdicts.STOPPED, verdicts.TOO_EARLY) if counts[name]]  # fmt: skip
        told = f"有固化措施的 {fixed} 个" + (f"：{'、'.join(parts)}；" if parts else "；")
        yield Words(f"{told}还没有固化的 {counts[verdicts.NO_FIX]} 个。")
        again = [one for one in self.found.barriers if one.verdict == verdicts.RECURS]
        for one in again[:3]:
            after = _after(one)
            yield Words(f"“{_short(one.label)}”固化后又有 {len(after)} 件。", self._cite(after[: settings()["after"]]))

    def _growing(self) -> Iterable[Words]:
        parts = [(part, one) for one in self.found.barriers for part in one.components if part.name == "growth"]
        grown = [(part, one) for part, one in parts if part.number >= 2]
        if grown:
            part, one = max(grown, key=lambda entry: (entry[0].number, entry[1].score))
            cited = self._cite(part.case_ids[: settings()["after"]])
            yield Words(f"增长最多的是“{_short(one.label)}”：{part.text}。", cited)

    def _ranking(self) -> Section:
        shown = self.found.barriers[: settings()["ranked"]]
        if not shown:
            return Section("线索", blocks=[Words("没有。")])
        rows = [
            [Words(str(at), number=True), Words(_short(one.label) + ("（待定）" if one.state == "proposed" else "")),
             Words(one.barrier), Words(str(len(one.case_ids)), number=True), Words(str(len(one.halls)), number=True),
             Words(f"{min(one.months)}—{max(one.months)}" if one.months else ""), Words(_verdict(one))]
            for at, one in enumerate(shown, 1)
        ]  # fmt: skip
        left = len(self.found.barriers) - len(shown)
        note = f"共 {len(self.found.barriers)} 条，这里列前 {len(shown)} 条。" if left else ""
        table = Table("线索，按值得注意的程度", ["", "线索", "壁垒类型", "件", "大厅", "起止", "固化后"], rows,
                      [0.05, 0.37, 0.17, 0.06, 0.07, 0.14, 0.14], note)  # fmt: skip
        return Section("线索", blocks=[table])

    def _told(self) -> Iterable[Section]:
        for at, one in enumerate(self.found.barriers[: settings()["told"]], 1):
            blocks: list[Words | list[Words] | Table] = []
            cited = self._cite(one.case_ids[: settings()["examples"]])
            told = one.obstacle if _plain(one.obstacle) != _plain(one.label) else ""
            if told:
                blocks.append(Words(f"卡点：{told.rstrip('。')}。", cited))
            halls = list(one.halls.items())
            more = f" 等 {len(halls)} 个大厅" if len(halls) > settings()["halls"] else ""
            where = "、".join(f"{name} {count} 件" for name, count in halls[: settings()["halls"]]) + more
            matters = "、".join(list(one.matters)[:MATTERS]) + (
                f" 等 {len(one.matters)} 个事项" if len(one.matters) > MATTERS else "")
            blocks.append(Words("；".join(filter(None, [
                f"共 {len(one.case_ids)} 件", f"大厅：{where}" if where else "", f"事项：{matters}" if matters else "",
            ])) + "。", () if told else cited))  # fmt: skip
            blocks.append(self._fix(one))
            said = [part.text for part in one.components if part.text and part.name in ("growth", "refused", "unmet")]
            if said:
                blocks.append(Words("；".join(said) + "。"))
            after = _after(one)
            if after and one.verdict != verdicts.RECURS:
                cited = self._cite(after[: settings()["after"]])
                blocks.append(Words(f"固化后的 {len(after)} 件都拿不准是否属于这一类，没有算作再发。", cited))
            elif one.borderline:
                blocks.append(Words(f"其中 {len(one.borderline)} 件是否属于这一类还拿不准。",
                                    self._cite(one.borderline[: settings()["examples"]])))  # fmt: skip
            yield Section(f"{at}. {_short(one.label)}", 2, blocks)

    def _fix(self, one: Barrier) -> Words:
        """What was changed, and what came before and after it."""
        if not one.fix:
            return Words("还没有固化措施。")
        fix = one.fix
        where = "".join(filter(None, [fix["date"], " ", fix["hall"]]))
        text = str(fix["text"] or "")
        told = f"{where.strip()}固化" + (f"（{fix['kind']}）" if fix["kind"] else "")
        told += f"：{_short(text.rstrip('。'))}" if text else ""
        places = []
        for name, label in verdicts.PLACES.items():
            before, after = (len(one.counts.get(side, {}).get(name, [])) for side in ("before", "after"))
            if before or after:
                places.append(f"{label} {before} 件变 {after} 件")
        rates = self._rates(one)
        counts = f"；固化前后：{'，'.join(places)}" if places else ""
        cited = self._cite([*filter(None, [fix["case_id"]]), *_after(one)[: settings()["after"]]])
        return Words(f"{told}{counts}{rates}。判断：{one.verdict_label}。", cited)

    def _rates(self, one: Barrier) -> str:
        """The yearly rates with their intervals, where there are any."""
        ids = [case_id for side in one.counts.values() for ids in side.values() for case_id in ids]
        cases = [self.whole[case_id] for case_id in [*ids, *one.undated] if case_id in self.whole]
        fix = verdicts.stated(verdicts.playbook_of(self.store, one.playbook), cases)
        told = verdicts.verdict(cases, verdicts.watched_until(self.store), one.borderline, fix).rates.get("all", {})
        if any(told.get(side) is None or told[side].low is None for side in ("before", "after")):
            return ""
        before, after = told["before"], told["after"]
        return (f"；折合每年 {before.per_year} 件（{before.low}—{before.high}）变 {after.per_year} 件"
                f"（{after.low}—{after.high}）")  # fmt: skip

    # Pictures

    def _pictures(self) -> Iterable[Section]:
        if not self.facts:
            return
        blocks: list[Words | list[Words] | Table] = [
            self._grid("线索在哪些县（市、区）", pictures.by_county(self.facts, settings()["columns"])),
            self._months(),
            self._grid("事项遇到哪些壁垒类型", pictures.by_matter(self.facts)),
            self._flow(),
        ]
        yield Section("图表", blocks=[block for block in blocks if block])

    def _grid(self, caption: str, grid: Grid) -> Table:
        most = max([FEW, *(count for row in grid.cells for count in row)])
        rows = [[Words(_cut(label)), *(_cell(count, most) for count in cells)]
                for (label, _), cells in zip(grid.rows, grid.cells, strict=True)][: settings()["drawn"]]  # fmt: skip
        left = (grid.hidden[0] + len(grid.rows) - len(rows), grid.hidden[1])
        hidden = [f"{count} {kind}" for count, kind in zip(left, ("行", "列"), strict=True) if count]
        note = f"只列最多的，另有 {'、'.join(hidden)}未列。" if hidden else ""
        return _picture(caption, [label for label, _ in grid.columns], rows, note)

    def _months(self) -> Table:
        """The barriers over time, with the fix marked."""
        dated = [fact for fact in self.facts if fact.month]
        columns = pictures.months([fact.month for fact in dated])
        by_quarter = len(columns) > settings()["months"]
        name: Callable[[str], str] = pictures.quarter if by_quarter else str
        columns = list(dict.fromkeys(name(month) for month in columns))
        shown = columns[-settings()["quarters"] :] if by_quarter else columns
        counts = Counter((fact.clue, name(fact.month)) for fact in dated)
        listed = self.found.barriers[: settings()["drawn"]]
        most = max([FEW, *counts.values()])
        rows = []
        for one in listed:
            fixed = name(one.fix["date"][:7]) if one.fix and one.fix["date"] else ""
            rows.append([Words(_cut(one.label)),
                         *(_cell(counts[one.id, each], most, each == fixed) for each in shown)])  # fmt: skip
        early = f"；{shown[0]} 以前的未列" if len(shown) < len(columns) else ""
        return _picture(f"线索在各{'季度' if by_quarter else '月'}", shown, rows, f"◆ 固化的时间{early}。")

    def _flow(self) -> Table:
        streams = pictures.flow(self.facts)
        shown = streams[: settings()["streams"]]
        most = max((count for *_, count in shown), default=1)
        rows = [
            [*(Words(name) for name in names), Words(str(count), number=True),
             Words("█" * max(1, round(BAR * count / most)))]
            for *names, count in shown
        ]  # fmt: skip
        left = sum(count for *_, count in streams[len(shown) :])
        note = f"另有 {left} 件，每种都少于上面的。" if left else ""
        head, widths = ["壁垒类型", "办理方式", "结果", "件", ""], [0.26, 0.18, 0.22, 0.08, 0.26]
        return Table("从壁垒到办理方式到结果", head, rows, widths, note)

    # Circles, places, what is kept apart

    def _circles(self) -> Iterable[Section]:
        if not self.waits.edges:
            return
        circles = [Words(f"{_circle(one.nodes)}" + ("。" if one.case_ids else "（由几件案例合起来看）。"),
                         self._cite((one.case_ids or one.edge_case_ids)[: settings()["examples"]]))
                   for one in self.waits.cycles[: settings()["circles"]]]  # fmt: skip
        rows = [
            [Words(edge.waiter), Words(edge.needs, self._cite(edge.case_ids[:2])),
             Words(str(len(edge.case_ids)), number=True)]
            for edge in self.waits.edges[: settings()["waits"]]
        ]  # fmt: skip
        left = len(self.waits.edges) - len(rows)
        note = f"另有 {left} 对未列。" if left else ""
        table = Table("谁等谁", ["谁", "要先有谁的", "件"], rows, [0.42, 0.46, 0.12], note)
        yield Section("互为前置", blocks=[*([circles] if circles else [Words("没有成环的。")]), table])

    def _compared(self) -> Iterable[Section]:
        if self.pairs:
            shown = self.pairs[: settings()["pairs"]]
            left = len(self.pairs) - len(shown)
            said = [self._pair(one) for one in shown]
            yield Section("各地比较", blocks=[said, *([Words(f"另有 {left} 组未列。")] if left else [])])

    def _pair(self, one: comparison.Comparison) -> Words:
        how = next((side.how for side in one.can if side.how), "")
        cited = [case_id for side in (*one.can[:2], *one.cannot[:2]) for case_id in side.case_ids[:1]]
        return Words(f"{one.text}。" + (f"办成的做法：{_short(how.rstrip('。'))}。" if how else ""), self._cite(cited))

    def _apart(self) -> Iterable[Section]:
        said = [
            Words(f"{label} {len(ids)} 件。", self._cite(ids[: settings()["apart"]]))
            for label, ids in (("依法不能办、已释因", self.found.lawful), ("非政务诉求", self.found.outside)) if ids
        ]  # fmt: skip
        if said:
            yield Section("另计的", blocks=[said])

    # Notes

    def _cite(self, ids: Iterable[str]) -> tuple[int, ...]:
        """The numbers of the notes of those cases."""
        known = [one for one in dict.fromkeys(ids) if one in self.whole]
        return tuple(sorted(self.numbers.setdefault(one, len(self.numbers) + 1) for one in known))

    def _notes(self) -> list[str]:
        return [_note(self.whole[case_id]) for case_id in self.numbers]


def _after(one: Barrier) -> list[str]:
    return [case_id for ids in one.counts.get("after", {}).values() for case_id in ids]


def _plain(text: str) -> str:
    return "".join(text.split()).rstrip("。")


def _note(case: Case) -> str:
    about = [headline(case), place(case), case.closed or case.received, case.outcome, f"案例 {case.id}"]
    return "；".join(filter(None, about))


def _circle(nodes: Sequence[str]) -> str:
    return " → ".join([*nodes, nodes[0]])


def _verdict(one: Barrier) -> str:
    if not one.counts.get("before") and not one.counts.get("after"):
        return one.verdict_label
    before, after = (sum(map(len, one.counts[side].values())) for side in ("before", "after"))
    return f"{one.verdict_label}（{before} → {after}）"


def _picture(caption: str, columns: Sequence[str], rows: list[list[Words]], note: str) -> Table:
    first = 0.3 if len(columns) > 5 else 0.4
    return Table(caption, ["", *columns], rows, [first, *([(1 - first) / max(1, len(columns))] * len(columns))], note)


def _cell(count: int, most: int, marked: bool = False) -> Words:
    shade = max(1, round((count / most) ** 0.5 * SHADES)) if count else 0
    return Words(f"{count or ''}{'◆' if marked else ''}", shade=shade, marked=marked, number=True)


def _short(text: str) -> str:
    return _to(text, settings()["title"])


def _cut(text: str) -> str:
    return _to(text, settings()["cell"])


def _to(text: str, most: int) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"

