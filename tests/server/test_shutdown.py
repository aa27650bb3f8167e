"""How a server ends: what has begun is answered, nothing new is, and nothing keeps it for ever."""

from __future__ import annotations

import json
import time

import httpx
import pytest
from live_server import LiveServer, live_server, read_all
from starlette.responses import Response

from searchkbd.server import run
from searchkbd.server.settings import Limits

BODY = json.dumps({"queries": ["вода"]}).encode()
HEAD = (
    b"POST /api/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
)


def stop(server: LiveServer) -> None:
    server.server.should_exit = True


def refused(server: LiveServer) -> bool:
    """Return whether new connections come to be refused within a second or two."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            server.connect().close()
        except ConnectionRefusedError:
            return True
        time.sleep(0.02)
    return False


def test_a_request_that_has_begun_is_answered_and_new_ones_are_refused(phrasebook_index):
    with live_server(phrasebook_index) as server:
        with server.connect() as idle, server.connect() as begun:
            idle.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert idle.recv(65536).startswith(b"HTTP/1.1 200 ")
            begun.sendall(HEAD + BODY[:5])
            time.sleep(0.2)  # so that it has been read
            stop(server)
            assert refused(server)
            assert idle.recv(10) == b""
            begun.sendall(BODY[5:])
            answer = read_all(begun)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["results"][0]["hits"]
        server.thread.join(10)
        assert not server.thread.is_alive()


def test_work_that_has_begun_is_done(phrasebook_index):
    with live_server(phrasebook_index) as server:
        begun = []

        async def work() -> str:
            def change(writer: object) -> str:
                begun.append(writer)
                time.sleep(1)
                return "done"

            return await server.server.config.loaded_app.state.service.write(change)

        server.server.config.loaded_app.add_api_route("/work", work)
        with server.connect() as connection:
            connection.sendall(b"GET /work HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while not begun:
                time.sleep(0.01)
            stop(server)
            assert read_all(connection).endswith(b'"done"')


@pytest.mark.parametrize("held", ["a body that does not come", "an answer that nobody takes"])
def test_a_client_that_never_ends_is_not_waited_for(phrasebook_index, monkeypatch, held):
    monkeypatch.setattr(run, "GRACE", 1)
    with live_server(phrasebook_index, limits=Limits(body_seconds=30.0)) as server:

        def large() -> Response:
            return Response(b"x" * 50_000_000)

        server.server.config.loaded_app.add_api_route("/large", large)
        with server.connect() as connection:
            if held.startswith("a body"):
                connection.sendall(HEAD + BODY[:5])
            else:
                connection.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
            time.sleep(0.2)
            start = time.monotonic()
            stop(server)
            server.thread.join(15)
            assert not server.thread.is_alive()
            assert time.monotonic() - start < 10


def test_the_index_is_let_go(phrasebook_index):
    with live_server(phrasebook_index) as server:
        assert httpx.get(f"{server.url}/api/search", params={"q": "вода"}).status_code == 200
        snapshots = server.server.config.loaded_app.state.service.snapshots
    assert not snapshots.refresh()  # closed
    with snapshots.lend() as index:  # a straggler is answered still, and leaves nothing
        assert index.languages
    assert not snapshots._now.idle
