"""Reciprocal rank fusion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.search.ranking import RRF_K, fuse

RANKINGS = st.lists(
    st.tuples(st.floats(0.1, 2), st.lists(st.integers(0, 30), unique=True, max_size=15)),
    min_size=1, max_size=4,
)  # fmt: skip


@given(RANKINGS)
def test_every_row_once_best_first_between_0_and_1(rankings):
    fused = fuse(rankings)
    assert sorted(r.row for r in fused) == sorted({row for _, rows in rankings for row in rows})
    assert all(a.score >= b.score for a, b in zip(fused, fused[1:], strict=False))
    assert all(0 < r.score <= 1 + 1e-9 for r in fused)


@given(st.lists(st.integers(), unique=True, min_size=1, max_size=20))
def test_one_ranking_keeps_its_order(rows):
    fused = fuse([(1.0, rows)])
    assert [r.row for r in fused] == rows
    assert fused[0].score == pytest.approx(1)


def test_the_formula():
    fused = {r.row: r.score for r in fuse([(1.0, [7, 8]), (0.5, [8])])}
    best = 1.5 / (RRF_K + 1)
    assert fused[8] == pytest.approx((1 / (RRF_K + 2) + 0.5 / (RRF_K + 1)) / best)
    assert fused[7] == pytest.approx((1 / (RRF_K + 1)) / best)


def test_an_empty_ranking_takes_nothing_from_the_score():
    assert fuse([(1.0, [7]), (0.7, [])])[0].score == pytest.approx(1)
    assert fuse([(1.0, []), (0.7, [])]) == []
