"""Fixtures of the crash tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.index.crash.model import SMALL

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def small(monkeypatch) -> None:
    """Few sentences take every path that many take."""
    for module, name, value in SMALL:
        monkeypatch.setattr(module, name, value)


def run_crash(folder: Path, *arguments: str) -> dict:
    """Run scripts/crash.py with these arguments in *folder* and return what it found.

    In a process without threads, since it forks.
    """
    command = [sys.executable, str(ROOT / "scripts" / "crash.py"), *arguments]
    done = subprocess.run(
        [*command, "--directory", str(folder)], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout, done.stderr[-4000:]
    report = json.loads(done.stdout)
    assert done.returncode == 0, report
    return report


@pytest.fixture
def crash(tmp_path) -> Callable[..., dict]:
    """``run_crash`` in a folder of its own."""
    return partial(run_crash, tmp_path)
