"""The files that pages are made of besides themselves: style, scripts, icon."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

router = APIRouter(include_in_schema=False)

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}

_FOREVER = "public, max-age=31536000, immutable"
_ASK_FIRST = "no-cache"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, and the hash of what is in it."""

    content: bytes
    media_type: str
    version: str


@cache
def assets() -> dict[str, Asset]:
    """Return the files of ``server/static`` by name, read once: nothing else can be asked for."""
    found = {}
    for file in (resources.files("searchkbd.server") / "static").iterdir():
        suffix = file.name[file.name.rfind(".") :]
        if suffix in _TYPES:
            content = file.read_bytes()
            version = hashlib.sha256(content).hexdigest()[:16]
            found[file.name] = Asset(content, _TYPES[suffix], version)
    return found


def asset_path(name: str) -> str:
    """Return where the file *name* is, under the root path: another address when it changes."""
    return f"/static/{name}?v={assets()[name].version}"


@router.api_route("/static/{name}", methods=["GET", "HEAD"])
async def static_file(request: Request, name: str, v: str = "") -> Response:
    """One file. Asked for by the version that it has, it may be kept for good."""
    asset = assets().get(name)
    if asset is None:
        raise HTTPException(404, "no such file")
    tag = f'"{asset.version}"'
    headers = {"ETag": tag, "Cache-Control": _FOREVER if v == asset.version else _ASK_FIRST}
    known = [
        each.strip().removeprefix("W/")
        for each in request.headers.get("if-none-match", "").split(",")
    ]
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)
