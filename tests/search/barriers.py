"""A made-up library in which one obstacle comes back after a fix, another waits in a circle, and texts are hostile."""

from __future__ import annotations

from typing import Any

from kb.config import Settings
from kb.model import Case
from kb.store import Store
from search.insight import classes

from ..library import EVIL_TEXT

MINHOU = {"code": "350121", "name": "闽侯县政务服务中心"}
CHANGLE = {"code": "350112", "name": "长乐区政务服务中心"}
PLACES = {
    "350121": {"province": "福建省", "city": "福州市", "county": "闽侯县", "code": "350121"},
    "350112": {"province": "福建省", "city": "福州市", "county": "长乐区", "code": "350112"},
}
OBSTACLE = "参保库里的姓名与公安库对不上，系统不让提交"


def _case(number: int, hall: dict[str, str], received: str, **more: Any) -> Case:
    told = {
        "title": f"姓名对不上第{number}件", "matter": {"name": "城乡居民基本医疗保险参保登记"},
        "demand": "想参保，窗口说查无此人",
        "obstacle": OBSTACLE, "barriers": ["信息不一致"], "handling": ["协调"], "outcome": "办成",
        "measure": "窗口代查派出所档案，当场更正后办结",
    }  # fmt: skip
    return Case(id=f"ba{number:010}", hall=hall, region=PLACES[hall["code"]], received=received, **{**told, **more})


NAMES = [
    _case(1, MINHOU, "2023-01-10"),
    _case(2, CHANGLE, "2023-02-11"),
    _case(3, MINHOU, "2023-03-12", solidified={"kind": "流程", "text": "两库差错由窗口合并", "date": "2023-03-20"}),
    _case(4, CHANGLE, "2023-08-01", handling=["帮办代办"]),
    _case(5, MINHOU, "2023-09-02"),
]
CIRCLE = [
    _case(at, hall, f"2023-0{at - 4}-05", title=f"备案互相等第{at}件", matter={"name": "托育机构备案"},
          obstacle="民政局说要先有住建局的消防验收意见，住建局说要先有民政局的备案回执", barriers=["互为前置"])
    for at, hall in ((6, MINHOU), (7, CHANGLE))
]  # fmt: skip
TWICE = _case(8, MINHOU, "2023-01-12", duplicate_of=NAMES[0].id)
REFUSED = _case(9, CHANGLE, "2023-05-05", outcome="依法不能办已释因", barriers=["依法不能办"],
                obstacle="不符合法定条件")  # fmt: skip
HOSTILE = [
    Case(id=f"evil{at:08}", title=EVIL_TEXT, obstacle=EVIL_TEXT, demand=EVIL_TEXT, barriers=["告知不清或操作不明"],
         matter={"name": EVIL_TEXT}, hall={"code": "", "name": EVIL_TEXT}, region={"county": EVIL_TEXT},
         outcome=EVIL_TEXT, handling=[EVIL_TEXT], received="2023-04-04",
         solidified={"kind": "指南", "text": EVIL_TEXT, "date": "2023-04-09"})
    for at in (1, 2)
]  # fmt: skip
CASES = [*NAMES, *CIRCLE, TWICE, REFUSED, *HOSTILE]


def fill(settings: Settings) -> dict[str, str]:
    """Publish `CASES` and make their classes; the ids of these by name."""
    with Store(settings) as store:
        store.publish(CASES, by="测试")
        made = {name: classes.make(store, [case.id for case in cases], "测试").id
                for name, cases in (("names", NAMES), ("circle", CIRCLE), ("hostile", HOSTILE))}  # fmt: skip
    return made
