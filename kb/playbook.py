"""The playbook (一类事): the procedure for a class of cases, as it is stored, shown and handed from floor to floor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

DRAFT, TRIAL, SOLID, RETIRED = "draft", "trial", "solid", "retired"
#: Lists of a playbook and the texts of their entries; each entry also has `cases`, the ids of those that say so.
PARTS = {
    "applies": ("text",), "not_applies": ("text",), "steps": ("action", "dept"), "materials": ("name", "substitute"),
    "basis": ("title", "doc_no", "clause"), "refusals": ("text",), "window": ("text",),
}  # fmt: skip


@dataclass
class Playbook:
    """How a class of cases is solved. Sentences are taken from cases, or written by staff (then `cases` is empty).

    - `applies`, `not_applies`, `refusals`, `window` [{text, cases}]
    - `steps` [{action, dept, days, other, cases}]; `other`: another way that also worked, not a step of the main one
    - `materials` [{name, substitute, cases}]; `substitute` is what was accepted instead
    - `basis` [{title, doc_no, clause, valid, cases}]
    - `models` ids of the cases to follow, best first; `case_ids` all its cases
    - `solidified` {kind, text, date, where, cases}: what was changed so that the ordinary window can do it
    - `doubts` [{field, mark, reason}]: placeholders that a person has to look at before it goes on trial
    """

    id: str = ""
    title: str = ""
    state: str = DRAFT
    obstacle: str = ""
    obstacle_cases: list[str] = field(default_factory=list)
    applies: list[dict[str, Any]] = field(default_factory=list)
    not_applies: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    materials: list[dict[str, Any]] = field(default_factory=list)
    basis: list[dict[str, Any]] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    window: list[dict[str, Any]] = field(default_factory=list)
    case_ids: list[str] = field(default_factory=list)
    solidified: dict[str, Any] = field(default_factory=dict)
    doubts: list[dict[str, str]] = field(default_factory=list)
    revision: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain data, one key per field."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Playbook:
        """The inverse of `to_dict`; unknown keys are ignored, missing ones are empty."""
        names = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in names})

    def cited(self) -> set[str]:
        """Ids of all cases that it names anywhere."""
        items = [item for name in PARTS for item in getattr(self, name)]
        lists = [self.case_ids, self.models, self.obstacle_cases, self.solidified.get("cases", [])]
        return {case_id for ids in (*lists, *(item["cases"] for item in items)) for case_id in ids}
