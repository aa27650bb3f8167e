"""Requests that are refused for their form, before anybody looks at what they ask."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from starlette.types import Scope

from searchkbd.server.settings import ServerSettings

MAX_URL = 32_768
"""Bytes of a path with its query: some 5,000 Cyrillic letters, percent-encoded."""

MAX_HEADERS = 32_768
"""Bytes of all names and values of headers."""

MAX_HEADER_COUNT = 100

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.%]+\]|[^\[\]:@/\\\s]+)(?::\d{0,5})?")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status and what is wrong, in English, for whoever asked."""

    status: int
    error: str


def refusal(scope: Scope, settings: ServerSettings) -> Refusal | None:
    """Return why the request of this ASGI *scope* is not to be answered, None if it is."""
    return _of_size(scope) or _of_host(scope, settings) or _of_encoding(scope)


def is_loopback(host: str) -> bool:
    """Return whether *host* is this machine itself, by an address that others cannot reach."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _of_size(scope: Scope) -> Refusal | None:
    length = len(scope["raw_path"]) + len(scope["query_string"])
    if length > MAX_URL:
        return Refusal(
            414,
            f"the address has {length} bytes, {MAX_URL} are the most; send long texts in the body "
            "of a POST (docs/api.md)",
        )
    headers = scope["headers"]
    size = sum(len(name) + len(value) for name, value in headers)
    if size > MAX_HEADERS or len(headers) > MAX_HEADER_COUNT:
        return Refusal(
            431,
            f"{len(headers)} headers of {size} bytes; {MAX_HEADER_COUNT} of {MAX_HEADERS} bytes "
            "are the most",
        )
    return None


def _of_host(scope: Scope, settings: ServerSettings) -> Refusal | None:
    """Refuse names that this server was not told of.

    A page of somebody else's can have its own name point at this machine (DNS rebinding); then a
    browser lets it read what is served here, and only the name of the host tells.
    """
    given = [value for name, value in scope["headers"] if name == b"host"]
    if not given and scope["http_version"] == "1.0":
        return None  # no browser
    found = _HOST.fullmatch(given[0].decode("latin-1")) if len(given) == 1 else None
    if found is None:
        return Refusal(400, "one header Host is needed, which names this server: NAME or NAME:PORT")
    name = _plain(found["name"])
    if not settings.allowed_hosts and not is_loopback(settings.host):
        return None
    known = {_plain(settings.host), *map(_plain, settings.allowed_hosts)}
    if is_loopback(name) or name in known:
        return None
    return Refusal(
        421, f"this server is not called {name[:100]}; start it with: --allow-host {name[:100]}"
    )


def _plain(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _of_encoding(scope: Scope) -> Refusal | None:
    # The server has decoded the path already, and put replacement characters for what is not
    # UTF-8: another address than the one that was meant.
    for what, raw in (("path", scope["raw_path"]), ("query", scope["query_string"])):
        decoded = unquote_to_bytes(raw)
        if b"\0" in decoded:
            return Refusal(400, f"the {what} of the address has a NUL character (%00)")
        try:
            decoded.decode("utf-8")
        except UnicodeDecodeError as error:
            return Refusal(
                400,
                f"the {what} of the address is not UTF-8: byte 0x{decoded[error.start]:02X}; "
                "percent-encode the text as UTF-8",
            )
    return None
