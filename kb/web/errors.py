"""Errors as people see them: what happened and what to do, in Chinese, whatever went wrong underneath."""

from __future__ import annotations

import json
import logging
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
    status = 400 if isinstance(exception, Fault) else compat.status_of(exception)
    if detail and status == 500:
        status = 400  # Datasette's status where it gives none
    title, advice = _message(status)
    if isinstance(exception, Fault):
        advice = str(exception)
    elif status == 500:
        log.error("%s %s\n%s", request.method, type(exception).__name__, _trace(exception))
    return await page(datasette, request, status, title, advice, detail)


async def forbidden(datasette: Datasette, request: Request) -> Response:
    return await page(datasette, request, 403, *_message(403))


async def page(
    datasette: Datasette, request: Request, status: int, title: str, advice: str, detail: str = ""
) -> Response:
    if request.path.endswith(".json") or request.path.startswith("/api/"):
        body: dict[str, Any] = {"ok": False, "status": status, "error": f"{title}。{advice}"}
        body |= {"detail": detail} if detail else {}
        text = json.dumps(body, ensure_ascii=False)
        return Response(text, status=status, content_type="application/json; charset=utf-8")
    context = {"status": status, "title": title, "advice": advice, "detail": detail}
    html = await datasette.render_template(["error.html"], context, request=request, view_name="bancheng")
    return Response.html(html, status=status, headers={"Content-Security-Policy": STRICT_POLICY})


def _message(status: int) -> tuple[str, str]:
    known = words()["errors"]
    title, advice = known.get(status) or known[500 if status >= 500 else 400]
    return title, advice


def _trace(exception: Exception) -> str:
    """Where it happened, without values: an unforeseen error may quote a case or a question."""
    return "".join(traceback.format_tb(exception.__traceback__))
