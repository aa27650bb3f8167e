"""Half-precision vectors: the numbers that the bits stand for, scans, and damage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from searchkbd.errors import IndexDamagedError
from searchkbd.index.vectors import VectorFile, inner_products, widen, write_vectors
from tests.index.helpers import empty_directory, unit

DIM = 16
FINITE = arrays.arrays(
    np.uint16,
    st.tuples(st.integers(1, 8), st.sampled_from([1, 4, 12, 64])),
    # Every half-precision number but infinities and what is none: zeros, subnormals, negatives.
    elements=st.integers(0, 0xFFFF).filter(lambda bits: bits & 0x7C00 != 0x7C00),
)


def test_every_finite_half_is_widened_exactly():
    bits = np.arange(1 << 16, dtype=np.uint16)
    finite = bits[bits & 0x7C00 != 0x7C00]
    numbers = widen(finite)
    assert numbers.dtype == np.float32
    assert np.array_equal(numbers, finite.view(np.float16).astype(np.float32))
    # Times one, each of them comes out as it is: the sign of zero is all that may differ.
    assert np.array_equal(inner_products(finite[:, None], np.ones(1, np.float32)), numbers)


@given(FINITE, st.data())
def test_inner_products_are_those_of_the_numbers(halves, draw):
    query = draw.draw(
        arrays.arrays(np.float32, halves.shape[1], elements=st.floats(-1, 1, width=32))
    )
    expected = widen(halves).astype(np.float64) @ query.astype(np.float64)
    # What single precision can be off by: of each term, and of their sum.
    bound = 1e-6 * (np.abs(widen(halves)) @ np.abs(query)) + 1e-9
    assert (np.abs(inner_products(halves, query) - expected) <= bound).all()


@pytest.fixture
def made(tmp_path):
    vectors = unit(np.random.default_rng(3).normal(size=(300, DIM)))
    file = write_vectors(empty_directory(tmp_path), "ru", 4, vectors)
    return vectors, file, tmp_path


def test_what_is_written_is_read_in_half_precision(made):
    vectors, file, directory = made
    opened = VectorFile(directory, file, 300, DIM)
    opened.check()
    assert np.array_equal(opened.halves, vectors.astype(np.float16).view(np.uint16))
    assert not opened.halves.flags.writeable
    again = write_vectors(directory, "ru", 4, vectors.astype(np.float16))
    assert again == file  # also of halves, and the same bytes for the same vectors


def test_vectors_outlive_the_file_that_they_were_read_of(made):
    vectors, file, directory = made
    halves = VectorFile(directory, file, 300, DIM).halves
    file.path(directory).unlink()
    assert np.allclose(widen(halves), vectors, atol=1e-3)


@pytest.mark.parametrize("dead", [(), (0,), range(10, 300), range(300)])
def test_a_scan_finds_the_nearest_of_the_living(made, dead):
    vectors, file, directory = made
    live = np.ones(300, dtype=bool)
    live[list(dead)] = False
    opened = VectorFile(directory, file, 300, DIM)
    scores = widen(opened.halves) @ vectors[:3].T
    found, places = opened.search(vectors[:3], 20, live if dead else None)
    for query in range(3):
        own = np.flatnonzero(live)
        best = own[np.argsort(-scores[own, query])][:20]
        assert places[query][: len(best)].tolist() == best.tolist()
        assert (places[query][len(best) :] == -1).all()
        assert np.allclose(found[query][: len(best)], scores[best, query], atol=1e-6)


def test_no_more_is_asked_for_than_there_is(made):
    vectors, file, directory = made
    _, places = VectorFile(directory, file, 300, DIM).search(vectors[:1], 1000, None)
    assert sorted(places[0].tolist()) == list(range(300))


@pytest.mark.parametrize(("rows", "dim"), [(299, DIM), (300, DIM // 2), (600, DIM // 2)])
def test_a_file_of_something_else_is_damage(made, rows, dim):
    _, file, directory = made
    with pytest.raises(IndexDamagedError, match=file.name):
        VectorFile(directory, file, rows, dim)


def test_a_damaged_head_is_found_before_faiss_reads_it(made):
    _, file, directory = made
    path = file.path(directory)
    whole = path.read_bytes()
    head = len(whole) - 300 * DIM * 2
    assert 0 < head < 300
    for at in range(head):
        damaged = bytearray(whole)
        damaged[at] ^= 0x40
        path.write_bytes(damaged)
        with pytest.raises(IndexDamagedError, match="checksum"):
            VectorFile(directory, file, 300, DIM)


def test_a_damaged_vector_is_found_when_all_are_read(made):
    _, file, directory = made
    path = file.path(directory)
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    opened = VectorFile(directory, file, 300, DIM)  # which does not read them
    with pytest.raises(IndexDamagedError, match=f"{file.name}.*checksum"):
        opened.check()
