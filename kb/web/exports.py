"""Selections of cases as files, and the Atom feed of what was published."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import json
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

from datasette import Request, Response

from .. import export, feed, validity
from ..config import Settings
from ..errors import Fault, NotSignedIn
from ..model import Case, from_row
from ..vocabulary import labels
from . import browse, compat
from .api import Call, Handler
from .shell import Library, address, guarded, the_library

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

MOST_IDS = 1000  # of a selection by hand
IN_FEED = 50
_PIECE = 1 << 16  # bytes sent at a time
_BY_IDS = (
    "select cases.* from json_each(:ids) as wanted join cases on cases.id = wanted.value "
    "where cases.state = 'published' order by wanted.key"
)


# Files


async def export_page(datasette: Datasette, request: Request) -> Response:
    """/export?format=…: the cases `ids` (comma separated or repeated), else all that the filters leave."""
    ids = [part for text in request.args.getlist("ids") for part in text.split(",") if part]
    if request.args.get("chosen") and not ids:
        raise Fault("还没有选中案例。请回到列表，先在案例前面打勾")
    form = request.args.get("format") or "xlsx"
    return await file_of(the_library(datasette), form, ids, browse.chosen(request.args))


async def export_cases(call: Call) -> Response:
    """The same for programs."""
    filters = {name: value for name, value in call.query.items() if name in browse.FILTERS and value}
    return await file_of(call.library, call.query["format"], call.query["ids"] or [], filters)


async def file_of(library: Library, form: str, ids: Sequence[str], filters: Mapping[str, str]) -> Response:
    """A file with the cases `ids`, or with all that `filters` leave. Raises Fault if they are too many."""
    if form not in export.FORMATS:
        raise Fault(f"可以导出的格式：{'、'.join(export.FORMATS)}")
    if len(ids) > MOST_IDS:
        raise Fault(f"一次至多选 {MOST_IDS} 件。要导出更多，请用筛选条件")
    ids = list(dict.fromkeys(ids))
    sql, params = (_BY_IDS, {"ids": json.dumps(ids)}) if ids else (browse.selection(filters), dict(filters))
    chosen = f"所选 {len(ids)} 件" if ids else described(filters)
    heading = export.Heading(library.settings.title, chosen, f"{datetime.date.today():%Y-%m-%d}")
    changes = await library.store(validity.changed)
    loop = asyncio.get_running_loop()
    file = await loop.run_in_executor(_threads(), _written, library.settings, form, sql, params, heading, changes)
    return FileAnswer(file, export.FORMATS[form].type, library.settings.title, f"-{heading.day}.{form}")


def described(filters: Mapping[str, str]) -> str:
    """Filters in words: 领域：住房公积金；结果：办成."""
    names = labels()
    shown = ((browse.COLUMNS.get(name, name), value) for name, value in filters.items())
    return "；".join(f"{names.get(column, column)}：{value}" for column, value in shown)


@cache
def _threads() -> ThreadPoolExecutor:
    """Threads of their own: large files wait for each other, not logins and searches for them."""
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="export")


def _written(
    settings: Settings, form: str, sql: str, params: Mapping[str, str], heading: export.Heading,
    changes: Sequence[Mapping[str, str]],
) -> IO[bytes]:  # fmt: skip
    """An unnamed temporary file with the cases of `sql`: it is gone when it is closed, whatever happens."""
    with closing(sqlite3.connect(f"{settings.library_path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        db.execute("begin")  # the count and the rows are of one moment
        count = db.execute(f"select count(*) from ({sql})", params).fetchone()[0]
        export.check_size(form, count)
        file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
        try:
            export.write(file, form, _cases(db.execute(sql, params)), heading, changes)
            file.seek(0)
        except BaseException:
            file.close()
            raise
    return file


def _cases(rows: sqlite3.Cursor) -> Iterator[Case]:
    return (from_row(dict(row)) for row in rows)


class FileAnswer(Response):
    """A file sent piece by piece and closed afterwards, under a Chinese name where the browser knows them."""

    def __init__(self, file: IO[bytes], content_type: str, title: str, ending: str) -> None:
        encoded = quote(export.printable(title).replace("/", " ") + ending, safe="")
        names = f"attachment; filename=\"bancheng{ending}\"; filename*=UTF-8''{encoded}"
        headers = {"Content-Disposition": names, "Cache-Control": "no-store"}
        super().__init__("", headers=headers, content_type=content_type)
        self.file = file

    async def asgi_send(self, send: Any) -> None:
        headers = {**self.headers, "content-type": self.content_type}
        raw = [(key.lower().encode("latin-1"), value.encode("latin-1")) for key, value in headers.items()]
        try:
            await send({"type": "http.response.start", "status": self.status, "headers": raw})
            more = True
            while more:
                piece = await asyncio.to_thread(self.file.read, _PIECE)
                more = bool(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": more})
        finally:
            self.file.close()


# The feed


#: Feed readers cannot log in: they show a token in the address (`identity.gate` looks at it).
NO_KEY = "订阅需要密钥：请在“我的账号”里生成范围为“只订阅更新”的令牌，把 key=令牌 加在订阅地址后面"


async def feed_page(datasette: Datasette, request: Request) -> Response:
    """/feed.atom: the newest published cases that the filters leave, for those who may read or show a key."""
    library = the_library(datasette)
    if not await compat.may_view(datasette, request.actor, library.db.name, "cases"):
        raise NotSignedIn(NO_KEY)
    filters = browse.chosen(request.args)
    rows = await library.rows(f"{browse.selection(filters, 'updated desc, id')} limit {IN_FEED}", filters)
    secret = await library.store(lambda store: store.secret("feed"))

    def absolute(path: str, **params: str) -> str:
        return str(datasette.absolute_url(request, address(datasette, path, **params)))

    title = library.settings.title + (f"（{described(filters)}）" if filters else "")
    body = feed.atom(
        [(from_row(row), row["created"], row["updated"]) for row in rows],
        json.dumps(filters, sort_keys=True),
        title,
        library.settings.title,
        UUID(bytes=secret[:16], version=4),
        absolute("/cases", **filters),
        absolute("/feed.atom", **filters),
        lambda case: absolute(f"/case/{case.id}"),
    )
    mark = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": mark, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == mark:
        return Response("", status=304, headers=headers)
    return Response(body, headers=headers, content_type=feed.TYPE)


ROUTES: list[tuple[str, Any]] = [(r"^/export$", guarded(export_page)), (r"^/feed\.atom$", feed_page)]
HANDLERS: dict[str, Handler] = {"exportCases": export_cases}
