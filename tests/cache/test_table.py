"""The table finds what it was given, wherever it was put."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from searchkbd.cache.table import KeyTable

WORDS = st.lists(st.integers(0, 30) | st.just(2**64 - 1), max_size=8)


def keys(words: list[int]) -> np.ndarray:
    return np.array([(word, 7) for word in words], dtype=np.uint64).reshape(-1, 2)


@given(st.lists(WORDS, max_size=6), st.integers(0, 6), st.none() | st.integers(0, 5), WORDS)
def test_it_agrees_with_lists(chunks, at_once, dropped, wanted):
    table = KeyTable()
    table.add([keys(words) for words in chunks[:at_once]], 0)
    for number, words in enumerate(chunks[at_once:], at_once):
        table.add([keys(words)], number)
    if dropped is not None:
        table.drop(dropped)
    numbers, places = table.find(keys(wanted))
    assert len(numbers) == len(places) == len(wanted)
    for word, number, place in zip(wanted, numbers.tolist(), places.tolist(), strict=True):
        if number < 0:
            kept = [words for at, words in enumerate(chunks) if at != dropped]
            assert all(word not in words for words in kept)
        else:
            assert number != dropped and chunks[number][place] == word
