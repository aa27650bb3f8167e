"""The server over streamable HTTP: a process of its own, at a free port."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import anyio
import httpx
import pytest

HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.fixture(scope="module")
def process(phrasebook_index, environment) -> Iterator[tuple[subprocess.Popen, str]]:
    """A server and its address."""
    command = [sys.executable, "-m", "searchkbd", "mcp", "--index", str(phrasebook_index)]
    with subprocess.Popen(
        [*command, "--http", "--port", "0", "--allow-host", "corpus.example"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=environment,
    ) as process:  # fmt: skip
        try:
            line = process.stderr.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+/mcp", line)
            assert found, line + process.stderr.read()
            yield process, found[0]
        finally:
            process.kill()


@pytest.fixture(scope="module")
def url(process) -> str:
    return process[1]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_clients_of_both_protocols(talk, url, mode):
    async def say(client):
        assert len((await client.list_tools()).tools) == 4
        found = await client.call_tool("search", {"query": "Annem evde yok", "limit": 1})
        assert found.structured_content["hits"][0]["text"] == "Annemiz evde değil."
        wrong = await client.call_tool("search", {"query": "?"})
        assert wrong.is_error and "no letter" in wrong.content[0].text

    talk(url, say, mode=mode)


def test_many_clients_at_once(talk, url):
    async def look(_: object = None) -> None:
        from mcp import Client

        async with Client(url) as client:
            found = await client.call_tool("concordance", {"pattern": "псы"})
            assert found.structured_content["occurrences"] == 3

    async def all_of_them() -> None:
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(look)

    anyio.run(all_of_them)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost:1"}, 200),
        ({"host": "corpus.example"}, 200),
        ({"host": "corpus.example:443", "origin": "https://corpus.example"}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example:80"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"content-type": "text/plain"}, 400),
        ({"accept": "text/html"}, 406),
    ],
)
def test_only_who_may_ask_is_answered(url, headers, status):
    answer = httpx.post(url, json=LIST, headers={**HEADERS, **headers})
    assert answer.status_code == status
    assert "server" not in answer.headers and "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "", b"", 405),
        ("DELETE", "", b"", 405),
        ("OPTIONS", "", b"", 405),
        ("POST", "/../", b"", 404),
        ("POST", "", b"", 400),
        ("POST", "", b"{", 400),
        ("POST", "", b"\xff\xfe", 400),
        ("POST", "", b"[" * 100_000, 400),
        (
            "POST",
            "",
            b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"a":"\\ud800"}}',
            400,
        ),
        ("POST", "", b" " * 1_000_001, 413),
    ],
)
def test_what_is_no_request(url, method, path, body, status):
    answer = httpx.request(method, url + path, content=body, headers=HEADERS)
    assert answer.status_code == status
    assert "Traceback" not in answer.text


def test_a_client_that_goes_away_does_no_harm(talk, url):
    call = {**LIST, "method": "tools/call"}
    call["params"] = {"name": "concordance", "arguments": {"pattern": "*а*", "limit": 100}}
    for _ in range(5):
        with pytest.raises(httpx.TimeoutException):
            httpx.post(url, json=call, headers=HEADERS, timeout=httpx.Timeout(5, read=0.0001))
    assert httpx.post(url, json=call, headers=HEADERS).status_code == 200


def test_it_ends_when_it_is_told_to(process):
    running, url = process
    running.send_signal(signal.SIGTERM)
    assert running.wait(20) == 0
    out, err = running.communicate()
    assert out == "" and "Traceback" not in err, err
    with pytest.raises(httpx.ConnectError):
        httpx.post(url, json=LIST)
