"""Record → draft: clean the fields, remove what is personal, infer what the source does not say.

Order matters: personal columns are used to find persons in the texts and then dropped; only redacted text is
seen by inference, and by everything after it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from kb import privacy, vocabulary
from kb.fields import dates, departments, documents, matters, regions
from kb.model import Case
from search.passages import passages

from . import inference
from .records import PERSONAL_FIELDS, Problem, Record

#: Fields whose text is stored and therefore redacted; `extra` columns and remarks join them.
TEXT_FIELDS = (
    "source_no", "title", "matter", "demand", "obstacle", "measure", "steps", "lead_dept", "coop_depts",
    "basis", "materials", "result", "solidified", "followup", "satisfaction", "remarks", "nature", "outcome",
    "handling", "barriers", "channel", "domain", "url", "hall", "region", "matter_code", "applicant_type",
    "received", "accepted", "closed", "solidified_date", "solidified_kind",
)  # fmt: skip

#: Kinds of file that tell cases in prose, where the place stands in the text.
TOLD = ("docx", "html", "txt")
_LIST_FIELDS = ("barriers", "handling")
_SINGLE_CHOICES = {
    "domain": "domains", "nature": "natures", "outcome": "outcomes", "channel": "channels",
    "applicant_type": "applicant_types",
}  # fmt: skip
_NOTE = re.compile(r"[（(][^（()）]*[)）]")
_SAME_DAY = re.compile(r"(当[日天场]|同[日天]|即[日时])")
_SINCE = re.compile(r"^自|(?:起|开始|以后)(?:执行|施行|实施|实行)?$")
_FULL_YEAR = re.compile(r"\d{4}")
_YEAR = re.compile(r"(20\d{2})\s*(?:年|[-—~～至/])?")


@dataclass
class Drafted:
    """A case without identity yet, with what a person must look at and what was removed."""

    case: Case
    doubts: list[privacy.Doubt] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    removed: int = 0
    guesses: dict[str, inference.Guess] = field(default_factory=dict)


@dataclass(frozen=True)
class Hall:
    """Who owns a record: GB/T 2260 code and name, as said on the command line."""

    code: str
    name: str


def draft(record: Record, hall: Hall | None = None, encode: Callable[..., Any] | None = None) -> Drafted:
    """Turn one record into a case. Raises nothing for wild input: what cannot be used becomes a problem."""
    problems: list[Problem] = []

    def problem(message: str, kept: bool = False) -> None:
        problems.append(Problem(message, record.place.sheet, record.place.row, kept))

    texts = {name: record.values[name] for name in TEXT_FIELDS if record.values.get(name)}
    extra_names = {f"extra.{name}": name for name in record.extra}
    texts.update({key: record.extra[name] for key, name in extra_names.items() if record.extra[name]})
    known = {name: record.values[name] for name in PERSONAL_FIELDS if record.values.get(name)}
    redaction = privacy.redact(texts, known)
    clean = redaction.values

    case = Case(id="")
    case.extra = {name: clean[key] for key, name in extra_names.items() if clean.get(key)}
    if clean.get("remarks"):
        case.extra["备注"] = clean["remarks"]
    _place(case, record, clean, problem)
    _where(case, record, clean, hall)
    _when(case, record, clean, problem)
    _texts(case, clean)
    _fix(case, record, clean, problem)
    said = _choices(case, clean, record, problem)
    guesses = inference.infer(evidence(case, said, known), record.heading, encode=encode).guesses
    denied = any(vocabulary.is_none("outcomes", line) for line in clean.get("outcome", "").split("\n"))
    if denied:  # 办理中: whatever the texts sound like
        guesses.pop("outcome", None)
    _apply(case, guesses)
    case.redactions = [vars(count) for count in redaction.counts]
    return Drafted(case, redaction.doubts, problems, sum(c.count for c in redaction.counts), dict(guesses))


def _place(case: Case, record: Record, clean: Mapping[str, str], problem: Callable[..., None]) -> None:
    number = record.values.get("source_no", "")
    case.source_no = clean.get("source_no", "")
    if number != case.source_no:
        problem("编号栏里像是个人信息，已去除")
    case.source = dict(vars(record.place))
    origin = clean.get("url", "")
    if origin.startswith(("http://", "https://")):
        case.source["url"] = origin
    elif origin:
        case.extra["来源"] = origin
    case.sources = [vars(place) for place in record.linked]


def _where(case: Case, record: Record, clean: Mapping[str, str], given: Hall | None) -> None:
    """The hall and its region: what the row says, else the command line, the heading, the file's name; for a
    case told in prose without any of these, the first county that its text names."""
    coded = regions.by_code(record.values.get("region_code", ""))
    around = coded or (regions.by_code(given.code) if given else None)
    around = around or regions.find(record.heading) or regions.find(record.place.file)
    found = _first_hall((clean.get(name) for name in ("hall", "region")), around)
    if found is None and coded:
        found = regions.hall_of(coded)
    if found is None and given:
        found = (given.code, given.name)
    if found is None:
        found = _first_hall((record.heading, record.place.file), None)
    prose = record.place.kind in TOLD
    if found is None or (prose and found[0].endswith("00")):
        # In a table only a department may tell the hall: a citizen's story names many places.
        told = ("lead_dept", "coop_depts", *(("demand", "obstacle", "measure") if prose else ()))
        heard = _first_hall((clean.get(name) for name in told), around)
        # In a table a department of the province is one that helped, not the hall.
        found = heard if heard and (prose or not heard[0].endswith("00")) else found
    if found is None:
        return
    case.hall = {"code": found[0], "name": found[1]}
    region = regions.by_code(found[0])
    if region:
        case.region = {
            "province": region.province, "city": region.city, "county": region.county, "code": region.code,
        }  # fmt: skip


def _first_hall(texts: Iterable[str | None], around: regions.Region | None) -> tuple[str, str] | None:
    return next(filter(None, (regions.hall(text, around) for text in texts if text)), None)


def _when(case: Case, record: Record, clean: Mapping[str, str], problem: Callable[..., None]) -> None:
    years = [int(year) for year in _YEAR.findall(record.heading)]
    year = years[0] if years and len(set(years)) == 1 else None
    found: dict[str, Any] = {}
    written = {name: record.values.get(name, "") for name in ("received", "accepted", "closed")}
    # 2022年12月20日 … 1月8日: a date in full in the same row says more than the heading.
    full = [day for text in written.values() if _FULL_YEAR.search(text) and (day := dates.parse_date(text))]
    year = full[0].year if full else year
    for name, text in written.items():
        if not text:
            continue
        day = dates.parse_date(_NOTE.sub("", text), year)
        if name != "received" and _SAME_DAY.match(text):
            day = found.get("received")
        if day is None and (month := dates.reduced_date(text)):
            setattr(case, name, month)
        elif day is None:
            problem(f"{vocabulary.labels().get(name, name)}“{clean[name][:20]}”不是可识别的日期，已留空")
        else:
            found[name] = day
    # A ledger of one year closes its last cases in January: 12月20日 … 1月8日.
    start, end = found.get("received"), found.get("closed")
    if start and end and end < start:
        if year and not _FULL_YEAR.search(written["closed"]):
            found["closed"] = dates.parse_date(written["closed"], year + 1) or end
        elif year and not _FULL_YEAR.search(written["received"]):
            found["received"] = dates.parse_date(written["received"], year - 1) or start
        else:
            problem("办结日期早于收件日期，请核对", kept=True)
    for name, day in found.items():
        setattr(case, name, day.isoformat())
    if "received" in found and "closed" in found:
        case.working_days = dates.working_days(found["received"], found["closed"])


def _texts(case: Case, clean: Mapping[str, str]) -> None:
    for name in ("title", "demand", "obstacle", "measure", "result"):
        setattr(case, name, clean.get(name, ""))
    case.followup = "；".join(filter(None, (clean.get("followup", ""), clean.get("satisfaction", ""))))
    case.lead_dept = departments.clean(clean.get("lead_dept", ""))
    case.coop_depts = departments.split(clean.get("coop_depts", ""))
    if clean.get("matter"):
        name = matters.clean(clean["matter"])
        case.matter = {"name": name, "standard": matters.standard(name) or ""}
    if clean.get("basis"):
        found = documents.find(clean["basis"], bare_titles=True)
        case.basis = [asdict(basis) for basis in found] or [
            {"title": clean["basis"], "doc_no": "", "clause": "", "valid": None}
        ]
    told = documents.find("\n".join(clean.get(name, "") for name in ("obstacle", "measure", "result")))
    case.basis += [asdict(basis) for basis in told if str(basis) not in clean.get("basis", "")]
    if clean.get("materials"):
        case.materials = [item for item in re.split(r"[、；;\n]", clean["materials"]) if item.strip()]
    if clean.get("steps"):
        case.steps = [{"date": "", "dept": "", "action": line} for line in clean["steps"].splitlines() if line]


def _fix(case: Case, record: Record, clean: Mapping[str, str], problem: Callable[..., None]) -> None:
    """What was made lasting: its text, and the kind and the day of their own columns."""
    said = clean.get("solidified_kind", "")
    kind = vocabulary.clean("solidified_kinds", said) if said else ""
    unknown = said if said and not kind and not vocabulary.is_none("solidified_kinds", said) else ""
    text = clean.get("solidified", "")
    text = "\n".join(filter(None, [text, "" if unknown in text else unknown]))
    written, near = record.values.get("solidified_date", ""), (case.closed or case.received)[:4]
    bare = _SINCE.sub("", _NOTE.sub("", written))
    day = dates.parse_date(bare, int(near) if near else None)
    date = day.isoformat() if day else dates.reduced_date(bare) or ""
    if written and not date:
        label = vocabulary.labels()["solidified_date"]
        problem(f"{label}“{clean['solidified_date'][:20]}”不是可识别的日期，原文放入“其他栏目”", kept=True)
        case.extra[label] = clean["solidified_date"]
    case.solidified = {name: value for name, value in (("kind", kind), ("text", text), ("date", date)) if value}


def _choices(
    case: Case, clean: Mapping[str, str], record: Record, problem: Callable[..., None]
) -> dict[str, Any]:
    """Values of closed lists as the source says them; returns the fields that were said."""
    said: dict[str, Any] = {}
    code = clean.get("matter_code", "").strip()
    if code:
        case.matter = {**case.matter, "code": code}
    for name, vocabulary_name in _SINGLE_CHOICES.items():
        text = clean.get(name, "")
        if not text:
            continue
        value = _outcome(text) if name == "outcome" else vocabulary.clean(vocabulary_name, text)
        if value:
            setattr(case, name, value)
            said[name] = value
        elif name == "outcome":
            case.result = case.result or text
        else:
            label = vocabulary.labels().get(name, name)
            if not vocabulary.is_none(vocabulary_name, text):
                problem(f"{label}“{text[:20]}”不在词表中，原文放入“其他栏目”", kept=True)
            case.extra[label] = text
    for name in _LIST_FIELDS:
        if clean.get(name):
            values = vocabulary.clean_many(name, clean[name])
            if values:
                setattr(case, name, values)
                said[name] = values
            else:
                case.extra[vocabulary.labels().get(name, name)] = clean[name]
    return said


def _outcome(text: str) -> str | None:
    """The outcome that one or more columns say, a line each (办结状态: 已办结, 办理结果: 不予办理): 办成 only says
    that the matter was closed if another column says more, and a column that denies it (未办成) counts."""
    lines = [line for line in text.split("\n") if not line.endswith("满意")]  # 基本满意 is no outcome
    if any(vocabulary.is_none("outcomes", line) for line in lines):
        return None
    found = {value for line in lines if (value := vocabulary.clean("outcomes", line))}
    if len(found) > 1:
        found -= {"办成"}
    return found.pop() if len(found) == 1 else vocabulary.clean("outcomes", "\n".join(lines))


def evidence(case: Case, said: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    """What inference may see: redacted texts, what the source said, and what kind of applicant it was."""
    return {
        "title": case.title, "matter": case.matter.get("name", ""), "demand": case.demand,
        "obstacle": case.obstacle, "measure": case.measure, "result": case.result, "followup": case.followup,
        "solidified": case.solidified.get("text", ""), "lead_dept": case.lead_dept,
        "coop_depts": "、".join(case.coop_depts), "remarks": case.extra.get("备注", ""),
        "basis": "、".join(basis["title"] + basis["doc_no"] for basis in case.basis),
        "closed": case.closed, "gist": _gist(case),
        "applicant_kind": inference.applicant_kind(known.get("applicant", "")), **said,
    }  # fmt: skip


def _gist(case: Case) -> str:
    """The passage that likeness to examples is judged by. With a title it is one that the index embeds anyway."""
    messages = [passage.text for passage in passages(case) if passage.view == "message"]
    return messages[0] if messages and case.title else ""


def _apply(case: Case, guesses: Mapping[str, inference.Guess]) -> None:
    for name, guess in guesses.items():
        if name == "matter":
            case.matter = {**case.matter, "name": guess.value, "standard": matters.standard(str(guess.value)) or ""}
        else:
            setattr(case, name, guess.value)
        case.confidence[name] = round(guess.confidence, 2)
