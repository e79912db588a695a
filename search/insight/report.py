"""The report on hidden barriers as a document: findings in sentences made from numbers, tables, shaded grids, and the
cases behind them as numbered notes. The same library gives the same document: nothing depends on the day on which it is
made. `write` makes a file of it (search.insight.report_files); how much it holds stands in ``report.yml``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from kb.citation import headline, place
from kb.model import Case
from kb.store import Store

from . import barriers, comparison, numbers, pictures, prerequisites, report_pictures, verdicts
from .barriers import REPORTED, Barrier, Radar, radar
from .classes import classes
from .report_parts import Report, Section, Table, Words, settings, shortened
from .scope import Scope, counted, date_of, scope

MATTERS = 4  # named of a barrier


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
        self.ranked = self.found.barriers[: settings()["ranked"]]
        for one in self.ranked:  # first, so that the cases of a barrier follow one another: [1—6]
            self._cite(one.case_ids[: settings()["examples"]])

    def report(self) -> Report:
        everything = [date_of(case) for case in self.whole.values()]
        day = max(everything, default="")
        title = settings()["title"]
        chosen = self.scope
        limited = chosen.since or chosen.until
        sections = [self._summary(), *self._ranking(), *self._told(), *self._pictures(), *self._circles(),
                    *self._compared(), *self._apart()]  # fmt: skip
        if len(sections) > 1:
            limits = verdicts.settings() | {"recent": barriers.settings()["days"]}
            sections += [Section(name, blocks=[[Words(each.format(**limits)) for each in settings()[part]]])
                         for name, part in (("方法", "method"), ("局限", "caveats"))]  # fmt: skip
        part = _period(chosen).replace(" ", "") if limited else day
        name = "-".join(filter(None, [title, chosen.name or chosen.code, part]))
        return Report(title, name, self.store.settings.title, day, self._about(day), sections, self._notes(),
                      settings()["key"])  # fmt: skip

    def _about(self, day: str) -> list[str]:
        days = sorted(filter(None, map(date_of, self.cases.values())))
        chosen = self.scope
        unknown = "（区划表里没有，按名称找）" if chosen.name and not chosen.code else ""
        newest = f"最新一件案例 {day}" if day else "案例都没有日期" if self.whole else "还没有案例"
        return [
            f"时段：{_period(chosen)}" + (f"（案例 {days[0]} 至 {days[-1]}）" if days else ""),
            f"地区：{chosen.name or chosen.code or '全部'}{unknown}",
            f"数据：{self.store.settings.title}，{newest}，数据版本 {self.store.version()}",
        ]

    # Findings

    def _summary(self) -> Section:
        found = self.found
        said = list(self._counted())
        if found.undated:
            said.append(Words(f"{len(found.undated)} 件没有日期，没有计入这一时段。"))
        if not found.barriers:
            return Section("概要", blocks=[said])
        said += [*self._unsure(), self._first(found.barriers[0]), *self._verdicts(), *self._growing()]
        circles = [one for one in self.waits.cycles if one.case_ids]
        if circles:
            told = "；".join(_circle(one.nodes) for one in circles[:3])
            more = "，例如" if len(circles) > 3 else ""
            said.append(Words(f"有 {len(circles)} 组部门或许可互相等对方先办{more}：{told}。",
                              self._cite(one for circle in circles[:3] for one in circle.case_ids[:1])))  # fmt: skip
        if self.pairs:
            said.append(Words(f"有 {len(self.pairs)} 组同样的事、同样的卡点，一地办成、一地没有办成，见“各地比较”。"))
        return Section("概要", blocks=[said])

    def _counted(self) -> Iterable[Words]:
        """How many cases there are, and what has become of each."""
        found = self.found
        if not found.cases:
            where = "这个时段和地区里" if self.whole else "案例库里还"
            yield Words(f"{where}没有案例，没有什么可报。")
            return
        held = {case_id for one in found.barriers for case_id in one.case_ids}
        halls = {hall for one in found.barriers for hall in one.halls}
        rest = found.cases - len(held) - len(found.lawful) - len(found.outside)
        where = f"，涉及 {len(halls)} 个大厅" if halls else "，都没有写明大厅"
        apart = [f"{kind} {len(ids)} 件" for kind, ids in self._kinds() if ids]
        parts = [
            f"{len(held)} 件落在 {len(found.barriers)} 个反复出现的卡点上{where}" if held else "",
            f"{'、'.join(apart)}另计，不算壁垒{self._many(held)}" if apart else "",
            f"其余 {rest} 件没有与别的案例归到一起" if rest and held else "",
        ]
        told = "；".join(filter(None, parts))
        yield Words(f"本期有案例 {found.cases} 件（同一件事只计一次）" + (f"：{told}。" if told else "。"))
        if not held:
            none = found.cases > 1 and not classes(self.store)
            yield Words(settings()["unclassed" if none else "alone"])

    def _many(self, held: Iterable[str]) -> str:
        """What by itself would be kept apart too, but is told by many."""
        apart = [one for one in held if barriers.is_lawful(self.cases[one]) or barriers.is_outside(self.cases[one])]
        if not apart:
            return ""
        return f"（另有 {len(apart)} 件逐件看也是这样，但许多人反映的是同一个问题，算在线索里，不在此数）"

    def _unsure(self) -> Iterable[Words]:
        """What nobody has looked at yet."""
        proposed = sum(one.state in ("proposed", REPORTED) for one in self.found.barriers)
        if proposed:
            all_of = len(self.found.barriers)
            whole = "都" if proposed == all_of else f"有 {proposed} 个"
            yield Words(f"这 {all_of} 个卡点{whole}由程序归类，还没有人认定：引用前请先看案例。")

    def _first(self, one: Barrier) -> Words:
        span = f"，{min(one.months)} 至 {max(one.months)}" if one.months else ""
        people = f"，{one.people} 个不同的人反映同一问题" if one.people else ""
        halls = f"，{len(one.halls)} 个大厅" if one.halls else ""
        return Words(
            f"最值得注意的是“{_short(one.label)}”（{one.type_said or '类型未明'}）：{len(one.case_ids)} 件{people}"
            f"{halls}{span}，{one.verdict_label}。", self._cite(one.case_ids[: settings()["examples"]]),
        )  # fmt: skip

    def _verdicts(self) -> Iterable[Words]:
        counts = Counter(one.standing for one in self.found.barriers)
        fixed = sum(counts.values()) - counts[verdicts.NO_FIX]
        if not fixed:
            yield Words("没有一个卡点记有固化措施。")
            return
        parts = [f"{label} {counts[name]} 个" for name, label in verdicts.LABELS.items()
                 if counts[name] and name != verdicts.NO_FIX]  # fmt: skip
        none = f"；没有固化措施的 {counts[verdicts.NO_FIX]} 个" if counts[verdicts.NO_FIX] else ""
        asked = self.scope.since or self.scope.until or self.scope.name or self.scope.code
        beyond = "固化前后看整类案例，不限于选定的时段和地区。" if asked else ""
        yield Words(f"有固化措施的 {fixed} 个：{'、'.join(parts)}{none}。{beyond}")
        again = [one for one in self.found.barriers if one.standing == verdicts.RECURS]
        for one in again[:3]:
            after = _after(one)
            said = f"“{_short(one.label)}”固化后又有 {len(after)} 件{_places(one, 'after')}。"
            yield Words(said, self._cite(after[: settings()["after"]]))

    def _growing(self) -> Iterable[Words]:
        parts = [(part, one) for one in self.found.barriers for part in one.components if part.name == "growth"]
        grown = [(part, one) for part, one in parts if part.number >= 2 and part.text]
        if grown:
            part, one = max(grown, key=lambda entry: (entry[0].number, entry[1].score))
            cited = self._cite(part.case_ids[: settings()["after"]])
            yield Words(f"增长最多的是“{_short(one.label)}”：{part.text}。", cited)

    def _ranking(self) -> Iterable[Section]:
        if not self.ranked:
            return
        rows = [
            [Words(str(at), number=True), Words(_short(one.label) + _state(one)), Words(one.type_said), self._size(one),
             Words(str(len(one.borderline) or "—"), number=True), Words(str(len(one.halls) or "—"), number=True),
             Words(f"{min(one.months)}\n{max(one.months)}" if one.months else "—"), Words(_verdict(one))]
            for at, one in enumerate(self.ranked, 1)
        ]  # fmt: skip
        notes = []
        if len(self.found.barriers) > len(self.ranked):
            notes.append(f"共 {len(self.found.barriers)} 条，这里列前 {len(self.ranked)} 条。")
        if any(len(one.case_ids) > settings()["examples"] for one in self.ranked):
            notes.append(f"件数多的，案例只注最新 {settings()['examples']} 件；全部在系统里点数字可看。")
        head = ["名次", "线索", "壁垒类型", "件", "拿不准", "大厅", "起止", "固化后"]
        table = Table("按值得注意的程度", head, rows, [0.06, 0.29, 0.15, 0.13, 0.08, 0.06, 0.1, 0.13], "".join(notes))
        yield Section("线索", blocks=[table])

    def _size(self, one: Barrier) -> Words:
        cited = self._cite(one.case_ids[: settings()["examples"]])
        return Words(str(len(one.case_ids)), cited, number=True)

    def _told(self) -> Iterable[Section]:
        for at, one in enumerate(self.found.barriers[: settings()["told"]], 1):
            blocks: list[Words | list[Words] | Table] = []
            # What many people wrote begins with greetings; a class has a sentence of its own.
            if one.state != REPORTED and _plain(one.obstacle) != _plain(one.label):
                blocks.append(Words(f"卡点：{one.obstacle.rstrip('。')}。"))
            blocks.append(Words(f"{self._where(one)}。", self._cite(one.case_ids[: settings()["examples"]])))
            if one.borderline:
                blocks.append(Words(f"其中 {len(one.borderline)} 件是否属于这一类还拿不准。",
                                    self._cite(one.borderline[: settings()["after"]])))  # fmt: skip
            if one.verdict != verdicts.NO_FIX:
                blocks.append(self._fix(one))
            blocks += self._whom(one)
            yield Section(f"{at}. {_short(one.label)}", 2, blocks)

    def _where(self, one: Barrier) -> str:
        halls, matters = list(one.halls.items()), list(one.matters)
        more = f"等 {len(halls)} 个大厅" if len(halls) > settings()["halls"] else ""
        named = "、".join(f"{name} {count} 件" for name, count in halls[: settings()["halls"]]) + more
        most = f"等 {len(matters)} 个事项" if len(matters) > MATTERS else ""
        said = [part.text for part in one.components if part.name in ("growth", "refused", "unmet")]
        people = f"{one.people} 个不同的人反映同一问题" if one.people else ""
        return "；".join(filter(None, [
            f"共 {len(one.case_ids)} 件", people, f"大厅：{named}" if named else "没有写明大厅",
            f"事项：{'、'.join(matters[:MATTERS])}{most}" if matters else "", *said,
            "没有记固化措施" if one.verdict == verdicts.NO_FIX else "",
        ]))  # fmt: skip

    def _fix(self, one: Barrier) -> Words:
        """What was changed, what came before and after it, in how many days, and what follows from that."""
        why = one.why[sum(bool(part.text) for part in one.components) :]
        if not one.fix:
            return Words(f"{' '.join('；'.join(why).split())}。")
        fix, judged = one.fix, self._judged(one)
        when = fix["date"] + ("（办结日）" if fix.get("by_closing") else " ")
        kind = f"（{fix['kind']}）" if fix["kind"] else ""
        text = shortened(str(fix["text"] or "").rstrip("。"), settings()["fix"])
        told = f"{when}{fix['hall']}固化{kind}" + (f"：{text}" if text else "")
        before, after = (sum(map(len, one.counts[side].values())) for side in ("before", "after"))
        later = (f"其后 {judged.observed_days} 天又有 {after} 件{_places(one, 'after')}" if after
                 else f"其后看到的 {judged.observed_days} 天里没有再收到")  # fmt: skip
        lines = [told, f"固化前 {before} 件{_places(one, 'before')}，{later}{_rates(judged)}",
                 *judged.why[2:], f"判断：{one.verdict_label}"]  # fmt: skip
        return Words("。".join(lines) + "。", self._cite([fix["case_id"], *_after(one)[: settings()["after"]]]))

    def _whom(self, one: Barrier) -> Iterable[Words]:
        """Who has solved it, and who has not."""
        solved, unsolved, _ = numbers.by_hall(self.whole[case_id] for case_id in one.case_ids if case_id in self.whole)
        most = settings()["whom"]
        asked = [f"{hall.name}（办成 {hall.solved} 件）" for hall in solved[:most] if hall.name]
        told = [f"{hall.name}（未办成 {hall.unsolved} 件）" for hall in unsolved[:most] if hall.name]
        if asked:
            yield Words(f"可问：{'、'.join(asked)}" + (f"；可告：{'、'.join(told)}" if told else "") + "。")

    def _judged(self, one: Barrier) -> verdicts.Verdict:
        """The verdict once more, with its days and rates."""
        ids = [case_id for side in one.counts.values() for ids in side.values() for case_id in ids]
        cases = [self.whole[case_id] for case_id in dict.fromkeys([*ids, *one.undated]) if case_id in self.whole]
        fix = verdicts.stated(verdicts.playbook_of(self.store, one.playbook), cases)
        return verdicts.verdict(cases, verdicts.watched_until(self.store), one.borderline, fix)

    def _pictures(self) -> Iterable[Section]:
        if self.facts:
            bounded = bool(self.scope.since or self.scope.until)
            yield Section("图表", blocks=list(report_pictures.drawn(self.found.barriers, self.facts, bounded)))

    # Circles, places, what is kept apart

    def _circles(self) -> Iterable[Section]:
        if not self.waits.edges:
            return
        circles = [Words(f"{_circle(one.nodes)}" + ("。" if one.case_ids else "（由几件案例拼成，请核对）。"),
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
        told: list[Words | list[Words]] = [Words(settings()["arrows"]), circles] if circles else [Words("没有成环的。")]
        yield Section("互为前置", blocks=[*told, table])

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
        said = [self._kept(kind, ids) for kind, ids in self._kinds() if ids]
        if said:
            yield Section("另计的", blocks=[said])

    def _kinds(self) -> tuple[tuple[str, list[str]], ...]:
        return ("依法不能办的", self.found.lawful), ("非政务诉求", self.found.outside)

    def _kept(self, kind: str, ids: Sequence[str]) -> Words:
        guessed = sum(bool(self.whole[one].confidence.keys() & {"barriers", "nature", "outcome"}) for one in ids)
        most = settings()["apart"]
        share = "都" if guessed == len(ids) else f"其中 {guessed} 件"
        said = [f"{kind} {len(ids)} 件", f"{share}由程序从内容判断，没有人核对" if guessed else "",
                f"案例只注最新 {most} 件" if len(ids) > most else ""]  # fmt: skip
        return Words("，".join(filter(None, said)) + "。", self._cite(ids[:most]))

    # Notes

    def _cite(self, ids: Iterable[str]) -> tuple[int, ...]:
        """The numbers of the notes of those cases."""
        known = [one for one in dict.fromkeys(ids) if one in self.whole]
        return tuple(sorted(self.numbers.setdefault(one, len(self.numbers) + 1) for one in known))

    def _notes(self) -> list[str]:
        return [_note(self.whole[case_id]) for case_id in self.numbers]


def _period(chosen: Scope) -> str:
    if chosen.since and chosen.until:
        return f"{chosen.since} 至 {chosen.until}"
    return f"{chosen.since} 起" if chosen.since else f"到 {chosen.until}" if chosen.until else "全部"


def _after(one: Barrier) -> list[str]:
    return [case_id for ids in one.counts.get("after", {}).values() for case_id in ids]


def _plain(text: str) -> str:
    return "".join(text.split()).rstrip("。")


def _note(case: Case) -> str:
    name = shortened(headline(case), settings()["title_of_note"])
    about = [name, place(case), date_of(case), case.outcome, case.id]
    return "；".join(filter(None, about))


def _circle(nodes: Sequence[str]) -> str:
    return " → ".join([*nodes, nodes[0]])


def _state(one: Barrier) -> str:
    said = ["待定" if one.state == "proposed" else "", f"{one.people} 人反映" if one.people else ""]
    return f"（{'，'.join(filter(None, said))}）" if any(said) else ""


def _verdict(one: Barrier) -> str:
    if not one.counts.get("before") and not one.counts.get("after"):
        return one.verdict_label
    before, after = (sum(map(len, one.counts[side].values())) for side in ("before", "after"))
    if one.standing == verdicts.BEYOND:  # the label says how many came after
        return f"{one.verdict_label}\n前 {before} 件"
    return f"{one.verdict_label}\n前 {before} 后 {after} 件"


def _places(one: Barrier, side: str) -> str:
    found = one.counts[side]
    named = "、".join(f"{label} {len(found[name])} 件" for name, label in verdicts.PLACES.items() if found.get(name))
    return f"（{named}）" if named else ""


def _rates(judged: verdicts.Verdict) -> str:
    """The yearly rates with their intervals, where there are any."""
    rates = judged.rates.get("all", {})
    if any(side not in rates or rates[side].low is None for side in ("before", "after")):
        return ""
    before, after = (f"{rate.per_year:g} 件（95% 区间 {rate.low:g}—{rate.high:g}）"
                     for rate in (rates["before"], rates["after"]))  # fmt: skip
    return f"，折合每年由 {before}变为 {after}"


def _short(text: str) -> str:
    return shortened(text, settings()["label"])
