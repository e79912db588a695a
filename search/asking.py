"""What a request asks of the search, and the threads in which searchers answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, fields
from functools import cache
from typing import Any, TypeVar

from datasette import Request

from kb.config import Settings
from kb.fields import regions
from kb.privacy import redact
from kb.web.shell import Library

from .engine import Filters
from .filters import checked
from .precedents import Precedents, precedents
from .query import LONGEST
from .suggestions import suggest

RESULTS = 10
MOST_RESULTS = 100
FILTERS = tuple(field.name for field in fields(Filters))
LONGEST_VALUE = 200  # characters of a filter
_PLACEHOLDER = re.compile(r"〔[^\d〔〕][^〔〕]*〕")  # 〔手机号〕, not the year of a document's number
T = TypeVar("T")


@cache
def _threads(settings: Settings) -> ThreadPoolExecutor:
    """Few threads that live long: each holds its own connection to the library."""
    return ThreadPoolExecutor(max_workers=settings.threads, thread_name_prefix="search")


async def in_thread(settings: Settings, work: Callable[[Precedents], T]) -> T:
    """Runs `work` with the library's searcher, off the event loop."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads(settings), lambda: work(precedents(settings)))


def question(request: Request) -> str:
    return (request.args.get("q") or "").strip()


def impersonal(text: str) -> tuple[str, tuple[str, ...]]:
    """*text* as it may stand in an address or on a report, and the kinds of personal data that were taken out.

    A search needs none of it, and addresses are kept by browsers and by servers on the way.
    """
    found = redact({"demand": text[: 4 * LONGEST]})
    if not found.counts:
        return text, ()
    kinds = tuple(dict.fromkeys(count.kind for count in found.counts))
    return " ".join(_PLACEHOLDER.sub(" ", found.values["demand"]).split()), kinds


def chosen(values: Mapping[str, Any]) -> dict[str, str]:
    """The filters among `values` that are set, as the engines compare them. Raises Fault."""
    typed = {name: str(values[name])[:LONGEST_VALUE] for name in FILTERS if values.get(name)}
    return {name: value for name, value in asdict(checked(Filters(**typed))).items() if value}


def literally(request: Request) -> bool:
    return bool(request.args.get("literally"))


def home(actor: Mapping[str, Any] | None) -> str:
    """The area of the asker's hall, if its code is one of GB/T 2260: near halls come first among equals."""
    code = str(actor["hall_code"] or "") if actor else ""
    return code if regions.by_code(code) else ""


async def find(
    library: Library, text: str, k: int, filters: Mapping[str, str], literally: bool, home: str
) -> dict[str, Any]:
    """What `Precedents.find` answers."""
    wanted = Filters(**filters)
    return await in_thread(library.settings, lambda searcher: searcher.find(text, k, wanted, literally, home))


async def suggestions(library: Library, typed: str) -> list[dict[str, Any]]:
    """What `suggestions.suggest` gives for what was typed so far."""
    return await in_thread(library.settings, lambda searcher: suggest(searcher.store, typed))
