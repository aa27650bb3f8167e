"""The page that shows what an index holds: counts, and the map."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from math import hypot
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.responses import Response

from searchkbd.api import Index
from searchkbd.corpus.machine import is_machine
from searchkbd.encoders.use_weights import cache_directory
from searchkbd.server.api.embeddings import shown
from searchkbd.server.layout import HEIGHT, WIDTH
from searchkbd.server.pages.labels import labels_for
from searchkbd.server.pages.map import MapError, Maps, Point
from searchkbd.server.pages.rendering import render
from searchkbd.server.service import Service, service_of
from searchkbd.text.languages import LANGUAGES

ORIGINS_SHOWN = 50

_GRIDS = ((4, 3), (10, 6), (25, 16))  # columns and rows; each cell has a landmark
_LANDMARK = range(8, 31)  # characters


@dataclass(frozen=True, slots=True)
class Count:
    """So many sentences of a language or an origin; ``share`` of the largest is its bar."""

    name: str
    sentences: int
    share: float


@dataclass(frozen=True, slots=True)
class Overview:
    """What an index holds. ``translated`` groups have more than one sentence; ``machine`` of the
    sentences were translated by one. Origins that are not shown are counted together."""

    sentences: int
    translated: int
    machine: int
    languages: tuple[Count, ...]
    origins: tuple[Count, ...]
    other_origins: int
    in_other_origins: int
    created: str
    updated: str
    encoder: str
    dim: int


@dataclass(frozen=True, slots=True)
class MapShown:
    """A map as it is drawn; ``ready`` and ``failed`` are both false while it is being made.

    ``links`` is a path from sentence to sentence of each group, ``languages`` has the points of
    each, ``landmarks`` those whose text is written beside them, the most important first.
    """

    ready: bool = False
    failed: bool = False
    links: str = ""
    languages: Mapping[str, Sequence[Point]] | None = None
    landmarks: Sequence[Sequence[Point]] = ()
    width: int = WIDTH
    height: int = HEIGHT


class Kept:
    """What is counted and drawn once for each state of the index."""

    def __init__(self) -> None:
        self.maps = Maps(cache_directory())
        self._counted: tuple[int, Overview] | None = None

    def overview(self, index: Index, generation: int) -> Overview:
        """Return the counts of *index*."""
        counted = self._counted
        if counted is None or counted[0] != generation:
            counted = self._counted = (generation, overview_of(index))
        return counted[1]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.kept = Kept()
    try:
        yield
    finally:
        await to_thread.run_sync(app.state.kept.maps.close)


Served = Annotated[Service, Depends(service_of)]

router = APIRouter(include_in_schema=False, lifespan=_lifespan)


@router.api_route("/overview", methods=["GET", "HEAD"])
async def overview_page(request: Request, service: Served) -> Response:
    """What the index holds."""
    kept, generation = request.app.state.kept, service.snapshots.generation

    def ask(index: Index) -> tuple[Overview, tuple[Point, ...] | MapError | None]:
        return kept.overview(index, generation), _points(kept.maps, index, generation)

    overview, points = await service.slow(ask)
    return await to_thread.run_sync(
        partial(
            _rendered, request, "overview.html", points,
            overview=overview, tab="overview", query="",
        )
    )  # fmt: skip


@router.api_route("/overview/map", methods=["GET", "HEAD"])
async def overview_map(request: Request, service: Served) -> Response:
    """The map alone, for the script of the page; status 202 while it is being made."""
    kept, generation = request.app.state.kept, service.snapshots.generation
    points = await service.slow(partial(_points, kept.maps, generation=generation))
    return await to_thread.run_sync(partial(_rendered, request, "map.html", points))


def overview_of(index: Index) -> Overview:
    """Count what *index* holds."""
    info = index.info()
    with index.reader.damage_reported():
        (translated,) = index.reader.connection.execute(
            "SELECT count(*) FROM groups WHERE members > 1"
        ).fetchone()
    origins = dict(list(info.origins.items())[:ORIGINS_SHOWN])
    return Overview(
        sentences=info.sentences,
        translated=translated,
        machine=sum(n for origin, n in info.origins.items() if is_machine(origin)),
        languages=_counts(info.languages),
        origins=_counts(origins),
        other_origins=len(info.origins) - len(origins),
        in_other_origins=info.sentences - sum(origins.values()),
        created=info.created,
        updated=info.updated,
        encoder=shown(info.encoder),
        dim=info.dim,
    )


def map_shown(points: tuple[Point, ...] | MapError | None, ui: str) -> MapShown:
    """Return how *points* are drawn for who reads the language *ui*."""
    if points is None or isinstance(points, MapError):
        return MapShown(failed=points is not None)
    found = {point.lang for point in points}
    order = [lang for lang in LANGUAGES if lang in found] + sorted(found - set(LANGUAGES))
    return MapShown(
        ready=True,
        links=_links(points),
        languages={lang: [p for p in points if p.lang == lang] for lang in order},
        landmarks=_landmarks(points, ui),
    )


def _points(
    maps: Maps, index: Index, generation: int
) -> tuple[Point, ...] | MapError | None:
    try:
        return maps.map_of(index, generation)
    except MapError as error:
        return error


def _rendered(
    request: Request, name: str, points: tuple[Point, ...] | MapError | None, **context: object
) -> Response:
    drawn = map_shown(points, labels_for(request).ui)
    status = 200
    if name == "map.html" and not drawn.ready:
        status = 503 if drawn.failed else 202
    return render(request, name, status=status, map=drawn, **context)


def _counts(found: Mapping[str, int]) -> tuple[Count, ...]:
    most = max(found.values(), default=1)
    return tuple(Count(name, n, n / most) for name, n in found.items())


def _links(points: Sequence[Point]) -> str:
    """Return the path data of lines from the middlemost sentence of each group to the others."""
    groups: dict[int, list[Point]] = {}
    for point in points:
        groups.setdefault(point.group, []).append(point)
    pieces = []
    for group in groups.values():
        middle = min(group, key=lambda a: sum(hypot(a.x - b.x, a.y - b.y) for b in group))
        pieces += [
            f"M{middle.x:g} {middle.y:g}L{point.x:g} {point.y:g}"
            for point in group if point is not middle
        ]  # fmt: skip
    return "".join(pieces)


def _landmarks(points: Sequence[Point], ui: str) -> list[list[Point]]:
    """Return short sentences of the language *ui*, one for each part of the map that has any: for
    large parts first, then for smaller ones, which there is room for when they are looked at
    closely."""
    short = [point for point in points if point.lang == ui and len(point.text) in _LANDMARK]
    found: list[list[Point]] = []
    taken: set[str] = set()
    for columns, rows in _GRIDS:
        cells: dict[tuple[int, int], Point] = {}
        for point in short:
            cell = int(point.x * columns / WIDTH), int(point.y * rows / HEIGHT)
            middle = min(cells.get(cell, point), point, key=lambda p: _aside(p, columns, rows))
            cells[cell] = middle
        found.append([p for _, p in sorted(cells.items()) if p.id not in taken])
        taken.update(point.id for point in found[-1])
    return found


def _aside(point: Point, columns: int, rows: int) -> tuple[float, str]:
    """Return how far *point* is from the middle of its cell; lines of text are wide, not high."""
    x, y = point.x * columns / WIDTH, point.y * rows / HEIGHT
    return abs(x % 1 - 0.5) + 2 * abs(y % 1 - 0.5), point.id
