"""Servers of the protocol, asked by the SDK's own client."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from searchkbd.assistants.server import create_server
from searchkbd.service.snapshots import Snapshots

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


@pytest.fixture(scope="session")
def talk() -> Callable[..., Any]:
    """talk(server, say, **options): what ``await say(client)`` returns, connected to *server*."""

    def talk(server: Any, say: Callable, **options: Any) -> Any:
        async def run() -> Any:
            with anyio.fail_after(PATIENCE):
                async with Client(server, **options) as client:
                    return await say(client)

        return anyio.run(run)

    return talk


@pytest.fixture(scope="session")
def environment(own_cache) -> dict[str, str]:
    """The variables of a server: the cache of the tests, and nothing else that is ours."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SEARCHKBD") or name == "SEARCHKBD_CACHE"
    }
    return {**kept, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def stdio(environment) -> Callable[..., StdioServerParameters]:
    """stdio(index, before=""): the command for a client to start; *before* is Python that its
    process runs first."""

    def stdio(index: Path, before: str = "") -> StdioServerParameters:
        start = ["-c", f"{before}\nfrom searchkbd.cli.main import main\nmain()"]
        return StdioServerParameters(
            command=sys.executable,
            args=[*(start if before else ["-m", "searchkbd"]), "mcp", "--index", str(index)],
            env=environment,
        )

    return stdio


@pytest.fixture(scope="session")
def demo_snapshots(phrasebook_index) -> Iterator[Snapshots]:
    with Snapshots(phrasebook_index) as snapshots:
        yield snapshots


@pytest.fixture(scope="session")
def asker(talk) -> Callable[..., Any]:
    """asker(snapshots): a function ask(tool, **arguments) of their server; ``from_`` is from."""

    def asker(snapshots: Snapshots) -> Callable[..., Any]:
        def ask(tool: str, **arguments: Any) -> Any:
            named = {name.rstrip("_"): value for name, value in arguments.items()}
            return talk(create_server(snapshots), lambda client: client.call_tool(tool, named))

        return ask

    return asker


@pytest.fixture(scope="session")
def ask(asker, demo_snapshots) -> Callable[..., Any]:
    """Ask the server of the demonstration index, in this process."""
    return asker(demo_snapshots)
