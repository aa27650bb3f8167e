"""Row files: sums that find any changed bit of a row, its hubness or its vector."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from searchkbd.errors import IndexDamagedError
from searchkbd.index.rows import RowFile, row_sums, write_rows
from tests.index.helpers import empty_directory

ROWS = np.array([3, 4, 9], dtype=np.int64)
SUMS = np.array([1, 2**63, 2**64 - 1], dtype=np.uint64)
HUBNESS = np.array([0.25, -0.5, 0], dtype=np.float16)

HALVES = arrays.arrays(
    np.uint16, st.tuples(st.integers(1, 5), st.sampled_from([1, 4, 6, 16])),
    elements=st.integers(0, 0xFFFF),
)  # fmt: skip


@given(HALVES, st.data())
def test_a_flipped_bit_changes_the_sum_of_its_row_alone(halves, draw):
    count = len(halves)
    rows = draw.draw(arrays.arrays(np.int64, count, elements=st.integers(1, 2**40)))
    hubness = draw.draw(
        arrays.arrays(np.uint16, count, elements=st.integers(0, 0xFFFF))
    ).view(np.float16)
    before = row_sums(halves, rows, hubness)
    at = draw.draw(st.integers(0, count - 1))
    what = draw.draw(st.sampled_from(["vector", "row", "hubness"]))
    if what == "vector":
        place = draw.draw(st.integers(0, halves.shape[1] - 1))
        halves = halves.copy()
        halves[at, place] ^= np.uint16(1 << draw.draw(st.integers(0, 15)))
    elif what == "row":
        rows = rows.copy()
        rows[at] ^= np.int64(1 << draw.draw(st.integers(0, 62)))
    else:
        bits = hubness.view(np.uint16).copy()
        bits[at] ^= np.uint16(1 << draw.draw(st.integers(0, 15)))
        hubness = bits.view(np.float16)
    changed = row_sums(halves, rows, hubness) != before
    assert changed.tolist() == [number == at for number in range(count)]


@given(HALVES)
def test_rows_are_summed_one_by_one(halves):
    """A reader sums the few rows that it uses."""
    rows, hubness = np.arange(len(halves)), np.linspace(-1, 1, len(halves)).astype(np.float16)
    every = row_sums(halves, rows, hubness)
    for at in range(len(halves)):
        one = slice(at, at + 1)
        assert row_sums(halves[one], rows[one], hubness[one]) == every[one]


@pytest.fixture
def made(tmp_path):
    return write_rows(empty_directory(tmp_path), "kbd", 2, ROWS, SUMS, HUBNESS), tmp_path


def test_what_is_written_is_read(made):
    file, directory = made
    opened = RowFile(directory, file, 3)
    opened.check()
    for found, expected in (
        (opened.rows, ROWS), (opened.sums, SUMS), (opened.hubness, HUBNESS),
    ):  # fmt: skip
        assert found.dtype == expected.dtype and np.array_equal(found, expected)
        assert not found.flags.writeable


def test_files_that_cannot_be_used(made):
    file, directory = made
    with pytest.raises(IndexDamagedError, match=file.name):
        RowFile(directory, file, 4)
    path = file.path(directory)
    whole = path.read_bytes()
    path.write_bytes(b"\xff" * len(whole))
    with pytest.raises(IndexDamagedError, match=file.name):
        RowFile(directory, file, 3)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    opened = RowFile(directory, file, 3)
    with pytest.raises(IndexDamagedError, match="checksum"):
        opened.check()
    path.write_bytes(whole[:-1])
    with pytest.raises(IndexDamagedError, match="bytes on disk"):
        RowFile(directory, file, 3)
