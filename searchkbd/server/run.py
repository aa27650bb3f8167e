"""Running the server: sockets, processes, signals."""

from __future__ import annotations

import functools
import ipaddress
import socket
import sys

import click
import uvicorn
from uvicorn.supervisors import Multiprocess

from searchkbd.api import open_index
from searchkbd.errors import SearchkbdError
from searchkbd.server.app import create_app
from searchkbd.server.settings import ServerSettings

GRACE = 20
"""Seconds that requests have to end when the server is told to stop."""

MAX_CONNECTIONS = 1000
"""Connections at a time, in one process; others are answered 503 at once."""

_BACKLOG = 512
_KEEP_ALIVE = 15  # seconds that an idle connection is kept


class ServeError(SearchkbdError):
    """The server cannot be started; the message says why."""


def serve(settings: ServerSettings, *, workers: int = 1, access_log: bool = False) -> None:
    """Serve until told to stop (SIGINT, SIGTERM).

    Raises ServeError when the address cannot be had, and what ``open_index`` raises, before
    anything is served.
    """
    with open_index(settings.index, settings.encoder) as index:
        _ = index.encoder
    listening = _listen(settings.host, settings.port)
    with listening:
        port = listening.getsockname()[1]
        shown = f"[{settings.host}]" if ":" in settings.host else settings.host
        click.echo(
            f"{settings.index}: http://{shown}:{port}{settings.root_path}/  (Control-C ends it)",
            err=True,
        )
        if not is_loopback(settings.host) and not settings.allowed_hosts:
            click.echo(
                "note: everyone who can reach this machine can search this index; "
                "see docs/deploy.md",
                err=True,
            )
        _run(_config(settings, workers, access_log), listening, workers)


def is_loopback(host: str) -> bool:
    """Return whether *host* is an address of this machine that others cannot reach."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _config(settings: ServerSettings, workers: int, access_log: bool) -> uvicorn.Config:
    return uvicorn.Config(
        functools.partial(create_app, settings),
        factory=True,
        workers=workers,
        lifespan="on",
        log_level="info" if access_log else "warning",
        # Queries are nobody's business: they are logged only when asked for.
        access_log=access_log,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )


def _run(config: uvicorn.Config, listening: socket.socket, workers: int) -> None:
    if workers > 1:
        Multiprocess(config, sockets=[listening]).run()
        return
    server = uvicorn.Server(config)
    server.run(sockets=[listening])
    if not server.started:
        raise ServeError("the server could not be started; the lines above say why")


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at *host* and *port*, and that processes can share."""
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        raise ServeError(f"--host {host}: no such address ({error})") from None
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
        listening.set_inheritable(True)
    except OSError as error:
        listening.close()
        raise ServeError(
            f"cannot listen at {host} port {port} ({error.strerror}); "
            "choose another with --port, or 0 for a free one"
        ) from None
    return listening
