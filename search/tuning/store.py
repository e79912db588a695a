"""The tuning of a library on disk, and what the search gets of it.

``DATA/index/tuning`` holds ``tuning.json`` (stamp, weights, figures, whether it is in use) and the file of maps that it
names.  Both are derived: they may be deleted, and what is broken or was made for another model or other weights
of ``ranking.yml`` is ignored.
"""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kb.config import Settings
from kb.errors import Fault
from kb.hookspecs import Check

from .. import ranking
from ..embedder import Vectors
from ..passages import VIEWS
from .adapter import Adapter

if TYPE_CHECKING:
    from .learning import Learnt

#: Raise when the files or their meaning change.
SCHEMA = 1
NAME = "检索调优"


@dataclass(frozen=True)
class Tuning:
    """What was learnt from a library: maps by dense view, and weights of all views (those of ``ranking.yml`` where
    none were learnt)."""

    adapters: dict[str, Adapter]
    weights: dict[str, float]

    def query_vector(self, vector: Vectors, view: str) -> Vectors:
        """The vector [dim] to search *view* with for a question's *vector* [dim]; its length is not one."""
        return self.adapters[view](vector) if view in self.adapters else vector

    def offset(self, vector: Vectors, view: str) -> float:
        """What to add to the scores (and their mean and floor) that `query_vector` gets in *view*, so that limits and
        calibrations made for plain cosines go on to hold; order and z-scores do not depend on it."""
        return self.adapters[view].offset(vector) if view in self.adapters else 0.0


def load(settings: Settings, fingerprint: str) -> Tuning | None:
    """The tuning in use for the embedder with *fingerprint*; None if there is none, it is off or cannot be used.

    Cheap enough for every search: files are read again only when they have changed.
    """
    try:
        changed = _path(settings).stat().st_mtime_ns
    except OSError:
        return None
    return _loaded(_path(settings), changed, fingerprint)


def save(settings: Settings, fingerprint: str, version: int, learnt: Learnt) -> None:
    """Keeps *learnt* for the library at *version* and puts it in use; Fault if it cannot be written."""
    packed = io.BytesIO()
    arrays = {
        f"{view}.{part}": getattr(one, part) for view, one in learnt.adapters.items() for part in ("matrix", "mean")
    }
    np.savez_compressed(packed, **arrays)
    content = packed.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    name = f"adapters-{digest[:12]}.npz"
    entry = {
        **_stamp(fingerprint),
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "version": version,
        "active": True,
        "adapters": {
            "file": name,
            "sha256": digest,
            "scales": {view: one.scale for view, one in learnt.adapters.items()},
        },
        "weights": learnt.weights,
        "figures": learnt.figures,
    }
    folder = _path(settings).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(folder / name, content)
        _write(settings, entry)
        for old in folder.glob("adapters-*.npz"):
            if old.name != name:
                old.unlink(missing_ok=True)
    except OSError as error:
        raise Fault(f"{folder} 无法写入：{error.strerror}") from error


def switch(settings: Settings, active: bool) -> None:
    """Puts the tuning out of use or in use again; Fault if there is none."""
    entry = described(settings)
    if not entry:
        raise Fault("还没有调优结果，先运行 kb tune")
    try:
        _write(settings, {**entry, "active": active})
    except OSError as error:
        raise Fault(f"{_path(settings)} 无法写入：{error.strerror}") from error


def described(settings: Settings) -> dict[str, Any]:
    """What ``tuning.json`` says; empty if there is none or it cannot be read."""
    try:
        entry = json.loads(_path(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}


def problem(settings: Settings, fingerprint: str) -> str:
    """Why the tuning on disk is ignored (Chinese); empty if there is none or nothing is wrong with it."""
    if not _path(settings).exists():
        return ""
    entry = described(settings)
    if any(entry.get(key) != value for key, value in _stamp(fingerprint).items()):
        if not entry:
            return "调优文件损坏，已忽略"
        return "调优结果来自另一向量模型或另一版本的程序，已忽略"
    try:
        _tuning(_path(settings).parent, entry)
        _ = entry["active"], entry["date"][:10], entry["version"], entry["figures"]["cases"]
    except _BROKEN:
        return "调优文件损坏，已忽略"
    return ""


def checks(settings: Settings, fingerprint: str) -> Iterator[Check]:
    """The line of `kb doctor`; none if the library was never tuned."""
    if not _path(settings).exists():
        return
    if trouble := problem(settings, fingerprint):
        yield Check(NAME, False, f"{trouble}：检索按未调优进行，可重新运行 kb tune")
        return
    entry = described(settings)
    state = "已启用" if entry["active"] else "已停用"
    yield Check(NAME, True, f"{state}，{entry['date'][:10]} 由 {entry['figures']['cases']} 件案例学得")


#: What reading damaged or missing files raises.
_BROKEN = (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile)


@lru_cache(maxsize=8)
def _loaded(path: Path, changed: int, fingerprint: str) -> Tuning | None:
    """The tuning of the file *path*, last written at *changed*."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        if not entry["active"] or any(entry.get(key) != value for key, value in _stamp(fingerprint).items()):
            return None
        return _tuning(path.parent, entry)
    except _BROKEN:
        return None


def _tuning(folder: Path, entry: dict[str, Any]) -> Tuning:
    """What *entry* describes; one of ``_BROKEN`` if it is not sound."""
    described = entry["adapters"]
    content = (folder / Path(described["file"]).name).read_bytes()
    if hashlib.sha256(content).hexdigest() != described["sha256"]:
        raise ValueError("another file of maps")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        adapters = {
            view: Adapter(arrays[f"{view}.matrix"], arrays[f"{view}.mean"], float(scale))
            for view, scale in described["scales"].items()
            if view in VIEWS
        }
    weights = {name: float(weight) for name, weight in entry["weights"].items()}
    return Tuning(adapters, {**ranking.settings()["weights"], **weights})


def _stamp(fingerprint: str) -> dict[str, Any]:
    """What must agree if a tuning is to be used."""
    return {"schema": SCHEMA, "embedder": fingerprint, "base": ranking.settings()["weights"]}


def _path(settings: Settings) -> Path:
    return settings.index_dir / "tuning" / "tuning.json"


def _write(settings: Settings, entry: dict[str, Any]) -> None:
    content = json.dumps(entry, ensure_ascii=False, indent=1)
    _replace(_path(settings), content.encode("utf-8"))


def _replace(path: Path, content: bytes) -> None:
    """Writes *path* so that a reader sees the old content or the new one, whole."""
    waiting = path.with_name(f"{path.name}.{os.getpid()}.new")
    waiting.write_bytes(content)
    os.replace(waiting, path)
