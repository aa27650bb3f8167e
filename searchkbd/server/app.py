"""The application: its parts put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI

from searchkbd import __version__
from searchkbd.server.errors import add_error_handlers
from searchkbd.server.middleware import add_middleware
from searchkbd.server.service import Service
from searchkbd.server.settings import ServerSettings
from searchkbd.service.snapshots import Snapshots


def create_app(settings: ServerSettings) -> FastAPI:
    """Return the ASGI application of an index. The index is opened when the server starts.

    What there is: pages for people (``server/pages``), the API (``server/api``), and what CAT
    tools speak (``server/cat``).
    """
    # Imported here, so that what is common can be imported by each of them.
    from searchkbd.server.api import routes as api
    from searchkbd.server.cat import routes as cat
    from searchkbd.server.pages import add_pages

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with Snapshots(settings.index, settings.encoder) as snapshots:
            app.state.service = Service(settings, snapshots)
            await to_thread.run_sync(snapshots.warm_up)
            yield

    app = FastAPI(
        title="searchkbd",
        version=__version__,
        summary="Search sentences in Kabardian, Russian, English, French and Turkish by meaning.",
        lifespan=lifespan,
        # These pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    # Not the argument, which is deprecated: uvicorn's own setting changes the paths of requests.
    app.root_path = settings.root_path
    app.state.settings = settings
    add_error_handlers(app)
    app.include_router(api.router(settings))
    app.include_router(cat.router(settings))
    add_pages(app)
    add_middleware(app, settings)
    return app
