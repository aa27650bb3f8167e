"""The page that searches."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import Response

from searchkbd.api import Index
from searchkbd.search.hit import Hit
from searchkbd.server.pages.asking import (
    ShownText,
    asked,
    bounded,
    checked,
    choices,
    known_language,
    shown_translations,
)
from searchkbd.server.pages.marking import highlighted
from searchkbd.server.pages.rendering import render_page
from searchkbd.server.service import service_of
from searchkbd.text.languages import LANGUAGES

router = APIRouter(include_in_schema=False)

_HITS = 10
_MOST_HITS = 100


@dataclass(frozen=True, slots=True)
class Card:
    """A hit as it is shown; ``more`` translations are on its own page only."""

    hit: Hit
    html: Markup
    translations: tuple[ShownText, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Found:
    """The hits of a query that was read as ``lang``."""

    lang: str
    cards: tuple[Card, ...]


@router.api_route("/", methods=["GET", "HEAD"])
async def search_page(request: Request) -> Response:
    """The search, and its results where something is asked for."""
    service, params = service_of(request), request.query_params
    query, spoken = params.get("q", "").strip(), params.get("from", "")
    wanted = tuple(dict.fromkeys(filter(None, params.getlist("to"))))
    most = min(service.settings.limits.hits, _MOST_HITS)
    k = bounded(params.get("k", ""), _HITS, most)

    def ask(index: Index) -> Found | None:
        return _found(index, query, spoken, wanted, k) if query else None

    answer = await asked(service.quick, ask)
    more = min(k + _HITS, most)
    return render_page(
        request,
        "search",
        status=answer.status,
        tab="search",
        query=query,
        spoken=choices([spoken], answer.languages, always=LANGUAGES),
        wanted=choices(wanted, answer.languages),
        found=answer.value,
        problem=answer.problem,
        more=_address(query, spoken, wanted, more)
        if answer.value and len(answer.value.cards) == k < more
        else None,
    )


def _found(index: Index, query: str, spoken: str, wanted: tuple[str, ...], k: int) -> Found:
    query = checked(query)
    (result,) = index.search_batch(
        [query],
        langs=[known_language(code) for code in wanted],
        query_lang=known_language(spoken) if spoken else None,
        k=k,
    )
    translations = [shown_translations(query, hit.translations) for hit in result.hits]
    return Found(
        result.lang,
        tuple(
            Card(hit, highlighted(query, hit.text), shown, len(hit.translations) - len(shown))
            for hit, shown in zip(result.hits, translations, strict=True)
        ),
    )


def _address(query: str, spoken: str, wanted: tuple[str, ...], k: int) -> list[tuple[str, str]]:
    pairs = [("q", query), ("from", spoken), *(("to", code) for code in wanted), ("k", str(k))]
    return [(name, value) for name, value in pairs if value]
