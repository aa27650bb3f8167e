"""Clients that are slow, that say too much, that are too many, or that speak no HTTP."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from live_server import LiveServer, live_server, read_all
from starlette.responses import Response

from searchkbd.server.protocol import PatientProtocol

GOOD = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE = 50_000_000  # bytes: more than the buffers of the system hold


@pytest.fixture
def limits(monkeypatch) -> Iterator[None]:
    """Limits that can be waited for."""
    monkeypatch.setattr(PatientProtocol, "head_seconds", 0.5)
    monkeypatch.setattr(PatientProtocol, "answer_seconds", 1.5)
    monkeypatch.setattr(PatientProtocol, "most", 3)
    monkeypatch.setattr(PatientProtocol, "surplus", 2)


@pytest.fixture(scope="module")
def server(phrasebook_index) -> Iterator[LiveServer]:
    with live_server(phrasebook_index) as running:
        yield running


def connections(server: LiveServer) -> int:
    return len(server.server.server_state.connections)


def wait_until_alone(server: LiveServer) -> None:
    end = time.monotonic() + 30
    while connections(server) and time.monotonic() < end:
        time.sleep(0.02)
    assert not connections(server)


@pytest.mark.parametrize(
    "beginning",
    [b"", b"\r\n", b"GET /hea", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: a"],
)
def test_a_head_that_does_not_come_is_waited_for_a_moment(limits, server, beginning):
    start = time.monotonic()
    answer = server.raw(beginning)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"content-security-policy: default-src 'none'" in answer
    assert time.monotonic() - start < 5
    wait_until_alone(server)


@pytest.mark.parametrize("before", [b"", GOOD])
def test_a_head_that_drips_is_not_waited_for_any_longer(limits, server, before):
    with server.connect() as connection:
        connection.sendall(before)
        if before:
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        stop = threading.Event()

        def drip() -> None:
            try:
                connection.sendall(b"GET /health HTTP/1.1\r\nX: ")
                while not stop.wait(0.05):
                    connection.sendall(b"x")
            except OSError:
                pass

        thread = threading.Thread(target=drip)
        thread.start()
        start = time.monotonic()
        answer = read_all(connection)
        stop.set()
        thread.join()
    assert b"HTTP/1.1 408 " in answer or not answer  # reset: it was still sending
    assert time.monotonic() - start < 5
    wait_until_alone(server)


def test_a_head_without_end_is_not_kept_in_memory(server):
    with server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        with pytest.raises(OSError):
            for _ in range(1000):
                connection.sendall(b"X-Long: " + b"x" * 65536 + b"\r\n")
                time.sleep(0.001)
    wait_until_alone(server)


def test_a_head_that_is_a_little_too_long_is_answered(server):
    answer = server.raw(GOOD[:-2] + b"X-Long: " + b"x" * 40_000 + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 431 ")
    answer = server.raw(b"GET /?q=" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 414 ")


def test_a_head_that_follows_a_request_under_way_is_bounded_too(server):
    # While the first is answered, what follows must not pile up.
    begun, go = threading.Event(), threading.Event()

    def wait() -> Response:
        begun.set()
        go.wait(30)
        return Response("done")

    server.server.config.loaded_app.add_api_route("/wait", wait)
    with server.connect() as connection:
        connection.sendall(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nX: ")
        assert begun.wait(30)
        with pytest.raises(OSError):
            for _ in range(1000):
                connection.sendall(b"x" * 65536)
                time.sleep(0.001)
        go.set()
    wait_until_alone(server)


def test_an_answer_that_nobody_takes_is_given_up(limits, server):
    def large() -> Response:
        return Response(b"x" * LARGE)

    server.server.config.loaded_app.add_api_route("/large", large)
    with server.connect() as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(10) == b"HTTP/1.1 2"
        wait_until_alone(server)
        assert len(read_all(connection)) < LARGE


def test_an_answer_that_is_taken_slowly_arrives_whole(server):
    def large() -> Response:
        return Response(b"x" * 3_000_000)

    server.server.config.loaded_app.add_api_route("/three", large)
    with server.connect() as connection:
        connection.sendall(b"GET /three HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        got = bytearray()
        while part := connection.recv(30_000):
            got += part
            time.sleep(0.01)
    assert got.endswith(b"x" * 3_000_000)


def test_connections_beyond_those_that_may_be_are_answered_503_then_closed(limits, server):
    wait_until_alone(server)
    PatientProtocol.head_seconds = 30.0  # set back by the fixture
    kept = [server.connect() for _ in range(3)]
    for one in kept:
        one.sendall(GOOD)
        assert one.recv(65536).startswith(b"HTTP/1.1 200 ")
    answer = server.raw(GOOD)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 5" in answer
    assert b"x-content-type-options: nosniff" in answer
    surplus = [server.connect() for _ in range(4)]
    end = time.monotonic() + 10
    while connections(server) != 5 and time.monotonic() < end:
        time.sleep(0.02)
    assert connections(server) == 5
    for one in surplus + kept:
        one.close()
    wait_until_alone(server)
    assert httpx.get(f"{server.url}/health").status_code == 200


@pytest.mark.parametrize(
    "request_",
    [
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX y: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"GET / HTTP/1.1\nHost: localhost\n\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"POST /api/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\n\r\n12345",
        b"POST /api/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999"
        b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(server, request_):
    answer = server.raw(request_)
    status = int(answer.split(b" ", 2)[1])
    assert 400 <= status < 500 or status == 501, answer
    assert b"x-content-type-options: nosniff" in answer
    assert b"Traceback" not in answer


SMUGGLED = b"GET /overview HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5, 6\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
        b"Transfer-Encoding\r\n : chunked\r\n",
    ],
)
def test_no_request_is_smuggled_behind_a_body_of_two_lengths(server, headers):
    head = b"POST /api/search HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n"
    answer = server.raw(head + b"0\r\n\r\n" + SMUGGLED)
    assert answer.count(b"HTTP/1.1 ") == 1, answer
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 "))


def test_a_chunk_that_is_none_ends_the_connection(server):
    head = b"POST /api/search HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    for chunk in (b"zz\r\n", b"5;x\nabcde\r\n0\r\n\r\n", b"-1\r\n", b"5\r\nabcdeXX0\r\n\r\n"):
        answer = server.raw(head + chunk + SMUGGLED)
        assert answer.count(b"HTTP/1.1 ") <= 1
        assert b"HTTP/1.1 200 " not in answer


def test_requests_in_a_row_are_answered_in_order(server):
    first = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = GOOD[:-2] + b"Connection: close\r\n\r\n"
    answer = server.raw(first + GOOD + last)
    assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"404", b"200", b"200"]


def test_an_upgrade_is_not_made(server):
    answer = server.raw(
        GOOD[:-2] + b"Connection: upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
        b"\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"upgrade" not in answer.lower()


def test_the_address_of_another_server_in_the_request_line_changes_nothing(server):
    answer = server.raw(
        b"GET http://evil.example/overview HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"evil.example" not in answer


@pytest.mark.parametrize("half", [socket.SHUT_WR, socket.SHUT_RDWR])
def test_clients_that_go_away_leave_nothing(server, half):
    for request in (b"", GOOD[:10], GOOD, GOOD * 3):
        with server.connect() as connection:
            connection.sendall(request)
            connection.shutdown(half)
    wait_until_alone(server)
    assert httpx.get(f"{server.url}/health").status_code == 200
