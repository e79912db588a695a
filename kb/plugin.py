"""What the ground floor itself hangs on its hooks."""

from __future__ import annotations

import click

from .hookspecs import hookimpl


@hookimpl
def kb_register_commands(cli: click.Group) -> None:
    from . import account_commands

    cli.add_command(account_commands.account)
    cli.add_command(account_commands.token)
