"""``searchkbd mcp``: its streams, its end, and what it cannot do."""

from __future__ import annotations

import json
import signal
import subprocess
from contextlib import suppress

import pytest

INITIALIZE = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "tests", "version": "1"},
    },
}  # fmt: skip


def line(message: dict) -> bytes:
    return json.dumps(message).encode() + b"\n"


def call(number: int, tool: str, **arguments: object) -> bytes:
    params = {"name": tool, "arguments": arguments}
    return line({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})


@pytest.fixture
def serve(start, small_index):
    """Start a server of a small index, with pipes."""
    started = []

    def serve(**more) -> subprocess.Popen:
        started.append(start("mcp", "--index", small_index, stdin=subprocess.PIPE, **more))
        return started[-1]

    yield serve
    for one in started:
        with suppress(BrokenPipeError):
            one.stdin.close()


def say(process: subprocess.Popen, *lines: bytes) -> None:
    for each in lines:
        process.stdin.write(each)
    process.stdin.flush()


def answer(process: subprocess.Popen) -> dict:
    return json.loads(process.stdout.readline())


def test_it_ends_when_standard_input_is_closed(serve):
    process = serve()
    say(process, line(INITIALIZE))
    assert answer(process)["result"]["serverInfo"]["name"] == "searchkbd"
    process.stdin.close()
    assert process.wait(20) == 0
    assert (process.stdout.read(), process.stderr.read()) == (b"", b"")


def test_it_ends_when_there_is_no_input(process, small_index):
    assert tuple(process("mcp", "--index", small_index)) == (0, "", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_told_to(serve, number):
    process = serve()
    say(process, line(INITIALIZE))
    answer(process)
    process.send_signal(number)
    assert process.wait(20) == 0
    assert (process.stdout.read(), process.stderr.read()) == (b"", b"")


def test_it_ends_when_nobody_reads(serve):
    process = serve()
    process.stdout.close()
    say(process, line(INITIALIZE))
    assert process.wait(20) == 0
    assert b"Traceback" not in process.stderr.read()


def test_it_ends_when_the_client_reads_no_more_and_says_so(serve):
    process = serve()
    say(process, line(INITIALIZE))
    answer(process)
    say(process, *(call(n, "concordance", pattern="*а*") for n in range(2, 300)))
    process.send_signal(signal.SIGTERM)  # with the pipe full
    assert process.wait(20) == 0


def test_what_is_no_message_is_passed_over(serve):
    process = serve()
    say(
        process,
        b"hello\n\n", b"\xff\xfe\n", b"{}\n", b"[1, 2]\n", b"[" * 200_000 + b"\n",
        b"x" * 1_000_001 + b"\n", b'"' + b"y" * 3_000_000 + b'"\n',
        line(INITIALIZE),
    )  # fmt: skip
    assert answer(process)["id"] == 1
    say(process, call(2, "search", query="вода"))
    assert "Вода холодная." in json.dumps(answer(process), ensure_ascii=False)
    process.stdin.close()
    assert process.wait(20) == 0
    assert process.stderr.read().count(b"passed over") == 2


def test_half_a_character_is_no_reason_not_to_answer(serve):
    process = serve()
    say(process, line(INITIALIZE), call(2, "search", query="вода \ud83d", limit=1))
    assert answer(process)["id"] == 1
    assert "Вода холодная." in json.dumps(answer(process), ensure_ascii=False)


def test_nothing_but_the_protocol_is_on_standard_output(serve):
    before = """
import os, searchkbd.api
look = searchkbd.api.Index.sentence
def noisy(self, id):
    print("printed")
    os.write(1, b"written\\n")
    os.system("echo by another process")
    return look(self, id)
searchkbd.api.Index.sentence = noisy
"""
    process = serve(before=before)
    say(process, line(INITIALIZE), call(2, "sentence", id="water-ru"))
    assert answer(process)["id"] == 1
    assert answer(process)["result"]["structuredContent"]["text"] == "Вода холодная."
    process.stdin.close()
    assert process.wait(20) == 0
    assert process.stdout.read() == b""
    told = process.stderr.read()
    assert all(words in told for words in (b"printed", b"written", b"by another process"))


def test_it_speaks_to_nobody_else(serve):
    before = """
import sys
def told(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"):
        print("network:", event, arguments, file=sys.stderr)
sys.addaudithook(told)
"""
    process = serve(before=before)
    say(process, line(INITIALIZE), call(2, "search", query="вода"))
    assert [answer(process)["id"] for _ in range(2)] == [1, 2]
    process.stdin.close()
    assert process.wait(20) == 0
    assert b"network" not in process.stderr.read()


def test_an_index_that_is_not_there(process, tmp_path):
    code, out, err = process("mcp", "--index", tmp_path / "none")
    assert (code, out) == (2, "") and str(tmp_path / "none") in err and "searchkbd build" in err


def test_names_are_needed_to_be_reached_by_others(run, small_index):
    for host in ("0.0.0.0", "::", ""):
        code, out, err = run("mcp", "--index", small_index, "--http", "--host", host)
        assert (code, out) == (2, "") and "--allow-host" in err


def test_an_address_that_cannot_be_had(run, small_index):
    code, out, err = run("mcp", "--index", small_index, "--http", "--host", "192.0.2.7")
    assert (code, out) == (2, "") and "--port" in err
    code, out, err = run("mcp", "--index", small_index, "--http", "--host", "no.such.invalid")
    assert (code, out) == (2, "") and "no.such.invalid" in err
