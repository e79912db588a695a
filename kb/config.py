"""Settings of a library: where it lies and what its `kb.toml` says."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .errors import Fault

DEFAULT_DATA = "kb-data"


@dataclass(frozen=True)
class Settings:
    """`data_dir` holds library.db, workbench.db, index/ and, if wanted, kb.toml.

    kb.toml knows: `title`; `[embedding] model = "packaged"` or the name or path of any sentence-transformers
    model; `[search] threads = 2`; `[hall] code`, the GB/T 2260 code of the county whose window asks.
    """

    data_dir: Path
    title: str = "办成案例库"
    embedding_model: str = "packaged"
    threads: int = 2
    hall: str = ""

    @property
    def library_path(self) -> Path:
        return self.data_dir / "library.db"

    @property
    def workbench_path(self) -> Path:
        return self.data_dir / "workbench.db"

    @property
    def index_dir(self) -> Path:
        """Everything in here is derived and may be deleted at any time."""
        return self.data_dir / "index"


def load(data_dir: str | Path | None = None) -> Settings:
    """Settings for `data_dir` (default: the environment's KB_DATA, else ./kb-data).

    Raises Fault when kb.toml cannot be understood.
    """
    folder = Path(data_dir or os.environ.get("KB_DATA") or DEFAULT_DATA)
    path = folder / "kb.toml"
    if not path.exists():
        return Settings(folder)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return Settings(
            folder,
            title=str(table.get("title", Settings.title)),
            embedding_model=str(table.get("embedding", {}).get("model", Settings.embedding_model)),
            threads=int(table.get("search", {}).get("threads", Settings.threads)),
            hall=str(table.get("hall", {}).get("code", Settings.hall)),
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, ValueError, AttributeError) as error:
        raise Fault(f"配置文件 kb.toml 写法有误，请检查：{error}") from error
