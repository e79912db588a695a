"""The two database files: cases, drafts and their revisions. All writing to them happens here.

`library.db` holds what was published (and what was withdrawn again), de-identified and browsable.
`workbench.db` holds drafts, doubts, bookkeeping and what was withdrawn, and is never browsable.
A case that changes while it is published waits as a draft of the same id beside the published one.

A publication writes the library first and clears the draft second, each in one transaction. A crash in between
leaves a draft that equals what was published; `leftovers` finds it and publishing again is harmless.
"""

from __future__ import annotations

import datetime
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from . import migrations
from .config import Settings
from .errors import Fault
from .model import Case, from_row, to_row
from .privacy import Doubt


@dataclass(frozen=True)
class KnownKey:
    """A way in which a record was met before: the case it became, and the digest of what it said then."""

    case_id: str
    digest: str


@dataclass(frozen=True)
class Draft:
    case: Case
    doubts: list[Doubt]


def _open(path: Path, schema: Any) -> Database:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = Database(path)
    db.conn.execute("pragma busy_timeout = 10000")
    db.conn.execute("pragma secure_delete = on")  # a text that was removed is not left in free pages
    db.enable_wal()
    if schema.pending(db):
        schema.apply(db)
    return db


def _now() -> str:
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


class Store:
    """A library on disk. Opening creates what is missing and applies pending migrations."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.library = _open(settings.library_path, migrations.library)
        self.workbench = _open(settings.workbench_path, migrations.workbench)

    def close(self) -> None:
        self.library.close()
        self.workbench.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Reading

    def version(self) -> int:
        """A number that grows with every change of the published cases; derived data carries it as its stamp."""
        return int(next(self.library.query("select value from meta where key = 'version'"))["value"])

    def published(self) -> Iterator[Case]:
        """All published cases, in a stable order."""
        return self.cases("published")

    def cases(self, state: str | None = None) -> Iterator[Case]:
        """Library cases (published and withdrawn), or those of one state; for `draft` the drafts."""
        if state == "draft":
            yield from (draft.case for draft in self.drafts())
            return
        where, args = ("state = ?", [state]) if state else (None, None)
        for row in self.library.table("cases").rows_where(where, args, order_by="id"):
            yield from_row(row)

    def get(self, case_id: str) -> Case | None:
        """The published (or withdrawn) case of that id."""
        rows = list(self.library.table("cases").rows_where("id = ?", [case_id]))
        return from_row(rows[0]) if rows else None

    def draft(self, case_id: str) -> Draft | None:
        rows = list(self.workbench.table("drafts").rows_where("id = ?", [case_id]))
        return _draft(rows[0]) if rows else None

    def drafts(self) -> Iterator[Draft]:
        for row in self.workbench.table("drafts").rows_where(order_by="id"):
            yield _draft(row)

    def revisions(self, case_id: str, drafts: bool = False) -> list[dict[str, Any]]:
        """The history of a case, oldest first: revision, at, by, action, note, changed [field], data."""
        db = self.workbench if drafts else self.library
        rows = db.table("revisions").rows_where("case_id = ?", [case_id], order_by="revision")
        return [dict(row, changed=json.loads(row["changed"] or "[]"), data=json.loads(row["data"] or "null"))
                for row in rows]  # fmt: skip

    def newest(self, case_id: str) -> Case | None:
        """The draft of that id if one waits, else the case in the library."""
        waiting = self.draft(case_id)
        return waiting.case if waiting else self.get(case_id)

    def leftovers(self) -> list[str]:
        """Ids of drafts that equal what is published (a publication was cut off before it cleared them)."""
        found = []
        for draft in self.drafts():
            case = self.get(draft.case.id)
            if case and case.state == "published" and case.content() == draft.case.content():
                found.append(case.id)
        return found

    # Writing

    def save_drafts(self, drafts: Iterable[Draft], by: str, note: str = "") -> None:
        """Store new or changed drafts in one transaction, each as the next revision of its case."""
        with self.workbench.atomic():
            for draft in drafts:
                case = replace(draft.case, state="draft", revision=self._next_revision(draft.case.id))
                row = dict(to_row(case), doubts=json.dumps([asdict(d) for d in draft.doubts], ensure_ascii=False))
                self._write(self.workbench, "drafts", row, case, by, "draft", note)

    def publish(self, cases: Iterable[Case], by: str, note: str = "") -> list[str]:
        """Put cases into the library in one transaction and clear their drafts; returns their ids.

        The caller answers for the de-identification gate (`kb.review`).
        """
        ids = []
        with self.library.atomic():
            for given in cases:
                case = replace(given, state="published", revision=self._next_revision(given.id))
                self._write(self.library, "cases", to_row(case), case, by, "publish", note)
                ids.append(case.id)
        self.discard_drafts(ids)
        return ids

    def withdraw(self, case_id: str, by: str, reason: str) -> None:
        """Take a published case out of the library. A tombstone stays: whose it was, what matter, and why it went.

        Its texts leave library.db with all earlier ones (what is withdrawn is often a slip of redaction); the
        last content is kept in the history of the workbench.
        """
        case = self.get(case_id)
        if case is None or case.state != "published":
            raise Fault(f"库中没有编号为 {case_id} 的已入库案例")
        number = self._next_revision(case_id)
        tombstone = Case(case_id, case.source_no, hall=case.hall, region=case.region, domain=case.domain,
                         matter=case.matter, state="withdrawn", revision=number)  # fmt: skip
        with self.workbench.atomic():
            self._record(self.workbench, replace(case, revision=number), by, "withdraw", reason, [])
            self.workbench.table("traces").delete_where("case_id = ?", [case_id])
        with self.library.atomic():
            self._write(self.library, "cases", to_row(tombstone), tombstone, by, "withdraw", reason)
            self.library.conn.execute("update revisions set data = null where case_id = ?", [case_id])

    def discard_drafts(self, ids: Iterable[str]) -> None:
        """Remove drafts. Of their history only who and when is kept: earlier texts may hold what review removed."""
        with self.workbench.atomic():
            for case_id in ids:
                self.workbench.table("drafts").delete_where("id = ?", [case_id])
                self.workbench.conn.execute("update revisions set data = null where case_id = ?", [case_id])

    def _next_revision(self, case_id: str) -> int:
        numbers = [0]
        for db in (self.library, self.workbench):
            numbers += [row["n"] or 0 for row in db.query(
                "select max(revision) as n from revisions where case_id = ?", [case_id])]  # fmt: skip
        return max(numbers) + 1

    def _write(
        self, db: Database, table: str, row: dict[str, Any], case: Case, by: str, action: str, note: str
    ) -> None:
        old_rows = list(db.table(table).rows_where("id = ?", [case.id]))
        now = _now()
        row["created"] = old_rows[0]["created"] if old_rows else now
        row["updated"] = now
        old = from_row(old_rows[0]).content() if old_rows else {}
        new = from_row(row).content()  # as it will be read back: empty parts of nested fields are not kept
        changed = [name for name, value in new.items() if old.get(name) != value] if old else []
        if old_rows:
            db.table(table).update(case.id, row)
        else:
            db.table(table).insert(row)
        self._record(db, case, by, action, note, changed)

    def _record(self, db: Database, case: Case, by: str, action: str, note: str, changed: list[str]) -> None:
        db.table("revisions").insert(
            {"case_id": case.id, "revision": case.revision, "at": _now(), "by": by, "action": action, "note": note,
             "changed": json.dumps(changed), "data": json.dumps(case.to_dict(), ensure_ascii=False)}
        )  # fmt: skip

    # Bookkeeping of ingest: which record is which case

    def known_keys(self) -> dict[str, KnownKey]:
        """Every key that belongs to a case already."""
        return {row["key"]: KnownKey(row["case_id"], row["digest"]) for row in self.workbench.table("case_keys").rows}

    def remember(self, keys: Mapping[str, KnownKey], traces: Mapping[str, Iterable[str]]) -> None:
        """Store source keys and traces (case id → one-way hashes) in one transaction."""
        with self.workbench.atomic():
            self.workbench.table("case_keys").insert_all(
                ({"key": key, "case_id": k.case_id, "digest": k.digest} for key, k in keys.items()), replace=True
            )
            for case_id, values in traces.items():
                self.workbench.table("traces").delete_where("case_id = ?", [case_id])
                self.workbench.table("traces").insert_all(
                    ({"case_id": case_id, "trace": value} for value in sorted(set(values))), ignore=True
                )

    def traces(self) -> dict[str, set[str]]:
        """Case id → its traces."""
        found: dict[str, set[str]] = {}
        for row in self.workbench.table("traces").rows:
            found.setdefault(row["case_id"], set()).add(row["trace"])
        return found

    def secret(self, name: str) -> bytes:
        """A random secret of this library (made at first use, never leaves workbench.db)."""
        rows = list(self.workbench.table("secrets").rows_where("name = ?", [name]))
        if rows:
            return bytes.fromhex(rows[0]["value"])
        value = secrets.token_bytes(32)
        with self.workbench.atomic():
            self.workbench.table("secrets").insert({"name": name, "value": value.hex()})
        return value


def _draft(row: dict[str, Any]) -> Draft:
    return Draft(from_row(row), [Doubt(**doubt) for doubt in json.loads(row["doubts"] or "[]")])
