"""The page of the concordance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from searchkbd.api import Index
from searchkbd.concordance.result import Line, Order
from searchkbd.server.pages.asking import (
    ProblemError,
    ShownText,
    asked,
    bounded,
    checked,
    choices,
    known_language,
    shown_translations,
)
from searchkbd.server.pages.rendering import render_page
from searchkbd.server.service import service_of
from searchkbd.service.deadline import deadline

router = APIRouter(include_in_schema=False)

ORDERS = tuple(order.value for order in Order)

_LINES = 50
_MOST_PAGES = 1_000_000


@dataclass(frozen=True, slots=True)
class ShownLine:
    """An occurrence as it is shown."""

    line: Line
    translations: tuple[ShownText, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """One page of the occurrences of a pattern, and the counts of all.

    ``languages`` are sentences of each language. Only the first ``in_order`` occurrences are in
    the order asked for, where that is not None.
    """

    occurrences: int
    sentences: int
    languages: Mapping[str, int]
    in_order: int | None
    page: int
    pages: int
    lines: tuple[ShownLine, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address says."""

    pattern: str
    lang: str
    to: tuple[str, ...]
    sort: str
    page: int


@router.api_route("/concordance", methods=["GET", "HEAD"])
async def concordance_page(request: Request) -> Response:
    """The concordance, and its lines where a pattern is asked for."""
    service, params = service_of(request), request.query_params
    want = _Asked(
        pattern=params.get("q", "").strip(),
        lang=params.get("lang", ""),
        to=tuple(dict.fromkeys(filter(None, params.getlist("to")))),
        sort=params.get("sort") or Order.NONE.value,
        page=bounded(params.get("page", ""), 1, _MOST_PAGES),
    )

    def ask(index: Index) -> Found | None:
        return _found(index, want, service.settings.limits.seconds) if want.pattern else None

    answer = await asked(service.slow if want.pattern else service.quick, ask)
    return render_page(
        request,
        "concordance",
        status=answer.status,
        tab="concordance",
        query=want.pattern,
        langs=choices([want.lang], answer.languages),
        wanted=choices(want.to, answer.languages),
        sort=want.sort,
        orders=ORDERS,
        found=answer.value,
        problem=answer.problem,
        address=_address(want),
    )


def _found(index: Index, want: _Asked, seconds: float) -> Found:
    if want.sort not in ORDERS:
        raise ProblemError("errors.query", f"no order {want.sort!r}; there is: {', '.join(ORDERS)}")
    found = index.concordance(
        checked(want.pattern),
        langs=[known_language(want.lang)] if want.lang else (),
        to=[known_language(code) for code in want.to],
        order=want.sort,
        progress=deadline(seconds),
    )
    pages = max(1, -(-found.occurrences // _LINES))
    page = min(want.page, pages)
    lines = list(found.lines(_LINES, (page - 1) * _LINES))
    translations = [shown_translations(want.pattern, line.translations) for line in lines]
    return Found(
        found.occurrences,
        found.sentences,
        found.languages,
        len(found.first) if found.partly_sorted else None,
        page,
        pages,
        tuple(map(ShownLine, lines, translations)),
    )


def _address(want: _Asked) -> list[tuple[str, str]]:
    """Return the query of the address without its page."""
    pairs = [
        ("q", want.pattern),
        ("lang", want.lang),
        *(("to", code) for code in want.to),
        ("sort", "" if want.sort == Order.NONE.value else want.sort),
    ]
    return [(name, value) for name, value in pairs if value]
