"""The reviewer's desk: the queue, one draft beside what it may repeat or revise, and the acts that end its wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasette import Request, Response

from .. import editing, review, submissions
from ..model import Case
from ..store import Store
from ..vocabulary import labels
from . import beside
from .api import Call, Handler
from .differences import Difference, differences
from .marking import marked_draft
from .shell import Library, address, asset_address, page_number, render, rightful, the_library

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

STATIC = Path(__file__).parent / "static"
PER_PAGE = 50
MOST_TWINS = 5
#: What a reviewer compares: what people write, not the bookkeeping.
_COMPARED = frozenset(editing.FIELDS) | {"extra"}


@dataclass(frozen=True)
class Twin:
    """A published case beside the draft: why it is shown, how it differs, where both agree, and what a merge would
    add to it (labels)."""

    case: Case
    reason: str
    differing: list[Difference]
    same: list[str]
    adds: list[str]


async def queue_page(datasette: Datasette, request: Request) -> Response:
    """/review: drafts that were handed in, those that wait longest first."""
    hall = (request.args.get("hall") or "")[:20]
    page = page_number(request)

    def read(store: Store) -> dict[str, Any]:
        return {
            "entries": submissions.entries(store, submissions.SUBMITTED, hall, PER_PAGE, (page - 1) * PER_PAGE),
            "total": submissions.counts(store, hall)[submissions.SUBMITTED],
            "halls": submissions.halls(store, submissions.SUBMITTED),
        }

    found = await the_library(datasette).store(read)
    context = {
        **found, "hall": hall, "page": page, "pages": -(-found["total"] // PER_PAGE),
        "link": lambda **changes: address(datasette, "/review", **{"hall": hall, **changes}), **_assets(datasette),
    }  # fmt: skip
    return await render(datasette, request, "kb_review.html", context)


async def review_page(datasette: Datasette, request: Request) -> Response:
    """/review/ID: the draft as it would be published, beside what it may repeat or revise."""
    library, case_id = the_library(datasette), request.url_vars["id"]

    def read(store: Store) -> tuple[Any, ...]:
        found = submissions.visible(store, case_id, request.actor)
        following = submissions.following(store, case_id)
        draft = store.draft(case_id)
        other = store.draft(draft.case.duplicate_of) if draft and draft.case.duplicate_of else None
        return found, draft, store.get(case_id), following, other

    found, draft, published, following, other = await library.store(read)
    revised = published if published and published.state == "published" else None
    parts, places = marked_draft(draft.case, draft.doubts)
    context = {
        "case": draft.case, "found": found, "parts": parts, "places": places, "revised": revised,
        "other": other.case.id if other and not revised else "",
        "changes": _compared(revised, draft.case) if revised else [], "following": following,
        "twins": [] if revised else await _twins(library, draft.case), "cleared_label": review.CLEARED,
        "waiting": found.stage == submissions.SUBMITTED, **_assets(datasette),
    }  # fmt: skip
    return await render(datasette, request, "kb_review_one.html", context)


async def _twins(library: Library, case: Case) -> list[Twin]:
    """Published cases that may tell the same: the one that ingest found, then the nearest."""
    near = [(other.id, reason) for panel in await beside.panels(library, case) for other, reason in panel.entries]
    first = [(case.duplicate_of, "导入时看出可能是同一件事")] if case.duplicate_of else []
    reasons = dict(reversed([*first, *near]))
    ids = list(dict.fromkeys(case_id for case_id, _ in [*first, *near] if case_id != case.id))[:MOST_TWINS]
    cases = await library.cases(ids)
    return [_twin(case, cases[case_id], reasons[case_id]) for case_id in ids if case_id in cases]


def _twin(draft: Case, other: Case, reason: str) -> Twin:
    names = labels()
    said = [name for name in editing.FIELDS if getattr(draft, name)]
    same = [names[name] for name in said if getattr(draft, name) == getattr(other, name)]
    adds = [names[name] for name in review.gained(other, review.merged_case(other, draft))]
    return Twin(other, reason, _compared(draft, other), same, adds)


def _compared(old: Case, new: Case) -> list[Difference]:
    return differences(*({name: value for name, value in case.to_dict().items() if name in _COMPARED | {"id"}}
                         for case in (old, new)))  # fmt: skip


def _assets(datasette: Datasette) -> dict[str, str]:
    return {
        "draft_js": asset_address(datasette, "kb", STATIC / "draft.js"),
        "review_js": asset_address(datasette, "kb", STATIC / "review.js"),
        "drafts_css": asset_address(datasette, "kb", STATIC / "drafts.css"),
    }


# Acts


async def return_draft(call: Call) -> Any:
    note, revision = call.body["note"], call.body.get("revision")
    return await _act(call, lambda store, by: review.give_back(store, call.path["id"], by, note, revision))


async def publish_draft(call: Call) -> Any:
    body = call.body or {}
    return await _act(call, lambda store, by: review.publish(
        store, [call.path["id"]], by, body.get("cleared", False), body.get("duplicate_of"), body.get("revision"),
        handed_in=True,
    ))  # fmt: skip


async def merge_draft(call: Call) -> Any:
    body = call.body
    return await _act(call, lambda store, by: review.merge(
        store, call.path["id"], body["into"], by, body.get("cleared", False), body.get("revision")
    ))  # fmt: skip


async def withdraw_case(call: Call) -> Any:
    assert call.actor
    by = call.actor["id"]
    await call.library.store(lambda store: review.withdraw(store, call.path["id"], by, call.body["reason"]))
    return {"ok": True, "location": f"/case/{call.path['id']}"}


async def _act(call: Call, act: Callable[[Store, str], Any]) -> Any:
    """Do something with a draft; the answer leads to the next one of the queue."""
    assert call.actor
    actor = call.actor

    def done(store: Store) -> str:
        submissions.visible(store, call.path["id"], actor)
        following = submissions.following(store, call.path["id"])
        act(store, actor["id"])
        return following

    following = await call.library.store(done)
    return {"ok": True, "location": f"/review/{following}" if following else "/review"}


ROUTES: list[tuple[str, Callable[..., Awaitable[Response]]]] = [
    (r"^/review$", rightful("review", queue_page)),
    (r"^/review/(?P<id>[^/.]{1,80})$", rightful("review", review_page)),
]
HANDLERS: dict[str, Handler] = {
    "returnDraft": return_draft, "publishDraft": publish_draft, "mergeDraft": merge_draft,
    "withdrawCase": withdraw_case,
}  # fmt: skip
