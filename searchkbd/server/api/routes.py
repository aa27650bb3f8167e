"""Reading: searches, look-ups, concordances, sentences, counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeVar

from anyio import to_thread
from fastapi import APIRouter, Depends, HTTPException, Query
from starlette.responses import JSONResponse

from searchkbd.api import Index, has_words
from searchkbd.memory.match import Lookup
from searchkbd.search.hit import SearchResult
from searchkbd.server.api import answers, embeddings, writing
from searchkbd.server.api.parameters import (
    ConcordanceQuery,
    Id,
    MemoryBatch,
    MemoryQuery,
    SearchBatch,
    SearchQuery,
    Segment,
    require_at_most,
)
from searchkbd.server.api.routing import document, get, no_parameters, post
from searchkbd.server.service import Service, service_of
from searchkbd.server.settings import Limits, ServerSettings
from searchkbd.service.deadline import deadline
from searchkbd.text.forms import stored_form

_Result = TypeVar("_Result")
_Answer = TypeVar("_Answer")
_Served = Annotated[Service, Depends(service_of)]

_LONG = 1000  # characters from which a text may take seconds to look up
_CHUNK_TEXTS = 32
_CHUNK_CHARS = 4000
"""Texts that are asked together; between, others can use the encoder, and the time is checked."""

_BATCH_HITS = 50
"""Times as many hits as one answer may have are the most in the answers of a batch together."""


def router(settings: ServerSettings) -> APIRouter:
    """Return the routes of the API."""
    api = APIRouter()
    limits = settings.limits

    @get(api, "/api/search", document(answers.SearchAnswer, "search"))
    async def search(service: _Served, asked: Annotated[SearchQuery, Query()]) -> JSONResponse:
        """Find sentences that mean the same as a text, or share its words, in any language."""
        require_at_most("k", asked.k, limits.hits)

        def ask(index: Index) -> JSONResponse:
            return JSONResponse(_search(index, asked, [asked.q])[0].to_dict())

        return await _lane(service, asked.q)(ask)

    @post(api, "/api/search", document(answers.SearchAnswers, "search"))
    async def search_batch(service: _Served, asked: SearchBatch) -> JSONResponse:
        """Search for several texts."""
        _require_batch(limits, "queries", asked.queries, asked.k)

        def none(text: str) -> SearchResult:
            return SearchResult(text, asked.from_ or "und", asked.mode, ())

        def ask(index: Index) -> JSONResponse:
            return _results(
                limits, asked.queries, asked.queries,
                lambda chunk: _search(index, asked, chunk), none,
            )  # fmt: skip

        return await service.slow(ask)

    @get(api, "/api/tm", document(answers.MemoryAnswer, "translation memory"))
    async def look_up(service: _Served, asked: Annotated[MemoryQuery, Query()]) -> JSONResponse:
        """Look a segment up: how were it, or sentences like it, translated before?"""
        require_at_most("k", asked.k, limits.hits)
        options = asked.options()

        def ask(index: Index) -> JSONResponse:
            found = index.look_up([asked.query()], asked.from_, asked.to, options=options)
            return JSONResponse(found[0].to_dict())

        return await _lane(service, asked.q)(ask)

    @post(api, "/api/tm", document(answers.MemoryAnswers, "translation memory"))
    async def look_up_batch(service: _Served, asked: MemoryBatch) -> JSONResponse:
        """Look several segments up."""
        _require_batch(limits, "segments", asked.segments, asked.k)
        options = asked.options()
        segments = [
            each if isinstance(each, Segment) else Segment(text=each) for each in asked.segments
        ]

        def answer(index: Index, chunk: Sequence[Segment]) -> list[Lookup]:
            queries = [segment.query() for segment in chunk]
            return index.look_up(queries, asked.from_, asked.to, options=options)

        def ask(index: Index) -> JSONResponse:
            return _results(
                limits, segments, [segment.text for segment in segments],
                lambda chunk: answer(index, chunk),
                lambda text: Lookup(text, asked.from_, asked.to, ()),
            )  # fmt: skip

        return await service.slow(ask)

    @get(api, "/api/concordance", document(answers.ConcordanceAnswer, "concordance"))
    async def concordance(
        service: _Served, asked: Annotated[ConcordanceQuery, Query()]
    ) -> JSONResponse:
        """Show where words stand, in context, with translations. All occurrences are counted."""
        require_at_most("n", asked.n, limits.hits)

        def ask(index: Index) -> JSONResponse:
            found = index.concordance(
                asked.q, langs=asked.lang, to=asked.to, gap=asked.gap, order=asked.sort,
                exact=asked.exact, loose=asked.loose, only_translated=asked.only_translated,
                origins=asked.origin, progress=deadline(limits.seconds),
            )  # fmt: skip
            return JSONResponse(found.to_dict(asked.n, asked.offset))

        return await service.slow(ask)

    @get(
        api, "/api/sentences/{id:path}", document(answers.SentenceAnswer, "sentences", 404),
        dependencies=[Depends(no_parameters)],
    )  # fmt: skip
    async def sentence(service: _Served, id: Id) -> JSONResponse:
        """Return all that is known of a sentence."""
        found = await service.quick(lambda index: index.sentence(id))
        if found is None:
            raise HTTPException(404, "no sentence has this id")
        return JSONResponse(found.to_dict())

    @get(
        api, "/api/stats", document(answers.Stats, "index"),
        dependencies=[Depends(no_parameters)],
    )  # fmt: skip
    async def stats(service: _Served) -> JSONResponse:
        """Count what the index holds."""
        info = await service.slow(lambda index: index.info())
        return JSONResponse(
            asdict(info)
            | {"directory": Path(info.directory).name, "encoder": embeddings.shown(info.encoder)}
        )

    @get(api, "/health", document(answers.Health, "index"))
    async def health(service: _Served) -> JSONResponse:
        """Tell whether the index can be asked; 503 when it cannot."""
        # In a thread that no other request waits for.
        return JSONResponse(await to_thread.run_sync(_health, service))

    api.include_router(writing.router(limits))
    api.include_router(embeddings.router(limits))
    return api


def _search(
    index: Index, asked: SearchQuery | SearchBatch, texts: Sequence[str]
) -> list[SearchResult]:
    return index.search_batch(
        texts, langs=asked.lang, query_lang=asked.from_, k=asked.k, mode=asked.mode,
        recall=asked.recall,
    )  # fmt: skip


def _health(service: Service) -> dict[str, Any]:
    with service.snapshots.lend() as index:
        index.reader.connection.execute("SELECT 1 FROM sentences LIMIT 1").fetchone()
    # The problem itself names files of this machine.
    problem = service.snapshots.problem and (
        "the index has changed and cannot be read; the server's log says why"
    )
    return {
        "status": "stale" if problem else "ok",
        "generation": service.snapshots.generation,
        "problem": problem,
    }


def _lane(service: Service, text: str) -> Callable[..., Any]:
    """Return where to ask: long texts are few and must not hold the others up."""
    return service.slow if len(text) > _LONG else service.quick


def _require_batch(limits: Limits, name: str, texts: Sequence[object], k: int) -> None:
    require_at_most(name, len(texts), limits.batch)
    require_at_most("k", k, limits.hits)
    require_at_most(f"{name} times k", len(texts) * k, limits.hits * _BATCH_HITS)


def _results(
    limits: Limits,
    asked: Sequence[_Result],
    texts: Sequence[str],
    answer: Callable[[Sequence[_Result]], Sequence[_Answer]],
    without_answer: Callable[[str], _Answer],
) -> JSONResponse:
    """Return the answers to *asked*, in order; those to *texts* without letters or digits are as
    *without_answer* makes them."""
    check = deadline(limits.seconds, "fewer or shorter texts, a smaller k")
    results = [None if has_words(text) else without_answer(stored_form(text)) for text in texts]
    places = [at for at, result in enumerate(results) if result is None]
    for chunk in _chunks(places, texts):
        check(0, 0)
        for at, result in zip(chunk, answer([asked[at] for at in chunk]), strict=True):
            results[at] = result
    return JSONResponse({"results": [result.to_dict() for result in results]})


def _chunks(places: Sequence[int], texts: Sequence[str]) -> list[list[int]]:
    """Cut *places* into runs of a few texts, and of few characters unless one text has more."""
    chunks: list[list[int]] = []
    chars = 0
    for at in places:
        chars += len(texts[at])
        if not chunks or len(chunks[-1]) == _CHUNK_TEXTS or chars > _CHUNK_CHARS:
            chunks.append([])
            chars = len(texts[at])
        chunks[-1].append(at)
    return chunks
