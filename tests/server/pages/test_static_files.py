"""Style, scripts, icon: found by what is in them, kept for good, and nothing else is there."""

from __future__ import annotations

import hashlib
import re
from importlib import resources

import pytest
from page_reading import page_of

STATIC = resources.files("searchkbd.server") / "static"
TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@pytest.fixture(scope="module")
def addresses(browser) -> list[str]:
    page = page_of(browser.get("/"))
    return page.xpath("//link/@href | //script/@src")


def test_pages_name_files_by_their_content(browser, addresses):
    assert {address.split("?")[0] for address in addresses} >= {
        "/static/style.css", "/static/app.js", "/static/icon.svg",
    }  # fmt: skip
    for address in addresses:
        name, version = re.fullmatch(r"/static/([\w.]+)\?v=([0-9a-f]{16})", address).groups()
        content = (STATIC / name).read_bytes()
        assert hashlib.sha256(content).hexdigest().startswith(version)
        answer = browser.get(address)
        assert answer.content == content
        assert answer.headers["content-type"].split(";")[0] == TYPES[name.rsplit(".", 1)[1]]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("query", ["", "?v=0000000000000000"])
def test_a_file_of_another_version_is_not_kept(browser, query):
    answer = browser.get(f"/static/style.css{query}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


def test_what_a_browser_has_is_not_sent_again(browser, addresses):
    for address in addresses:
        tag = browser.get(address).headers["etag"]
        for known in (tag, f'"other", W/{tag}', "*"):
            answer = browser.get(address, headers={"If-None-Match": known})
            assert (answer.status_code, answer.content) == (304, b"")
            assert answer.headers["etag"] == tag
        assert browser.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static", "/static/", "/static/.", "/static/../app.py", "/static/%2e%2e/app.py",
        "/static/..%2fapp.py", "/static/style.css/", "/static/style.css%00", "/static//etc/passwd",
        "/static/STYLE.CSS", "/templates/base.html", "/static/base.html", "/static/__init__.py",
    ],
)  # fmt: skip
def test_nothing_else_is_there_and_nothing_is_listed(demo_server, path):
    import socket

    # A raw socket: a client would tidy such a path up.
    with socket.create_connection(("127.0.0.1", demo_server.port), timeout=10) as connection:
        host = f"127.0.0.1:{demo_server.port}"
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    status = int(answer.split(b" ", 2)[1])
    assert status in (400, 404)
    assert b"style.css" not in answer and b"def " not in answer
