"""Errors as people see them: what happened and what to do, in Chinese, whatever went wrong underneath."""

from __future__ import annotations

import json
import logging
import re
import traceback
from typing import TYPE_CHECKING, Any

from datasette import Request, Response

from ..errors import Fault
from . import compat
from .shell import STRICT_POLICY
from .words import words

if TYPE_CHECKING:  # Datasette imports its plugins while it is being imported itself
    from datasette.app import Datasette

log = logging.getLogger(__name__)


async def answer(datasette: Datasette, request: Request, exception: Exception) -> Response:
    """The page (or JSON) for an exception."""
    # What Datasette says about a request that its user wrote, such as a column that does not exist.
    detail = compat.message_of(exception) or ""
    status = exception.status if isinstance(exception, Fault) else compat.status_of(exception)
    if detail and status == 500:
        status = 400  # Datasette's status where it gives none
    title, advice = _message(status)
    if isinstance(exception, Fault):
        advice = str(exception)
    elif compat.timed_out(exception):
        title, advice = words()["timed_out"]
    elif detail:
        advice = plain(detail) or advice
    elif status == 500:
        log.error("%s %s\n%s", request.method, type(exception).__name__, _trace(exception))
    return await page(datasette, request, status, title, advice, detail, own=isinstance(exception, Fault))


async def page(
    datasette: Datasette, request: Request, status: int, title: str, advice: str, detail: str = "", own: bool = False
) -> Response:
    """The answer that says so; `own` advice was written for this very case, and stands alone where a form shows it."""
    if request.path.endswith(".json") or request.path.startswith("/api/"):
        body: dict[str, Any] = {"ok": False, "status": status, "error": advice if own else f"{title}。{advice}"}
        body |= {"detail": detail} if detail else {}
        text = json.dumps(body, ensure_ascii=False)
        return Response(text, status=status, content_type="application/json; charset=utf-8")
    sql = request.args.get("sql") if status == 400 else ""  # to be put right on the page itself
    context = {"status": status, "title": title, "advice": advice, "detail": detail, "sql": sql}
    html = await datasette.render_template(["error.html"], context, request=request, view_name="bancheng")
    return Response.html(html, status=status, headers={"Content-Security-Policy": STRICT_POLICY})


def plain(text: str) -> str:
    """What SQLite or Datasette says in English, in Chinese; empty where that is not known."""
    for pattern, said in words()["said"]:
        match = re.search(pattern, text)
        if match:
            return str(said).format(*match.groups())
    return ""


def in_chinese(datasette: Datasette, app: Any) -> Any:
    """`app` with pages of ours for the few refusals that Datasette answers with a bare English line."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        held: dict[str, Any] = {}

        async def checked(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] in compat.BARE:
                held.update(message)
                return
            if held and message.get("body") not in compat.BARE[held["status"]]:
                await send(dict(held))
            elif held:
                request = Request({**scope, "csrftoken": str}, receive)  # the token is not made yet out here
                status = held["status"]
                response = await page(datasette, request, status, *_message("csrf" if status == 403 else status))
                held.clear()
                return await response.asgi_send(send)
            held.clear()
            await send(message)

        await app(scope, receive, checked)

    return wrapped


def _message(status: int | str) -> tuple[str, str]:
    known = words()["errors"]
    title, advice = known.get(status) or known[500 if int(status) >= 500 else 400]
    return title, advice


def _trace(exception: Exception) -> str:
    """Where it happened, without values: an unforeseen error may quote a case or a question."""
    return "".join(traceback.format_tb(exception.__traceback__))
