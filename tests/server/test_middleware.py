"""Limits of requests and headers of answers, as clients see them."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_server import LiveServer, live_server, read_all
from starlette.responses import StreamingResponse

from searchkbd.api import Index
from searchkbd.server.middleware import SECURITY_HEADERS
from searchkbd.server.refusals import MAX_HEADERS, MAX_URL, refusal
from searchkbd.server.settings import Limits, ServerSettings

LOCAL = ServerSettings(index=Path("index"))
OPEN = ServerSettings(index=Path("index"), host="0.0.0.0")
NAMED = ServerSettings(
    index=Path("index"), host="192.0.2.7", allowed_hosts=("Search.Example.org", "2001:db8::1")
)


def scope(host: str | None = "localhost", *, path="/", query="", version="1.1", headers=()):
    own = [] if host is None else [(b"host", host.encode("latin-1"))]
    return {
        "type": "http", "method": "GET", "http_version": version, "path": path,
        "raw_path": path.encode("latin-1"), "query_string": query.encode("latin-1"),
        "headers": [*own, *headers],
    }  # fmt: skip


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8765", "localhost.", "127.0.0.1", "127.0.0.1:80", "[::1]:8765",
     "127.1.2.3:"],
)  # fmt: skip
def test_this_machine_is_called_by_its_own_names(host):
    assert refusal(scope(host), LOCAL) is None


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.nip.example", "evil.example:8765",
     "192.0.2.1", "[2001:db8::2]", "0x7f.1", "2130706433"],
)  # fmt: skip
def test_a_name_that_was_not_allowed_is_refused_with_a_way_out(host):
    refused = refusal(scope(host), LOCAL)
    assert refused.status == 421
    assert "--allow-host " + host.removesuffix(":8765").strip("[]") in refused.error


@pytest.mark.parametrize(
    "host",
    ["", ":80", "local host", "user@localhost", "localhost@evil.example", "localhost/..", "[::1",
     "a:b:c", "localhost\\evil", "[]", "::1", "\xa0"],
)  # fmt: skip
@pytest.mark.parametrize("settings", [LOCAL, OPEN, NAMED])
def test_a_host_that_is_none_is_refused(host, settings):
    assert refusal(scope(host), settings).status == 400


def test_one_host_is_needed_but_of_http_1_0():
    assert refusal(scope(None), LOCAL).status == 400
    assert refusal(scope(None, version="1.0"), LOCAL) is None
    assert refusal(scope("localhost", headers=[(b"host", b"localhost")]), LOCAL).status == 400


def test_names_that_were_allowed():
    for host in ("search.example.org", "SEARCH.example.ORG.:443", "[2001:db8::1]:80", "192.0.2.7"):
        assert refusal(scope(host), NAMED) is None
    assert refusal(scope("localhost"), NAMED) is None
    assert refusal(scope("example.org"), NAMED).status == 421
    assert refusal(scope("x.search.example.org"), NAMED).status == 421
    assert refusal(scope("anything.example"), OPEN) is None


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("%D0%B2%D0%BE%D0%B4%D0%B0", None),
        ("100%", None),
        ("%zz", None),
        ("%0D%0A%09", None),
        ("%F0%9F%98%80", None),
        ("%ff", 400),
        ("%C0%AF", 400),  # an overlong slash
        ("%ED%A0%80", 400),  # half of a surrogate pair
        ("%D0", 400),
        ("a%00b", 400),
    ],
)
def test_text_of_an_address_is_utf_8(raw, status):
    for request in (scope(path=f"/{raw}"), scope(query=f"q={raw}")):
        found = refusal(request, LOCAL)
        assert (found and found.status) == status


def test_lengths():
    longest = "q=" + "a" * (MAX_URL - 3)
    assert refusal(scope(query=longest), LOCAL) is None
    assert refusal(scope(query=longest + "a"), LOCAL).status == 414
    room = MAX_HEADERS - len("hostlocalhost") - 1
    assert refusal(scope(headers=[(b"x", b"v" * room)]), LOCAL) is None
    assert refusal(scope(headers=[(b"x", b"v" * (room + 1))]), LOCAL).status == 431
    assert refusal(scope(headers=[(b"x", b"")] * 99), LOCAL) is None
    assert refusal(scope(headers=[(b"x", b"")] * 100), LOCAL).status == 431


@given(st.text(max_size=40), st.binary(max_size=40), st.binary(max_size=40))
def test_whatever_comes_it_is_refused_or_not(host, path, query):
    request = scope(None, headers=[(b"host", host.encode("utf-8", "replace"))])
    found = refusal({**request, "raw_path": path, "query_string": query}, LOCAL)
    if found is not None:
        assert found.status in (400, 421)
        json.dumps(found.error)


@pytest.fixture(scope="module")
def server(phrasebook_index) -> Iterator[LiveServer]:
    limits = Limits(body=10_000, upload=50_000, body_seconds=1.0)
    with live_server(
        phrasebook_index, limits=limits, allow_writes=True, token="0123456789-abcdef"
    ) as live:
        yield live


def raw(server: LiveServer, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(request)
        return read_all(connection)


def test_every_answer_has_the_headers_and_none_opens_other_origins(server):
    from searchkbd.server.pages.assets import asset_path, assets

    with httpx.Client(base_url=server.url, headers={"Origin": "https://evil.example"}) as client:
        answers = [
            client.get("/health"),
            client.get("/", params={"q": "вода"}),
            client.get("/openapi.json"),
            client.get(asset_path(next(iter(assets())))),
            client.get("/languages"),
            client.get("/nowhere"),
            client.get("/api/search"),
            client.get("/api/search", params={"q": "вода"}, headers={"Host": "evil.example"}),
            client.get("/", params={"q": "a" * (MAX_URL + 1)}),
            client.post("/api/search", content=b"x" * 20_000),
            client.post("/api/search", content=b"{"),
            client.post("/api/sentences", json={}),
            client.delete("/overview"),
            client.options("/api/search", headers={"Access-Control-Request-Method": "POST"}),
            client.request("TRACE", "/api/search", headers={"X-Secret": "echo"}),
            client.head("/health"),
        ]
    assert {answer.status_code for answer in answers} >= {200, 401, 404, 405, 413, 414, 421, 422}
    for answer in answers:
        for name, value in SECURITY_HEADERS:
            if name != b"cache-control":
                assert answer.headers[name.decode()] == value.decode(), answer.url
        assert answer.headers["cache-control"]
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "server" not in answer.headers
        assert "echo" not in answer.text
        assert answer.status_code != 500


def test_a_method_in_a_header_is_not_taken_for_one(server):
    for name in ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"):
        answer = httpx.get(
            f"{server.url}/api/sentences/anything", headers={name: "DELETE"}
        )
        assert answer.status_code == 404
        assert "no sentence" in answer.text


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [10_001, 3_000_000])
def test_a_body_that_is_too_large_is_refused_and_the_client_learns_why(server, chunked, size):
    content = iter([b"x" * size]) if chunked else b"x" * size
    answer = httpx.post(f"{server.url}/api/search", content=content)
    assert answer.status_code == 413
    assert "larger than 10,000 bytes" in answer.json()["error"]
    assert answer.headers["connection"] == "close"


def test_a_body_as_large_as_may_be_is_read_whole(server):
    body = json.dumps({"queries": ["вода"]}).encode()
    body += b" " * (10_000 - len(body))
    for content in (body, iter([body[:5000], body[5000:]])):
        answer = httpx.post(
            f"{server.url}/api/search", content=content,
            headers={"Content-Type": "application/json"},
        )  # fmt: skip
        assert answer.status_code == 200, answer.text


def test_files_may_be_larger_for_whoever_has_the_token(server):
    where = f"{server.url}/tmserver/en/ru/store/some.txt"
    right = {"Authorization": "Bearer 0123456789-abcdef"}
    content = b"x" * 20_000
    assert httpx.put(where, content=content).status_code == 413
    assert httpx.put(where, content=content, headers=right).status_code not in (413, 500)
    assert httpx.put(where, content=content * 3, headers=right).status_code == 413
    assert httpx.put(f"{server.url}/api/search", content=content, headers=right).status_code == 413


def test_a_body_that_does_not_come_is_waited_for_a_moment(server):
    start = time.monotonic()
    head = b"POST /api/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n"
    answer = raw(server, head + b'{"queries"')
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"did not come within 1 seconds" in answer
    assert 0.9 < time.monotonic() - start < 10


def test_a_body_that_drips_is_not_waited_for_any_longer(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(
            b"POST /api/search HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        start = time.monotonic()
        stop = threading.Event()

        def drip() -> None:
            try:
                while not stop.wait(0.1):
                    connection.sendall(b"1\r\n \r\n")
            except OSError:
                pass

        thread = threading.Thread(target=drip)
        thread.start()
        answer = read_all(connection)
        stop.set()
        thread.join()
    assert b" 408 " in answer
    assert time.monotonic() - start < 10


def test_who_expects_to_be_told_to_go_on_is(server):
    body = b'{"queries": ["water"]}'
    head = (
        b"POST /api/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(head % len(body))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")
    assert raw(server, head % 2_000_000).startswith(b"HTTP/1.1 413 ")


def test_a_request_that_waits_is_dropped_when_its_client_is_gone(server):
    service, begun, go, done = server.app.state.service, [], threading.Event(), []

    async def work(name: str) -> str:
        def ask(index: Index) -> str:
            begun.append(name)
            assert go.wait(30)
            done.append(name)
            return name

        return await service.slow(ask)

    server.app.add_api_route("/work", work)
    with ThreadPoolExecutor(3) as others:
        first = [others.submit(httpx.get, f"{server.url}/work?name={n}", timeout=30) for n in "ab"]
        wait_for(lambda: len(begun) == 2)
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{server.url}/work?name=gone", timeout=0.3)
        last = others.submit(httpx.get, f"{server.url}/work?name=c", timeout=30)
        time.sleep(0.3)  # so that the server has seen that the client is gone
        go.set()
        assert [answer.result().status_code for answer in [*first, last]] == [200] * 3
    assert sorted(done) == ["a", "b", "c"]


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    assert true()


def test_an_error_of_the_server_is_told_without_its_reasons(server, caplog):
    async def broken(rest: str) -> None:
        raise KeyError("a secret of the server")

    server.app.add_api_route("/broken/{rest}", broken)
    answer = httpx.get(f"{server.url}/broken/a%0AERROR%20b")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "a secret of the server" in caplog.text
    assert "GET /broken/a%0AERROR%20b" in caplog.text  # and not two lines


def test_an_error_in_the_midst_of_an_answer_ends_the_connection(server, caplog):
    async def broken() -> StreamingResponse:
        async def parts():
            yield b"the beginning"
            raise KeyError("a secret of the server")

        return StreamingResponse(parts())

    server.app.add_api_route("/midway", broken)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{server.url}/midway")
    assert "a secret of the server" in caplog.text
