"""A small memory with what CAT tools stumble over, and a server of it."""

from __future__ import annotations

import csv
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from live_server import LiveServer, live_server

from searchkbd.corpus.options import ReadOptions
from searchkbd.corpus.read import read_corpus
from searchkbd.index.writer import build_index

LONG = " ".join(["Сегодня мой брат не придёт домой, потому что он работает."] * 11)
"""A text of more than 600 characters."""

ROWS = (
    ("ru", "Мой брат сегодня не придёт.", "g1", "book"),
    ("kbd", "Си къуэшыр нобэ къэкӏуэнукъым.", "g1", "book"),
    ("ru", "Мой брат сегодня не придёт!", "g11", "book"),
    ("kbd", "Нобэ къэкӏуэнукъым си къуэшыр!", "g11", "book"),
    ("ru", "сегодня/завтра", "g2", "book"),
    ("kbd", "нобэ/пщэдей", "g2", "book"),
    ("ru", "Моему сыну исполнилось 3 года.", "g3", "book"),
    ("kbd", "Си къуэр илъэс 3 хъуащ.", "g3", "book"),
    ("ru", "Добрый день!", "g4", "book"),
    ("kbd", "Уи махуэ фӏыуэ!", "g4", "mt:model"),
    ("ru", "Где <b>мама</b>?", "g5", "book"),
    ("kbd", "Анэр <script>alert(1)</script> дэнэ щыӏэ?", "g5", "book"),
    ("ru", LONG, "g6", "book"),
    ("kbd", "Нобэ си къуэшыр къэкӏуэнукъым.", "g6", "book"),
    ("ru", "Привет, %s!", "g7", "book"),
    ("kbd", "Уи махуэ фӏыуэ, %s!", "g7", "book"),
    ("ru", "первая строка\nвторая", "g8", "book"),
    ("kbd", "нобэ пщэдей", "g8", "book"),
    ("tr", "İyi günler!", "g9", "book"),
    ("en", "Good day!", "g9", "book"),
    ("en", "Good day!", "g10", "book"),
    ("kbd", "Уи махуэ фӏыуэ!", "g10", "book"),
)


@pytest.fixture(scope="session")
def memory(tmp_path_factory, embedded) -> Path:
    """The directory of an index of ROWS. Tests must not write to it."""
    directory = tmp_path_factory.mktemp("memory")
    table = directory / "memory.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("lang", "text", "group", "origin"), *ROWS])
    build_index(directory / "index", read_corpus(table, ReadOptions()), embedded)
    return directory / "index"


@pytest.fixture(scope="session")
def memory_server(memory) -> Iterator[LiveServer]:
    """A server of the small memory."""
    with live_server(memory) as server:
        yield server


@pytest.fixture(scope="session")
def long_segment() -> str:
    """A source of the small memory of more than 600 characters."""
    return LONG


@pytest.fixture(scope="session")
def raw() -> Callable[[int, bytes], tuple[int, str]]:
    """Sends a request line as it is, which no client of HTTP would; returns status and body."""

    def ask(port: int, line: bytes) -> tuple[int, str]:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(line + b"\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode("utf-8")

    return ask
