"""Schema of the two database files, as sqlite-utils migrations. A migration that has shipped is never edited."""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from .model import NESTED_COLUMNS, PLAIN_FIELDS

library = Migrations("bancheng_library")
workbench = Migrations("bancheng_workbench")

#: Changes of the library that are remembered one by one.
CHANGES_KEPT = 20_000
#: The day by which cases are listed, newest first; as it stands in an index.
BROWSED_DAY = "coalesce(nullif(closed, ''), received)"

_INTEGERS = {"working_days", "revision"}


#: What tells halls apart (the code, else the name) and matters (the standard name, else the source's own); an index on
#: an expression serves those who write it so.
HALL_KEY = "coalesce(nullif(hall_code, ''), hall_name)"
MATTER_KEY = "coalesce(nullif(matter_standard, ''), matter)"


def _case_columns() -> dict[str, type]:
    return {name: int if name in _INTEGERS else str for name in [*PLAIN_FIELDS, *NESTED_COLUMNS]}


def _create_case_tables(db: Database, cases: str) -> None:
    db.table(cases).create({**_case_columns(), "created": str, "updated": str}, pk="id")
    db.table("revisions").create(
        {"case_id": str, "revision": int, "at": str, "by": str, "action": str, "note": str,
         "changed": str, "data": str},
        pk=("case_id", "revision"),
    )  # fmt: skip


def _create_playbooks(db: Database) -> None:
    db.table("playbooks").create(
        {"id": str, "title": str, "state": str, "obstacle": str, "data": str, "revision": int, "created": str,
         "updated": str},
        pk="id",
    )  # fmt: skip


def _create_playbook_revisions(db: Database) -> None:
    db.table("playbook_revisions").create(
        {"playbook_id": str, "revision": int, "at": str, "by": str, "action": str, "note": str, "data": str},
        pk=("playbook_id", "revision"),
    )


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


@library()
def m002_many_cases(db: Database) -> None:
    """What keeps a large library quick: which cases changed since a version, and an index for browsing.

    `changes` is a log of the last changes, from which an index knows the few cases that it has to read again. `mark`
    is a random number: a library that was brought back from a copy may have the version of another state, but not its
    marks. `cases_browsed` holds all that browsing looks at, in the order in which it lists: nothing else is read for
    counting.
    """
    db.table("changes").create({"version": int, "case_id": str, "mark": int})
    db.table("changes").create_index(["version"])
    db.conn.execute("insert into changes select value, '', random() from meta where key = 'version'")
    # No conflict clauses: those of the statement that fires a trigger would be used instead.
    logged = "insert into changes select value, {}.id, random() from meta where key = 'version'; "
    for event in ("insert", "update", "delete"):
        row = "old" if event == "delete" else "new"
        renamed = logged.format("old").replace("; ", " and new.id is not old.id; ") if event == "update" else ""
        db.conn.execute(f"drop trigger cases_{event}")
        db.conn.execute(
            f"create trigger cases_{event} after {event} on cases begin "
            "update meta set value = value + 1 where key = 'version'; "
            + logged.format(row)
            + renamed
            + f"delete from changes where version = (select value - {CHANGES_KEPT} from meta where key = 'version'); "
            "end"
        )
    db.conn.execute(
        f"create index cases_browsed on cases (state, {BROWSED_DAY} desc, id, domain, outcome, province, city, county, "
        "hall_name, barriers)"
    )


@library()
def m003_halls(db: Database) -> None:
    """What pages of halls and the feed look at, so that they read no whole cases: by hall, by matter, by change."""
    db.conn.execute(
        f"create index cases_halls on cases (state, {HALL_KEY}, outcome, hall_name, province, city, region_code, "
        "barriers, matter_standard, matter, working_days, closed, received, id)"
    )
    db.conn.execute(
        f"create index cases_matters on cases (state, {MATTER_KEY}, outcome, barriers, closed, hall_code, hall_name, "
        "id)"
    )
    db.conn.execute("create index cases_updated on cases (state, updated desc, id)")


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


