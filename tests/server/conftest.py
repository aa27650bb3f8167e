"""Servers for the tests of what is served."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_server import LiveServer, live_server

TOKEN = "a-token-for-tests-0123456789"


@pytest.fixture(scope="session")
def demo_server(phrasebook_index) -> Iterator[LiveServer]:
    """A server of the demonstration index, which nobody writes to."""
    with live_server(phrasebook_index) as server:
        yield server


@pytest.fixture
def demo_copy(phrasebook_index, tmp_path) -> Path:
    """A copy of the demonstration index, to write to."""
    return Path(shutil.copytree(phrasebook_index, tmp_path / "demo"))


@pytest.fixture(scope="session")
def token() -> str:
    """A token to serve with, for ``live_server(index, allow_writes=True, token=token)``."""
    return TOKEN


@pytest.fixture
def writable_server(demo_copy, token) -> Iterator[LiveServer]:
    """A server of a copy of the demonstration index, which whoever has the token writes to."""
    with live_server(demo_copy, allow_writes=True, token=token) as server:
        yield server
