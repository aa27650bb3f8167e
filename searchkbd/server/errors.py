"""Errors as answers: a status and ``{"error": MESSAGE}``, for every route alike."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match
from starlette.types import Scope

from searchkbd.errors import IndexBusyError, SearchkbdError
from searchkbd.index.editing import EditError
from searchkbd.server.service import OverloadedError
from searchkbd.service.deadline import TooSlowError

_log = logging.getLogger("searchkbd")

_MAX_INPUT = 200
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class Problem(BaseModel):
    """What every answer but a good one says."""

    error: str = Field(description="What is wrong, in English.")
    problems: list[str] | None = Field(
        default=None, description="Of a request with several faults: each of them, and where."
    )


class RefusedError(ValueError):
    """A request that cannot be answered as it is; the message says why. Becomes a 422."""


def problem(status: int, error: str, **more: object) -> JSONResponse:
    """Return the answer that says *error*."""
    headers = {"Retry-After": "5"} if status == 503 else None
    return JSONResponse({"error": error, **more}, status, headers)


def shown_path(scope: Scope) -> str:
    """Return the path of a request for the log, percent-encoded as it came: it may hold anything,
    lines of a log included."""
    return scope["raw_path"].decode("ascii", "replace")


def add_error_handlers(app: FastAPI) -> None:
    """Have every error of *app* answered in the one shape. Paths of this machine, which messages
    about the index name, go to the log and not to whoever asks."""

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(_allowed(request))
        return JSONResponse({"error": str(error.detail)}, error.status_code, headers)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        problems = [
            f"{'.'.join(map(str, each['loc']))}: {reason_of(each)}"[:_MAX_INPUT]
            for each in error.errors()
        ]
        return problem(422, "; ".join(problems[:3]), problems=problems[:20])

    @app.exception_handler(ValueError)
    async def on_value(request: Request, error: ValueError) -> Response:
        # What searchkbd.api raises for a query, a language or a number that cannot be.
        return problem(422, str(error))

    @app.exception_handler(EditError)
    async def on_edit(request: Request, error: EditError) -> Response:
        return problem(422, str(error))

    @app.exception_handler(IndexBusyError)
    async def on_busy(request: Request, error: IndexBusyError) -> Response:
        return problem(503, "another process is writing to the index; try again")

    @app.exception_handler(OverloadedError)
    async def on_overload(request: Request, error: OverloadedError) -> Response:
        return problem(503, str(error))

    @app.exception_handler(TooSlowError)
    async def on_slow(request: Request, error: TooSlowError) -> Response:
        # No better when tried again, so it is not said when.
        return JSONResponse({"error": str(error)}, 503)

    @app.exception_handler(SearchkbdError)
    async def on_index(request: Request, error: SearchkbdError) -> Response:
        _log.error("%s %s: %s", request.method, shown_path(request.scope), error)
        return problem(503, "the index cannot be read; the server's log says why")


def reason_of(error: dict[str, Any]) -> str:
    """Return the message of one error of pydantic; our own come with a prefix."""
    return error["msg"].removeprefix("Value error, ")


def _allowed(request: Request) -> list[str]:
    """Return the methods of all routes with the path of *request*: each may have a few."""
    return [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]
