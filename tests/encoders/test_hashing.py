"""Hashes of short strings."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.encoders.hashing import BASE, code_points, hash_all, spread


@given(st.sets(st.text(max_size=12), min_size=1, max_size=50))
def test_different_strings_have_different_hashes(strings):
    pieces = sorted(strings)
    ones = np.ones(len(pieces), np.uint64)
    both = np.concatenate([hash_all(pieces), hash_all(pieces, ones)])
    # The seed is a digit in front, and a leading digit 0 is none.
    told = {piece.lstrip("\0") for piece in pieces} | {"\1" + piece for piece in pieces}
    assert len(np.unique(both)) == len(told)


@given(st.text(st.characters(), min_size=1, max_size=20), st.integers(0, 1))
def test_a_hash_is_made_digit_by_digit(text, seed):
    value = np.array([seed], np.uint64)
    for code in code_points(text):
        value = value * BASE + code
    assert hash_all([text], np.array([seed], np.uint64)) == spread(value)


def test_code_points_are_those_of_any_string():
    assert code_points("aӏ😀\ud800").tolist() == [0x61, 0x4CF, 0x1F600, 0xD800]
    assert code_points("").tolist() == []


def test_hashes_do_not_depend_on_the_machine():
    assert hash_all(["вода", "##"]).tolist() == [13487683141873867, 14712820173345581832]
