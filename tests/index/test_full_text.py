"""Full-text tables are compared with what the search keys make, posting by posting."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.index import full_text, schema
from searchkbd.index.full_text import full_text_problems
from searchkbd.text.forms import loosen, search_key

KEYS = [
    "сэ еджапӏэм сокӏуэ", "еджапӏэр ди унэм пэгъунэгъущ", "вода холодная", "вода, вода", "…",
    "the house", "щӏыӏэ",
]  # fmt: skip


def database(keys) -> sqlite3.Connection:
    """Sentences and their full text, as a writer stores them."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE sentences (row INTEGER PRIMARY KEY, key TEXT)")
    for name in schema.FULL_TEXT:
        schema.create_full_text(connection, name)
        connection.execute(f"CREATE VIRTUAL TABLE {name}_terms USING fts5vocab({name}, 'row')")
    for row, key in enumerate(keys, start=1):
        connection.execute("INSERT INTO sentences VALUES (?, ?)", (3 * row, key))
        for name in schema.FULL_TEXT:
            add(connection, name, 3 * row, key)
    return connection


def add(connection, name, row, key):
    connection.execute(f"INSERT INTO {name} (rowid, key) VALUES (?, ?)", (row, loosen(key)))


def remove(connection, name, row, key):
    connection.execute(
        f"INSERT INTO {name} ({name}, rowid, key) VALUES ('delete', ?, ?)", (row, loosen(key))
    )


def problems(connection):
    return [p for name in schema.FULL_TEXT for p in full_text_problems(connection, name, print)]


@settings(max_examples=40)
@given(
    st.lists(st.text("абӏ1 xй̆ !", max_size=12).map(search_key), max_size=12),
    st.integers(1, 5),
)
def test_what_was_written_has_no_problems(keys, batch):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(full_text, "_BATCH", batch)
        connection = database(keys)
        assert problems(connection) == []
        connection.close()


@pytest.mark.parametrize("name", schema.FULL_TEXT)
@pytest.mark.parametrize("batch", [2, 100])
def test_a_posting_of_another_row_or_word_is_found(monkeypatch, name, batch):
    monkeypatch.setattr(full_text, "_BATCH", batch)

    def said(change):
        connection = database(KEYS)
        change(connection)
        found = full_text_problems(connection, name, lambda _: None)
        connection.close()
        return found

    def swapped(connection):  # as many words in as many rows as before, but of each other's
        for row, key, other in ((3, KEYS[0], KEYS[2]), (9, KEYS[2], KEYS[0])):
            remove(connection, name, row, key)
            add(connection, name, row, other)

    def moved(connection):
        remove(connection, name, 21, KEYS[6])
        add(connection, name, 22, KEYS[6])

    assert said(lambda _: None) == []
    postings = f"{name}: the posting lists are not those of the search keys"
    assert postings in said(swapped)
    assert postings in said(moved)
    assert postings in said(lambda c: remove(c, name, 18, KEYS[5]))
    assert postings in said(lambda c: add(c, name, 15, "лишнее слово"))
    assert f"{name}: the lengths of sentences are not those of their search keys" in said(
        lambda c: c.execute(f"UPDATE {name}_docsize SET sz = x'7f' WHERE id = 9")
    )


def test_progress_is_told_of_every_sentence(monkeypatch):
    monkeypatch.setattr(full_text, "_BATCH", 3)
    connection = database(KEYS)
    seen = []
    full_text_problems(connection, "fts_words", seen.append)
    connection.close()
    assert seen == [3, 3, 1]
