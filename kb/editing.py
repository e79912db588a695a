"""What a person wrote about a case → the case: values in standard form, texts without personal data, doubts to look at.

Values come from a form or as JSON, with the names of the case's fields; lists and nested parts may also be written as
a clerk writes them, a line each (`text_of` writes them so). What a text said before redaction is kept nowhere, and no
error quotes it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from . import privacy, vocabulary
from .config import Settings
from .errors import Fault
from .fields import dates, departments, documents, matters
from .model import Case
from .plugins import manager
from .privacy import Count, Doubt
from .privacy.spans import PLACEHOLDER
from .store import Draft

#: Texts, with the most characters that each may have.
TEXTS = {"title": 200, "demand": 10_000, "obstacle": 10_000, "measure": 10_000, "result": 10_000, "followup": 10_000}
CHOICES = {
    "domain": "domains", "applicant_type": "applicant_types", "channel": "channels", "nature": "natures",
    "outcome": "outcomes",
}  # fmt: skip
LISTS = {"barriers": "barriers", "handling": "handling"}
DATES = ("received", "accepted", "closed")
#: What a person writes; the rest of a case is bookkeeping.
FIELDS = (
    *TEXTS, *CHOICES, *LISTS, *DATES, "matter", "steps", "lead_dept", "coop_depts", "basis", "materials", "solidified",
)  # fmt: skip
MOST_SHORT = 300  # characters of a name, a rule, a material
MOST_STEP = 2_000
MOST_ITEMS = 100
_ITEMS = re.compile(r"[、；;\n](?![^（(\n]*[）)])")  # not inside brackets
_STEP = re.compile(r"(?:(?P<dept>[^\s：:，。、；]{2,20})：)?(?P<action>.*)", re.DOTALL)
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
#: Where ingest noted a doubt under the name of a column that became part of another field.
_BECAME = {"remarks": "extra.备注", "satisfaction": "followup", "matter_code": "matter"}


class Unclear(Fault):
    """Fields that could not be understood: `fields` says for each (by the name in a form) what to put right."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        names = vocabulary.labels()
        said = (f"{names.get(name.partition('.')[0], name)}：{text}" for name, text in self.fields.items())
        super().__init__("；".join(said))


@dataclass(frozen=True)
class Edited:
    """`draft` is what may be stored, `removed` what this edit took out of the texts."""

    draft: Draft
    removed: list[Count]


@dataclass
class _Sheet:
    """One reading of what was written: texts to redact, by place (`steps.0.action`), and what was wrong."""

    before: Case
    texts: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)

    def text(self, place: str, value: Any, most: int, one_line: bool = True) -> None:
        """Take a text down for redaction."""
        if value is not None and not isinstance(value, str):
            self.wrong[_named(place)] = "应为文字"
            return
        text = tidy(value or "", one_line)
        if len(text) > most:
            self.wrong[_named(place)] = f"太长，至多 {most} 字"
        elif text:
            self.texts[place] = text


def edit(
    settings: Settings, before: Case, values: Mapping[str, Any], doubts: Sequence[Doubt] = (), suggest: bool = True
) -> Edited:
    """The case `before` with what was written in `values`; fields that are not named stay as they are.

    `doubts` are those of `before`: they stay as long as their placeholders do. With `suggest`, fields that nobody
    filled may be inferred (hook kb_suggest_fields). Raises Unclear.
    """
    sheet = _Sheet(before)
    unknown = set(values) - set(FIELDS)
    if unknown:
        raise Fault("有不认识的字段，可用的字段是：" + "、".join(FIELDS))
    for name, value in values.items():
        _take(sheet, name, value)
    settled = {name: _settled(sheet, name, values[name]) for name in values if name in (*CHOICES, *LISTS, *DATES)}
    kept = _kept_texts(before, values)
    redaction = privacy.redact({**kept, **sheet.texts})
    clean = {place: redaction.values[place] for place in sheet.texts}
    changes = {name: _rebuilt(sheet, name, values[name], clean) for name in values if name not in settled}
    if sheet.wrong:
        raise Unclear(sheet.wrong)
    case = replace(before, **settled, **changes)
    _check_dates(case)
    case.confidence = {
        name: sure for name, sure in before.confidence.items() if getattr(case, name, None) == getattr(before, name)
    }
    removed = _by_field(count for count in redaction.counts if count.field in sheet.texts)
    case.redactions = _united(before.redactions, removed)
    if suggest:
        _suggest(settings, case, before)
    found = [doubt for doubt in redaction.doubts if doubt.field in sheet.texts]
    return Edited(Draft(case, _anchored(before, doubts, found, redaction.values, case)), removed)


