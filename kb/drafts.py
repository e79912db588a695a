"""What people do with drafts before a reviewer decides: begin one, change it, hand it in, take it back, delete it, or
propose a revision of a published case. Every function asks first whether this actor may do that at this stage."""

from __future__ import annotations

import datetime
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from . import editing, submissions
from .accounts import demand, may
from .editing import Edited, Unclear
from .errors import Conflict, Missing, Refused
from .fields import regions
from .model import Case
from .store import Draft, Store, now, writing
from .submissions import RETURNED, SUBMITTED, WRITING, Submission

KEY_DAYS = 30  # how long a program may repeat itself
SOURCE_KIND = "网页填报"
Actor = Mapping[str, Any]


def create(store: Store, actor: Actor, values: Mapping[str, Any], hand_in: bool = False, key: str = "") -> Edited:
    """A new draft of the actor's hall. With a `key` of the caller's, the same content again is the same draft.

    Raises Unclear for values that cannot be understood, Conflict for a key that came with other content.
    """
    demand(actor, "draft.write")
    code = str(actor["hall_code"] or "")
    if not code:
        raise Refused("您的账号没有所属大厅，不能报送。请管理员给账号设上大厅")
    hall = {"code": code, "name": actor["hall_name"]}
    blank = Case("", hall=hall, region=_region(code), source={"kind": SOURCE_KIND})
    edited = editing.edit(store.settings, blank, values)
    _complete(edited.draft.case, hand_in)
    with writing(store.workbench):
        case_id, known = _claimed(store, actor, key, [values, hand_in])
        edited = _of(edited, replace(edited.draft.case, id=case_id))
        if not known:
            store.save_drafts([edited.draft], actor["id"])
            submissions.put(store, [case_id], SUBMITTED if hand_in else WRITING, actor["id"], code)
    return _of(edited, replace(edited.draft.case, revision=1))


def save(
    store: Store, actor: Actor, case_id: str, values: Mapping[str, Any], hand_in: bool = False,
    revision: int | None = None,
) -> Edited:  # fmt: skip
    """Change a draft, and hand it in if wanted. Raises Unclear, and Conflict where it is no longer at `revision`."""
    found = changeable(store, actor, case_id)
    submissions.expect(store, found, [found.stage], revision)
    waiting = _draft(store, case_id)
    edited = editing.edit(store.settings, waiting.case, values, waiting.doubts)
    _complete(edited.draft.case, hand_in or found.stage == SUBMITTED)
    with writing(store.workbench):
        submissions.expect(store, changeable(store, actor, case_id), [found.stage], waiting.case.revision)
        store.save_drafts([edited.draft], actor["id"])
        if hand_in and found.stage != SUBMITTED:
            submissions.move(store, case_id, SUBMITTED)
        number = _draft(store, case_id).case.revision
    return _of(edited, replace(edited.draft.case, revision=number))


def hand_in(store: Store, actor: Actor, case_id: str, revision: int | None = None) -> None:
    """Give a draft to the reviewers. Raises Unclear where something is still missing."""
    with writing(store.workbench):
        found = _own(store, actor, case_id)
        submissions.expect(store, found, [WRITING, RETURNED], revision)
        _complete(_draft(store, case_id).case, handing_in=True)
        submissions.move(store, case_id, SUBMITTED)


def take_back(store: Store, actor: Actor, case_id: str, revision: int | None = None) -> None:
    """A draft that was handed in is the hall's to write again."""
    with writing(store.workbench):
        found = _own(store, actor, case_id)
        submissions.expect(store, found, [SUBMITTED], revision)
        submissions.move(store, case_id, WRITING)


def delete(store: Store, actor: Actor, case_id: str) -> None:
    """Throw a draft away."""
    with writing(store.workbench):
        changeable(store, actor, case_id)
        store.discard_drafts([case_id])


