"""Sheets of one file → records: reads every register, takes values by field, links registers by 编号.

A hall keeps one matter in one ledger, in one sheet per half-year, or in several registers (受理簿, 督办簿,
回访簿) that share a number. Registers without the citizen's words follow the one that has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from kb import vocabulary

from . import columns, remarks
from .columns import Heading
from .forms import Form, forms
from .records import CASE_FIELDS, PERSONAL_FIELDS, Place, Problem, Reading, Record
from .sheets import Sheet
from .tables import Entry, Table, header_strength, tables
from .wording import says

#: A record needs at least one of these to be a case.
TELLING = ("demand", "obstacle", "measure")
#: Fields by which a further register finds its case, best first.
_KEYS = ("source_no", "serial", "phone", "applicant")
#: Columns where blanks below a value mean "as above", merged or not.
_INHERITED = frozenset({"hall", "region", "region_code"})
#: Columns whose vertical merge means that several rows tell one case.
_OPENING = frozenset({"serial", "source_no", "demand"})
#: A sheet with nothing but these counts cases (月份, 受理数, 办结率), it does not tell them.
_FRAME = _INHERITED | {"serial", "received", "domain", "channel", "nature", "lead_dept", "matter", "remarks"}
_KNOWN_FIELDS = CASE_FIELDS | PERSONAL_FIELDS
_DATED = re.compile(r"((?:\d{4}[年./-])?\d{1,2}[月./-]\d{1,2}日?)\s*[，,；;：: \n]\s*(?=\D)")
_COUNTED = re.compile(r"\d{1,4}")
#: What a further register repeats in its own words; the first telling stands.
_SAID_ONCE = frozenset({"demand", "obstacle"})
#: Registers of later stages: where several tell the demand, these follow the others.
_LATER = re.compile(r"回访|督办|催办|转办|交办|办结|跟踪|评价|测评")


_STAMP = re.compile(r"(填报|制表|填表|报送|上报|导出|打印|生成|统计|更新|审核)(日期|时间)\s*[:：]?\s*[\d年月日./: -]*")
_YEAR = re.compile(r"(19|20)\d{2}")


@dataclass
class Register:
    """One table with its columns understood; `tells` says whether it holds the citizen's demand."""

    sheet: str
    records: list[Record]
    fields: frozenset[str]
    columns: dict[str, str | None]
    problems: list[Problem] = field(default_factory=list)

    @property
    def tells(self) -> bool:
        return bool(self.fields & {"demand"})


def assemble(sheets: Sequence[Sheet], file: str, kind: str) -> Reading:
    """The reading of one file of tables. `file` is its display name, `kind` the format for Place.kind."""
    reading = Reading()
    registers: list[Register] = []
    for sheet in sheets:
        reading.problems += sheet.problems
        found = _registers(sheet, file, kind)
        registers += found
        if sheet.hidden and found:
            reading.problems.append(Problem("工作表是隐藏的，其中的台账也已读入，请核对是否需要", sheet.name))
        elif not found and sheet.rows and not sheet.hidden:
            reading.problems.append(Problem("没有找到台账的表头，整张表没有读入（如果是说明页，不必处理）", sheet.name))
    if not any(sheet.rows for sheet in sheets):
        reading.problems.append(Problem("表格里没有任何内容，没有读到案例；请确认是否选错了文件"))
    if any(register.tells for register in registers):
        for register in registers:
            if not register.fields - _FRAME:
                reading.problems.append(Problem("只有时间、地点、数量等，像是统计表，没有作为案例读入", register.sheet))
        registers = [register for register in registers if register.fields - _FRAME]
    for register in registers:
        reading.problems += register.problems
        reading.rows += len(register.records)
        for name, known in register.columns.items():
            if known or not reading.columns.get(name):
                reading.columns[name] = known
    records, followers = _link(registers)
    reading.records = list(_usable(records, reading.problems))
    reading.loose = followers
    return reading


def link_files(readings: Sequence[Reading]) -> None:
    """Join the loose rows of each file (registers without demands) to the cases of the others, by 编号.

    Rows that find no case become records of their own where they tell one, else a problem of their file.
    """
    cases = _by_number([record for reading in readings for record in reading.records])
    for reading in readings:
        lost = []
        for record in reading.loose:
            main = cases.get(_normal(record.values.get("source_no", "")))
            if main is not None:
                _join(main, record)
            elif any(record.values.get(name) for name in TELLING):
                reading.records.append(record)
            else:
                lost.append(record.place)
        if lost and not reading.records:
            reading.problems.append(
                Problem("没有一栏能认作诉求、未办成原因或办理情况，整个文件没有读到案例", lost[0].sheet)
            )
            lost = []
        message = "这一行没有诉求、原因或办法，按编号也没有找到对应的受理登记，没有作为案例读入"
        reading.problems += [Problem(message, place.sheet, place.row) for place in lost]
        reading.loose = []