def tidy(text: str, one_line: bool = False) -> str:
    """A text as it may be stored: no control, invisible or broken characters, plain line ends, no space around."""
    text = _BREAKS.sub("\n", text)
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
    if one_line:
        return re.sub(r"\s+", " ", text).strip()
    return re.sub(r"[^\S\n]+\n", "\n", text).strip()


def text_of(case: Case, name: str) -> str:
    """A field as a person reads and writes it; positions of doubts count in this text."""
    if name.startswith("extra."):
        return str(case.extra.get(name.removeprefix("extra."), ""))
    value: Any = getattr(case, name, "")
    if name == "matter":
        return str(value.get("name", ""))
    if name == "solidified":
        return str(value.get("text", ""))
    if name == "steps":
        return "\n".join(map(step_line, value))
    if name == "basis":
        return "\n".join(map(basis_line, value))
    if name == "materials":
        return "\n".join(map(str, value))
    if isinstance(value, list):
        return "、".join(map(str, value))
    return str(value) if isinstance(value, str | int) else ""


def step_line(step: Mapping[str, Any]) -> str:
    """2024-03-04 住建局：出具变更说明"""
    dept = f"{step['dept']}：" if step.get("dept") else ""
    return " ".join(filter(None, (str(step.get("date") or ""), f"{dept}{step.get('action') or ''}")))


def basis_line(rule: Mapping[str, Any]) -> str:
    """《标题》（文号）第几条"""
    title, number, clause = (str(rule.get(name) or "") for name in ("title", "doc_no", "clause"))
    return str(documents.Basis(title.removeprefix("《").removesuffix("》"), number, clause))


def doubtful_field(doubt: Doubt) -> str:
    """The field of a case (or `extra.COLUMN`) in which a doubt stands."""
    return _BECAME.get(doubt.field, doubt.field)


def place_of(case: Case, doubt: Doubt) -> tuple[int, int] | None:
    """Where a doubt's placeholder stands in `text_of` its field; None if the text has no such placeholder.

    Ingest counted positions in the cell; the case may hold it in another form.
    """
    text = text_of(case, doubtful_field(doubt))
    if PLACEHOLDER.fullmatch(text, doubt.start, doubt.end):
        return doubt.start, doubt.end
    found = next((m for m in PLACEHOLDER.finditer(text) if m[0].startswith(f"〔{doubt.kind[:2]}")), None)
    return found.span() if found else None


# Taking down what was written


def _take(sheet: _Sheet, name: str, value: Any) -> None:
    """Texts of a field for redaction."""
    if name in TEXTS:
        sheet.text(name, value, TEXTS[name], one_line=name == "title")
    elif name == "lead_dept":
        sheet.text(name, value, MOST_SHORT)
    elif name == "matter":
        _take_parts(sheet, name, {"name": value} if isinstance(value, str) else value or {}, ("name", "code"))
    elif name == "solidified":
        parts: Any = {"text": value} if isinstance(value, str) else value or {}
        if _take_parts(sheet, name, parts, ()):
            sheet.text("solidified.text", parts.get("text"), 10_000, one_line=False)
    elif name in ("coop_depts", "materials", "basis", "steps"):
        _take_items(sheet, name, value)


