"""The plugin manager: finds what hangs on the hooks of the ground floor."""

from __future__ import annotations

from functools import cache

import pluggy

from . import hookspecs


@cache
def manager() -> pluggy.PluginManager:
    """The process-wide plugin manager with every installed package that names itself under `bancheng`."""
    found = pluggy.PluginManager("bancheng")
    found.add_hookspecs(hookspecs)
    found.load_setuptools_entrypoints("bancheng")
    return found
