"""Serving over streamable HTTP, at ``/mcp``.

Each request is complete in itself (stateless): the tools remember nothing, so that no session can
be lost when the server is started anew, or pile up when clients go away without a word. A client
that closes its connection has cancelled its request.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Sequence

import click
import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.routing import Route

from searchkbd.errors import SearchkbdError

PATH = "/mcp"
LOOPBACK = ("127.0.0.1", "localhost", "::1")

_MAX_BODY = 1_000_000  # bytes
_MAX_CONNECTIONS = 200
_BACKLOG = 128
_KEEP_ALIVE = 15  # seconds that an idle connection is kept
_GRACE = 5  # seconds that requests have to end when the server is told to stop


class ListenError(SearchkbdError):
    """The address cannot be had; the message says why."""


def run_http(server: Server, host: str, port: int, names: Sequence[str] = ()) -> None:
    """Serve at *host* and *port* until SIGINT or SIGTERM.

    Requests must call this server by *host*, one of *names* or a name of this machine, and so
    must the pages that they come from: else a page of anybody's could ask it through the browser
    of whoever runs it (DNS rebinding). Raises ListenError.
    """
    with _listen(host, port) as listening:
        name = f"[{host}]" if ":" in host else host
        click.echo(
            f"http://{name}:{listening.getsockname()[1]}{PATH}  (Control-C ends it)", err=True
        )
        config = uvicorn.Config(
            http_app(server, (host, *names)),
            lifespan="on",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            limit_concurrency=_MAX_CONNECTIONS,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_GRACE,
        )
        for each in (signal.SIGINT, signal.SIGTERM):
            # uvicorn ends in good order, and then lets the signal have its way once more.
            signal.signal(each, lambda number, frame: None)
        uvicorn.Server(config).run(sockets=[listening])


def http_app(server: Server, names: Sequence[str]) -> Starlette:
    """Return the ASGI application, which answers to *names* and those of this machine."""
    bracketed = [f"[{n}]" if ":" in n else n for n in dict.fromkeys((*LOOPBACK, *names))]
    manager = StreamableHTTPSessionManager(
        server,
        stateless=True,
        security_settings=TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=[f"{name}{port}" for name in bracketed for port in ("", ":*")],
            allowed_origins=[
                f"{scheme}://{name}{port}"
                for scheme in ("http", "https")
                for name in bracketed
                for port in ("", ":*")
            ],
        ),
        max_request_body_size=_MAX_BODY,
    )
    # Without sessions there is nothing to listen to (GET) or to end (DELETE).
    route = Route(PATH, StreamableHTTPASGIApp(manager), methods=["POST"])
    return Starlette(routes=[route], lifespan=lambda app: manager.run())


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        raise ListenError(
            f"cannot listen at {host} port {port} ({error}); "
            "choose another with --port, or 0 for a free one"
        ) from None
