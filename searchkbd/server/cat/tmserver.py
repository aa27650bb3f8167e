"""The protocol of amaGama and of translate-toolkit's tmserver, which Weblate and Virtaal speak."""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from searchkbd.memory.match import Match
from searchkbd.server.auth import require_writer
from searchkbd.server.cat.parameters import parameters
from searchkbd.server.cat.segments import Pair, by_edits, known_languages, pair_of, target_of
from searchkbd.server.cat.stores import (
    Items,
    Store,
    Stores,
    check_name,
    listed_units,
    uploaded_units,
)
from searchkbd.server.errors import RefusedError, problem
from searchkbd.server.service import service_of

MIN_SIMILARITY = 70
LEAST_SIMILARITY = 30
CANDIDATES = 5
MOST_CANDIDATES = 30
"""amaGama's own numbers: what is given where the client does not say, and how far it may go."""

_CACHED = {"Cache-Control": "max-age=3600, public"}
_CALLBACK = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*", re.ASCII)
_LONGEST_CALLBACK = 100


async def languages(request: Request) -> Response:
    """Answer which languages there are. Pairs are not told apart: clients make them."""
    codes = await service_of(request).quick(known_languages)
    return _answer(request, {"sourceLanguages": codes, "targetLanguages": codes})


async def unit(request: Request) -> Response:
    """Answer the matches of a segment by edits, best first.

    What nobody can have a translation of (an unknown pair, a segment without letters) is an empty
    list and no error: Weblate probes with such a pair, and takes an error for a broken service.
    """
    text, asked, pair = _text(request), parameters(request), _pair(request)
    if pair is None:
        return _answer(request, [])
    k = min(_number(asked, "max_candidates", CANDIDATES), MOST_CANDIDATES)
    least = min(max(_number(asked, "min_similarity", MIN_SIMILARITY), LEAST_SIMILARITY), 100)
    service = service_of(request)
    # Far down is many times as slow.
    run = service.quick if least >= MIN_SIMILARITY else service.slow
    found = await run(lambda index: by_edits(index, [text], pair, k=k, min_quality=least))
    return _answer(request, [_candidate(match) for match in found[0]])


class Writes:
    """The routes that change the memory, for whoever has the token."""

    def __init__(self) -> None:
        self._stores = Stores()

    async def put_unit(self, request: Request) -> Response:
        """Store one unit, in place of the one of the same name (which Virtaal makes the source)."""
        require_writer(request)
        name, pair = _text(request), _pair_to_write(request)
        said = _json(await request.body())
        if not isinstance(said, dict):
            raise RefusedError('a unit is an object: {"source": TEXT, "target": TEXT}')
        items = listed_units([said], pair, origin="tmserver")
        store = Store("unit", pair, name)
        return await self._put(request, store, items, whole=True)

    async def put_store(self, request: Request) -> Response:
        """Store the units of a translation file, in place of those of the same store."""
        require_writer(request)
        name, pair = check_name(request.path_params["name"]), _pair_to_write(request)
        content = await request.body()
        items = uploaded_units(content, pair, name, request.headers.get("content-type", ""))
        return await self._put(request, Store("store", pair, name), items, whole=True)

    async def post_store(self, request: Request) -> Response:
        """Store a list of units, in place of those of the same source and context in the store.

        Virtaal sends all of a file when it is saved; others send it in parts.
        """
        require_writer(request)
        name, pair = check_name(request.path_params["name"]), _pair_to_write(request)
        said = _json(await request.body())
        if not isinstance(said, list):
            raise RefusedError('units are a list: [{"source": TEXT, "target": TEXT}, ...]')
        items = listed_units(said, pair, origin=name)
        return await self._put(request, Store("store", pair, name), items, whole=False)

    async def _put(self, request: Request, store: Store, items: Items, *, whole: bool) -> Response:
        service = service_of(request)
        stored = await service.write(
            lambda writer: self._stores.put(writer, service.snapshots, store, items, whole=whole)
        )
        headers = {"X-Rejected-Units": str(stored.rejected)} if stored.rejected else None
        return PlainTextResponse(f"added {stored.units} units from {store.name}", headers=headers)


def _candidate(match: Match) -> dict[str, str | float]:
    """Return a match as amaGama writes it. A match of the same context is no better than 100."""
    quality = float(min(match.quality, 100))
    return {
        "source": match.source,
        "target": target_of(match),
        "quality": quality,
        "rank": quality,
    }


def _answer(request: Request, content: Any) -> Response:
    """Return *content* as JSON, or as a call of the function that the client names (JSONP).

    Only names are called. A page of another origin is kept from loading it by the header
    Cross-Origin-Resource-Policy (searchkbd/server/middleware.py), since what it could load so, it
    could read.
    """
    callback = parameters(request).get("jsoncallback")
    if not callback:
        return JSONResponse(content, headers=_CACHED)
    if len(callback) > _LONGEST_CALLBACK or not _CALLBACK.fullmatch(callback):
        return problem(400, "jsoncallback is the name of a function: letters, digits, _ $ and dots")
    # The comment keeps the answer from beginning with what the client chose. ASCII only: two
    # separators of lines that JSON allows once ended strings of JavaScript.
    call = f"/**/{callback}({json.dumps(content)})"
    return Response(call, media_type="application/javascript", headers=_CACHED)


def _text(request: Request) -> str:
    """Return the segment, or the name of a unit: the rest of the path, or the parameter."""
    return request.path_params.get("text") or parameters(request).get("source", "")


def _pair(request: Request) -> Pair | None:
    return pair_of(request.path_params["source_lang"], request.path_params["target_lang"])


def _pair_to_write(request: Request) -> Pair:
    pair = _pair(request)
    if pair is None:
        raise RefusedError(
            f"{request.path_params['source_lang']!r} and {request.path_params['target_lang']!r} "
            "are not two languages; expected codes like ru and kbd"
        )
    return pair


def _number(asked: dict[str, str], name: str, default: int) -> int:
    """Return a parameter as a number; as in amaGama, the default where it is none above 0."""
    try:
        return max(int(asked.get(name, "")), 0) or default
    except ValueError:
        return default


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError("the body is not JSON in UTF-8") from None
