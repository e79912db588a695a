"""Files that people drop on the page, from the upload to the confirmation.

A raw file lies in a folder of its own, for its owner alone, until it has been read; then only de-identified cases and
keyed digests wait, in memory, each for the account that uploaded them. They go with the confirmation, when given up,
after a while, and with a restart. One file is read at a time.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import queue
import re
import secrets
import shutil
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kb import submissions
from kb.config import Settings
from kb.errors import Conflict, Fault, Missing, TooOften
from kb.store import Store, writing

from . import isolated, readers
from .drafting import Hall
from .isolated import Found, Job
from .pipeline import Prepared, save, stamp

log = logging.getLogger(__name__)
PENDING = ("receiving", "waiting", "reading", "ready", "storing")
_SETTLE = 5  # times that an upload is held against a library that keeps changing
_GONE = "这次导入已经不在了（可能已放弃、放了太久，或服务器重启过），没有保存任何内容，请重新上传"
_NOTHING = "文件里没有找到案例，请核对是不是台账、登记表或案例材料"
_EMPTY = "文件是空的（0 字节），可能没有保存或没有传完，请重新导出后再上传"


@cache
def rules() -> dict[str, Any]:
    """The content of uploads.yml."""
    return dict(yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8")))


@dataclass
class Upload:
    """One file on its way. `name` is as it was sent (cleaned of paths) until the file is read, then without personal
    data; `step` is (step, done, of how many); `reason` says why it could not be read; `stored` what was stored."""

    id: str
    account: str
    actor: dict[str, Any]
    hall: Hall
    name: str
    folder: Path
    since: float
    stage: str = "receiving"
    step: tuple[str, int, int] = ("open", 0, 0)
    reason: str = ""
    found: Found = field(default_factory=Found)
    stored: dict[str, Any] = field(default_factory=dict)
    given_up: bool = False

    @property
    def raw(self) -> Path:
        return self.folder / ("raw" + Path(self.name).suffix.lower()[:10])


#: Reads a job: isolated.run.
Run = Callable[[Job, isolated.Tell, Callable[[], bool], float], Found]


class Uploads:
    """The uploads of one library. Methods may be called from any thread."""

    def __init__(
        self, settings: Settings, run: Run = isolated.run, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.settings = settings
        self.folder = settings.data_dir / "incoming"
        self._run, self._clock = run, clock
        self._uploads: dict[str, Upload] = {}
        self._lock = threading.Lock()
        self._queue: queue.Queue[Upload] = queue.Queue()
        self._worker: threading.Thread | None = None
        shutil.rmtree(self.folder, ignore_errors=True)  # left by a server that was cut off
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)

    # Coming in

    async def receive(self, actor: dict[str, Any], hall: Hall, name: str, parts: AsyncIterator[bytes]) -> Upload:
        """Take a file in and put it in line. Raises TooOften when too many wait, Fault when it cannot be read."""
        upload = self._begin(actor, hall, plain_name(name))
        try:
            size = 0
            with os.fdopen(os.open(upload.raw, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                async for part in parts:
                    size += file.write(part)
            if not size:
                raise Fault(_EMPTY)
            reason = await asyncio.to_thread(readers.refusal, upload.raw, upload.name)
            if reason:
                raise Fault(reason)
        except BaseException:
            self._drop(upload)
            raise
        upload.stage = "waiting"
        self._queue.put(upload)
        self._start()
        return upload

    def _begin(self, actor: dict[str, Any], hall: Hall, name: str) -> Upload:
        limits = rules()["limits"]
        upload_id = secrets.token_urlsafe(12)
        upload = Upload(upload_id, actor["id"], dict(actor), hall, name, self.folder / upload_id, self._clock())
        with self._lock:
            self._sweep()
            waiting = [each for each in self._uploads.values() if each.stage in PENDING]
            own = sum(each.account == upload.account for each in waiting)
            if own >= limits["pending_per_account"]:
                raise TooOften(f"您已有 {own} 个文件等着读取或确认，请先确认或放弃其中几个")
            if len(waiting) >= limits["pending"]:
                raise TooOften("现在导入的人很多，请过几分钟再传")
            self._uploads[upload.id] = upload
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        upload.folder.mkdir(mode=0o700)
        return upload

    # Reading

    def _start(self) -> None:
        with self._lock:
            if self._worker is None or not self._worker.is_alive():
                self._worker = threading.Thread(target=self._work, daemon=True, name="uploads")
                self._worker.start()

    def _work(self) -> None:
        while True:
            try:
                upload = self._queue.get(timeout=60)
            except queue.Empty:
                with self._lock:
                    self._sweep()
                continue
            self._read(upload)

    def _read(self, upload: Upload) -> None:
        def tell(*step: Any) -> None:
            upload.step = step

        limits = rules()["limits"]
        job = Job(self.settings, upload.raw, upload.name, upload.hall, upload.actor, limits["cases"])
        try:
            if upload.given_up:
                return
            upload.stage = "reading"
            found = self._run(job, tell, lambda: upload.given_up, limits["reading_minutes"] * 60)
            reasons = [file.report.reason for file in found.files if file.report.reason]
            items = sum(len(file.items) for file in found.files)
            upload.found = found
            upload.name = found.files[0].report.file.partition("/")[0] if found.files else "文件"
            upload.reason = "" if items else "；".join(reasons) or _NOTHING
            upload.since = self._clock()
            upload.stage = "ready" if items else "refused"
        except Fault as fault:
            upload.reason, upload.stage = str(fault), "refused"
        except Exception as error:  # the next file in line is not to wait for ever; values are not logged
            log.error("%s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
            upload.reason, upload.stage = isolated.BROKEN, "refused"
        finally:
            shutil.rmtree(upload.folder, ignore_errors=True)

    # Looking

    def get(self, actor: dict[str, Any] | None, upload_id: str) -> Upload:
        """The upload of this account. Raises Missing for anybody else's too."""
        with self._lock:
            self._sweep()
            found = self._uploads.get(upload_id)
        if found is None or actor is None or found.account != actor["id"]:
            raise Missing(_GONE)
        return found

    def of(self, actor: dict[str, Any]) -> list[Upload]:
        """What this account has uploaded and neither given up nor, some time ago, confirmed; oldest first."""
        with self._lock:
            self._sweep()
            return [upload for upload in self._uploads.values() if upload.account == actor["id"]]

    def ahead(self, upload: Upload) -> int:
        """How many files are read before this one."""
        with self._lock:
            others = list(self._uploads.values())
        before = others[: others.index(upload)] if upload in others else []
        return sum(other.stage in ("waiting", "reading") for other in before)

    # Going out

    def give_up(self, upload: Upload) -> None:
        """Forget an upload. Raises Conflict while it is being stored."""
        with self._lock:
            if upload.stage == "storing":
                raise Conflict("正在报送，不能放弃了")
        self._drop(upload)

    def confirm(self, store: Store, upload: Upload, leave_out: Collection[int]) -> dict[str, Any]:
        """Store the cases of an upload but those left out (numbers of the preview): they wait for review, for the hall
        of the upload. Confirming again gives the same answer. Raises Conflict before it was read."""
        with self._lock:
            if upload.stage == "stored":
                return upload.stored
            if upload.stage != "ready":
                raise Conflict("还没有读完或正在报送，请稍等" if upload.stage in PENDING else upload.reason)
            upload.stage = "storing"
        try:
            upload.stored = _store(store, upload, _chosen(upload.found, leave_out))
        except BaseException:
            upload.stage = "ready"
            raise
        upload.stage, upload.found, upload.since = "stored", Found(), self._clock()
        return upload.stored

    def _drop(self, upload: Upload) -> None:
        upload.given_up = True
        with self._lock:
            self._uploads.pop(upload.id, None)
        shutil.rmtree(upload.folder, ignore_errors=True)

    def _sweep(self) -> None:
        """Forget what has waited too long. Files in line or being read are not old, however long it takes."""
        before = self._clock() - rules()["limits"]["expire_minutes"] * 60
        for upload in list(self._uploads.values()):
            if upload.since < before and upload.stage in ("ready", "refused", "stored"):
                del self._uploads[upload.id]


