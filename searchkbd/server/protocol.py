"""HTTP/1.1 with clients that are slow, or say too much, or are too many.

uvicorn waits for ever for the head of a request and for an answer to be taken, and reads heads of
any length; what it says by itself has none of our headers.
"""

from __future__ import annotations

import asyncio
import json

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from searchkbd.server.errors import problem
from searchkbd.server.middleware import Answer, with_security

_LOOK = 1.0  # seconds between two looks at a connection


class PatientProtocol(HttpToolsProtocol):
    """One connection. Its limits:

    * ``head_seconds`` for a request's line and headers, from their beginning;
    * ``head_bytes`` of these, roughly (the middleware counts exactly what has come whole);
    * ``answer_seconds`` in which a client has to take what has been sent;
    * ``most`` connections at a time in this process: others are answered 503, and those beyond
      ``surplus`` more are closed.
    """

    head_seconds = 15.0
    head_bytes = 131_072
    answer_seconds = 60.0
    most = 800
    surplus = 100

    _timer: asyncio.TimerHandle | None = None
    _last: asyncio.TimerHandle | None = None
    _in_head = False
    _head = 0
    _waiting_since: float | None = None
    _unsent_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most + self.surplus:
            transport.abort()
            return
        if len(self.connections) > self.most:
            self.app = _busy
        self._waiting_since = self.loop.time()
        self._timer = self.loop.call_later(_LOOK, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._timer, self._last):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head and self._head > self.head_bytes:
            self._end(431, f"more than {self.head_bytes:,} bytes of headers")
        elif not self._in_head and self._is_busy():
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = self.loop.time()

    def shutdown(self) -> None:
        """End the connection when its request has been answered, or the server can wait no more."""
        super().shutdown()
        if grace := self.config.timeout_graceful_shutdown:
            # Just before uvicorn gives up, which would leave the connection as it is.
            self._last = self.loop.call_later(grace - 0.5, self.transport.abort)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head = True, 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, which uvicorn has logged."""
        self._end(400, msg)

    def _is_busy(self) -> bool:
        """Return whether a request of this connection is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def _look(self) -> None:
        now = self.loop.time()
        if not self.transport.get_write_buffer_size():
            self._unsent_since = None
        elif self._unsent_since is None:
            self._unsent_since = now
        elif now - self._unsent_since > self.answer_seconds:
            self.transport.abort()
            return
        waited = 0.0 if self._waiting_since is None else now - self._waiting_since
        if waited > self.head_seconds and not self._is_busy() and not self.transport.is_closing():
            self._end(408, f"no whole request came within {self.head_seconds:g} seconds")
        self._timer = self.loop.call_later(_LOOK, self._look)

    def _end(self, status: int, error: str) -> None:
        """Say *error* and close the connection, at whatever point it is."""
        if not (self._is_busy() and self.cycle.response_started):  # or in the midst of an answer
            body = json.dumps({"error": error}).encode()
            headers = with_security(
                [
                    (b"content-type", b"application/json"),
                    (b"content-length", str(len(body)).encode()),
                    (b"connection", b"close"),
                ]
            )
            lines = b"".join(b"%s: %s\r\n" % each for each in headers)
            self.transport.write(STATUS_LINE[status] + lines + b"\r\n" + body)
        self.transport.close()


async def _busy(scope: Scope, receive: Receive, send: Send) -> None:
    """The application of connections beyond those that may be."""
    if scope["type"] == "http":
        response = problem(503, "too many connections; try again in a moment")
        response.headers["Connection"] = "close"
        await response(scope, receive, Answer(send))
