"""wrk, a load generator, over a file of paths, and servers to be loaded as processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("paths.lua")
_TIMEOUT = 10  # seconds after which wrk counts a request as late
_START = 180  # seconds that a server may take until it answers


@dataclass(frozen=True)
class Load:
    """What wrk saw: latencies in milliseconds, and failures.

    ``refused`` counts answers with a status of 400 and above, ``broken`` connections that failed,
    ``late`` answers that took longer than wrk waits.
    """

    requests: int
    seconds: float
    p50: float
    p95: float
    p99: float
    max: float
    refused: int
    broken: int
    late: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def failed(self) -> int:
        return self.refused + self.broken + self.late


def load(url: str, paths: Path, connections: int, seconds: float) -> Load:
    """Ask the server at *url* for *paths*, a file, over so many *connections* at a time.

    wrk has one thread: it shares the processors with the server.
    """
    command = [
        "wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", f"--timeout={_TIMEOUT}s",
        "-s", str(SCRIPT), url, "--", str(paths),
    ]  # fmt: skip
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Load(**json.loads(done.stdout.splitlines()[-1]))


def get(url: str) -> bytes:
    """Return the body of the answer to a GET; raises for every status but 2xx."""
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read()


@contextmanager
def running(
    command: Sequence[str], port: int, ready: str, log: Path, env: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run a server that will listen at *port*, and return its URL once *ready*, a path, answers.

    What it prints goes to *log*. It is told to stop at the end of the block.
    """
    url = f"http://127.0.0.1:{port}"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, **(env or {})}
        )
        try:
            _wait(process, url + ready, log)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + _START
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            get(url)
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    last = log.read_text("utf-8", errors="replace")[-2000:]
    raise SystemExit(f"{' '.join(process.args)}: does not answer at {url}\n{last}")
