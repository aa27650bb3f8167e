"""``searchkbd serve``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.encoder_options import index_encoder_options
from searchkbd.cli.extras import require_extra
from searchkbd.cli.options import index_option

if TYPE_CHECKING:
    from searchkbd.encoders.spec import EncoderSpec

TOKEN_VARIABLE = "SEARCHKBD_TOKEN"
LEAST_TOKEN = 16


@click.command()
@index_option
@index_encoder_options
@click.option(
    "--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
    help="Address to listen at; 0.0.0.0 is all of this machine's, for others to reach it.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, metavar="N",
    help="Port to listen at; 0 takes a free one, which is printed.",
)
@click.option(
    "--allow-host", "allowed_hosts", multiple=True, metavar="NAME",
    help="A name by which requests may call this server, as behind a proxy; may be given several "
    "times. At an address of this machine only, no name but localhost is allowed else.",
)
@click.option(
    "--root-path", default="", metavar="PATH",
    help="The path under which a proxy shows the server, as in /searchkbd.",
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N",
    help="Processes; each holds the encoder in memory.",
)
@click.option(
    "--allow-writes", is_flag=True,
    help="Let those who have the token add and delete sentences.",
)
@click.option(
    "--token-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
    help=f"A file whose first line is the token, of {LEAST_TOKEN} characters or more; else the "
    f"environment variable {TOKEN_VARIABLE} is.",
)
def command(
    index: Path,
    encoder: EncoderSpec | None,
    host: str,
    port: int,
    allowed_hosts: tuple[str, ...],
    root_path: str,
    workers: int,
    allow_writes: bool,
    token_file: Path | None,
) -> None:
    """Serve an index: a page to search it, an HTTP API, and what CAT tools speak.

    Open the address that is printed in a browser. CAT tools are given the same address with
    /tmserver (amaGama, Weblate) or as it is (LibreTranslate). What is written to the index
    meanwhile is found at once. Control-C ends it, after the requests that have begun.
    """
    require_extra("server", "fastapi", "uvicorn", "jinja2")
    from searchkbd.server.run import serve
    from searchkbd.server.settings import ServerSettings

    token = _token(token_file) if allow_writes else None
    if root_path and not root_path.startswith("/"):
        raise click.UsageError(f"--root-path {root_path}: it begins with a slash, as in /searchkbd")
    for name in allowed_hosts:
        if "/" in name or ":" in name.rpartition("]")[2]:
            raise click.UsageError(
                f"--allow-host {name}: a name alone, as in search.example.org, with no port"
            )
    serve(
        ServerSettings(
            index=index, encoder=encoder, host=host, port=port, allowed_hosts=allowed_hosts,
            root_path=root_path.rstrip("/"), allow_writes=allow_writes, token=token,
        ),
        workers=workers,
    )  # fmt: skip


def _token(file: Path | None) -> str:
    """Return the token, which is never given in a command: others can read those."""
    if file is not None:
        first = file.read_text(encoding="utf-8", errors="replace").split("\n", 1)[0].strip()
        where = str(file)
    else:
        first, where = os.environ.get(TOKEN_VARIABLE, "").strip(), TOKEN_VARIABLE
    if not first:
        raise click.UsageError(
            "--allow-writes needs a token: put one in a file, "
            'python -c "import secrets; print(secrets.token_urlsafe())" > token, '
            f"and say --token-file token, or set {TOKEN_VARIABLE}"
        )
    if len(first) < LEAST_TOKEN or not first.isascii() or not first.isprintable() or " " in first:
        raise click.UsageError(
            f"the token in {where} must have {LEAST_TOKEN} characters or more, ASCII without spaces"
        )
    return first
