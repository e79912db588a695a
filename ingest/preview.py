"""What is shown of an upload before it is confirmed: as plain data, for the page and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kb.privacy import Doubt
from kb.privacy.spans import PLACEHOLDER
from kb.vocabulary import labels

from .pipeline import FileReport, Item
from .records import PERSONAL_FIELDS
from .uploads import Found, Upload, rules

#: Fields of a case in the order in which they are read; those of the bookkeeping are told apart.
_FIELDS = (
    "title", "hall", "matter", "demand", "obstacle", "barriers", "measure", "steps", "handling", "lead_dept",
    "coop_depts", "basis", "materials", "outcome", "result", "solidified", "followup", "received", "accepted",
    "closed", "working_days", "domain", "nature", "applicant_type", "channel", "source_no",
)  # fmt: skip
#: Ways of looking through the cases: all, or those of one kind.
SHOWN = ("all", "new", "revised", "same", "duplicate", "doubt")


def preview(upload: Upload, ahead: int, show: str = "all", offset: int = 0, limit: int = 50) -> dict[str, Any]:
    """The upload as it stands: where it is, and once it is read what would be stored; cases `offset` to
    `offset + limit` of those that `show` (of `SHOWN`) names."""
    found = upload.found
    items = list(enumerate(item for file in found.files for item in file.items))
    step, done, total = upload.step
    chosen = [(number, item) for number, item in items if _is(item, show)]
    return {
        **brief(upload, ahead),
        "step": {"label": rules()["steps"][step], "done": done, "total": total},
        "files": [_file(file.report) for file in found.files],
        "totals": {"cases": len(items), **{name: sum(_is(item, name) for _, item in items) for name in SHOWN[1:]}},
        "removed": _removed(item for _, item in items),
        "show": show, "offset": offset, "found": len(chosen),
        "cases": [_case(number, item, items, found) for number, item in chosen[offset : offset + limit]],
        "stored": upload.stored or None,
    }  # fmt: skip


def brief(upload: Upload, ahead: int) -> dict[str, Any]:
    """Which upload it is and where it stands. The name is shown only once it is known to hold nothing personal."""
    named = upload.stage in ("ready", "storing", "stored")
    return {
        "id": upload.id, "stage": upload.stage, "stage_label": rules()["stages"][upload.stage],
        "name": upload.name if named else "", "hall": {"code": upload.hall.code, "name": upload.hall.name},
        "ahead": ahead, "reason": upload.reason,
    }  # fmt: skip


def _is(item: Item, kind: str) -> bool:
    if kind == "duplicate":
        return item.change != "same" and bool(item.case.duplicate_of)
    return kind == "all" or item.change == kind or (kind == "doubt" and item.change != "same" and bool(item.doubts))


def _file(report: FileReport) -> dict[str, Any]:
    most = rules()["limits"]["problems"]
    return {
        "file": report.file, "status": report.status, "reason": report.reason, "rows": report.rows,
        "cases": report.cases, "redactions": report.redactions,
        "columns": [{"column": name, "field": field, "label": _column(field), "personal": field in PERSONAL_FIELDS}
                    for name, field in report.columns.items()],
        "problems": report.problems[:most], "further_problems": max(0, len(report.problems) - most),
    }  # fmt: skip


def _column(field: str | None) -> str:
    """What becomes of a column, in words; empty if it was not understood."""
    if field is None:
        return ""
    if field in PERSONAL_FIELDS:
        return str(rules()["personal"])
    return str(rules()["columns"].get(field) or labels().get(field, field))


def _removed(items: Iterator[Item]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for item in items:
        for one in item.case.redactions:
            counts[one["kind"]] += one["count"]
    return dict(counts.most_common())


def _case(number: int, item: Item, items: Sequence[tuple[int, Item]], found: Found) -> dict[str, Any]:
    case = item.case
    source = {name: str(case.source.get(name) or "") for name in ("file", "sheet", "row")}
    return {
        "number": number, "change": item.change, "change_label": rules()["changes"][item.change], "source": source,
        "title": case.title or case.demand[:40], "removed": _removed(iter([item])),
        "doubts": [{"label": _label(doubt.field), "kind": doubt.kind, "reason": doubt.reason} for doubt in item.doubts],
        "earlier": _earlier(case.id, found) if item.change != "new" else None,
        "duplicate": _duplicate(item, items, found), "fields": list(_fields(item)),
    }  # fmt: skip


def _earlier(case_id: str, found: Found) -> dict[str, Any] | None:
    """The case that a record meets again, and its page."""
    if case_id not in found.earlier:
        return None
    published, title = found.earlier[case_id]
    return {"title": title, "location": f"/case/{case_id}" if published else f"/draft/{case_id}"}


def _duplicate(item: Item, items: Sequence[tuple[int, Item]], found: Found) -> dict[str, Any] | None:
    original = item.case.duplicate_of
    if not original or item.change == "same":
        return None
    for number, other in items:
        if other.case.id == original:
            return {"title": other.case.title or other.case.demand[:40], "number": number}
    return _earlier(original, found)


def _fields(item: Item) -> Iterator[dict[str, Any]]:
    for name in _FIELDS:
        text = _text(getattr(item.case, name))
        if text:
            guess = item.case.confidence.get(name)
            yield {"name": name, "label": labels().get(name, name), "guess": guess,
                   "text": marked(text, [doubt for doubt in item.doubts if doubt.field == name])}  # fmt: skip
    for name, value in item.case.extra.items():
        doubts = [doubt for doubt in item.doubts if doubt.field == f"extra.{name}"]
        yield {"name": "extra", "label": name, "guess": None, "text": marked(str(value), doubts)}


def marked(text: str, doubts: Sequence[Doubt]) -> list[dict[str, str]]:
    """A redacted text in pieces: `mark` is "removed" for a placeholder, "doubt" (with why) for one to look at."""
    unsure = {(doubt.start, doubt.end): doubt.reason for doubt in doubts}
    pieces, at = [], 0
    for match in PLACEHOLDER.finditer(text):
        pieces.append({"text": text[at : match.start()]})
        why = unsure.get(match.span(), "")
        pieces.append({"text": match[0], "mark": "doubt" if why else "removed", **({"why": why} if why else {})})
        at = match.end()
    return [piece for piece in [*pieces, {"text": text[at:]}] if piece["text"]]


def _label(field: str) -> str:
    return str(labels().get(field) or rules()["columns"].get(field) or field.removeprefix("extra."))


def _text(value: Any) -> str:
    """A value of a case as it is read."""
    if isinstance(value, Mapping):
        return str(value.get("name") or " ".join(value[part] for part in ("kind", "date", "text") if value.get(part)))
    if isinstance(value, list):
        told = any(isinstance(each, Mapping) for each in value)
        return "\n".join(map(_line, value)) if told else "、".join(value)
    return "" if value is None else str(value)


def _line(value: Mapping[str, Any]) -> str:
    return " ".join(str(part) for name, part in value.items() if part and name != "valid")
