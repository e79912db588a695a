"""Settings of a library: where it lies and what its `kb.toml` says."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .errors import Fault

DEFAULT_DATA = "kb-data"


@dataclass(frozen=True)
class Access:
    """Who may come in, the table `[access]` of kb.toml.

    `open`: everybody may read what is published; None (not said): as long as no account exists. `session_hours`: how
    long a login lasts. `header`: the request header in which a gateway says whose login it is (empty: none), believed
    from the addresses `proxies` alone. `upload_mb`: the largest file that a page takes, in MB of 1,000,000 bytes.
    """

    open: bool | None = None
    session_hours: float = 12.0
    header: str = ""
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    upload_mb: float = 20.0


@dataclass(frozen=True)
class Settings:
    """`data_dir` holds library.db, workbench.db, index/ and, if wanted, kb.toml.

    kb.toml knows: `title`; `[embedding] model = "packaged"` or the name or path of any sentence-transformers
    model; `[search] threads = 2`; `[hall] code`, the GB/T 2260 code of the county whose window asks; `[access]`,
    see `Access`.
    """

    data_dir: Path
    title: str = "办成案例库"
    embedding_model: str = "packaged"
    threads: int = 2
    hall: str = ""
    access: Access = Access()

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
            access=_access(table.get("access", {})),
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, ValueError, AttributeError) as error:
        raise Fault(f"配置文件 kb.toml 写法有误，请检查：{error}") from error


def _access(table: dict[str, object]) -> Access:
    opened = table.get("open", Access.open)
    proxies = table.get("proxies", Access.proxies)
    if not (opened is None or isinstance(opened, bool)):
        raise ValueError("[access] 的 open 应为 true 或 false")
    if not (isinstance(proxies, list | tuple) and all(isinstance(each, str) for each in proxies)):
        raise ValueError('[access] 的 proxies 应为地址的列表，如 ["127.0.0.1"]')
    return Access(
        opened,
        session_hours=float(str(table.get("session_hours", Access.session_hours))),
        header=str(table.get("header", Access.header)).lower(),
        proxies=tuple(proxies),
        upload_mb=float(str(table.get("upload_mb", Access.upload_mb))),
    )