@workbench()
def w004_people(db: Database) -> None:
    """Accounts and what is theirs: sessions, tokens, submissions (whose a draft is and where it stands), feedback,
    watches. Of sessions and tokens only digests are kept, of passwords argon2 hashes."""
    db.table("accounts").create(
        {"id": str, "name": str, "hall_code": str, "hall_name": str, "roles": str, "password": str, "state": str,
         "created": str, "changed": str},
        pk="id", not_null={"id", "roles", "state"}, defaults={"state": "active", "password": ""},
    )  # fmt: skip
    db.table("sessions").create({"digest": str, "account": str, "created": str, "expires": str}, pk="digest")
    db.table("tokens").create(
        {"id": int, "digest": str, "account": str, "name": str, "scopes": str, "created": str, "expires": str,
         "used": str, "revoked": str},
        pk="id",
    )  # fmt: skip
    db.table("tokens").create_index(["digest"], unique=True)
    db.table("login_failures").create({"key": str, "at": str})
    db.table("login_failures").create_index(["key", "at"])
    db.table("submissions").create(
        {"case_id": str, "stage": str, "account": str, "hall_code": str, "note": str, "at": str}, pk="case_id"
    )
    db.table("submissions").create_index(["stage"])
    db.table("client_keys").create(
        {"account": str, "key": str, "case_id": str, "digest": str, "at": str}, pk=("account", "key")
    )
    db.table("feedback").create(
        {"case_id": str, "account": str, "hall_code": str, "kind": str, "reason": str, "note": str, "question": str,
         "at": str},
        pk=("case_id", "account"),
    )  # fmt: skip
    db.table("watches").create(
        {"id": int, "account": str, "name": str, "question": str, "filters": str, "created": str, "seen": str}, pk="id"
    )
    db.table("watches").create_index(["account"])


@library()
def m003_playbooks(db: Database) -> None:
    """Procedures for a class of cases, approved by people, with every version."""
    _create_playbooks(db)
    _create_playbook_revisions(db)


@library()
def m004_rules(db: Database) -> None:
    """Rules of which people said that they were repealed or amended."""
    db.table("rules").create(
        {"key": str, "title": str, "doc_no": str, "change": str, "since": str, "note": str, "at": str, "by": str},
        pk="key",
    )  # fmt: skip


@workbench()
def w005_classes(db: Database) -> None:
    """Classes of cases with one obstacle, what staff decided about them, and the barrier rules that staff watch."""
    db.table("classes").create(
        {"id": str, "title": str, "obstacle": str, "barriers": str, "why": str, "state": str, "playbook": str,
         "created": str, "changed": str},
        pk="id",
    )  # fmt: skip
    db.table("class_members").create(
        {"case_id": str, "class_id": str, "by": str, "fit": float, "borderline": int}, pk="case_id"
    )
    db.table("class_members").create_index(["class_id"])
    db.table("class_decisions").create({"id": int, "at": str, "by": str, "kind": str, "detail": str}, pk="id")
    db.table("class_apart").create({"case_id": str, "other": str, "at": str}, pk=("case_id", "other"))
    db.table("barrier_rules").create(
        {"id": int, "account": str, "name": str, "rule": str, "created": str, "seen": str}, pk="id"
    )
    db.table("barrier_notices").create(
        {"id": int, "rule": int, "class_id": str, "at": str, "text": str, "seen": str}, pk="id"
    )


@workbench()
def w006_class_centers(db: Database) -> None:
    """What spares reading all members when a new case comes: the sums of their rows (search.insight.discovery,
    derived), and up to which state of the library cases have been looked at."""
    db.table("class_centers").create({"class_id": str, "model": str, "size": int, "total": bytes}, pk="class_id")
    db.table("class_runs").create({"id": int, "at": str, "version": int, "mark": int}, pk="id")


@workbench()
def w007_notice_cases(db: Database) -> None:
    """The cases that a notice of a barrier rule counts."""
    db.table("barrier_notices").add_column("case_ids", str, not_null_default="[]")


@workbench()
def w008_playbooks(db: Database) -> None:
    """All procedures, in whatever state, with every version; `kb.store` brings those of the library here."""
    _create_playbooks(db)
    _create_playbook_revisions(db)