def plain_name(name: str) -> str:
    """The name of a file without the way to it, without control characters, of sensible length; its ending stays."""
    last = re.split(r"[/\\]", name)[-1]
    last = "".join(char for char in last if char.isprintable()).strip().rstrip(" .")
    stem, dot, ending = last.rpartition(".")
    if not dot or len(ending) > 10:
        stem, ending = last, ""
    stem = stem[: rules()["limits"]["name_chars"]].strip() or "未命名"
    return f"{stem}.{ending}" if ending else stem


def _chosen(found: Found, leave_out: Collection[int]) -> list[Prepared]:
    """The files without the records left out; copies, so that a failure loses nothing."""
    total = sum(len(file.items) for file in found.files)
    if set(leave_out) - set(range(total)):
        raise Fault("要剔除的件里有不在预览里的，请重新载入页面再试")
    if total == len(set(leave_out)):
        raise Fault("一件都没有选。都不报送的话，请点“放弃”")
    files, at = [], 0
    for file in found.files:
        kept = [item for number, item in enumerate(file.items, at) if number not in leave_out]
        at += len(file.items)
        files.append(Prepared(file.report, [replace(item, case=replace(item.case)) for item in kept]))
    ids = {item.case.id for file in found.files for item in file.items}
    kept_ids = {item.case.id for file in files for item in file.items}
    for item in (item for file in files for item in file.items):
        if item.case.duplicate_of in ids - kept_ids - set(found.earlier):
            item.case.duplicate_of = ""  # what it was the same as is left out
    return files


def _store(store: Store, upload: Upload, files: list[Prepared]) -> dict[str, Any]:
    """Drafts in one transaction, settled by the library as it is at that moment: others may have been at work since."""
    found = replace(upload.found, files=files)
    for _ in range(_SETTLE):
        with writing(store.workbench):
            if stamp(store) == found.stamp:
                return _write(store, upload, found)
        found = isolated.settled(store, files, upload.actor)
    raise Conflict("这时有很多人在改动案例库，请过一会儿再确认")


def _write(store: Store, upload: Upload, found: Found) -> dict[str, Any]:
    for file in found.files:
        save(store, file, upload.account, foreign=found.foreign)
    items = [item for file in found.files for item in file.items]
    changed = [item.case.id for item in items if item.change != "same"]
    submissions.put(store, changed, submissions.SUBMITTED, upload.account, upload.hall.code)
    count = {change: sum(item.change == change for item in items) for change in ("new", "revised", "same")}
    left_out = sum(len(file.items) for file in upload.found.files) - len(items)
    return {
        "drafts": count["new"], "revisions": count["revised"], "unchanged": count["same"], "left_out": left_out,
    }  # fmt: skip


@cache
def uploads(settings: Settings) -> Uploads:
    """The process-wide uploads of a library."""
    return Uploads(settings)
