"""The server that other tests use."""

from __future__ import annotations

import threading

import httpx
import pytest
from live_server import live_server

from searchkbd.server.app import create_app  # noqa: F401  (imported before threads are counted)


def test_it_answers_and_leaves_no_thread(phrasebook_index):
    with live_server(phrasebook_index) as server:
        assert httpx.get(f"{server.url}/nowhere").status_code == 404
        names = {thread.name for thread in threading.enumerate()}
        assert {f"live-server-{server.port}", "searchkbd-watch"} <= names
    names = {thread.name for thread in threading.enumerate()}
    assert f"live-server-{server.port}" not in names


def test_what_does_not_start_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="did not start"), live_server(tmp_path):
        pass
