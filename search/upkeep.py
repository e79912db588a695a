"""Keeps the index and the classes of cases current and says how it is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kb.config import Settings
from kb.errors import Fault
from kb.hookspecs import Check
from kb.store import Store

log = logging.getLogger(__name__)


@contextmanager
def bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr; yields a function to be called with (done, total)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(label, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def rebuild(store: Store) -> int:
    """Builds the index from nothing, with a progress bar; returns the number of cases."""
    from .engine.embedded import EmbeddedEngine

    engine = EmbeddedEngine(store.settings)
    with bar("重建检索索引") as progress:
        engine.sync(store, progress, afresh=True)
    return engine.count()


def after_change(store: Store) -> None:
    """Brings the index up to date after cases were published or withdrawn.

    The cases are safe by then: if the index cannot be built, a message says so and the change stands.
    """
    from .precedents import precedents

    try:
        with bar("更新检索索引") as progress:
            # The searcher of this process: in a server it has the model and the index open.
            precedents(store.settings).engine.sync(store, progress)
    except Fault as fault:
        message = f"案例已保存，但检索索引未能更新：{fault}。处理后请运行 kb reindex"
        Console(stderr=True).print(message, markup=False)


def join_classes(store: Store) -> None:
    """Puts cases that were just published into the classes that there are; those withdrawn leave theirs.

    The cases are safe by then; whatever fails is made up for by the next ``kb classes propose``.
    """
    from .embedder.store import EmbeddingCache
    from .insight import classes
    from .precedents import precedents

    if not classes.begun(store):
        return
    try:
        cache = getattr(precedents(store.settings).engine, "cache", None) or EmbeddingCache(store.settings)
        classes.join_new(store, cache.encode_passages)
    except Exception as error:  # a class is no reason to fail a publication
        log.warning("新案例未能归入一类事：%s。请运行 kb classes propose", type(error).__name__)


def checks(settings: Settings) -> Iterator[Check]:
    """The middle floor's lines of `kb doctor`."""
    from . import tuning
    from .embedder import open_embedder
    from .engine.embedded import EmbeddedEngine

    try:
        embedder = open_embedder(settings)
    except Fault as fault:
        yield Check("向量模型", False, str(fault))
        return
    yield Check("向量模型", True, f"{embedder.fingerprint}，{embedder.dim} 维")
    if not settings.library_path.exists():
        return
    with Store(settings) as store:
        engine = EmbeddedEngine(settings, embedder)
        problem = engine.problem(store)
        yield Check(
            "检索索引",
            not problem,
            f"{problem}：下次检索时会自动更新，也可运行 kb reindex"
            if problem
            else f"与案例库一致，共 {engine.count()} 件",
        )
    yield from tuning.checks(settings, embedder.fingerprint)
