"""Nearest neighbours by blocks agree with a search of everything at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchkbd.mining import neighbours
from searchkbd.mining.neighbours import nearest, neighbour_means


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    queries=st.integers(0, 9),
    base=st.integers(1, 25),
    k=st.integers(1, 6),
    blocks=st.sampled_from([(8192, 65_536), (3, 4), (1, 1), (4, 2)]),
)
def test_it_agrees_with_the_definition(unit_rows, seed, queries, base, k, blocks):
    x, y = unit_rows(seed, queries), unit_rows(seed + 1, base)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_QUERIES", blocks[0])
        patch.setattr(neighbours, "_BASE", blocks[1])
        cosines, rows = nearest(x, y, k)
    wanted = np.sort(x @ y.T, axis=1)[:, ::-1][:, :k]
    assert cosines.shape == rows.shape == (queries, min(k, base))
    assert cosines == pytest.approx(wanted, abs=1e-6)
    assert np.take_along_axis(x @ y.T, rows, axis=1) == pytest.approx(cosines, abs=1e-6)
    assert all(len(set(row)) == len(row) for row in rows.tolist())


def test_at_equal_cosines_the_lower_row_comes_first(unit_rows, monkeypatch):
    monkeypatch.setattr(neighbours, "_BASE", 2)
    one = unit_rows(1, 1)
    assert nearest(one, np.repeat(one, 5, axis=0), 5)[1].tolist() == [[0, 1, 2, 3, 4]]


def test_means_and_progress(unit_rows, monkeypatch):
    monkeypatch.setattr(neighbours, "_QUERIES", 3)
    x, y, told = unit_rows(1, 7), unit_rows(2, 3), []
    means = neighbour_means(x, y, 2, told.append)
    assert means == pytest.approx(np.sort(x @ y.T, axis=1)[:, -2:].mean(axis=1), abs=1e-6)
    assert told == [3, 6, 7]


def test_half_precision_is_read_as_single(unit_rows):
    x, y = unit_rows(1, 5, 64), unit_rows(2, 30, 64)
    exact, rough = nearest(x, y, 4)[0], nearest(x.astype("f2"), y.astype("f2"), 4)[0]
    assert rough.dtype == np.float32 and rough == pytest.approx(exact, abs=1e-3)


@pytest.mark.parametrize(("base", "k"), [(0, 4), (3, 0)])
def test_nothing_to_find(unit_rows, base, k):
    with pytest.raises(ValueError, match="base"):
        nearest(unit_rows(1, 2), unit_rows(1, base), k)
