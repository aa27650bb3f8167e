"""A small memory with what CAT tools stumble over, and a server of it."""

from __future__ import annotations

from collections.abc import Iterator
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
    ("ru", "да/нет", "g2", "book"),
    ("kbd", "нтӏэ/хьэуэ", "g2", "book"),
    ("ru", "У меня 3 брата.", "g3", "book"),
    ("kbd", "Сэ къуэш 3 сиӏэщ.", "g3", "book"),
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
    cells = ['lang,text,group,origin', *(
        ",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in ROWS
    )]
    table.write_text("\n".join(cells) + "\n", encoding="utf-8")
    build_index(directory / "index", read_corpus(table, ReadOptions()), embedded)
    return directory / "index"


@pytest.fixture(scope="session")
def memory_server(memory) -> Iterator[LiveServer]:
    """A server of the small memory."""
    with live_server(memory) as server:
        yield server
