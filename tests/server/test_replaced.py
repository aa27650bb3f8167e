"""The index changes under a server, by commands in processes of their own; no request fails."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
from live_server import LiveServer, live_server

ROOT = Path(__file__).resolve().parents[2]

REQUESTS = [
    "/api/search?q=вода&k=3",
    "/api/tm?q=Где+вокзал%3F&from=ru&to=en",
    "/api/concordance?q=вод*",
    "/api/stats",
    "/tmserver/ru/en/unit/вода",
    "/languages",
    "/?q=дом",
    "/overview",
    "/health",
]


def searchkbd(*arguments: object) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "searchkbd", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()


def sentences(server: LiveServer) -> int:
    return httpx.get(f"{server.url}/api/stats").json()["sentences"]


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    assert true()


@contextmanager
def asked_without_pause(server: LiveServer) -> Iterator[None]:
    """Have threads make requests for as long as the block lasts; all must be answered well."""
    stop = threading.Event()

    def work(number: int) -> int:
        answered = 0
        with httpx.Client(base_url=server.url, timeout=60) as client:
            while not stop.is_set():
                answer = client.get(REQUESTS[(number + answered) % len(REQUESTS)])
                assert answer.status_code == 200, (answer.url, answer.text[:300])
                answered += 1
        return answered

    with ThreadPoolExecutor(4) as pool:
        threads = [pool.submit(work, number) for number in range(4)]
        try:
            yield
        finally:
            stop.set()
            answered = [thread.result(60) for thread in threads]
    assert sum(answered) > len(REQUESTS)


def test_no_request_fails_while_commands_change_the_index(demo_copy, tmp_path):
    small, more = tmp_path / "small.tsv", tmp_path / "more.tsv"
    small.write_text("lang\ttext\nru\tВода холодная.\nen\tThe water is cold.\n", "utf-8")
    more.write_text("lang\ttext\nru\tСнег идёт.\nen\tIt is snowing.\n", "utf-8")
    with live_server(demo_copy) as server:
        before = sentences(server)
        with asked_without_pause(server):
            searchkbd("add", more, "--index", demo_copy)
            wait_for(lambda: sentences(server) == before + 2)
            searchkbd("compact", "--index", demo_copy)
            searchkbd("replace", small, "--index", demo_copy)
            wait_for(lambda: sentences(server) == 2)
            searchkbd("build", more, "--index", tmp_path / "other")
            demo_copy.rename(tmp_path / "aside")
            (tmp_path / "other").rename(demo_copy)
            wait_for(lambda: "Снег идёт." in httpx.get(f"{server.url}/?q=снег").text)
        assert httpx.get(f"{server.url}/health").json()["status"] == "ok"


def test_the_old_index_is_served_while_there_is_none_and_it_is_said(demo_copy, tmp_path):
    with live_server(demo_copy) as server:
        before = sentences(server)
        with asked_without_pause(server):
            demo_copy.rename(tmp_path / "aside")
            wait_for(lambda: httpx.get(f"{server.url}/health").json()["status"] == "stale")
            assert sentences(server) == before
            answer = httpx.get(f"{server.url}/health")
            assert str(tmp_path) not in answer.text
            (tmp_path / "aside").rename(demo_copy)
            wait_for(lambda: httpx.get(f"{server.url}/health").json()["status"] == "ok")
