"""Errors as pages: what the other routes say as JSON, said to people."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection

from fastapi import FastAPI
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from searchkbd.server.pages.rendering import render

_Answer = Callable[[Request, Exception], Awaitable[Response]]

_KNOWN = (404, 405, 422, 503)


def add_error_pages(app: FastAPI, pages: Collection[Callable[..., object]]) -> None:
    """Have the errors of the endpoints *pages*, and of addresses that are nothing's when a
    browser asks for them, shown as pages. Statuses and messages stay those of *app*'s handlers."""
    for kind, answer in list(app.exception_handlers.items()):
        app.exception_handlers[kind] = _as_page(answer, pages)


def _as_page(answer: _Answer, pages: Collection[Callable[..., object]]) -> _Answer:
    async def on_error(request: Request, error: Exception) -> Response:
        said = await answer(request, error)
        if not isinstance(said, JSONResponse) or not _is_page(request, pages):
            return said
        status = said.status_code
        page = render(
            request,
            "error.html",
            status=status,
            tab="",
            query="",
            code=status,
            key=f"errors.{status if status in _KNOWN else 'other'}",
            # Only this one is about what was asked; the others say no more than the label.
            detail=json.loads(said.body)["error"] if status == 422 else "",
        )
        for name in ("Retry-After", "Allow"):
            if name in said.headers:
                page.headers[name] = said.headers[name]
        return page

    return on_error


def _is_page(request: HTTPConnection, pages: Collection[Callable[..., object]]) -> bool:
    endpoint = request.scope.get("endpoint")
    if endpoint is not None:
        return endpoint in pages
    return "text/html" in request.headers.get("accept", "")
