"""What the middle floor hangs on the ground floor's hooks: commands, upkeep of the index and of the classes, health
checks, similar cases on the page of a case, and what became of a playbook on its page."""

from __future__ import annotations

from collections.abc import Iterable

import click

from kb.config import Settings
from kb.hookspecs import Check, Panel, PlaybookPanel, hookimpl
from kb.model import Case
from kb.playbooks import Playbook
from kb.store import Store


@hookimpl
def kb_register_commands(cli: click.Group) -> None:
    from . import commands
    from .barrier_commands import barriers
    from .class_commands import classes
    from .tuning_commands import tune
    from .unmet_commands import unmet

    for command in (commands.search, commands.reindex, commands.evaluate, unmet, tune, classes, barriers):
        cli.add_command(command)


@hookimpl
def kb_cases_changed(store: Store) -> None:
    from . import upkeep
    from .insight import watch

    upkeep.after_change(store)
    upkeep.join_classes(store)
    watch.after_change(store)


@hookimpl
def kb_health_checks(settings: Settings) -> Iterable[Check]:
    from . import upkeep

    return upkeep.checks(settings)


@hookimpl
def kb_case_panels(settings: Settings, case: Case) -> Iterable[Panel]:
    from .precedents import precedents

    return [Panel("相近案例", precedents(settings).similar(case))]


@hookimpl
def kb_playbook_panels(settings: Settings, playbook: Playbook) -> Iterable[PlaybookPanel]:
    from .insight import panels

    return panels.of_playbook(settings, playbook)
