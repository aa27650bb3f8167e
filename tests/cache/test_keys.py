"""Keys: one for each text and language, the same in every process."""

from __future__ import annotations

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.cache.keys import keys_of

PAIRS = st.tuples(st.text(max_size=6), st.none() | st.text(max_size=4))


@given(st.lists(PAIRS, max_size=12))
def test_keys_are_equal_where_text_and_language_are(pairs):
    keys = keys_of(pairs)
    assert keys.dtype == np.uint64 and keys.shape == (len(pairs), 2)
    for first, one in zip(pairs, keys.tolist(), strict=True):
        for second, other in zip(pairs, keys.tolist(), strict=True):
            assert (one == other) == (first == second)


def test_code_and_text_are_not_run_together():
    pairs = [("вода", "ru"), ("вода", None), ("вода", ""), ("uвода", "r"), ("ruвода", ""),
             ("2:ruвода", None), ("вода", "-"), ("\0вода", "ru")]  # fmt: skip
    assert len({tuple(key) for key in keys_of(pairs).tolist()}) == len(pairs)


def test_what_a_key_is():
    digest = hashlib.blake2b("3:kbdпсы".encode(), digest_size=16).digest()
    assert keys_of([("псы", "kbd")]).tobytes() == digest


def test_half_a_surrogate_pair_has_a_key():
    assert keys_of([("\ud83d", "en"), ("\ud83e", "en")])[0].tolist()
    assert len({tuple(key) for key in keys_of([("\ud83d", "en"), ("\ud83e", "en")]).tolist()}) == 2
