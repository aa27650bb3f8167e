"""Embeddings in the shape of OpenAI's API, so that its clients can use the encoder of the index."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from searchkbd.api import Index, detect_languages
from searchkbd.encoders.base import Vectors
from searchkbd.server.api import answers
from searchkbd.server.api.parameters import WHOLE, AnyText, Body, require_at_most
from searchkbd.server.api.routing import document, get, no_parameters, post
from searchkbd.server.errors import Problem, reason_of
from searchkbd.server.service import Service, service_of
from searchkbd.server.settings import Limits
from searchkbd.text.forms import stored_form

_CHUNK = 32  # texts after which others can use the encoder

_Served = Annotated[Service, Depends(service_of)]
_Input = Annotated[AnyText, Field(min_length=1)]


class EmbeddingsRequest(Body):
    """Texts to encode. The language of each is identified."""

    model_config = ConfigDict(json_schema_extra={"example": {"input": ["сэлам", "hello"]}})
    input: (
        _Input
        | Annotated[
            list[_Input],
            Field(min_length=1, json_schema_extra={"maxItems": Limits().batch}),
        ]
    )
    model: str = Field(default="", description="Not looked at: there is one encoder.")
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: (
        Annotated[
            int, Field(ge=1, description="Must be those that the encoder has, if given."), WHOLE
        ]
        | None
    ) = None
    user: str | None = Field(default=None, description="Not looked at.")


class OpenAIRoute(APIRoute):
    """A route whose refusals have the shape that clients of OpenAI's API expect, and its status."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_or_refuse(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                first = error.errors()[0]
                # The rest of a place says which of the forms of an input was tried.
                names = [part for part in first["loc"][1:2] if isinstance(part, str)]
                return _refusal(400, ": ".join([*names, reason_of(first)]), *names)
            except HTTPException as error:
                return _refusal(error.status_code, str(error.detail))
            except ValueError as error:
                return _refusal(400, str(error))

        return handle_or_refuse


def router(limits: Limits) -> APIRouter:
    """Return the routes of OpenAI's API that there are."""
    api = APIRouter(route_class=OpenAIRoute)

    @post(api, "/v1/embeddings", _document(answers.Embeddings))
    async def embeddings(service: _Served, asked: EmbeddingsRequest) -> JSONResponse:
        """Return the vectors of texts, as the index has them of its sentences."""
        texts = [asked.input] if isinstance(asked.input, str) else asked.input
        require_at_most("input", len(texts), limits.batch)

        def ask(index: Index) -> JSONResponse:
            encoder = index.encoder
            if asked.dimensions not in (None, encoder.dim):
                raise ValueError(f"dimensions: vectors have {encoder.dim}, and no other number")
            vectors = _encoded(index, texts)
            words = sum(len(text.split()) for text in texts)
            return JSONResponse(
                {
                    "object": "list",
                    "data": [
                        {
                            "object": "embedding",
                            "index": at,
                            "embedding": _written(vector, asked.encoding_format),
                        }
                        for at, vector in enumerate(vectors)
                    ],
                    "model": shown(encoder.name),
                    "usage": {"prompt_tokens": words, "total_tokens": words},
                }
            )

        return await (service.quick if len(texts) == 1 else service.slow)(ask)

    @get(api, "/v1/models", _document(answers.Models), dependencies=[Depends(no_parameters)])
    async def models(service: _Served) -> JSONResponse:
        """List the one model that there is: the encoder of the index."""
        meta = await service.quick(lambda index: index.reader.meta)
        # Python 3.10 reads no Z.
        created = datetime.fromisoformat(meta["created"].replace("Z", "+00:00"))
        model = {
            "id": shown(meta["encoder"]),
            "object": "model",
            "created": int(created.timestamp()),
            "owned_by": "searchkbd",
        }
        return JSONResponse({"object": "list", "data": [model]})

    return api


def _document(model: type[BaseModel]) -> dict[str, Any]:
    return document(model, "embeddings", others={400: answers.OpenAIProblem | Problem})


def shown(encoder: str) -> str:
    """Return the name of an encoder for strangers: of a directory its last name only."""
    return os.path.basename(encoder) if os.path.isabs(encoder) else encoder


def _encoded(index: Index, texts: list[str]) -> Vectors:
    texts = [stored_form(text) for text in texts]
    langs = detect_languages(texts)
    return np.concatenate(
        [
            index.encoder.encode(texts[at : at + _CHUNK], langs[at : at + _CHUNK])
            for at in range(0, len(texts), _CHUNK)
        ]
    )


def _written(vector: np.ndarray, encoding: str) -> list[float] | str:
    if encoding == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
    # All that a float32 of a unit vector tells, in half the digits.
    return np.round(vector.astype(np.float64), 8).tolist()


def _refusal(status: int, message: str, param: str | None = None) -> JSONResponse:
    fault = {"message": message, "type": "invalid_request_error", "param": param, "code": None}
    return JSONResponse({"error": fault}, status)
