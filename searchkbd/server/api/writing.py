"""Adding and deleting sentences, for whoever has the token."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from starlette.responses import JSONResponse

from searchkbd.server.api import answers
from searchkbd.server.api.parameters import AddedSentences, DeletedIds, Id, require_at_most
from searchkbd.server.api.routing import document, no_parameters
from searchkbd.server.auth import require_writer
from searchkbd.server.service import Service, service_of
from searchkbd.server.settings import Limits
from searchkbd.service.writes import NewSentence

_Served = Annotated[Service, Depends(service_of)]


def router(limits: Limits) -> APIRouter:
    """Return the routes that change the index."""
    api = APIRouter(dependencies=[Depends(require_writer), Depends(no_parameters)])

    @api.post("/api/sentences", **document(answers.Added, "sentences", 401, 403))
    async def add(service: _Served, asked: AddedSentences) -> JSONResponse:
        """Add sentences. Those that are there already, in the same group, are merged."""
        require_at_most("sentences", len(asked.sentences), limits.batch)
        new = [NewSentence(**sentence.model_dump()) for sentence in asked.sentences]
        return JSONResponse((await service.write(lambda writer: writer.add(new))).to_dict())

    @api.post("/api/deletions", **document(answers.Deleted, "sentences", 401, 403))
    async def delete_many(service: _Served, asked: DeletedIds) -> JSONResponse:
        """Delete sentences. All that are there are deleted, or none."""
        require_at_most("ids", len(asked.ids), limits.batch)
        return JSONResponse(
            (await service.write(lambda writer: writer.delete(asked.ids))).to_dict()
        )

    @api.delete("/api/sentences/{id:path}", **document(answers.Deleted, "sentences", 401, 403, 404))
    async def delete(service: _Served, id: Id) -> JSONResponse:
        """Delete a sentence."""
        done = await service.write(lambda writer: writer.delete([id]))
        if done.absent:
            raise HTTPException(404, "no sentence has this id")
        return JSONResponse(done.to_dict())

    return api
