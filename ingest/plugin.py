"""What the top floor hangs on the ground floor's hooks."""

from __future__ import annotations

import click

from kb.hookspecs import hookimpl


@hookimpl
def kb_register_commands(cli: click.Group) -> None:
    from . import commands

    cli.add_command(commands.ingest)
    cli.add_command(commands.demo)
