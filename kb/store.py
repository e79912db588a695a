"""The two database files: cases, drafts, their revisions, questions. All writing to them happens here.

`library.db` holds what was published (and what was withdrawn again), de-identified and browsable.
`workbench.db` holds drafts, doubts, bookkeeping, what was withdrawn and what was asked, and is never browsable.
A case that changes while it is published waits as a draft of the same id beside the published one.

A publication writes the library first and clears the draft second, each in one transaction. A crash in between
leaves a draft that equals what was published; `leftovers` finds it and publishing again is harmless.
"""

from __future__ import annotations

import datetime
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from . import migrations
from .config import Settings
from .errors import Fault
from .model import Case, from_row, to_row
from .privacy import Doubt

BUSY_MS = 10_000  # how long a connection waits for another one's transaction


@dataclass(frozen=True)
class KnownKey:
    """A way in which a record was met before: the case it became, and the digest of what it said then."""

    case_id: str
    digest: str


@dataclass(frozen=True)
class Draft:
    case: Case
    doubts: list[Doubt]


@dataclass(frozen=True)
class Asked:
    """A question that was asked, de-identified, and what became of it.

    `counts` [{month, grade, region, domain, hall_code, asked}]; `closed` is when somebody settled it (ISO, else
    empty): with a case that answers it, or for a `reason`.
    """

    id: int
    text: str
    folded: str
    first: str
    last: str
    closed: str
    case_id: str
    reason: str
    counts: list[dict[str, Any]]


def _open(path: Path, schema: Any) -> Database:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = Database(path)
    db.conn.execute(f"pragma busy_timeout = {BUSY_MS}")
    db.conn.execute("pragma secure_delete = on")  # a text that was removed is not left in free pages
    db.enable_wal()
    if schema.pending(db):
        schema.apply(db)
    return db


@contextmanager
def writing(db: Database) -> Iterator[None]:
    """A transaction that queues behind other writers from its beginning; within another one a part of it.

    One that reads first and writes later would be refused at once, without waiting, if another connection wrote in
    between (SQLITE_BUSY_SNAPSHOT).
    """
    if db.conn.in_transaction:
        with db.atomic():
            yield
        return
    db.conn.execute("begin immediate")
    try:
        yield
    except BaseException:
        db.rollback()
        raise
    db.conn.execute("commit")


def now() -> str:
    """This moment in local time with its offset, ISO, to the second."""
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


