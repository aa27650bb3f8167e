"""Vectors in memory and on disk are the same vectors."""

from __future__ import annotations

import numpy as np
import pytest

from searchkbd.encoders import EncoderError
from searchkbd.mining.vectors import Subset, VectorStore, encode_checked


@pytest.mark.parametrize("limit", [0, 4, 7, 100])
def test_rows_come_back(unit_rows, limit):
    rows = unit_rows(3, 10, 16)
    with VectorStore(16, limit) as store:
        assert len(store) == 0 and store[:].shape == (0, 16)
        for start in range(0, 10, 3):
            store.append(rows[start : start + 3])
            assert len(store) == min(start + 3, 10)
            assert store[start:] == pytest.approx(rows[start : start + 3], abs=1e-3)
        found = store[np.array([9, 0, 9])]
        assert found == pytest.approx(rows[[9, 0, 9]], abs=1e-3) and found.dtype == np.float32
        if limit >= 10:
            assert (store[:] == rows).all()
        part = Subset(store, np.array([5, 1, 7]))
        assert len(part) == 3 and part[1:3] == pytest.approx(rows[[1, 7]], abs=1e-3)


def test_a_full_disk_is_told_with_what_to_do(unit_rows):
    store = VectorStore(6, 0)
    try:
        store._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115
    except OSError:
        pytest.skip("there is no /dev/full here")
    with store, pytest.raises(OSError, match="TMPDIR"):
        store.append(unit_rows(1, 4))


class Odd:
    name, dim, fingerprint = "odd", 3, "0"

    def __init__(self, vectors) -> None:
        self._vectors = np.array(vectors, dtype=np.float32)

    def encode(self, texts, langs=None):
        return self._vectors


@pytest.mark.parametrize(
    ("vectors", "said"),
    [([[1, 0]], "shape"), ([[2, 0, 0]], "length 2"), ([[np.nan, 0, 0]], "length nan")],
)
def test_what_is_no_unit_vector(vectors, said):
    with pytest.raises(EncoderError, match=said):
        encode_checked(Odd(vectors), ["Вода."], ["ru"])
