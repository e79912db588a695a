"""What stands beside a case: the panels of upper floors, and the playbook (一类事) under which it falls."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from ..hookspecs import Panel
from ..model import Case
from ..playbooks import brief
from ..plugins import manager
from .shell import Library

log = logging.getLogger(__name__)


async def panels(library: Library, case: Case) -> list[Panel]:
    """The panels that say something. Whatever an upper floor lacks, the case itself is shown."""
    return await asyncio.to_thread(_panels, library, case)


async def playbook(library: Library, playbook_id: str) -> dict[str, Any] | None:
    """What is told of a playbook that readers see, as `playbooks.brief` gives it."""
    found = await library.store(lambda store: brief(store, [playbook_id])) if playbook_id else []
    return found[0] if found else None


async def near_playbook(library: Library, found: list[Panel]) -> dict[str, Any] | None:
    """The playbook of the first case in the panels that has one."""
    return await playbook(library, next((other.playbook for each in found for other, _ in each.entries
                                         if other.playbook), ""))  # fmt: skip


def _panels(library: Library, case: Case) -> list[Panel]:
    try:
        answers = manager().hook.kb_case_panels(settings=library.settings, case=case)
        return [panel for panels in answers for panel in panels if panel.entries]
    except Exception as error:
        log.error("kb_case_panels: %s", type(error).__name__)
        return []
