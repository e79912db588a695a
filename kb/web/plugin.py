"""What Datasette loads: pages, Chinese words and safe headers wherever a library.db is served."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasette import Request, Response, hookimpl
from jinja2 import Environment
from markupsafe import Markup, escape

from ..vocabulary import labels
from . import compat, errors, pages
from .shell import address, asset_address, guarded, library, static_route
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
#: Tables that only workbench.db has.
WORKBENCH_TABLES = {"drafts", "secrets"}


@hookimpl
def prepare_jinja2_environment(env: Environment, datasette: Datasette) -> None:
    if library(datasette):
        compat.add_templates(env, HERE / "templates")


@hookimpl
def startup(datasette: Datasette) -> Callable[[], Awaitable[None]]:
    async def inner() -> None:
        if library(datasette):
            await _close_workbench(datasette)
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
        static_route("kb", STATIC),
    ]


@hookimpl(trylast=True)
def menu_links(datasette: Datasette) -> list[dict[str, str]]:
    found = library(datasette)
    if not found:
        return []
    return [
        {"href": address(datasette, "/cases"), "label": "浏览"},
        {"href": str(datasette.urls.table(found.db.name, "cases")), "label": "数据表"},
    ]


@hookimpl
def extra_template_vars(datasette: Datasette) -> dict[str, Any]:
    found = library(datasette)
    if not found:
        return {}
    return {
        "site_title": found.settings.title,
        "site_css": asset_address(datasette, "kb", STATIC / "kb.css"),
        "labels": {**words()["columns"], **labels()},
        "words": words(),
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
    """In the table of cases: ids lead to the page of the case, lists read as lists."""
    found = library(datasette)
    if not found or database != found.db.name or table != "cases" or not isinstance(value, str):
        return None
    if column in ("id", "duplicate_of") and value:
        return Markup('<a href="{}">{}</a>').format(address(datasette, f"/case/{value}"), value)
    if value in ("[]", "{}"):
        return " "  # Datasette takes an empty answer for none
    if value.startswith("["):
        return _list(value)
    return None


def _list(value: str) -> str | None:
    try:
        items = json.loads(value)
    except ValueError:
        return None
    return escape("、".join(items)) if all(isinstance(item, str) for item in items) else None


@hookimpl(wrapper=True)
def handle_exception(
    datasette: Datasette, request: Request, exception: Exception
) -> Generator[None, list[Any], list[Any]]:
    """Ours, not Datasette's, which would print local variables, and so citizens' words, to the log."""
    others = yield
    if not library(datasette):
        return others
    return [lambda: errors.answer(datasette, request, exception)]


@hookimpl(tryfirst=True)
def forbidden(datasette: Datasette, request: Request) -> Callable[[], Awaitable[Response]] | None:
    return (lambda: errors.forbidden(datasette, request)) if library(datasette) else None


@hookimpl
def asgi_wrapper(datasette: Datasette) -> Callable[[Any], Any]:
    def wrap(app: Any) -> Any:
        return _with_headers(app) if library(datasette) else app

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
