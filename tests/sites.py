"""Datasette with exactly the plugins that a test means, whatever is installed."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

from datasette.plugins import pm

OURS = ("kb.web.plugin", "search.web", "ingest.web")


@contextmanager
def only(*wanted: str) -> Iterator[None]:
    """Of our Datasette plugins those named `wanted` are active, and no others."""
    active = {name for name in OURS if pm.is_registered(importlib.import_module(name))}
    _set(set(wanted))
    try:
        yield
    finally:
        _set(active)


def _set(names: set[str]) -> None:
    for name in OURS:
        module = importlib.import_module(name)
        if name in names and not pm.is_registered(module):
            pm.register(module)
        elif name not in names and pm.is_registered(module):
            pm.unregister(module)
