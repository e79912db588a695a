"""Reading an uploaded file in a process of its own.

What a wild file may do to a reader (take all memory, never end, crash a library) it does to that process alone, the
searching goes on beside it, and giving up is ending it. Nothing is written but files below the folder of the upload,
and vectors of the package's own texts.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from kb.config import Settings
from kb.errors import Fault

from .drafting import Hall
from .pipeline import Prepared

log = logging.getLogger(__name__)
BROKEN = "读取这个文件时出了意外，没有读成。请用 Excel 或 WPS 打开原件另存为新的 .xlsx 再试；还不行请联系管理员"
_SLOW = "读取这个文件用了太久，已经停下。请拆成几个文件再试，或请管理员在服务器上导入"
_PAUSE = 0.2  # seconds between two looks at whether the reading was given up

#: (step, done so far, of how many); steps are those of uploads.yml
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Job:
    """One file to read: where it lies (it is removed as soon as it is read), what it is called, for whose hall, and the
    actor, who sees of the library's drafts only those of his own."""

    settings: Settings
    path: Path
    name: str
    hall: Hall
    actor: dict[str, Any]
    most: int


@dataclass
class Found:
    """What came out: files in order (a .zip holds several), settled by the state `stamp` of the library; `foreign` keys
    belong to drafts that the actor may not see; `earlier` says of cases that the files meet again whether they are
    published (else a draft) and what they are called."""

    files: list[Prepared] = field(default_factory=list)
    stamp: tuple[int, ...] = ()
    foreign: frozenset[str] = frozenset()
    earlier: dict[str, tuple[bool, str]] = field(default_factory=dict)


def read(job: Job, tell: Tell) -> Found:
    """Read, de-identify and settle one file; nothing of it is stored. Raises Fault for what its owner can put right."""
    from kb.store import Store

    from . import readers
    from .inference.similar import forgetful
    from .pipeline import prepare

    tell("open", 0, 0)
    readings = list(readers.read_apart(job.path, job.name))
    job.path.unlink(missing_ok=True)
    total = sum(len(reading.records) for _, reading in readings)
    if total > job.most:
        raise Fault(f"文件里有 {total} 件，网页上一次最多 {job.most} 件。请拆成几个文件，或请管理员在服务器上导入")
    with Store(job.settings) as store:
        secret = store.secret("traces")
        encode = _remembering(forgetful(job.settings))
        files: list[Prepared] = []
        for name, reading in readings:
            before = sum(len(one.items) for one in files)

            def progress(what: str, done: int, _: int, before: int = before) -> None:
                tell("embed" if what.startswith("计算") else "redact", before + done, total)

            files.append(prepare(name, reading, encode, secret, hall=job.hall, progress=progress))
            reading.records.clear()
        tell("compare", 0, 0)
        return settled(store, files, job.actor)


def settled(store: Any, files: list[Prepared], actor: dict[str, Any]) -> Found:
    """The files held against the library as `actor` may see it."""
    from kb import submissions
    from search.embedder.store import EmbeddingCache

    from .pipeline import Known, settle

    hidden = submissions.hidden(store, actor)
    known = Known(store, EmbeddingCache(store.settings).encode_passages, hidden)
    for one in files:
        settle(one, known)
    items = [item for one in files for item in one.items]
    own = {item.case.id for item in items if item.change == "new"}
    met = {item.case.id for item in items} | {item.case.duplicate_of for item in items if item.case.duplicate_of}
    earlier = {}
    for case_id in met - own:
        case, published = known.newest(case_id), store.get(case_id)
        if case is not None:
            earlier[case_id] = published is not None, case.title or case.demand[:40]
    return Found(files, known.stamp, frozenset(known.foreign), earlier)


def _remembering(encode: Callable[[Sequence[str]], np.ndarray]) -> Callable[[Sequence[str]], np.ndarray]:
    """`encode`, with every text embedded once: drafting asks again for what the comparison needs."""
    known: dict[str, np.ndarray] = {}

    def remembered(texts: Sequence[str]) -> np.ndarray:
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing or not texts:
            found = encode(missing)
            known.update(zip(missing, found, strict=True))
            if not texts:
                return found
        return np.stack([known[text] for text in texts])

    return remembered


def run(job: Job, tell: Tell, given_up: Callable[[], bool], seconds: float) -> Found:
    """`read` in a process of its own. Raises Fault: also when it takes longer than `seconds` or dies; when it was given
    up nobody looks at what is raised."""
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(job, sending), daemon=True, name="upload")
    process.start()
    sending.close()
    deadline = time.monotonic() + seconds
    try:
        while not given_up() and time.monotonic() < deadline:
            if not receiving.poll(_PAUSE):
                continue
            kind, value = receiving.recv()
            if kind == "found":
                assert isinstance(value, Found)
                return value
            if kind == "fault":
                raise Fault(value)
            tell(*value)
    except EOFError as error:
        raise Fault(BROKEN) from error
    finally:
        process.kill()
        process.join()
        receiving.close()
    raise Fault(_SLOW)


def _child(job: Job, sending: Connection) -> None:
    os.nice(10)  # people who search come first
    os.umask(0o077)
    tempfile.tempdir = str(job.path.parent)  # what archives are unpacked to goes with the folder
    warnings.simplefilter("ignore")  # libraries quote cells
    try:
        sending.send(("found", read(job, lambda *step: sending.send(("step", step)))))
    except Fault as fault:
        sending.send(("fault", str(fault)))
    except Exception as error:  # whatever a reader did not foresee: where it happened, without values
        log.error("%s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
        sending.send(("fault", BROKEN))
