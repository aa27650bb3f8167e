"""Browsers without JavaScript, as far as these tests need one."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest


@pytest.fixture(scope="session")
def browser(demo_server) -> Iterator[httpx.Client]:
    """A client that says what a browser says, and keeps no cookie."""
    headers = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": "en"}
    with httpx.Client(base_url=demo_server.url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture(autouse=True)
def no_cookies(request) -> None:
    """One test's choice of language is not another's."""
    if "browser" in request.fixturenames:
        request.getfixturevalue("browser").cookies.clear()
