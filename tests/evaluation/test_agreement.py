"""Overlap, rank-biased overlap and the sign test, against their definitions."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.evaluation.agreement import overlap, rank_biased_overlap, sign_test

rankings = st.lists(st.integers(0, 30), unique=True, max_size=20)
persistence = st.floats(0.05, 0.95)


def extrapolated(a, b, p, ranks=400):
    """The weighted mean of the agreement at every rank, to very many ranks: what is seen of the
    longer ranking, then as it was; the shorter one goes on as it began."""
    short, long = sorted((a, b), key=len)
    s, total = len(short), 0.0
    for depth in range(1, ranks + 1):
        seen = min(depth, len(long))
        common = len(set(long[:seen]) & set(short[:seen]))
        if seen > s:
            common += len(set(long[:s]) & set(short)) / s * (seen - s)
        total += (1 - p) * p ** (depth - 1) * common / seen
    return total


@given(rankings.filter(bool), rankings.filter(bool), persistence)
def test_rbo_is_the_mean_agreement_over_all_ranks(a, b, p):
    assert rank_biased_overlap(a, b, p) == pytest.approx(extrapolated(a, b, p), abs=1e-7)


@given(rankings, rankings, persistence, st.integers(1, 20))
def test_agreement_is_symmetric_and_bounded(a, b, p, depth):
    assert rank_biased_overlap(a, b, p) == rank_biased_overlap(b, a, p)
    assert overlap(a, b, depth) == overlap(b, a, depth)
    assert 0 <= rank_biased_overlap(a, b, p) <= 1 and 0 <= overlap(a, b, depth) <= 1


@given(rankings, st.integers(1, 20))
def test_a_ranking_agrees_with_itself_and_with_its_beginning(a, depth):
    assert rank_biased_overlap(a, a) == pytest.approx(1) and overlap(a, a, depth) == 1
    if a:
        assert rank_biased_overlap(a, a[:depth]) == pytest.approx(1)
        assert rank_biased_overlap(a, []) == overlap(a, [], depth) == 0


@given(rankings, st.integers(1, 20))
def test_what_has_nothing_in_common_does_not_agree(a, depth):
    other = [-1 - item for item in a]
    assert rank_biased_overlap(a, other) == overlap(a, other, depth) == (0 if a else 1)


def test_early_ranks_weigh_more():
    first_differs = rank_biased_overlap("xbcdefghij", "abcdefghij")
    last_differs = rank_biased_overlap("abcdefghix", "abcdefghij")
    assert first_differs < last_differs < 1
    assert overlap("xbcdefghij", "abcdefghij", 10) == overlap("abcdefghix", "abcdefghij", 10) == 0.9
    assert overlap("abc", "acb", 2) == 0.5 and overlap("abc", "abcdef", 6) == 0.5


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_counts_the_throws_as_far_from_half(won, lost):
    thrown = won + lost
    as_far = sum(
        comb(thrown, heads) for heads in range(thrown + 1)
        if abs(2 * heads - thrown) >= abs(won - lost)
    )  # fmt: skip
    assert sign_test(won, lost) == pytest.approx(float(Fraction(as_far, 2**thrown)), rel=1e-9)
    assert sign_test(won, lost) == sign_test(lost, won)


def test_the_sign_test_of_very_many():
    assert sign_test(0, 0) == sign_test(500_000, 500_000) == 1
    assert sign_test(501_000, 499_000) == pytest.approx(0.0456, abs=1e-4)  # two deviations
    assert sign_test(1_000_000, 0) == 0
