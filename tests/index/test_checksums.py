"""Checksums of rows: any change is found, and so is any change of what the database says."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from searchkbd.errors import IndexDamagedError
from searchkbd.index import schema
from searchkbd.index.checksums import SENTENCE_COLUMNS, catalog_checksum, row_checksum
from searchkbd.index.reader import IndexReader
from searchkbd.index.writer import build_index
from tests.index.helpers import execute, sentences

VALUES = st.lists(
    st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=12)),
    min_size=1, max_size=14,
)  # fmt: skip


@given(VALUES, st.data())
def test_a_changed_bit_of_a_text_or_number_changes_the_sum(values, draw):
    at = draw.draw(st.integers(0, len(values) - 1))
    value = values[at]
    assume(value is not None and value != "")
    if isinstance(value, int):
        changed = value ^ (1 << draw.draw(st.integers(0, 62)))
    else:
        data = bytearray(value.encode("utf-8", "surrogatepass"))
        data[draw.draw(st.integers(0, len(data) - 1))] ^= 1 << draw.draw(st.integers(0, 7))
        try:
            changed = data.decode()
        except UnicodeDecodeError:
            return  # SQLite would not return it as text
    assert row_checksum([*values[:at], changed, *values[at + 1 :]]) != row_checksum(values)


def test_what_is_missing_is_not_what_is_empty():
    sums = {row_checksum(values) for values in ([None], [""], [0], ["0", ""], ["", "0"])}
    assert len(sums) == 5 and all(0 <= each < 2**32 for each in sums)


@pytest.fixture(scope="module")
def index(tmp_path_factory, trigrams):
    directory = tmp_path_factory.mktemp("checksums") / "i"
    build_index(directory, sentences(0, 300), trigrams)
    return directory


def columns(directory, table):
    with IndexReader(directory) as reader:
        return [name for _, name, *_ in reader.connection.execute(f"PRAGMA table_info({table})")]


def test_the_checksum_of_a_sentence_is_of_all_its_columns(index):
    assert columns(index, "sentences") == ["row", *SENTENCE_COLUMNS, "checksum"]


@pytest.mark.parametrize("table", ["segments", "files", "codes", "meta"])
def test_the_catalogue_is_of_every_column_that_it_reads(index, table):
    """A column that was added without it would be one that damage does not show in."""
    seen = []
    connection = sqlite3.connect(schema.database_path(index))
    connection.set_trace_callback(seen.append)
    catalog_checksum(connection)
    connection.close()
    (query,) = [sql for sql in seen if f" FROM {table} " in sql]
    said = query.removeprefix("SELECT ").split(" FROM ")[0].split(", ")
    assert sorted(said) == sorted(columns(index, table))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE meta SET value = '65' WHERE key = 'dim'",
        "DELETE FROM meta WHERE key = 'checksum'",
        "UPDATE segments SET live = live - 1",
        "UPDATE segments SET dead = x'01'",
        "UPDATE files SET word_sum = word_sum + 1 WHERE kind = 'rows'",
        "DELETE FROM files WHERE kind = 'texts'",
        "INSERT INTO codes (row, lang, kind, segments, settings) VALUES (1, 'ru', 'pq', '', '')",
        "DROP INDEX idx_sentences_id",
        "DROP TRIGGER members_insert",
    ],
)
def test_a_changed_catalogue_is_not_opened(index, tmp_path, sql):
    connection = sqlite3.connect(schema.database_path(index))
    copy = sqlite3.connect(tmp_path / schema.DATABASE)
    connection.backup(copy)
    copy.close()
    connection.close()
    IndexReader(tmp_path).close()
    execute(tmp_path, sql)
    with pytest.raises(IndexDamagedError, match=r"checksum|sense"):
        IndexReader(tmp_path)


def test_the_sum_is_of_rows_not_of_where_they_lie(index, tmp_path):
    before = sqlite3.connect(schema.database_path(index))
    copy = sqlite3.connect(tmp_path / "copy.db", isolation_level=None)
    before.backup(copy)
    copy.execute("DELETE FROM segments")
    copy.execute("INSERT INTO segments SELECT * FROM segments")
    assert catalog_checksum(copy) != catalog_checksum(before)
    before.backup(copy)
    copy.execute("VACUUM")
    assert catalog_checksum(copy) == catalog_checksum(before)
    copy.close()
    before.close()
