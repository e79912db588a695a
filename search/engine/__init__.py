"""What finds: given a query, the cases that each way of looking holds nearest.

:class:`Engine` is the one interface; ``embedded`` (SQLite FTS5 and FAISS in the library's own folder) is
the engine of a single hall.  An engine only scores; how the views are weighed is the trade of
:mod:`search.ranking`, so that two engines can be exchanged.  Every engine is derived from the published cases
and can be thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kb.store import Store

from ..embedder import Vectors
from ..query import Query

#: Called with (done, total) texts while cases are embedded.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Filters:
    """Which cases may be found; empty means any.

    ``region``: a name (湖南省, 长沙) or the leading digits of a GB/T 2260 code; a province or city includes
    what lies in it.  ``since``: ISO date (or year, or year and month); a case without any date does not pass.
    ``matter``: the standard name, the name as read or the code of the item; another name for it counts if no case
    has just that.  ``department``: lead or co-operating, by its name; a kind of department (医保局) without a place
    means all of that kind unless a case writes just that.  ``year``: four digits, of the day of closing, else of
    acceptance, else of receipt.  ``solidified``: 是 or 否.  :func:`search.filters.checked` takes what people type.
    """

    region: str = ""
    domain: str = ""
    barrier: str = ""
    outcome: str = ""
    since: str = ""
    matter: str = ""
    handling: str = ""
    department: str = ""
    year: str = ""
    solidified: str = ""


@dataclass(frozen=True, eq=False)
class View:
    """One way of looking: the best ``cases`` and their ``values``, the higher the nearer.

    Cases are numbers of the engine's own, each at most once; ``ids`` tells whose they are, and is the same for all
    views of an answer.  ``mean`` and ``deviation`` are those of the values over the whole library, found or not;
    ``floor`` is the highest value that a case which is not listed can have.
    """

    ids: Mapping[int, str]
    cases: NDArray[np.int64]
    values: NDArray[np.float64]
    mean: float = 0.0
    deviation: float = 1.0
    floor: float = 0.0

    @cached_property
    def scores(self) -> dict[str, float]:
        """Case id → value; slow where half the library is listed."""
        return dict(zip(map(self.ids.__getitem__, self.cases.tolist()), self.values.tolist(), strict=True))

    def raised(self, by: float) -> View:
        """The same view with all values raised."""
        return replace(self, values=self.values + by, mean=self.mean + by, floor=self.floor + by)


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


class Tuned(Protocol):
    """Maps the vector of a question before a dense view is searched (see :mod:`search.tuning`)."""

    def query_vector(self, vector: Vectors, view: str) -> Vectors:
        """The vector [dim] to search *view* with for a question's *vector* [dim]."""

    def offset(self, vector: Vectors, view: str) -> float:
        """What to add to the scores that `query_vector` gets in *view*."""


#: Given the views of a first look, the cases from whose words the question shall be enriched: [(id, share)].
Leaders = Callable[[dict[str, View]], list[tuple[str, float]]]


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

    def search(
        self, query: Query, filters: Filters, depth: int, tuned: Tuned | None = None, leaders: Leaders | None = None
    ) -> Found:
        """Views of the cases that pass *filters*, hold every phrase of *query* as it was typed (in any script,
        width and case, blanks aside) and nothing of what *query* leaves out.

        Each view holds at least the best *depth* cases, if it finds as many: ``words`` and ``pairs`` are BM25 over
        the question's words and character pairs, ``official`` over the words of the terms of its synonyms, the
        views of :data:`search.passages.VIEWS` compare its meaning, through the maps of *tuned* if given.
        With *leaders* there is one more, ``feedback``: BM25 over the words that stand out in those cases.
        """

    def with_number(self, number: str) -> list[str]:
        """Ids of the cases that have *number* as id, number in the source, code of the item or number of a basis."""

    def with_words(self, words: Iterable[str]) -> set[str]:
        """Ids of the cases that hold all of *words* (words as :func:`search.words.words` cuts them)."""

    def counts(self, words: Sequence[str]) -> dict[str, int]:
        """In how many cases each of *words* stands; two characters that are no word count as a pair of neighbours.
        Those that stand in none are left out."""

    def homophones(self, sound: str) -> list[tuple[str, int]]:
        """Words of two to six Chinese characters that several cases hold and that sound like *sound* (see
        :func:`search.words.sounds.sound`), with their numbers of cases, most frequent first."""

    def count(self) -> int:
        """How many cases are in the index."""
