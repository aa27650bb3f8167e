"""Sums of rows: against sums taken one by one, for lists of every length."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.encoders import sums
from searchkbd.encoders.student import pack, unpack
from searchkbd.encoders.sums import interleave, sum_packed, sum_rows

COUNTS = st.lists(st.integers(0, 9), max_size=12)


@pytest.fixture(params=[4, 512], ids=["small pieces", "pieces as they are"])
def piece(request, monkeypatch) -> int:
    monkeypatch.setattr(sums, "_PIECE", request.param)
    return request.param


def lists(counts: list[int], rows: int) -> tuple[np.ndarray, np.ndarray]:
    ids = np.random.default_rng(sum(counts)).integers(0, rows, sum(counts))
    return ids, np.concatenate(([0], np.cumsum(counts))).astype(np.int64)


@pytest.mark.parametrize(
    "counts", [[], [0], [1], [0, 0, 3], [5, 1, 5, 0, 2], [600, 2, 600, 1024], [4] * 300]
)
def test_sums_of_rows(piece, counts):
    table = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
    ids, offsets = lists(counts, 20)
    expected = [table[part].sum(axis=0) for part in np.split(ids, offsets[1:-1])][: len(counts)]
    assert np.allclose(sum_rows(table, ids, offsets), np.reshape(expected, (-1, 6)), atol=1e-4)


@settings(max_examples=60)
@given(counts=COUNTS | st.just([600, 1, 600]))
def test_packed_rows_are_summed_as_if_unpacked(counts):
    values = np.random.default_rng(1).normal(size=(20, 6)).astype(np.float32)
    rows, scales = pack(values)
    ids, offsets = lists(counts, 20)
    packed = interleave(sum_packed(rows, scales[ids], ids, offsets))
    assert np.allclose(packed, sum_rows(unpack(rows, scales), ids, offsets), atol=1e-3)
    assert packed.dtype == np.float32


def test_a_scale_of_zero_leaves_a_row_out():
    rows, scales = pack(np.eye(4, dtype=np.float32))
    ids, offsets = np.array([0, 1, 2]), np.array([0, 3])
    found = interleave(sum_packed(rows, scales[ids] * [1, 0, 1], ids, offsets))
    assert np.allclose(found, [[1, 0, 1, 0]], atol=1e-2)
