"""Verification finds every kind of damage, and only damage."""

from __future__ import annotations

import sqlite3

import pytest

from searchkbd.corpus.sentence import Place, Sentence
from searchkbd.errors import IndexDamagedError
from searchkbd.index.info import index_info
from searchkbd.index.reader import IndexReader
from searchkbd.index.verify import verify_index
from searchkbd.index.writer import build_index


@pytest.fixture
def index(tmp_path, trigrams):
    items = [
        Sentence(f"s{n}", lang, f"слово {n}", f"g{n // 2}", f"o{n % 3}", None, Place("t", n))
        for n in range(30)
        for lang in [["ru", "kbd"][n % 2]]
    ]
    build_index(tmp_path / "i", items, trigrams)
    return tmp_path / "i"


def execute(index, sql):
    with sqlite3.connect(index / "index.db") as connection:
        connection.execute(sql)


def test_a_sound_index(index):
    result = verify_index(index)
    assert result.ok and not result.problems and not result.orphans
    assert (result.sentences, result.vector_files) == (30, 2)


@pytest.mark.parametrize("at", [0, 100, -1])
def test_a_flipped_bit_in_a_vector_file_is_found(index, at):
    file = next((index / "vectors").glob("ru-*.faiss"))
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)
    result = verify_index(index)
    assert not result.ok
    assert any(file.name in problem and "checksum" in problem for problem in result.problems)


def test_a_missing_file_is_found(index):
    file = next((index / "vectors").glob("ru-*.faiss"))
    file.unlink()
    result = verify_index(index)
    assert any(file.name in problem for problem in result.problems)
    assert any("15 sentences without a vector" in problem for problem in result.problems)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DELETE FROM sentences WHERE id = 's4'", "without a sentence"),
        ("UPDATE sentences SET lang = 'kbd' WHERE id = 's4'", "without a vector"),
        ("UPDATE sentences SET text = 'другое' WHERE id = 's4'", "search key"),
        ("UPDATE sentences SET group_row = 999 WHERE id = 's4'", "points nowhere"),
        ("DELETE FROM fts_words_docsize WHERE id = 3", "full-text"),
    ],
)
def test_rows_that_do_not_fit_are_found(index, sql, said):
    execute(index, sql)
    result = verify_index(index)
    assert any(said in problem for problem in result.problems), result.problems


def test_orphans_are_listed_but_are_no_damage(index):
    (index / "vectors" / "kbd-1-abc.faiss").write_bytes(b"left over")
    result = verify_index(index)
    assert result.ok and result.orphans == ["kbd-1-abc.faiss"]


def test_a_damaged_database_is_found(index):
    path = index / "index.db"
    data = bytearray(path.read_bytes())
    page = 4096
    for start in range(page * 2, len(data), page):
        data[start : start + 64] = b"\xff" * 64
    path.write_bytes(data)
    try:
        assert not verify_index(index).ok
    except IndexDamagedError as error:
        assert "index.db" in str(error)


def test_progress_reaches_the_end(index):
    seen = []
    verify_index(index, lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] > 0


def test_info_counts(index):
    with IndexReader(index) as reader:
        info = index_info(reader)
    assert (info.sentences, info.groups, info.dim) == (30, 15, 64)
    assert info.languages == {"kbd": 15, "ru": 15}
    assert info.origins == {"o0": 10, "o1": 10, "o2": 10}
    assert info.vector_bytes == sum(f.stat().st_size for f in (index / "vectors").iterdir())
    assert info.database_bytes >= (index / "index.db").stat().st_size
