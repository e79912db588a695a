"""What differs between Datasette 0.65 and 1.0, or reaches into its insides; nothing else here does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from asgi_csrf import error_messages
from datasette import Forbidden, NotFound
from jinja2 import ChoiceLoader, Environment, FileSystemLoader

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette import Request
    from datasette.app import Datasette
    from datasette.database import Database
    from datasette.filters import FilterArguments

__all__ = [
    "BARE", "Forbidden", "NotFound", "add_templates", "databases", "filter_arguments", "keep_out_of_the_log",
    "may_view", "message_of", "remove_database", "route_path", "status_of", "timed_out",
]  # fmt: skip


#: Status → the whole body of what is answered outside of Datasette's error handling: forged forms, methods it lacks.
BARE = {403: {text.encode() for text in error_messages.values()}, 405: {b"Method not allowed"}}


def databases(datasette: Datasette) -> dict[str, Database]:
    """Attached databases that are files, by name."""
    return {name: db for name, db in datasette.databases.items() if db.path and not db.is_memory}


def remove_database(datasette: Datasette, name: str) -> None:
    datasette.remove_database(name)


def add_templates(env: Environment, folder: Path) -> None:
    """Let templates of `folder` win over Datasette's own, but not over those of `--template-dir`.

    Datasette looks for a plugin's templates only beside packages, and our plugins are modules.
    """
    loader = env.loader
    assert isinstance(loader, ChoiceLoader) and isinstance(loader.loaders[0], FileSystemLoader)
    paths = loader.loaders[0].searchpath
    if str(folder) not in paths:
        paths.insert(len(paths) - 1, str(folder))


async def may_view(datasette: Datasette, actor: dict[str, Any] | None, database: str, table: str) -> bool:
    """Whether `actor` may read a table: the instance, the database and the table must all allow it."""
    checks: list[tuple[str, Any]] = [
        ("view-instance", None), ("view-database", database), ("view-table", (database, table)),
    ]  # fmt: skip
    for action, resource in checks:
        if not await datasette.permission_allowed(actor, action, resource=resource, default=True):
            return False
    return True


def route_path(datasette: Datasette, request: Request) -> str:
    """The path by which Datasette finds the page of a request: without `base_url`, percent signs as they came."""
    base = str(datasette.setting("base_url"))
    path = str(request.path)
    return "/" + path[len(base) :] if base != "/" and path.startswith(base) else path


def keep_out_of_the_log(database: Database) -> None:
    """Datasette prints a query that fails, with its parameters, to the log: they hold what somebody typed."""
    execute = database.execute

    async def silently(sql: str, params: Any = None, **more: Any) -> Any:
        return await execute(sql, params, **{**more, "log_sql_errors": False})

    database.execute = silently


def status_of(exception: Exception) -> int:
    """The HTTP status that Datasette means by an exception."""
    if isinstance(exception, AssertionError) and str(exception) == "You may only POST to a canned query":
        return 405
    return int(getattr(exception, "status", 500) or 500)


def timed_out(exception: Exception) -> bool:
    """Whether a query was stopped because it took too long."""
    from datasette.views.base import DatasetteError

    return isinstance(exception, DatasetteError) and exception.title == "SQL Interrupted"


def message_of(exception: Exception) -> str | None:
    """What Datasette says about a wrong request of its own kind (English); None for other exceptions."""
    from datasette.utils.asgi import BadRequest
    from datasette.views.base import DatasetteError

    if isinstance(exception, DatasetteError) and not exception.message_is_html:
        return str(exception.message)
    return str(exception) if isinstance(exception, BadRequest) else None


def filter_arguments(where: list[str], **more: Any) -> FilterArguments:
    """What the hook `filters_from_request` answers."""
    from datasette.filters import FilterArguments

    return FilterArguments(where, **more)
