"""What a reader hands upward: records (one per register row or told case), with their place in the file.

A record is raw: its texts are as written, personal data included. It lives in memory only, between the
reader and the redaction step, and is never logged or stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field

#: Raw fields that hold personal data. They are handed to redaction as `known` and then forgotten.
PERSONAL_FIELDS = frozenset(
    {"applicant", "contact", "phone", "id_number", "address", "account", "plate", "email", "im", "clerk"}
)

#: Those of them that name the hall's own staff, not the person that the case is about.
STAFF_FIELDS = frozenset({"clerk"})

#: Raw fields that become fields of a case (DESIGN section 5); anything else goes to `extra`.
CASE_FIELDS = frozenset(
    {
        "source_no", "serial", "hall", "region", "region_code", "title", "domain", "matter", "matter_code",
        "applicant_type", "channel", "nature", "demand", "obstacle", "barriers", "handling", "measure",
        "steps", "lead_dept", "coop_depts", "basis", "materials", "outcome", "result", "solidified",
        "solidified_date", "solidified_kind",
        "received", "accepted", "closed", "followup", "remarks", "satisfaction", "url",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where a record stands: `row` is the row a spreadsheet shows (from 1); csv: record number with header;
    jsonl: line; docx: `p3-p13` (paragraph numbers from 1); txt: `L9-L10`; html: `case1`."""

    file: str
    sheet: str = ""
    row: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Problem:
    """Something in the input that could not be used as it stands; `message` is Chinese, for the clerk,
    and holds no personal data. `kept`: nothing was lost, the text stands elsewhere or only wants a look."""

    message: str
    sheet: str = ""
    row: str = ""
    kept: bool = False


@dataclass
class Record:
    """One row of a register (or one told case), before cleaning and redaction.

    `values` maps raw field names (CASE_FIELDS and PERSONAL_FIELDS) to text as written; `extra` maps
    column names that were not understood to their text; `heading` is what stood above the table or article
    (title, 填报单位 …: evidence for hall and year); `linked` are further places that tell the same case.
    """

    place: Place
    values: dict[str, str]
    extra: dict[str, str] = field(default_factory=dict)
    heading: str = ""
    linked: list[Place] = field(default_factory=list)


@dataclass
class Reading:
    """All that one file gave. `columns` maps each column name met to the field it was understood as
    (None: not understood, its text is in `extra`). `rows` counts the data rows seen. `loose` holds rows of
    registers that hold no case of their own and look for it in other files of the folder. A problem without
    a row is a notice. A file that cannot be read at all has `rejected` set to the Chinese reason, and no
    records."""

    records: list[Record] = field(default_factory=list)
    columns: dict[str, str | None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    rows: int = 0
    rejected: str = ""
    loose: list[Record] = field(default_factory=list)
