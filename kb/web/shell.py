"""What every page needs: the library behind a Datasette, rendering with safe headers, static files."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from datasette import Request, Response

from .. import config
from ..accounts import alone, demand, may, people
from ..errors import WrongMethod
from ..model import Case, from_row
from ..store import Store
from . import compat

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette
    from datasette.database import Database

T = TypeVar("T")
LIBRARY_FILE = "library.db"
#: Our own pages run no inline script and load nothing from elsewhere; styles are in one file.
STRICT_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)


@dataclass(frozen=True)
class Library:
    """A library that a Datasette serves, read only: its settings and the attached library.db."""

    settings: config.Settings
    db: Database

    async def rows(self, sql: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows of a SELECT. `sql` is written by programmers, what users type goes into `params`.

        The time limit that Datasette sets for the SQL of users does not hold for it: no page becomes an error because
        the machine is busy.
        """
        return await self.db.execute_fn(lambda conn: [dict(row) for row in conn.execute(sql, dict(params or {}))])

    async def cases(self, ids: Sequence[str]) -> dict[str, Case]:
        """Published cases by id."""
        names = {f"id{at}": case_id for at, case_id in enumerate(ids)}
        places = ", ".join(f":{name}" for name in names)
        sql = f"select * from cases where state = 'published' and id in ({places})"
        return {row["id"]: from_row(row) for row in await self.rows(sql, names)}

    async def store(self, work: Callable[[Store], T]) -> T:
        """What `work` returns for this library's store, off the event loop: for whatever is in workbench.db, and for
        all writing. Threads are few and each holds its own connection."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_threads(), lambda: work(_store(self.settings)))


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=4, thread_name_prefix="store")


_stores = threading.local()


def _store(settings: config.Settings) -> Store:
    """This thread's store of a library; that of the library asked for before is closed."""
    if getattr(_stores, "settings", None) != settings:
        if hasattr(_stores, "store"):
            _stores.store.close()
        _stores.store, _stores.settings = Store(settings), settings
    store: Store = _stores.store
    return store


_libraries: WeakKeyDictionary[Datasette, Library | None] = WeakKeyDictionary()


def library(datasette: Datasette) -> Library | None:
    """The library that `datasette` serves, known by the name of its file; its folder is the data folder.

    None where there is none: then we leave that Datasette alone.
    """
    if datasette not in _libraries:
        found = [db for db in compat.databases(datasette).values() if Path(db.path).name == LIBRARY_FILE]
        _libraries[datasette] = Library(config.load(Path(found[0].path).parent), found[0]) if found else None
    return _libraries[datasette]


def the_library(datasette: Datasette) -> Library:
    """The library, for pages that are only registered where there is one."""
    found = library(datasette)
    assert found is not None
    return found


Page = Callable[["Datasette", Request], Awaitable[Response]]


def guarded(page: Page) -> Page:
    """A page for reading that is shown only to those who may read the cases (`allow` in the metadata)."""

    async def checked(datasette: Datasette, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise WrongMethod("这一页只供查看，请从页面上的按钮操作")
        if not await compat.may_view(datasette, request.actor, the_library(datasette).db.name, "cases"):
            raise compat.Forbidden("view-table")
        return await page(datasette, request)

    return checked


def rightful(action: str, page: Page) -> Page:
    """A page for those who may do `action` (kb.accounts.rights); others are sent to the login or told why not."""

    async def checked(datasette: Datasette, request: Request) -> Response:
        if not await may_here(datasette, request.actor, action):
            demand(request.actor, action)
        return await page(datasette, request)

    return checked


async def may_here(datasette: Datasette, actor: dict[str, Any] | None, action: str) -> bool:
    """Whether `actor` may do `action`, as one with an account or because there is no account yet."""
    return may(actor, action) or (actor is None and alone(action) and await is_alone(datasette))


async def is_alone(datasette: Datasette) -> bool:
    """Whether this is one person's machine: nobody has an account, and reading is not closed."""
    found = the_library(datasette)
    return found.settings.access.open is not False and not await found.store(people.exist)


def account_of(request: Request) -> str:
    """The name of the account that asks; empty for strangers, to whom nothing belongs."""
    return str(request.actor["id"]) if request.actor else ""


async def render(
    datasette: Datasette, request: Request, template: str, context: dict[str, Any], status: int = 200
) -> Response:
    """A page of ours. Templates escape whatever they are given, unless it is Markup."""
    body = await datasette.render_template(template, context, request=request, view_name="bancheng")
    return Response.html(body, status=status, headers={"Content-Security-Policy": STRICT_POLICY})


def typed(request: Request, name: str, longest: int = 200) -> str:
    """What an address says under `name`, without room around it and not longer than anything that is looked for."""
    return (request.args.get(name) or "").strip()[:longest]


def page_number(request: Request) -> int:
    """The page that an address asks for (`?page=`), from 1; the first where it asks for none that can be."""
    text = request.args.get("page") or ""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def address(datasette: Datasette, path: str, **params: Any) -> str:
    """A link within this site; empty parameters are left out."""
    query = urlencode({name: value for name, value in params.items() if value not in ("", None)}, doseq=True)
    return str(datasette.urls.path(path)) + (f"?{query}" if query else "")


@cache
def _asset(path: Path) -> tuple[bytes, str]:
    content = path.read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:8]


def static_route(prefix: str, folder: Path) -> tuple[str, Any]:
    """A route `/-/PREFIX/NAME` for the files of `folder`. Browsers may keep them: addresses carry a hash."""

    async def serve(request: Request) -> Response:
        name = request.url_vars["name"]
        if name not in {path.name for path in folder.iterdir()}:
            raise compat.NotFound("no such file")
        content, _ = _asset(folder / name)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        kind += "; charset=utf-8" if kind.startswith("text/") else ""
        return Response(content, headers={"Cache-Control": "public, max-age=31536000"}, content_type=kind)

    return rf"^/-/{prefix}/(?P<name>[\w.-]+)$", serve


def asset_address(datasette: Datasette, prefix: str, path: Path) -> str:
    """The address of a file that `static_route` serves."""
    return address(datasette, f"/-/{prefix}/{path.name}", v=_asset(path)[1])
