"""What the top floor hangs on the ground floor's hooks."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import click

from kb.hookspecs import hookimpl

if TYPE_CHECKING:
    from kb.config import Settings
    from kb.model import Case
    from search.passages import Encode


@hookimpl
def kb_register_commands(cli: click.Group) -> None:
    from . import commands

    cli.add_command(commands.ingest)
    cli.add_command(commands.demo)


@hookimpl
def kb_suggest_fields(settings: Settings, case: Case) -> dict[str, tuple[Any, float]]:
    from .suggesting import suggest

    return suggest(case, _encoder(settings))


@cache
def _encoder(settings: Settings) -> Encode:
    """One per process: the labelled examples are embedded once for each. Of a draft that may never be handed in not
    even a vector is kept."""
    from .inference.similar import forgetful

    return forgetful(settings)
