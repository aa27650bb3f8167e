"""Errors as answers: a status and ``{"error": MESSAGE}``, for every route alike."""

from __future__ import annotations

import logging

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from searchkbd.errors import IndexBusyError, SearchkbdError
from searchkbd.index.editing import EditError

_log = logging.getLogger("searchkbd")

_MAX_INPUT = 200


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


def add_error_handlers(app: FastAPI) -> None:
    """Have every error of *app* answered in the one shape. Paths of this machine, which messages
    about the index name, go to the log and not to whoever asks."""

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        problems = [
            f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}"[:_MAX_INPUT]
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

    @app.exception_handler(SearchkbdError)
    async def on_index(request: Request, error: SearchkbdError) -> Response:
        _log.error("%s %s: %s", request.method, request.url.path, error)
        return problem(503, "the index cannot be read; the server's log says why")

    @app.exception_handler(Exception)
    async def on_error(request: Request, error: Exception) -> Response:
        _log.exception("%s %s", request.method, request.url.path, exc_info=error)
        return problem(500, "an error of the server; its log says more")
