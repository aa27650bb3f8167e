"""A server in a thread, as ``searchkbd serve`` runs it, and raw sockets to it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from searchkbd.server.run import server_config
from searchkbd.server.settings import ServerSettings

_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class PatientServer:
    """A server at ``url``; ``server`` is uvicorn's."""

    url: str
    port: int
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
def patient_server(index: Path, **settings: Any) -> Iterator[PatientServer]:
    """Serve *index* as ``searchkbd serve`` would; *settings* are those of ServerSettings.

    Raises RuntimeError when it does not end by itself.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        port = listening.getsockname()[1]
        config = server_config(ServerSettings(index=index, port=port, **settings))
        config.log_config = None  # the logging of the test process stays as it is
        server = uvicorn.Server(config)
        thread = threading.Thread(
            target=server.run, args=([listening],), name=f"patient-{port}", daemon=True
        )
        thread.start()
        try:
            end = time.monotonic() + _PATIENCE
            while not server.started and thread.is_alive() and time.monotonic() < end:
                time.sleep(0.01)
            assert server.started
            yield PatientServer(f"http://127.0.0.1:{port}", port, server, thread)
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
