"""How a server runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from searchkbd.encoders.spec import EncoderSpec


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what one request may ask.

    * ``body``: bytes of a request's body;
    * ``upload``: bytes of a file that is sent to be stored, with ``--allow-writes``;
    * ``batch``: queries, segments, texts or sentences in one request;
    * ``hits``: hits, matches or lines in one answer;
    * ``seconds``: how long one request may be worked on, where that depends on what it asks;
    * ``body_seconds``: how long a client may take to send its request.
    """

    body: int = 1_000_000
    upload: int = 20_000_000
    batch: int = 256
    hits: int = 200
    seconds: float = 10.0
    body_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What ``searchkbd serve`` was told.

    ``allowed_hosts`` are names by which requests may call this server, besides those of this
    machine; empty allows every name, unless *host* is of this machine only. ``root_path`` is the
    path under which a proxy shows it. A ``token`` is needed to write, and nobody writes without.
    """

    index: Path
    encoder: EncoderSpec | None = None
    host: str = "127.0.0.1"
    port: int = 8765
    allowed_hosts: tuple[str, ...] = ()
    root_path: str = ""
    allow_writes: bool = False
    token: str | None = field(default=None, repr=False)
    limits: Limits = Limits()
