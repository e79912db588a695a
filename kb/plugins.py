"""The plugin manager: finds what hangs on the hooks of the ground floor."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING

import pluggy

from . import hookspecs

if TYPE_CHECKING:
    from .store import Store

log = logging.getLogger(__name__)


@cache
def manager() -> pluggy.PluginManager:
    """The process-wide plugin manager with every installed package that names itself under `bancheng`."""
    found = pluggy.PluginManager("bancheng")
    found.add_hookspecs(hookspecs)
    found.load_setuptools_entrypoints("bancheng")
    return found


def tell_changed(store: Store) -> None:
    """Have derived data brought up to date. The cases are safe by then: what fails here is caught up with later,
    since every index knows that it is stale."""
    try:
        manager().hook.kb_cases_changed(store=store)
    except Exception as error:
        log.error("kb_cases_changed: %s", type(error).__name__)
