"""Dropping a ledger on a page: what would be stored is shown first, and stored only when confirmed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasette import Request, Response, hookimpl
from jinja2 import Environment

from kb import submissions
from kb.accounts import demand, may
from kb.errors import Fault, TooLarge
from kb.fields import regions
from kb.web import api, compat
from kb.web.shell import asset_address, library, render, rightful, static_route, the_library

from . import preview
from .drafting import Hall
from .readers.limits import MB, limits
from .uploads import rules, uploads

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from collections.abc import Awaitable, Callable

    from datasette.app import Datasette

    from kb.config import Settings

HERE = Path(__file__).parent
STATIC = HERE / "static"
#: What the page offers to choose; what is inside decides all the same.
ACCEPTED = ".xlsx,.xlsm,.xls,.et,.csv,.tsv,.docx,.txt,.md,.html,.htm,.mht,.jsonl,.json,.zip"


@hookimpl
def prepare_jinja2_environment(env: Environment, datasette: Datasette) -> None:
    if library(datasette):
        compat.add_templates(env, HERE / "templates")


@hookimpl
def startup(datasette: Datasette) -> Callable[[], Awaitable[None]]:
    async def inner() -> None:
        found = library(datasette)
        if found:
            uploads(found.settings)  # removes what a server that was cut off had not read

    return inner


@hookimpl
def register_routes(datasette: Datasette) -> list[tuple[str, Any]]:
    if not library(datasette):
        return []
    return [
        (r"^/upload$", rightful("upload", _page)),
        *api.routes(datasette, HERE / "openapi", HANDLERS),
        static_route("ingest", STATIC),
    ]


async def _page(datasette: Datasette, request: Request) -> Response:
    found, actor = the_library(datasette), request.actor
    assert actor is not None
    elsewhere = may(actor, "upload", "") or not actor["hall_code"]
    context = {
        "upload_css": asset_address(datasette, "ingest", STATIC / "upload.css"),
        "upload_js": asset_address(datasette, "ingest", STATIC / "upload.js"),
        "accepted": ACCEPTED,
        "most_mb": _most(found.settings) / MB,
        "expire_hours": rules()["limits"]["expire_minutes"] / 60,
        "halls": await found.store(submissions.halls) if elsewhere else [],
        "elsewhere": elsewhere,
    }
    return await render(datasette, request, "upload.html", context)


def _most(settings: Settings) -> int:
    """Bytes of the largest file taken."""
    return round(min(settings.access.upload_mb, limits().max_file_mb) * MB)


def _hall(actor: dict[str, Any], code: str | None) -> Hall:
    """The hall that an upload is for: the actor's own, or another one by its code where the actor may."""
    chosen = code or actor["hall_code"]
    if not chosen:
        raise Fault("您的账号没有登记大厅，请先选择这份文件是哪个大厅的")
    demand(actor, "upload", chosen)
    region = regions.by_code(chosen)
    if region:
        return Hall(*regions.hall_of(region))
    if chosen != actor["hall_code"]:
        raise Fault(f"没有区划码为 {chosen} 的大厅，应为六位数字，如 370881")
    return Hall(chosen, actor["hall_name"])


# What programs may call, by operationId of openapi/


async def _upload(call: api.Call) -> api.Answer:
    actor = _actor(call)
    hall = _hall(actor, call.query["hall"])
    most = _most(call.library.settings)
    if call.header("Content-Length").isdecimal() and int(call.header("Content-Length")) > most:
        raise TooLarge(f"文件超过 {most / MB:g} MB，请拆成几个文件，或请管理员在服务器上导入")
    rooms = uploads(call.library.settings)
    made = await rooms.receive(actor, hall, call.query["name"], call.stream(most))
    return api.Answer({"ok": True, "id": made.id, "location": "/upload"}, 202)


async def _uploads(call: api.Call) -> dict[str, Any]:
    rooms = uploads(call.library.settings)
    return {"uploads": [preview.brief(each, rooms.ahead(each)) for each in rooms.of(_actor(call))]}


async def _show(call: api.Call) -> dict[str, Any]:
    rooms = uploads(call.library.settings)
    found = rooms.get(call.actor, call.path["id"])
    query = call.query
    return preview.preview(found, rooms.ahead(found), query["show"], query["offset"], query["limit"])


async def _confirm(call: api.Call) -> dict[str, Any]:
    rooms = uploads(call.library.settings)
    found = rooms.get(call.actor, call.path["id"])
    demand(call.actor, "upload", found.hall.code)
    leave_out = set((call.body or {}).get("leave_out", ()))
    stored = await call.library.store(lambda store: rooms.confirm(store, found, leave_out))
    return {"ok": True, "location": "/drafts", **stored}


async def _give_up(call: api.Call) -> dict[str, Any]:
    rooms = uploads(call.library.settings)
    rooms.give_up(rooms.get(call.actor, call.path["id"]))
    return {"ok": True, "location": "/upload"}


def _actor(call: api.Call) -> dict[str, Any]:
    assert call.actor is not None  # x-right: upload
    return call.actor


HANDLERS: dict[str, api.Handler] = {
    "uploadFile": _upload, "listUploads": _uploads, "showUpload": _show, "confirmUpload": _confirm,
    "giveUpUpload": _give_up,
}  # fmt: skip
