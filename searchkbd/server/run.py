"""Running the server: its address, its limits, how it ends."""

from __future__ import annotations

import contextlib
import errno
import functools
import logging.config
import os
import signal
import socket
import sys
import threading
from types import FrameType

import click
import uvicorn

from searchkbd.api import open_index
from searchkbd.errors import SearchkbdError
from searchkbd.server.app import create_app
from searchkbd.server.protocol import PatientProtocol
from searchkbd.server.refusals import is_loopback
from searchkbd.server.settings import ServerSettings
from searchkbd.server.workers import run_workers

GRACE = 20
"""Seconds that requests have to end when the server is told to stop; what has not by then, such as
a large write, is broken off, which no index minds."""

INTERRUPTED = 2
"""The exit code of a server that is told twice to end."""

_BACKLOG = 512
_KEEP_ALIVE = 15  # seconds that an idle connection is kept
_FILES = 16_384  # open at a time: connections, and the files of the index

_LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "searchkbd": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
    },
}


class ServeError(SearchkbdError):
    """The server cannot be started; the message says why."""


def serve(settings: ServerSettings, *, workers: int = 1) -> None:
    """Serve until told to stop (SIGINT, SIGTERM), by so many processes.

    Raises ServeError when the address cannot be had or a process cannot start, and what
    ``open_index`` raises, before anything is served.
    """
    with open_index(settings.index, settings.encoder) as index:
        _ = index.encoder
    logging.config.dictConfig(_LOGGING)
    _allow_files()
    with _listen(settings.host, settings.port) as listening:
        _announce(settings, listening.getsockname()[1])
        if workers == 1:
            _work(settings, listening)
        elif not run_workers(workers, functools.partial(_work, settings, listening), GRACE + 10):
            raise ServeError("a process could not start; the lines above say why")


def _announce(settings: ServerSettings, port: int) -> None:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(settings.host, settings.host)
    shown = f"[{host}]" if ":" in host else host
    click.echo(
        f"{settings.index}: http://{shown}:{port}{settings.root_path}/  (Control-C ends it)",
        err=True,
    )
    if host != settings.host:
        click.echo(f"others reach it by this machine's name or address, port {port}", err=True)
    if not os.access(settings.index, os.W_OK):
        click.echo(
            f"note: this user may not write to {settings.index}: what others write to it may be "
            "found late; see docs/deploy.md",
            err=True,
        )
    if not is_loopback(settings.host) and not settings.allowed_hosts:
        click.echo(
            "note: everyone who can reach this machine can search this index; see docs/deploy.md",
            err=True,
        )


class _Server(uvicorn.Server):
    """Ends by itself when told to, with no signal raised again, and at once when told twice."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit and sig == signal.SIGINT:
            os._exit(INTERRUPTED)
        if not self.should_exit:
            self.should_exit = True
            # Threads cannot be ended, and Python waits for those that work.
            last = threading.Timer(GRACE + 5, os._exit, [INTERRUPTED])
            last.daemon = True
            last.start()


def _work(settings: ServerSettings, listening: socket.socket) -> None:
    """Serve in this process."""
    logging.config.dictConfig(_LOGGING)  # again, where it is a process of its own
    server = _Server(server_config(settings))
    try:
        server.run(sockets=[listening])
    except SystemExit:  # which uvicorn raises where the application does not start
        raise ServeError("the server could not be started; the lines above say why") from None


def server_config(settings: ServerSettings) -> uvicorn.Config:
    """Return how uvicorn serves the application of *settings*."""
    return uvicorn.Config(
        functools.partial(create_app, settings),
        factory=True,
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        log_config=None,  # whoever runs it says where lines go
        # Queries are nobody's business, and what a proxy says of clients is not needed.
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
    )


def _allow_files() -> None:
    """Raise the number of files that may be open: the usual 1024 are soon used up."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # a sandbox may forbid it
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


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
            f"cannot listen at {host} port {port} ({error.strerror}); {_way_out(error)}"
        ) from None
    return listening


def _way_out(error: OSError) -> str:
    if error.errno == errno.EADDRNOTAVAIL:
        return "choose an address of this machine with --host, or 0.0.0.0 for all of them"
    if error.errno == errno.EACCES:
        return "ports below 1024 need special rights: choose another with --port"
    return "choose another with --port, or 0 for a free one"
