"""Segments: who is still there, where rows lie, and files that do not belong together."""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.errors import IndexDamagedError
from searchkbd.index import schema
from searchkbd.index.segments import (
    Segment,
    SegmentEntry,
    dead_bits,
    read_codes,
    read_segments,
)
from searchkbd.index.vectors import widen
from searchkbd.index.writer import build_index
from tests.index.helpers import (
    VectorEncoder,
    clustered,
    empty_directory,
    execute,
    segment,
    sentences,
)

DIM = 16
ROWS = np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29])


def entry_of(live, dead):
    return SegmentEntry(1, "ru", len(live), int(live.sum()), dead, {})


@given(st.lists(st.booleans(), min_size=1, max_size=70))
def test_the_bitmap_of_the_deleted(living):
    live = np.array(living)
    bits = dead_bits(live)
    assert (bits is None) == live.all()
    found = Segment(Path(), entry_of(live, bits), DIM).live
    assert found is None if live.all() else np.array_equal(found, live)


@pytest.mark.parametrize(
    ("dead", "live", "said"),
    [
        (b"\x01\x00", 8, "number"),
        (b"\x03\x00", 9, "number"),
        (b"\x01", 9, "length"),
        (b"\x01\x00\x00", 9, "length"),
        (b"", 9, "length"),
    ],
)
def test_a_bitmap_of_something_else_is_damage(tmp_path, dead, live, said):
    entry = SegmentEntry(3, "ru", 10, live, dead, {})
    with pytest.raises(IndexDamagedError, match=f"index.db.*segment 3: .*{said}"):
        _ = Segment(tmp_path, entry, DIM).live


@pytest.fixture
def made(tmp_path):
    vectors = clustered(np.random.default_rng(8), 10, DIM)
    return segment(empty_directory(tmp_path), 1, vectors, ROWS, dead=[0, 4]), vectors


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    directory = empty_directory(tmp_path_factory.mktemp("segment"))
    return segment(directory, 1, np.eye(10, DIM), ROWS, dead=[0, 4])


@given(wanted=st.lists(st.integers(0, 40), max_size=30))
def test_rows_are_found_where_they_lie(one, wanted):
    """In any order, more than once, dead or unknown: as looking through a list finds them."""
    here, places = one.places(np.array(wanted, dtype=np.int64))
    living = [row for at, row in enumerate(ROWS.tolist()) if at not in (0, 4)]
    assert here.tolist() == [row in living for row in wanted]
    assert ROWS[places].tolist() == [row for row in wanted if row in living]


def test_vectors_are_checked_where_they_are_read(made):
    one, vectors = made
    assert np.allclose(widen(one.halves(np.array([9, 1]))), vectors[[9, 1]], atol=1e-3)
    path = one.entry.files["vectors"].path(one.directory)
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1  # the last vector
    path.write_bytes(damaged)
    again = Segment(one.directory, one.entry, DIM)
    assert np.array_equal(again.halves(np.array([1, 8])), one.halves(np.array([1, 8])))
    with pytest.raises(IndexDamagedError, match=f"{path.name}.*checksum"):
        again.halves(np.array([1, 9]))


def test_vectors_of_other_rows_are_damage(made, tmp_path):
    """Files that are whole, each of them, but of different sentences."""
    one, vectors = made
    other = segment(tmp_path, 2, vectors, ROWS + 1)
    mixed = dataclasses.replace(
        one.entry, files={**one.entry.files, "vectors": other.entry.files["vectors"]}
    )
    assert len(Segment(tmp_path, mixed, DIM).halves(np.array([3]))) == 1  # the same vectors
    swapped = segment(tmp_path, 3, vectors[::-1], ROWS)
    mixed = dataclasses.replace(
        one.entry, files={**one.entry.files, "vectors": swapped.entry.files["vectors"]}
    )
    with pytest.raises(IndexDamagedError, match="checksum"):
        Segment(tmp_path, mixed, DIM).halves(np.array([3]))


@pytest.mark.parametrize("kind", ["vectors", "rows", "texts"])
def test_a_file_that_is_not_named_is_damage(made, kind):
    one, _ = made
    files = {k: file for k, file in one.entry.files.items() if k != kind}
    bare = Segment(one.directory, dataclasses.replace(one.entry, files=files), DIM)
    attribute = {"vectors": "vector_file", "rows": "row_file", "texts": "text_file"}[kind]
    with pytest.raises(IndexDamagedError, match=f"no file of {kind} is named"):
        getattr(bare, attribute)


def test_the_text_file_knows_who_is_gone(made):
    one, _ = made
    assert np.array_equal(one.text_file.rows, ROWS)
    assert np.flatnonzero(~one.text_file.live).tolist() == [0, 4]


def test_rows_of_the_database(tmp_path):
    vectors = clustered(np.random.default_rng(9), 40, DIM)
    items = [*sentences(0, 20), *sentences(20, 40, "kbd")]
    build_index(tmp_path / "i", items, VectorEncoder(vectors))
    connection = sqlite3.connect(schema.database_path(tmp_path / "i"))
    entries = read_segments(connection)
    assert [(e.row, e.lang, e.rows, e.live, e.dead) for e in entries] == [
        (1, "ru", 20, 20, None), (2, "kbd", 20, 20, None),
    ]  # fmt: skip
    for entry in entries:
        assert set(entry.files) == {"vectors", "rows", "texts"}
        assert {file.owner for file in entry.files.values()} == {entry.row}
    assert read_codes(connection) == []
    efforts = '{"fast": {"candidates": 9, "lists": 0, "recall": 1}}'
    execute(tmp_path / "i", "INSERT INTO codes VALUES (7, 'ru', 'pq', '[1]', ?)", efforts)
    with pytest.raises(ValueError, match="codes 7: no settings"):
        read_codes(connection)
    efforts = efforts[:-1] + ", " + efforts.replace("fast", "balanced")[1:]
    execute(tmp_path / "i", "UPDATE codes SET settings = ?", efforts)
    with pytest.raises(ValueError, match="codes 7: no file is named"):
        read_codes(connection)
    connection.close()
