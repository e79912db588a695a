"""A running server of a library, for tests that come to it over the network."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from kb.config import Settings
from kb.web import serve

from .sites import OURS, only


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """The address of a running server with all floors."""
    with only(*OURS), serve._listen("127.0.0.1", 0) as listening:
        app = serve.make_datasette(settings).app()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 60
        while not server.started and time.monotonic() < deadline:
            thread.join(0.05)
        assert server.started
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)
