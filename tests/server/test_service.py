"""Where requests wait for their turn."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from live_server import live_server

from searchkbd.api import Index
from searchkbd.server import service
from searchkbd.service.writes import Writer


def test_more_than_can_wait_are_told_to_come_again_and_searches_go_on(
    phrasebook_index, monkeypatch
):
    monkeypatch.setattr(service, "_MOST_WAITING", 2)
    go, begun = threading.Event(), threading.Semaphore(0)
    with live_server(phrasebook_index) as server:

        async def work() -> str:
            def ask(index: Index) -> str:
                begun.release()
                assert go.wait(30)
                return "done"

            return await server.app.state.service.slow(ask)

        server.app.add_api_route("/work", work)
        with ThreadPoolExecutor(4) as others:
            asked = [others.submit(httpx.get, f"{server.url}/work", timeout=60) for _ in range(4)]
            for _ in range(2):
                assert begun.acquire(timeout=30)
            limiter = server.app.state.service._slow
            while limiter.statistics().tasks_waiting < 2:
                pass
            refused = httpx.get(f"{server.url}/work")
            assert refused.status_code == 503
            assert refused.headers["retry-after"]
            assert "try again" in refused.json()["error"]
            # What takes milliseconds has threads of its own.
            assert httpx.get(f"{server.url}/api/search?q=вода").status_code == 200
            go.set()
            assert [answer.result().status_code for answer in asked] == [200] * 4


def test_changes_that_wait_are_bounded_too(demo_copy, token, monkeypatch):
    monkeypatch.setattr(service, "_MOST_WAITING", 1)
    go, begun = threading.Event(), threading.Semaphore(0)
    with live_server(demo_copy, allow_writes=True, token=token) as server:

        async def work() -> str:
            def change(writer: Writer) -> str:
                begun.release()
                assert go.wait(30)
                return "done"

            return await server.app.state.service.write(change)

        server.app.add_api_route("/work", work)
        with ThreadPoolExecutor(2) as others:
            asked = [others.submit(httpx.get, f"{server.url}/work", timeout=60) for _ in range(2)]
            assert begun.acquire(timeout=30)
            limiter = server.app.state.service._writing
            while limiter.statistics().tasks_waiting < 1:
                pass
            try:
                assert httpx.get(f"{server.url}/work", timeout=5).status_code == 503
            finally:
                go.set()
            assert [answer.result().status_code for answer in asked] == [200] * 2


@pytest.mark.parametrize("which", ["quick", "slow"])
def test_an_error_of_the_work_is_that_of_the_request(phrasebook_index, which):
    with live_server(phrasebook_index) as server:

        async def work() -> str:
            def ask(index: Index) -> str:
                raise ValueError("there is no such thing")

            return await getattr(server.app.state.service, which)(ask)

        server.app.add_api_route("/work", work)
        answer = httpx.get(f"{server.url}/work")
        assert (answer.status_code, answer.json()) == (422, {"error": "there is no such thing"})
