"""Errors as pages: what the other routes say as JSON, said to people."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Collection

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from searchkbd.server.errors import shown_path
from searchkbd.server.pages.rendering import render_page

_log = logging.getLogger("searchkbd")

_Answer = Callable[[Request, Exception], Awaitable[Response]]
_Endpoints = Collection[Callable[..., object]]

_KNOWN = (404, 405, 422, 503)


def add_error_pages(app: FastAPI, pages: _Endpoints) -> None:
    """Have the errors of the endpoints *pages*, and of addresses that are nothing's when a
    browser asks for them, shown as pages. Statuses and messages stay those of *app*'s handlers."""
    for kind, answer in list(app.exception_handlers.items()):
        app.exception_handlers[kind] = _as_page(answer, pages)
    app.add_middleware(FailurePages, pages=pages)


class FailurePages:
    """ASGI middleware: what nothing else handles, in the endpoints *pages*, becomes a page."""

    def __init__(self, app: ASGIApp, pages: _Endpoints) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if started or scope.get("endpoint") not in self._pages:
                raise
            _log.error("%s %s", scope["method"], shown_path(scope), exc_info=error)
            await _page(Request(scope, receive), 500)(scope, receive, send)


def _as_page(answer: _Answer, pages: _Endpoints) -> _Answer:
    async def on_error(request: Request, error: Exception) -> Response:
        said = await answer(request, error)
        if not isinstance(said, JSONResponse) or not _is_page(request, pages):
            return said
        # Only this message is about what was asked; the others say no more than the label.
        detail = json.loads(said.body)["error"] if said.status_code == 422 else ""
        page = _page(request, said.status_code, detail)
        for name in ("Retry-After", "Allow"):
            if name in said.headers:
                page.headers[name] = said.headers[name]
        return page

    return on_error


def _is_page(request: Request, pages: _Endpoints) -> bool:
    endpoint = request.scope.get("endpoint")
    if endpoint is not None:
        return endpoint in pages
    return "text/html" in request.headers.get("accept", "")


def _page(request: Request, status: int, detail: str = "") -> Response:
    key = f"errors.{status if status in _KNOWN else 'other'}"
    return render_page(request, "error", status=status, code=status, key=key, detail=detail)
