"""What every request goes through before it is read, and every answer before it is sent."""

from __future__ import annotations

import logging
import re

import anyio
from fastapi import FastAPI, HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from searchkbd.server.auth import require_writer
from searchkbd.server.errors import problem, shown_path
from searchkbd.server.refusals import Refusal, refusal
from searchkbd.server.settings import ServerSettings

_log = logging.getLogger("searchkbd")

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""Headers of every answer that does not set them itself. None allows other origins (CORS)."""

_LINGER = 2.0  # seconds in which a refused body is still read, so that the answer is, too
_STORE = re.compile(r"/(tmserver|api/v1)/{1,2}[^/]+/[^/]+/store/")


def add_middleware(app: FastAPI, settings: ServerSettings) -> None:
    """Give *app* its limits and headers."""
    app.add_middleware(Guard, settings=settings)


class Guard:
    """ASGI middleware: limits, headers, errors, and clients that have gone.

    A request is handed on with its whole body, or refused. One whose client closes the connection
    is dropped while it waits for its turn.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer, body = Answer(send), Body(receive)
        refused = refusal(scope, self._settings)
        if refused is None:
            limits = self._settings.limits
            most = limits.upload if self._may_upload(scope) else limits.body
            refused = await body.read(scope, most, limits.body_seconds)
        if body.gone:
            return
        if refused:
            await _refuse(scope, body, answer, refused)
            return
        await self._handle(scope, receive, answer, bytes(body.content))

    def _may_upload(self, scope: Scope) -> bool:
        """Return whether this is a file to be stored, sent by somebody who may do that."""
        if scope["method"] != "PUT" or not _STORE.search(scope["path"]):
            return False
        try:
            require_writer(Request(scope))
        except HTTPException:
            return False
        return True

    async def _handle(self, scope: Scope, receive: Receive, answer: Answer, body: bytes) -> None:
        gone = anyio.Event()
        read = False

        async def replay() -> Message:
            nonlocal read
            if not read:
                read = True
                return {"type": "http.request", "body": body, "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            gone.set()
            if not answer.complete:
                # What a thread does already is done; what waits for one is not begun.
                group.cancel_scope.cancel()

        failed: Exception | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            try:
                await self._app(scope, replay, answer)
            except Exception as error:
                failed = error
            group.cancel_scope.cancel()
        if failed is None:
            return
        if answer.started:
            raise failed  # the server logs it, and closes the connection
        _log.error("%s %s", scope["method"], shown_path(scope), exc_info=failed)
        await problem(500, "an error of the server; its log says more")(scope, replay, answer)


class Body:
    """The body of a request, as far as it has come."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.content = bytearray()
        self.complete = False
        self.gone = False  # the client, before the end

    async def read(self, scope: Scope, most: int, seconds: float) -> Refusal | None:
        """Read all of it; return why that is refused. *most* is in bytes."""
        too_large = Refusal(413, f"the body is larger than {most:,} bytes; send less at a time")
        if any(n == b"content-length" and int(v) > most for n, v in scope["headers"]):
            return too_large
        with anyio.move_on_after(seconds):
            while await self._more():
                if len(self.content) > most:
                    return too_large
        if self.complete or self.gone:
            return None
        return Refusal(408, f"the body did not come within {seconds:g} seconds")

    async def discard(self) -> None:
        """Read what still comes, for a moment."""
        with anyio.move_on_after(_LINGER):
            while await self._more():
                self.content.clear()

    async def _more(self) -> bool:
        """Read the next part, and return whether there is one."""
        if self.complete or self.gone:
            return False
        message = await self._receive()
        self.gone = message["type"] == "http.disconnect"
        self.content += message.get("body", b"")
        self.complete = not self.gone and not message.get("more_body", False)
        return not self.gone


class Answer:
    """The way back to the client, which adds the headers."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self.complete = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            message = {**message, "headers": with_security(list(message.get("headers", ())))}
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            self.complete = True
        await self._send(message)


def with_security(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return *headers* with those of SECURITY_HEADERS that are not among them."""
    names = {name.lower() for name, _ in headers}
    return [*headers, *(each for each in SECURITY_HEADERS if each[0] not in names)]


async def _refuse(scope: Scope, body: Body, answer: Answer, refused: Refusal) -> None:
    """Answer *refused* and close the connection.

    The answer is sent first and what still comes is read for a moment: a connection that is closed
    with bytes unread is reset, and the client may never see why.
    """
    response = problem(refused.status, refused.error)
    await answer(
        {
            "type": "http.response.start",
            "status": refused.status,
            "headers": [*response.raw_headers, (b"connection", b"close")],
        }
    )
    await answer({"type": "http.response.body", "body": response.body, "more_body": True})
    if refused.status != 408:
        await body.discard()
    await answer({"type": "http.response.body", "body": b"", "more_body": False})
