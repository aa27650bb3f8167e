"""What every request goes through before it is read, and every answer before it is sent."""

from __future__ import annotations

from fastapi import FastAPI

from searchkbd.server.settings import ServerSettings


def add_middleware(app: FastAPI, settings: ServerSettings) -> None:
    """Give *app* its limits and headers."""
