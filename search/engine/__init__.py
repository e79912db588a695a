"""What finds: given a query, the cases that each way of looking holds nearest.

:class:`Engine` is the one interface; ``embedded`` (SQLite FTS5 and FAISS in the library's own folder) is
the engine of a single hall.  An engine only scores; how the views are weighed is the trade of
:mod:`search.ranking`, so that two engines can be exchanged.  Every engine is derived from the published cases
and can be thrown away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from kb.store import Store

from ..query import Query

#: Called with (done, total) texts while cases are embedded.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Filters:
    """Which cases may be found; empty means any.

    ``region``: a name (湖南省, 长沙) or the leading digits of a GB/T 2260 code; a province or city includes
    what lies in it.  ``since``: ISO date (or year, or year and month); a case without any date does not pass.
    """

    region: str = ""
    domain: str = ""
    barrier: str = ""
    outcome: str = ""
    since: str = ""


@dataclass(frozen=True)
class View:
    """One way of looking: case id → score for the best cases, the higher the nearer.

    ``mean`` and ``deviation`` are those of the scores over the whole library, found or not; ``floor`` is the
    highest score that a case which is not listed can have.
    """

    scores: dict[str, float]
    mean: float = 0.0
    deviation: float = 1.0
    floor: float = 0.0


@dataclass(frozen=True)
class Found:
    """What an engine answers: the views by name, and for each case the passage that dense search liked best
    as (field, start, end)."""

    views: dict[str, View]
    passages: dict[str, tuple[str, int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Changes:
    """What a sync did, in numbers of cases."""

    added: int = 0
    changed: int = 0
    removed: int = 0


class Engine(Protocol):
    """An index over the published cases.  ``fingerprint`` is that of its embedder."""

    fingerprint: str

    def problem(self, store: Store) -> str:
        """Why the index cannot be used as it stands (Chinese), or empty when it is present and current."""

    def usable(self) -> bool:
        """Whether there is an index that can be searched, be it an outdated one."""

    def sync(
        self, store: Store, progress: Progress | None = None, afresh: bool = False, wait: bool = True
    ) -> Changes | None:
        """Brings the index up to date with the published cases; *afresh* takes nothing from the old one.

        If another thread or process is doing that, waits for it, or returns None if *wait* is false.
        """

    def search(self, query: Query, filters: Filters, depth: int) -> Found:
        """Views of the cases that pass *filters*; each view holds at least the best *depth* cases, if it
        finds as many."""

    def with_number(self, number: str) -> list[str]:
        """Ids of the cases that have *number* as id, number in the source, or number of a basis."""

    def count(self) -> int:
        """How many cases are in the index."""
