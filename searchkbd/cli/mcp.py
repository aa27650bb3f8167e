"""``searchkbd mcp``."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchkbd.cli.encoder_options import index_encoder_options
from searchkbd.cli.extras import require_extra
from searchkbd.cli.options import index_option

if TYPE_CHECKING:
    from searchkbd.encoders.spec import EncoderSpec
    from searchkbd.service.snapshots import Snapshots


@click.command()
@index_option
@index_encoder_options
@click.option(
    "--http", "over_http", is_flag=True,
    help="Serve over streamable HTTP, at /mcp, instead of standard input and output.",
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
    help="With --http: address to listen at; 0.0.0.0 is all of this machine's.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8766, show_default=True, metavar="N",
    help="With --http: port to listen at; 0 takes a free one, which is printed.",
)
@click.option(
    "--allow-host", "names", multiple=True, metavar="NAME",
    help="With --http: a name by which requests may call this server, besides those of this "
    "machine; may be given several times.",
)
def command(
    index: Path,
    encoder: EncoderSpec | None,
    over_http: bool,
    host: str,
    port: int,
    names: tuple[str, ...],
) -> None:
    """Serve an index to assistants, by the Model Context Protocol.

    An assistant is told to start this command, and then has tools to search, to look sentences up
    in the translation memory, and to find words in context. With --http it runs by itself, and
    the assistant is told the address. Nothing is written, and nothing leaves this machine but the
    answers.
    """
    require_extra("mcp", "mcp")
    if not over_http:
        _serve_stdio(index, encoder)
        return
    if not names and _is_every_address(host):
        raise click.UsageError(
            f"--host {host}: say by which names this machine is called, --allow-host NAME; "
            "requests by other names are refused"
        )
    from searchkbd.assistants.http import run_http
    from searchkbd.assistants.server import create_server

    with _snapshots(index, encoder) as snapshots:
        run_http(create_server(snapshots), host, port, names)


def _serve_stdio(index: Path, encoder: EncoderSpec | None) -> None:
    output = _private_output()
    from searchkbd.assistants.server import create_server
    from searchkbd.assistants.stdio import run_stdio

    with _snapshots(index, encoder) as snapshots:
        run_stdio(create_server(snapshots), output)


def _snapshots(index: Path, encoder: EncoderSpec | None) -> Snapshots:
    from searchkbd.api import open_index
    from searchkbd.service.snapshots import Snapshots

    with open_index(index, map_vectors=False, map_texts=False):
        pass  # which says best what is wrong with a directory
    return Snapshots(index, encoder)


def _private_output() -> int:
    """Return a descriptor of what was standard output, which is standard error from now on.

    Nothing but the protocol may be written there, whatever a library prints.
    """
    descriptor = os.dup(1)
    os.dup2(2, 1)
    return descriptor


def _is_every_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return not host
