"""The way from draft to library and out of it; the de-identification gate stands here."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import Fault
from .plugins import manager
from .privacy import redact_text
from .store import Store


def publish(store: Store, ids: Sequence[str], by: str, cleared: bool = False) -> list[str]:
    """Publish drafts; returns their ids. A draft with doubts is refused unless a person has `cleared` them.

    Raises Fault, and publishes nothing, when one of the drafts does not exist or may not pass.
    """
    cases = []
    for case_id in ids:
        draft = store.draft(case_id)
        if draft is None:
            raise Fault(f"没有编号为 {case_id} 的草稿。可用 kb review 查看待审草稿")
        if draft.doubts and not cleared:
            raise Fault(
                f"草稿 {case_id} 还有 {len(draft.doubts)} 处存疑，请先用 kb review {case_id} 核对，确认后加 --cleared"
            )
        cases.append(draft.case)
    done = store.publish(cases, by, "人工核对后入库" if cleared else "")
    manager().hook.kb_cases_changed(store=store)
    return done


def withdraw(store: Store, case_id: str, by: str, reason: str) -> None:
    """Take a case out of the library with a reason, leaving a tombstone. Raises Fault when it is not there."""
    if not reason.strip():
        raise Fault("出库须写明理由")
    store.withdraw(case_id, by, redact_text(reason))
    manager().hook.kb_cases_changed(store=store)
