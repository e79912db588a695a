"""Invented cases and classes for tests of barriers, comparisons and watches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kb.model import Case
from kb.store import Store, now, writing

MINHOU = {"code": "350121", "name": "闽侯县"}
LIANJIANG = {"code": "350122", "name": "连江县"}
YANGGU = {"code": "371521", "name": "阳谷县"}
FUZHOU: dict[str, str | None] = {"province": "福建省", "city": "福州市"}
LIAOCHENG = {"province": "山东省", "city": "聊城市", "county": "阳谷县", "code": "371521"}


def case(number: int, received: str = "2024-03-01", hall: dict[str, str] = MINHOU, **more: Any) -> Case:
    """A case of a county, with number `number` in its id."""
    values: dict[str, Any] = {
        "hall": hall, "received": received, "outcome": "办成", "barriers": ["信息不一致"], "title": f"第{number}件",
        "region": LIAOCHENG if hall is YANGGU else FUZHOU | {"county": hall.get("name"), "code": hall.get("code")},
        "matter": {"name": "户口迁移", "standard": "户口迁移"}, "obstacle": "产权证坐落与门牌地址对不上",
    }  # fmt: skip
    return Case(f"{number:012}", **{**values, **more})


def ids(*numbers: int) -> list[str]:
    return [f"{number:012}" for number in numbers]


def publish(store: Store, cases: Iterable[Case]) -> None:
    store.publish(cases, by="测试")


def classed(
    store: Store, class_id: str, *numbers: int, state: str = "proposed", title: str = "坐落与门牌对不上"
) -> None:
    """A class of the cases with those numbers."""
    row = {"id": class_id, "title": title, "obstacle": f"{title}。", "barriers": '["信息不一致"]',
           "why": "[]", "state": state, "playbook": "", "created": now(), "changed": now()}  # fmt: skip
    with writing(store.workbench):
        store.workbench.table("classes").insert(row)
        for place, case_id in enumerate(ids(*numbers)):
            store.workbench.table("class_members").insert(
                {"case_id": case_id, "class_id": class_id, "by": "machine", "fit": 1 - place / 100, "borderline": 0}
            )