def revise(store: Store, actor: Actor, case_id: str) -> Submission:
    """A draft of the same id beside a published case, for its hall or a reviewer to change; the one that waits if it
    is theirs."""
    demand(actor, "draft.write")
    case = store.get(case_id)
    if case is None or case.state != "published":
        raise Missing("库里没有这件案例，或者它已经出库")
    demand(actor, "draft.write", case.hall.get("code") or submissions.NOBODYS)
    with writing(store.workbench):
        if store.draft(case_id):
            found = submissions.of(store, case_id)
            if may(actor, "draft.see", found.hall_code or submissions.NOBODYS):
                return found
            raise Conflict("这件案例已经有一份修订在处理，等它处理完再提")
        store.save_drafts([Draft(case, [])], actor["id"], "提出修订")
        submissions.put(store, [case_id], WRITING, actor["id"], str(actor["hall_code"] or ""))
        return submissions.of(store, case_id)


def changeable(store: Store, actor: Actor, case_id: str) -> Submission:
    """The draft if the actor may change it now: the own hall while it is written or returned, reviewers once it is
    handed in. Raises Missing, Refused or Conflict."""
    found = submissions.visible(store, case_id, actor)
    demand(actor, "draft.write", found.hall_code or submissions.NOBODYS)
    if found.stage == SUBMITTED:
        if not may(actor, "review"):
            submissions.expect(store, found, [WRITING, RETURNED], None)
    elif not is_own(actor, found):
        raise Refused("这件草稿还在大厅手里，提交以后审核人才能改")
    return found


def is_own(actor: Actor, found: Submission) -> bool:
    """Whether a draft is of the actor's hall."""
    return bool(found.hall_code) and found.hall_code == actor["hall_code"]


def missing(case: Case) -> dict[str, str]:
    """What a draft still lacks before it can be handed in: field → what to write."""
    wanted = {"demand": "写上群众想办什么，再提交", "measure": "写上怎样办的（或怎样解释的），再提交"}
    return {name: text for name, text in wanted.items() if not getattr(case, name)}


def _own(store: Store, actor: Actor, case_id: str) -> Submission:
    found = submissions.visible(store, case_id, actor)
    demand(actor, "draft.write", found.hall_code or submissions.NOBODYS)
    if not is_own(actor, found):
        raise Refused("只有报送的大厅能提交或撤回这件草稿")
    return found


def _complete(case: Case, handing_in: bool) -> None:
    if handing_in and (lacking := missing(case)):
        raise Unclear(lacking)
    if not any((case.title, case.demand, case.obstacle, case.measure)):
        raise Unclear({"demand": "至少写一句，才能保存"})


def _draft(store: Store, case_id: str) -> Draft:
    found = store.draft(case_id)
    if found is None:
        raise Missing("没有这件草稿，可能已经入库或删除")
    return found


def _of(edited: Edited, case: Case) -> Edited:
    return replace(edited, draft=Draft(case, edited.draft.doubts))


def _region(code: str) -> dict[str, str]:
    found = regions.by_code(code)
    if not found:
        return {}
    return {"province": found.province, "city": found.city, "county": found.county, "code": found.code}


def _claimed(store: Store, actor: Actor, key: str, content: Any) -> tuple[str, bool]:
    """The id for a new draft, and whether the caller's key names one that was made with it before."""
    db = store.workbench
    fresh = _fresh_id(store)
    if not key:
        return fresh, False
    secret = store.secret("client_keys")
    text = json.dumps(content, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")
    digest = hashlib.blake2b(text, key=secret, digest_size=16).hexdigest()
    long_ago = datetime.datetime.now().astimezone() - datetime.timedelta(days=KEY_DAYS)
    db.table("client_keys").delete_where("at < ?", [long_ago.isoformat(timespec="seconds")])
    # The key too is kept as a digest only: programs put all sorts of things into it.
    name = hashlib.blake2b(key.encode("utf-8", "replace"), key=secret, digest_size=16).hexdigest()
    rows = list(db.query("select * from client_keys where account = ? and key = ?", [actor["id"], name]))
    if rows and rows[0]["digest"] != digest:
        raise Conflict("这个 Idempotency-Key 已经用在别的内容上，请换一个")
    if rows:
        return str(rows[0]["case_id"]), True
    db.table("client_keys").insert(
        {"account": actor["id"], "key": name, "case_id": fresh, "digest": digest, "at": now()}
    )
    return fresh, False


def _fresh_id(store: Store) -> str:
    """A new id, in the form of those that ingest makes."""
    while True:
        case_id = secrets.token_hex(6)
        if store.newest(case_id) is None and not store.revisions(case_id, drafts=True):
            return case_id

