"""How many pairs of each two languages are taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.corpus.sentence import CorpusError
from searchkbd.pairs.options import PrepareOptions
from searchkbd.pairs.shares import allocate, training_shares

RU, EN, RU_EN = ("kbd", "ru"), ("kbd", "en"), ("ru", "en")
PARTS = st.lists(st.tuples(st.floats(0, 10), st.integers(0, 1000)), min_size=1, max_size=6)


def taken(counts, **options) -> dict:
    return {s.langs: s.pairs for s in training_shares(counts, PrepareOptions(**options))}


@given(PARTS, st.integers(0, 3000))
def test_no_part_gets_more_than_there_is_and_nothing_is_lost(parts, total):
    weights, available = zip(*parts, strict=True)
    got = allocate(total, weights, available)
    possible = [n if w > 0 else 0 for w, n in parts]
    assert all(0 <= n <= most for n, most in zip(got, possible, strict=True))
    assert sum(got) == min(total, sum(possible))


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 500))
def test_shares_are_exact_to_one_where_there_is_enough(weights, total):
    got = allocate(total, weights, [10_000] * len(weights))
    for n, weight in zip(got, weights, strict=True):
        assert abs(n - total * weight / sum(weights)) < 1


def test_what_one_part_lacks_the_others_make_up_in_proportion():
    assert allocate(100, [2, 1, 1], [10, 1000, 1000]) == [10, 45, 45]
    assert allocate(100, [2, 2, 1], [1000, 10, 1000]) == [60, 10, 30]


def test_a_mix_is_as_large_as_the_scarcest_allow():
    counts = {RU: 1000, EN: 30, RU_EN: 500}
    assert taken(counts, mix={RU: 4, EN: 2, RU_EN: 1}) == {RU: 60, EN: 30, RU_EN: 15}
    assert taken(counts, mix={RU: 1, EN: 1}) == {RU: 30, EN: 30, RU_EN: 0}
    assert taken({}, mix={RU: 1}) == {RU: 0}


def test_a_mix_of_a_given_size_says_which_share_is_not_met():
    shares = training_shares({RU: 1000, EN: 30}, PrepareOptions(mix={RU: 1, EN: 1}, most=200))
    assert {s.langs: (s.pairs, s.asked, s.got, s.is_met) for s in shares} == {
        RU: (170, 0.5, 0.85, False), EN: (30, 0.5, 0.15, False),
    }  # fmt: skip


def test_temperature():
    counts = {RU: 10_000, EN: 100}
    assert taken(counts, temperature=1, most=1010) == {RU: 1000, EN: 10}
    assert taken(counts, temperature=2, most=110) == {RU: 100, EN: 10}
    assert taken(counts, temperature=100, most=100) == {RU: 51, EN: 49}
    with pytest.raises(CorpusError, match="--max"):
        PrepareOptions(temperature=5)
    with pytest.raises(CorpusError, match="--mix and --temperature"):
        PrepareOptions(temperature=5, most=5, mix={RU: 1})


def test_caps_come_before_shares():
    counts = {RU: 1000, EN: 30, RU_EN: 500}
    assert taken(counts, cap=100) == {RU: 100, EN: 30, RU_EN: 100}
    assert taken(counts, cap=100, most=23) == {RU: 10, EN: 3, RU_EN: 10}
    assert taken(counts) == counts
