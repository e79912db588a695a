"""`kb serve`: Datasette with library.db and our pages, on uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import uvicorn
import yaml
from datasette.app import Datasette

from .. import editing
from ..config import Settings
from ..errors import Fault
from ..model import Case
from ..store import Store
from .shell import the_library

log = logging.getLogger(__name__)
METADATA_FILE = "datasette-metadata.yml"


def make_datasette(settings: Settings) -> Datasette:
    """A Datasette over the library of `settings`, which is made or brought up to date first.

    library.db is opened read only but not immutable, so that what is published while it runs is seen.
    workbench.db is not opened. SQL over the library is allowed to readers: it holds nothing but published,
    de-identified cases; `allow_sql: false` in the metadata file turns it off.
    """
    Store(settings).close()
    return Datasette(
        [str(settings.library_path)],
        metadata=metadata(settings),
        settings={"default_page_size": 50, "facet_time_limit_ms": 500, "truncate_cells_html": 120},
    )


def metadata(settings: Settings) -> dict[str, Any]:
    """What datasette-metadata.yml says: the one in the data folder if there is one, else the project's."""
    places = [settings.data_dir, Path(__file__).parents[2], Path(sys.prefix) / "share" / "bancheng"]
    path = next((folder / METADATA_FILE for folder in places if (folder / METADATA_FILE).exists()), None)
    if path is None:
        return {}
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Fault(f"{METADATA_FILE} 写法有误，请检查：{error}") from error
    return found if isinstance(found, dict) else {}


def run(settings: Settings, host: str, port: int) -> None:
    """Serve until interrupted. Raises Fault when the address cannot be used."""
    datasette = make_datasette(settings)
    with _listen(host, port) as listening:
        url = f"http://{_shown(host)}:{listening.getsockname()[1]}/"
        with contextlib.suppress(KeyboardInterrupt):  # the way to end it
            asyncio.run(_serve(datasette, listening, url))


async def _serve(datasette: Datasette, listening: socket.socket, url: str) -> None:
    # Engines warm up in `startup` hooks; the first clerk should not wait for that.
    await datasette.invoke_startup()
    print(f"案例库已打开：{url} （按 Ctrl+C 结束）", file=sys.stderr)
    threading.Thread(target=warm, args=(the_library(datasette).settings,), name="warm", daemon=True).start()
    # Requests are not logged: addresses hold what citizens asked.
    # Whom to believe about the client's address is for identity.py to say ([access] proxies), not for uvicorn.
    config = uvicorn.Config(
        datasette.app(), log_level="warning", access_log=False, lifespan="on", proxy_headers=False
    )
    await uvicorn.Server(config).serve(sockets=[listening])


def warm(settings: Settings) -> None:
    """Reads what the first draft needs: redaction and inference, by writing one that nobody keeps."""
    try:
        editing.edit(settings, Case("warm"), {"demand": "居民王小明反映老旧小区加装电梯，邻居不同意，不知道找谁。"})
    except Exception as error:  # whoever writes the first draft waits, or is told
        log.warning("报送页未能预热：%s", type(error).__name__)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        raise Fault(f"无法在 {host} 的 {port} 端口打开网页，可能已被占用。请换一个端口") from error
    # Only where the protocol is named does asyncio set TCP_NODELAY; without it each answer waits some 40 ms.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=made.detach())


def _shown(host: str) -> str:
    return "127.0.0.1" if host in ("", "0.0.0.0") else f"[{host}]" if ":" in host else host
