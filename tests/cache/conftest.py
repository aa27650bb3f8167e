"""Keys and vectors to cache, and processes that cache them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from searchkbd.cache.keys import Keys, keys_of

ROOT = Path(__file__).resolve().parents[2]
DIM = 8


def rows(first: int, count: int, dim: int = DIM) -> tuple[Keys, np.ndarray]:
    """Return keys uint64 [count, 2] and vectors float16 [count, dim] that the keys decide."""
    keys = keys_of([(f"Мы гъуэгур {n}", "kbd") for n in range(first, first + count)])
    return keys, vectors_of(keys, dim)


def vectors_of(keys: Keys, dim: int = DIM) -> np.ndarray:
    """Return the vectors that belong to *keys*, float16 [n, dim]."""
    spread = keys[:, :1] ^ (keys[:, 1:] * np.arange(1, dim + 1, dtype=np.uint64))
    return (spread >> np.uint64(50)).astype(np.float16)


@pytest.fixture
def python() -> Callable[..., subprocess.Popen]:
    """Start a program: python(code, *arguments); what still runs at the end is killed."""
    started: list[subprocess.Popen] = []

    def python(code: str, *arguments: object) -> subprocess.Popen:
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", code, *map(str, arguments)], text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            )  # fmt: skip
        )
        return started[-1]

    yield python
    for one in started:
        one.kill()
        one.communicate()
