"""Keeps the index current and says how it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kb.config import Settings
from kb.errors import Fault
from kb.hookspecs import Check
from kb.store import Store


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
    from .engine.embedded import EmbeddedEngine

    try:
        engine = EmbeddedEngine(store.settings)
        if engine.problem(store):
            with bar("更新检索索引") as progress:
                engine.sync(store, progress)
    except Fault as fault:
        message = f"案例已保存，但检索索引未能更新：{fault}。处理后请运行 kb reindex"
        Console(stderr=True).print(message, markup=False)


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
