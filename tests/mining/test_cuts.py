"""The cut: each condition, their order, and what is left."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.mining.cuts import Cuts, Scored, apply
from searchkbd.mining.table import bit


def scored(similarity, *, sets=None, sources=None, flags=None, margin=None) -> Scored:
    n = len(similarity)
    return Scored(
        np.array(sets or [0] * n), np.array(sources or range(n)),
        np.array(flags or [0] * n, dtype=np.uint8), np.array(similarity),
        None if margin is None else np.array(margin),
    )  # fmt: skip


def kept(cuts: Cuts, pairs: Scored) -> list[int]:
    return np.flatnonzero(apply(cuts, pairs, [bit(flag) for flag in cuts.drop])[0]).tolist()


def test_nothing_is_cut_unless_said():
    assert kept(Cuts(), scored([0.1, -0.5], flags=[31, 0])) == [0, 1]


def test_each_condition():
    pairs = scored([0.1, 0.5, 0.7, 0.9], margin=[2, 1, 2, 1], sources=[0, 0, 1, 1],
                   flags=[0, bit("copied"), bit("copied") | bit("length"), 0])  # fmt: skip
    assert kept(Cuts(min_similarity=0.5), pairs) == [1, 2, 3]
    assert kept(Cuts(min_margin=1.5), pairs) == [0, 2]
    assert kept(Cuts(best_per_source=True), pairs) == [1, 3]
    assert kept(Cuts(drop=frozenset({"copied"})), pairs) == [0, 3]
    assert kept(Cuts(drop=frozenset({"length", "numbers"})), pairs) == [0, 1, 3]
    # The percentile is of what is left, and so is the best.
    assert kept(Cuts(drop=frozenset({"copied"}), percentile=50), pairs) == [3]
    assert kept(Cuts(min_margin=1.5, best_per_source=True), pairs) == [0, 2]


def test_the_first_of_equals_is_the_best():
    assert kept(Cuts(best_per_source=True), scored([0.5, 0.7, 0.7], sources=[0, 0, 0])) == [1]


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30), st.integers(0, 100))
def test_the_percentile_is_numpys(similarity, percentile):
    pairs = scored(similarity)
    keep, thresholds = apply(Cuts(percentile=percentile), pairs, [])
    assert thresholds == [np.percentile(similarity, percentile)]
    assert keep.tolist() == [value >= thresholds[0] for value in similarity]


def test_each_two_languages_have_a_percentile_of_their_own():
    pairs = scored([0.1, 0.2, 0.8, 0.9], sets=[0, 0, 1, 1])
    assert kept(Cuts(percentile=75), pairs) == [1, 3]
    some = scored([0.1, 0.2], sets=[0, 1], flags=[bit("copied"), 0])
    keep, thresholds = apply(Cuts(frozenset({"copied"}), 75), some, [bit("copied")])
    assert keep.tolist() == [False, True] and thresholds == [None, 0.2]


def test_what_makes_no_sense():
    with pytest.raises(ValueError, match="copied, language"):
        Cuts(drop=frozenset({"copy"}))
    with pytest.raises(ValueError, match="0 to 100"):
        Cuts(percentile=101)
    with pytest.raises(ValueError, match="margin"):
        apply(Cuts(min_margin=1), scored([0.5]), [])
