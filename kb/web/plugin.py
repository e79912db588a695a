"""What Datasette loads: pages, Chinese words and safe headers wherever a library.db is served."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasette import Request, Response, hookimpl
from jinja2 import Environment

from ..accounts import alone, may
from ..feedback import settings as said_of_cases
from ..vocabulary import label, labels
from . import (
    api,
    cases_api,
    cells,
    compat,
    drafts,
    errors,
    exports,
    feedback,
    halls,
    identity,
    pages,
    people,
    playbooks,
    rules,
    sealing,
)  # fmt: skip
from .shell import address, asset_address, guarded, is_alone, library, static_route, the_library
from .words import words

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

HERE = Path(__file__).parent
STATIC = HERE / "static"
#: Datasette's own pages carry inline scripts; still nothing comes from, or goes to, another host.
WIDE_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
#: Rooms of the site: each brings its pages (ROUTES) and what programs may call (HANDLERS, by operationId).
ROOMS = (people, drafts, halls, exports, feedback, cases_api, playbooks, rules)
#: Path, words, and the right that one must have to see the link.
LINKS = (
    ("/cases", "浏览", "read"), ("/halls", "大厅", "read"), ("/drafts", "报送", "draft.write"),
    ("/review", "审核", "review"), ("/accounts", "账号", "accounts"),
)  # fmt: skip
#: Tables that only workbench.db has.
WORKBENCH_TABLES = {"drafts", "secrets"}


@hookimpl
def prepare_jinja2_environment(env: Environment, datasette: Datasette) -> None:
    if library(datasette):
        compat.add_templates(env, HERE / "templates")
        env.filters["playbook_state"] = partial(label, "playbook_states")


@hookimpl
def prepare_connection(conn: sqlite3.Connection, database: str, datasette: Datasette) -> None:
    found = library(datasette)
    if found and database == found.db.name:
        sealing.seal(conn)


@hookimpl
def startup(datasette: Datasette) -> Callable[[], Awaitable[None]]:
    async def inner() -> None:
        if library(datasette):
            await _close_workbench(datasette)
            for database in compat.databases(datasette).values():
                compat.keep_out_of_the_log(database)
            logging.getLogger("uvicorn.access").addFilter(_without_question)

    return inner


async def _close_workbench(datasette: Datasette) -> None:
    """Whoever starts Datasette on the whole folder does not open drafts and accounts to readers."""
    for name, db in compat.databases(datasette).items():
        if WORKBENCH_TABLES.issubset(await db.table_names()):
            compat.remove_database(datasette, name)


def _without_question(record: logging.LogRecord) -> bool:
    """Access logs keep the path only: what was asked may hold personal data."""
    if isinstance(record.args, tuple):
        record.args = tuple(part.partition("?")[0] if isinstance(part, str) else part for part in record.args)
    return True


@hookimpl(trylast=True)  # an upper floor may take the front page
def register_routes(datasette: Datasette) -> list[tuple[str, Any]]:
    if not library(datasette):
        return []
    return [
        (r"^/$", guarded(pages.cases_page)),
        (r"^/cases$", guarded(pages.cases_page)),
        (pages.CASE_PATTERN, guarded(pages.case_page)),
        (pages.REVISION_PATTERN, guarded(pages.revision_page)),
        *(route for room in ROOMS for route in room.ROUTES),
        *api.routes(datasette, HERE / "openapi", {"describe": _describe, **_handlers()}),
        static_route("kb", STATIC),
    ]


def _handlers() -> dict[str, api.Handler]:
    return {name: handler for room in ROOMS for name, handler in room.HANDLERS.items()}


async def _describe(call: api.Call) -> dict[str, Any]:
    return api.document(call.datasette)


@hookimpl
def skip_csrf(datasette: Datasette, scope: dict[str, Any]) -> bool | None:
    """The API has its own check (`api.admit`): its bodies are JSON or whole files, which carry no form field."""
    return True if library(datasette) and str(scope["path"]).startswith(f"{api.ROOT}/") else None


@hookimpl(wrapper=True)
def actor_from_request(datasette: Datasette) -> Generator[None, list[Any], list[Any]]:
    """Nobody else says who asks (Datasette's ds_actor would): `identity.gate` has found out already."""
    others = yield
    return [] if library(datasette) else others


@hookimpl(tryfirst=True)
def permission_allowed(datasette: Datasette, actor: dict[str, Any] | None, action: str, resource: Any) -> Any:
    return (lambda: identity.allowed(datasette, actor, action, resource)) if library(datasette) else None


@hookimpl(trylast=True)
def menu_links(datasette: Datasette, actor: dict[str, Any] | None) -> Any:
    return (lambda: _links(datasette, actor)) if library(datasette) else []


async def _links(datasette: Datasette, actor: dict[str, Any] | None) -> list[dict[str, str]]:
    found = the_library(datasette)
    links = [
        {"href": address(datasette, path), "label": label}
        for path, label, right in LINKS
        if right == "read" or may(actor, right)
    ]
    if may(actor, "playbook") or await playbooks.there_are(found) or await is_alone(datasette):
        links.append({"href": address(datasette, "/playbooks"), "label": "一类事"})
    return [*links, {"href": str(datasette.urls.table(found.db.name, "cases")), "label": "数据表"}]


def _in_order(links: list[dict[str, str]]) -> list[dict[str, str]]:
    """The main navigation, whichever floor a link comes from; those that nobody has placed come last."""
    order: list[str] = words()["menu"]
    return sorted(links, key=lambda link: order.index(link["label"]) if link["label"] in order else len(order))


@hookimpl
def extra_template_vars(datasette: Datasette) -> Any:
    return (lambda: _template_vars(datasette)) if library(datasette) else {}


async def _template_vars(datasette: Datasette) -> dict[str, Any]:
    found, everybody = the_library(datasette), await is_alone(datasette)

    def may_or_alone(actor: Any, action: str, hall_code: str | None = None) -> bool:
        return may(actor, action, hall_code) or (actor is None and everybody and alone(action))

    return {
        "site_title": found.settings.title,
        "site_css": asset_address(datasette, "kb", STATIC / "kb.css"),
        "site_js": asset_address(datasette, "kb", STATIC / "kb.js"),
        "keys_js": asset_address(datasette, "kb", STATIC / "keys.js"),
        "feedback_js": asset_address(datasette, "kb", STATIC / "feedback.js"),
        "feedback_words": said_of_cases(),
        "site_root": str(datasette.urls.path("/")).rstrip("/"),
        "may": may_or_alone,
        "labels": {**words()["columns"], **labels()},
        "words": words(),
        "word": cells.word,
        "in_order": _in_order,
        "sql_error": errors.plain,
    }


@hookimpl
def get_metadata(datasette: Datasette) -> dict[str, Any]:
    """Column descriptions for Datasette's own pages and JSON, from the one vocabulary."""
    found = library(datasette)
    if not found:
        return {}
    return {"databases": {found.db.name: {"tables": {"cases": {"columns": dict(labels())}}}}}


@hookimpl
def render_cell(value: Any, column: str, table: str | None, database: str, datasette: Datasette) -> Any:
    """In the library's tables; what SQL finds is shown as it is, so that it can be asked for, but for 案例编号, which
    leads to the case."""
    found = library(datasette)
    if not found or database != found.db.name or not isinstance(value, str):
        return None
    if table is None:
        table, column = "cases", {"案例编号": "id"}.get(column, "")
    if not column:
        return None
    return cells.shown(table, column, value, lambda case_id: address(datasette, f"/case/{case_id}"))


@hookimpl(wrapper=True)
def handle_exception(
    datasette: Datasette, request: Request, exception: Exception
) -> Generator[None, list[Any], list[Any]]:
    """Ours, not Datasette's, which would print local variables, and so citizens' words, to the log."""
    others = yield
    if not library(datasette):
        return others
    return [lambda: identity.answer(datasette, request, exception)]


@hookimpl(tryfirst=True)
def forbidden(datasette: Datasette, request: Request) -> Callable[[], Awaitable[Response]] | None:
    return (lambda: identity.answer(datasette, request, compat.Forbidden())) if library(datasette) else None


@hookimpl
def asgi_wrapper(datasette: Datasette) -> Callable[[Any], Any]:
    def wrap(app: Any) -> Any:
        return _with_headers(identity.gate(datasette, errors.in_chinese(datasette, app))) if library(datasette) else app

    return wrap


def _with_headers(app: Any) -> Any:
    wanted = {
        b"content-security-policy": WIDE_POLICY.encode(),
        b"referrer-policy": b"same-origin",  # addresses hold what was asked
        b"x-content-type-options": b"nosniff",
    }

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message.get("headers", [])}
                extra = [(name, value) for name, value in wanted.items() if name not in present]
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        await app(scope, receive, send_with_headers)

    return wrapped
