"""Schema of the two database files, as sqlite-utils migrations. A migration that has shipped is never edited."""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from .model import NESTED_COLUMNS, PLAIN_FIELDS

library = Migrations("bancheng_library")
workbench = Migrations("bancheng_workbench")

_INTEGERS = {"working_days", "revision"}


def _case_columns() -> dict[str, type]:
    return {name: int if name in _INTEGERS else str for name in [*PLAIN_FIELDS, *NESTED_COLUMNS]}


def _create_case_tables(db: Database, cases: str) -> None:
    db.table(cases).create({**_case_columns(), "created": str, "updated": str}, pk="id")
    db.table("revisions").create(
        {"case_id": str, "revision": int, "at": str, "by": str, "action": str, "note": str,
         "changed": str, "data": str},
        pk=("case_id", "revision"),
    )  # fmt: skip


@library()
def m001_cases(db: Database) -> None:
    _create_case_tables(db, "cases")
    for column in ("domain", "outcome", "region_code", "hall_code", "closed", "duplicate_of", "source_no"):
        db.table("cases").create_index([column])
    db.table("meta").create({"key": str, "value": int}, pk="key")
    db.table("meta").insert({"key": "version", "value": 0})
    for event in ("insert", "update", "delete"):
        # Indexes carry this number; any change by anybody makes them stale, also one by hand in SQL.
        db.conn.execute(
            f"create trigger cases_{event} after {event} on cases begin "
            "update meta set value = value + 1 where key = 'version'; end"
        )


@workbench()
def w001_drafts(db: Database) -> None:
    _create_case_tables(db, "drafts")
    db.table("drafts").add_column("doubts", str)


@workbench()
def w002_identity(db: Database) -> None:
    """What tells a record that came before: keys of its source, and one-way traces of the persons in it."""
    db.table("case_keys").create({"key": str, "case_id": str, "digest": str}, pk="key")
    db.table("traces").create({"case_id": str, "trace": str}, pk=("case_id", "trace"))
    db.table("secrets").create({"name": str, "value": str}, pk="name")


@workbench()
def w003_questions(db: Database) -> None:
    """Questions asked of the search, de-identified, and how often each was asked in which month with which answer."""
    db.table("questions").create(
        {"id": int, "folded": str, "text": str, "first": str, "last": str, "closed": str, "case_id": str,
         "reason": str},
        pk="id", not_null={"folded", "text", "first", "last"},
        defaults={"closed": "", "case_id": "", "reason": ""},
    )  # fmt: skip
    db.table("questions").create_index(["folded"], unique=True)
    db.table("questions").create_index(["last"])
    db.table("question_counts").create(
        {"question": int, "month": str, "grade": str, "region": str, "domain": str, "hall_code": str, "asked": int},
        pk=("question", "month", "grade", "region", "domain", "hall_code"),
    )
