"""How the routes of the API are made and described."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from starlette.requests import Request

from searchkbd.server.errors import Problem, RefusedError

_MEANINGS = {
    400: "The request cannot be read: the address is not UTF-8, say, or the body no JSON.",
    401: "The token is missing or wrong.",
    403: "This server takes no writes.",
    404: "There is no such sentence.",
    413: "The body is too large.",
    414: "The address is too long.",
    422: "The request cannot be answered as it is; the message says why.",
    503: "Not now: the index cannot be read or written, or this would take too long.",
}


def document(
    model: type[BaseModel], tag: str, *statuses: int, others: dict[int, Any] | None = None
) -> dict[str, Any]:
    """Return the arguments of a route that is answered with *model*, or with a Problem and one of
    *statuses*, or with the models of *others*.

    Answers are made by ``to_dict`` and sent as they are.
    """
    models = dict.fromkeys((400, 413, 414, 422, 503, *statuses), Problem) | (others or {})
    return {
        "response_model": model,
        "tags": [tag],
        "responses": {
            status: {"model": models[status], "description": _MEANINGS[status]}
            for status in sorted(models)
        },
    }


def get(
    router: APIRouter, path: str, described: dict[str, Any], **more: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that answers GET, and HEAD, which asks for the headers alone."""

    def add(endpoint: Callable[..., Any]) -> Callable[..., Any]:
        router.add_api_route(path, endpoint, methods=["GET"], **described, **more)
        router.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False, **more)
        return endpoint

    return add


def post(
    router: APIRouter, path: str, described: dict[str, Any]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that answers POST. All that is asked stands in the body."""
    return router.post(path, dependencies=[Depends(no_parameters)], **described)


def no_parameters(request: Request) -> None:
    """Refuse parameters where there are none (a dependency)."""
    if request.query_params:
        raise RefusedError(f"no parameter {next(iter(request.query_params))[:40]!r} is known here")
