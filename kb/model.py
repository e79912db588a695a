"""The case: what a library holds, with the field names that exports, APIs and databases share."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import Any

STATES = ("draft", "published", "withdrawn")


@dataclass
class Case:
    """One resolved (or lawfully refused) matter, de-identified.

    Empty means that the source does not say; `confidence` names the fields that were inferred (0–1).
    Nested values are plain dicts and lists with the keys of the export:

    - `source` {file, sheet, row, kind, url}; `sources` further places that tell the same case
    - `hall` {code, name}; `region` {province, city, county, code} (GB/T 2260)
    - `matter` {name, code, standard}
    - `steps` [{date, dept, action}]; `basis` [{title, doc_no, clause, valid}]
    - `solidified` {kind, text, date}; `redactions` [{kind, field, count}]
    - `extra` {column: text} for columns of the source that were not understood
    - dates are ISO strings; `working_days` counts from `received` to `closed`
    """

    id: str
    source_no: str = ""
    source: dict[str, Any] = field(default_factory=dict)
    sources: list[dict[str, Any]] = field(default_factory=list)
    hall: dict[str, Any] = field(default_factory=dict)
    region: dict[str, Any] = field(default_factory=dict)
    title: str = ""
    domain: str = ""
    matter: dict[str, Any] = field(default_factory=dict)
    applicant_type: str = ""
    channel: str = ""
    nature: str = ""
    demand: str = ""
    obstacle: str = ""
    barriers: list[str] = field(default_factory=list)
    handling: list[str] = field(default_factory=list)
    measure: str = ""
    steps: list[dict[str, Any]] = field(default_factory=list)
    lead_dept: str = ""
    coop_depts: list[str] = field(default_factory=list)
    basis: list[dict[str, Any]] = field(default_factory=list)
    materials: list[str] = field(default_factory=list)
    outcome: str = ""
    result: str = ""
    solidified: dict[str, Any] = field(default_factory=dict)
    received: str = ""
    accepted: str = ""
    closed: str = ""
    working_days: int | None = None
    followup: str = ""
    state: str = "draft"
    revision: int = 0
    duplicate_of: str = ""
    playbook: str = ""
    redactions: list[dict[str, Any]] = field(default_factory=list)
    confidence: dict[str, float] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The export form: one key per field, nested as described above."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Case:
        """The inverse of `to_dict`; unknown keys are ignored, missing ones are empty."""
        names = {f.name for f in fields(cls)}
        return cls(**{key: value for key, value in data.items() if key in names})

    def content(self) -> dict[str, Any]:
        """What a revision compares: everything but the bookkeeping."""
        return {k: v for k, v in self.to_dict().items() if k not in ("state", "revision", "playbook")}


#: Columns of a case table that flatten a nested field: column → (field, key).
NESTED_COLUMNS = {
    "hall_name": ("hall", "name"),
    "hall_code": ("hall", "code"),
    "province": ("region", "province"),
    "city": ("region", "city"),
    "county": ("region", "county"),
    "region_code": ("region", "code"),
    "matter": ("matter", "name"),
    "matter_code": ("matter", "code"),
    "matter_standard": ("matter", "standard"),
    "solidified": ("solidified", "text"),
    "solidified_kind": ("solidified", "kind"),
    "solidified_date": ("solidified", "date"),
    "source_file": ("source", "file"),
    "source_sheet": ("source", "sheet"),
    "source_row": ("source", "row"),
    "source_kind": ("source", "kind"),
    "source_url": ("source", "url"),
}
_EMPTY_CELLS = ("", "[]", "{}")  # most of them are: reading many cases is quicker without looking into these
_NESTED_FIELDS = {name for name, _ in NESTED_COLUMNS.values()}
_EMPTY = Case(id="")
_JSON_FIELDS = {
    f.name for f in fields(Case) if isinstance(getattr(_EMPTY, f.name), list)
} | {"confidence", "extra"}  # fmt: skip
PLAIN_FIELDS = [f.name for f in fields(Case) if f.name not in _NESTED_FIELDS]


def to_row(case: Case) -> dict[str, Any]:
    """A case as one flat row: nested fields in columns of their own (so that Datasette can facet them),
    lists and maps as JSON text."""
    row = {name: _to_cell(name, getattr(case, name)) for name in PLAIN_FIELDS}
    row.update({column: getattr(case, name).get(key) or "" for column, (name, key) in NESTED_COLUMNS.items()})
    return row


def from_row(row: dict[str, Any]) -> Case:
    """The inverse of `to_row`; what the row lacks is empty."""
    values: dict[str, Any] = {}
    for name in PLAIN_FIELDS:
        if (cell := row.get(name)) is not None and cell not in _EMPTY_CELLS:
            values[name] = json.loads(cell) if name in _JSON_FIELDS else cell
    for column, (name, key) in NESTED_COLUMNS.items():
        if cell := row.get(column):
            values.setdefault(name, {})[key] = cell
    return Case(**values)


def _to_cell(name: str, value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if name in _JSON_FIELDS else value
