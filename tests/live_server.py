"""A real server in a thread of the test process, for as long as a block lasts, and raw sockets to
it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from searchkbd.server.app import create_app
from searchkbd.server.run import server_config
from searchkbd.server.settings import ServerSettings

_PATIENCE = 30.0  # seconds to start, to answer, and to stop


@dataclass(frozen=True, slots=True)
class LiveServer:
    """A server that answers at ``url``, which has no slash at its end; ``server`` is uvicorn's."""

    url: str
    port: int
    app: FastAPI
    server: uvicorn.Server
    thread: threading.Thread

    def connect(self) -> socket.socket:
        """Return a connection of its own, which waits for 30 seconds at the most."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE)

    def raw(self, request: bytes) -> bytes:
        """Send *request*, and return all that comes until the server closes the connection."""
        with self.connect() as connection:
            connection.sendall(request)
            return read_all(connection)


@contextmanager
def live_server(index: Path, **settings: Any) -> Iterator[LiveServer]:
    """Serve *index* as ``searchkbd serve`` does, at a free port of 127.0.0.1; *settings* are those
    of ServerSettings.

    Raises RuntimeError when the server does not start, or does not end by itself.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        port = listening.getsockname()[1]
        served = ServerSettings(index=index, port=port, **settings)
        config = server_config(served)
        config.app, config.factory = create_app(served), False  # the test has it in its hands
        server = uvicorn.Server(config)

        def run() -> None:
            with suppress(SystemExit):  # which uvicorn raises where the application does not start
                server.run(sockets=[listening])

        thread = threading.Thread(target=run, name=f"live-server-{port}", daemon=True)
        thread.start()
        try:
            end = time.monotonic() + _PATIENCE
            while not server.started and thread.is_alive() and time.monotonic() < end:
                time.sleep(0.01)
            if not server.started:
                raise RuntimeError("the server did not start; the log says why")
            yield LiveServer(f"http://127.0.0.1:{port}", port, config.app, server, thread)
        finally:
            server.should_exit = True
            thread.join(_PATIENCE)
            if thread.is_alive():
                raise RuntimeError("the server did not stop")


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes, or resets, the connection."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)
