"""Who may write: whoever has the token."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import HTTPException, Security
from fastapi.security import HTTPBearer
from starlette.requests import Request

_BEARER = HTTPBearer(
    auto_error=False, scheme_name="token", description="The token that the server was given."
)


def require_writer(request: Request, _: Annotated[object, Security(_BEARER)] = None) -> None:
    """Let only those who may write to the index go on (a dependency of FastAPI).

    Raises HTTPException: 403 where nobody may write, 401 without the right token in the header
    ``Authorization: Bearer TOKEN``.
    """
    settings = request.app.state.settings
    if not settings.allow_writes or not settings.token:
        raise HTTPException(403, "this server takes no writes; see searchkbd serve --allow-writes")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    # Headers are bytes, shown as Latin-1; strings that are not ASCII cannot be compared.
    right = hmac.compare_digest(given.strip().encode("latin-1"), settings.token.encode())
    if scheme.lower() != "bearer" or not right:
        raise HTTPException(
            401,
            "writing needs the server's token: Authorization: Bearer TOKEN",
            {"WWW-Authenticate": 'Bearer realm="searchkbd"'},
        )