def _by_number(records: Iterable[Record]) -> dict[str, Record]:
    """Cases by 编号; numbers that two cases share, and small ones that any ledger has, tell nothing."""
    found: dict[str, Record] = {}
    twice: set[str] = set()
    for record in records:
        number = _normal(record.values.get("source_no", ""))
        if number and not _COUNTED.fullmatch(number):
            twice |= {number} & found.keys()
            found[number] = record
    return {number: record for number, record in found.items() if number not in twice}


# ---- one sheet ------------------------------------------------------------------------------------------


def _registers(sheet: Sheet, file: str, kind: str) -> list[Register]:
    found = [] if sheet.keys is not None else forms(sheet)
    if found and max(len(form.pairs) for form in found) > header_strength(sheet):
        return [_form_register(sheet, found, file, kind)]
    registers = [_register(table, file, kind) for table in tables(sheet)]
    return [register for register in registers if register.fields]


def _register(table: Table, file: str, kind: str) -> Register:
    headings = [Heading(column.name, column.parent) for column in table.columns]
    samples = [table.sample(column) for column in table.columns]
    fields = columns.understand(headings, samples)
    if "demand" not in fields:
        fields = columns.understand(headings, samples, _stage(table))
    names = _display_names(headings)
    problems = list(table.problems)
    records: list[Record] = []
    above: dict[str, str] = {}
    for entry in table.entries:
        texts = {i: entry.texts.get(column.index, "") for i, column in enumerate(table.columns)}
        values, extra = _values(texts, fields, names)
        for name in _INHERITED & set(fields):
            values[name] = above[name] = values.get(name) or above.get(name, "")
        heading = _heading([*table.title, entry.section, table.sheet, _stem(file), *table.notes])
        record = Record(Place(file, table.sheet, str(entry.number), kind), values, extra, heading)
        if records and _continues(entry, table, fields):
            _append(records[-1], record)
        else:
            records.append(record)
    understood = frozenset(name for name in fields if name)
    shown = {names[i]: fields[i] for i in range(len(names)) if samples[i] or fields[i]}
    if not understood & (set(TELLING) if table.bare else _KNOWN_FIELDS - {"serial"}):
        return Register(table.sheet, [], frozenset(), {})
    return Register(table.sheet, records, understood, shown, problems)


def _form_register(sheet: Sheet, found: Sequence[Form], file: str, kind: str) -> Register:
    names = list(dict.fromkeys(label for form in found for label, _ in form.pairs))
    said: dict[str, list[str]] = {name: [] for name in names}
    for form in found:
        for label, value in form.pairs:
            said[label].append(value)
    fields = columns.understand([Heading(name) for name in names], list(said.values()))
    records = []
    for form in found:
        texts: dict[int, str] = {}
        for label, value in form.pairs:
            i = names.index(label)
            texts[i] = f"{texts[i]}\n{value}" if i in texts else value
        values, extra = _values(texts, fields, names)
        heading = _heading([*form.title, sheet.name, _stem(file)])
        records.append(Record(Place(file, sheet.name, form.row, kind), values, extra, heading))
    understood = frozenset(name for name in fields if name)
    return Register(sheet.name, records, understood, dict(zip(names, fields, strict=True)))


def _stage(table: Table) -> str:
    """The stage that a register is about, from its name or title: 回访, 督办 …, "" if that is not said."""
    match = re.search(r"回访|测评|督办|催办|转办|交办|办理|协调|处理|办结|受理", "".join([table.sheet, *table.title]))
    return match[0] if match else ""


def _heading(lines: Sequence[str]) -> str:
    """What stands around a record, as evidence for its hall and year.

    The day on which a list was filled in or printed tells the year of its cases only if nothing else does.
    """
    bare = [_STAMP.sub("", line).strip() for line in lines]
    if not any(_YEAR.search(line) for line in bare):
        bare += [stamp[0] for line in lines for stamp in _STAMP.finditer(line)]
    return "\n".join(line for line in bare if line)


def _stem(file: str) -> str:
    return PurePosixPath(file).stem


def _display_names(headings: Sequence[Heading]) -> list[str]:
    """Column names for the report: as written, with the heading above where one name comes twice."""
    own = [heading.name for heading in headings]
    names: list[str] = []
    for heading in headings:
        name = f"{heading.parent}·{heading.name}" if own.count(heading.name) > 1 and heading.parent else heading.name
        while name in names:
            name += "′"
        names.append(name)
    return names