class Store:
    """A library on disk. Opening creates what is missing and applies pending migrations."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.library = _open(settings.library_path, migrations.library)
        self.workbench = _open(settings.workbench_path, migrations.workbench)
        _move_playbooks(self.library, self.workbench)

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

    def stamp(self) -> dict[str, int]:
        """{version, mark} of the published cases; `mark` tells states of the same version apart."""
        rows = self.library.query(
            "select value as version, coalesce((select mark from changes order by rowid desc limit 1), 0) as mark "
            "from meta where key = 'version'"
        )
        return dict(next(rows))

    def changed_since(self, stamp: Mapping[str, Any]) -> set[str] | None:
        """Ids of the cases that were changed, published or removed since an earlier `stamp`; None if this library
        does not know: it is too long ago, or the stamp is that of another library."""
        before = self.library.conn.execute(
            "select mark from changes where version = ? order by rowid desc", [stamp.get("version")]
        ).fetchone()
        if before is None or before[0] != stamp.get("mark"):
            return None
        rows = self.library.conn.execute("select distinct case_id from changes where version > ?", [stamp["version"]])
        return {case_id for (case_id,) in rows}

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

    def published_of(self, ids: Iterable[str]) -> dict[str, Case]:
        """Those of the cases `ids` that are published, by id."""
        rows = self.library.query(
            "select * from cases where id in (select value from json_each(?)) and state = 'published'",
            [json.dumps(list(ids))],
        )
        return {row["id"]: from_row(row) for row in rows}

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
        with writing(self.workbench):
            for draft in drafts:
                case = replace(draft.case, state="draft", revision=self._next_revision(draft.case.id))
                row = dict(to_row(case), doubts=json.dumps([asdict(d) for d in draft.doubts], ensure_ascii=False))
                self._write(self.workbench, "drafts", row, case, by, "draft", note)

    def publish(self, cases: Iterable[Case], by: str, note: str = "") -> list[str]:
        """Put cases into the library in one transaction and clear their drafts; returns their ids.

        The caller answers for the de-identification gate (`kb.review`).
        """
        ids = []
        with writing(self.library):
            for given in cases:
                before = self.get(given.id)  # which playbook a case is in is settled there (kb.playbooks)
                playbook = before.playbook if before else given.playbook
                case = replace(given, state="published", revision=self._next_revision(given.id), playbook=playbook)
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
        with writing(self.workbench):
            self._record(self.workbench, replace(case, revision=number), by, "withdraw", reason, [])
            self.workbench.table("traces").delete_where("case_id = ?", [case_id])
        with writing(self.library):
            self._write(self.library, "cases", to_row(tombstone), tombstone, by, "withdraw", reason)
            self.library.conn.execute("update revisions set data = null where case_id = ?", [case_id])

    def discard_drafts(self, ids: Iterable[str]) -> None:
        """Remove drafts. Of their history only who and when is kept: earlier texts may hold what review removed."""
        with writing(self.workbench):
            for case_id in ids:
                self.workbench.table("drafts").delete_where("id = ?", [case_id])
                self.workbench.table("submissions").delete_where("case_id = ?", [case_id])
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
        at = now()
        row["created"] = old_rows[0]["created"] if old_rows else at
        row["updated"] = at
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
            {"case_id": case.id, "revision": case.revision, "at": now(), "by": by, "action": action, "note": note,
             "changed": json.dumps(changed), "data": json.dumps(case.to_dict(), ensure_ascii=False)}
        )  # fmt: skip

    # Bookkeeping of ingest: which record is which case

    def known_keys(self) -> dict[str, KnownKey]:
        """Every key that belongs to a case already."""
        return {row["key"]: KnownKey(row["case_id"], row["digest"]) for row in self.workbench.table("case_keys").rows}

    def remember(self, keys: Mapping[str, KnownKey], traces: Mapping[str, Iterable[str]]) -> None:
        """Store source keys and traces (case id → one-way hashes) in one transaction."""
        with writing(self.workbench):
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
        with writing(self.workbench):
            self.workbench.table("secrets").insert({"name": name, "value": value.hex()})
        return value

    # Questions that people asked

    def log_question(
        self, text: str, folded: str, grade: str, region: str = "", domain: str = "", hall_code: str = "",
        pause: int = 60, keep: int = 20_000, patience: float = 0.0,
    ) -> bool:  # fmt: skip
        """Count a de-identified question; False if it was counted less than `pause` seconds ago (a page loaded again).

        `folded` is the form under which spellings of one question meet. A question that was asked once, less than
        `pause` seconds ago, and with which this one begins, was this one half typed: it goes. Of more than `keep`
        questions those not asked for longest go. Raises sqlite3.OperationalError if the file stays locked for
        `patience` seconds.
        """
        db = self.workbench
        at = now()
        before = (datetime.datetime.fromisoformat(at) - datetime.timedelta(seconds=pause)).isoformat()
        db.conn.execute(f"pragma busy_timeout = {round(patience * 1000)}")
        db.conn.execute("pragma synchronous = normal")  # no wait for the disk: a question may be lost with the power
        try:
            with writing(db):
                counted = db.conn.execute(
                    "insert into questions (folded, text, first, last) values (?, ?, ?, ?) "
                    "on conflict (folded) do update set last = excluded.last where last <= ? returning id",
                    [folded, text, at, at, before],
                ).fetchall()
                if not counted:
                    return False
                number = counted[0][0]
                db.conn.execute(
                    "insert into question_counts values (?, ?, ?, ?, ?, ?, 1) "
                    "on conflict do update set asked = asked + 1",
                    [number, at[:7], grade, region, domain, hall_code],
                )
                self._drop_questions(
                    "last > ? and closed = '' and id != ? and substr(?, 1, length(folded)) = folded "
                    "and (select sum(asked) from question_counts where question = id) = 1",
                    [before, number, folded],
                )
                if number % 100 == 0:  # counting them every time would cost more than all the rest
                    self._drop_questions(
                        "id in (select id from questions order by last desc limit -1 offset ?)", [keep]
                    )
        finally:
            db.conn.execute(f"pragma busy_timeout = {BUSY_MS}")
            db.conn.execute("pragma synchronous = full")
        return True

    def questions(self, since: str = "") -> list[Asked]:
        """Every question that was asked, with the counts of the months from `since` (YYYY-MM) on, most recent last."""
        counts: dict[int, list[dict[str, Any]]] = {}
        for row in self.workbench.table("question_counts").rows_where("month >= ?", [since], order_by="month"):
            counts.setdefault(row.pop("question"), []).append(row)
        rows = self.workbench.table("questions").rows_where(order_by="last, id")
        return [Asked(**row, counts=counts[row["id"]]) for row in rows if row["id"] in counts]

    def close_questions(self, ids: Iterable[int], case_id: str = "", reason: str = "") -> None:
        """Mark questions as settled, by a case that answers them or for a reason."""
        with writing(self.workbench):
            for number in ids:
                self.workbench.table("questions").update(
                    number, {"closed": now(), "case_id": case_id, "reason": reason}
                )

    def _drop_questions(self, where: str, args: list[Any]) -> None:
        gone = self.workbench.conn.execute(f"delete from questions where {where} returning id", args).fetchall()
        for (number,) in gone:
            self.workbench.conn.execute("delete from question_counts where question = ?", [number])


def _draft(row: dict[str, Any]) -> Draft:
    return Draft(from_row(row), [Doubt(**doubt) for doubt in json.loads(row["doubts"] or "[]")])


def _move_playbooks(shared: Database, own: Database) -> None:
    """Brings the procedures of a library from before `w008_playbooks`, with all their versions, into the workbench; in
    the library, which everybody may read, stay those that readers see."""
    if not shared.table("playbook_revisions").exists():
        return
    with writing(shared), writing(own):
        if shared.table("playbook_revisions").exists():  # nobody else has done it meanwhile
            for name in ("playbooks", "playbook_revisions"):
                own.table(name).insert_all(list(shared.table(name).rows), ignore=True)
            shared.table("playbooks").delete_where("state not in ('trial', 'solid')")
            shared.table("playbook_revisions").drop()
