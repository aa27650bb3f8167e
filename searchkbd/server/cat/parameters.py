"""The parameters of an address."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from searchkbd.server.errors import RefusedError

_MAX_PARAMETERS = 20


def parameters(request: Request) -> dict[str, str]:
    """Return the first value of each parameter in the address, also of one that a client has not
    percent-encoded."""
    raw = request.scope["query_string"].decode("utf-8")
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        raise RefusedError(f"more than {_MAX_PARAMETERS} parameters in the address") from None
    return dict(reversed(pairs))
