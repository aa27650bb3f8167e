"""A server on this machine that speaks as much of the Hugging Face hub as a download needs."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"

Files = dict[str, bytes]


def model_files(directory: Path) -> Files:
    """Return the files below *directory* by name."""
    paths = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in paths}


def environment(home: Path, endpoint: str, *, offline: bool = False) -> dict[str, str]:
    """Return what huggingface_hub reads, once, when a process imports it."""
    return {
        "HF_HOME": str(home), "HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": str(int(offline)),
        "HF_TOKEN": "", "NO_PROXY": "127.0.0.1",
    }  # fmt: skip


@dataclass
class Hub:
    """Data sets and models by name, each with its files; ``asked`` is what was asked for.

    ``status`` and ``code`` answer everything; ``cut`` is after how many bytes the connection of a
    large file breaks, each time that one is asked for until ``cuts`` is used up; ``claimed`` gives
    files another size in listings, ``corrupt`` other content.
    """

    data_sets: dict[str, Files] = field(default_factory=dict)
    models: dict[str, Files] = field(default_factory=dict)
    commit: str = COMMIT
    status: int | None = None
    code: str = ""
    changes_after_listing: bool = False
    large: int = 10_000  # bytes from which a file is in LFS
    cut: int | None = None
    cuts: int = 0
    fails_after_cut: bool = False
    claimed: dict[str, int] = field(default_factory=dict)
    corrupt: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    sent: int = 0  # bytes of large files
    address: str = ""

    def __enter__(self) -> Hub:
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def downloads(self) -> list[str]:
        """Return the names of the files that were fetched, in turn."""
        found = (re.match(r"GET .*/resolve/[^/]+/(.+)", asked) for asked in self.asked)
        return [match[1] for match in found if match]


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub = self.hub
        path = unquote(urlsplit(self.path).path)
        hub.asked.append(f"{self.command} {path}")
        kind, repos = "models", hub.models
        parts = path.strip("/").split("/")
        if "datasets" in parts[:2]:
            kind, repos = "datasets", hub.data_sets
        if hub.status:
            self._send(hub.status, b"{}", {"X-Error-Code": hub.code} if hub.code else {})
        elif parts[:2] == ["api", kind] and parts[4:5] == ["revision"]:
            self._with(repos, parts[2:4], parts[5], self._list)
        else:
            parts = parts[1:] if kind == "datasets" else parts
            if parts[2:3] == ["resolve"]:
                file = "/".join(parts[4:])
                self._with(repos, parts[:2], parts[3], lambda name, files: self._file(files, file))
            else:
                self._send(404, b"")

    def _with(
        self, repos: dict[str, Files], name: list[str], revision: str,
        use: Callable[[str, Files], None],
    ) -> None:  # fmt: skip
        files = repos.get("/".join(name))
        if files is None:
            self._send(401, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif revision not in ("main", self.hub.commit):
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        else:
            use("/".join(name), files)

    def _list(self, name: str, files: Files) -> None:
        hub = self.hub
        siblings = []
        for file, content in files.items():
            size = hub.claimed.get(file, len(content))
            entry = {"rfilename": file, "size": size}
            if len(content) >= hub.large:
                digest = hashlib.sha256(content).hexdigest()
                entry["lfs"] = {"sha256": digest, "size": size, "pointerSize": 134}
            siblings.append(entry)
        listing = {"id": name, "sha": hub.commit, "siblings": siblings}
        self._send(200, json.dumps(listing).encode())
        if hub.changes_after_listing:
            hub.commit = hub.commit[::-1]

    def _file(self, files: Files, file: str) -> None:
        hub = self.hub
        if file not in files:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": hub.commit})
            return
        content = files[file]
        headers = {"X-Repo-Commit": hub.commit, "Accept-Ranges": "bytes"}
        large = len(content) >= hub.large
        if large:
            digest = hashlib.sha256(content).hexdigest()
            headers |= {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
        else:
            headers["ETag"] = f'"{hashlib.sha1(content).hexdigest()}"'
        content = hub.corrupt.get(file, content)
        status = 200
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked:
            hub.ranges.append(asked[0])
            start, size = int(asked[1]), len(content)
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
            content, status = content[start:], 206
        if large and self.command == "GET" and hub.cuts:
            hub.cuts -= 1
            self._send(status, content, headers, hub.cut)
        else:
            self._send(status, content, headers)
        if large and self.command == "GET":
            hub.sent += len(content)

    def _send(
        self, status: int, body: bytes, headers: dict[str, str] | None = None,
        cut: int | None = None,
    ) -> None:  # fmt: skip
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body[:cut])
        if cut is not None:
            self.close_connection = True
            self.hub.status = 500 if self.hub.fails_after_cut else None

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""