def _take_parts(sheet: _Sheet, name: str, value: Any, parts: Iterable[str]) -> bool:
    if not isinstance(value, Mapping):
        sheet.wrong[name] = "写法不对"
        return False
    for part in parts:
        sheet.text(f"{name}.{part}", value.get(part), MOST_SHORT)
    return True


def _take_items(sheet: _Sheet, name: str, value: Any) -> None:
    items = _items(name, value)
    if items is None or len(items) > MOST_ITEMS:
        sheet.wrong[name] = "写法不对" if items is None else f"太多，至多 {MOST_ITEMS} 项"
        return
    most = MOST_STEP if name == "steps" else MOST_SHORT
    for at, item in enumerate(items):
        if isinstance(item, Mapping) and name in ("steps", "basis"):
            for part in ("dept", "action") if name == "steps" else ("title", "doc_no", "clause"):
                given = item.get(part)
                if part == "title" and isinstance(given, str) and given.strip("《》 "):
                    given = f"《{given.strip('《》 ')}》"  # known as a title by them: no name is looked for in it
                sheet.text(f"{name}.{at}.{part}", given, most)
        else:
            sheet.text(f"{name}.{at}", item, most)


def _items(name: str, value: Any) -> list[Any] | None:
    """The items of a list, or of a text that lists them; None for anything else."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    if not isinstance(value, str):
        return None
    text = tidy(value)
    if name == "coop_depts":
        return departments.split(text) or ([text] if text else [])
    parts = _ITEMS.split(text) if name == "materials" else text.split("\n")
    return [part.strip() for part in parts if part.strip()]


def _kept_texts(before: Case, values: Mapping[str, Any]) -> dict[str, str]:
    """Texts that stay: with them persons are numbered on, not anew."""
    names = [name for name in (*TEXTS, "steps", "materials", "solidified", "matter") if name not in values]
    kept = {f"kept.{name}": text_of(before, name) for name in names}
    kept |= {f"kept.extra.{name}": str(text) for name, text in before.extra.items()}
    return {place: text for place, text in kept.items() if text}


# Choices, lists, dates


def _settled(sheet: _Sheet, name: str, value: Any) -> Any:
    before = getattr(sheet.before, name)
    if value == before:
        return before
    if name in DATES:
        return _date(sheet, name, value)
    if name in CHOICES:
        return _choice(sheet, name, CHOICES[name], value)
    if isinstance(value, str):
        value = vocabulary.split(value)
    if not isinstance(value, list) or len(value) > MOST_ITEMS:
        sheet.wrong[name] = "写法不对"
        return before
    chosen = [_choice(sheet, name, LISTS[name], item, before) for item in value]
    return list(dict.fromkeys(item for item in chosen if item))


def _choice(sheet: _Sheet, place: str, words: str, value: Any, kept: Iterable[str] = ()) -> str:
    """The value of a closed list that was meant; one that the case has already may stay."""
    if value in kept and isinstance(value, str):
        return value
    if not isinstance(value, str | None):
        sheet.wrong[place] = "应为文字"
        return ""
    text = tidy(value or "", one_line=True)
    found = vocabulary.clean(words, text) if text else ""
    if found is None:
        sheet.wrong[place] = f"不在可选的范围里，请从这些里选：{'、'.join(vocabulary.values(words))}"
    return found or ""


def _date(sheet: _Sheet, place: str, value: Any) -> str:
    if not isinstance(value, str | None):
        sheet.wrong[place] = "应为文字"
        return ""
    text = tidy(value or "", one_line=True)
    if not text:
        return ""
    day = dates.parse_date(text)
    found = day.isoformat() if day else dates.reduced_date(text)
    if not found:
        sheet.wrong[place] = "看不懂这个日期，请写成 2024-03-15 这样"
    return found or ""


def _check_dates(case: Case) -> None:
    """Count working days, where both ends are known to the day."""
    if case.received and case.closed and case.closed[:7] < case.received[:7] and len(case.closed) > 4:
        raise Unclear({"closed": "早于收到日期，请核对"})
    case.working_days = None
    start, end = dates.parse_date(case.received), dates.parse_date(case.closed)
    if start and end:
        if end < start:
            raise Unclear({"closed": "早于收到日期，请核对"})
        case.working_days = dates.working_days(start, end)


# Fields again from redacted texts


def _rebuilt(sheet: _Sheet, name: str, value: Any, clean: Mapping[str, str]) -> Any:
    if name in TEXTS:
        return clean.get(name, "")
    if name == "lead_dept":
        return departments.clean(clean.get(name, ""))
    if name == "matter":
        return _matter(sheet, value, clean)
    if name == "solidified":
        return _solidified(sheet, value, clean)
    items = _items(name, value) or []
    built = [_BUILD[name](sheet, at, item, clean) for at, item in enumerate(items)]
    return _distinct(part for parts in built for part in parts)


def _matter(sheet: _Sheet, value: Any, clean: Mapping[str, str]) -> dict[str, str]:
    before = sheet.before.matter
    name = clean.get("matter.name", "")
    name = name if name == before.get("name") else matters.clean(name)
    found = {"name": name, "standard": matters.standard(name) or ""} if name else {}
    if name and name == before.get("name"):
        found["standard"] = before.get("standard", found["standard"])
    code = clean.get("matter.code", "")
    if isinstance(value, str):
        code = before.get("code", "")
    elif code and code != before.get("code") and not (code := matters.code(code) or ""):
        sheet.wrong["matter.code"] = "不像事项编码（至少八位数字，可带字母）；没有就空着"
    return {**found, **({"code": code} if code else {})}


def _solidified(sheet: _Sheet, value: Any, clean: Mapping[str, str]) -> dict[str, str]:
    given = value if isinstance(value, Mapping) else {}
    kind = _choice(sheet, "solidified.kind", "solidified_kinds", given.get("kind"))
    found = {"kind": kind, "text": clean.get("solidified.text", ""),
             "date": _date(sheet, "solidified.date", given.get("date"))}  # fmt: skip
    return {part: text for part, text in found.items() if text}


def _step(sheet: _Sheet, at: int, item: Any, clean: Mapping[str, str]) -> list[dict[str, str]]:
    if isinstance(item, Mapping):
        step = {part: clean.get(f"steps.{at}.{part}", "") for part in ("dept", "action")}
        step = {"date": _date(sheet, "steps", item.get("date")), **step}
        return [step] if any(step.values()) else []
    line = clean.get(f"steps.{at}", "")
    known = {step_line(step): step for step in sheet.before.steps}
    if line in known:
        return [known[line]]
    first, _, rest = line.partition(" ")
    day = dates.parse_date(first)
    parts = _STEP.fullmatch(rest.strip() if day else line)
    assert parts
    return [{"date": day.isoformat() if day else "", "dept": parts["dept"] or "", "action": parts["action"].strip()}]


def _rule(sheet: _Sheet, at: int, item: Any, clean: Mapping[str, str]) -> list[dict[str, Any]]:
    if isinstance(item, Mapping):
        rule = {part: clean.get(f"basis.{at}.{part}", "") for part in ("title", "doc_no", "clause")}
        rule["title"] = rule["title"].strip("《》")
        valid = item.get("valid")
        return [{**rule, "valid": valid if isinstance(valid, bool) else None}] if any(rule.values()) else []
    line = clean.get(f"basis.{at}", "")
    known = {basis_line(rule): rule for rule in sheet.before.basis}
    if line in known:
        return [known[line]]
    found = [asdict(rule) for rule in documents.find(line, bare_titles=True)]
    return found or ([{"title": line, "doc_no": "", "clause": "", "valid": None}] if line else [])


def _material(sheet: _Sheet, at: int, item: Any, clean: Mapping[str, str]) -> list[str]:
    return [text] if (text := clean.get(f"materials.{at}", "")) else []


def _department(sheet: _Sheet, at: int, item: Any, clean: Mapping[str, str]) -> list[str]:
    return [text] if (text := departments.clean(clean.get(f"coop_depts.{at}", ""))) else []


_BUILD: dict[str, Callable[[_Sheet, int, Any, Mapping[str, str]], list[Any]]] = {
    "steps": _step, "basis": _rule, "materials": _material, "coop_depts": _department,
}  # fmt: skip


def _distinct(items: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found


def _suggest(settings: Settings, case: Case, before: Case) -> None:
    """Fill what nobody said, as far as an upper floor dares; what a person emptied just now stays empty."""
    hook = getattr(manager().hook, "kb_suggest_fields", None)
    for found in hook(settings=settings, case=case) if hook else ():
        for name, (value, confidence) in (found or {}).items():
            if not getattr(case, name) and not getattr(before, name):
                setattr(case, name, value)
                case.confidence[name] = round(confidence, 2)


# What was removed, what is doubtful


def _named(place: str) -> str:
    """The name in the form of the control that holds a place: steps.0.action is in steps."""
    name, _, part = place.partition(".")
    return place if part and not part[0].isdigit() else name


def _by_field(counts: Iterable[Count]) -> list[Count]:
    found: Counter[tuple[str, str]] = Counter()
    for count in counts:
        found[count.kind, count.field.partition(".")[0]] += count.count
    return [Count(kind, name, number) for (kind, name), number in found.items()]


def _united(before: Sequence[Mapping[str, Any]], removed: Iterable[Count]) -> list[dict[str, Any]]:
    found: Counter[tuple[str, str]] = Counter()
    for entry in (*before, *map(asdict, removed)):
        found[str(entry.get("kind", "")), str(entry.get("field", ""))] += int(entry.get("count", 0))
    return [{"kind": kind, "field": name, "count": number} for (kind, name), number in found.items()]


def _anchored(
    before: Case, old: Iterable[Doubt], new: Iterable[Doubt], redacted: Mapping[str, str], case: Case
) -> list[Doubt]:
    """Doubts at the places of the new texts. An old one goes when its placeholder is gone; one that never had a place
    (ingest dropped the text, or holds it in another form) stays."""
    found: dict[tuple[str, int], Doubt] = {}
    unplaced = []
    for doubt in old:
        name, place = doubtful_field(doubt), place_of(before, doubt)
        if place is None:
            unplaced.append(doubt)
            continue
        text = text_of(before, name)
        _anchor(found, case, name, text[slice(*place)], text.count(text[slice(*place)], 0, place[0]), doubt)
    for doubt in new:
        name, text = doubt.field.partition(".")[0], redacted[doubt.field]
        mark = text[doubt.start : doubt.end]
        earlier = [redacted[place] for place in redacted if place.partition(".")[0] == name]
        index = list(place for place in redacted if place.partition(".")[0] == name).index(doubt.field)
        nth = sum(part.count(mark) for part in earlier[:index]) + text.count(mark, 0, doubt.start)
        _anchor(found, case, name, mark, nth, doubt)
    return [*unplaced, *found.values()]


def _anchor(found: dict[tuple[str, int], Doubt], case: Case, name: str, mark: str, nth: int, doubt: Doubt) -> None:
    """Note the doubt at the nth `mark` of the field, else at its last one, else at the first one in another field."""
    for where in (name, *(other for other in (*TEXTS, "steps", "materials", "solidified", "matter") if other != name)):
        starts = [match.start() for match in re.finditer(re.escape(mark), text_of(case, where))]
        if starts:
            start = starts[min(nth, len(starts) - 1)] if where == name else starts[0]
            found[where, start] = replace(doubt, field=where, start=start, end=start + len(mark))
            return
