"""``searchkbd serve`` as a process: how it starts, what it refuses, how it ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = re.compile(r"http://(\S+?):(\d+)\S*/")
PATIENCE = 60.0


@dataclass
class Served:
    process: Popen
    url: str
    said: str

    def end(self, *signals: int) -> tuple[int, str]:
        """Send *signals*, and return the exit code and what was said since the start."""
        for number in signals:
            self.process.send_signal(number)
        self.process.wait(PATIENCE)
        return self.process.returncode, self.process.stderr.read().decode()


@pytest.fixture
def serve(start):
    """Start a server at a free port and wait until it answers."""

    def serve(index: Path, *options: object) -> Served:
        process = start("serve", "--index", index, "--port", 0, *options)
        said = process.stderr.readline().decode()
        found = ADDRESS.search(said)
        assert found, said + process.stderr.read().decode()
        url = found[0].rstrip("/")
        httpx.get(f"{url}/nowhere", timeout=PATIENCE)  # the socket is there, it waits
        return Served(process, url, said)

    return serve


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_an_address_that_works_and_ends_with_0_when_told_to(serve, small_index, number):
    served = serve(small_index)
    assert str(small_index) in served.said
    answer = httpx.get(f"{served.url}/health")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    code, said = served.end(number)
    assert (code, said) == (0, "")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{served.url}/health")


def test_all_addresses_are_printed_as_one_that_works(serve, small_index):
    served = serve(small_index, "--host", "0.0.0.0", "--root-path", "/searchkbd/")
    assert "http://127.0.0.1:" in served.said
    assert "/searchkbd/ " in served.said
    # Behind a proxy that takes the path away, and behind one that does not; by any name.
    strange = {"Host": "anything.example"}
    plain = served.url.removesuffix("/searchkbd")
    assert httpx.get(f"{plain}/health", headers=strange).status_code == 200
    assert httpx.get(f"{plain}/searchkbd/health", headers=strange).status_code == 200
    code, said = served.end(signal.SIGINT)
    assert code == 0
    assert "everyone who can reach this machine" in said


def test_several_processes_one_killed_is_replaced_and_all_end(serve, small_index):
    served = serve(small_index, "--workers", 2)

    def workers() -> set[int]:
        children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children")
        pids = {int(pid) for pid in children.read_text().split()}
        return {
            pid for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
        }

    first = workers()
    assert len(first) == 2
    os.kill(min(first), signal.SIGKILL)
    end = time.monotonic() + PATIENCE
    while len(workers() - first) < 1 and time.monotonic() < end:
        time.sleep(0.1)
    second = workers()
    assert len(second) == 2
    assert max(first) in second
    for _ in range(10):
        assert httpx.get(f"{served.url}/health", timeout=PATIENCE).status_code == 200
    code, said = served.end(signal.SIGTERM)
    assert code == 0, said
    assert re.search(rf"process {min(first)} ended \(-9\)", said)
    assert "Traceback" not in said
    assert not any(Path(f"/proc/{pid}").exists() for pid in second)


def test_control_c_of_a_terminal_reaches_all_processes_and_none_complains(serve, small_index):
    served = serve(small_index, "--workers", 2)
    pid = served.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGINT)
    code, said = served.end(signal.SIGINT)
    assert (code, said) == (0, "")


def test_processes_end_when_the_one_that_watches_them_is_killed(serve, small_index):
    served = serve(small_index, "--workers", 2)
    served.process.kill()
    served.process.wait()
    end = time.monotonic() + PATIENCE
    with pytest.raises(httpx.TransportError):
        while time.monotonic() < end:
            httpx.get(f"{served.url}/health")
            time.sleep(0.2)


def test_a_port_that_is_taken(run, small_index):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, said = run("serve", "--index", small_index, "--port", port)
    assert code == 2
    assert f"cannot listen at 127.0.0.1 port {port}" in said
    assert "choose another with --port" in said


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [
        ("192.0.2.1", 0, "choose an address of this machine"),  # TEST-NET-1: nobody's
        ("nowhere.invalid", 0, "no such address"),
        ("a" * 70, 0, "no such address"),
    ],
)
def test_an_address_that_cannot_be_had(run, small_index, host, port, message):
    code, _, said = run("serve", "--index", small_index, "--host", host, "--port", port)
    assert code == 2
    assert message in said


def test_a_port_for_which_one_has_no_right(process, small_index):
    if os.geteuid() == 0:
        limit = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        if not limit.exists() or int(limit.read_text()) <= 80:
            pytest.skip("every port may be had here")
        prefix = ("setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service")
    else:
        prefix = ()
    done = process("serve", "--index", small_index, "--port", 80, prefix=prefix)
    assert done.code == 2
    assert "ports below 1024 need special rights" in done.err


def test_that_the_index_cannot_be_written_to_is_said(small_index, tmp_path):
    index = shutil.copytree(small_index, tmp_path / "index")
    index.chmod(0o555)
    announce = (
        "from pathlib import Path; from searchkbd.server.run import _announce;"
        "from searchkbd.server.settings import ServerSettings;"
        f"_announce(ServerSettings(index=Path({str(index)!r})), 8765)"
    )
    without = ["--bounding-set=-dac_override", "--inh-caps=-dac_override"]
    prefix = ["setpriv", *without] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*prefix, sys.executable, "-c", announce], capture_output=True, timeout=PATIENCE, cwd=ROOT
    )
    index.chmod(0o755)
    assert "may be found late" in done.stderr.decode()


def test_no_index(run, tmp_path):
    code, _, said = run("serve", "--index", tmp_path / "none", "--port", 0)
    assert code == 2
    assert "make one with: searchkbd build" in said


def test_packages_that_are_missing_are_named(start, small_index):
    without = (
        "import importlib.util as u\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'uvicorn' else find(name, *more)"
    )
    process = start("serve", "--index", small_index, "--port", 0, before=without)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert 'this needs uvicorn; install what is missing with: pip install "searchkbd[server]"' in (
        said.decode()
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "--allow-writes needs a token"),
        ("short\n", "must have 16 characters or more"),
        ("токен-из-шестнадцати-букв\n", "ASCII without spaces"),
        ("two words, sixteen letters\n", "ASCII without spaces"),
        (b"\xff\xfe\0s\0e\0c\0r\0e\0t\0", "token"),
    ],
)
def test_a_token_that_is_none(run, write, small_index, content, message):
    token = write("token", content)
    code, _, said = run(
        "serve", "--index", small_index, "--port", 0, "--allow-writes", "--token-file", token
    )
    assert code == 2
    assert message in said


def test_writing_needs_the_option_and_the_token(serve, small_index, write):
    token = write("token", "0123456789-abcdef\n")
    without = serve(small_index)
    sentence = {"sentences": [{"text": "Вода холодная.", "lang": "ru"}]}
    right = {"Authorization": "Bearer 0123456789-abcdef"}
    where = f"{without.url}/api/sentences"
    assert httpx.post(where, json=sentence, headers=right).status_code == 403
    served = serve(small_index, "--allow-writes", "--token-file", token)
    where = f"{served.url}/api/sentences"
    assert httpx.post(where, json=sentence).status_code == 401
    assert httpx.post(where, json={}, headers=right).status_code == 422  # let in, and no more
    assert "0123456789-abcdef" not in served.end(signal.SIGTERM)[1]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--root-path", "searchkbd", "begins with a slash"),
        ("--port", 65536, "65536"),
        ("--workers", 0, "0"),
        ("--allow-host", "https://example.org/", "a name alone"),
        ("--allow-host", "example.org:8080", "a name alone"),
    ],
)
def test_options_that_make_no_sense(run, small_index, option, value, message):
    code, _, said = run("serve", "--index", small_index, option, value)
    assert code == 2
    assert message in said


@pytest.mark.parametrize("workers", [1, 2])
def test_told_twice_it_ends_at_once(serve, small_index, workers):
    served = serve(small_index, "--workers", workers)
    with socket.create_connection(("127.0.0.1", int(ADDRESS.search(served.said)[2]))) as slow:
        slow.sendall(b"POST /api/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
        time.sleep(0.5)
        served.process.send_signal(signal.SIGINT)
        time.sleep(1)
        assert served.process.poll() is None  # it waits for the one that has begun
        start = time.monotonic()
        code, said = served.end(signal.SIGINT)
    assert time.monotonic() - start < 5
    assert code == 2
    assert "Traceback" not in said
