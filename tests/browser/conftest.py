"""Pages in a real browser, watched for errors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from live_server import LiveServer, live_server

if not os.environ.get("CI"):
    pytest.importorskip("playwright")
    pytest.importorskip("axe_playwright_python")

from browsing import Watch, chromium
from playwright.sync_api import Browser, Page

_PATIENCE = 5000  # milliseconds for what a test waits for

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def site(phrasebook_index) -> Iterator[LiveServer]:
    """A server of the demonstration index, which nobody writes to."""
    with live_server(phrasebook_index) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """See ``browsing.chromium``."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def expected() -> list[str]:
    """Patterns of what may go wrong in the pages of a test; else it fails when anything does."""
    return []


@pytest.fixture
def open_page(browser, request, expected) -> Iterator[OpenPage]:
    """``open_page(path="/", url=the demo site's, **context)`` opens a page as a visitor who has
    never been here; *context* is that of ``Browser.new_context``."""
    contexts = []
    watches = []

    def open_page(path: str = "/", *, url: str | None = None, **context: Any) -> Page:
        url = url or request.getfixturevalue("site").url
        fresh = browser.new_context(
            **{"base_url": url, "locale": "en-GB", "color_scheme": "light", **context}
        )
        fresh.set_default_timeout(_PATIENCE)
        contexts.append(fresh)
        watch = Watch(url, expected)
        watches.append(watch)
        fresh.on("page", watch.follow)
        page = fresh.new_page()
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    problems = [problem for watch in watches for problem in watch.problems()]
    assert not problems, "\n".join(problems)
