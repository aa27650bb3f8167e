"""Routes."""

from __future__ import annotations

from fastapi import APIRouter

from searchkbd.server.settings import ServerSettings


def router(settings: ServerSettings) -> APIRouter:
    """Return the routes."""
    return APIRouter()
