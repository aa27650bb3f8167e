"""A real browser for tests: Chromium as the machine has it, and what goes wrong in it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Response,
    sync_playwright,
)

INSECURE_HOST = "searchkbd.test"
"""A name by which the browser finds this machine; pages of it are not trusted with everything."""

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

# Nothing but the pages: no updates, no reports, no network of its own.
_ARGUMENTS = (
    "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-quic", "--no-first-run",
    f"--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1",
)  # fmt: skip

_AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    "resultTypes": ["violations"],
}

_MAP_PATIENCE = 60_000  # milliseconds

_ABORTED = "net::ERR_ABORTED"  # by the page itself, which has asked something newer


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for the block, not longer than a module of tests: it holds the event loop of its
    thread. Without one the tests are skipped; they fail where the environment has ``CI``."""
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        _without_browser(f"there is no browser here: none of {', '.join(_PROGRAMS)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield browser
        browser.close()


def _without_browser(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; on Debian and Ubuntu: apt install chromium", pytrace=False)
    pytest.skip(reason)


@dataclass
class Watch:
    """What went wrong in a page: messages on its console, errors of scripts, requests that failed
    or went elsewhere. ``expected`` has patterns of what a test provokes."""

    origin: str
    expected: list[str] = field(default_factory=list)
    _seen: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        """Watch *page* from now on."""
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._seen.append(f"error: {error}"))
        page.on("request", self._on_request)
        page.on("requestfailed", self._on_failed)
        page.on("response", self._on_response)
        page.on("dialog", lambda dialog: self._on_dialog(dialog.message, dialog.dismiss))

    def problems(self) -> list[str]:
        """Return what went wrong and was not expected."""
        return [
            problem
            for problem in self._seen
            if not any(re.search(pattern, problem) for pattern in self.expected)
        ]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._seen.append(f"console: {message.text}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.origin + "/", "data:", "about:")):
            self._seen.append(f"external: {request.url}")

    def _on_failed(self, request: Request) -> None:
        if request.failure != _ABORTED:
            self._seen.append(f"failed: {request.url} {request.failure}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self._seen.append(f"status: {response.status} {response.url}")

    def _on_dialog(self, message: str, dismiss) -> None:
        self._seen.append(f"dialog: {message}")
        dismiss()


def map_points(page: Page) -> Locator:
    """Return the points of the map that *page* shows, once it has been computed, which it is once
    for an index."""
    points = page.locator(".map-points circle")
    points.first.wait_for(timeout=_MAP_PATIENCE)
    return points


def violations(page: Page) -> str:
    """Return what is wrong with the accessibility of *page* as it is shown now, "" for nothing:
    WCAG 2.1, levels A and AA, and the best practices that axe knows."""
    results = Axe().run(page, options=_AXE)
    return "\n".join(
        f"{found['id']}: {' '.join(node['target'])}: {node['failureSummary']}\n   {node['html']}"
        for found in results.response["violations"]
        for node in found["nodes"]
    )
