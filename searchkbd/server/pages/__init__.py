"""Pages for people: search, translation memory, concordance, overview, single sentences."""

from __future__ import annotations

from fastapi import FastAPI

from searchkbd.server.pages import assets, concordance, memory, overview, search, sentence
from searchkbd.server.pages.errors import add_error_pages


def add_pages(app: FastAPI) -> None:
    """Add the pages to *app*, whose error handlers are there already."""
    routers = [each.router for each in (search, memory, concordance, overview, sentence)]
    for router in (*routers, assets.router):
        app.include_router(router)
    add_error_pages(app, {route.endpoint for router in routers for route in router.routes})
