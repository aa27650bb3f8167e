"""Vectors and files for tests of mining."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from searchkbd.corpus.sentence import Reject


def unit(rows) -> np.ndarray:
    rows = np.asarray(rows, dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="session")
def unit_rows() -> Callable[..., np.ndarray]:
    """Random unit vectors: unit_rows(seed, n, dim=6); positive, so that no margin is near 0 / 0."""

    def make(seed: int, n: int, dim: int = 6) -> np.ndarray:
        return unit(np.abs(np.random.default_rng(seed).normal(size=(n, dim))))

    return make


@pytest.fixture
def write(tmp_path) -> Callable[[str, str], Path]:
    def write(name: str, content: str) -> Path:
        path = tmp_path / name
        path.write_text(content, "utf-8")
        return path

    return write


@pytest.fixture
def rejects() -> list[Reject]:
    return []


PAIRS = [
    ("kbd", "ru", "Псыр щIыIэщ.", "Вода холодная."),
    ("kbd", "ru", "Щакхъуэр хуабэщ.", "Хлеб тёплый."),
    ("kbd", "ru", "Уэшх къошх.", "Идёт дождь."),
    ("kbd", "ru", "Псыр щ1ы1эщ.", "вода холодная."),
    ("ru", "en", "Поезд опоздал.", "The train was late."),
]
HEAD = ("lang_a", "lang_b", "text_a", "text_b")


@pytest.fixture
def table(write) -> Callable[..., Path]:
    """Write a table: table("name.tsv", rows, head=...)."""

    def table(name: str, rows, head=HEAD) -> Path:
        return write(name, "".join("\t".join(map(str, row)) + "\n" for row in [head, *rows]))

    return table


@pytest.fixture
def pairs_file(table) -> Path:
    return table("pairs.tsv", PAIRS)


@pytest.fixture(scope="session")
def read_table() -> Callable[[Path | str], list[dict[str, str]]]:
    def read(path: Path | str) -> list[dict[str, str]]:
        text = Path(path).read_text("utf-8")
        head, *rows = [line.split("\t") for line in text.splitlines()]
        return [dict(zip(head, row, strict=True)) for row in rows]

    return read
