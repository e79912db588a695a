"""Hooks of the ground floor: what upper floors, and anybody's package, may add.

A package names its plugin module under the entry-point group `bancheng` and implements any of these with
`kb.hookimpl`. Pages are added as any Datasette plugin adds them (entry-point group `datasette`).
"""

# Specifications have no bodies.
# mypy: disable-error-code="empty-body"

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import click

    from .config import Settings
    from .model import Case
    from .playbook import Playbook
    from .store import Store

hookspec = pluggy.HookspecMarker("bancheng")
hookimpl = pluggy.HookimplMarker("bancheng")


@dataclass(frozen=True)
class Check:
    """One line of `kb doctor`: what was looked at, whether it is well, and what to do if not (Chinese)."""

    name: str
    ok: bool
    message: str


@dataclass(frozen=True)
class Panel:
    """A block on the page of a case: a heading and the cases that stand in it, each with a reason."""

    title: str
    entries: list[tuple[Case, str]]


@dataclass(frozen=True)
class PlaybookPanel:
    """A block on the page of a playbook: a heading with a word of judgement (`verdict`, and its colour by the class of
    a `.tag`), sentences, and cases each with a reason. `more`: address (path) and words of a page that says more, for
    those who may do the action `right` (empty: for everybody). `joins`: ids of those of the cases that whoever edits
    playbooks may take into this one."""

    title: str
    verdict: str = ""
    tone: str = ""
    lines: tuple[str, ...] = ()
    entries: tuple[tuple[Case, str], ...] = ()
    more: tuple[str, str] | None = None
    right: str = ""
    joins: tuple[str, ...] = ()


@hookspec
def kb_register_commands(cli: click.Group) -> None:
    """Add commands to `kb`. Import nothing heavy before a command runs."""


@hookspec
def kb_cases_changed(store: Store) -> None:
    """Published cases changed (ingest, publish, withdraw): bring derived data up to date."""


@hookspec
def kb_health_checks(settings: Settings) -> Iterable[Check]:
    """Lines for `kb doctor`."""


@hookspec
def kb_case_panels(settings: Settings, case: Case) -> Iterable[Panel]:
    """Blocks for the page of a case, such as similar cases."""


@hookspec
def kb_playbook_panels(settings: Settings, playbook: Playbook) -> Iterable[PlaybookPanel]:
    """Blocks for the page of a playbook, such as whether its fix held and who still needs it."""


@hookspec
def kb_suggest_fields(settings: Settings, case: Case) -> dict[str, tuple[Any, float]]:
    """For a draft written by hand: field → (value, confidence 0–1) for fields that are empty and that its texts tell.
    Whatever is proposed holds no personal data, also where the draft still does."""


@hookspec
def kb_readers() -> dict[str, Any]:
    """File readers: extension with dot → function (path, name) -> ingest.records.Reading."""
