"""What `kb doctor` looks at on the ground floor; other floors add their lines through a hook."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from .config import Settings
from .hookspecs import Check
from .plugins import manager
from .store import Store


def checks(settings: Settings) -> list[Check]:
    """All lines of the examination, the ground floor's first."""
    found = list(_ground(settings))
    for lines in manager().hook.kb_health_checks(settings=settings):
        found += lines
    return found


def _ground(settings: Settings) -> Iterator[Check]:
    if not settings.library_path.exists():
        yield Check("案例库", False, f"{settings.data_dir} 里还没有案例库。先运行 kb demo 或 kb ingest")
        return
    try:
        store = Store(settings)
    except sqlite3.DatabaseError:
        yield Check("案例库", False, "数据库文件打不开，可能已损坏，请从备份恢复")
        return
    with store:
        for name, db in (("library.db", store.library), ("workbench.db", store.workbench)):
            answer = db.execute("pragma quick_check").fetchone()[0]
            yield Check(name, answer == "ok", "完好" if answer == "ok" else "有损坏，请从备份恢复")
        cases = store.library.table("cases").count_where("state = 'published'")
        yield Check("案例", True, f"已入库 {cases} 件")
        drafts = list(store.drafts())
        doubtful = sum(bool(draft.doubts) for draft in drafts)
        yield Check("草稿", True, f"{len(drafts)} 件待审，其中 {doubtful} 件存疑")
        leftovers = store.leftovers()
        again = f"{len(leftovers)} 件草稿与已入库内容相同，请运行 kb publish {' '.join(leftovers[:3])}"
        yield Check("未完成的入库", not leftovers, again if leftovers else "没有")
