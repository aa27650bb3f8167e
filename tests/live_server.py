"""A real server in a thread of the test process, for as long as a block lasts."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from searchkbd.server.app import create_app
from searchkbd.server.settings import ServerSettings

_PATIENCE = 30.0  # seconds to start, and to stop


@dataclass(frozen=True, slots=True)
class LiveServer:
    """A server that answers at ``url``, which has no slash at its end."""

    url: str
    port: int
    app: FastAPI


@contextmanager
def live_server(index: Path, **settings: Any) -> Iterator[LiveServer]:
    """Serve *index* at a free port of 127.0.0.1; *settings* are those of ServerSettings.

    Raises RuntimeError when the server does not start, or does not end by itself.
    """
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    port = listening.getsockname()[1]
    try:
        app = create_app(ServerSettings(index=index, port=port, **settings))
    except BaseException:
        listening.close()
        raise
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            lifespan="on",
            log_config=None,  # the logging of the test process stays as it is
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    )

    def run() -> None:
        with suppress(SystemExit):  # which uvicorn raises where the application does not start
            server.run(sockets=[listening])

    thread = threading.Thread(target=run, name=f"live-server-{port}", daemon=True)
    thread.start()
    try:
        _wait(lambda: server.started or not thread.is_alive())
        if not server.started:
            raise RuntimeError("the server did not start; the log says why")
        yield LiveServer(f"http://127.0.0.1:{port}", port, app)
    finally:
        server.should_exit = True
        thread.join(_PATIENCE)
        listening.close()
        if thread.is_alive():
            raise RuntimeError("the server did not stop")


def _wait(done: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not done() and time.monotonic() < end:
        time.sleep(0.01)
