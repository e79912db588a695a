"""Answers about a whole library, kept in the process until what they are made from has changed.

At a hundred thousand cases the radar takes seconds; a page, its pictures and its report ask for the same one.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from kb.store import Store

KEPT = 40  # answers, the eldest go first
#: Questions come in all day: what hangs on them may be so many seconds old.
PATIENCE = 600

T = TypeVar("T")
_answers: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
_lock = threading.Lock()


def remembered(work: Callable[..., T]) -> Callable[..., T]:
    """`work(store, …)` with its answers kept. Whoever gets one must not change it."""

    @wraps(work)
    def kept(store: Store, *args: Any, **more: Any) -> T:
        key = (work.__module__, work.__name__, *_state(store), args, *sorted(more.items()))
        with _lock:
            if key in _answers:
                known: T = _answers[key]
                return known
        found = work(store, *args, **more)
        with _lock:  # pages are made in several threads
            _answers[key] = found
            while len(_answers) > KEPT:
                _answers.popitem(last=False)
        return found

    return kept


def _state(store: Store) -> tuple[Any, ...]:
    """What tells states of the published cases, of the classes, and roughly of the questions apart."""
    row = store.workbench.conn.execute(
        "select (select count(*) || '.' || coalesce(sum(borderline), 0) from class_members), "
        "(select count(*) || '.' || coalesce(max(changed), '') from classes), "
        "(select coalesce(max(id), 0) from class_decisions), (select count(*) from questions where closed != ''), "
        "(select coalesce(max(rowid), 0) from traces)"
    ).fetchone()
    return (str(store.settings.data_dir), *store.stamp().values(), *row, int(time.time() // PATIENCE))