def _values(
    texts: dict[int, str], fields: Sequence[str | None], names: Sequence[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Texts by column → values by field, and what has no field by column name."""
    values: dict[str, str] = {}
    extra: dict[str, str] = {}
    for i, text in sorted(texts.items()):
        name = fields[i]
        if not text or name == "profile":
            continue
        if says("blank", text) and name != "followup":  # 回访：无 is an answer, 固化措施：无 is none
            continue
        if name in _KNOWN_FIELDS:
            _put(values, name, text)
        else:
            extra[names[i]] = text
    _take_apart(values)
    _part_mixed(values)
    return values, extra


def _part_mixed(values: dict[str, str]) -> None:
    """Columns that hold two things: 姓名及电话, 办结时间及结果."""
    names = re.findall(r"[\u4e00-\u9fa5·]{2,}", values.get("phone", ""))
    if names and not values.get("applicant"):
        values["applicant"] = names[0]
    for name in ("result", "outcome"):
        dated = _DATED.match(values.get(name, ""))
        if dated and not values.get("closed"):
            values["closed"], values[name] = dated[1], values[name][dated.end() :]


def _take_apart(values: dict[str, str]) -> None:
    """Split remarks, and cells made of labelled parts, into the fields that they name."""
    for name in ("remarks", "measure", "demand", "result", "followup"):
        text = values.get(name, "")
        if not text or (name != "remarks" and not remarks.is_labelled(text)):
            continue
        parts, rest = remarks.split(text)
        del values[name]
        if rest:
            values[name] = rest
        for part, said in parts.items():
            if part == "closed" and values.get("closed"):
                continue
            _put(values, part, said)


def _put(values: dict[str, str], name: str, text: str) -> None:
    """Set a field, or add to it what it does not say yet."""
    there = values.get(name, "")
    if text in there:
        return
    values[name] = text if not there or there in text else f"{there}\n{text}"


def _continues(entry: Entry, table: Table, fields: Sequence[str | None]) -> bool:
    """Whether a row goes on with the case above: its number or its demand is one merged cell with it."""
    return any(
        name in _OPENING and column.index in entry.merged for name, column in zip(fields, table.columns, strict=True)
    )


def _append(record: Record, more: Record) -> None:
    """A further row of the same case: its texts follow, its dates are later steps."""
    for name, text in more.values.items():
        if name == "closed":
            record.values[name] = text
        elif name not in ("received", "accepted", "solidified_date") or not record.values.get(name):
            _put(record.values, name, text)
    for name, text in more.extra.items():
        _put(record.extra, name, text)
    record.linked.append(more.place)


# ---- several registers ------------------------------------------------------------------------------------


def _link(registers: Sequence[Register]) -> tuple[list[Record], list[Record]]:
    """Cases of the registers that tell them, joined by the others; and the rows that found no case."""
    mains = [register for register in registers if register.tells]
    if not mains:
        return [], [record for register in registers for record in register.records]
    mains.sort(key=lambda register: bool(_LATER.search(register.sheet)))
    records = _merge_mains(mains)
    loose: list[Record] = []
    for register in registers:
        if register.tells:
            continue
        key = _key(register.records, records)
        index = {_normal(record.values[key]): record for record in records if record.values.get(key)} if key else {}
        for record in register.records:
            main = index.get(_normal(record.values.get(key, ""))) if key else None
            if main is None:
                loose.append(record)
            else:
                _join(main, record)
    return records, loose


def _merge_mains(mains: Sequence[Register]) -> list[Record]:
    """Registers that all tell demands: the same long number in two of them is one case, told twice."""
    records: list[Record] = []
    index: dict[str, Record] = {}
    for register in mains:
        earlier = dict(index)
        for record in register.records:
            number = _normal(record.values.get("source_no", ""))
            if number and not _COUNTED.fullmatch(number) and number in earlier:
                _join(earlier[number], record)
                continue
            records.append(record)
            if number:
                index.setdefault(number, record)
    return records


def _key(followers: Iterable[Record], records: Sequence[Record]) -> str:
    """The field by which most rows of a further register find exactly one case; "" if none does."""
    followers = list(followers)
    for key in _KEYS:
        mine = [_normal(record.values.get(key, "")) for record in followers]
        theirs = [_normal(record.values[key]) for record in records if record.values.get(key)]
        found = sum(bool(value) and value in set(theirs) for value in mine)
        if found and found >= 0.5 * len(mine) and len(set(theirs)) == len(theirs):
            return key
    return ""


def _normal(text: str) -> str:
    return re.sub(r"[\s—–-]+", "", text).upper()


def _join(main: Record, follower: Record) -> None:
    """Add what a further register says about a case; another answer to the same question is kept apart."""
    for name, text in follower.values.items():
        there = main.values.get(name, "")
        if not there or (name in columns.JOINABLE and name not in _SAID_ONCE):
            _put(main.values, name, text)
        elif name != "serial" and _normal(text) != _normal(there):
            register = follower.place.sheet or _stem(follower.place.file)
            main.extra[f"{register}·{vocabulary.labels().get(name, name)}"] = text
    for name, text in follower.extra.items():
        _put(main.extra, name, text)
    main.linked.append(follower.place)


def _usable(records: Iterable[Record], problems: list[Problem]) -> Iterator[Record]:
    """The records that tell a case; the others become problems that name their row."""
    for record in records:
        said = {name for name, text in record.values.items() if text and name not in {"serial", *_INHERITED}}
        if any(record.values.get(name) for name in TELLING):
            yield record
            continue
        reason = "没有诉求、未办成原因和办理情况，无法成为案例" if said else "除序号外没有内容"
        problems.append(
            Problem(f"这一行{reason}，已跳过；如漏填请补上后重新导入", record.place.sheet, record.place.row)
        )
