"""The addresses that CAT tools ask."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.convertors import Convertor, register_url_convertor

from searchkbd.server.cat import libretranslate, tmserver
from searchkbd.server.settings import ServerSettings

PREFIXES = ("/tmserver", "/api/v1", "/tmserver/", "/api/v1/")
"""Where amaGama is mounted, then and now. Virtaal's own setting of the address ends with a slash,
to which it adds another."""


class _Rest(Convertor[str]):
    """All that follows in a path, slashes and line ends included (``path`` has no line ends)."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("rest", _Rest())


def router(settings: ServerSettings) -> APIRouter:
    """Return the routes. They are not in the OpenAPI document, which is of the project's own API:
    these protocols are others', and have clients already."""
    routes = APIRouter()

    def add(path: str, endpoint: object, *methods: str) -> None:
        routes.add_route(path, endpoint, methods=list(methods), include_in_schema=False)

    writes = tmserver.Writes()
    for prefix in PREFIXES:
        unit, store = (f"{prefix}/{{source_lang}}/{{target_lang}}/{x}" for x in ("unit", "store"))
        add(f"{prefix}/languages", tmserver.languages, "GET")
        add(f"{prefix}/languages/", tmserver.languages, "GET")
        for path in (unit, unit + "/{text:rest}"):
            add(path, tmserver.unit, "GET")
            add(path, writes.put_unit, "PUT", "POST")
        add(store + "/{name:rest}", writes.put_store, "PUT")
        add(store + "/{name:rest}", writes.post_store, "POST")
    add("/languages", libretranslate.languages, "GET")
    add("/languages/", libretranslate.languages, "GET")
    add("/translate", libretranslate.translate, "POST")
    add("/detect", libretranslate.detect, "POST")
    return routes
