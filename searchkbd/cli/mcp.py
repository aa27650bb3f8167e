"""``searchkbd mcp``."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """Serve an index to assistants."""
