"""What came of a precedent: 用上了, or 不适用 with a reason of a closed list (feedback.yml).

The latest word of an account on a case stands. What was typed is kept without personal data, or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .errors import Fault
from .privacy import redact_text
from .store import Store, now, writing

USED, UNSUITED = "used", "unsuited"
_LOOKED_AT = 1000  # characters of what was typed


@cache
def settings() -> dict[str, Any]:
    """The content of ``feedback.yml``."""
    path = Path(__file__).parent / "feedback.yml"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True)
class Standing:
    """What is known of one case: in how many halls it was used, how many said 不适用, and what the asker said."""

    halls: int = 0
    unsuited: int = 0
    mine: str = ""
    reason: str = ""

    @property
    def said(self) -> str:
        """How often it was used, in words; empty if nobody has."""
        return f"{self.halls} 个大厅用上过" if self.halls else ""


def give(
    store: Store, case_id: str, actor: Mapping[str, Any], kind: str, reason: str = "", note: str = "",
    question: str = "",
) -> None:
    """Keep what `actor` says of a case, in place of what they said before. Raises Fault."""
    if kind not in settings()["kinds"]:
        raise Fault("只能说“用上了”或“不适用”")
    if kind == UNSUITED and reason not in settings()["reasons"]:
        raise Fault(f"请选一个不适用的原因：{'、'.join(settings()['reasons'])}")
    said = {
        "case_id": case_id, "account": actor["id"], "hall_code": actor["hall_code"] or "", "kind": kind,
        "reason": reason if kind == UNSUITED else "", "note": _safe(note, settings()["longest_note"]),
        "question": _safe(question, settings()["longest_question"]), "at": now(),
    }  # fmt: skip
    with writing(store.workbench):
        store.workbench.table("feedback").upsert(said, pk=("case_id", "account"))


def standings(store: Store, ids: Iterable[str], account: str = "") -> dict[str, Standing]:
    """Case id → its standing, for those of `ids` that anybody has said anything of; `account` is whose word is mine."""
    rows = store.workbench.query(
        "select case_id, count(distinct case when kind = :used then nullif(hall_code, '') end) as halls, "
        "sum(kind = :unsuited) as unsuited, "
        "max(case when account = :account then kind end) as mine, "
        "max(case when account = :account then reason end) as reason "
        "from feedback where case_id in (select value from json_each(:ids)) group by case_id",
        {"used": USED, "unsuited": UNSUITED, "account": account, "ids": json.dumps(list(ids))},
    )
    return {
        row["case_id"]: Standing(row["halls"], row["unsuited"], row["mine"] or "", row["reason"] or "") for row in rows
    }


def _safe(text: str, longest: int) -> str:
    """`text` in one line as it may be kept. It is redacted before it is cut: half a number is not recognised."""
    plain = " ".join(text[:_LOOKED_AT].encode(errors="replace").decode().replace("\0", "").split())
    return redact_text(plain)[:longest] if plain else ""
